"""Where one request ends and the next begins is for the server to say alone, on the real server."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from tests.faults.served import Served

pytestmark = pytest.mark.faults

INNER = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def talk(served: Served, said: bytes) -> bytes:
    """Say something on one connection, and return all that comes back until it is closed or silent."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=2) as connection:
        answered = b""
        try:
            connection.sendall(said)
            while piece := connection.recv(65_536):
                answered += piece
        except TimeoutError:  # it waits for more, and has answered what there was
            pass
        except ConnectionError:
            pass
        return answered


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Start one service for all of these."""
    service = Served(tmp_path_factory.mktemp("framing") / "service")
    try:
        service.start()
        yield service
    finally:
        service.close()


def post(*headers: bytes) -> bytes:
    return b"\r\n".join([b"POST /api/v1/links HTTP/1.1", b"Host: localhost", *headers, b"", b""])


@pytest.mark.parametrize(
    "said",
    [
        post(b"Content-Length: %d" % len(INNER), b"Transfer-Encoding: chunked") + b"0\r\n\r\n" + INNER,
        post(b"Transfer-Encoding: chunked", b"Content-Length: 4") + b"5c\r\n" + INNER + b"\r\n0\r\n\r\n",
        post(b"Content-Length: 0", b"Content-Length: %d" % len(INNER)) + INNER,
        post(b"Content-Length: 0, %d" % len(INNER)) + INNER,
        post(b"Content-Length: +%d" % len(INNER)) + INNER,
        post(b"Content-Length : %d" % len(INNER)) + INNER,
        post(b"Transfer-Encoding: xchunked") + INNER,
        post(b"Transfer-Encoding: chunked, identity") + INNER,
        post(b"Transfer-Encoding : chunked") + b"0\r\n\r\n" + INNER,
        post(b"Transfer-Encoding: chunked") + b"0x0\r\n\r\n" + INNER,
        post(b"X: y\n Transfer-Encoding: chunked") + b"0\r\n\r\n" + INNER,
    ],
)
def test_no_request_hides_in_the_body_of_another(running: Served, said: bytes) -> None:
    answered = talk(running, said)
    assert b"link_not_found" not in answered
    assert b"This link does not exist" not in answered
    assert answered.count(b"HTTP/1.1 ") <= 1


def test_a_request_that_is_framed_well_is_followed_by_the_next(running: Served) -> None:
    answered = talk(running, b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n" + INNER)
    assert answered.count(b"HTTP/1.1 ") == 2
    assert b"This link does not exist" in answered


@pytest.mark.parametrize("path", [b"/docs", b"/unknown", b"/api/v1/links"])
def test_trace_repeats_nothing(running: Served, path: bytes) -> None:
    answered = talk(
        running, b"TRACE %s HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: canary\r\nConnection: close\r\n\r\n" % path
    )
    assert answered.startswith((b"HTTP/1.1 405", b"HTTP/1.1 404", b"HTTP/1.1 401"))
    assert b"canary" not in answered


def test_a_missing_host_and_http_1_0_are_answered(running: Served) -> None:
    assert talk(running, b"GET /health/live HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 200")
    assert b"unknown_host" in talk(running, b"GET /docs HTTP/1.1\r\nConnection: close\r\n\r\n")
    twice = b"GET /docs HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert b" 200 " not in talk(running, twice).split(b"\r\n")[0]


@pytest.mark.parametrize(
    "said",
    [
        b"GET /docs HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: " + b"a" * 2_000_000 + b"\r\n\r\n",
        b"GET /docs HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: a\r\n" * 100_000 + b"\r\n",
        b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /docs HTTP/1.1\r\nHost: localhost\r\nX-A: a\x00b\r\n\r\n",
    ],
    ids=["long header", "many headers", "long address", "control character"],
)
def test_what_no_browser_sends_is_refused_and_the_service_goes_on(running: Served, said: bytes) -> None:
    assert b" 200 " not in talk(running, said).split(b"\r\n")[0]
    assert running.api.get("/health/live").status_code == 200
