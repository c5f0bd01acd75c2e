"""Draw secrets that no person has to know: draw.py FOLDER NAME...; those that are there already stay as they are."""

import os
import secrets
import sys
from pathlib import Path


def draw(path: Path) -> None:
    """Write a new secret, whole or not at all; the folder is seen only by containers that need it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(secrets.token_urlsafe(32))
    draft.chmod(0o444)  # the containers that read it run as users of their own
    try:
        os.link(draft, path)
    except FileExistsError:
        print(f"{path.name}: is there")
    else:
        print(f"{path.name}: drawn")
    draft.unlink()


if __name__ == "__main__":
    for name in sys.argv[2:]:
        draw(Path(sys.argv[1]) / name)
