"""Sessions: who is signed in where, one row each; ending the row ends the session, everywhere and at once."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from hmac import compare_digest
from types import MappingProxyType
from typing import Any, ClassVar, Literal, NamedTuple

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, OctKey
from msgspec import Struct, structs

from shortly.accounts.people import User, of_user
from shortly.accounts.records import Change
from shortly.accounts.registry import Noun, Registry, adding, removing, replacing
from shortly.accounts.secret import Secret
from shortly.errors import RecordChanged, SessionNotFound, ShortlyError, SignInRefused, Unauthenticated

How = Literal["password", "passkey", "oidc", "header", "setup"]

ALGORITHM = "HS256"
USE = "session"
LONGEST = timedelta(days=90)
"""However often it is used, a session ends then."""
SEEN_EVERY = timedelta(minutes=1)
MAX_SESSIONS = 100
"""Of one user; the one that was not seen for longest makes room."""
MAX_TOKEN = 1024
MAX_USER_AGENT = 160
NOTHING: Mapping[str, Any] = MappingProxyType({})
TRIES = 64
"""How often a write is repeated that somebody else's came in between of."""


class Session(Noun, frozen=True, kw_only=True):
    """Somebody who is signed in with one browser."""

    KIND: ClassVar[str] = "session"

    user_id: int
    digest: str
    """SHA-256 of a random part of the token: who can read the store, or sign, still cannot come in."""
    created_at: datetime
    seen_at: datetime
    """To the minute."""
    expires_at: datetime
    user_agent: str = ""
    """Shortened."""
    origin: str = ""
    """The network that it began in; no address."""
    how: How
    second_factor: bool = False

    def groups(self) -> tuple[str, ...]:
        """Return the user's sessions."""
        return (of_user(self.user_id),)

    def expiry(self) -> datetime:
        """Return its end if it is not used any more."""
        return self.expires_at


class From(Struct, frozen=True, kw_only=True):
    """What is known of where a request comes from."""

    origin: str = ""
    """Its network, such as ``203.0.113.0``."""
    user_agent: str = ""


class SignedIn(NamedTuple):
    """A person with a session."""

    user: User
    session: Session
    token: str
    """What the cookie holds."""


