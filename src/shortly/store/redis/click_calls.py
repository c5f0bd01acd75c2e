"""Calls of scripts in numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
