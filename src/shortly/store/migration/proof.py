"""Sums over everything in a store that come out the same in both places when everything is the same there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shortly.clicks.store import Total
from shortly.clicks.visit import Tally
from shortly.links.link import Link
from shortly.store.migration.ledger import DayCounts

_encode = msgspec.msgpack.Encoder(order="deterministic").encode
MODULUS = 1 << 128


class Sum(Struct):
    """How many, and the sum of their hashes: their order plays no part."""

    count: int = 0
    checksum: int = 0

    def add(self, value: Any) -> None:
        """Take one more into the sum."""
        digest = blake2b(_encode(value), digest_size=16).digest()
        self.count += 1
        self.checksum = (self.checksum + int.from_bytes(digest, "big")) % MODULUS

    @property
    def hexadecimal(self) -> str:
        """The checksum as text."""
        return f"{self.checksum:032x}"


def sum_of(values: Iterable[Any]) -> Sum:
    """Return the sum over all values."""
    total = Sum()
    for value in values:
        total.add(value)
    return total


def link_proof(link: Link) -> Any:
    """Return all of a link but its id, which each store draws itself, and its version, which only has to go up."""
    return replace(link, id=0, version=0)


def total_proof(link_id: int, total: Total) -> Any:
    """Return a total that is no zero."""
    return (link_id, total.clicks, total.bots)


def day_proof(link_id: int, day: DayCounts) -> Any:
    """Return a day's counts without the zeros that one engine keeps and another does not."""
    hours = [(hour, _tally_proof(tally)) for hour, tally in sorted(day.hours.items())]
    return (link_id, day.day, day.visitors, _tally_proof(day.tally), hours)


def _tally_proof(tally: Tally) -> tuple[int, int, Mapping[str, Mapping[str, int]]]:
    return tally.clicks, tally.bots, {name: counts for name, counts in tally.dimensions.items() if counts}
