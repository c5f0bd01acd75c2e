"""What a move remembers between its passes: which link of the source became which one of the target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Self

from shortly.store.opening import Place, identity_of
from shortly.store.sqlite.connection import connect, store_errors


class Copy(NamedTuple):
    """A link as it was last copied."""

    source_id: int
    target_id: int
    version: int
    """Of the source."""


class Progress:
    """A small file in the data folder, named after the two places; without it a move begins anew."""

    def __init__(self, folder: Path, source: Place, target: Place) -> None:
        """Take the folder, which is made where it is missing."""
        name = sha256(f"{identity_of(source)}\n{identity_of(target)}".encode()).hexdigest()[:16]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = folder / f"migration-{name}.db"
        self.copies: dict[int, Copy] = {}
        """By source id."""

    def __enter__(self) -> Self:
        """Read what is known."""
        self._connection = connect(self.path)
        with store_errors(self._connection):
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS copies "
                "(source_id INTEGER PRIMARY KEY, target_id INTEGER NOT NULL, version INTEGER NOT NULL) STRICT"
            )
            with closing(self._connection.execute("SELECT source_id, target_id, version FROM copies")) as rows:
                self.copies = {source_id: Copy(source_id, *rest) for source_id, *rest in rows}
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._connection.close()

    @property
    def is_new(self) -> bool:
        """``begin`` was never called."""
        with store_errors(self._connection):
            return not self._connection.execute("PRAGMA user_version").get

    def begin(self) -> None:
        """Remember that the target is this move's own."""
        with store_errors(self._connection):
            self._connection.execute("PRAGMA user_version = 1")

    def note(self, copies: Sequence[Copy]) -> None:
        """Remember copies, durably."""
        with store_errors(self._connection), self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO copies VALUES (?, ?, ?)", copies)
        self.copies.update((copy.source_id, copy) for copy in copies)

    def forget(self, source_ids: Iterable[int]) -> None:
        """Forget links that are gone from both places."""
        ids = list(source_ids)
        with store_errors(self._connection), self._connection:
            self._connection.executemany("DELETE FROM copies WHERE source_id = ?", [(number,) for number in ids])
        for number in ids:
            self.copies.pop(number, None)
