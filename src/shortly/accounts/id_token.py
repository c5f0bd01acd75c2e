"""ID tokens: what a provider signs about somebody who has just proven to it who they are."""

from __future__ import annotations

import hashlib
import warnings
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError, SecurityWarning
from joserfc.jwk import ECKey, Key, KeySet, OKPKey, RSAKey

from shortly.errors import IdentityRefused

HASHES = {"RS256": "sha256", "PS256": "sha256", "ES256": "sha256", "EdDSA": "sha512"}
"""The algorithms that are taken, each with the hash that belongs to it: never ``none``, never a shared secret."""
PUBLIC_KEYS = (RSAKey, ECKey, OKPKey)
LEEWAY = timedelta(seconds=60)
LONGEST = timedelta(minutes=15)
"""A token is made while somebody waits for it; older ones are not."""
MAX_TOKEN = 65_536
MAX_SUBJECT = 255


class UnknownKey(Exception):
    """The token names a key that is not among those that are known; there may be new ones."""


def read_keys(document: Any) -> KeySet:
    """Return the public signing keys of a JWK set; what is not one is left out."""
    keys: list[Key] = []
    listed = document.get("keys") if isinstance(document, dict) else None
    for data in listed if isinstance(listed, list) else ():
        if not isinstance(data, dict) or data.get("kty") == "oct" or data.get("use", "sig") != "sig":
            continue
        try:
            key = KeySet.import_key_set({"keys": [data]}).keys[0]
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if isinstance(key, PUBLIC_KEYS):
            keys.append(key)
    return KeySet(keys)


def check_id_token(
    token: str,
    keys: KeySet,
    *,
    algorithms: Iterable[str],
    issuer: str,
    client_id: str,
    nonce: str,
    access_token: str | None,
    now: datetime,
) -> Mapping[str, Any]:
    """Return the claims of a token that was made for this sign-in.

    Args:
        token: As it came from the provider itself.
        keys: The provider's.
        algorithms: Those that the provider says it uses.
        issuer: The provider.
        client_id: Whom the token must be for.
        nonce: What the browser was sent off with.
        access_token: What the token's ``at_hash``, if there is one, must belong to.
        now: The present moment.

    Raises:
        UnknownKey: It is signed with a key that is not among ``keys``.
        IdentityRefused: Anything else is wrong with it.
    """
    allowed = [name for name in HASHES if name in set(algorithms)]
    if len(token) > MAX_TOKEN or not token.isascii() or not allowed:
        raise IdentityRefused("invalid_token")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # of the name EdDSA, which providers go on using
            read = jwt.decode(token, keys, allowed)
    except InvalidKeyIdError:
        raise UnknownKey from None
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise IdentityRefused("invalid_token") from None
    claims, algorithm = read.claims, read.header["alg"]
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    right = (
        claims.get("iss") == issuer
        and isinstance(audiences, list)
        and client_id in audiences
        and (len(audiences) == 1 or "azp" in claims)
        and claims.get("azp", client_id) == client_id
        and is_timely(claims, now)
        and is_same(claims.get("nonce"), nonce)
        and isinstance(claims.get("sub"), str)
        and 0 < len(claims["sub"]) <= MAX_SUBJECT
        and ("at_hash" not in claims or is_same(claims["at_hash"], hash_of(access_token or "", algorithm)))
    )
    if not right:
        raise IdentityRefused("invalid_token")
    return claims


def is_timely(claims: Mapping[str, Any], now: datetime) -> bool:
    """Say whether a token was made just now, and is valid."""
    made, end, start = claims.get("iat"), claims.get("exp"), claims.get("nbf", 0)
    if not all(isinstance(moment, int | float) and not isinstance(moment, bool) for moment in (made, end, start)):
        return False
    at, leeway = now.timestamp(), LEEWAY.total_seconds()
    assert made is not None  # noqa: S101
    assert end is not None  # noqa: S101
    earliest = at - LONGEST.total_seconds() - leeway
    return bool(earliest <= made <= at + leeway and start <= at + leeway and end > at - leeway)


def is_same(given: object, wanted: str) -> bool:
    """Compare in constant time."""
    return isinstance(given, str) and compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode())


def hash_of(access_token: str, algorithm: str) -> str:
    """Return the ``at_hash`` of an access token: the left half of its hash."""
    digest = hashlib.new(HASHES[algorithm], access_token.encode("utf-8", "surrogatepass")).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
