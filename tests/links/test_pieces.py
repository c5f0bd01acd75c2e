"""Pieces of an import that are under way at once: what becomes of them does not depend on who is quicker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

import pytest

from shortly.links.importing import Imported, import_rows
from shortly.links.pieces import import_pieces, names_in
from shortly.links.service import LinkService

pytestmark = pytest.mark.anyio

TARGET = "https://example.com/"


class Taking:
    """Takes numbers, and ends each when it is told to."""

    def __init__(self) -> None:
        self.ends: dict[int, asyncio.Future[int]] = {}
        self.read: list[int] = []

    def pieces(self, count: int) -> Iterator[int]:
        for number in range(count):
            self.read.append(number)
            yield number

    async def take(self, number: int) -> int:
        self.ends[number] = asyncio.get_running_loop().create_future()
        return await self.ends[number]

    async def until_taken(self, *numbers: int) -> None:
        """Wait for these to be taken; nothing else happens meanwhile."""
        async with asyncio.timeout(5):
            while not self.ends.keys() >= set(numbers):
                await asyncio.sleep(0)
        for _ in range(10):
            await asyncio.sleep(0)


async def collected(taking: Taking, count: int, names: list[str], at_once: int, found: list[tuple[int, int]]) -> None:
    async for piece, outcome in import_pieces(
        taking.pieces(count), taking.take, lambda number: {names[number]}, at_once=at_once
    ):
        found.append((piece, outcome))


async def test_some_are_under_way_at_once_and_come_out_in_their_order() -> None:
    taking, found = Taking(), list[tuple[int, int]]()
    task = asyncio.create_task(collected(taking, 4, list("abcd"), 3, found))
    await taking.until_taken(0, 1, 2)
    assert taking.ends.keys() == {0, 1, 2}
    taking.ends[1].set_result(11)
    await taking.until_taken(0)
    assert found == []
    taking.ends[0].set_result(10)
    await taking.until_taken(3)
    taking.ends[2].set_result(12)
    taking.ends[3].set_result(13)
    await task
    assert found == [(0, 10), (1, 11), (2, 12), (3, 13)]


async def test_one_that_names_what_another_does_waits_for_it() -> None:
    taking, found = Taking(), list[tuple[int, int]]()
    task = asyncio.create_task(collected(taking, 3, ["a", "b", "a"], 3, found))
    await taking.until_taken(0, 1)
    assert taking.ends.keys() == {0, 1}
    taking.ends[1].set_result(11)
    await taking.until_taken(1)
    assert 2 not in taking.ends
    taking.ends[0].set_result(10)
    await taking.until_taken(2)
    taking.ends[2].set_result(12)
    await task
    assert found == [(0, 10), (1, 11), (2, 12)]


async def test_one_at_a_time_is_answered_before_the_next_is_read() -> None:
    taking, found = Taking(), list[tuple[int, int]]()
    task = asyncio.create_task(collected(taking, 2, ["a", "b"], 1, found))
    await taking.until_taken(0)
    assert taking.read == [0]
    taking.ends[0].set_result(10)
    await taking.until_taken(1)
    assert found == [(0, 10)]
    taking.ends[1].set_result(11)
    await task


async def test_what_is_under_way_is_finished_when_one_fails() -> None:
    taking, found = Taking(), list[tuple[int, int]]()
    task = asyncio.create_task(collected(taking, 3, list("abc"), 3, found))
    await taking.until_taken(0, 1, 2)
    taking.ends[0].set_exception(OSError())
    await taking.until_taken(0)
    assert not task.done()
    taking.ends[1].set_result(1)
    taking.ends[2].set_result(2)
    with pytest.raises(OSError):
        await task
    assert found == []


# --- rows ------------------------------------------------------------------------------------------------------------


def test_rows_name_the_same_however_it_is_spelled() -> None:
    assert names_in([{"slug": "AB", "target": TARGET}]) & names_in([{"slug": "ab", "target": "https://b.example/"}])
    assert names_in([{"target": TARGET}]) & names_in([{"slug": None, "target": TARGET.upper()}])
    assert not names_in([{"slug": "ab", "target": TARGET}]) & names_in([{"slug": "cd", "target": TARGET}])


class Looked:
    """Links that count how often one was looked up."""

    def __init__(self, links: LinkService) -> None:
        self._links = links
        self.looks = 0
        self.find = self._counted("find")
        self.get = self._counted("get")

    def __getattr__(self, name: str) -> object:
        return getattr(self._links, name)

    def _counted(self, name: str) -> object:
        async def look(*args: object, **options: object) -> object:
            self.looks += 1
            return await getattr(self._links, name)(*args, **options)

        return look


async def outcomes(links: object, *rows: Mapping[str, object], **options: object) -> list[Imported]:
    asked = {"existing": "skip", "dry_run": False} | options
    return await import_rows(links, rows, **asked)  # type: ignore[arg-type]


async def test_new_rows_are_made_without_looking_for_each(links: LinkService) -> None:
    looked = Looked(links)
    rows: list[dict[str, object]] = [{"slug": f"s{n}", "target": TARGET} for n in range(50)]
    assert {one.outcome for one in await outcomes(looked, *rows)} == {"created"}
    assert looked.looks == 1
    again = await outcomes(looked, {"slug": "new", "target": TARGET}, *rows)
    assert [one.outcome for one in again] == ["created"] + ["exists"] * 50
    assert all(one.link is not None and one.link.slug == row["slug"] for one, row in zip(again[1:], rows, strict=True))


async def test_a_row_that_is_there_is_not_refused_for_what_it_says(links: LinkService) -> None:
    await outcomes(links, {"slug": "ab", "target": TARGET})
    for first in ({"slug": "new", "target": TARGET}, {"slug": "ab", "target": TARGET}):
        found = await outcomes(
            links,
            first,
            {"slug": "ab", "target": "javascript:1"},
            {"slug": "ab", "target": TARGET, "has_password": True},
            {"slug": "cd", "target": TARGET, "has_password": True},
        )
        assert [one.outcome for one in found[1:]] == ["exists", "exists", "refused"]


@pytest.mark.parametrize("existing", ["skip", "refuse", "overwrite"])
async def test_of_two_rows_that_name_the_same_the_first_makes_the_link(links: LinkService, existing: str) -> None:
    rows: list[dict[str, object]] = [{"slug": "ab", "target": TARGET, "title": str(n)} for n in range(3)]
    found = await outcomes(links, *rows, existing=existing)
    later = "refused" if existing == "refuse" else "exists"
    assert [one.outcome for one in found] == ["created", later, later]
    assert (await links.get("ab")).title == "0"


async def test_of_rows_for_a_link_that_is_there_the_last_is_what_it_becomes(links: LinkService) -> None:
    await links.create({"slug": "ab", "target": TARGET})
    rows: list[dict[str, object]] = [{"slug": "ab", "target": TARGET, "title": str(n)} for n in range(3)]
    found = await outcomes(links, *rows, existing="overwrite")
    assert [one.outcome for one in found] == ["overwritten"] * 3
    assert (await links.get("ab")).title == "2"


async def test_a_row_that_is_refused_leaves_its_slug_to_the_next(links: LinkService) -> None:
    found = await outcomes(links, {"slug": "ab", "target": "javascript:1"}, {"slug": "ab", "target": TARGET})
    assert [one.outcome for one in found] == ["refused", "created"]
