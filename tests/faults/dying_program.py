"""The service in one process, which dies by itself: ``DIE_AT=answer:1`` at the first call of the store's ``answer``,
``DIE_AFTER=add_links:2`` when the second ``add_links`` is done."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import uvicorn

from shortly.store.redis import RedisStore
from shortly.store.sqlite import SqliteStore


def arrange_death(store: type, at: str, *, after: bool) -> None:
    """Let the process be killed around one call of a method."""
    name, _, number = at.partition(":")
    method = getattr(store, name)
    left = int(number)

    async def dying(*args: Any, **options: Any) -> Any:
        nonlocal left
        left -= 1
        if not left and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = await method(*args, **options)
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(store, name, dying)


def main() -> None:
    """Serve on the port that is the argument."""
    for store in (SqliteStore, RedisStore):
        for variable, after in (("DIE_AT", False), ("DIE_AFTER", True)):
            if variable in os.environ:
                arrange_death(store, os.environ[variable], after=after)
    uvicorn.run("shortly.app:create_app", factory=True, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")


if __name__ == "__main__":
    main()
