"""Asking targets of links: real servers on this machine, which the tests' rules allow by its address alone."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import time
from pathlib import Path

import pytest
from tests.outbound.servers import Names, moved, ok, serving

from shortly.links.checks import Finding
from shortly.outbound.client import Limits
from shortly.outbound.resolver import Resolve
from shortly.outbound.rules import OutboundRules
from shortly.outbound.targets import Pace, Targets

pytestmark = pytest.mark.anyio
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
BASE_URL = "https://sho.rt"


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio."""
    return "asyncio"


def targets(*, deadline_s: float = 10, between_s: float = 0, resolver: Resolve | None = None) -> Targets:
    """Return what asks servers on 127.0.0.1, and no others on the inside."""
    return Targets(
        BASE_URL,
        OutboundRules(ports=None, allow=["127.0.0.1"]),
        resolver=resolver or Names(),
        between_s=between_s,
        limits=Limits(max_bytes=0, deadline_s=deadline_s, redirects=10),
    )


def answer(status: int) -> bytes:
    return f"HTTP/1.1 {status} Says So\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize("status", [200, 204, 400, 401, 403, 405, 429, 451])
async def test_a_server_that_answers_is_not_broken_whomever_it_refuses(status: int) -> None:
    async with serving(answer(status)) as server:
        finding = await targets().ask(server.url())
    assert (finding, finding.failed) == (Finding("answers", status), False)


@pytest.mark.parametrize("status", [404, 410, 500, 502, 503])
async def test_an_answer_that_says_there_is_nothing_is_a_failure(status: int) -> None:
    async with serving(answer(status)) as server:
        finding = await targets().ask(server.url())
    assert (finding, finding.failed) == (Finding("bad_status", status), True)
    assert [head.split(" ")[0] for head in server.heads] == ["HEAD", "GET"]


async def test_one_request_by_head_is_enough_and_says_who_asks() -> None:
    async with serving(ok()) as server:
        assert await targets().ask(server.url("/page?a=1")) == Finding("answers", 200)
    (head,) = server.heads
    assert head.startswith("HEAD /page?a=1 HTTP/1.1\r\n")
    assert f"link check; +{BASE_URL})\r\n" in head


async def test_a_server_that_knows_no_head_is_asked_by_get_whose_body_is_not_read() -> None:
    more_than_is_read = asyncio.Event()

    async def speak(head: str, writer: asyncio.StreamWriter) -> None:
        if head.startswith("HEAD"):
            writer.write(answer(501))
            return
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 999999999\r\n\r\nbegin")
        await writer.drain()
        await more_than_is_read.wait()

    async with serving(speak) as server:
        assert await targets(deadline_s=5).ask(server.url()) == Finding("answers", 200)


async def test_a_server_that_is_silent_to_head_alone_is_not_broken() -> None:
    async def speak(head: str, writer: asyncio.StreamWriter) -> None:
        if head.startswith("GET"):
            writer.write(ok())

    async with serving(speak) as server:
        assert await targets().ask(server.url()) == Finding("answers", 200)


async def test_a_server_that_never_answers_takes_too_long() -> None:
    async def speak(_: str, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with serving(speak) as server:
        assert await targets(deadline_s=0.3).ask(server.url()) == Finding("too_slow")


async def test_a_closed_port_and_an_unknown_name_are_failures() -> None:
    async with serving(ok()) as server:
        url = server.url()
    assert await targets().ask(url) == Finding("no_answer")

    async def knows_nothing(host: str, port: int) -> list[str]:
        raise OSError(host, port)

    assert await targets(resolver=knows_nothing).ask("http://gone.example.com/") == Finding("unknown_name")


async def test_a_certificate_of_no_known_authority_is_a_failure(tmp_path: Path) -> None:
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    files = [tmp_path / "certificate.pem", tmp_path / "key.pem"]
    subprocess.run([*words.split(), "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(files[0], files[1])
    async with serving(ok(), tls=tls) as server:
        assert await targets().ask(f"https://127.0.0.1:{server.port}/") == Finding("certificate")


async def test_redirects_are_followed_to_what_they_lead_to() -> None:
    async def speak(head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(moved("/there") if " / " in head else NOT_FOUND)

    async with serving(speak) as server:
        assert await targets().ask(server.url()) == Finding("bad_status", 404)
    assert [head.split(" ")[1] for head in server.heads] == ["/", "/there", "/", "/there"]


async def test_redirects_without_end_are_no_failure() -> None:
    async with serving(moved("/")) as server:
        finding = await targets().ask(server.url())
    assert (finding, finding.failed) == (Finding("led_on"), False)
    assert len(server.heads) == 11


@pytest.mark.parametrize(
    "target", ["http://10.0.0.1/", "http://169.254.169.254/latest", "http://[::1]/", "ftp://a.de/"]
)
async def test_what_is_inside_is_not_asked_and_not_called_broken(target: str) -> None:
    finding = await targets().ask(target)
    assert (finding, finding.failed) == (Finding("not_asked"), False)


async def test_a_redirect_does_not_lead_inside() -> None:
    async with serving(ok(), host="127.0.0.2") as inside, serving(moved(inside.url(host="127.0.0.2"))) as server:
        assert await targets().ask(server.url()) == Finding("not_asked")
    assert len(server.heads) == 1
    assert inside.heads == []


async def test_a_host_is_asked_once_in_a_while_and_waiting_costs_no_request_its_time() -> None:
    asked = 0

    async def speak(_: str, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        writer.write(moved("/") if asked < 4 else ok())

    async with serving(speak) as server:
        started = time.monotonic()
        assert await targets(between_s=0.8, deadline_s=2).ask(server.url()) == Finding("answers", 200)
        took_s = time.monotonic() - started
    assert asked == 4
    assert took_s >= 3 * 0.8 - 0.01  # more than the deadline


async def test_other_hosts_do_not_wait_and_few_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shortly.outbound.targets.MAX_HOSTS", 3)
    pace = Pace(0.01)
    started = time.monotonic()
    for number in range(200):
        await pace.turn(f"{number}.example.com")
        await asyncio.sleep(0.011 if number % 3 == 2 else 0)
        assert len(pace._free_at) <= 4
    assert time.monotonic() - started > 0.7


def test_nothing_but_the_wiring_lets_it_ask_inside(tmp_path: Path) -> None:
    """The installation's own rules count, and by them this machine is not asked."""
    assert asyncio.run(Targets(BASE_URL, OutboundRules()).ask("http://127.0.0.1:8080/")) == Finding("not_asked")
