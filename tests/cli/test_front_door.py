"""The real executable, as scripts and people meet it."""

import json
import os
import pty
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest
from tests.cli.runs import EXECUTABLE, Execute

from shortly.cli.bulk import AT_ONCE

pytestmark = pytest.mark.slow


def test_help_names_every_command_without_importing_what_is_heavy(execute: Execute) -> None:
    shown = execute("--help", env={**os.environ, "PYTHONPROFILEIMPORTTIME": "1"})
    assert shown.returncode == 0
    assert all(f"\n  {name} ".encode() in shown.stdout for name in ("serve", "add", "list", "doctor", "key"))
    imported = {line.rpartition("|")[2].strip() for line in shown.stderr.decode().splitlines()}
    assert "typer" in imported
    assert imported.isdisjoint({"fastapi", "pydantic_settings", "granian", "apsw", "rich", "structlog"})


def test_what_scripts_need_is_alone_on_stdout(execute: Execute) -> None:
    added = execute("add", "https://example.com", "--slug", "ü")
    assert (added.returncode, added.stdout) == (1, b"")
    assert added.stderr.decode() == "error: The slug may contain only letters A-Z, digits, '-' and '_'.\n"
    added = execute("add", "https://example.com", "--slug", "a", "--title", "ü")
    assert (added.returncode, added.stdout, added.stderr) == (0, b"https://s.example/a\n", b"")
    shown = execute("show", "a", "--json", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert json.loads(shown.stdout)["title"] == "ü"


def test_arguments_that_are_no_utf_8_are_refused(execute: Execute) -> None:
    for arguments in ((b"add", b"https://example.com/\xff"), (b"show", b"\xc3\x28"), (b"\xfe",)):
        refused = execute(*arguments)
        assert refused.returncode == 2
        assert refused.stdout == b""
        assert refused.stderr.startswith(b"error: The argument ")
        assert len(refused.stderr.splitlines()) == 1


def test_a_reader_that_goes_away_is_no_error(execute: Execute) -> None:
    lines = b"".join(b'{"target": "https://example.com/%d"}\n' % n for n in range(2000))
    assert execute("add", "--from", "-", given=lines).returncode == 0
    listing = subprocess.Popen([EXECUTABLE, "list", "--all"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert listing.stdout is not None
    assert listing.stderr is not None
    with listing.stdout, listing.stderr:
        listing.stdout.readline()
        listing.stdout.close()
        assert listing.stderr.read() == b""
    assert listing.wait(30) == 141


def test_an_interrupt_ends_with_130_and_no_traceback() -> None:
    reading = subprocess.Popen(
        [EXECUTABLE, "add", "--from", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert reading.stdin is not None
    assert reading.stdout is not None
    assert reading.stderr is not None
    given_up = Timer(60, reading.kill)
    given_up.start()
    with reading.stdin, reading.stdout, reading.stderr:
        reading.stdin.write(b'{"target": "https://example.com/1"}\n' * (AT_ONCE + 100))  # more than is stored at once
        reading.stdin.flush()
        assert reading.stdout.readline().startswith(b"https://s.example/")  # it is in the middle of its work
        reading.send_signal(signal.SIGINT)
        assert reading.wait(30) == 130
        assert b"Traceback" not in reading.stderr.read()
    given_up.cancel()


def test_a_folder_that_cannot_be_used_is_one_sentence(execute: Execute, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "data", tmp_path / ("x" * 300)):
        refused = execute("list", env={**os.environ, "DATA_DIR": str(folder)})
        assert refused.returncode == 1
        assert b"Traceback" not in refused.stderr
        assert refused.stderr.splitlines()[-1].startswith(b"error: ")


@contextmanager
def terminal(*arguments: str) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """Run the executable with a terminal for stdin, stdout and stderr."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [EXECUTABLE, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "dumb"},
    )
    os.close(theirs)
    try:
        yield ours, process
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def read_terminal(ours: int, until: str = "") -> str:
    """Return what was printed until this text, or until the process ended."""
    shown = ""
    while not until or until not in shown:
        try:
            shown += os.read(ours, 4096).decode()
        except OSError:  # the other side is closed
            break
    return shown


@pytest.mark.parametrize(("answer", "left"), [(b"n\n", True), (b"y\n", False)])
def test_rm_asks_on_a_terminal(execute: Execute, answer: bytes, left: bool) -> None:
    execute("add", "https://example.com", "--slug", "a")
    with terminal("rm", "a") as (ours, process):
        assert "Delete 'a'?" in read_terminal(ours, until="]: ")
        os.write(ours, answer)
        read_terminal(ours)
        assert process.wait(30) == int(left)
    assert (execute("show", "a").returncode == 0) is left


def test_on_a_terminal_there_are_headings_and_bars(execute: Execute) -> None:
    execute("add", "https://example.com", "--slug", "a", "--title", "[bold]not markup[/bold]")
    for command, expected in (
        (("list",), ("short url", "https://s.example/a ", "[bold]")),
        (("stats", "a"), ("clicks", "visitors", "from")),
        (("doctor",), ("check", "finding", "->")),
    ):
        with terminal(*command) as (ours, process):
            shown = read_terminal(ours)
            assert process.wait(30) == 0
        assert all(text in shown for text in expected)


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch(url: str, **headers: str) -> int:
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code


def wait_until_up(url: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server ended"
        try:
            if fetch(url) == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the server did not come up")


def test_neither_secrets_nor_addresses_get_into_the_log_of_a_server(
    execute: Execute, free_port: int, tmp_path: Path
) -> None:
    """The canaries: keys, passwords and addresses of visitors, sent every way there is; every line is looked at."""
    environment = {
        **os.environ,
        "LOG_LEVEL": "debug",
        "LOG_FORMAT": "json",
        "TRUSTED_PROXIES": "127.0.0.0/8",
        "BASE_URL": f"http://127.0.0.1:{free_port}",
        "EXTRA_DOMAINS": "",
    }
    key = execute("key", "create", "canary", env=environment).stdout.decode().strip()
    execute("add", "https://example.com/?token=canary-target", "--slug", "a", env=environment)
    base = f"http://127.0.0.1:{free_port}"
    log = tmp_path / "log"
    with log.open("wb") as stderr:
        server = subprocess.Popen([EXECUTABLE, "serve", "--port", str(free_port)], stderr=stderr, env=environment)
        try:
            wait_until_up(f"{base}/health/ready", server)
            visitor = {"X_Forwarded_For": "203.0.113.77", "Forwarded": "for=203.0.113.77"}
            unfit = key[:-1] + ("a" if key[-1] != "a" else "b")
            assert fetch(f"{base}/api/v1/links", Authorization=f"Bearer {key}", **visitor) == 200
            assert fetch(f"{base}/api/v1/links?cursor=junk&search={key}", X_Api_Key=key, **visitor) == 422
            assert fetch(f"{base}/api/v1/links", Authorization=f"Bearer {unfit}", **visitor) == 401
            assert fetch(f"{base}/api/v1/links", Cookie="session=canary-cookie", **visitor) == 401
            assert fetch(f"{base}/{key}", X_Forwarded_For="2001:db8:77::1") == 404
            assert fetch(f"{base}/api/{key}", X_Forwarded_For="2001:db8:77::1") in (401, 404)
        finally:
            server.send_signal(signal.SIGTERM)
            assert server.wait(30) == 0
    lines = log.read_text().splitlines()
    assert len(lines) > 5
    events = [json.loads(line)["event"] for line in lines]
    assert "request" in events
    for line in lines:
        for canary in (key[4:], unfit[4:-1], "canary-", "203.0.113", "2001:db8"):
            assert canary not in line
