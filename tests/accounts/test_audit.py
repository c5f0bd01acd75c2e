"""The audit log: what is noted, how it is found again, and for how long."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from shortly.accounts import audit as audit_module
from shortly.accounts.access import OPERATOR, Caller
from shortly.accounts.audit import MAX_DETAILS, MAX_SUBJECT, NOTED_EACH, Audit, AuditEntry, AuditQuery
from shortly.accounts.registry import Registry, draw_id
from shortly.errors import InvalidInput, StorageFull
from shortly.store import Store
from shortly.store.sqlite import SqliteStore

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
ADA = Caller(actor="user:7", user_id=7, workspace_id=1, origin="203.0.113.0")
BOB = Caller(actor="key:3", user_id=8, workspace_id=2)


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with SqliteStore(tmp_path) as opened:
        yield opened


@pytest.fixture
def audit(store: Store, clock: Clock) -> Audit:
    return Audit(Registry(store, clock), timedelta(days=30))


async def found(audit: Audit, workspace_id: int | None = 1, **query: Any) -> list[str]:
    return [entry.subject for entry in (await audit.page(workspace_id, AuditQuery(**query))).entries]


async def test_an_entry_says_who_did_what_to_what_when_and_from_where(audit: Audit, clock: Clock) -> None:
    await audit.note(ADA, "link.created", "link:/spring", target="https://example.com/")
    (entry,) = (await audit.page(1, AuditQuery())).entries
    assert structs.replace(entry, id=0) == AuditEntry(
        version=1,
        at=START,
        actor="user:7",
        user_id=7,
        action="link.created",
        subject="link:/spring",
        workspace_id=1,
        origin="203.0.113.0",
        details={"target": "https://example.com/"},
        expires_at=START + timedelta(days=30),
    )


async def test_entries_are_listed_newest_first_even_of_one_millisecond(audit: Audit) -> None:
    for number in range(50):
        await audit.note(ADA, "a.b", str(number))
    assert await found(audit) == [str(number) for number in reversed(range(50))]
    assert await found(audit, descending=False, limit=3) == ["0", "1", "2"]


async def test_each_workspace_has_its_own_and_the_installation_all(audit: Audit) -> None:
    await audit.note(ADA, "a.b", "one")
    await audit.note(BOB, "a.b", "two")
    await audit.note(ADA, "a.b", "all", workspace_id=0)
    assert await found(audit, 1) == ["one"]
    assert await found(audit, 2) == ["two"]
    assert await found(audit, 0) == ["all"]
    assert await found(audit, None) == ["all", "two", "one"]
    assert await found(audit, None, actor="user:7") == ["all", "one"]
    assert await found(audit, 2, actor="user:7") == []


async def test_filters_narrow_and_pages_follow_one_another(audit: Audit, clock: Clock) -> None:
    for number in range(40):
        clock.now = START + timedelta(minutes=number)
        who = ADA if number % 2 else structs.replace(BOB, workspace_id=1)
        await audit.note(who, "a.b" if number % 3 else "a.c", str(number % 4), n=number)
    many: tuple[dict[str, Any], ...] = (
        {},
        {"actor": "user:7"},
        {"action": "a.c"},
        {"subject": "3"},
        {"actor": "user:7", "action": "a.c"},
        {"actor": "user:7", "action": "a.b", "subject": "1"},
        {"since": START + timedelta(minutes=10), "until": START + timedelta(minutes=30)},
        {"since": START + timedelta(minutes=10), "actor": "key:3"},
        {"until": START + timedelta(minutes=10), "action": "a.c", "subject": "0"},
        {"actor": "nobody"},
    )
    for filters in many:
        expected = [
            number
            for number in range(40)
            if filters.get("actor") in (None, "user:7" if number % 2 else "key:3")
            and filters.get("action") in (None, "a.b" if number % 3 else "a.c")
            and filters.get("subject") in (None, str(number % 4))
            and filters.get("since", START) <= START + timedelta(minutes=number)
            and START + timedelta(minutes=number) < filters.get("until", datetime.max.replace(tzinfo=UTC))
        ]
        for workspace_id in (1, None):
            for descending in (True, False):
                walked: list[int] = []
                query = AuditQuery(**filters, limit=3, descending=descending)
                while True:
                    page = await audit.page(workspace_id, query)
                    walked += [entry.details["n"] for entry in page.entries]
                    if page.next_after is None:
                        break
                    query = structs.replace(query, after=page.next_after)
                assert walked == (expected[::-1] if descending else expected), (filters, descending)
            everything = [entry async for page in audit.all(workspace_id, AuditQuery(**filters)) for entry in page]
            assert [entry.details["n"] for entry in everything] == expected


async def test_a_page_of_a_rare_kind_gives_up_after_a_while_and_goes_on_where_it_stopped(
    audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_module, "MAX_PAGE", 10)
    monkeypatch.setattr(audit_module, "SCANNED", 2)
    await audit.note(ADA, "rare.kind", "it")
    for number in range(55):
        await audit.note(ADA, "a.b", str(number))
    query, pages, walked = AuditQuery(actor="user:7", action="rare.kind", limit=5), 0, []
    while True:
        page = await audit.page(None, query)
        pages += 1
        walked += [entry.subject for entry in page.entries]
        if page.next_after is None:
            break
        query = structs.replace(query, after=page.next_after)
    assert (walked, pages) == (["it"], 3)


async def test_entries_are_kept_as_long_as_was_said(audit: Audit, clock: Clock) -> None:
    await audit.note(ADA, "a.b", "old")
    clock.now += timedelta(days=30) - timedelta(milliseconds=1)
    await audit.note(ADA, "a.b", "new")
    assert await found(audit) == ["new", "old"]
    clock.now += timedelta(milliseconds=1)
    assert await found(audit) == ["new"]


async def test_many_things_at_once_are_one_entry_with_their_number(audit: Audit) -> None:
    few = [(f"link:/{number}", {"n": number}) for number in range(NOTED_EACH)]
    await audit.note_each(ADA, "link.created", few)
    assert await found(audit, descending=False) == [subject for subject, _ in few]
    await audit.note_each(ADA, "link.deleted", [*few, ("link:/more", {})])
    await audit.note_each(ADA, "link.edited", [])
    (entry,) = (await audit.page(1, AuditQuery(action="link.deleted"))).entries
    assert entry.subject == ""
    assert entry.details == {"count": NOTED_EACH + 1, "first": [subject for subject, _ in few]}


async def test_what_cannot_be_noted_is_logged_and_stops_nobody(
    audit: Audit, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any, **__: Any) -> Any:
        raise StorageFull

    monkeypatch.setattr(store, "write_records", refuse)
    with structlog.testing.capture_logs() as logged:
        await audit.note(ADA, "link.deleted", "link:/spring")
    (line,) = logged
    assert (line["log_level"], line["reason"]) == ("error", "storage_full")
    assert "link:/spring" in line["entry"]
    assert "user:7" in line["entry"]


async def test_an_id_that_another_process_drew_too_is_drawn_again(
    audit: Audit, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_module, "draw_id", lambda now: draw_id(now) >> 12 << 12)
    others = Audit(Registry(store, clock), timedelta(days=30))
    await asyncio.gather(*(one.note(ADA, "a.b", "x") for one in (audit, others) for _ in range(10)))
    assert len(await found(audit)) == 20


@pytest.mark.parametrize("limit", [0, -1, 501])
async def test_a_page_has_a_bounded_size(audit: Audit, limit: int) -> None:
    with pytest.raises(InvalidInput):
        await audit.page(1, AuditQuery(limit=limit))


@pytest.mark.parametrize("text", ["x" * 100_000, "\ud800", "a\nb\0c", "🔑" * 1000, "workspace:2", "1/actor:user:7"])
async def test_any_text_is_noted_cut_off_where_it_is_too_long(audit: Audit, text: str) -> None:
    await audit.note(ADA, "a.b", text, text=text, many=[text] * 50)
    (entry,) = (await audit.page(1, AuditQuery())).entries
    assert len(entry.subject) <= MAX_SUBJECT
    assert len(entry.record().body) < MAX_DETAILS + 4 * MAX_SUBJECT + 1000
    assert await found(audit, 2) == []
    assert await found(audit, subject=text) in ([], [entry.subject])


@given(
    st.dictionaries(
        st.text(max_size=20).filter(str.isidentifier),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=10,
        ),
    )
)
async def test_any_details_fit_into_an_entry(details: dict[str, Any]) -> None:
    entry = Audit(Registry(None, lambda: START), timedelta(days=1))  # type: ignore[arg-type]  # nothing is written
    for taken in ("caller", "action", "subject", "workspace_id", "self"):
        details.pop(taken, None)
    record = entry.entry(OPERATOR, "a.b", **details).record
    assert AuditEntry.of(record).action == "a.b"
    assert len(record.body) < 2 * MAX_DETAILS