class Sessions:
    """Begins, resumes, lists and ends sessions.

    Args:
        registry: Where they are kept.
        secret: Signs their tokens.
        idle: A session that is not used for so long ends.
    """

    def __init__(self, registry: Registry, secret: Secret, *, idle: timedelta) -> None:
        self._registry = registry
        self._idle = idle
        keys: list[Key] = [
            OctKey.import_key(key.value, {"kid": key.id, "alg": ALGORITHM, "use": "sig"}) for key in secret.keys(USE)
        ]
        self._key_id, self._key = keys[0].kid, keys[0]
        self._keys = KeySet(keys)

    async def sign_in(
        self,
        user: User,
        how: How,
        *,
        second_factor: bool,
        facts: From,
        fields: Mapping[str, Any] = NOTHING,
        changes: Sequence[Change] = (),
    ) -> SignedIn:
        """Begin a session for a user whose identity has been proven, and note when.

        Args:
            user: As it was read when the proof was looked at; a session begins only if the user is still allowed to
                sign in and has the same password.
            how: What the proof was.
            second_factor: Whether there was a second one.
            facts: Where it came from.
            fields: New values of fields of the user.
            changes: What has to happen together with it or not at all, such as a ticket that is used up.

        Raises:
            SignInRefused: The user is disabled, gone, or has another password by now.
            RecordChanged: One of the ``changes`` is not possible any more.
        """
        for _ in range(TRIES):
            session, token = self._draw(user, how, second_factor, facts)
            signed_in = structs.replace(user, signed_in_at=session.created_at, **fields)
            room = await self._in_the_way(user.id)
            try:
                await self._registry.write(*changes, adding(session), replacing(user, signed_in), *map(removing, room))
            except RecordChanged as changed:
                if changed.kind not in (User.KIND, Session.KIND):
                    raise
                user = await self._same(user)
            else:
                return SignedIn(structs.replace(signed_in, version=user.version + 1), session, token)
        raise RecordChanged(User.KIND)

    async def resume(self, token: str, *, noting: bool = True) -> SignedIn:
        """Return whose session this is, and note that it was used unless told otherwise; two point reads, never
        answered from memory.

        Raises:
            Unauthenticated: The token is not one of ours, the session has ended, or the user may not sign in.
        """
        session_id, user_id, digest = self._read(token)
        session = await self._registry.get(Session, session_id)
        if session is None or session.user_id != user_id or not compare_digest(session.digest, digest):
            raise Unauthenticated
        user = await self._registry.get(User, user_id)
        if user is None or user.disabled_at is not None:
            raise Unauthenticated
        return SignedIn(user, await self._note_use(session) if noting else session, token)

    async def of(self, user_id: int) -> list[Session]:
        """Return a user's living sessions, oldest first."""
        return await self._registry.all(Session, of_user(user_id))

    async def end(self, session_id: int, user_id: int) -> Session:
        """End one session of a user.

        Raises:
            SessionNotFound: The user has no such session.
        """
        for _ in range(TRIES):
            session = await self._registry.get(Session, session_id)
            if session is None or session.user_id != user_id:
                break
            with suppress(RecordChanged):  # it was seen in the meantime
                await self._registry.remove(session)
                return session
        raise SessionNotFound(session_id)

    async def end_all(self, user_id: int, *, but: int | None = None) -> int:
        """End a user's sessions, all but one, and return how many those were."""
        ended = 0
        for session in await self.of(user_id):
            if session.id != but:
                with suppress(SessionNotFound):
                    await self.end(session.id, user_id)
                    ended += 1
        return ended

    async def change_user(
        self, user: User, fields: Mapping[str, Any], *, but: int | None = None, changes: Sequence[Change] = ()
    ) -> User:
        """Change fields of a user and end the sessions, all but one, in the same step: none that began before lives on.

        Raises:
            SignInRefused: The user is gone or disabled, or has another password by now.
            RecordChanged: One of the ``changes`` is not possible any more.
        """
        for _ in range(TRIES):
            changed = structs.replace(user, **fields)
            ending = [removing(session) for session in await self.of(user.id) if session.id != but]
            try:
                await self._registry.write(*changes, replacing(user, changed), *ending)
            except RecordChanged as refusal:
                if refusal.kind not in (User.KIND, Session.KIND):
                    raise
                user = await self._same(user)
            else:
                return structs.replace(changed, version=user.version + 1)
        raise RecordChanged(User.KIND)

    async def _same(self, user: User) -> User:
        """Return the user as stored now, as long as what was proven still holds."""
        now = await self._registry.get(User, user.id)
        if now is None or now.disabled_at is not None or now.password_hash != user.password_hash:
            raise SignInRefused
        return now

    async def _in_the_way(self, user_id: int) -> list[Session]:
        sessions = await self.of(user_id)
        sessions.sort(key=lambda session: session.seen_at)
        return sessions[: max(0, len(sessions) - MAX_SESSIONS + 1)]

    def _draw(self, user: User, how: How, second_factor: bool, facts: From) -> tuple[Session, str]:
        now = self._registry.now()
        proof = secrets.token_urlsafe(16)
        session = self._registry.fresh(
            Session(
                user_id=user.id,
                digest=digest_of(proof),
                created_at=now,
                seen_at=now,
                expires_at=now + min(self._idle, LONGEST),
                user_agent=shorten(facts.user_agent),
                origin=facts.origin,
                how=how,
                second_factor=second_factor,
            )
        )
        claims = {
            "sid": str(session.id),
            "sub": str(user.id),
            "jti": proof,
            "exp": int((now + LONGEST).timestamp()),
        }
        return session, jwt.encode({"alg": ALGORITHM, "kid": self._key_id}, claims, self._key, [ALGORITHM])

    def _read(self, token: str) -> tuple[int, int, str]:
        """Return session, user and digest of a token that we signed."""
        if len(token) > MAX_TOKEN or not token.isascii():
            raise Unauthenticated
        try:
            claims = jwt.decode(token, self._keys, [ALGORITHM]).claims
            if claims["exp"] <= self._registry.now().timestamp():
                raise Unauthenticated
            return int(claims["sid"]), int(claims["sub"]), digest_of(claims["jti"])
        except (JoseError, ValueError, KeyError, TypeError, AttributeError):
            raise Unauthenticated from None

    async def _note_use(self, session: Session) -> Session:
        now = self._registry.now()
        if now - session.seen_at < SEEN_EVERY:
            return session
        seen = structs.replace(session, seen_at=now, expires_at=min(now + self._idle, session.created_at + LONGEST))
        with suppress(ShortlyError):  # seen by another process too, or nothing can be written: nobody is locked out
            return await self._registry.replace(session, seen, durable=False)
        return session


def digest_of(proof: str) -> str:
    """Return what is stored of a token's random part."""
    return hashlib.sha256(proof.encode()).hexdigest()


def shorten(user_agent: str) -> str:
    """Return what is kept of a browser's own words."""
    return "".join(character for character in user_agent[:MAX_USER_AGENT] if character.isprintable())
