"""A clock for tests."""

from datetime import datetime, timedelta


class Clock:
    """Goes on by ``step`` with every look."""

    def __init__(self, start: datetime, step: timedelta) -> None:
        self.now = start
        self._step = step

    def __call__(self) -> datetime:
        """Return the moment and go on."""
        now, self.now = self.now, self.now + self._step
        return now
