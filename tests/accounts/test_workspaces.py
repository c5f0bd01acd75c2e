"""Workspaces and their members."""

import asyncio
from datetime import timedelta

import pytest
from msgspec import structs
from tests.accounts.teams import Clock, Team

from shortly.accounts.access import EVERYWHERE, OF_ROLE, OF_SCOPE, OPERATOR, RUNNING, Caller
from shortly.accounts.living import enter_workspace
from shortly.accounts.people import MAX_WORKSPACES, Member, Workspace
from shortly.accounts.registry import adding
from shortly.errors import (
    AlreadyMember,
    Forbidden,
    InvalidInput,
    LastAdmin,
    MemberNotFound,
    NameTaken,
    Unauthenticated,
    UserNotFound,
    WorkspaceInUse,
    WorkspaceNotFound,
    WorkspacesFull,
)

pytestmark = pytest.mark.anyio


async def test_the_first_workspace_is_always_there(team: Team, other: Team) -> None:
    made = await asyncio.gather(*(one.workspaces.get(1) for one in (team, other) * 5))
    assert {(one.id, one.name) for one in made} == {(1, "Default")}
    assert [one.id for one in await team.workspaces.list_workspaces()] == [1]


async def test_workspaces_are_numbered_one_after_the_other(team: Team, other: Team) -> None:
    made = await asyncio.gather(
        *((team, other)[number % 2].workspaces.create(OPERATOR, f"Team {number}") for number in range(12))
    )
    assert sorted(one.id for one in made) == list(range(2, 14))
    assert len(await team.workspaces.list_workspaces()) == 13
    assert [one.id for one in await team.workspaces.list_workspaces(after=2, limit=2)] == [3, 4]


async def test_a_name_is_given_once_in_whatever_case(team: Team, other: Team) -> None:
    names = ["Straße", "STRASSE", "strasse", "Straße"]
    made = await asyncio.gather(
        *(one.workspaces.create(OPERATOR, name) for one, name in zip([team, other] * 2, names, strict=True)),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in made) == ["NameTaken"] * 3 + ["Workspace"]
    with pytest.raises(NameTaken):
        await team.workspaces.create(OPERATOR, "default")
    with pytest.raises(InvalidInput):
        await team.workspaces.create(OPERATOR, " ")


async def test_the_number_of_a_deleted_workspace_is_never_given_again(team: Team) -> None:
    first = await team.workspaces.create(OPERATOR, "Marketing")
    user = await team.user("ada", first.id, "admin")
    await team.workspaces.delete(OPERATOR, first.id)
    for call in (team.workspaces.get(first.id), team.workspaces.rename(OPERATOR, first.id, "x")):
        with pytest.raises(WorkspaceNotFound):
            await call
    second = await team.workspaces.create(OPERATOR, "Marketing")
    assert second.id == first.id + 1
    assert await team.workspaces.of_user(user.id) == []
    assert await team.roles(first.id) == {}


async def test_a_workspace_with_links_and_the_first_one_are_not_deleted(team: Team) -> None:
    workspace = await team.workspaces.create(OPERATOR, "Marketing")
    team.occupied.add(workspace.id)
    with pytest.raises(WorkspaceInUse):
        await team.workspaces.delete(OPERATOR, workspace.id)
    team.occupied.clear()
    with pytest.raises(WorkspaceInUse):
        await team.workspaces.delete(OPERATOR, 1)
    await team.workspaces.delete(OPERATOR, workspace.id)
    with pytest.raises(WorkspaceNotFound):
        await team.workspaces.delete(OPERATOR, workspace.id)


