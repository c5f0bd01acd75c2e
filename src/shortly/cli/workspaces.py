"""``workspace``: workspaces and their members, from the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec import structs

from shortly.cli import options
from shortly.cli.exits import say
from shortly.cli.output import Column, print_json, print_table
from shortly.cli.session import Session, run
from shortly.cli.users import PAGE, Email, role_named, teams_of

if TYPE_CHECKING:
    from shortly.accounts.access import Caller
    from shortly.accounts.people import Member, User, Workspace

workspaces = typer.Typer(no_args_is_help=True, help="Workspaces: teams with links, members and keys of their own.")
members = typer.Typer(no_args_is_help=True, help="Who belongs to a workspace, as what.")
workspaces.add_typer(members, name="member")

COLUMNS = {"id": Column("id", numeric=True), "name": Column("name", wide=True), "created_at": Column("created")}
MEMBER_COLUMNS = {
    "user_id": Column("user", numeric=True),
    "email": Column("e-mail", wide=True),
    "name": Column("name", wide=True),
    "role": Column("role"),
    "enabled": Column("enabled"),
    "created_at": Column("joined"),
}

WorkspaceId = Annotated[int, typer.Argument(metavar="ID", min=1, max=65_535, help="The workspace's number.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The workspace's name.")]
Role = Annotated[str, typer.Argument(metavar="ROLE", help="viewer, editor or admin.")]


@workspaces.command()
def add(name: Name, as_json: options.AsJson = False) -> None:
    """Make a workspace."""

    async def work(session: Session) -> None:
        workspace = await teams_of(session).workspaces.create(operator(), name)
        tell(workspace, f"added workspace {workspace.id}, {workspace.name!r}", as_json=as_json)

    run(work, as_json=as_json)


@workspaces.command("list")
def list_workspaces(as_json: options.AsJson = False) -> None:
    """List all workspaces."""

    async def work(session: Session) -> None:
        service = teams_of(session).workspaces
        found: list[Workspace] = []
        while page := await service.list_workspaces(after=found[-1].id if found else None, limit=PAGE):
            found += page
        show([record_of(workspace) for workspace in found], COLUMNS, as_json=as_json)

    run(work, as_json=as_json)


@workspaces.command()
def rename(workspace_id: WorkspaceId, name: Name, as_json: options.AsJson = False) -> None:
    """Give a workspace another name."""

    async def work(session: Session) -> None:
        workspace = await teams_of(session).workspaces.rename(operator(workspace_id), workspace_id, name)
        tell(workspace, f"renamed workspace {workspace.id} to {workspace.name!r}", as_json=as_json)

    run(work, as_json=as_json)


@workspaces.command()
def rm(workspace_id: WorkspaceId, as_json: options.AsJson = False) -> None:
    """Delete a workspace without links, with its members, invitations and keys."""

    async def work(session: Session) -> None:
        service = teams_of(session).workspaces
        workspace = await service.get(workspace_id)
        await service.delete(operator(workspace_id), workspace_id)
        tell(workspace, f"deleted workspace {workspace.id}, {workspace.name!r}", as_json=as_json)

    run(work, as_json=as_json)


@members.command("list")
def list_members(workspace_id: WorkspaceId, as_json: options.AsJson = False) -> None:
    """List the members of a workspace."""

    async def work(session: Session) -> None:
        service = teams_of(session).workspaces
        await service.get(workspace_id)
        found: list[tuple[User, Member]] = []
        while page := await service.members(workspace_id, after=found[-1][1].id if found else None, limit=PAGE):
            found += page
        show([member_record(user, member) for user, member in found], MEMBER_COLUMNS, as_json=as_json)

    run(work, as_json=as_json)


@members.command("add")
def add_member(workspace_id: WorkspaceId, email: Email, role: Role, as_json: options.AsJson = False) -> None:
    """Make a user a member."""

    async def work(session: Session) -> None:
        teams = teams_of(session)
        user = await teams.people.find(email)
        member = await teams.workspaces.add_member(operator(workspace_id), workspace_id, user.id, role_named(role))
        tell_member(user, member, f"added {user.email} as {role}", as_json=as_json)

    run(work, as_json=as_json)


@members.command("role")
def change_role(workspace_id: WorkspaceId, email: Email, role: Role, as_json: options.AsJson = False) -> None:
    """Give a member another role."""

    async def work(session: Session) -> None:
        teams = teams_of(session)
        user = await teams.people.find(email)
        member = await teams.workspaces.change_role(operator(workspace_id), workspace_id, user.id, role_named(role))
        tell_member(user, member, f"{user.email} is {role} now", as_json=as_json)

    run(work, as_json=as_json)


@members.command("rm")
def remove_member(workspace_id: WorkspaceId, email: Email, as_json: options.AsJson = False) -> None:
    """Take a user out of a workspace; their links stay."""

    async def work(session: Session) -> None:
        teams = teams_of(session)
        user = await teams.people.find(email)
        member = await teams.workspaces.member(workspace_id, user.id)
        await teams.workspaces.remove_member(operator(workspace_id), workspace_id, user.id)
        tell_member(user, member, f"removed {user.email}", as_json=as_json)

    run(work, as_json=as_json)


def operator(workspace_id: int = 1) -> Caller:
    """Return who runs the command, in a workspace."""
    from shortly.accounts.access import OPERATOR

    return structs.replace(OPERATOR, workspace_id=workspace_id)


def tell(workspace: Workspace, message: str, *, as_json: bool) -> None:
    """Say what was done to a workspace."""
    if as_json:
        print_json(record_of(workspace))
    say(message)


def tell_member(user: User, member: Member, message: str, *, as_json: bool) -> None:
    """Say what was done to a member."""
    if as_json:
        print_json(member_record(user, member))
    say(message)


def show(records: list[dict[str, Any]], columns: dict[str, Column], *, as_json: bool) -> None:
    """Print a list."""
    if as_json:
        print_json({"items": records})
    else:
        print_table(list(columns.values()), [[record[field] for field in columns] for record in records])


def record_of(workspace: Workspace) -> dict[str, Any]:
    """Return a workspace under the API's names."""
    return {field: getattr(workspace, field) for field in COLUMNS}


def member_record(user: User, member: Member) -> dict[str, Any]:
    """Return a member under the API's names."""
    return {
        "user_id": user.id,
        "email": user.email,
        "name": user.name,
        "role": member.role,
        "enabled": user.disabled_at is None,
        "created_at": member.created_at,
    }
