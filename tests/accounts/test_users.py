"""Users: added, changed, deleted, and never without somebody who looks after the installation."""

import asyncio
from datetime import timedelta

import pytest
from tests.accounts.teams import Clock, Team, person

from shortly.accounts.access import OPERATOR
from shortly.accounts.people import Member, User, of_user
from shortly.errors import EmailTaken, InvalidInput, LastAdmin, ShortlyError, UserNotFound, WorkspaceNotFound

pytestmark = pytest.mark.anyio


async def test_a_user_is_found_by_id_and_by_address_in_any_case(team: Team) -> None:
    made = await team.people.add(OPERATOR, "Ada@Bücher.example", name=" Ada ", locale="de", password="lovelace1815")
    assert made.email == "Ada@xn--bcher-kva.example"
    assert (made.name, made.locale, made.admin, made.password_hash) == ("Ada", "de", False, "hash of lovelace1815")
    assert await team.people.get(made.id) == made
    assert await team.people.find("ADA@bücher.EXAMPLE") == made
    with pytest.raises(UserNotFound):
        await team.people.get(made.id + 1)
    with pytest.raises(UserNotFound):
        await team.people.find("eve@example.com")


async def test_users_are_listed_page_by_page_in_the_order_they_came(team: Team, clock: Clock) -> None:
    made = []
    for number in range(5):
        clock.now += timedelta(seconds=1)
        made.append(await team.user(f"user{number}"))
    first = await team.people.list_users(limit=3)
    assert first == made[:3]
    assert await team.people.list_users(after=first[-1].id, limit=3) == made[3:]


async def test_an_address_is_given_once_in_whatever_case(team: Team) -> None:
    await team.user("ada")
    with pytest.raises(EmailTaken) as refused:
        await team.people.add(OPERATOR, "ADA@EXAMPLE.COM")
    assert refused.value.field == "email"
    assert len(await team.people.list_users()) == 1


