"""API keys: what they look like, and who may come in with one.

A key is ``sly_`` and 49 letters and digits: 32 random bytes in base 62, then their CRC-32, so that scanners find leaked
keys by ``sly_[0-9A-Za-z]{49}`` and no mistyped one costs a look-up. Only its SHA-256 is stored: 256 random bits need
no slow hash.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, ClassVar, get_args
from zlib import crc32

from msgspec import structs

from shortly.accounts.access import EVERYWHERE, OF_ROLE, OF_SCOPE, Caller, Permission, Scope
from shortly.accounts.audit import Audit
from shortly.accounts.living import living_workspace
from shortly.accounts.people import FIRST_WORKSPACE, Member, User, member_key, of_user, of_workspace
from shortly.accounts.registry import MAX_PAGE, Noun, Registry, adding, replacing, until_settled
from shortly.errors import (
    Forbidden,
    InvalidInput,
    KeyNameTaken,
    KeyNotFound,
    NameTaken,
    ShortlyError,
    Unauthenticated,
    WorkspaceNotFound,
)

PREFIX = "sly_"
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SECRET_BYTES = 32
SECRET_DIGITS = 43
CHECK_DIGITS = 6
KEY_LENGTH = len(PREFIX) + SECRET_DIGITS + CHECK_DIGITS
HINT_LENGTH = len(PREFIX) + 4
MAX_NAME = 64
MAX_RESTRICTION = 253 + 6
"""Characters of a domain or tag that a key is restricted to."""
NOTED_EVERY = timedelta(minutes=1)
"""How exactly the last use of a key is known."""
MAX_OVERLAP = timedelta(hours=24)
"""How long at most the old secret of a rotated key goes on working."""
KEPT_AFTER = timedelta(days=90)
"""How long a revoked key stays in lists."""
MAX_KEYS = MAX_PAGE
"""Keys of a workspace, those that are listed after their revocation among them."""
REMEMBERED = 10_000
"""Keys of which a process knows when it noted their use."""
SCOPES: tuple[Scope, ...] = get_args(Scope)
OF_LINKS: tuple[Scope, ...] = ("links:read", "links:write", "stats:read")
"""Scopes that a key has at most which may act on some links only: people, domains and keys know no such limit."""


class Key(Noun, frozen=True, kw_only=True):
    """An API key without its secret."""

    KIND: ClassVar[str] = "key"

    name: str
    hint: str
    """The first characters of the secret, to tell keys apart."""
    digest: str
    """SHA-256 of the secret, in hexadecimal."""
    workspace_id: int = FIRST_WORKSPACE
    user_id: int | None = None
    """Whose key it is: it may never do more than they may now. None: it was made on the machine."""
    scopes: tuple[Scope, ...] = ()
    only_domain: str | None = None
    """See ``Caller``, as for the next two."""
    only_tag: str | None = None
    only_own: bool = False
    installation: bool = False
    """It may do what concerns all workspaces."""
    created_at: datetime
    expires_at: datetime | None = None
    """From this moment on it is refused; it stays in lists."""
    last_used_at: datetime | None = None
    """To the minute."""
    revoked_at: datetime | None = None
    old_digest: str = ""
    """Of the secret before the last rotation."""
    old_until: datetime | None = None
    """Until when the old secret works, too."""

    def names(self) -> tuple[str, ...]:
        """Return the secrets' digests, and the name within the workspace; nothing of a revoked key."""
        if self.revoked_at is not None:
            return ()
        old = (digest_name(self.old_digest),) if self.old_digest else ()
        return (digest_name(self.digest), name_key(self.workspace_id, self.name), *old)

    def groups(self) -> tuple[str, ...]:
        """Return the keys of the workspace, and of whose it is."""
        groups = (of_workspace(self.workspace_id),)
        return groups if self.user_id is None else (*groups, of_user(self.user_id))

    def expiry(self) -> datetime | None:
        """Return from when on it is not listed any more."""
        return None if self.revoked_at is None else self.revoked_at + KEPT_AFTER

    @property
    def permissions(self) -> frozenset[Permission]:
        """What its scopes allow, whoever's key it is."""
        allowed = frozenset[Permission]().union(*(OF_SCOPE[scope] for scope in self.scopes))
        return allowed | EVERYWHERE if self.installation else allowed

    def is_over(self, now: datetime) -> bool:
        """Say whether it is refused from now on, whoever brings it."""
        return self.revoked_at is not None or (self.expires_at is not None and self.expires_at <= now)


def digest_name(digest: str) -> str:
    """Return the name by which a key is found by its secret."""
    return f"digest:{digest}"


