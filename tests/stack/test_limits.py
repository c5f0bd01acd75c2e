"""Slow and greedy clients at the real nginx: they are cut off, and nobody else notices."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from tests.stack.engine import STACK, Stack, docker

pytestmark = STACK

HEADERS_S, BODY_S = 10, 20
"""client_header_timeout and client_body_timeout of deploy/nginx/nginx.conf."""
SLACK_S = 20
"""How much later a busy machine may get to it."""
MOST = 4
"""Connections that one address may keep busy, in the second nginx here."""
POST = b"POST /api/v1/links HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def strict(stack: Stack) -> Iterator[int]:
    """Run a second nginx beside the first one, which takes few connections of one address; return its port here."""
    limits = ("--env", f"CONNECTIONS_PER_ADDRESS={MOST}", "--env", "MAX_BODY_MB=1")
    name = stack.compose("run", "--detach", "--no-deps", "--publish", "127.0.0.1::8080", *limits, "nginx").split()[-1]
    try:
        port = int(docker("port", name, "8080/tcp").splitlines()[0].rpartition(":")[2])
        deadline = time.monotonic() + 60
        while docker("inspect", "-f", "{{.State.Health.Status}}", name) != "healthy":
            assert time.monotonic() < deadline, docker("logs", name)
            time.sleep(0.2)
        yield port
    finally:
        docker("rm", "--force", name)


def answer_of(connection: socket.socket) -> bytes:
    """Return everything that comes until the connection ends, or is reset."""
    received = b""
    try:
        while chunk := connection.recv(65_536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def status_of(port: int, *, path: str = "/health") -> int:
    """Ask once, as somebody else."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        return int(answer_of(connection).split()[1])


def trickle(port: int, begin: bytes, drop: bytes, *, every_s: float, within_s: float) -> tuple[float, bytes]:
    """Send a beginning, then ``drop`` after ``drop``; return after how many seconds it was cut off, and the answer."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=every_s) as connection:
        connection.sendall(begin)
        received = b""
        while time.monotonic() - began < within_s:
            try:
                chunk = connection.recv(65_536)
                if not chunk:
                    return time.monotonic() - began, received
                received += chunk
            except TimeoutError:
                pass
            except ConnectionResetError:
                return time.monotonic() - began, received
            try:
                if drop:
                    connection.sendall(drop)
            except (BrokenPipeError, ConnectionResetError):
                return time.monotonic() - began, received
    pytest.fail(f"not cut off within {within_s} s: {received!r}")


def test_who_is_slow_is_cut_off_and_nobody_else_waits(stack: Stack) -> None:
    port = stack.port()
    with ThreadPoolExecutor(4) as several:
        silent = several.submit(trickle, port, b"", b"", every_s=1, within_s=HEADERS_S + SLACK_S)
        headers = several.submit(
            trickle, port, b"GET / HTTP/1.1\r\nX-Slow: ", b"x", every_s=1, within_s=HEADERS_S + SLACK_S
        )
        body = several.submit(
            trickle, port, POST + b"Content-Length: 1000\r\n\r\n{", b"", every_s=1, within_s=BODY_S + SLACK_S
        )
        while not body.done():
            assert status_of(port) == 200
            time.sleep(0.2)
        for slow, least_s in ((silent, HEADERS_S), (headers, HEADERS_S), (body, BODY_S)):
            after_s, answer = slow.result()
            assert after_s >= least_s - 1
            assert answer == b"" or answer.split()[1] == b"408"


def test_one_address_keeps_only_so_many_connections_busy(strict: int) -> None:
    with ExitStack() as opened:
        waiting = []
        for _ in range(MOST + 3):
            connection = opened.enter_context(socket.create_connection(("127.0.0.1", strict), timeout=20))
            connection.sendall(POST + b"Content-Length: 1000\r\n\r\n{")  # and nothing more: it is being taken in
            waiting.append(connection)
        while len(waiting) > MOST:
            refused, _, _ = select.select(waiting, [], [], BODY_S - 5)
            assert refused, f"{len(waiting)} are being served"
            for connection in refused:
                assert connection.recv(65_536).split()[1] == b"429"
                waiting.remove(connection)
        assert status_of(strict) == 429
        assert select.select(waiting, [], [], 0)[0] == []
    deadline = time.monotonic() + 20
    while status_of(strict) != 200:
        assert time.monotonic() < deadline, "nobody is served any more"


def test_a_body_that_does_not_say_how_long_it_is_is_cut_at_the_limit(strict: int) -> None:
    with socket.create_connection(("127.0.0.1", strict), timeout=20) as connection:
        connection.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = f"{1 << 16:x}\r\n".encode() + b"x" * (1 << 16) + b"\r\n"
        try:
            for _ in range(20):
                connection.sendall(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it does not read on
        received = answer_of(connection)
    assert received == b"" or received.split()[1] == b"413"
    assert status_of(strict) == 200


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 4\r\nContent-Length: 5\r\n",
        b"Content-Length: -1\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"X-Null: a\x00b\r\n",
        b"".join(b"X-Many-%d: %s\r\n" % (number, b"x" * 7000) for number in range(6)),
    ],
    ids=["length-and-chunks", "two-lengths", "negative", "unknown-coding", "nul", "more-than-fits"],
)
def test_what_two_servers_could_read_differently_is_refused(stack: Stack, lines: bytes) -> None:
    with socket.create_connection(("127.0.0.1", stack.port()), timeout=20) as connection:
        connection.sendall(POST + lines + b"\r\n0\r\n\r\n")
        status = int(answer_of(connection).split()[1])
    assert status in (400, 501), status
