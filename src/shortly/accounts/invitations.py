"""Invitations into a workspace: a link that its holder can accept once, within a week."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import NamedTuple, Protocol

from shortly.accounts.access import Caller, caller_for
from shortly.accounts.fields import check_email, check_locale, check_person_name
from shortly.accounts.living import living_workspace
from shortly.accounts.people import (
    Invitation,
    Member,
    Role,
    User,
    Workspace,
    email_key,
    invitation_key,
    member_key,
    of_workspace,
)
from shortly.accounts.records import Change
from shortly.accounts.registry import Registry, adding, removing, touching, until_settled
from shortly.accounts.users import HashPassword, Notes
from shortly.errors import (
    AlreadyMember,
    InvalidInput,
    InvitationNotFound,
    NameTaken,
    ShortlyError,
    SignInFirst,
)

LIFETIME = timedelta(days=7)
TOKEN_BYTES = 32
TOKEN_LENGTH = 43
PAGE = "/app/invitation#"
"""Where an invitation leads; what stands behind the # is sent to no server and no log."""


class Mailing(Protocol):
    """A way to send mail, which there may not be."""

    @property
    def works(self) -> bool:
        """Whether mail can be sent at all."""

    async def send(self, to: str, subject: str, text: str) -> None:
        """Hand one message in, or raise a ``ShortlyError``."""


class Invited(NamedTuple):
    """A new invitation."""

    invitation: Invitation
    link: str | None
    """To be handed on; None: it was sent by mail."""


class Accepted(NamedTuple):
    """What became of an invitation."""

    user: User
    member: Member