async def test_of_two_who_take_an_address_at_once_one_gets_it(team: Team, other: Team) -> None:
    forms = ["ada@example.com", "ADA@example.com", "Ada@Example.com", "aDA@EXAMPLE.COM"]
    teams = [team, other, team, other]
    results = await asyncio.gather(
        *(one.people.add(OPERATOR, form) for one, form in zip(teams, forms, strict=True)), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["EmailTaken"] * 3 + ["User"]
    assert len(await team.people.list_users()) == 1


async def test_a_weak_password_makes_no_user(team: Team) -> None:
    with pytest.raises(InvalidInput):
        await team.people.add(OPERATOR, "ada@example.com", password="short")
    assert await team.people.list_users() == []


async def test_a_new_user_may_belong_to_a_workspace_at_once(team: Team) -> None:
    workspace = await team.workspaces.create(OPERATOR, "Marketing")
    await team.user("ada", workspace.id, "editor")
    assert await team.roles(workspace.id) == {"ada@example.com": "editor"}
    with pytest.raises(WorkspaceNotFound):
        await team.user("eve", 99)
    assert len(await team.people.list_users()) == 1


async def test_fields_are_changed_one_by_one(team: Team, clock: Clock) -> None:
    made = await team.people.add(OPERATOR, "ada@example.com", name="Ada")
    changed = await team.people.edit(OPERATOR, made.id, {"email": "lovelace@example.com", "locale": "en-GB"})
    assert (changed.email, changed.name, changed.locale) == ("lovelace@example.com", "Ada", "en-GB")
    assert await team.people.get(made.id) == changed
    await team.user("ada")  # the old address is free
    disabled = await team.people.edit(OPERATOR, made.id, {"enabled": False})
    assert disabled.disabled_at == clock.now
    assert await team.people.edit(OPERATOR, made.id, {"enabled": False}) == disabled
    assert (await team.people.edit(OPERATOR, made.id, {"enabled": True})).disabled_at is None
    with pytest.raises(EmailTaken):
        await team.people.edit(OPERATOR, made.id, {"email": "ADA@example.com"})
    for bad in ({"email": "ada"}, {"name": "a\nb"}, {"locale": "../de"}, {"password_hash": "x"}, {"": 1}):
        with pytest.raises(InvalidInput):
            await team.people.edit(OPERATOR, made.id, bad)
    with pytest.raises(UserNotFound):
        await team.people.edit(OPERATOR, 1, {"name": "Ada"})


async def test_edits_at_once_are_all_done(team: Team, other: Team) -> None:
    made = await team.user("ada")
    await asyncio.gather(
        team.people.edit(OPERATOR, made.id, {"name": "Ada"}),
        other.people.edit(OPERATOR, made.id, {"locale": "de"}),
        team.people.edit(OPERATOR, made.id, {"admin": True}),
        other.people.edit(OPERATOR, made.id, {"email": "lovelace@example.com"}),
    )
    user = await team.people.get(made.id)
    assert (user.name, user.locale, user.admin, user.email) == ("Ada", "de", True, "lovelace@example.com")


async def test_the_last_admin_stays_one(team: Team) -> None:
    assert not await team.people.any_admin()
    ada = await team.user("ada", admin=True)
    assert await team.people.any_admin()
    disabled = await team.user("off", admin=True)
    await team.people.edit(OPERATOR, disabled.id, {"enabled": False})
    for values in ({"admin": False}, {"enabled": False}):
        with pytest.raises(LastAdmin):
            await team.people.edit(OPERATOR, ada.id, values)
    with pytest.raises(LastAdmin):
        await team.people.delete(OPERATOR, ada.id)
    assert (await team.people.get(ada.id)).is_keeper
    await team.user("eve", admin=True)
    await team.people.delete(OPERATOR, ada.id)
    assert await team.people.any_admin()


@pytest.mark.parametrize("admins", [2, 3, 5])
async def test_admins_who_remove_each_other_at_once_leave_one(team: Team, other: Team, admins: int) -> None:
    made = [await team.user(f"admin{number}", admin=True) for number in range(admins)]

    async def remove(number: int) -> ShortlyError | None:
        people = (team, other)[number % 2].people
        try:
            match number % 3:
                case 0:
                    await people.delete(OPERATOR, made[number].id)
                case 1:
                    await people.edit(OPERATOR, made[number].id, {"admin": False})
                case _:
                    await people.edit(OPERATOR, made[number].id, {"enabled": False})
        except LastAdmin as refusal:
            return refusal
        return None

    refused = await asyncio.gather(*map(remove, range(admins)))
    assert sum(refusal is not None for refusal in refused) == 1
    assert sum(user.is_keeper for user in await team.people.list_users()) == 1


async def test_a_deleted_user_leaves_nothing_behind(team: Team) -> None:
    ada = await team.user("ada", 1)
    for number in range(3):
        await team.workspaces.add_member(
            OPERATOR, (await team.workspaces.create(OPERATOR, f"w{number}")).id, ada.id, "admin"
        )
    await team.people.delete(OPERATOR, ada.id)
    assert await team.registry.all(Member, of_user(ada.id)) == []
    assert await team.roles(1) == {}
    with pytest.raises(UserNotFound):
        await team.people.delete(OPERATOR, ada.id)
    assert (await team.user("ada")).id != ada.id


async def test_nobody_joins_a_workspace_while_being_deleted(team: Team, other: Team) -> None:
    for number in range(8):
        user = await team.user(f"user{number}")
        results = await asyncio.gather(
            team.people.delete(OPERATOR, user.id),
            other.workspaces.add_member(OPERATOR, 1, user.id, "viewer"),
            return_exceptions=True,
        )
        assert results[0] is None
        assert isinstance(results[1], Member | UserNotFound)
    assert await team.registry.all(Member) == []


async def test_it_is_noted_who_changed_whom(team: Team) -> None:
    ada = await team.user("ada", admin=True)
    eve = await team.user("eve")
    team.audit.notes.clear()
    by = person(ada)
    await team.people.edit(by, eve.id, {"name": "Eve"})
    await team.people.edit(by, eve.id, {"name": "Eve"})
    await team.people.edit(by, eve.id, {"email": "eva@example.com", "admin": True})
    await team.people.edit(by, eve.id, {"enabled": False, "admin": False})
    await team.people.delete(by, eve.id)
    assert team.audit.actions() == [
        "user.edited",
        "user.edited",
        "user.made_admin",
        "user.unmade_admin",
        "user.disabled",
        "user.deleted",
    ]
    assert {(actor, subject) for actor, _, subject, _ in team.audit.notes} == {(f"user:{ada.id}", f"user:{eve.id}")}
    assert team.audit.notes[1][3]["email_before"] == "eve@example.com"


async def test_a_password_is_in_no_note(team: Team) -> None:
    await team.user("ada", password="lovelace1815")
    assert "lovelace1815" not in repr(team.audit.notes)


async def test_a_user_s_record_is_small(team: Team) -> None:
    user = await team.people.add(OPERATOR, "a" * 64 + "@" + "b" * 60 + ".example", name="é" * 128, locale="de")
    assert isinstance(user, User)
    assert len(user.record().body) < 2000


async def test_an_id_that_is_taken_is_drawn_again(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await team.user("ada")
    drawn = iter([first.id, first.id, first.id + 1])
    monkeypatch.setattr("shortly.accounts.registry.draw_id", lambda _: next(drawn))
    assert (await team.user("eve")).id == first.id + 1