async def test_nobody_joins_a_workspace_that_is_just_being_deleted(team: Team, other: Team) -> None:
    user = await team.user("ada")
    for number in range(8):
        workspace = await team.workspaces.create(OPERATOR, f"w{number}")
        results = await asyncio.gather(
            team.workspaces.delete(OPERATOR, workspace.id),
            other.workspaces.add_member(OPERATOR, workspace.id, user.id, "viewer"),
            other.invitations.invite(OPERATOR, workspace.id, "eve@example.com", "viewer"),
            return_exceptions=True,
        )
        assert results[0] is None
        assert await team.roles(workspace.id) == {}
        assert await team.invitations.list_invitations(workspace.id) == []


async def test_there_are_only_so_many_workspaces(team: Team) -> None:
    await team.workspaces.get(1)
    last = Workspace(id=MAX_WORKSPACES, version=1, name="last", created_at=team.registry.now())
    await team.registry.write(adding(last))
    with pytest.raises(WorkspacesFull):
        await team.workspaces.create(OPERATOR, "one more")


async def test_a_workspace_is_renamed(team: Team) -> None:
    await team.workspaces.rename(OPERATOR, 1, "Main")
    assert (await team.workspaces.rename(OPERATOR, 1, "main")).name == "main"
    assert (await team.workspaces.get(1)).name == "main"
    assert team.audit.actions() == ["workspace.renamed"] * 2


async def test_members_come_change_and_go(team: Team) -> None:
    ada = await team.user("ada")
    await team.workspaces.add_member(OPERATOR, 1, ada.id, "viewer")
    with pytest.raises(AlreadyMember):
        await team.workspaces.add_member(OPERATOR, 1, ada.id, "admin")
    with pytest.raises(UserNotFound):
        await team.workspaces.add_member(OPERATOR, 1, 77, "viewer")
    with pytest.raises(WorkspaceNotFound):
        await team.workspaces.add_member(OPERATOR, 77, ada.id, "viewer")
    await team.workspaces.change_role(OPERATOR, 1, ada.id, "editor")
    assert await team.roles(1) == {"ada@example.com": "editor"}
    assert [(one.id, role) for one, role in await team.workspaces.of_user(ada.id)] == [(1, "editor")]
    await team.workspaces.remove_member(OPERATOR, 1, ada.id)
    for call in (
        team.workspaces.remove_member(OPERATOR, 1, ada.id),
        team.workspaces.change_role(OPERATOR, 1, ada.id, "viewer"),
    ):
        with pytest.raises(MemberNotFound):
            await call
    assert team.audit.actions()[1:] == ["member.added", "member.role_changed", "member.removed"]


async def test_of_two_who_add_a_member_at_once_one_does(team: Team, other: Team) -> None:
    ada = await team.user("ada")
    results = await asyncio.gather(
        *(one.workspaces.add_member(OPERATOR, 1, ada.id, "viewer") for one in (team, other) * 2),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in results) == ["AlreadyMember"] * 3 + ["Member"]


async def test_the_last_admin_of_a_workspace_stays_unless_the_installation_s_admin_says_so(team: Team) -> None:
    ada, eve = await team.user("ada", 1, "admin"), await team.user("eve", 1, "editor")
    by = await team.caller(ada, 1)
    for call in (
        team.workspaces.remove_member(by, 1, ada.id),
        team.workspaces.change_role(by, 1, ada.id, "editor"),
    ):
        with pytest.raises(LastAdmin):
            await call
    await team.workspaces.change_role(by, 1, ada.id, "admin")
    await team.workspaces.change_role(by, 1, eve.id, "admin")
    await team.workspaces.remove_member(by, 1, ada.id)
    await team.workspaces.remove_member(OPERATOR, 1, eve.id)
    assert await team.roles(1) == {}


