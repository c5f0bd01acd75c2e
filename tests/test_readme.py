"""What the documents tell people to type, typed; what they list, compared."""

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


def section(document: str, mark: str) -> str:
    """Return what stands between the two comments that mark a part of a document."""
    (part,) = re.findall(f"<!-- {mark} -->(.*?)<!-- /{mark} -->", (ROOT / document).read_text("utf-8"), re.DOTALL)
    return str(part)


def shell_lines(document: str, mark: str) -> list[str]:
    """Return the shell lines of a marked part, in order."""
    blocks = re.findall(r"```sh\n(.*?)```", section(document, mark), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


def type_lines(lines: list[str], environment: dict[str, str], folder: Path) -> dict[str, str]:
    """Type the lines into one shell that stops at the first failure; return what each of them printed."""
    program = "".join(f"{line}\nprintf '{BETWEEN}'\n" for line in lines)
    program = program.replace(ADDRESS, environment["BASE_URL"]).replace(".venv/bin/", f"{BIN}/")
    bash = ["bash", "-euo", "pipefail", "-c", program]
    done = subprocess.run(bash, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    printed = dict(zip(lines, done.stdout.split(BETWEEN), strict=False))
    assert done.returncode == 0, f"{done.stderr}\nafter {printed}"
    return printed


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
def test_every_line_of_the_tour_does_what_the_readme_says(environment: dict[str, str], tmp_path: Path) -> None:
    printed = type_lines(shell_lines("README.md", "tour"), environment, tmp_path)

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


@pytest.mark.slow
@pytest.mark.usefixtures("server")
def test_the_backup_of_the_guide_is_a_whole_installation(environment: dict[str, str], tmp_path: Path) -> None:
    def shortly(*arguments: str, **settings: str) -> str:
        command = [str(BIN / "shortly"), *arguments]
        return subprocess.run(command, env=environment | settings, check=True, capture_output=True, text=True).stdout

    shortly("add", "https://example.com/", "--slug", "kept")
    type_lines(shell_lines("docs/backups.md", "backup"), environment, tmp_path)
    shortly("add", "https://example.com/", "--slug", "later")
    elsewhere = {"DATA_DIR": str(tmp_path / "elsewhere"), "BACKUP_TO": f"{environment['DATA_DIR']}/backups"}
    shortly("backup", "restore", "latest", **elsewhere)
    assert "kept" in shortly("list", **elsewhere)
    assert "later" not in shortly("list", **elsewhere)


@pytest.mark.slow
@pytest.mark.usefixtures("server")
def test_the_operations_guide_names_every_metric(environment: dict[str, str]) -> None:
    key = subprocess.run(
        [BIN / "shortly", "key", "create", "metrics"], env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()
    connection = HTTPConnection("127.0.0.1", int(environment["PORT"]), timeout=5)
    connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {key}"})
    served = re.findall(r"^# TYPE (\S+)", connection.getresponse().read().decode(), re.MULTILINE)
    connection.close()
    named = re.findall(r"^\| `(\w+)`", section("docs/operations.md", "metrics"), re.MULTILINE)
    assert sorted(named) == sorted(served)


def test_links_between_the_documents_lead_somewhere() -> None:
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    assert len(documents) > 10
    for document in documents:
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.relative_to(ROOT)} links to {target}"
