"""The README's tour, line by line, against a server."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
ADDRESS = "http://localhost:8000"
BETWEEN = "\x1e"


def tour_lines() -> list[str]:
    """Return the shell lines between the tour's two marks, in order."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (tour,) = re.findall(r"<!-- tour -->(.*?)<!-- /tour -->", readme, re.DOTALL)
    return [line for block in re.findall(r"```sh\n(.*?)```", tour, re.DOTALL) for line in block.splitlines() if line]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return the settings that server and commands share: a free port and a folder of their own."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PORT": str(port),
        "BASE_URL": f"http://localhost:{port}",
        "DATA_DIR": str(tmp_path / "data"),
    }


@pytest.fixture
def server(environment: dict[str, str]) -> Iterator[None]:
    """Serve for as long as the test runs."""
    process = subprocess.Popen([BIN / "shortly", "serve"], env=environment)
    try:
        deadline = time.monotonic() + 30
        while not answers(int(environment["PORT"])):
            assert process.poll() is None, "the server stopped by itself"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)
        yield
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@pytest.mark.slow
@pytest.mark.usefixtures("server")
def test_every_line_of_the_tour_does_what_the_readme_says(environment: dict[str, str]) -> None:
    lines = tour_lines()
    program = "".join(f"{line}\nprintf '{BETWEEN}'\n" for line in lines)
    program = program.replace(ADDRESS, environment["BASE_URL"]).replace(".venv/bin/shortly", str(BIN / "shortly"))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    printed = dict(zip(lines, done.stdout.split(BETWEEN), strict=False))
    assert done.returncode == 0, f"{done.stderr}\nafter {printed}"

    def printed_by(fragment: str) -> str:
        (output,) = [output for line, output in printed.items() if fragment in line]
        return output

    made = json.loads(printed_by('"slug": "tour"'))
    assert (made["slug"], made["short_url"]) == ("tour", f"{environment['BASE_URL']}/tour")
    assert printed_by("redirect_url") == "302 https://example.com/a/long/address\n"
    assert "code" not in json.loads(printed_by("$API/links/tour/stats"))
    edited = json.loads(printed_by('"tags": ["demo"]'))
    assert (edited["target"], edited["tags"]) == ("https://example.org/", ["demo"])
    assert json.loads(printed_by("too late"))["code"] == "link_changed"
    assert "invalid_target" in printed_by("javascript:")
    assert {link["slug"] for link in json.loads(printed_by("search=example"))["items"]} >= {"tour"}
    assert "tour" in printed_by("shortly list --json")


def test_links_between_the_documents_lead_somewhere() -> None:
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    assert len(documents) > 10
    for document in documents:
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.relative_to(ROOT)} links to {target}"
