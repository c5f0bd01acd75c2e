"""The two ceremonies of WebAuthn, by the ``webauthn`` package (Web Authentication, Level 3, section 7).

Loaded by the first passkey that somebody uses: the package brings OpenSSL along, which is not worth the time and the
memory of each start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import webauthn
from webauthn.helpers import base64url_to_bytes, options_to_json_dict, parse_attestation_object
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from shortly.accounts.passkeys import Site

FORMATS = frozenset({"none", "packed"})
"""Of attestations: we ask for none, and browsers may leave the one that a key makes of itself."""


class Made(NamedTuple):
    """What a device made."""

    credential: bytes
    public_key: bytes
    sign_count: int
    backed_up: bool


class Proof(NamedTuple):
    """What a device said when it proved that it has the key."""

    sign_count: int
    backed_up: bool


def making(
    site: Site, challenge: bytes, *, handle: bytes, email: str, name: str, known: Sequence[bytes]
) -> dict[str, Any]:
    """Return what a browser needs to make a passkey; devices that have one of the ``known`` ones make none."""
    options = webauthn.generate_registration_options(
        rp_id=site.host,
        rp_name="Shortly",
        user_id=handle,
        user_name=email,
        user_display_name=name,
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=credential) for credential in known],
    )
    return options_to_json_dict(options)


def check_made(site: Site, challenge: bytes, credential: Mapping[str, Any]) -> Made:
    """Return the passkey that a browser made; whatever is wrong with it raises one of many exceptions."""
    attestation = base64url_to_bytes(credential["response"]["attestationObject"])
    if parse_attestation_object(attestation).fmt not in FORMATS:
        raise ValueError("an attestation that was not asked for")
    made = webauthn.verify_registration_response(
        credential=dict(credential),
        expected_challenge=challenge,
        expected_rp_id=site.host,
        expected_origin=site.origin,
        require_user_verification=True,
    )
    return Made(made.credential_id, made.credential_public_key, made.sign_count, made.credential_backed_up)


def choosing(site: Site, challenge: bytes) -> dict[str, Any]:
    """Return what a browser needs to let somebody choose a passkey."""
    options = webauthn.generate_authentication_options(
        rp_id=site.host, challenge=challenge, user_verification=UserVerificationRequirement.REQUIRED
    )
    return options_to_json_dict(options)


def check_proof(
    site: Site, challenge: bytes, credential: Mapping[str, Any], *, public_key: bytes, sign_count: int
) -> Proof:
    """Return what the device said; whatever is wrong with it raises one of many exceptions."""
    proof = webauthn.verify_authentication_response(
        credential=dict(credential),
        expected_challenge=challenge,
        expected_rp_id=site.host,
        expected_origin=site.origin,
        credential_public_key=public_key,
        credential_current_sign_count=sign_count,
        require_user_verification=True,
    )
    return Proof(proof.new_sign_count, proof.credential_backed_up)
