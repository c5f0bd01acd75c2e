"""A final pass of a move that kills itself right after its n-th change of the target.

Takes the folder of its notes, the two URLs and the number as arguments.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

from shortly.settings import load_settings
from shortly.store.migration.ledger import open_ledger
from shortly.store.migration.move import Move, Side
from shortly.store.migration.progress import Progress
from shortly.store.opening import open_place, place_of

CHANGES = ("add_links", "replace_links", "delete_links", "write_records", "fold", "prune", "forget_segments")


class Deadly:
    """A store or ledger after so many changes of which its process dies."""

    left = 0
    done = 0

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._inner, name)
        if not (iscoroutinefunction(inner) and (name in CHANGES or name.startswith("put_"))):
            return inner

        async def change(*args: Any, **options: Any) -> Any:
            outcome = await inner(*args, **options)
            Deadly.done += 1
            if Deadly.done == Deadly.left:
                os.kill(os.getpid(), signal.SIGKILL)
            return outcome

        return change


async def main(folder: str, *urls: str) -> None:
    """Do one final pass, and print how many changes it made."""
    settings = load_settings({"data_dir": Path(folder)})
    places = [place_of(url, settings) for url in urls]
    async with AsyncExitStack() as opened:
        sides: list[tuple[Any, Any]] = []
        for place in places:
            store = await opened.enter_async_context(open_place(place, settings))
            sides.append((store, await opened.enter_async_context(open_ledger(place, settings))))
        target = Side(Deadly(sides[1][0]), Deadly(sides[1][1]))
        progress = opened.enter_context(Progress(Path(folder), *places))
        compared = await Move(Side(*sides[0]), target, progress, final=True).run()
        assert all(item.same for item in compared), compared
    print(Deadly.done)


if __name__ == "__main__":
    Deadly.left = int(sys.argv.pop())
    asyncio.run(main(*sys.argv[1:]))
