"""People: who can sign in, and who of them looks after the installation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import structs

from shortly.accounts.access import Caller
from shortly.accounts.fields import check_email, check_locale, check_person_name
from shortly.accounts.keys import Key
from shortly.accounts.living import living_workspace
from shortly.accounts.people import ADMINS, Member, Role, User, email_key, of_user
from shortly.accounts.records import Change
from shortly.accounts.registry import Noun, Registry, adding, removing, replacing, touching, until_settled
from shortly.accounts.sessions import Session
from shortly.errors import EmailTaken, InvalidInput, LastAdmin, NameTaken, UserNotFound

HashPassword = Callable[[str, str], Awaitable[str]]
"""Returns what is stored of a new password; raises ``InvalidInput`` when it is too weak for this e-mail address."""
AT_ONCE = 200
"""Belongings of a user that one write removes."""


class Notes(Protocol):
    """The audit log."""

    async def note(
        self, caller: Caller, action: str, subject: str = "", *, workspace_id: int | None = None, **details: Any
    ) -> None:
        """Write down who did what to what; see ``Audit.note``."""


class PeopleService:
    """Adds, finds, changes and deletes users.

    Args:
        registry: Where they are kept.
        audit: Where it is noted.
        hash_password: How passwords are stored.
        belongings: What is deleted with a user: everything of these kinds that is in the group ``of_user``.
    """

    def __init__(
        self,
        registry: Registry,
        audit: Notes,
        hash_password: HashPassword,
        belongings: Sequence[type[Noun]] = (Member, Session, Key),
    ) -> None:
        self._registry = registry
        self._audit = audit
        self._hash_password = hash_password
        self._belongings = belongings

    async def get(self, user_id: int) -> User:
        """Return the user, or raise ``UserNotFound``."""
        user = await self._registry.get(User, user_id)
        if user is None:
            raise UserNotFound(str(user_id))
        return user

    async def find(self, email: str) -> User:
        """Return the user with this e-mail address, or raise ``UserNotFound``."""
        user = await self._registry.find(User, email_key(email))
        if user is None:
            raise UserNotFound(email[:64])
        return user

    async def list_users(self, *, after: int | None = None, limit: int = 100) -> list[User]:
        """Return up to ``limit`` users with ids above ``after``, oldest first."""
        return await self._registry.page(User, after=after, limit=limit)

    async def any_admin(self) -> bool:
        """Say whether anybody looks after the installation, and can sign in."""
        return bool(await self._registry.page(User, ADMINS, limit=1))

    async def add(
        self,
        by: Caller,
        email: str,
        *,
        name: str = "",
        locale: str = "",
        admin: bool = False,
        password: str | None = None,
        workspace_id: int | None = None,
        role: Role = "viewer",
    ) -> User:
        """Store a new user, with a membership in a workspace if one is named, and return it.

        Without a password they cannot sign in with one until they were given a way to choose it.

        Raises:
            InvalidInput: A field is malformed.
            EmailTaken: There is such a user.
            WorkspaceNotFound: There is no such workspace.
        """
        email = check_email(email)
        new = User(
            email=email,
            name=check_person_name(name),
            locale=check_locale(locale),
            admin=admin,
            password_hash=None if password is None else await self._hash_password(password, email),
            created_at=self._registry.now(),
        )

        async def attempt() -> User:
            user = self._registry.fresh(new)
            changes: list[Change] = [adding(user)]
            if workspace_id is not None:
                workspace = await living_workspace(self._registry, workspace_id)
                member = Member(user_id=user.id, workspace_id=workspace_id, role=role, created_at=user.created_at)
                changes += [adding(self._registry.fresh(member)), touching(workspace)]
            await self._write(user, *changes)
            return user

        user = await until_settled(attempt)
        joined: dict[str, Any] = {} if workspace_id is None else {"workspace": workspace_id, "role": role}
        await self._note(by, "user.created", user, admin=admin, **joined)
        return user

    async def edit(self, by: Caller, user_id: int, values: Mapping[str, Any]) -> User:
        """Change some of the fields ``email``, ``name``, ``locale``, ``admin`` and ``enabled``; return the user.

        Raises:
            UserNotFound: There is no such user.
            InvalidInput: A field is malformed.
            EmailTaken: Another user has the e-mail address.
            LastAdmin: Nobody would be left to look after the installation.
        """
        checked = check_values(values)
        enabled = checked.pop("enabled", None)

        async def attempt() -> tuple[User, User]:
            old = await self.get(user_id)
            new = structs.replace(old, **checked)
            if enabled is not None and enabled is not (old.disabled_at is None):
                new = structs.replace(new, disabled_at=None if enabled else self._registry.now())
            if new != old:
                witness = [await self._another_admin(old)] if old.is_keeper and not new.is_keeper else []
                await self._write(new, replacing(old, new), *witness)
                new = structs.replace(new, version=old.version + 1)
            return old, new

        old, new = await until_settled(attempt)
        await self._note_edit(by, old, new)
        return new

    async def delete(self, by: Caller, user_id: int) -> None:
        """Delete a user with all memberships, sessions and whatever else belongs to them; their links stay.

        Raises:
            UserNotFound: There is no such user.
            LastAdmin: Nobody would be left to look after the installation.
        """

        async def attempt() -> User:
            user = await self.get(user_id)
            witness = [await self._another_admin(user)] if user.is_keeper else []
            belongings = [
                removing(noun) for kind in self._belongings for noun in await self._registry.all(kind, of_user(user_id))
            ]
            while len(belongings) > AT_ONCE:
                await self._registry.write(*belongings[:AT_ONCE])
                del belongings[:AT_ONCE]
            await self._registry.write(*belongings, removing(user), *witness)
            return user

        user = await until_settled(attempt)
        await self._note(by, "user.deleted", user)

    async def _another_admin(self, leaving: User) -> Change:
        """Return the change that holds another admin in place while one leaves: of two at once, one finds it changed.

        Raises:
            LastAdmin: There is no other.
        """
        for admin in await self._registry.page(User, ADMINS, limit=2):
            if admin.id != leaving.id:
                return touching(admin)
        raise LastAdmin("installation")

    async def _write(self, user: User, *changes: Change) -> None:
        try:
            await self._registry.write(*changes)
        except NameTaken:
            raise EmailTaken(user.email) from None

    async def _note_edit(self, by: Caller, old: User, new: User) -> None:
        fields = [name for name in ("email", "name", "locale") if getattr(old, name) != getattr(new, name)]
        if fields:
            before = {"email_before": old.email} if "email" in fields else {}
            await self._note(by, "user.edited", new, fields=fields, **before)
        if old.admin != new.admin:
            action = "user.made_admin" if new.admin else "user.unmade_admin"
            await self._note(by, action, new)
        if (old.disabled_at is None) != (new.disabled_at is None):
            action = "user.enabled" if new.disabled_at is None else "user.disabled"
            await self._note(by, action, new)

    async def _note(self, by: Caller, action: str, user: User, **details: Any) -> None:
        await self._audit.note(by, action, f"user:{user.id}", workspace_id=0, email=user.email, **details)


def check_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a user that can be edited, checked; raise ``InvalidInput`` for any other."""
    checks: dict[str, Callable[[Any], Any]] = {
        "email": check_email,
        "name": check_person_name,
        "locale": check_locale,
        "admin": bool,
        "enabled": bool,
    }
    if unknown := sorted(values.keys() - checks):
        raise InvalidInput(f"There is no field {unknown[0][:64]!r} that can be set.", field=unknown[0][:64])
    return {name: checks[name](value) for name, value in values.items()}
