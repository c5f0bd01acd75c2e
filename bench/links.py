"""Databases with many links, made through the store itself, and requests for them as people make them."""

from __future__ import annotations

import asyncio
import hashlib
import random
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from pathlib import Path
from typing import Self

import apsw
from msgspec import Struct

from shortly.links.link import Link
from shortly.links.slug import ALPHABET
from shortly.settings import Settings, load_settings
from shortly.store import open_store
from shortly.store.sqlite.migrate import migrations_of

FILE = "links.db"
RECIPE = 1
"""Goes up when the links below change, so that nobody goes on with a cached database of other links."""
SLUG_LENGTH = 7
STEP = 1_000_003
"""Prime, so that going on by it passes every number of a round once."""
BATCH = 5_000
SINCE = datetime(2024, 1, 1, tzinfo=UTC)

VOCABULARY = """
autumn winter spring summer offer sale news letter event ticket guide paper report launch video podcast recipe travel
hotel museum garden kitchen camera laptop phone running cycling football chess music concert school course webinar
survey invoice status roadmap release changelog security backup database network coffee bakery market
"""
WORDS = VOCABULARY.split()
TAGS = [f"{first}-{second}" for first in WORDS[:10] for second in WORDS[10:16]]
FOLDERS = ["", "", "", *WORDS[20:36]]
HOSTS = [f"{first}-{second}.example" for first in WORDS for second in ("shop", "blog", "docs", "daily", "club")]


def slug_of(number: int) -> str:
    """Return the slug of the n-th link: as good as drawn, without a table of them."""
    scattered = number * 1_000_000_007 % len(ALPHABET) ** SLUG_LENGTH
    letters = []
    for _ in range(SLUG_LENGTH):
        scattered, letter = divmod(scattered, len(ALPHABET))
        letters.append(ALPHABET[letter])
    return "".join(letters)


def new_links(count: int, *, first: int = 0) -> Iterator[Link]:
    """Yield links with titles, tags and folders; the same ones every time."""
    chance = random.Random(first)
    for number in range(first, first + count):
        at = SINCE + timedelta(seconds=number * 60 + chance.randrange(60))
        title = " ".join(chance.choices(WORDS, k=4))
        yield Link(
            slug=slug_of(number),
            target=f"https://www.{chance.choice(HOSTS)}/{title.replace(' ', '/')}?article={number}",
            title=title.capitalize(),
            tags=tuple(sorted(set(chance.choices(TAGS, k=chance.randrange(4))))),
            folder=chance.choice(FOLDERS),
            created_at=at,
            updated_at=at,
        )


def fill(
    folder: Path, links: Iterable[Link], say: Callable[[str], None] = lambda _: None, *, store_url: str | None = None
) -> list[Link]:
    """Add links to the store of a data folder, which nobody has open; return the first of them as stored."""
    return asyncio.run(_fill(load_settings({"data_dir": folder, "store_url": store_url}), iter(links), say))


async def _fill(settings: Settings, links: Iterator[Link], say: Callable[[str], None]) -> list[Link]:
    first: list[Link] = []
    added = 0
    async with open_store(settings) as store:
        while batch := list(islice(links, BATCH)):
            answers = await store.add_links(batch)
            for answer in answers:
                if not isinstance(answer, Link):
                    raise answer
                if len(first) < BATCH:
                    first.append(answer)
            added += len(answers)
            if added % 100_000 == 0:
                say(f"{added:,} links are in the database")
    return first


class LinkDatabase(Struct, frozen=True):
    """A ``links.db`` that nobody has open."""

    path: Path
    count: int

    @classmethod
    def cached(cls, cache: Path, count: int, say: Callable[[str], None]) -> Self:
        """Return a database with the first links; makes it when the schema is not the one it was made with."""
        schema = "".join(step.sha256 for step in migrations_of("links"))
        key = hashlib.sha256(f"{RECIPE} {schema}".encode()).hexdigest()[:12]
        folder = cache / f"{count}-links-{key}"
        if not folder.exists():
            for old in cache.glob(f"{count}-links-*"):
                shutil.rmtree(old)
            say(f"making a database with {count:,} links; the next run finds it in {cache}")
            unfinished = cache / f"unfinished-{count}"
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
            fill(unfinished, new_links(count), say)
            with closing(apsw.Connection(str(unfinished / FILE))) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()  # everything in one file
            unfinished.rename(folder)
        return cls(folder / FILE, count)


def popular(count: int, draws: int) -> list[int]:
    """Draw numbers of links: the n-th most popular of ``count`` links is asked for 1/n as often as the first.

    Popular links are spread over the whole database: their numbers say nothing about their rank.
    """
    chance = random.Random(count)
    weights = list(accumulate(1 / rank for rank in range(1, count + 1)))
    return [rank * STEP % count for rank in chance.choices(range(count), cum_weights=weights, k=draws)]


def write_paths(path: Path, numbers: Iterable[int]) -> Path:
    """Write the paths of links to a file, one a line, for wrk."""
    with path.open("w", encoding="ascii") as file:
        file.writelines(f"/{slug_of(number)}\n" for number in numbers)
    return path