@pytest.mark.parametrize("admins", [2, 4])
async def test_admins_of_a_workspace_who_remove_each_other_at_once_leave_one(
    team: Team, other: Team, admins: int
) -> None:
    users = [await team.user(f"admin{number}", 1, "admin") for number in range(admins)]
    callers = [await team.caller(user, 1) for user in users]

    async def leave(number: int) -> None:
        workspaces = (team, other)[number % 2].workspaces
        if number % 2:
            await workspaces.remove_member(callers[number], 1, users[number].id)
        else:
            await workspaces.change_role(callers[number], 1, users[number].id, "viewer")

    results = await asyncio.gather(*map(leave, range(admins)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["LastAdmin"] + ["NoneType"] * (admins - 1)
    assert list((await team.roles(1)).values()).count("admin") == 1


async def test_who_may_only_look_after_people_makes_nobody_an_admin(team: Team) -> None:
    ada, eve = await team.user("ada", 1, "admin"), await team.user("eve", 1, "viewer")
    await team.user("bob", 1, "admin")
    by = Caller(actor="key:3", permissions=OF_SCOPE["users:*"])
    for call in (
        team.workspaces.change_role(by, 1, eve.id, "admin"),
        team.workspaces.change_role(by, 1, ada.id, "viewer"),
        team.workspaces.remove_member(by, 1, ada.id),
        team.workspaces.add_member(by, 1, (await team.user("zoe")).id, "admin"),
    ):
        with pytest.raises(Forbidden):
            await call
    await team.workspaces.change_role(by, 1, eve.id, "editor")
    assert await team.roles(1) == {"ada@example.com": "admin", "bob@example.com": "admin", "eve@example.com": "editor"}


async def test_an_admin_s_invitations_go_with_them(team: Team) -> None:
    ada, _ = await team.user("ada", 1, "admin"), await team.user("eve", 1, "admin")
    by = await team.caller(ada, 1)
    await team.token("one@example.com", 1, by=by)
    await team.token("two@example.com", 1)
    await team.workspaces.change_role(by, 1, ada.id, "editor")
    assert [one.email for one in await team.invitations.list_invitations(1)] == ["two@example.com"]


async def test_people_enter_the_workspace_they_name_or_their_oldest(team: Team, clock: Clock) -> None:
    first = await team.workspaces.create(OPERATOR, "First")
    second = await team.workspaces.create(OPERATOR, "Second")
    ada = await team.user("ada", second.id, "viewer")
    nobody = await enter_workspace(team.registry, await team.user("new"), None, "")
    assert (nobody.workspace_id, nobody.permissions) == (0, frozenset())
    clock.now += timedelta(seconds=1)
    await team.workspaces.add_member(OPERATOR, first.id, ada.id, "admin")
    usual = await enter_workspace(team.registry, ada, None, "203.0.113.0")
    assert (usual.workspace_id, usual.permissions, usual.origin) == (second.id, OF_ROLE["viewer"], "203.0.113.0")
    assert (await enter_workspace(team.registry, ada, first.id, "")).permissions == OF_ROLE["admin"]
    for foreign in (1, 99, 0, -1, 2**53 - 1):
        with pytest.raises(WorkspaceNotFound):
            await enter_workspace(team.registry, ada, foreign, "")


async def test_who_looks_after_the_installation_enters_every_workspace_that_there_is(team: Team) -> None:
    workspace = await team.workspaces.create(OPERATOR, "Marketing")
    ada = await team.user("ada", admin=True)
    assert (await enter_workspace(team.registry, ada, None, "")).workspace_id == 1
    assert (await enter_workspace(team.registry, ada, workspace.id, "")).permissions == RUNNING | EVERYWHERE
    await team.workspaces.delete(OPERATOR, workspace.id)
    with pytest.raises(WorkspaceNotFound):
        await enter_workspace(team.registry, ada, workspace.id, "")
    with pytest.raises(Unauthenticated):
        await enter_workspace(team.registry, structs.replace(ada, disabled_at=ada.created_at), None, "")


async def test_members_are_listed_page_by_page(team: Team) -> None:
    for number in range(5):
        await team.user(f"user{number}", 1)
    seen: list[Member] = []
    while page := await team.workspaces.members(1, after=seen[-1].id if seen else None, limit=2):
        seen += [member for _, member in page]
    assert len({member.user_id for member in seen}) == 5
