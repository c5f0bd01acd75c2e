"""Passkeys (WebAuthn): a key pair in somebody's device, unlocked by finger, face or PIN; both factors in one."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode, urlsafe_b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlsplit

import structlog
from msgspec import structs

from shortly.accounts.fields import check_passkey_name
from shortly.accounts.people import User, of_user
from shortly.accounts.records import Change
from shortly.accounts.registry import Noun, Registry, adding, removing, replacing
from shortly.accounts.sessions import From, Session, Sessions, SignedIn
from shortly.accounts.tickets import Ticket, Tickets, Use
from shortly.errors import (
    NameTaken,
    PasskeyNotFound,
    PasskeyRefused,
    PasskeysFull,
    PasskeyUnusable,
    RecordChanged,
    ShortlyError,
    SignInRefused,
    TicketRefused,
)

log = structlog.get_logger(__name__)

CHALLENGE_LIFETIME = timedelta(minutes=5)
MAX_PASSKEYS = 20
"""Of one user."""


class Passkey(Noun, frozen=True, kw_only=True):
    """One key of a user, in one device or in several that share it."""

    KIND: ClassVar[str] = "passkey"

    user_id: int
    name: str
    """As the user calls it."""
    credential: str
    """Its id; Base64."""
    public_key: str
    """COSE; Base64."""
    sign_count: int = 0
    """What the device counted at the last use; a copied key would fall behind. Many devices always say 0."""
    backed_up: bool = False
    """Its maker keeps a copy, so that it outlives the device."""
    created_at: datetime
    used_at: datetime | None = None

    def names(self) -> tuple[str, ...]:
        """Return what its id leads to."""
        return (name_of(b64decode(self.credential)),)

    def groups(self) -> tuple[str, ...]:
        """Return what belongs to the user."""
        return (of_user(self.user_id),)


class Site(NamedTuple):
    """Whom passkeys belong to: the host of an address, and pages from there."""

    host: str
    origin: str


class Passkeys:
    """Registers passkeys, and lets people in by them.

    Args:
        registry: Where they are kept.
        tickets: Issues challenges, each of which is answered once.
        sessions: Begins sessions.
        base_url: The public address: passkeys belong to its host, and to pages from there.
    """

    def __init__(self, registry: Registry, tickets: Tickets, sessions: Sessions, *, base_url: str) -> None:
        self._registry = registry
        self._tickets = tickets
        self._sessions = sessions
        self._site = Site(urlsplit(base_url).hostname or "", base_url)

    @property
    def work(self) -> bool:
        """Whether browsers allow passkeys at this address: by HTTPS, or on this machine, and by name."""
        by_name = not self._site.host.replace(".", "").isdecimal() and ":" not in self._site.host
        return by_name and (self._site.origin.startswith("https:") or self._site.host == "localhost")

    async def of(self, user_id: int) -> list[Passkey]:
        """Return a user's passkeys, oldest first."""
        return await self._registry.all(Passkey, of_user(user_id))

    async def start(self, user: User) -> dict[str, Any]:
        """Return what a browser needs to make a passkey for a user.

        Raises:
            PasskeysFull: The user has ``MAX_PASSKEYS``.
        """
        from shortly.accounts import ceremonies

        existing = await self.of(user.id)
        if len(existing) >= MAX_PASSKEYS:
            raise PasskeysFull(MAX_PASSKEYS)
        return ceremonies.making(
            self._site,
            await self._challenge("passkey_add", user.id),
            handle=handle_of(user.id),
            email=user.email,
            name=user.name or user.email,
            known=[b64decode(key.credential) for key in existing],
        )

    async def add(self, user: User, session: Session, name: str, credential: Mapping[str, Any]) -> Passkey:
        """Store the passkey that a browser made, and count the session as one with a second factor.

        Raises:
            PasskeyUnusable: It does not answer a challenge of ours for this user, or not as it should.
            InvalidInput: The name is empty, too long or cannot be printed.
        """
        from shortly.accounts import ceremonies

        name = check_passkey_name(name)
        ticket, challenge = await self._answered("passkey_add", credential, PasskeyUnusable)
        if ticket.user_id != user.id:
            raise PasskeyUnusable
        with refusing(PasskeyUnusable):
            made = ceremonies.check_made(self._site, challenge, credential)
        passkey = self._registry.fresh(
            Passkey(
                user_id=user.id,
                name=name,
                credential=b64encode(made.credential).decode(),
                public_key=b64encode(made.public_key).decode(),
                sign_count=made.sign_count,
                backed_up=made.backed_up,
                created_at=self._registry.now(),
            )
        )
        stronger = structs.replace(session, second_factor=True)
        try:
            await self._registry.write(removing(ticket), adding(passkey), replacing(session, stronger))
        except (RecordChanged, NameTaken):
            raise PasskeyUnusable from None
        return passkey

    async def rename(self, user_id: int, passkey_id: int, name: str) -> Passkey:
        """Call a passkey of a user otherwise.

        Raises:
            PasskeyNotFound: The user has no such passkey.
            InvalidInput: The name is empty, too long or cannot be printed.
        """
        passkey = await self._get(user_id, passkey_id)
        return await self._registry.replace(passkey, structs.replace(passkey, name=check_passkey_name(name)))

    async def removal(self, user_id: int, passkey_id: int) -> Change:
        """Return the change that takes a passkey of a user away, or raise ``PasskeyNotFound``."""
        return removing(await self._get(user_id, passkey_id))

    async def challenge(self) -> dict[str, Any]:
        """Return what a browser needs to let somebody choose a passkey."""
        from shortly.accounts import ceremonies

        return ceremonies.choosing(self._site, await self._challenge("passkey_sign_in", 0))

    async def sign_in(self, credential: Mapping[str, Any], facts: From) -> SignedIn:
        """Begin a session for whom a passkey belongs to.

        Raises:
            PasskeyRefused: It is unknown, or does not answer a challenge of ours as it should.
            SignInRefused: Its user is disabled.
        """
        from shortly.accounts import ceremonies

        ticket, challenge = await self._answered("passkey_sign_in", credential, PasskeyRefused)
        with refusing(PasskeyRefused):
            passkey = await self._registry.find(Passkey, name_of(bytes_of(credential["rawId"])))
            if passkey is None:
                raise PasskeyRefused
            handle = credential["response"].get("userHandle")
            if handle is not None and bytes_of(handle) != handle_of(passkey.user_id):
                raise PasskeyRefused
            proof = ceremonies.check_proof(
                self._site,
                challenge,
                credential,
                public_key=b64decode(passkey.public_key),
                sign_count=passkey.sign_count,
            )
        user = await self._registry.get(User, passkey.user_id)
        if user is None or user.disabled_at is not None:
            raise SignInRefused(passkey.user_id)
        used = structs.replace(
            passkey,
            sign_count=proof.sign_count,
            backed_up=proof.backed_up,
            used_at=self._registry.now(),
        )
        try:
            return await self._sessions.sign_in(
                user,
                "passkey",
                second_factor=True,
                facts=facts,
                changes=(removing(ticket), replacing(passkey, used)),
            )
        except RecordChanged:
            raise PasskeyRefused from None

    # --- inside --------------------------------------------------------------------------------------------------

    async def _get(self, user_id: int, passkey_id: int) -> Passkey:
        passkey = await self._registry.get(Passkey, passkey_id)
        if passkey is None or passkey.user_id != user_id:
            raise PasskeyNotFound(passkey_id)
        return passkey

    async def _challenge(self, use: Use, user_id: int) -> bytes:
        return bytes_of(await self._tickets.issue(use, CHALLENGE_LIFETIME, user_id=user_id))

    async def _answered(
        self, use: Use, credential: Mapping[str, Any], refusal: type[PasskeyRefused | PasskeyUnusable]
    ) -> tuple[Ticket, bytes]:
        """Return the challenge that a credential answers, and its ticket."""
        with refusing(refusal):
            answer = json.loads(bytes_of(credential["response"]["clientDataJSON"]))
            secret = str(answer["challenge"])
        try:
            return await self._tickets.find(use, secret), bytes_of(secret)
        except TicketRefused:
            raise refusal from None


@contextmanager
def refusing(refusal: type[PasskeyRefused | PasskeyUnusable]) -> Iterator[None]:
    """Turn whatever goes wrong over a stranger's bytes into one refusal; libraries raise many things there."""
    try:
        yield
    except ShortlyError:
        raise
    except Exception as error:
        log.debug("a passkey was refused", error=type(error).__name__)
        raise refusal from None


def bytes_of(encoded: str) -> bytes:
    """Decode Base64url without padding, as browsers write it."""
    return urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))


def name_of(credential_id: bytes) -> str:
    """Return the name by which a passkey is found."""
    return sha256(credential_id).hexdigest()


def handle_of(user_id: int) -> bytes:
    """Return what a device keeps of its user beside the key; it tells nobody anything."""
    return user_id.to_bytes(8)
