"""Knows when a server is not worth asking, so that visitors do not wait for it."""

from __future__ import annotations

import random

FAILURES = 5
"""Failures in a row that open the breaker."""
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 5.0


class Breaker:
    """Closed: everything passes. Open: nothing does, but for one probe after each pause; pauses double.

    Times are the event loop's, in seconds.
    """

    __slots__ = ("_failures", "_pause_s", "_probing", "_retry_at")

    def __init__(self) -> None:
        self._failures = 0
        self._pause_s = FIRST_PAUSE_S
        self._retry_at = 0.0
        self._probing = False

    def refuses(self, now: float) -> bool:
        """Return whether it is of no use to ask; changes nothing."""
        return self._failures >= FAILURES and now < self._retry_at

    def allows(self, now: float) -> bool:
        """Return whether the caller may ask, and is about to; after a pause, True is said once."""
        if self._failures < FAILURES:
            return True
        if now < self._retry_at:
            return False
        self._probing = True
        self._retry_at = now + self._pause_s  # for the next one, should this one's outcome never be told
        return True

    def succeeded(self) -> None:
        """Close it: the server answered."""
        self._failures = 0
        self._pause_s = FIRST_PAUSE_S
        self._probing = False

    def failed(self, now: float) -> None:
        """Count a failure; what was under way when the breaker opened makes no pause longer."""
        self._failures += 1
        if self._failures == FAILURES:
            self._retry_at = now + self._jittered()
        elif self._failures > FAILURES and self._probing:
            self._probing = False
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
            self._retry_at = now + self._jittered()

    def _jittered(self) -> float:
        """Let many processes not come back all at once."""
        return self._pause_s * random.uniform(0.8, 1.0)  # noqa: S311
