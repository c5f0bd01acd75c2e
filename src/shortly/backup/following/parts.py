"""The files that changes are kept in: each is a gzip of some moments, one after the other; together they are a chain.

A line of JSON says which part of which chain it is, and the digest of the part before. Then, for each moment, a line of
JSON with its time and the databases, and for each of these its changed pages: number (4 bytes, big-endian, from 1 on)
and contents, ended by the number 0. The first part of a chain has one moment, and all pages in it.
"""

from __future__ import annotations

import gzip
import os
import re
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import msgspec
from msgspec import Struct

from shortly import __version__
from shortly.backup.archive import CLICKS, LEVEL, LINKS
from shortly.errors import BackupDamaged, InvalidInput

FORMAT = 1
NUMBER = struct.Struct(">I")
MAX_LINE = 1 << 16
PAGE_BYTES = frozenset(1 << power for power in range(9, 17))
NAME = re.compile(
    r"(?P<chain>\d{8}T\d{6}Z-[0-9a-f]{6})-(?P<number>\d{8})-(?P<first_ms>\d{13})-(?P<last_ms>\d{13})"
    r"-(?P<sha256>[0-9a-f]{64})\.pages\.gz(?P<encrypted>\.age)?"
)


class Part(Struct, frozen=True, order=True):
    """What a file's name says; the name is all that is needed to find a moment and to prove the file."""

    chain: str
    number: int
    """From 0 on, without gaps."""
    first_ms: int
    """Time of its first moment, unix milliseconds, UTC."""
    last_ms: int
    sha256: str
    encrypted: bool

    @property
    def name(self) -> str:
        """The file's name."""
        ending = ".age" if self.encrypted else ""
        return f"{self.chain}-{self.number:08}-{self.first_ms:013}-{self.last_ms:013}-{self.sha256}.pages.gz{ending}"


def part_of(name: str) -> Part | None:
    """Return the part that a file is, or None when it is something else."""
    found = NAME.fullmatch(name)
    if found is None:
        return None
    number, first_ms, last_ms = (int(found[part]) for part in ("number", "first_ms", "last_ms"))
    return Part(found["chain"], number, first_ms, last_ms, found["sha256"], found["encrypted"] is not None)


class Head(Struct, frozen=True, kw_only=True):
    """The first line."""

    format: int = FORMAT
    chain: str
    number: int
    previous: str
    """SHA-256 of the file before; empty in the first."""
    shortly: str = __version__
    secret: str | None = None
    """Of the installation, in the first part, where it is kept in ``DATA_DIR``."""


class Changed(Struct, frozen=True):
    """One database at a moment."""

    name: str
    page_bytes: int
    pages: int
    """It has now."""


class Moment(Struct, frozen=True):
    """What precedes the pages."""

    at_ms: int
    databases: list[Changed]


class PartWriter:
    """Writes one part, unfinished until it is closed."""

    def __init__(self, path: Path, head: Head) -> None:
        self.path = path
        self.head = head
        self.first_ms = self.last_ms = 0
        path.touch(mode=0o600)
        self._file = gzip.GzipFile(path, "wb", compresslevel=LEVEL)
        self._line(head)

    def add(self, at_ms: int, databases: Sequence[tuple[Changed, Iterable[tuple[int, bytes]]]]) -> None:
        """Write a moment; the pages are taken as they come."""
        self.first_ms = self.first_ms or at_ms
        self.last_ms = at_ms
        self._line(Moment(at_ms, [changed for changed, _ in databases]))
        for _, pages in databases:
            for number, data in pages:
                self._file.write(NUMBER.pack(number))
                self._file.write(data)
            self._file.write(NUMBER.pack(0))

    def close(self) -> None:
        """Finish the file."""
        self._file.close()

    def _line(self, content: Struct) -> None:
        self._file.write(msgspec.json.encode(content) + b"\n")


class PartReader:
    """Reads one part that was proved by its digest; anything that is not as it should be is ``BackupDamaged``."""

    def __init__(self, path: Path) -> None:
        self._file = gzip.GzipFile(path, "rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def head(self) -> Head:
        """Return the first line.

        Raises:
            BackupDamaged: It is none.
            InvalidInput: A newer version of Shortly wrote it.
        """
        line = self._line()
        try:
            if msgspec.json.decode(line).get("format", 0) > FORMAT:
                raise InvalidInput("A newer version of Shortly kept these changes; restore them with that one.")
            return msgspec.json.decode(line, type=Head)
        except (ValueError, TypeError, AttributeError):  # msgspec's are ValueErrors
            raise BackupDamaged from None

    def replay(self, until_ms: int, into: Files) -> int:
        """Bring databases up to a moment and return that of the last change that was made; 0: there was none before."""
        reached = 0
        while (line := self._line(at_end=True)) and (moment := _moment(line)).at_ms <= until_ms:
            for changed in moment.databases:
                into.resize(changed)
                for number, data in self._pages(changed):
                    into.write(changed, number, data)
            reached = moment.at_ms
        return reached

    def _pages(self, changed: Changed) -> Iterator[tuple[int, bytes]]:
        while number := NUMBER.unpack(self._exactly(NUMBER.size))[0]:
            if number > changed.pages:
                raise BackupDamaged
            yield number, self._exactly(changed.page_bytes)

    def _line(self, *, at_end: bool = False) -> bytes:
        with _damage():
            line = self._file.readline(MAX_LINE)
        if not line.endswith(b"\n") and not (at_end and not line):
            raise BackupDamaged
        return line

    def _exactly(self, count: int) -> bytes:
        with _damage():
            data = self._file.read(count)
        if len(data) != count:
            raise BackupDamaged
        return data


class Files:
    """The databases that moments are replayed into, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._files = {
            name: os.open(folder / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            for name in (CLICKS, LINKS)
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            os.close(file)

    def resize(self, changed: Changed) -> None:
        """Give a database as many pages as it had."""
        os.ftruncate(self._files[changed.name], changed.pages * changed.page_bytes)

    def write(self, changed: Changed, number: int, data: bytes) -> None:
        """Write a page to its place."""
        os.pwrite(self._files[changed.name], data, (number - 1) * changed.page_bytes)


def _moment(line: bytes) -> Moment:
    try:
        moment = msgspec.json.decode(line, type=Moment)
    except ValueError:
        raise BackupDamaged from None
    for changed in moment.databases:
        if (
            changed.name not in (CLICKS, LINKS)
            or changed.page_bytes not in PAGE_BYTES
            or not 0 <= changed.pages < 2**32
        ):
            raise BackupDamaged
    return moment


@contextmanager
def _damage() -> Iterator[None]:
    """Turn what gzip says about a file that is none, or not whole, into our own word."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise BackupDamaged from None
