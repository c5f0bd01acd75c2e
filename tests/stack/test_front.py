"""What nginx sends where agrees with the program's own lists; needs no engine."""

import re
import subprocess
import sys

from tests.stack.engine import ROOT

from shortly.links.reserved import RESERVED

NGINX = ROOT / "deploy" / "nginx"


def locations(file: str) -> set[str]:
    """Return the first segments that a file's locations name."""
    text = (NGINX / file).read_text()
    found = re.findall(r"^\s*location\s+(?:(?:=|~\*|~|\^~)\s+)?([^@\s]\S*)\s*\{", text, re.MULTILINE)
    assert found
    segments: set[str] = set()
    for pattern in found:
        bare = pattern.replace("\\", "").removeprefix("^").replace("/+", "/").removeprefix("/")
        group = re.fullmatch(r"\(([^)]*)\)\$", bare)
        segments |= set(group[1].split("|")) if group else {re.split(r"[/($]", bare)[0]}
    return segments


def test_nginx_takes_no_address_that_could_be_a_short_link() -> None:
    for file in ("routes.conf", "http.conf", "https.conf"):
        if "location" in (NGINX / file).read_text():
            assert locations(file) <= RESERVED, file


def test_the_frontend_gets_what_belongs_to_the_web_app_and_nothing_else() -> None:
    text = (NGINX / "routes.conf").read_text()
    assert text.count("proxy_pass http://frontend;") == 5  # /, /app, /app/, /assets/ and the files at the root
    assert {"app", "assets", "manifest.webmanifest", "sw.js"} == locations("routes.conf") - {"", "api", "metrics"}


def test_the_frontends_headers_are_the_backends() -> None:
    check = [sys.executable, "scripts/frontend_headers.py", "--check"]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
