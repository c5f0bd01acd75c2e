"""API keys: their form, and what the service does with them."""

import re
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortly.accounts.keys import DIGITS, KeyService, digest_of, draw_key, is_key
from shortly.accounts.store import ApiKey
from shortly.errors import InvalidInput, KeyNameTaken, KeyNotFound, StorageFull, Unauthenticated
from shortly.store import Store
from shortly.store.sqlite import SqliteStore

pytestmark = pytest.mark.anyio


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)

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
def keys(store: Store, clock: Clock) -> KeyService:
    return KeyService(store, clock)


async def test_a_key_can_be_found_by_scanners_and_holds_256_random_bits() -> None:
    drawn = {draw_key() for _ in range(500)}
    assert len(drawn) == 500
    assert all(re.fullmatch(r"sly_[0-9A-Za-z]{49}", key) and is_key(key) for key in drawn)
    assert {key[4] for key in drawn}.issuperset(DIGITS[:8])


@given(place=st.integers(4, 52), digit=st.sampled_from(DIGITS))
async def test_a_mistyped_key_is_none(place: int, digit: str) -> None:
    key = draw_key()
    mistyped = key[:place] + digit + key[place + 1 :]
    assert is_key(mistyped) == (mistyped == key)


@given(st.one_of(st.text(), st.text(alphabet="sly_Aa09").map(lambda text: f"sly_{text}")))
async def test_any_other_text_is_no_key(text: str) -> None:
    assert not is_key(text)


async def test_a_new_key_lets_its_holder_in(keys: KeyService, store: Store) -> None:
    key, secret = await keys.create(" laptop ")
    assert (key.name, key.hint) == ("laptop", secret[:8])
    assert (await keys.authenticate(secret)).id == key.id
    assert await store.get_key(digest_of(secret)) is not None
    assert secret not in repr(await keys.list_keys())


@pytest.mark.parametrize("secret", ["", "sly_", "x" * 10_000, "sly_" + "0" * 49, "\0", "ключ", "\ud800"])
async def test_junk_lets_nobody_in(keys: KeyService, secret: str) -> None:
    with pytest.raises(Unauthenticated):
        await keys.authenticate(secret)


async def test_a_key_that_nobody_made_lets_nobody_in(keys: KeyService) -> None:
    with pytest.raises(Unauthenticated):
        await keys.authenticate(draw_key())


async def test_a_revoked_key_lets_nobody_in_and_frees_its_name(keys: KeyService) -> None:
    key, secret = await keys.create("laptop")
    assert (await keys.revoke("laptop")).revoked_at is not None
    with pytest.raises(Unauthenticated):
        await keys.authenticate(secret)
    with pytest.raises(KeyNotFound):
        await keys.revoke("laptop")
    with pytest.raises(KeyNotFound):
        await keys.revoke(str(key.id))
    again, _ = await keys.create("laptop")
    assert [(one.id, one.revoked_at is None) for one in await keys.list_keys()] == [(key.id, False), (again.id, True)]


async def test_a_name_goes_before_an_id_when_a_key_is_revoked(keys: KeyService) -> None:
    first, _ = await keys.create("one")
    second, _ = await keys.create(str(first.id))
    assert (await keys.revoke(str(first.id))).id == second.id
    assert (await keys.revoke(str(first.id))).id == first.id


@pytest.mark.parametrize("name", ["", "  ", "x" * 65, "a\nb", "a\0b", "\ud800"])
async def test_a_bad_name_is_refused(keys: KeyService, name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await keys.create(name)
    assert refused.value.field == "name"
    assert await keys.list_keys() == []


async def test_two_live_keys_have_two_names(keys: KeyService) -> None:
    await keys.create("laptop")
    with pytest.raises(KeyNameTaken):
        await keys.create("laptop")


async def test_the_last_use_is_noted_once_a_minute(keys: KeyService, store: Store, clock: Clock) -> None:
    _, secret = await keys.create("laptop")

    async def last_used() -> datetime | None:
        return (await keys.list_keys())[0].last_used_at

    assert await last_used() is None
    await keys.authenticate(secret)
    first = clock.now
    assert await last_used() == first
    clock.now += timedelta(seconds=59)
    await keys.authenticate(secret)
    assert await last_used() == first
    clock.now += timedelta(seconds=1)
    await KeyService(store, clock).authenticate(secret)
    assert await last_used() == first + timedelta(minutes=1)


async def test_a_full_disk_locks_nobody_out(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = KeyService(store, clock)
    _, secret = await keys.create("laptop")
    asked: list[int] = []

    async def refuse(key_id: int, at: datetime) -> None:
        asked.append(key_id)
        raise StorageFull

    monkeypatch.setattr(store, "touch_key", refuse)
    key: ApiKey = await keys.authenticate(secret)
    assert asked == [key.id]


async def test_drawing_uses_the_system_s_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "token_bytes", lambda count: b"\xff" * count)
    key = draw_key()
    assert is_key(key)
    assert key == draw_key()