def name_key(workspace_id: int, name: str) -> str:
    """Return the name of the one living key of a workspace that is called so."""
    return f"name:{workspace_id}/{name}"


def draw_key() -> str:
    """Return a new key; nobody can guess it."""
    body = PREFIX + base62(int.from_bytes(secrets.token_bytes(SECRET_BYTES)), SECRET_DIGITS)
    return body + base62(crc32(body.encode()), CHECK_DIGITS)


def is_key(text: str) -> bool:
    """Say whether a text has the form of a key and its checksum is right."""
    if len(text) != KEY_LENGTH or not text.startswith(PREFIX) or not text.isascii():
        return False
    body, check = text[:-CHECK_DIGITS], text[-CHECK_DIGITS:]
    return base62(crc32(body.encode()), CHECK_DIGITS) == check


def digest_of(key: str) -> str:
    """Return what is stored of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def base62(number: int, digits: int) -> str:
    """Return a number that is not negative in base 62, with leading zeros."""
    written = []
    for _ in range(digits):
        number, digit = divmod(number, 62)
        written.append(DIGITS[digit])
    return "".join(reversed(written))


class KeyService:
    """Makes, lists, changes, rotates, revokes and checks API keys; who calls has ``keys:read`` or ``keys:write``.

    Args:
        registry: Where keys are kept, with whose they are.
        audit: Notes what is done to them, in the same write.
    """

    def __init__(self, registry: Registry, audit: Audit) -> None:
        self._registry = registry
        self._audit = audit
        self._noted: dict[int, datetime] = {}

    # --- for people ----------------------------------------------------------------------------------------------

    async def create(
        self,
        caller: Caller,
        name: str,
        *,
        scopes: Sequence[Scope] = ("admin",),
        only_domain: str | None = None,
        only_tag: str | None = None,
        only_own: bool = False,
        expires_at: datetime | None = None,
        installation: bool = False,
    ) -> tuple[Key, str]:
        """Store a new key of the caller's workspace, and return it with its secret, which nobody can read back later.

        Args:
            caller: Who makes it, and whose it will be.
            name: What it is for; 1 to ``MAX_NAME`` printable characters.
            scopes: What it is for; at least one, and nothing that the caller may not.
            only_domain: See ``Caller``; with it, or one of the next two, the scopes are some of ``OF_LINKS``.
            only_tag: See ``Caller``.
            only_own: See ``Caller``.
            expires_at: From when on it is refused.
            installation: Let it do what concerns all workspaces, too; with the scope ``admin``.

        Raises:
            InvalidInput: A value is refused.
            KeyNameTaken: A living key of the workspace has this name.
            Forbidden: The caller may not do all that the key could.
            WorkspaceNotFound: The workspace is gone.
        """
        await living_workspace(self._registry, caller.workspace_id)
        now = self._registry.now()
        secret = draw_key()
        new = Key(
            name=check_name(name),
            hint=secret[:HINT_LENGTH],
            digest=digest_of(secret),
            workspace_id=caller.workspace_id,
            user_id=caller.user_id,
            scopes=check_scopes(scopes),
            only_domain=check_restriction(only_domain, "only_domain"),
            only_tag=check_restriction(only_tag, "only_tag") or None,
            only_own=only_own,
            installation=installation,
            created_at=now,
            expires_at=check_expiry(expires_at, now),
        )
        check_fit(new)
        require_giving(caller, new)
        if len(await self.list_keys(caller)) >= MAX_KEYS:
            raise InvalidInput(f"A workspace has at most {MAX_KEYS} keys; revoked ones count for 90 days.")

        async def attempt() -> Key:
            key = self._registry.fresh(new)
            entry = self._audit.entry(caller, "key.created", subject_of(key), **described(key))
            try:
                await self._registry.write(adding(key), entry)
            except NameTaken:
                raise KeyNameTaken(key.name) from None
            return key

        return await until_settled(attempt), secret

    async def list_keys(self, caller: Caller, *, after: int | None = None, limit: int = MAX_PAGE) -> list[Key]:
        """Return keys of the caller's workspace, oldest first, those revoked in the last ``KEPT_AFTER`` too."""
        return await self._registry.page(Key, of_workspace(caller.workspace_id), after=after, limit=limit)

    async def get(self, caller: Caller, key_id: int) -> Key:
        """Return a key of the caller's workspace; raise ``KeyNotFound`` when there is none."""
        key = await self._registry.get(Key, key_id)
        if key is None or key.workspace_id != caller.workspace_id:
            raise KeyNotFound(str(key_id)[:MAX_NAME])
        return key

    async def named(self, caller: Caller, name: str) -> Key:
        """Return the living key of the caller's workspace with this name, or else this id; raise ``KeyNotFound``."""
        key = await self._registry.find(Key, name_key(caller.workspace_id, name))
        if key is None and name.isascii() and name.isdecimal() and len(name) <= MAX_NAME:
            key = await self._registry.get(Key, int(name))
        if key is None or key.revoked_at is not None or key.workspace_id != caller.workspace_id:
            raise KeyNotFound(name[:MAX_NAME])
        return key

    async def edit(self, caller: Caller, key_id: int, changes: dict[str, Any]) -> Key:
        """Change ``name`` or ``expires_at`` of a living key, and return it.

        Raises:
            KeyNotFound, InvalidInput, KeyNameTaken: As for ``create`` and ``get``.
            Forbidden: It is not the caller's own key, or can do more than they may.
        """

        async def attempt() -> Key:
            key = await self._living(caller, key_id)
            require_holding(caller, key)
            new = structs.replace(key, **check_changes(changes, self._registry.now()))
            entry = self._audit.entry(caller, "key.edited", subject_of(key), **changes)
            try:
                await self._registry.write(replacing(key, new), entry)
            except NameTaken:
                raise KeyNameTaken(new.name) from None
            return structs.replace(new, version=key.version + 1)

        return await until_settled(attempt)

    async def rotate(self, caller: Caller, key_id: int, *, overlap: timedelta = timedelta()) -> tuple[Key, str]:
        """Give a living key another secret, and return both; the old one works for ``overlap`` longer.

        Raises:
            KeyNotFound: There is none.
            InvalidInput: ``overlap`` is negative or longer than ``MAX_OVERLAP``.
            Forbidden: It is not the caller's own key, or can do more than they may.
        """
        if not timedelta() <= overlap <= MAX_OVERLAP:
            raise InvalidInput("The old secret can work for up to 24 hours longer.", field="overlap_s")
        secret = draw_key()

        async def attempt() -> Key:
            key = await self._living(caller, key_id)
            require_holding(caller, key)
            new = structs.replace(
                key,
                hint=secret[:HINT_LENGTH],
                digest=digest_of(secret),
                old_digest=key.digest if overlap else "",
                old_until=self._registry.now() + overlap if overlap else None,
            )
            seconds = int(overlap.total_seconds())
            entry = self._audit.entry(caller, "key.rotated", subject_of(key), name=key.name, overlap_s=seconds)
            await self._registry.write(replacing(key, new), entry)
            return structs.replace(new, version=key.version + 1)

        return await until_settled(attempt), secret

    async def revoke(self, caller: Caller, key_id: int) -> Key:
        """Make a living key invalid at once, everywhere, and return it; raise ``KeyNotFound`` when there is none."""

        async def attempt() -> Key:
            key = await self._living(caller, key_id)
            new = structs.replace(key, revoked_at=self._registry.now())
            entry = self._audit.entry(caller, "key.revoked", subject_of(key), name=key.name)
            await self._registry.write(replacing(key, new), entry)
            return structs.replace(new, version=key.version + 1)

        return await until_settled(attempt)

    # --- for keys ------------------------------------------------------------------------------------------------

    async def authenticate(self, secret: str, *, origin: str = "") -> Caller:
        """Return who comes with a secret, and note its use; never from memory, so that a revocation holds at once.

        Args:
            secret: What came with the request.
            origin: See ``Caller``.

        Raises:
            Unauthenticated: It is no key, or an unknown, revoked or expired one; or whose it is has been disabled, or
                does not belong to the key's workspace any more.
        """
        digest = digest_of(secret) if is_key(secret) else ""
        key = await self._registry.find(Key, digest_name(digest)) if digest else None
        now = self._registry.now()
        if key is None or key.is_over(now):
            raise Unauthenticated
        if digest != key.digest and (key.old_until is None or key.old_until <= now):
            raise Unauthenticated
        permissions = await self._permissions_of(key)
        await self._note_use(key, now)
        return Caller(
            actor=subject_of(key),
            user_id=key.user_id,
            workspace_id=key.workspace_id,
            permissions=permissions,
            only_domain=key.only_domain,
            only_tag=key.only_tag,
            only_own=key.only_own,
            origin=origin,
        )

    async def _permissions_of(self, key: Key) -> frozenset[Permission]:
        """Return what a key may do now: what its scopes allow and whose it is may do in its workspace."""
        if key.workspace_id != FIRST_WORKSPACE:
            try:
                await living_workspace(self._registry, key.workspace_id)
            except WorkspaceNotFound:
                raise Unauthenticated from None
        if key.user_id is None:
            return key.permissions
        user = await self._registry.get(User, key.user_id)
        if user is None or user.disabled_at is not None:
            raise Unauthenticated
        if user.admin:
            return key.permissions
        member = await self._registry.find(Member, member_key(key.workspace_id, user.id))
        if member is None:
            raise Unauthenticated
        return key.permissions & OF_ROLE[member.role]

    async def _note_use(self, key: Key, now: datetime) -> None:
        last = max(filter(None, (key.last_used_at, self._noted.get(key.id))), default=None)
        if last is not None and now - last < NOTED_EVERY:
            return
        if len(self._noted) >= REMEMBERED:
            self._noted.clear()
        self._noted[key.id] = now
        used = structs.replace(key, last_used_at=now.replace(second=0, microsecond=0))
        with suppress(ShortlyError):  # a full disk must not lock anybody out, and somebody else may have noted it
            await self._registry.replace(key, used, durable=False)

    async def _living(self, caller: Caller, key_id: int) -> Key:
        key = await self.get(caller, key_id)
        if key.revoked_at is not None:
            raise KeyNotFound(str(key_id)[:MAX_NAME])
        return key


