"""A file that is imported piece by piece, several at once: while the store writes one, the next ones are checked."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Set
from typing import Any, TypeVar

PIECES = 3
"""Under way at once: one is checked, one written, and lists are told of one."""

P = TypeVar("P")
R = TypeVar("R")


async def import_pieces(
    pieces: Iterable[P], take: Callable[[P], Awaitable[R]], names: Callable[[P], Set[str]], *, at_once: int = PIECES
) -> AsyncIterator[tuple[P, R]]:
    """Import a file piece by piece, and yield each piece with what became of it, in their order.

    Several are under way at once, but none that shares a name with one before it: which of two rows makes the link that
    both name does not depend on who is quicker. When one fails, those under way are finished first.

    Args:
        pieces: Some hundred or thousand rows each.
        take: Imports one.
        names: Tells what its rows name, see ``names_in``.
        at_once: How many may be under way.
    """
    under_way: deque[tuple[P, Set[str], asyncio.Future[R]]] = deque()
    try:
        for piece in pieces:
            own = names(piece)
            while any(own & others for _, others, _ in under_way):
                earlier, _, outcome = under_way.popleft()
                yield earlier, await outcome
            under_way.append((piece, own, asyncio.ensure_future(take(piece))))
            while len(under_way) >= at_once:  # before the next one is read, for which it may have to wait
                earlier, _, outcome = under_way.popleft()
                yield earlier, await outcome
        while under_way:
            earlier, _, outcome = under_way.popleft()
            yield earlier, await outcome
    finally:
        await asyncio.gather(*(outcome for _, _, outcome in under_way), return_exceptions=True)


def names_in(rows: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return what rows are found again by, spelled so that whatever may be the same is."""
    return {str(row.get("slug") or row.get("target")).casefold() for row in rows}
