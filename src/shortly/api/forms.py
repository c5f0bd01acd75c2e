"""Forms of public pages, as browsers send them without scripts: small ones, of text alone."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs

from starlette.requests import Request

from shortly.errors import InvalidInput

MAX_FORM = 65_536
"""Bytes of a form that was sent; the longest details, each character percent-encoded."""
FORM = "application/x-www-form-urlencoded"
MAX_FIELDS = 16
Fields = Mapping[str, str]


async def fields_of(request: Request) -> Fields:
    """Return the fields of the form that was sent.

    Raises:
        InvalidInput: It is none, or larger than one can be.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise InvalidInput("A form is needed.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM:
            raise InvalidInput("The form is too large.")
    try:
        found = parse_qs(
            bytes(body).decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"
        )
    except ValueError:
        raise InvalidInput("The form cannot be read.") from None
    return {name: values[-1] for name, values in found.items()}


def origin_of(request: Request, base_url: str) -> str:
    """Return the origin of our own page that has the form: the host was let through, so it is one of ours."""
    scheme = base_url.partition("://")[0]
    return f"{scheme}://{request.headers.get('host', '').lower()}"
