"""Whether the servers still have the installation's data: a store that was flushed is told from one that is new.

Every partition carries a mark with the installation's id, and each node remembers the id in its data folder.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog

from shortly.errors import StoreEmptied
from shortly.redis_address import Address
from shortly.store.redis.client import Client
from shortly.store.redis.keys import MARKS, SCHEMA
from shortly.store.redis.migrations import MIGRATIONS
from shortly.store.redis.schema import begin_anew, is_lost, is_marked, settle_schema
from shortly.store.redis.scripts import Script

log = structlog.get_logger(__name__)

FILE = "store.json"
PING = Script("ping")


class Noted(msgspec.Struct, frozen=True):
    """What a node remembers of the store that it uses."""

    store: str
    """Where it is, without credentials; elsewhere other data are expected."""
    id: str
    """The installation's."""


class Memory:
    """The file that remembers it; a folder that is not there, or not to be written, remembers nothing."""

    def __init__(self, folder: Path, store: str) -> None:
        self._path = folder / FILE
        self._store = store

    def id(self) -> str | None:
        """Return the id that was met at this place; None: this node has not been there."""
        try:
            noted = msgspec.json.decode(self._path.read_bytes(), type=Noted)
        except (OSError, msgspec.MsgspecError):
            return None
        return noted.id if noted.store == self._store and noted.id else None

    def keep(self, id_: str) -> None:
        """Remember the id, in place of what was remembered."""
        if self.id() == id_:
            return
        draft = self._path.with_name(f"{FILE}.{os.getpid()}")
        with suppress(OSError):
            with open(draft, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                file.write(msgspec.json.encode(Noted(self._store, id_)))
                os.fsync(file.fileno())
            draft.replace(self._path)


def memory_of(address: Address, folder: Path) -> Memory:
    """Return what a node with this data folder remembers of the store at an address."""
    return Memory(folder, f"{address}/{address.db}")


async def accept_loss(address: Address, folder: Path, *, case_insensitive: bool) -> bool:
    """Take what the servers have for all that there is, unless nothing is lost; return whether something was.

    Raises:
        StoreUnavailable: The servers do not answer.
    """
    memory = memory_of(address, folder)
    client = Client(address, track=False)
    await client.open()
    try:
        known_id = memory.id()
        if not await is_lost(client, known_id):
            return False
        memory.keep(await begin_anew(client, case_insensitive=case_insensitive, known_id=known_id))
    finally:
        await client.close()
    return True


class Installation:
    """The installation that a process has opened, and whether its data are still there."""

    def __init__(self, client: Client, memory: Memory | None) -> None:
        """Without a ``memory``, whatever is there is taken for the installation."""
        self._client = client
        self._memory = memory
        self._id = b""
        self.version = 0
        """The schema that the data had when they were opened."""

    async def open(self, *, case_insensitive: bool) -> None:
        """See ``settle_schema``; the client is open."""
        known_id = self._memory.id() if self._memory is not None else None
        id_, self.version = await settle_schema(self._client, case_insensitive=case_insensitive, known_id=known_id)
        self._id = id_.encode()
        if self._memory is not None:
            self._memory.keep(id_)

    def owns(self, mark: bytes | None) -> bool:
        """Return whether a mark says that the data beside it are this installation's."""
        return mark == self._id

    async def look(self) -> None:
        """Look, in the way of redirects, whether all data are there; while some are not, nothing else is asked for.

        Raises:
            StoreEmptied: Data are gone.
            StoreUnavailable: Nobody knows.
        """
        self._note(set(await self._client.get_many(MARKS, examining=True)) == {self._id})

    async def ping(self) -> None:
        """Write, and look whether all data are there.

        Raises:
            StoreEmptied: Data are gone.
            StoreUnavailable: Nobody knows, or nothing can be written.
        """
        args = (time.time_ns() // 1_000_000, self._id, len(MIGRATIONS) + 1)
        found = await self._client.run(PING, [SCHEMA], args, examining=True)
        self._note(bool(found) and await is_marked(self._client, self._id))

    def _note(self, whole: bool) -> None:
        """Log the loss, and its end, once."""
        if not whole and not self._client.lost:
            log.error(
                "the store has lost data: was it flushed? Restore a backup, "
                "or run 'shortly doctor --begin-anew' to go on with what is left"
            )
        elif whole and self._client.lost:
            log.info("the store has its data again")
        self._client.lost = not whole
        if not whole:
            raise StoreEmptied