def check_name(name: str) -> str:
    """Return a key's name without spaces around it; raise ``InvalidInput`` unless it can be one."""
    name = name.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidInput(f"The name must be 1 to {MAX_NAME} printable characters.", field="name")
    return name


def check_scopes(scopes: Sequence[str]) -> tuple[Scope, ...]:
    """Return scopes without repeats, in the order of ``SCOPES``, and without those that ``admin`` covers."""
    if not scopes or not set(scopes) <= set(SCOPES):
        raise InvalidInput(f"The scopes are some of {', '.join(SCOPES)}.", field="scopes")
    covered = OF_SCOPE["admin"] if "admin" in scopes else frozenset()
    return tuple(one for one in SCOPES if one in scopes and (one == "admin" or not OF_SCOPE[one] <= covered))


def check_fit(key: Key) -> None:
    """Raise ``InvalidInput`` when a key's scopes go beyond what its restrictions can hold."""
    if is_restricted(key) and not set(key.scopes) <= set(OF_LINKS):
        raise InvalidInput(f"A key with restrictions has some of the scopes {', '.join(OF_LINKS)}.", field="scopes")
    if key.installation and "admin" not in key.scopes:
        raise InvalidInput("A key for the whole installation has the scope 'admin'.", field="installation")


def check_restriction(text: str | None, field: str) -> str | None:
    """Return a domain or tag that a key is restricted to."""
    if text is not None and (len(text) > MAX_RESTRICTION or (text and not text.isprintable())):
        raise InvalidInput(f"The restriction must be at most {MAX_RESTRICTION} printable characters.", field=field)
    return text


