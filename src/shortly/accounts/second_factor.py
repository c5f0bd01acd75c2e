"""The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for when it is lost."""

from __future__ import annotations

import hmac
import secrets
from base64 import b32encode, b64decode, b64encode
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from typing import ClassVar, NamedTuple

import pyotp
from msgspec import structs

from shortly.accounts.people import User, of_user
from shortly.accounts.records import Change
from shortly.accounts.registry import Noun, Registry, removing, replacing
from shortly.accounts.secret import Secret
from shortly.accounts.sessions import Session
from shortly.errors import (
    NameTaken,
    RateLimited,
    RecordChanged,
    SecondFactorExists,
    SecondFactorMissing,
    SecondFactorNeeded,
    SecondFactorUnreadable,
    UnconfirmedCode,
    WrongCode,
)

USE = "totp"
STEP_S = 30
DRIFT = 1
"""Steps that a clock may be off, either way."""
SEED_BYTES = 20
DIGITS = 6
RECOVERY_CODES = 10
RECOVERY_BYTES = 10
"""80 bits: 16 letters and digits."""
RECOVERY_LENGTH = 16
FREE_TRIES = 5
"""Wrong codes in a row before waiting begins, which doubles with each further one."""
LONGEST_WAIT = timedelta(hours=1)


class Totp(Noun, frozen=True, kw_only=True):
    """A user's authenticator app."""

    KIND: ClassVar[str] = "totp"

    user_id: int
    sealed: str
    """What the app knows, encrypted and bound to the user; Base64."""
    created_at: datetime
    confirmed_at: datetime | None = None
    """None: a code is still awaited, and nobody is asked for one."""
    last_step: int = 0
    """Of the last code that was taken; earlier ones, and itself, are not taken again."""
    recovery: tuple[str, ...] = ()
    """Digests, keyed by what the app knows, of the recovery codes that were not used."""
    wrong: int = 0
    """Codes in a row that were wrong."""
    wrong_at: datetime | None = None

    def names(self) -> tuple[str, ...]:
        """Return the user, who has one at most."""
        return (str(self.user_id),)

    def groups(self) -> tuple[str, ...]:
        """Return what belongs to the user."""
        return (of_user(self.user_id),)


class Enrolment(NamedTuple):
    """What an authenticator app is given, once."""

    secret: str
    """To type in; Base32."""
    uri: str
    """To show as a QR code."""


