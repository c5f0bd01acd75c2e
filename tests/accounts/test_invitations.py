"""Invitations: a link, one person, once."""

import asyncio
from datetime import timedelta

import pytest
from tests.accounts.teams import Clock, Team

from shortly.accounts.access import OF_SCOPE, OPERATOR, Caller
from shortly.accounts.invitations import Accepted
from shortly.accounts.people import Invitation, User
from shortly.accounts.records import MAX_BODY
from shortly.errors import (
    AlreadyMember,
    Forbidden,
    InvalidInput,
    InvitationNotFound,
    SignInFirst,
    StoreUnavailable,
    Unauthenticated,
    WorkspaceNotFound,
)

pytestmark = pytest.mark.anyio

PASSWORD = "lovelace1815"


async def test_a_new_person_joins_with_a_password_of_their_own(team: Team) -> None:
    token = await team.token("Ada@Example.com", 1, "editor")
    user, member = await team.invitations.accept(token, password=PASSWORD, name="Ada", locale="de")
    assert await team.people.find("ada@example.com") == user
    assert (user.name, user.password_hash, user.admin) == ("Ada", f"hash of {PASSWORD}", False)
    assert (member.role, await team.roles(1)) == ("editor", {"Ada@example.com": "editor"})
    with pytest.raises(InvitationNotFound):
        await team.invitations.accept(token, password=PASSWORD)
    assert await team.invitations.list_invitations(1) == []


async def test_somebody_with_an_account_joins_as_who_they_are(team: Team) -> None:
    ada, eve = await team.user("ada"), await team.user("eve")
    token = await team.token("ADA@example.com", 1, "admin")
    for wrong in (None, eve):
        with pytest.raises(SignInFirst):
            await team.invitations.accept(token, signed_in=wrong, password=PASSWORD)
    accepted = await team.invitations.accept(token, signed_in=ada)
    assert accepted.user.id == ada.id
    assert await team.roles(1) == {"ada@example.com": "admin"}


async def test_nobody_takes_an_invitation_of_a_new_person_for_themselves(team: Team) -> None:
    eve = await team.user("eve")
    token = await team.token("ada@example.com", 1)
    with pytest.raises(SignInFirst):
        await team.invitations.accept(token, signed_in=eve)
    assert await team.roles(1) == {}


async def test_a_disabled_user_does_not_get_in_by_an_invitation(team: Team) -> None:
    ada = await team.user("ada")
    token = await team.token("ada@example.com", 1)
    await team.people.edit(OPERATOR, ada.id, {"enabled": False})
    with pytest.raises(Unauthenticated):
        await team.invitations.accept(token, signed_in=ada)


async def test_of_many_who_accept_at_once_one_does(team: Team, other: Team) -> None:
    token = await team.token("ada@example.com", 1)
    results = await asyncio.gather(
        *(one.invitations.accept(token, password=f"{PASSWORD}{n}") for n, one in enumerate([team, other] * 4)),
        return_exceptions=True,
    )
    accepted = [result for result in results if isinstance(result, Accepted)]
    assert len(accepted) == 1
    assert all(isinstance(result, Accepted | InvitationNotFound | SignInFirst) for result in results)
    assert await team.people.list_users() == [accepted[0].user]
    assert await team.roles(1) == {"ada@example.com": "editor"}


