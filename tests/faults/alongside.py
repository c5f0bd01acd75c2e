"""Somebody who does something again and again beside the test, in a thread of their own, until left."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self


class Alongside:
    """Begun by ``with``; what goes wrong in the thread is raised when it is left."""

    def __init__(self, name: str) -> None:
        self._left = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._left.set()
        self._thread.join(30)
        assert not self._thread.is_alive(), f"{self._thread.name} does not end"
        if self._failure is not None and error is None:
            raise self._failure

    def work(self) -> None:
        """Do it; to be ended soon after ``pause`` returns True."""
        raise NotImplementedError

    def pause(self, seconds: float) -> bool:
        """Wait, and return whether it is time to end."""
        return self._left.wait(seconds)

    def _run(self) -> None:
        try:
            self.work()
        except BaseException as failure:
            self._failure = failure
