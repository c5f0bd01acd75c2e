"""Nouns in and out of records: the typed side of ``RecordStore``."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Self, TypeVar

import msgspec
from msgspec import Struct, structs

from shortly.accounts.records import Add, Change, Record, RecordStore, Remove, Replace
from shortly.errors import RecordChanged

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
CHANCE_BITS = 12
MAX_PAGE = 500
ATTEMPTS = 64
"""How often a change is tried that others get in the way of; of each round of them one gets through."""


class Noun(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept as a record. Subclasses add fields with defaults, so that older records go on being read.

    ``id`` and ``version`` are 0 until it is stored.
    """

    KIND: ClassVar[str]

    id: int = 0
    version: int = 0

    def names(self) -> tuple[str, ...]:
        """Return what it is found by; see ``Record.names``."""
        return ()

    def groups(self) -> tuple[str, ...]:
        """Return the lists that it is in; see ``Record.groups``."""
        return ()

    def expiry(self) -> datetime | None:
        """Return from when on it is gone by itself."""
        return None

    def record(self) -> Record:
        """Return it as it is stored."""
        return Record(
            kind=self.KIND,
            id=self.id,
            version=self.version,
            body=msgspec.json.encode(structs.replace(self, id=0, version=0)),
            names=self.names(),
            groups=self.groups(),
            expires_at=self.expiry(),
        )

    @classmethod
    def of(cls, record: Record) -> Self:
        """Return the noun that a record holds."""
        return structs.replace(msgspec.json.decode(record.body, type=cls), id=record.id, version=record.version)


N = TypeVar("N", bound=Noun)
T = TypeVar("T")


class Registry:
    """Reads and writes nouns.

    Args:
        store: Where their records are kept.
        clock: Returns the present moment, aware.
    """

    def __init__(self, store: RecordStore, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._clock = clock

    def now(self) -> datetime:
        """Return the present moment in whole milliseconds, UTC."""
        now = self._clock().astimezone(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    async def get(self, noun: type[N], noun_id: int) -> N | None:
        """Return the living noun with this id, or None."""
        record = await self._store.get_record(noun.KIND, noun_id, self._clock())
        return None if record is None else noun.of(record)

    async def find(self, noun: type[N], name: str) -> N | None:
        """Return the living noun with this name, or None."""
        record = await self._store.find_record(noun.KIND, name, self._clock())
        return None if record is None else noun.of(record)

    async def page(
        self,
        noun: type[N],
        group: str = "",
        *,
        after: int | None = None,
        limit: int = MAX_PAGE,
        descending: bool = False,
    ) -> list[N]:
        """Return up to ``limit`` living nouns of a group by id, beyond the id ``after``."""
        records = await self._store.list_records(
            noun.KIND, group, self._clock(), after=after, limit=limit, descending=descending
        )
        return [noun.of(record) for record in records]

    async def all(self, noun: type[N], group: str = "") -> list[N]:
        """Return all living nouns of a group, oldest first; for groups that people look at as a whole."""
        found: list[N] = []
        while True:
            page = await self.page(noun, group, after=found[-1].id if found else None)
            found += page
            if len(page) < MAX_PAGE:
                return found

    def fresh(self, noun: N) -> N:
        """Return a noun with an id to be added with; see ``Add``."""
        return structs.replace(noun, id=noun.id or draw_id(self._clock()), version=1)

    async def write(self, *changes: Change, durable: bool = True) -> None:
        """Make all changes or none; errors as in ``RecordStore.write_records``."""
        await self._store.write_records(changes, self._clock(), durable=durable)

    async def add(self, noun: N) -> N:
        """Store one new noun and return it with its id."""
        noun = self.fresh(noun)
        await self.write(adding(noun))
        return noun

    async def replace(self, old: N, new: N, *, durable: bool = True) -> N:
        """Store one noun anew and return it with its new version."""
        await self.write(replacing(old, new), durable=durable)
        return structs.replace(new, id=old.id, version=old.version + 1)

    async def remove(self, *nouns: Noun) -> None:
        """Take nouns out, all or none."""
        await self.write(*map(removing, nouns))


async def until_settled(attempt: Callable[[], Awaitable[T]]) -> T:
    """Return what an attempt to read, decide and write returns, trying anew whenever somebody else wrote in between.

    Raises:
        RecordChanged: ``ATTEMPTS`` times in a row.
    """
    for _ in range(ATTEMPTS - 1):
        with suppress(RecordChanged):
            return await attempt()
    return await attempt()


def touching(noun: Noun) -> Replace:
    """Return the change that leaves a noun as it is, and fails the whole write unless it is still what was read."""
    return replacing(noun, noun)


def adding(noun: Noun) -> Add:
    """Return the change that stores a ``fresh`` noun."""
    return Add(noun.record())


def replacing(old: N, new: N) -> Replace:
    """Return the change that stores ``new`` where ``old`` is."""
    return Replace(old.record(), structs.replace(new, id=old.id, version=old.version).record())


def removing(noun: Noun) -> Remove:
    """Return the change that takes a noun out."""
    return Remove(noun.record())


def draw_id(now: datetime) -> int:
    """Return a new id: milliseconds since 2024 above ``CHANCE_BITS`` random bits; below 2**53 until 2093."""
    return (now - EPOCH) // timedelta(milliseconds=1) << CHANCE_BITS | secrets.randbelow(1 << CHANCE_BITS)


def first_id_at(moment: datetime) -> int:
    """Return the smallest id that ``draw_id`` gives at a moment, or later."""
    return max(0, (moment - EPOCH) // timedelta(milliseconds=1)) << CHANCE_BITS
