"""A device that holds passkeys, in software: what a browser and a security key do together."""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import encode_cbor

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


class Authenticator:
    """Makes passkeys and signs with them. Its fields may be changed to make it lie.

    Args:
        origin: Of the page that it believes to be on.
    """

    def __init__(self, origin: str = "http://localhost:8000") -> None:
        self.origin = origin
        self.rp_id: str | None = None
        self.flags = PRESENT | VERIFIED
        self.sign_count = 0
        self.step = 1
        self.algorithm = -7
        self.key: EllipticCurvePrivateKey = generate_private_key(SECP256R1())
        self.credential_id = secrets.token_bytes(32)
        self.handle = b""

    def create(self, options: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """Do ``navigator.credentials.create``; ``changes`` replace parts of the client data."""
        self.handle = plain(options["user"]["id"])
        self.rp_id = self.rp_id or options["rp"]["id"]
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: self.algorithm, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        attested = bytes(16) + len(self.credential_id).to_bytes(2) + self.credential_id + encode_cbor(public)
        statement = {"fmt": "none", "attStmt": {}, "authData": self._data(ATTESTED) + attested}
        client = self._client_data("webauthn.create", options, changes)
        return self._credential({"clientDataJSON": text(client), "attestationObject": text(encode_cbor(statement))})

    def get(self, options: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """Do ``navigator.credentials.get``; ``changes`` replace parts of the client data."""
        self.sign_count += self.step
        data = self._data()
        client = self._client_data("webauthn.get", options, changes)
        signature = self.key.sign(data + sha256(client).digest(), ECDSA(SHA256()))
        return self._credential(
            {
                "clientDataJSON": text(client),
                "authenticatorData": text(data),
                "signature": text(signature),
                "userHandle": text(self.handle),
            }
        )

    def _data(self, further: int = 0) -> bytes:
        rp_hash = sha256((self.rp_id or "").encode()).digest()
        return rp_hash + bytes([self.flags | further]) + self.sign_count.to_bytes(4)

    def _client_data(self, kind: str, options: dict[str, Any], changes: dict[str, Any]) -> bytes:
        data = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps({**data, **changes}).encode()

    def _credential(self, response: dict[str, str]) -> dict[str, Any]:
        identity = text(self.credential_id)
        return {
            "id": identity,
            "rawId": identity,
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
            "authenticatorAttachment": "platform",
        }


def text(value: bytes) -> str:
    """Return bytes as WebAuthn's JSON has them."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def plain(value: str) -> bytes:
    """Return what was written by ``text``."""
    return urlsafe_b64decode(value + "=" * (-len(value) % 4))
