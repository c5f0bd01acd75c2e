"""Write deploy/nginx/safe-headers.conf: what the backend says to browsers, for the nginx that serves the web app.

python scripts/frontend_headers.py            write it anew
python scripts/frontend_headers.py --check    fail when it is not what would be written
"""

import sys
from pathlib import Path

from shortly.api.safe_headers import ALWAYS
from shortly.api.web_app import POLICY

FILE = Path(__file__).parent.parent / "deploy" / "nginx" / "safe-headers.conf"
BY_FILE = {"cache-control": "$cache_control", "content-security-policy": "$content_policy"}
"""What depends on the file that is served; deploy/nginx/frontend.conf says how."""


def written() -> str:
    """Return what belongs into the file."""
    headers = {name.decode(): value.decode() for name, value in ALWAYS}
    lines = [
        "# Written by `make docs` out of what the backend says to browsers.",
        f'set $page_policy "{POLICY}";',
        f'set $policy "{headers["content-security-policy"]}";',
        *(f'add_header {name} "{BY_FILE.get(name, value)}" always;' for name, value in headers.items()),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write, or compare."""
    if "--check" not in sys.argv:
        FILE.write_text(written(), encoding="utf-8")
    elif FILE.read_text(encoding="utf-8") != written():
        sys.exit(f"{FILE.name} is not what `make docs` writes: call that, and commit it")


if __name__ == "__main__":
    main()