class InvitationService:
    """Invites people into workspaces, and lets them in.

    Args:
        registry: Where invitations are kept.
        audit: Where it is noted.
        mail: How links reach people; where it does not work the inviter gets them.
        hash_password: How passwords are stored.
        base_url: What links begin with.
    """

    def __init__(
        self, registry: Registry, audit: Notes, mail: Mailing, hash_password: HashPassword, *, base_url: str
    ) -> None:
        self._registry = registry
        self._audit = audit
        self._mail = mail
        self._hash_password = hash_password
        self._base_url = base_url

    async def invite(self, by: Caller, workspace_id: int, email: str, role: Role) -> Invited:
        """Invite somebody; an earlier invitation of theirs into this workspace is void from now on.

        Raises:
            InvalidInput: The e-mail address is malformed.
            WorkspaceNotFound: There is none.
            AlreadyMember: They belong to it.
            Forbidden: The caller may not give this role.
        """
        by.require_giving(role)
        email = check_email(email)
        token = secrets.token_urlsafe(TOKEN_BYTES)

        async def attempt() -> tuple[Workspace, Invitation]:
            workspace = await living_workspace(self._registry, workspace_id)
            user = await self._registry.find(User, email_key(email))
            if user is not None and await self._registry.find(Member, member_key(workspace_id, user.id)) is not None:
                raise AlreadyMember
            now = self._registry.now()
            invitation = self._registry.fresh(
                Invitation(
                    workspace_id=workspace_id,
                    email=email,
                    role=role,
                    digest=digest_of(token),
                    invited_by=by.actor,
                    inviter_id=by.user_id or 0,
                    created_at=now,
                    expires_at=now + LIFETIME,
                )
            )
            earlier = await self._registry.find(Invitation, invitation_key(workspace_id, email))
            void = [] if earlier is None else [removing(earlier)]
            await self._registry.write(*void, adding(invitation), touching(workspace))
            return workspace, invitation

        workspace, invitation = await until_settled(attempt)
        await self._note(by, "invitation.created", invitation)
        link = f"{self._base_url}{PAGE}{token}"
        return Invited(invitation, None if await self._sent(invitation, workspace, link) else link)

    async def list_invitations(
        self, workspace_id: int, *, after: int | None = None, limit: int = 100
    ) -> list[Invitation]:
        """Return up to ``limit`` open invitations into a workspace with ids above ``after``, oldest first."""
        return await self._registry.page(Invitation, of_workspace(workspace_id), after=after, limit=limit)

    async def withdraw(self, by: Caller, workspace_id: int, invitation_id: int) -> None:
        """Take an invitation back; raise ``InvitationNotFound`` when the workspace has none with this id."""

        async def attempt() -> Invitation:
            invitation = await self._registry.get(Invitation, invitation_id)
            if invitation is None or invitation.workspace_id != workspace_id:
                raise InvitationNotFound
            await self._registry.remove(invitation)
            return invitation

        await self._note(by, "invitation.withdrawn", await until_settled(attempt))

    async def accept(
        self,
        token: str,
        *,
        signed_in: User | None = None,
        password: str | None = None,
        name: str = "",
        locale: str = "",
        origin: str = "",
    ) -> Accepted:
        """Let the holder of a link in: as a new user with the password that they choose, or as who they are already.

        User, membership and the end of the invitation are one write, so that of two who accept at once one does.

        Raises:
            InvitationNotFound: There is no such invitation any more.
            SignInFirst: Whom it is for has an account, and ``signed_in`` is somebody else, or nobody.
            AlreadyMember: They belong to the workspace.
            InvalidInput: A new user gave no password, or a field is malformed.
        """
        name, locale = check_person_name(name), check_locale(locale)
        hashed: str | None = None

        async def attempt() -> tuple[Invitation, Accepted]:
            nonlocal hashed
            invitation = await self._find(token)
            workspace = await living_workspace(self._registry, invitation.workspace_id)
            user = await self._registry.find(User, email_key(invitation.email))
            if (user is None) is not (signed_in is None) or (user and signed_in and user.id != signed_in.id):
                raise SignInFirst
            now = self._registry.now()
            if user is None:
                if password is None:
                    raise InvalidInput("Choose a password to join with.", field="password")
                hashed = hashed or await self._hash_password(password, invitation.email)
                user = self._registry.fresh(
                    User(email=invitation.email, name=name, locale=locale, password_hash=hashed, created_at=now)
                )
                arrival: Change = adding(user)
            else:
                caller_for(user, None, 0, origin)
                arrival = touching(user)
            member = self._registry.fresh(
                Member(user_id=user.id, workspace_id=workspace.id, role=invitation.role, created_at=now)
            )
            try:
                await self._registry.write(removing(invitation), arrival, adding(member), touching(workspace))
            except NameTaken as taken:
                raise (SignInFirst if taken.kind == User.KIND else AlreadyMember) from None
            return invitation, Accepted(user, member)

        invitation, accepted = await until_settled(attempt)
        user = accepted.user
        by = caller_for(user, accepted.member, invitation.workspace_id, origin)
        if signed_in is None:
            await self._audit.note(
                by, "user.created", f"user:{user.id}", workspace_id=invitation.workspace_id, email=user.email
            )
        await self._note(by, "invitation.accepted", invitation)
        return accepted

    async def _find(self, token: str) -> Invitation:
        has_form = len(token) == TOKEN_LENGTH and token.isascii()
        invitation = await self._registry.find(Invitation, digest_of(token)) if has_form else None
        if invitation is None:
            raise InvitationNotFound
        return invitation

    async def _sent(self, invitation: Invitation, workspace: Workspace, link: str) -> bool:
        """Send the link, and say whether that worked."""
        if not self._mail.works:
            return False
        try:
            await self._mail.send(invitation.email, *message_of(invitation, workspace, link))
        except ShortlyError:
            return False
        return True

    async def _note(self, by: Caller, action: str, invitation: Invitation) -> None:
        await self._audit.note(
            by,
            action,
            f"invitation:{invitation.id}",
            workspace_id=invitation.workspace_id,
            email=invitation.email,
            role=invitation.role,
        )


def message_of(invitation: Invitation, workspace: Workspace, link: str) -> tuple[str, str]:
    """Return the subject and the text of an invitation; nothing in them was chosen by whom it is sent to."""
    return (
        f"Join {workspace.name}",
        f"You are invited to the workspace {workspace.name!r}, as {invitation.role}.\n\n"
        f"Accept here, until {invitation.expires_at:%Y-%m-%d %H:%M} UTC:\n{link}\n\n"
        "The link works once. If you do not know what this is about, ignore it.\n",
    )


def digest_of(token: str) -> str:
    """Return what is stored of a token: 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
