"""What every engine promises about API keys and idempotency keys."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from hashlib import sha256

import pytest
from tests.store.conftest import OpenStore
from tests.store.examples import NOW, minutes

from shortly.accounts.store import Answered, ApiKey
from shortly.errors import KeyNameTaken
from shortly.store import Store

pytestmark = pytest.mark.anyio


def digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


async def add_key(store: Store, name: str, secret: str | None = None) -> ApiKey:
    return await store.add_key(ApiKey(name=name, hint="sk_ab", created_at=NOW), digest(secret or name))


async def test_a_key_is_found_by_its_digest_alone(store: Store) -> None:
    key = await add_key(store, "ci", "secret")
    assert key.id > 0
    assert key == ApiKey(id=key.id, name="ci", hint="sk_ab", created_at=NOW)
    assert await store.get_key(digest("secret")) == key
    assert await store.get_key(digest("guess")) is None
    assert await store.get_key(b"") is None


async def test_a_name_belongs_to_one_live_key(store: Store) -> None:
    first = await add_key(store, "ci", "one")
    with pytest.raises(KeyNameTaken):
        await add_key(store, "ci", "two")
    await store.revoke_key(first.id, NOW)
    second = await add_key(store, "ci", "two")
    assert second.id != first.id


async def test_of_many_keys_added_at_once_with_one_name_one_is_kept(store: Store) -> None:
    outcomes = await asyncio.gather(*(add_key(store, "ci", str(n)) for n in range(20)), return_exceptions=True)
    assert sum(isinstance(outcome, ApiKey) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, KeyNameTaken) for outcome in outcomes) == 19
    assert len(await store.list_keys()) == 1


async def test_a_revoked_key_is_invalid_at_once_in_all_processes(store: Store, open_store: OpenStore) -> None:
    key = await add_key(store, "ci")
    async with open_store() as other:
        assert await other.get_key(digest("ci")) == key
        await store.revoke_key(key.id, NOW)
        assert await other.get_key(digest("ci")) is None
    assert await store.get_key(digest("ci")) is None


async def test_a_second_revocation_keeps_the_first_ones_time_and_an_unknown_key_is_no_error(store: Store) -> None:
    key = await add_key(store, "ci")
    await store.revoke_key(key.id, NOW)
    await store.revoke_key(key.id, minutes(5))
    await store.revoke_key(12345, NOW)
    assert [listed.revoked_at for listed in await store.list_keys()] == [NOW]


async def test_all_keys_are_listed_oldest_first_revoked_ones_too(store: Store) -> None:
    names = ["one", "two", "three"]
    keys = [await add_key(store, name) for name in names]
    await store.revoke_key(keys[1].id, NOW)
    listed = await store.list_keys()
    assert [key.name for key in listed] == names
    assert [key.revoked_at for key in listed] == [None, NOW, None]


async def test_the_use_of_a_key_is_noted_to_the_minute_and_never_moves_back(store: Store) -> None:
    key = await add_key(store, "ci")
    await store.touch_key(key.id, minutes(3) + timedelta(seconds=59))
    await store.touch_key(key.id, minutes(1))
    await store.touch_key(999, NOW)
    found = await store.get_key(digest("ci"))
    assert found is not None
    assert found.last_used_at == minutes(3)


async def test_keys_survive_closing(open_store: OpenStore) -> None:
    async with open_store() as store:
        key = await add_key(store, "ci")
    async with open_store() as store:
        assert await store.get_key(digest("ci")) == key


# --- idempotency keys --------------------------------------------------------------------------------------------


async def test_the_first_claim_is_free_and_the_second_is_told_to_wait(store: Store) -> None:
    assert await store.claim("k", b"print", NOW) is None
    assert await store.claim("k", b"other", NOW) == Answered(fingerprint=b"print")
    assert await store.claim("l", b"other", NOW) is None


async def test_an_answer_is_given_to_who_repeats_the_request(store: Store, open_store: OpenStore) -> None:
    await store.claim("k", b"print", NOW)
    answered = Answered(fingerprint=b"print", status=201, headers={"location": "/é"}, body=b'{"\x00": 1}')
    await store.answer("k", answered)
    async with open_store() as other:
        assert await other.claim("k", b"print", minutes(2)) == answered


async def test_of_many_claims_at_once_one_is_free(store: Store, open_store: OpenStore) -> None:
    async with open_store() as other:
        claims = [(store, other)[n % 2].claim("k", str(n).encode(), NOW) for n in range(40)]
        outcomes = await asyncio.gather(*claims)
    assert outcomes.count(None) == 1
    winner = str(outcomes.index(None)).encode()
    assert {outcome.fingerprint for outcome in outcomes if outcome} == {winner}


async def test_a_claim_without_an_answer_lapses_after_a_minute(store: Store) -> None:
    await store.claim("k", b"first", NOW)
    assert await store.claim("k", b"second", NOW + timedelta(seconds=59.999)) is not None
    assert await store.claim("k", b"second", NOW + timedelta(seconds=60)) is None


async def test_an_answer_that_comes_after_the_claim_passed_on_is_dropped(store: Store) -> None:
    await store.claim("k", b"first", NOW)
    await store.claim("k", b"second", minutes(2))
    await store.answer("k", Answered(fingerprint=b"first", status=201))
    assert await store.claim("k", b"third", minutes(2)) == Answered(fingerprint=b"second")


async def test_an_answer_lapses_after_a_day(store: Store) -> None:
    await store.claim("k", b"first", NOW)
    await store.answer("k", Answered(fingerprint=b"first", status=201))
    assert await store.claim("k", b"second", NOW + timedelta(hours=23, minutes=59)) is not None
    assert await store.claim("k", b"second", NOW + timedelta(hours=24)) is None


async def test_a_released_claim_is_free_again_and_an_answer_cannot_be_released(store: Store) -> None:
    await store.claim("k", b"first", NOW)
    await store.release("k")
    assert await store.claim("k", b"second", NOW) is None
    answered = Answered(fingerprint=b"second", status=200)
    await store.answer("k", answered)
    await store.release("k")
    assert await store.claim("k", b"third", NOW) == answered


async def test_an_answer_without_a_claim_is_dropped(store: Store) -> None:
    await store.answer("k", Answered(fingerprint=b"first", status=201))
    assert await store.claim("k", b"second", NOW) is None


@pytest.mark.parametrize("key", ["", "'; DROP TABLE links; --", "nul\0", "🔑" * 1000])
async def test_any_text_is_an_idempotency_key(store: Store, key: str) -> None:
    assert await store.claim(key, b"", NOW) is None
    await store.answer(key, Answered(fingerprint=b"", status=204))
    assert await store.claim(key, b"", NOW) == Answered(fingerprint=b"", status=204)
