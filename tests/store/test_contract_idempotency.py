"""What every engine promises about idempotency keys."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from tests.store.conftest import OpenStore
from tests.store.examples import NOW, minutes

from shortly.accounts.store import Answered
from shortly.store import Store

pytestmark = pytest.mark.anyio


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
