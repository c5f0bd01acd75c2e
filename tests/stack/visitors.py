"""Visitors who come all the time, on connections that they keep, and never ask twice."""

from __future__ import annotations

import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPSConnection

HOW_MANY = 8
PATIENCE_S = 10.0


class Visits:
    """What visitors got; complete when they have left."""

    def __init__(self) -> None:
        self.answers: Counter[str] = Counter()
        """How often each status came, or the name of what came instead of an answer."""
        self.failures: list[str] = []
        """Whatever was not a good answer, with the second of the visit."""
        self.slowest_s = 0.0

    @property
    def redirected(self) -> int:
        """How many were led on."""
        return self.answers["302"]


@contextmanager
def visiting(
    port: int,
    path: str,
    *,
    a_second: float = 100.0,
    wanted: int = 302,
    tls: ssl.SSLContext | None = None,
    host: str = "localhost",
) -> Iterator[Visits]:
    """Have visitors follow a link while the block runs, ``a_second`` of them in all; with ``tls`` by HTTPS.

    Args:
        port: On this machine.
        path: The link, or a page.
        a_second: How many visits, if they are answered as fast.
        wanted: The status of a good answer.
        tls: How certificates are verified.
        host: The name by which they find the installation.
    """
    visits, lock, leave = Visits(), threading.Lock(), threading.Event()
    began = time.monotonic()

    def come(nth: int) -> None:
        connection: HTTPConnection | None = None
        due = began + nth / a_second
        while not leave.wait(max(0.0, due - time.monotonic())):
            due = max(due + HOW_MANY / a_second, time.monotonic() - 1)
            asked = time.monotonic()
            try:
                if connection is None:
                    connection = connect(port, tls)
                connection.request("GET", path, headers={"Host": host, "User-Agent": "Mozilla/5.0"})
                answer = connection.getresponse()
                answer.read()
                got = str(answer.status)
                if answer.will_close:
                    connection.close()
                    connection = None
            except (OSError, HTTPException) as failure:
                got = f"{type(failure).__name__}: {failure}"
                if connection is not None:
                    connection.close()
                connection = None
            with lock:
                visits.answers[got] += 1
                visits.slowest_s = max(visits.slowest_s, time.monotonic() - asked)
                if got != str(wanted):
                    visits.failures.append(f"{asked - began:.2f} s: {got}")
        if connection is not None:
            connection.close()

    threads = [threading.Thread(target=come, args=(nth,), daemon=True) for nth in range(HOW_MANY)]
    for thread in threads:
        thread.start()
    try:
        yield visits
    finally:
        leave.set()
        for thread in threads:
            thread.join(2 * PATIENCE_S)
    assert visits.answers, "nobody came"


def connect(port: int, tls: ssl.SSLContext | None) -> HTTPConnection:
    """Open a connection to this machine; ``tls`` proves the name that it was given, not this machine's."""
    if tls is None:
        return HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    return HTTPSConnection("127.0.0.1", port, timeout=PATIENCE_S, context=tls)
