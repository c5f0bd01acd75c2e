"""Passwords of links: which ones are taken, and how one comes to be stored as its hash alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from shortly.errors import InvalidInput

MIN_PASSWORD = 8
MAX_PASSWORD = 256
UNHASHED = ""
"""Stands for the hash of a password that was only looked at; no password opens a link with it."""

Hash = Callable[[str], Awaitable[str]]
"""Returns the hash to store of a password."""
Hashes = Mapping[str, str]
"""Password -> its hash."""


def check_password(password: object) -> str:
    """Return a password that a link may have; raise ``InvalidInput`` for any other.

    It is passed on to many people, so it is held to less than a person's own: to its length alone.
    """
    if not isinstance(password, str) or not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise InvalidInput(
            f"The password must be text of {MIN_PASSWORD} to {MAX_PASSWORD} characters.", field="password"
        )
    if not password.isprintable():  # no field of a form can send line breaks or lone surrogates
        raise InvalidInput("The password contains characters that cannot be typed.", field="password")
    return password


async def hashes_of(many: Iterable[Mapping[str, Any]], hash_password: Hash) -> Hashes:
    """Return the hashes of the passwords among these values; of those that are not taken there are none.

    A password that several links are to have is hashed once: each hash takes some twentieth of a second.
    """
    hashes: dict[str, str] = {}
    for values in many:
        password = values.get("password")
        if isinstance(password, str) and password not in hashes and _is_taken(password):
            hashes[password] = await hash_password(password)
    return hashes


def take_password(given: dict[str, Any], hashes: Hashes) -> dict[str, Any]:
    """Take the password out of the values of a link, and return what is stored instead; None takes one away."""
    if "password" not in given:
        return {}
    password = given.pop("password")
    return {"password_hash": None if password is None else hashes.get(check_password(password), UNHASHED)}


async def hash_apart(password: str) -> str:
    """Return the hash of a password, made in a thread that ends with it."""
    from shortly.accounts.passwords import Passwords  # few commands ever see a password

    passwords = Passwords()
    try:
        return await passwords.hash(password)
    finally:
        passwords.close()


def _is_taken(password: str) -> bool:
    try:
        check_password(password)
    except InvalidInput:
        return False
    return True
