"""The chain that is added to: its parts are written, get their names, and are brought to the places in order."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from shortly.backup import archive
from shortly.backup.archive import SECRET
from shortly.backup.following.parts import Changed, Head, Part, PartWriter
from shortly.backup.places import Place

if TYPE_CHECKING:
    from shortly.settings import Settings

STATE = "state"
SPOOL = "spool"


class State(Struct, frozen=True, kw_only=True):
    """How far a chain is kept; left in a file, so that the next process can go on."""

    name: str
    base_ms: int
    number: int = 0
    """Of the next part."""
    previous: str = ""
    """SHA-256 of the last one."""
    last_ms: int = 0
    digests: dict[str, bytes] = {}
    """Database -> its pages' digests, as they were kept with the last part."""


class Chain:
    """One chain.

    Args:
        folder: Where unfinished parts and the state lie; of one process at a time.
        state: The new or the recalled chain's.
        places: Where parts go, all of them.
        settings: The installation's.
    """

    def __init__(self, folder: Path, state: State, places: Sequence[Place], settings: Settings) -> None:
        self._folder = folder
        self._places = places
        self._settings = settings
        self._name = state.name
        self._number = state.number
        self._previous = state.previous
        self.base_ms = state.base_ms
        self.last_ms = state.last_ms
        """Time of the last moment that was added."""
        self._writer: PartWriter | None = None
        self._waiting: list[tuple[Part, Path]] = []
        spool = folder / SPOOL
        shutil.rmtree(spool, ignore_errors=True)
        spool.mkdir(mode=0o700)

    @property
    def whole(self) -> bool:
        """Whether everything that was added is where it belongs."""
        return self._writer is None and not self._waiting

    @property
    def waiting_bytes(self) -> int:
        """Size of the parts that no place has taken yet."""
        return sum(path.stat().st_size for _, path in self._waiting)

    def add(self, at_ms: int, databases: Sequence[tuple[Changed, Iterable[tuple[int, bytes]]]]) -> None:
        """Write a moment into the part that is being written."""
        if self._writer is None:
            head = Head(chain=self._name, number=self._number, previous=self._previous, secret=self._secret())
            self._writer = PartWriter(self._folder / SPOOL / f"{self._number}.gz", head)
        self._writer.add(at_ms, databases)
        self.last_ms = at_ms

    def ship(self) -> bool:
        """Finish the part that is being written, and bring what waits to its places; return whether anything was.

        Raises:
            BackupPlaceFailed: It goes on waiting.
        """
        self._finish()
        brought = bool(self._waiting)
        while self._waiting:
            part, path = self._waiting[0]
            for place in self._places:
                place.put(part.name, path)
            path.unlink()
            del self._waiting[0]
        return brought

    def _finish(self) -> None:
        writer = self._writer
        if writer is None:
            return
        writer.close()
        self._writer = None
        path, recipients = writer.path, self._settings.backup_encrypt_to
        if recipients:
            path = writer.path.with_suffix(".age")
            archive.encrypt(writer.path, path, recipients)
            writer.path.unlink()
        digest = archive.digest_of(path)
        part = Part(self._name, self._number, writer.first_ms, writer.last_ms, digest, bool(recipients))
        self._number, self._previous = part.number + 1, digest
        self._waiting.append((part, path))

    def _secret(self) -> str | None:
        """Return the installation's secret for the first part, where it lies in DATA_DIR: it seals second factors."""
        path = self._settings.data_dir / SECRET
        if self._number or self._settings.secret_values is not None or not path.exists():
            return None
        return path.read_text(encoding="utf-8")

    # --- what outlives the process -----------------------------------------------------------------------------------

    def remember(self, digests: Mapping[str, bytes]) -> None:
        """Leave word of what is kept; the chain is whole at this moment."""
        state = State(
            name=self._name,
            base_ms=self.base_ms,
            number=self._number,
            previous=self._previous,
            last_ms=self.last_ms,
            digests=dict(digests),
        )
        unfinished = self._folder / f"{STATE}.new"
        unfinished.write_bytes(msgspec.msgpack.encode(state))
        os.replace(unfinished, self._folder / STATE)


def recall(folder: Path, kept: Sequence[Part]) -> State | None:
    """Return the chain to go on with; None where what is ``kept`` of it is not what was left word of."""
    try:
        state = msgspec.msgpack.decode((folder / STATE).read_bytes(), type=State)
    except (OSError, msgspec.DecodeError):
        return None
    parts = [part for part in kept if part.chain == state.name]
    same = len(parts) == state.number and parts and parts[-1].sha256 == state.previous
    return state if same else None


def forget(folder: Path) -> None:
    """Let the next chain be a new one."""
    (folder / STATE).unlink(missing_ok=True)
