"""Two processes let people in over the same data, on every engine: what may happen once happens once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from datetime import timedelta

import pyotp
import pytest
from tests.store.conftest import OpenStore

from shortly.accounts.entrance import Entrance
from shortly.accounts.passwords import Passwords
from shortly.accounts.people import User
from shortly.accounts.registry import Registry
from shortly.accounts.secret import Secret
from shortly.accounts.sessions import From, SignedIn
from shortly.errors import Unauthenticated
from shortly.store import Store

pytestmark = pytest.mark.anyio

EMAIL, PASSWORD, NEW = "ada@example.com", "an owl eats at night", "a fox sleeps by day"
RUSH = 4
"""Tries in each process."""


def entrance_of(store: Store) -> Entrance:
    return Entrance(
        Registry(store),
        secret=Secret(("s" * 32,)),
        passwords=Passwords(time_cost=1, memory_cost=8, parallelism=1),
        mail_server=None,
        base_url="http://localhost:8000",
        idle=timedelta(days=14),
    )


@pytest.fixture
async def doors(open_store: OpenStore) -> AsyncIterator[tuple[Entrance, Entrance]]:
    """Open the same data twice."""
    async with open_store() as first, open_store() as second:
        yield entrance_of(first), entrance_of(second)


async def names_of(tries: Sequence[Awaitable[object]]) -> list[str]:
    """Return what came of tries at the same moment, by the names of their kinds."""
    return sorted(type(outcome).__name__ for outcome in await asyncio.gather(*tries, return_exceptions=True))


async def ada(door: Entrance) -> SignedIn:
    """Make the first person, and sign them in."""
    user = await door.setup.make_first(email=EMAIL, password=PASSWORD)
    return await door.sessions.sign_in(user, "setup", second_factor=False, facts=From())


async def is_alive(door: Entrance, token: str) -> bool:
    try:
        await door.sessions.resume(token)
    except Unauthenticated:
        return False
    return True


async def test_one_of_all_who_come_first_is_the_first(doors: tuple[Entrance, Entrance]) -> None:
    secrets = [await door.setup.issue() for door in doors]
    tries = [
        door.setup.redeem(secret or "", email=f"u{number}@example.com", password=PASSWORD)
        for door, secret in zip(doors, secrets, strict=True)
        for number in range(RUSH)
    ]
    outcomes = await names_of(tries)
    assert outcomes.count("User") == 1
    assert set(outcomes) <= {"User", "SetupDone", "TicketRefused"}
    assert len(await doors[0].registry.all(User)) == 1
    assert [await door.setup.is_open() for door in doors] == [False, False]


async def test_a_session_that_one_process_ends_has_ended_for_the_other(doors: tuple[Entrance, Entrance]) -> None:
    here, there = doors
    first = await ada(here)
    second = await there.sign_in.sign_in(EMAIL, PASSWORD, From())
    assert await is_alive(there, first.token)
    assert await is_alive(here, second.token)
    await here.sessions.end(first.session.id, first.user.id)
    assert not await is_alive(there, first.token)
    assert await there.sessions.end_all(first.user.id) == 1
    assert not await is_alive(here, second.token)


async def test_all_who_sign_in_at_once_have_a_session_each(doors: tuple[Entrance, Entrance]) -> None:
    user = (await ada(doors[0])).user
    assert await names_of([door.sign_in.sign_in(EMAIL, PASSWORD, From()) for door in doors * RUSH]) == ["SignedIn"] * (
        2 * RUSH
    )
    assert len(await doors[1].sessions.of(user.id)) == 2 * RUSH + 1


async def test_a_code_lets_in_once(doors: tuple[Entrance, Entrance]) -> None:
    here, _ = doors
    person = await ada(here)
    app = pyotp.TOTP((await here.second_factor.start(person.user)).secret)
    now = here.registry.now()
    codes = await here.second_factor.confirm(person.user, person.session, app.at(now - timedelta(seconds=30)))
    for code in (app.at(now + timedelta(seconds=30)), codes[0]):
        tries = [door.sign_in.sign_in(EMAIL, PASSWORD, From(), code=code) for door in doors * 2]
        assert await names_of(tries) == ["SignedIn", "WrongCode", "WrongCode", "WrongCode"]


async def test_a_link_sets_a_password_once_and_no_session_outlives_it(doors: tuple[Entrance, Entrance]) -> None:
    here, there = doors
    person = await ada(here)
    secret = (await here.sign_in.reset_link(person.user.id)).partition("=")[2]
    resets = [door.sign_in.reset(secret, f"{NEW} {number}") for number, door in enumerate(doors * 2)]
    outcomes = await names_of([*resets, *(door.sign_in.sign_in(EMAIL, PASSWORD, From()) for door in doors * RUSH)])
    assert outcomes.count("User") == 1
    assert set(outcomes) <= {"User", "TicketRefused", "SignedIn", "SignInRefused"}
    assert await there.sessions.of(person.user.id) == []


async def test_a_changed_password_leaves_one_session(doors: tuple[Entrance, Entrance]) -> None:
    here, there = doors
    person = await ada(here)
    change = here.sign_in.change_password(person.user, person.session, present=PASSWORD, new=NEW)
    rush = [door.sign_in.sign_in(EMAIL, PASSWORD, From()) for door in doors * RUSH]
    outcomes = await names_of([change, *rush])
    assert outcomes.count("NoneType") == 1, outcomes
    assert [session.id for session in await there.sessions.of(person.user.id)] == [person.session.id]
    await there.sign_in.sign_in(EMAIL, NEW, From())
