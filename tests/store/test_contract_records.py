"""What every engine promises about records."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from tests.store.conftest import OpenStore
from tests.store.examples import NOW, minutes

from shortly.accounts.records import (
    MAX_BODY,
    MAX_CHANGES,
    MAX_ID,
    MAX_TEXT,
    MAX_TEXTS,
    Add,
    Change,
    Record,
    Remove,
    Replace,
)
from shortly.errors import InvalidInput, NameTaken, RecordChanged, ShortlyError
from shortly.store import Store

pytestmark = pytest.mark.anyio


def record(record_id: int, *names: str, **fields: Any) -> Record:
    return Record(**{"kind": "thing", "id": record_id, "body": b"{}", "names": names, **fields})


async def write(store: Store, *changes: Change) -> list[Record]:
    return await store.write_records(changes, NOW)


async def add(store: Store, *records: Record) -> list[Record]:
    return await write(store, *map(Add, records))


async def ids(store: Store, group: str = "", **query: Any) -> list[int]:
    return [found.id for found in await store.list_records("thing", group, query.pop("now", NOW), **query)]


async def test_a_record_is_found_by_its_id_and_by_each_of_its_names(store: Store, open_store: OpenStore) -> None:
    made = record(7, "a@example.com", "b", body=b"\x00\xff{}", groups=("g", "h"), expires_at=minutes(5))
    assert await add(store, made) == [made]
    async with open_store() as other:
        assert await other.get_record("thing", 7, NOW) == made
        for name in made.names:
            assert await other.find_record("thing", name, NOW) == made
    for kind, record_id in (("thing", 8), ("other", 7), ("thing", 0), ("thing", -7), ("thing", 2**64)):
        assert await store.get_record(kind, record_id, NOW) is None
    for kind, name in (("thing", "c"), ("thing", ""), ("other", "b"), ("thing", "\ud800"), ("thing", "x" * 10_000)):
        assert await store.find_record(kind, name, NOW) is None


async def test_ids_and_names_of_other_kinds_are_no_obstacle(store: Store) -> None:
    one, other = record(7, "a", groups=("g",)), record(7, "a", groups=("g",), kind="other")
    await add(store, one, other)
    assert await store.find_record("other", "a", NOW) == other
    assert await store.list_records("other", "g", NOW) == [other]
    await write(store, Remove(one))
    assert await store.find_record("other", "a", NOW) == other


async def test_an_id_is_added_once(store: Store) -> None:
    await add(store, record(7, "a"))
    with pytest.raises(RecordChanged):
        await add(store, record(7, "b"))
    assert await store.find_record("thing", "b", NOW) is None


async def test_a_replaced_record_has_other_names_and_groups_and_the_next_version(store: Store) -> None:
    old = record(7, "a", "b", groups=("g", "h"))
    await add(store, old)
    new = record(7, "b", "c", groups=("h", "i"), body=b"new", version=55)
    (stored,) = await write(store, Replace(old, new))
    assert stored == replace(new, version=2)
    assert await store.get_record("thing", 7, NOW) == stored
    assert await store.find_record("thing", "a", NOW) is None
    assert await store.find_record("thing", "b", NOW) == stored
    assert await store.find_record("thing", "c", NOW) == stored
    assert [await ids(store, group) for group in ("", "g", "h", "i")] == [[7], [], [7], [7]]
    await add(store, record(8, "a"))


async def test_only_the_version_that_was_read_is_replaced_or_removed(store: Store) -> None:
    old = record(7, "a")
    await add(store, old)
    (new,) = await write(store, Replace(old, replace(old, body=b"new")))
    for change in (Replace(old, old), Remove(old), Remove(record(8)), Replace(record(8), record(8))):
        with pytest.raises(RecordChanged) as refused:
            await write(store, change)
        assert refused.value.kind == "thing"
    assert await store.get_record("thing", 7, NOW) == new


async def test_a_removed_record_is_answered_as_it_was_and_leaves_nothing(store: Store) -> None:
    old = record(7, "a", groups=("g",), body=b"last words", expires_at=minutes(5))
    await add(store, old)
    assert await write(store, Remove(record(7))) == [old]
    assert await store.get_record("thing", 7, NOW) is None
    assert await store.find_record("thing", "a", NOW) is None
    assert await ids(store) == await ids(store, "g") == []
    assert await add(store, old) == [old]


async def test_a_name_belongs_to_one_record(store: Store) -> None:
    await add(store, record(7, "a"), record(8, "b"))
    for change in (Add(record(9, "c", "a")), Replace(record(8, "b"), record(8, "a"))):
        with pytest.raises(NameTaken) as refused:
            await write(store, change)
        assert (refused.value.kind, refused.value.name) == ("thing", "a")
    assert await ids(store) == [7, 8]
    assert (await store.find_record("thing", "b", NOW)) == record(8, "b")
    assert await store.find_record("thing", "c", NOW) is None


async def test_of_many_who_want_a_name_at_once_one_gets_it(store: Store, open_store: OpenStore) -> None:
    async with open_store() as other:
        tries = [add((store, other)[number % 2], record(number, "a")) for number in range(1, 41)]
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(outcome, list) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, NameTaken) for outcome in outcomes) == 39
    assert len(await ids(store)) == 1


async def test_of_many_who_change_a_version_at_once_one_does(store: Store, open_store: OpenStore) -> None:
    old = record(7)
    await add(store, old)
    async with open_store() as other:
        changes: list[Change] = [
            Replace(old, replace(old, body=b"%d" % n)) if n % 4 else Remove(old) for n in range(40)
        ]
        tries = [write((store, other)[n % 2], change) for n, change in enumerate(changes)]
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(outcome, list) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, RecordChanged) for outcome in outcomes) == 39


async def test_a_ticket_is_used_up_by_one_of_many(store: Store) -> None:
    ticket = record(1, "secret")
    await add(store, ticket)
    tries = [write(store, Add(record(100 + n, kind="user")), Remove(ticket)) for n in range(20)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(outcome, list) for outcome in outcomes) == 1
    assert len(await store.list_records("user", "", NOW)) == 1


@pytest.mark.parametrize(
    "bad", [Add(record(9, "taken")), Add(record(1)), Remove(record(9)), Replace(record(1), record(1, "taken"))]
)
async def test_all_changes_are_made_or_none(store: Store, bad: Change) -> None:
    first, second = record(1, "one", groups=("g",)), record(2, "taken")
    await add(store, first, second)
    good: list[Change] = [Add(record(3, "three", groups=("g",))), Replace(first, record(1, "uno")), Add(record(4))]
    for place in range(len(good) + 1):
        with pytest.raises((NameTaken, RecordChanged)):
            await write(store, *good[:place], bad, *good[place:])
        assert await store.list_records("thing", "", NOW) == [first, second]
        assert await ids(store, "g") == [1]
        assert await store.find_record("thing", "one", NOW) == first
        assert await store.find_record("thing", "three", NOW) is None


async def test_a_change_sees_those_before_it(store: Store) -> None:
    first = record(1, "a")
    await add(store, first)
    await write(store, Replace(first, record(1, "b")), Add(record(2, "a")), Remove(record(2)), Add(record(3, "a")))
    assert [await store.find_record("thing", name, NOW) for name in "ab"] == [record(3, "a"), record(1, "b", version=2)]
    await write(store, Remove(record(1, version=2)), Add(record(1, "b", body=b"again")))
    with pytest.raises(NameTaken):
        await write(store, Add(record(4, "new")), Add(record(5, "new")))
    with pytest.raises(RecordChanged):
        await write(store, Replace(record(3), record(3)), Replace(record(3), record(3)))
    assert await ids(store) == [1, 3]


async def test_an_expired_record_is_as_good_as_removed(store: Store) -> None:
    old = record(7, "a", groups=("g",), expires_at=minutes(5))
    await add(store, old, record(8, groups=("g",)))
    last = minutes(5) - timedelta(milliseconds=1)
    assert await store.get_record("thing", 7, last) == await store.find_record("thing", "a", last) == old
    over = minutes(5)
    assert await store.get_record("thing", 7, over) is None
    assert await store.find_record("thing", "a", over) is None
    assert await ids(store, now=over) == await ids(store, "g", now=over) == [8]
    for change in (Remove(old), Replace(old, old)):
        with pytest.raises(RecordChanged):
            await store.write_records([change], over)


@pytest.mark.parametrize("next_id", [7, 9])
async def test_an_expired_record_s_name_and_id_are_free(store: Store, next_id: int) -> None:
    await add(store, record(7, "a", groups=("g",), expires_at=minutes(5)))
    with pytest.raises((NameTaken, RecordChanged)):
        await store.write_records([Add(record(next_id, "a"))], minutes(4))
    heir = record(next_id, "a", groups=("h",))
    await store.write_records([Add(heir)], minutes(5))
    for _ in range(2):
        assert await store.find_record("thing", "a", minutes(6)) == heir
        assert await ids(store, "g", now=minutes(6)) == []
        assert await ids(store, "h", now=minutes(6)) == [next_id]
        await store.write_records([Add(record(100 + _))], minutes(6))  # what is left of the old one goes


async def test_a_record_may_get_another_expiry_or_none(store: Store) -> None:
    old = record(7, "a", expires_at=minutes(5))
    await add(store, old)
    (longer,) = await write(store, Replace(old, replace(old, expires_at=minutes(9))))
    await store.write_records([Add(record(8))], minutes(6))
    assert await store.get_record("thing", 7, minutes(8)) == longer
    (lasting,) = await store.write_records([Replace(longer, replace(longer, expires_at=None))], minutes(8))
    await store.write_records([Add(record(9))], minutes(1000))
    assert await store.get_record("thing", 7, minutes(1000)) == lasting


async def test_what_has_expired_goes_bit_by_bit(store: Store) -> None:
    for start in range(1, 400, 100):
        await add(store, *(record(n, f"n{n}", groups=("g",), expires_at=minutes(5)) for n in range(start, start + 100)))
    for n in range(1, 30):
        await store.write_records([Add(record(1000 + n))], minutes(6))
    assert await ids(store) == list(range(1001, 1030))  # looked at as of before they expired
    assert await ids(store, "g") == []
    assert await store.find_record("thing", "n400", NOW) is None


async def test_pages_of_a_group_go_up_and_down_by_id(store: Store) -> None:
    numbers = [1, 2, 3, 250, 256, 65_536, 2**31, 2**32, 2**32 + 1, MAX_ID]
    await add(store, *(record(n, groups=("g", "odd") if n % 2 else ("g",)) for n in reversed(numbers)))
    for group in ("", "g"):
        assert await ids(store, group) == numbers
        assert await ids(store, group, descending=True) == numbers[::-1]
        assert await ids(store, group, limit=3) == numbers[:3]
        assert await ids(store, group, after=3, limit=4) == numbers[3:7]
        assert await ids(store, group, after=4, limit=4) == numbers[3:7]
        assert await ids(store, group, after=256, limit=3, descending=True) == [250, 3, 2]
        assert await ids(store, group, after=MAX_ID) == await ids(store, group, after=1, descending=True) == []
        assert await ids(store, group, after=-5) == numbers
        assert await ids(store, group, after=2**70, descending=True) == numbers[::-1]
    assert await ids(store, "odd") == [n for n in numbers if n % 2]
    assert await ids(store, "even") == []


async def test_groups_whose_names_resemble_each_other_are_not_mixed_up(store: Store) -> None:
    groups = ["g", "g\0", "gg", "g:", "\0", "0001g", "é", "🔑", "%", "_", "*", "g" * MAX_TEXT]
    for number, group in enumerate(groups, 1):
        await add(store, record(number, groups=(group,)))
    assert [await ids(store, group) for group in groups] == [[n] for n in range(1, len(groups) + 1)]
    assert await ids(store) == list(range(1, len(groups) + 1))
    assert await ids(store, "\ud800") == await ids(store, "g" * 5000) == []


async def test_a_page_is_full_although_expired_records_lie_in_between(store: Store) -> None:
    for start in (1, 101, 201):
        await add(
            store,
            *(
                record(n, groups=("g",), expires_at=None if n % 50 == 0 else minutes(5))
                for n in range(start, start + 100)
            ),
        )
    for group in ("", "g"):
        assert await ids(store, group, now=minutes(5), limit=4) == [50, 100, 150, 200]
        assert await ids(store, group, now=minutes(5), limit=2, after=100, descending=True) == [50]


async def test_a_group_named_twice_has_the_record_once(store: Store) -> None:
    (made,) = await add(store, record(1, "a", "a", groups=("g", "g")))
    assert await ids(store, "g") == [1]
    await write(store, Remove(made))
    assert await ids(store, "g") == []


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE records; --", "nul\0", "\0", "", "é\u0301", "🔑" * 200, "a\nb\r", "*?["]
)
async def test_any_text_is_a_name(store: Store, text: str) -> None:
    made = record(1, text, groups=(text or "x",), body=text.encode())
    await add(store, made)
    assert await store.find_record("thing", text, NOW) == made
    assert await store.find_record("thing", text + "x", NOW) is None
    with pytest.raises(NameTaken):
        await add(store, record(2, text))


async def test_the_largest_record_is_kept_and_larger_ones_are_refused(store: Store) -> None:
    largest = record(
        MAX_ID,
        *(chr(97 + n) * MAX_TEXT for n in range(MAX_TEXTS)),
        groups=tuple(chr(97 + n) * MAX_TEXT for n in range(MAX_TEXTS)),
        body=b"\xff" * MAX_BODY,
        version=MAX_ID,
    )
    await add(store, largest)
    assert await store.get_record("thing", MAX_ID, NOW) == largest
    for bad in (record(1, "x" * (MAX_TEXT + 1)), record(1, "\ud800"), record(1, groups=("\udfff",))):
        with pytest.raises(InvalidInput):
            await add(store, bad)
    with pytest.raises(InvalidInput):
        await write(store, Replace(largest, replace(largest, body=largest.body + b"x")))
    assert await ids(store) == [MAX_ID]


async def test_as_many_changes_as_allowed_are_made_at_once_and_more_are_a_mistake(store: Store) -> None:
    records = [record(n, f"n{n}", groups=("g",)) for n in range(1, MAX_CHANGES + 1)]
    assert await add(store, *records) == records
    assert await ids(store, "g", limit=1000) == [made.id for made in records]
    for bad in (
        [Add(record(1000 + n)) for n in range(MAX_CHANGES + 1)],
        [],
        [Replace(record(1, "n1"), record(2, "n2"))],
        [Add(record(0))],
        [Add(record(MAX_ID + 1))],
        [Add(record(1000, kind="a b"))],
        [Add(record(1000, groups=("",)))],
    ):
        with pytest.raises(ValueError):
            await write(store, *bad)


async def test_records_survive_closing_and_those_not_durable_are_seen_at_once(open_store: OpenStore) -> None:
    async with open_store() as store, open_store() as other:
        await store.write_records([Add(record(1))], NOW, durable=False)
        assert await other.get_record("thing", 1, NOW) == record(1)
        await add(store, record(2, "a", groups=("g",)))
    async with open_store() as store:
        assert await ids(store, "g") == [2]
        assert await store.find_record("thing", "a", NOW) == record(2, "a", groups=("g",))


async def test_writers_of_different_records_do_not_disturb_each_other(store: Store, open_store: OpenStore) -> None:
    async def count(n: int, where: Store) -> None:
        (current,) = await add(where, record(n, f"n{n}", groups=("g",), body=b"0"))
        for step in range(1, 6):
            (current,) = await write(where, Replace(current, replace(current, body=b"%d" % step)))

    async with open_store() as other:
        outcomes = await asyncio.gather(
            *(count(n, (store, other)[n % 2]) for n in range(1, 31)), return_exceptions=True
        )
    assert not [outcome for outcome in outcomes if isinstance(outcome, ShortlyError)]
    found = await store.list_records("thing", "g", NOW)
    assert [(one.id, one.version, one.body) for one in found] == [(n, 6, b"5") for n in range(1, 31)]
