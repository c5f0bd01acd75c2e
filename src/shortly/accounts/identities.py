"""People whom somebody else vouches for: an OpenID Connect provider, or the proxy in front.

Whoever comes in this way is found again, or made a user, and has the roles that their groups there stand for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import ClassVar, Literal, NamedTuple

import structlog
from msgspec import Struct

from shortly.accounts.access import EVERYWHERE, RUNNING, Caller
from shortly.accounts.audit import Audit
from shortly.accounts.fields import MAX_PERSON_NAME, check_email
from shortly.accounts.people import FIRST_WORKSPACE, Member, Role, User, email_key, member_key, of_user
from shortly.accounts.records import Change
from shortly.accounts.registry import Noun, Registry, adding, removing, touching
from shortly.accounts.setup import Setup
from shortly.accounts.users import PeopleService
from shortly.accounts.workspaces import WorkspaceService
from shortly.errors import (
    AlreadyMember,
    IdentityRefused,
    InvalidInput,
    LastAdmin,
    MemberNotFound,
    NameTaken,
    RecordChanged,
    WorkspaceNotFound,
)

log = structlog.get_logger(__name__)

EVERYBODY = "*"
"""Stands for a group that everybody is in."""
RANK: Mapping[Role, int] = {"viewer": 0, "editor": 1, "admin": 2}
TRIES = 8


class Identity(Noun, frozen=True, kw_only=True):
    """That a user is the one whom a provider calls by a subject; the only thing that a provider never gives anew."""

    KIND: ClassVar[str] = "identity"

    issuer: str
    subject: str
    user_id: int
    created_at: datetime

    def names(self) -> tuple[str, ...]:
        """Return the pair, of which there is one."""
        return (identity_key(self.issuer, self.subject),)

    def groups(self) -> tuple[str, ...]:
        """Return the user's identities."""
        return (of_user(self.user_id),)


class GroupRole(NamedTuple):
    """What being in a group elsewhere means here."""

    group: str
    role: Role | Literal["installation"]
    workspace_id: int


class Profile(Struct, frozen=True, kw_only=True):
    """What somebody else says of a person."""

    how: Literal["oidc", "header"]
    issuer: str = ""
    subject: str = ""
    """Empty: the e-mail address is all that the person is known by."""
    email: str = ""
    email_verified: bool = False
    name: str = ""
    groups: frozenset[str] = frozenset()


class Admission(Struct, frozen=True, kw_only=True):
    """Whom to let in, as the settings say."""

    creates: bool = True
    """People who were never seen become users."""
    links: bool = False
    """People who were never seen are taken for the user with the same, verified, e-mail address."""
    verified: bool = True
    """Nobody becomes a user whose e-mail address is not verified."""
    roles: tuple[GroupRole, ...] = ()
    """Empty: roles are given here."""


