"""A link's days as they are kept: packed into one text while their clicks are few, and in hashes from then on.

The text is MessagePack: the visitors, then each hour of the day followed by its sums, fields (see ``click_rows``) with
numbers. The script that counts adds to it as long as it stays within ``FEW_BYTES``, and to the rows of the day and its
hours when it would not, without touching what is packed: a day is all of these together. Most links are clicked a few
times a day, and one short text is a third of the memory and of the work of two or more hashes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from shortly.clicks.fold import add
from shortly.clicks.store import Total
from shortly.clicks.visit import MAX_VALUES, Tally
from shortly.store.redis import click_keys
from shortly.store.redis.click_calls import cut
from shortly.store.redis.click_rows import BOTS, CLICKS, DIMENSION_OF, add_row
from shortly.store.redis.client import Client

FEW_BYTES = 800
"""Some five clicks that have nothing in common, or any number of them that have; fewer than ``MAX_VALUES`` values."""
READ_TOGETHER = 128
"""Days or rows, each of some thousand fields at most, that one read asks for."""

Sums = dict[str, int]
"""Field of a row -> what to add to it."""

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[Any]).decode


class Few(NamedTuple):
    """The packed part of a day."""

    visitors: int
    hours: dict[int, Sums]
    """By the hour of the day."""

    def totals(self) -> dict[int, Total]:
        """Return the clicks of each hour that had any."""
        return {
            hour: Total(clicks, sums.get(BOTS, 0)) for hour, sums in self.hours.items() if (clicks := sums.get(CLICKS))
        }

    def sums(self) -> Sums:
        """Return the sums of all hours."""
        if len(self.hours) == 1:
            return next(iter(self.hours.values()))
        total: Sums = {}
        for sums in self.hours.values():
            for name, number in sums.items():
                total[name] = total.get(name, 0) + number
        return total


def packed_of(visitors: int, hours: Mapping[int, Sums]) -> bytes:
    """Return the packed part of a day; ``hours`` since the epoch."""
    parts: list[int | Sums] = [visitors]
    for hour, sums in hours.items():
        parts += (hour % 24, sums)
    return _pack(parts)


def few_in(text: bytes | None) -> Few:
    """Return what is packed, if anything is."""
    if text is None:
        return Few(0, {})
    visitors, *parts = _unpack(text)
    return Few(visitors, dict(zip(parts[::2], parts[1::2], strict=True)))


def tally_of(row: Mapping[bytes, bytes], some: Sums) -> Tally:
    """Return what the row of a day or an hour and the packed sums of the same come to, its values bounded."""
    tally = Tally(dimensions={})
    add_row(tally, row)
    if some:
        few = Tally(some.get(CLICKS, 0), some.get(BOTS, 0), {})
        for name, number in some.items():
            dimension = DIMENSION_OF.get(ord(name[0]))
            if dimension is not None:
                few.dimensions.setdefault(dimension, {})[name[1:]] = number
        add(tally, few, max_values=MAX_VALUES)
    return tally


async def read_few(client: Client, link_id: int, days: Sequence[int]) -> list[Few]:
    """Return the packed parts of days."""
    commands = [("GET", click_keys.packed_day(link_id, day)) for day in days]
    return [few_in(text) for some in cut(commands, READ_TOGETHER) for text in await client.read_many(some)]
