"""A visitor who opens one address after the other, and writes down what came of it and when."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

import httpx2
from tests.faults.alongside import Alongside
from tests.faults.served import Served


class Seen(NamedTuple):
    """One request and its answer."""

    path: str
    at: float
    """``time.monotonic`` when it was sent."""
    status: int
    """0: no answer within ten seconds, or the connection broke."""
    took_s: float
    retry_after: str | None


class Probe(Alongside):
    """Asks in a thread of its own, until left.

    Args:
        served: Who is asked.
        paths: Asked for in this order; the probe ends when there are no more.
        every_s: Pause after each answer.
    """

    def __init__(self, served: Served, paths: Iterator[str], *, every_s: float = 0.05) -> None:
        super().__init__("probe")
        self.seen: list[Seen] = []
        self._base_url = f"http://127.0.0.1:{served.port}"
        self._paths = paths
        self._every_s = every_s

    def between(self, start: float, end: float) -> list[Seen]:
        """Return what was asked and answered between two moments of ``time.monotonic``."""
        return [seen for seen in self.seen if seen.at >= start and seen.at + seen.took_s <= end]

    @property
    def statuses(self) -> set[int]:
        """All that came."""
        return {seen.status for seen in self.seen}

    @property
    def slowest_s(self) -> float:
        """How long the slowest answer took."""
        return max((seen.took_s for seen in self.seen), default=0.0)

    def work(self) -> None:
        """Ask."""
        with httpx2.Client(base_url=self._base_url, timeout=10.0, trust_env=False) as visitor:
            for path in self._paths:
                at = time.monotonic()
                try:
                    answer = visitor.get(path, follow_redirects=False)
                    status, retry_after = answer.status_code, answer.headers.get("retry-after")
                except httpx2.TransportError:
                    status, retry_after = 0, None
                self.seen.append(Seen(path, at, status, time.monotonic() - at, retry_after))
                if self.pause(self._every_s):
                    return