def check_expiry(expires_at: datetime | None, now: datetime) -> datetime | None:
    """Return when a key expires; raise ``InvalidInput`` when that has passed."""
    if expires_at is not None and expires_at <= now:
        raise InvalidInput("The key would have expired already.", field="expires_at")
    return expires_at


def check_changes(changes: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return changes to a key with their values checked."""
    checked: dict[str, Any] = {}
    if "name" in changes:
        checked["name"] = check_name(changes["name"] or "")
    if "expires_at" in changes:
        checked["expires_at"] = check_expiry(changes["expires_at"], now)
    return checked


def is_restricted(holder: Key | Caller) -> bool:
    """Say whether somebody may act on some links of the workspace only."""
    return holder.only_domain is not None or holder.only_tag is not None or holder.only_own


def require_giving(caller: Caller, key: Key) -> None:
    """Raise ``Forbidden`` unless the caller may do all that the key could: nobody gives more than they have."""
    for permission in sorted(key.permissions - caller.permissions):
        raise Forbidden(permission)
    if is_restricted(caller):
        raise Forbidden("keys:write")


def require_holding(caller: Caller, key: Key) -> None:
    """Raise ``Forbidden`` unless the key is the caller's own, or they look after the installation.

    Whoever rotates a key holds it afterwards, so this must not make anybody somebody else.
    """
    require_giving(caller, key)
    if key.user_id != caller.user_id and not caller.may("installation"):
        raise Forbidden("installation")


def subject_of(key: Key) -> str:
    """Return a key as actor and as subject of the audit log."""
    return f"key:{key.id}"


def described(key: Key) -> dict[str, Any]:
    """Return what the audit log says about a new key."""
    fields = ("name", "scopes", "only_domain", "only_tag", "only_own", "installation", "expires_at")
    return {field: value for field in fields if (value := getattr(key, field)) not in (None, False)}
