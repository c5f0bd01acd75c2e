"""The smoke test against services that run, and against some that only pretend to."""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from tests.cli.runs import Cli
from tests.faults.conftest import make_served
from tests.faults.processes import kill, wait_until
from tests.faults.served import Served, free_port

from shortly.cli import journey

__all__ = ["make_served"]


@pytest.fixture
def service(make_served: Callable[..., Served]) -> Served:
    """Start a service of one worker."""
    started = make_served()
    started.start()
    return started


def smoke(service: Served, *arguments: str, key: str | None = None) -> tuple[int, str, str]:
    """Run the real command against a service."""
    service._environment["SHORTLY_KEY"] = service.key if key is None else key
    process = service.command_line("smoke", f"http://127.0.0.1:{service.port}", *arguments)
    out, errors = process.communicate(timeout=90)
    return process.returncode, out, errors


def links_of(service: Served) -> list[Any]:
    items: list[Any] = service.api.get("/api/v1/links").json()["items"]
    return items


@pytest.mark.slow
def test_a_service_that_works_passes_every_step_and_keeps_no_link(service: Served) -> None:
    code, out, errors = smoke(service)
    assert code == 0, out + errors
    rows = [line.split("\t") for line in out.splitlines()]
    assert [row[:2] for row in rows] == [
        [name, "ok"] for name in ("health", "headers", "create", "follow", "count", "delete", "gone")
    ]
    assert links_of(service) == []


@pytest.mark.slow
def test_a_key_that_is_none_fails_the_creation_alone(service: Served) -> None:
    code, out, _ = smoke(service, "--json", key="no-such-key")
    answer = json.loads(out)
    assert code == 1
    assert not answer["passed"]
    failed = [step for step in answer["steps"] if not step["passed"]]
    assert [step["name"] for step in failed] == ["create"]
    assert "401" in failed[0]["message"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_smoke_test_that_is_stopped_deletes_its_link(
    make_served: Callable[..., Served], number: signal.Signals
) -> None:
    service = make_served()
    service.start()
    service._environment["SHORTLY_KEY"] = service.key
    process = service.command_line("smoke", f"http://127.0.0.1:{service.port}")
    kill(service.supervisor, signal.SIGSTOP)  # nobody counts the click that it waits for
    wait_until(lambda: bool(links_of(service)), within_s=20, what="it has a link", every_s=0.01)
    process.send_signal(number)
    out, _ = process.communicate(timeout=30)
    kill(service.supervisor, signal.SIGCONT)
    assert process.returncode != 0, out
    assert links_of(service) == []


class Pretender(BaseHTTPRequestHandler):
    """Says yes to everything, and does nothing."""

    deleted: list[str]
    location = "https://evil.example/"

    def answer(self, status: int, body: bytes = b"{}", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        if self.path == "/health/ready":
            self.answer(503, b'{"status": "failing"}')
        else:
            self.answer(302, Location=self.location)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(201)

    def do_DELETE(self) -> None:
        self.deleted.append(self.path)
        self.answer(204, b"")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def pretender() -> Iterator[tuple[str, list[str]]]:
    """Run a server that pretends; yield its address, and what it was asked to delete."""
    deleted: list[str] = []
    kind = type("Kind", (Pretender,), {"deleted": deleted})
    with ThreadingHTTPServer(("127.0.0.1", free_port()), kind) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", deleted
        server.shutdown()


def test_who_only_pretends_is_found_out(
    cli: Cli, pretender: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, deleted = pretender
    monkeypatch.setenv("SHORTLY_KEY", "any")
    result = cli("smoke", url, "--json")
    assert result.exit_code == 1
    steps = {step["name"]: step for step in json.loads(result.stdout)["steps"]}
    assert [name for name, step in steps.items() if step["passed"]] == ["create", "delete"]
    assert "503" in steps["health"]["message"]
    assert "content-security-policy" in steps["headers"]["message"]
    assert "elsewhere" in steps["follow"]["message"]
    assert "302" in steps["gone"]["message"]
    assert len(deleted) == 1


def test_a_server_that_is_not_there_fails_within_the_time(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHORTLY_KEY", "any")
    began = time.monotonic()
    result = cli("smoke", f"http://127.0.0.1:{free_port()}", "--json")
    assert result.exit_code == 1
    assert not any(step["passed"] for step in json.loads(result.stdout)["steps"])
    assert time.monotonic() - began < journey.LIMITS.deadline_s


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://127.0.0.1:1", ""),
        ("http://127.0.0.1:1", "a\r\nX-Other: 1"),
        ("ftp://s.example", "any"),
        ("nonsense", "any"),
        ("http://user:secret@s.example", "any"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(cli: Cli, monkeypatch: pytest.MonkeyPatch, url: str, key: str) -> None:
    monkeypatch.setenv("SHORTLY_KEY", key)
    result = cli("smoke", url)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1


def test_a_metadata_service_is_never_asked(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHORTLY_KEY", "any")
    result = cli("smoke", "http://169.254.169.254")
    assert result.exit_code == 1
    assert "may not be asked" in result.stdout
