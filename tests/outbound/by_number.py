"""A server in a thread, for tests that run no event loop of their own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class ByNumber(ThreadingHTTPServer):
    """Somebody's server; ``/404`` is answered by 404, unless all is well."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_well = False
        super().__init__(("127.0.0.1", 0), Page)

    def url(self, path: str = "/200") -> str:
        """Return an address on it."""
        return f"http://127.0.0.1:{self.server_port}{path}"


class Page(BaseHTTPRequestHandler):
    """One answer."""

    server: ByNumber

    def do_GET(self) -> None:
        """Answer, and remember what was asked."""
        self.server.asked.append(f"{self.command} {self.path}")
        self.send_response(200 if self.server.is_well else int(self.path[1:]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def running() -> Iterator[ByNumber]:
    """Run one in a thread."""
    with ByNumber() as site:
        thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield site
        finally:
            site.shutdown()
            thread.join()
