"""``python -m bench.tries PORT RATE SECONDS``: try passwords so many times a second, and say what came back.

An empty line says that it begins.
"""

from __future__ import annotations

import selectors
import socket
import sys
import time

import msgspec
from msgspec import Struct

CONNECTIONS = 16
BODY = b'{"email":"admin@example.com","password":"correct horse battery staple"}'
REQUEST = (
    b"POST /api/v1/auth/sign-in HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(BODY), BODY)
)


class Tried(Struct, frozen=True):
    """What it reports, as JSON."""

    sent: int
    refused: int
    """Answers 429."""
    others: int
    broken: int
    """Connections that the server closed."""
    seconds: float


def try_passwords(port: int, rate: float, seconds: float) -> Tried:
    """Send at even distances, each on the next connection that waits for nothing."""
    selector = selectors.DefaultSelector()
    idle = [connect(port) for _ in range(CONNECTIONS)]
    sent = refused = others = broken = 0
    print(flush=True)
    began = time.monotonic()
    while (now := time.monotonic()) - began < seconds:
        due = int((now - began) * rate) - sent
        while due > 0 and idle:
            connection = idle.pop()
            connection.sendall(REQUEST)
            selector.register(connection, selectors.EVENT_READ)
            sent, due = sent + 1, due - 1
        for key, _ in selector.select(timeout=0.001):
            connection = key.fileobj  # type: ignore[assignment]
            selector.unregister(connection)
            try:
                answer = connection.recv(65_536)
            except OSError:
                answer = b""
            if not answer:
                broken += 1
                connection.close()
                connection = connect(port)
            elif answer.startswith(b"HTTP/1.1 429"):
                refused += 1
            else:
                others += 1
            idle.append(connection)
    return Tried(sent, refused, others, broken, time.monotonic() - began)


def connect(port: int) -> socket.socket:
    """Return a new connection."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


if __name__ == "__main__":
    tried = try_passwords(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
    print(msgspec.json.encode(tried).decode())