async def test_of_two_signed_in_at_once_one_accepts(team: Team, other: Team) -> None:
    ada = await team.user("ada")
    token = await team.token("ada@example.com", 1)
    results = await asyncio.gather(
        *(one.invitations.accept(token, signed_in=ada) for one in (team, other)), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["Accepted", "InvitationNotFound"]


async def test_an_invitation_is_not_used_up_by_a_failure(team: Team) -> None:
    token = await team.token("ada@example.com", 1)
    for values in ({}, {"password": "short"}, {"password": PASSWORD, "name": "a\nb"}):
        with pytest.raises(InvalidInput):
            await team.invitations.accept(token, **values)  # type: ignore[arg-type]
    assert await team.people.list_users() == []
    assert (await team.invitations.accept(token, password=PASSWORD)).user.email == "ada@example.com"


async def test_an_invitation_ends_after_a_week(team: Team, clock: Clock) -> None:
    token = await team.token("ada@example.com", 1)
    clock.now += timedelta(days=7, milliseconds=1)
    with pytest.raises(InvitationNotFound):
        await team.invitations.accept(token, password=PASSWORD)
    assert await team.invitations.list_invitations(1) == []
    await team.invitations.accept(await team.token("ada@example.com", 1), password=PASSWORD)


@pytest.mark.parametrize(
    "token", ["", "x", "x" * 43, "x" * 100_000, "\0" * 43, "é" * 43, "\ud800" * 43, "1/a@b.example"]
)
async def test_no_other_text_is_a_token(team: Team, token: str) -> None:
    await team.token("a@b.example", 1)
    with pytest.raises(InvitationNotFound):
        await team.invitations.accept(token, password=PASSWORD)


async def test_a_second_invitation_replaces_the_first(team: Team) -> None:
    first, second = await team.token("ada@example.com", 1, "admin"), await team.token("ADA@example.com", 1, "viewer")
    assert len(await team.invitations.list_invitations(1)) == 1
    with pytest.raises(InvitationNotFound):
        await team.invitations.accept(first, password=PASSWORD)
    assert (await team.invitations.accept(second, password=PASSWORD)).member.role == "viewer"


async def test_an_invitation_is_taken_back_where_it_belongs(team: Team) -> None:
    token = await team.token("ada@example.com", 1)
    (invitation,) = await team.invitations.list_invitations(1)
    with pytest.raises(InvitationNotFound):
        await team.invitations.withdraw(OPERATOR, 2, invitation.id)
    await team.invitations.withdraw(OPERATOR, 1, invitation.id)
    with pytest.raises(InvitationNotFound):
        await team.invitations.withdraw(OPERATOR, 1, invitation.id)
    with pytest.raises(InvitationNotFound):
        await team.invitations.accept(token, password=PASSWORD)


async def test_members_are_not_invited_again(team: Team) -> None:
    ada = await team.user("ada", 1, "viewer")
    with pytest.raises(AlreadyMember):
        await team.token("ada@example.com", 1, "admin")
    workspace = await team.workspaces.create(OPERATOR, "Marketing")
    token = await team.token("ada@example.com", workspace.id)
    await team.workspaces.add_member(OPERATOR, workspace.id, ada.id, "viewer")
    with pytest.raises(AlreadyMember):
        await team.invitations.accept(token, signed_in=ada)


async def test_nobody_is_invited_to_nowhere_or_beyond_what_the_inviter_is(team: Team) -> None:
    with pytest.raises(WorkspaceNotFound):
        await team.token("ada@example.com", 9)
    with pytest.raises(InvalidInput):
        await team.token("ada", 1)
    by = Caller(actor="key:3", permissions=OF_SCOPE["users:*"])
    with pytest.raises(Forbidden):
        await team.token("ada@example.com", 1, "admin", by=by)
    await team.token("ada@example.com", 1, "editor", by=by)


async def test_a_link_is_mailed_where_mail_works_and_shown_where_it_does_not(team: Team) -> None:
    shown = await team.invitations.invite(OPERATOR, 1, "ada@example.com", "editor")
    assert shown.link
    assert shown.link.startswith("https://s.example/app/invitation#")
    team.letters.works = True
    mailed = await team.invitations.invite(OPERATOR, 1, "ada@bücher.example", "editor")
    assert mailed.link is None
    ((to, subject, text),) = team.letters.sent
    assert (to, subject) == ("ada@xn--bcher-kva.example", "Join Default")
    token = text.partition("/app/invitation#")[2].split()[0]
    assert (await team.invitations.accept(token, password=PASSWORD)).user.email == to
    team.letters.refusal = StoreUnavailable()
    assert (await team.invitations.invite(OPERATOR, 1, "eve@example.com", "editor")).link


async def test_a_token_is_stored_and_noted_nowhere(team: Team) -> None:
    token = await team.token("ada@example.com", 1)
    (invitation,) = await team.invitations.list_invitations(1)
    await team.invitations.accept(token, password=PASSWORD)
    kept = repr((invitation, invitation.record(), team.audit.notes, await team.registry.all(User)))
    assert token not in kept
    assert PASSWORD not in repr((invitation, team.audit.notes))
    assert team.audit.actions() == ["invitation.created", "user.created", "invitation.accepted"]


async def test_whoever_takes_the_address_first_is_the_one_invited(team: Team, other: Team) -> None:
    token = await team.token("ada@example.com", 1)
    results = await asyncio.gather(
        team.invitations.accept(token, password=PASSWORD),
        other.people.add(OPERATOR, "ADA@example.com"),
        return_exceptions=True,
    )
    assert sum(isinstance(result, Accepted | User) for result in results) == 1
    assert len(await team.people.list_users()) == 1


async def test_an_invitation_fits_a_record(team: Team) -> None:
    await team.token("a" * 64 + "@" + "b" * 60 + ".example", 1)
    (invitation,) = await team.registry.all(Invitation)
    assert len(invitation.record().body) < MAX_BODY