class SecondFactor:
    """Sets authenticator apps up, and checks their codes.

    Args:
        registry: Where they are kept.
        secret: Encrypts what they know.
        issuer: What they show beside the user.
    """

    def __init__(self, registry: Registry, secret: Secret, *, issuer: str) -> None:
        self._registry = registry
        self._secret = secret
        self._issuer = issuer

    async def of(self, user_id: int) -> Totp | None:
        """Return a user's app if it was confirmed."""
        totp = await self._registry.find(Totp, str(user_id))
        return totp if totp is not None and totp.confirmed_at is not None else None

    async def start(self, user: User) -> Enrolment:
        """Store a new app, which counts once it has been confirmed; an unconfirmed one from before is forgotten.

        Raises:
            SecondFactorExists: The user has an app already.
        """
        seed = secrets.token_bytes(SEED_BYTES)
        totp = Totp(user_id=user.id, sealed=self._seal(user.id, seed), created_at=self._registry.now())
        earlier = await self._registry.find(Totp, str(user.id))
        if earlier is not None and earlier.confirmed_at is not None:
            raise SecondFactorExists
        try:
            if earlier is None:
                await self._registry.add(totp)
            else:
                await self._registry.replace(earlier, totp)
        except (NameTaken, RecordChanged):
            raise SecondFactorExists from None
        text = b32encode(seed).decode()
        return Enrolment(text, pyotp.TOTP(text).provisioning_uri(name=user.email, issuer_name=self._issuer))

    async def confirm(self, user: User, session: Session, code: str) -> list[str]:
        """Let the app count from now on, and the session as one with a second factor; return new recovery codes.

        Raises:
            SecondFactorMissing: None was begun.
            SecondFactorExists: It was confirmed before.
            UnconfirmedCode: The app shows another code.
        """
        totp = await self._registry.find(Totp, str(user.id))
        if totp is None:
            raise SecondFactorMissing
        if totp.confirmed_at is not None:
            raise SecondFactorExists
        seed = self._open(totp)
        step = self._step_of(totp, seed, code)
        if step is None:
            raise UnconfirmedCode
        codes, digests = draw_codes(seed)
        confirmed = structs.replace(
            totp, confirmed_at=self._registry.now(), last_step=step, recovery=digests, wrong=0, wrong_at=None
        )
        try:
            await self._registry.write(
                replacing(totp, confirmed), replacing(session, structs.replace(session, second_factor=True))
            )
        except RecordChanged:
            raise UnconfirmedCode from None
        return codes

    async def renew_codes(self, user_id: int) -> list[str]:
        """Return new recovery codes; the earlier ones are worth nothing any more.

        Raises:
            SecondFactorMissing: The user has no app.
            RecordChanged: A code was used at the same moment.
        """
        totp = await self._required(user_id)
        codes, digests = draw_codes(self._open(totp))
        await self._registry.replace(totp, structs.replace(totp, recovery=digests))
        return codes

    async def removal(self, user_id: int) -> Change:
        """Return the change that takes the user's app away.

        Raises:
            SecondFactorMissing: The user has none.
        """
        return removing(await self._required(user_id))

    async def check(self, user: User, code: str | None) -> list[Change]:
        """Look at the code of a user whose password was right, and return what uses it up: nothing for one without app.

        The code is taken when these changes are written, which only one of several attempts with the same code can do.

        Raises:
            SecondFactorNeeded: There is an app, and no code.
            WrongCode: The code is not valid, or was used already.
            RateLimited: There were too many wrong ones.
        """
        totp = await self.of(user.id)
        if totp is None:
            return []
        if not code:
            raise SecondFactorNeeded
        self._check_patience(totp)
        seed = self._open(totp)
        taken = structs.replace(totp, wrong=0, wrong_at=None)
        if not self._secret.is_current(b64decode(totp.sealed)):
            taken = structs.replace(taken, sealed=self._seal(user.id, seed))
        step = self._step_of(totp, seed, code)
        if step is not None:
            return [replacing(totp, structs.replace(taken, last_step=step))]
        digest = digest_of(seed, code)
        if digest is not None and digest in totp.recovery:
            left = tuple(other for other in totp.recovery if other != digest)
            return [replacing(totp, structs.replace(taken, recovery=left))]
        await self._note_wrong(totp)
        raise WrongCode(user.id)

    async def reseal(self) -> int:
        """Encrypt with the newest value of the secret what was encrypted with the one before; return how many."""
        done = 0
        for totp in await self._registry.all(Totp):
            if not self._secret.is_current(b64decode(totp.sealed)):
                with suppress(SecondFactorUnreadable, RecordChanged):  # lost, or somebody signed in with it just now
                    sealed = self._seal(totp.user_id, self._open(totp))
                    await self._registry.replace(totp, structs.replace(totp, sealed=sealed))
                    done += 1
        return done

    # --- inside --------------------------------------------------------------------------------------------------

    async def _required(self, user_id: int) -> Totp:
        totp = await self.of(user_id)
        if totp is None:
            raise SecondFactorMissing
        return totp

    def _check_patience(self, totp: Totp) -> None:
        if totp.wrong_at is None or totp.wrong < FREE_TRIES:
            return
        wait = min(LONGEST_WAIT, timedelta(seconds=STEP_S * 2 ** min(totp.wrong - FREE_TRIES, 10)))
        left = totp.wrong_at + wait - self._registry.now()
        if left > timedelta():
            raise RateLimited(int(left.total_seconds()) + 1)

    async def _note_wrong(self, totp: Totp) -> None:
        for _ in range(FREE_TRIES):
            noted = structs.replace(totp, wrong=totp.wrong + 1, wrong_at=self._registry.now())
            with suppress(RecordChanged):
                await self._registry.replace(totp, noted, durable=False)
                return
            now = await self.of(totp.user_id)
            if now is None:
                return
            totp = now

    def _step_of(self, totp: Totp, seed: bytes, code: str) -> int | None:
        """Return the step that the code belongs to, if it is one whose code may still be used."""
        digits = "".join(code.split())
        if len(digits) != DIGITS or not digits.isascii() or not digits.isdecimal():
            return None
        generator = pyotp.HOTP(b32encode(seed).decode())
        now = int(self._registry.now().timestamp()) // STEP_S
        fitting = [
            step for step in range(now - DRIFT, now + DRIFT + 1) if hmac.compare_digest(generator.at(step), digits)
        ]
        return next((step for step in fitting if step > totp.last_step), None)

    def _seal(self, user_id: int, seed: bytes) -> str:
        return b64encode(self._secret.seal(USE, seed, str(user_id).encode())).decode()

    def _open(self, totp: Totp) -> bytes:
        seed = self._secret.unseal(USE, b64decode(totp.sealed), str(totp.user_id).encode())
        if seed is None:
            raise SecondFactorUnreadable
        return seed


def draw_codes(seed: bytes) -> tuple[list[str], tuple[str, ...]]:
    """Return recovery codes as people get them, and as they are stored."""
    plain = [b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower() for _ in range(RECOVERY_CODES)]
    digests = [digest_of(seed, code) for code in plain]
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in plain], tuple(filter(None, digests))


def digest_of(seed: bytes, code: str) -> str | None:
    """Return what is stored of a recovery code, or None for what cannot be one."""
    plain = "".join(character for character in code.lower() if character.isalnum())
    if len(plain) != RECOVERY_LENGTH or not plain.isascii():
        return None
    return hmac.digest(seed, b"recovery code " + plain.encode(), sha256).hex()
