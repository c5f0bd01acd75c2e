"""What every engine promises about idempotency keys."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from tests.store.conftest import OpenStore
from tests.store.examples import NOW, minutes

from shortly.accounts.store import Answered, Claimed
from shortly.store import Store

pytestmark = pytest.mark.anyio


async def test_the_first_claim_is_free_and_the_second_is_told_to_wait(store: Store) -> None:
    assert isinstance(await store.claim("k", b"print", NOW), Claimed)
    assert await store.claim("k", b"other", NOW) == Answered(fingerprint=b"print")
    assert isinstance(await store.claim("l", b"other", NOW), Claimed)


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
    (winner,) = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, Claimed)]
    assert {outcome.fingerprint for outcome in outcomes if isinstance(outcome, Answered)} == {b"%d" % winner}


async def test_a_claim_without_an_answer_lapses_after_a_minute(store: Store) -> None:
    await store.claim("k", b"first", NOW)
    assert await store.claim("k", b"second", NOW + timedelta(seconds=59.999)) == Answered(fingerprint=b"first")
    assert isinstance(await store.claim("k", b"second", NOW + timedelta(seconds=60)), Claimed)


async def test_an_answer_that_comes_after_the_claim_passed_on_is_dropped(store: Store) -> None:
    await store.claim("k", b"first", NOW)
    await store.claim("k", b"second", minutes(2))
    await store.answer("k", Answered(fingerprint=b"first", status=201))
    assert await store.claim("k", b"third", minutes(2)) == Answered(fingerprint=b"second")


async def test_an_answer_lapses_after_a_day(store: Store) -> None:
    await store.claim("k", b"first", NOW)
    await store.answer("k", Answered(fingerprint=b"first", status=201))
    assert await store.claim("k", b"second", NOW + timedelta(hours=23, minutes=59)) == Answered(
        fingerprint=b"first", status=201
    )
    assert isinstance(await store.claim("k", b"second", NOW + timedelta(hours=24)), Claimed)


async def test_a_released_claim_is_free_again_and_an_answer_cannot_be_released(store: Store) -> None:
    await store.claim("k", b"first", NOW)
    await store.release("k")
    assert isinstance(await store.claim("k", b"second", NOW), Claimed)
    answered = Answered(fingerprint=b"second", status=200)
    await store.answer("k", answered)
    await store.release("k")
    assert await store.claim("k", b"third", NOW) == answered


async def test_an_answer_without_a_claim_is_dropped(store: Store) -> None:
    await store.answer("k", Answered(fingerprint=b"first", status=201))
    assert isinstance(await store.claim("k", b"second", NOW), Claimed)


@pytest.mark.parametrize("key", ["", "'; DROP TABLE links; --", "nul\0", "🔑" * 1000])
async def test_any_text_is_an_idempotency_key(store: Store, key: str) -> None:
    assert isinstance(await store.claim(key, b"", NOW), Claimed)
    await store.answer(key, Answered(fingerprint=b"", status=204))
    assert await store.claim(key, b"", NOW) == Answered(fingerprint=b"", status=204)


async def claimed(store: Store, key: str, fingerprint: bytes, now: datetime) -> Claimed:
    claim = await store.claim(key, fingerprint, now)
    assert isinstance(claim, Claimed)
    return claim


async def test_who_repeats_a_request_that_was_not_answered_carries_on_with_its_seed(
    store: Store, open_store: OpenStore
) -> None:
    first = await claimed(store, "k", b"print", NOW)
    assert (len(first.seed), first.since, first.again) == (16, NOW, False)
    async with open_store() as other:
        for later in (minutes(1), minutes(2)):
            assert await claimed(other, "k", b"print", later) == Claimed(seed=first.seed, since=NOW, again=True)


async def test_each_request_has_a_seed_of_its_own(store: Store) -> None:
    first = await claimed(store, "k", b"print", NOW)
    other = await claimed(store, "l", b"print", NOW)
    another_request = await claimed(store, "k", b"other", minutes(1))
    await store.release("k")
    corrected = await claimed(store, "k", b"other", minutes(1))
    await store.answer("k", Answered(fingerprint=b"other", status=201))
    a_day_later = await claimed(store, "k", b"other", minutes(1) + timedelta(days=1))
    claims = [first, other, another_request, corrected, a_day_later]
    assert len({claim.seed for claim in claims}) == len(claims)
    assert [claim.again for claim in claims] == [False] * len(claims)


async def test_a_claim_can_be_let_lapse_and_an_answer_cannot(store: Store) -> None:
    first = await claimed(store, "k", b"print", NOW)
    await store.lapse("k")
    assert await claimed(store, "k", b"print", NOW) == Claimed(seed=first.seed, since=NOW, again=True)
    answered = Answered(fingerprint=b"print", status=201)
    await store.answer("k", answered)
    await store.lapse("k")
    assert await store.claim("k", b"print", NOW) == answered
    await store.lapse("nobody's")
    assert not (await claimed(store, "nobody's", b"print", NOW)).again