class Identities:
    """Finds or makes the user of a profile.

    Args:
        registry: Where people are kept.
        people: Changes users.
        workspaces: Changes memberships.
        setup: Whether the first person is still awaited.
        audit: Where it is noted.
        admission: Whom to let in.
    """

    def __init__(
        self,
        registry: Registry,
        people: PeopleService,
        workspaces: WorkspaceService,
        setup: Setup,
        audit: Audit,
        admission: Admission,
    ) -> None:
        self._registry = registry
        self._people = people
        self._workspaces = workspaces
        self._setup = setup
        self._audit = audit
        self._admission = admission

    async def admit(self, profile: Profile, *, origin: str) -> User:
        """Return the user, with the roles of the groups that they are in now.

        Raises:
            IdentityRefused: They are not let in; ``reason`` says why.
        """
        by = Caller(actor=profile.how, permissions=RUNNING | EVERYWHERE, origin=origin)
        user = await self._find_or_make(profile, by)
        if user.disabled_at is not None:
            raise IdentityRefused("disabled")
        return await self._bring_up_to_date(user, profile, by)

    async def _find_or_make(self, profile: Profile, by: Caller) -> User:
        for _ in range(TRIES):
            try:
                return await self._found(profile, by) or await self._made(profile, by)
            except (NameTaken, RecordChanged):
                continue  # the same person is coming in somewhere else
        raise RecordChanged(User.KIND)

    async def _found(self, profile: Profile, by: Caller) -> User | None:
        stale: list[Change] = []
        if profile.subject:
            identity = await self._registry.find(Identity, identity_key(profile.issuer, profile.subject))
            user = None if identity is None else await self._registry.get(User, identity.user_id)
            if user is not None:
                return user
            if identity is not None:  # of a user who was deleted
                stale = [removing(identity)]
        user = await self._registry.find(User, email_key(profile.email)) if profile.email else None
        if user is None:
            if stale:
                await self._registry.write(*stale)
            return None
        if not self._admission.links or not profile.email_verified:
            raise IdentityRefused("email_taken")
        if profile.subject:
            known = await self._registry.all(Identity, of_user(user.id))
            if any(identity.issuer == profile.issuer for identity in known):
                raise IdentityRefused("email_taken")  # the provider gave the address to somebody else
            await self._registry.write(*stale, touching(user), adding(self._identity(profile, user)))
            await self._audit.note(by, "user.linked", f"user:{user.id}", email=user.email, issuer=profile.issuer)
        return user

    async def _made(self, profile: Profile, by: Caller) -> User:
        admission = self._admission
        admin, memberships = roles_of(profile.groups, admission.roles)
        if not admission.creates:
            raise IdentityRefused("unknown")
        if not profile.email:
            raise IdentityRefused("no_email")
        if admission.verified and not profile.email_verified:
            raise IdentityRefused("email_unverified")
        if admission.roles and not admin and not any(memberships.values()):
            raise IdentityRefused("no_role")
        if not admin and await self._setup.is_open():
            raise IdentityRefused("not_set_up")
        try:
            email = check_email(profile.email)
        except InvalidInput:
            raise IdentityRefused("no_email") from None
        user = self._registry.fresh(
            User(email=email, name=printable(profile.name), admin=bool(admin), created_at=self._registry.now())
        )
        identity = [adding(self._identity(profile, user))] if profile.subject else []
        await self._registry.write(adding(user), *identity)
        await self._audit.note(
            by, "user.created", f"user:{user.id}", email=user.email, admin=user.admin, issuer=profile.issuer
        )
        return user

    def _identity(self, profile: Profile, user: User) -> Identity:
        return self._registry.fresh(
            Identity(issuer=profile.issuer, subject=profile.subject, user_id=user.id, created_at=self._registry.now())
        )

    async def _bring_up_to_date(self, user: User, profile: Profile, by: Caller) -> User:
        admin, memberships = roles_of(profile.groups, self._admission.roles)
        if admin is not None and admin != user.admin:
            try:
                user = await self._people.edit(by, user.id, {"admin": admin})
            except LastAdmin:
                log.warning("the last admin stays one, although no group says so any more", user=user.id)
        for workspace_id, role in memberships.items():
            member = await self._registry.find(Member, member_key(workspace_id, user.id))
            try:
                if member is None and role is not None:
                    await self._workspaces.add_member(by, workspace_id, user.id, role)
                elif member is not None and role is None:
                    await self._workspaces.remove_member(by, workspace_id, user.id)
                elif member is not None and role is not None and member.role != role:
                    await self._workspaces.change_role(by, workspace_id, user.id, role)
            except WorkspaceNotFound:
                log.warning("a group stands for a role in a workspace that is not there", workspace=workspace_id)
            except (AlreadyMember, MemberNotFound):
                pass  # the same person is coming in somewhere else
        return user


def roles_of(groups: Iterable[str], rules: Iterable[GroupRole]) -> tuple[bool | None, dict[int, Role | None]]:
    """Return what groups stand for.

    Returns:
        Whether they look after the installation (None: no rule says anything about it), and for each workspace that
        a rule names the highest role there, or None.
    """
    mine = {*groups, EVERYBODY}
    admin: bool | None = None
    memberships: dict[int, Role | None] = {}
    for rule in rules:
        if rule.role == "installation":
            admin = bool(admin) or rule.group in mine
            continue
        present = memberships.setdefault(rule.workspace_id, None)
        if rule.group in mine and (present is None or RANK[rule.role] > RANK[present]):
            memberships[rule.workspace_id] = rule.role
    return admin, memberships


def parse_group_role(entry: str) -> GroupRole:
    """Return what an entry such as ``staff=editor@2`` means; ``Settings`` has checked its form."""
    group, _, given = entry.rpartition("=")
    role, _, workspace = given.partition("@")
    return GroupRole(group.strip(), role.strip(), int(workspace or FIRST_WORKSPACE))  # type: ignore[arg-type]


def identity_key(issuer: str, subject: str) -> str:
    """Return the name by which an identity is found; subjects may be of any length."""
    return hashlib.sha256(f"{issuer}\0{subject}".encode("utf-8", "surrogatepass")).hexdigest()


def printable(name: str) -> str:
    """Return a person's name as it can be stored; nobody is refused for it."""
    return "".join(character for character in name if character.isprintable()).strip()[:MAX_PERSON_NAME].strip()
