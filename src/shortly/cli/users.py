"""``user``: people, from the machine; whoever runs a command may do everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from shortly.cli import options
from shortly.cli.exits import say
from shortly.cli.output import Column, print_json, print_table
from shortly.cli.passwords import read_password
from shortly.cli.session import Session, run
from shortly.errors import InvalidInput

if TYPE_CHECKING:
    from shortly.accounts.entrance import Entrance
    from shortly.accounts.people import User
    from shortly.wiring import Teams

users = typer.Typer(no_args_is_help=True, help="People who can sign in.")

COLUMNS = {
    "id": Column("id", numeric=True),
    "email": Column("e-mail", wide=True),
    "name": Column("name", wide=True),
    "admin": Column("admin"),
    "enabled": Column("enabled"),
    "created_at": Column("created"),
    "signed_in_at": Column("signed in"),
}
FIELDS = (*COLUMNS, "locale", "has_password")
PAGE = 500

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The user's e-mail address.")]
Name = Annotated[str | None, typer.Option(help="Name.")]
Locale = Annotated[str | None, typer.Option(help="Language, such as de or pt-BR.")]


@users.command()
def add(
    email: Email,
    name: Name = None,
    locale: Locale = None,
    admin: Annotated[bool, typer.Option("--admin", help="Looks after the whole installation.")] = False,
    workspace: Annotated[
        int | None, typer.Option(metavar="ID", min=1, max=65_535, help="Make them a member of this workspace.")
    ] = None,
    role: Annotated[str, typer.Option(help="In that workspace: viewer, editor or admin.")] = "viewer",
    password_file: options.PasswordFile = None,
    password_prompt: options.PasswordPrompt = False,
    as_json: options.AsJson = False,
) -> None:
    """Add a user. Without a password they choose one by a one-time link."""

    async def work(session: Session) -> None:
        from shortly.accounts.access import OPERATOR

        user = await teams_of(session).people.add(
            OPERATOR,
            email,
            name=name or "",
            locale=locale or "",
            admin=admin,
            password=read_password(password_file, prompt=password_prompt),
            workspace_id=workspace,
            role=role_named(role),
        )
        if as_json:
            print_json(record_of(user))
        say(f"added {user.email}")

    run(work, as_json=as_json)


@users.command("list")
def list_users(as_json: options.AsJson = False) -> None:
    """List all users."""

    async def work(session: Session) -> None:
        people = teams_of(session).people
        found: list[User] = []
        while page := await people.list_users(after=found[-1].id if found else None, limit=PAGE):
            found += page
        records = [record_of(user) for user in found]
        if as_json:
            print_json({"items": records})
        else:
            print_table(list(COLUMNS.values()), [[record[field] for field in COLUMNS] for record in records])

    run(work, as_json=as_json)


@users.command()
def edit(
    email: Email,
    new_email: Annotated[str | None, typer.Option("--email", help="Another e-mail address.")] = None,
    name: Name = None,
    locale: Locale = None,
    admin: Annotated[
        bool | None, typer.Option("--admin/--no-admin", help="Looks after the whole installation.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Change a user."""
    change(email, options.given(email=new_email, name=name, locale=locale, admin=admin), as_json=as_json)


@users.command()
def disable(email: Email, as_json: options.AsJson = False) -> None:
    """Keep a user from coming in; sessions and keys are refused at once."""
    change(email, {"enabled": False}, as_json=as_json)


@users.command()
def enable(email: Email, as_json: options.AsJson = False) -> None:
    """Let a disabled user in again."""
    change(email, {"enabled": True}, as_json=as_json)


@users.command()
def rm(email: Email, as_json: options.AsJson = False) -> None:
    """Delete a user with their memberships, sessions and keys; their links stay."""

    async def work(session: Session) -> None:
        from shortly.accounts.access import OPERATOR

        people = teams_of(session).people
        user = await people.find(email)
        await people.delete(OPERATOR, user.id)
        if as_json:
            print_json(record_of(user))
        say(f"deleted {user.email}")

    run(work, as_json=as_json)


@users.command("reset-link")
def reset_link(email: Email, as_json: options.AsJson = False) -> None:
    """Print a one-time link by which a user chooses a new password; it lives for 24 hours."""

    async def work(session: Session) -> None:
        from shortly.accounts.access import OPERATOR

        user = await teams_of(session).people.find(email)
        url = await entrance_of(session).sign_in.reset_link(user.id)
        await session.audit.note(OPERATOR, "password.reset_link_made", f"user:{user.id}", workspace_id=0)
        if as_json:
            print_json({"url": url})
        else:
            print(url)
        say("Whoever has the link can set the password, once; it is not shown again.")

    run(work, as_json=as_json)


@users.command("forget-factors")
def forget_factors(email: Email, as_json: options.AsJson = False) -> None:
    """Take the authenticator app and the passkeys away from a user who lost them; all of their sessions end."""

    async def work(session: Session) -> None:
        from shortly.accounts.access import OPERATOR

        user = await teams_of(session).people.find(email)
        user = await entrance_of(session).sign_in.remove_factors_of(user.id)
        await session.audit.note(OPERATOR, "second_factor.removed", f"user:{user.id}", workspace_id=0)
        if as_json:
            print_json(record_of(user))
        say(f"{user.email} has no second factor any more")

    run(work, as_json=as_json)


def change(email: str, values: dict[str, Any], *, as_json: bool) -> None:
    """Change fields of a user."""

    async def work(session: Session) -> None:
        from shortly.accounts.access import OPERATOR

        people = teams_of(session).people
        user = await people.edit(OPERATOR, (await people.find(email)).id, values)
        if as_json:
            print_json(record_of(user))
        say(f"saved {user.email}")

    run(work, as_json=as_json)


def entrance_of(session: Session) -> Entrance:
    """Return how people come in, over the open store."""
    from shortly.wiring import entrance

    return entrance(session.settings, session.store)


def teams_of(session: Session) -> Teams:
    """Return the services for people over the open store."""
    from shortly.accounts.mail import Mail
    from shortly.accounts.passwords import Passwords
    from shortly.accounts.registry import Registry
    from shortly.wiring import mail_server, teams

    settings = session.settings
    mail = Mail(mail_server(settings))
    return teams(settings, Registry(session.store), session.links, session.audit, Passwords(), mail)


def role_named(role: str) -> Any:
    """Return a role, or raise ``InvalidInput``."""
    if role not in ("viewer", "editor", "admin"):
        raise InvalidInput("The role is viewer, editor or admin.", field="role")
    return role


def record_of(user: User) -> dict[str, Any]:
    """Return a user under the API's names."""
    told = {"enabled": user.disabled_at is None, "has_password": user.password_hash is not None}
    return {field: told[field] if field in told else getattr(user, field) for field in FIELDS}
