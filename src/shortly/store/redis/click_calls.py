"""Calls of scripts in numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from shortly.errors import ShortlyError
from shortly.store.redis.client import Client
from shortly.store.redis.scripts import Argument, Script

Call = tuple[Script, Sequence[str], Sequence[Argument]]

Item = TypeVar("Item")


async def run_all(client: Client, calls: Sequence[Call], *, durable: bool = False) -> list[Any]:
    """Run scripts and return what each returned.

    Raises:
        StoreUnavailable, StorageFull: Some of them were not run, or nobody knows whether they were.
    """
    values = await client.run_many(calls, durable=durable)
    for value in values:
        if isinstance(value, ShortlyError):
            raise value
    return values


def cut(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Yield the items in runs of at most this length."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


async def run_while_made(client: Client, calls: Iterable[Call], size: int) -> list[Any]:
    """Do as ``run_all``, durably, with calls that take time to make: so many are under way while the next are made."""
    values: list[Any] = []
    made: list[Call] = []
    under_way: asyncio.Task[list[Any]] | None = None
    try:
        for call in calls:
            made.append(call)
            await asyncio.sleep(0)  # what was sent gets on its way
            if len(made) == size:
                values += await under_way if under_way is not None else ()
                under_way = asyncio.create_task(run_all(client, made, durable=True))
                made = []
        values += await under_way if under_way is not None else ()
    finally:
        if under_way is not None:
            under_way.cancel()
    return values + await run_all(client, made, durable=True)
