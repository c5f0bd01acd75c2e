"""The OpenAPI document: what FastAPI cannot see by itself, since it happens in the layers around the routes."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
from fastapi import FastAPI, Header
from fastapi.security import APIKeyCookie, APIKeyHeader, HTTPBearer

from shortly.api.cookies import PLAIN_NAME, SECURE_NAME
from shortly.api.problems import (
    MEDIA_TYPE,
    BodyTooLarge,
    InternalError,
    MalformedRequest,
    NotJson,
    Problem,
    problems,
    refusal,
)
from shortly.errors import InvalidInput, StoreUnavailable, Unauthenticated

DESCRIPTION = """\
Make, find, change and delete short links, and read their statistics.

Every request needs an API key (`shortly key create NAME`), as `Authorization: Bearer KEY` or `X-Api-Key: KEY`, or the
cookie of somebody who is signed in; whatever changes something then needs the header `X-CSRF: 1`, too.
Every refusal is an RFC 9457 problem with a stable `code`; `/docs/errors` lists them.
"""
TAGS = [
    {"name": "signing in", "description": "The first person, sessions and passwords."},
    {"name": "links", "description": "Links, one by one, and their list."},
    {"name": "bulk", "description": "Up to 5,000 links at once, each with a result of its own."},
    {"name": "abuse", "description": "Reports of links that do harm, and bans."},
    {"name": "statistics", "description": "Counts over time and by dimension, and single visits."},
    {"name": "keys", "description": "API keys: what programs come in with."},
    {"name": "people", "description": "Who can sign in; for those who look after the whole installation."},
    {"name": "workspaces", "description": "Workspaces, their members, and invitations into them."},
    {"name": "domains", "description": "Hosts that links live on, and which workspace each is for."},
    {"name": "audit", "description": "Who did what to what, from where."},
    {"name": "branding", "description": "Name, logo, colour and links that pages show."},
    {"name": "operations", "description": "Is it up, and what is it doing?"},
]

bearer = HTTPBearer(scheme_name="Bearer", description="An API key.", auto_error=False)
api_key_header = APIKeyHeader(name="X-Api-Key", scheme_name="X-Api-Key", description="An API key.", auto_error=False)
session_cookie = APIKeyCookie(
    name=PLAIN_NAME,
    scheme_name="Session",
    description=f"Of somebody who is signed in; by HTTPS its name is `{SECURE_NAME}`.",
    auto_error=False,
)
ANYWHERE = problems(Unauthenticated, MalformedRequest, InvalidInput, StoreUnavailable, InternalError)
"""What every route of the API may answer."""
FOR_STRANGERS = problems(MalformedRequest, InvalidInput, StoreUnavailable, InternalError)
"""The same without a key."""
WITH_BODY = problems(BodyTooLarge, NotJson)


async def idempotency_key(
    _: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=255,
            pattern=r"^[\x21-\x7e]+$",
            description="Any text of the client's own: the request is carried out once, however often it is sent "
            "within 24 hours; later answers have the header `Idempotency-Replayed: true`. Where a process died before "
            "it answered, the request can be repeated after a minute, and makes no link twice.",
        ),
    ] = None,
) -> None:
    """Document the header that ``Idempotency`` looks at."""


class Api(FastAPI):
    """FastAPI with our problems in the document instead of its own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, openapi_url=None)  # its own route would make the document while everybody waits
        self._written = b""
        self._writing = asyncio.Lock()

    async def document(self) -> bytes:
        """Return the OpenAPI document as JSON; it takes a second to make, once, while redirects go on."""
        async with self._writing:
            if not self._written:
                self._written = await asyncio.to_thread(lambda: msgspec.json.encode(self.openapi()))
        return self._written

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, made at the first call."""
        if self.openapi_schema is None:
            document = super().openapi()
            schemas = document["components"]["schemas"]
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            refer_to_entries(schemas)
            for operation in (operation for path in document["paths"].values() for operation in path.values()):
                complete(operation)
            self.openapi_schema = document
        return self.openapi_schema


def refer_to_entries(schemas: dict[str, Any]) -> None:
    """Let lists whose entries are checked one by one refer to the entries' schemas instead of repeating them."""
    for schema in schemas.values():
        for given in schema.get("properties", {}).values():
            if (name := given.get("items", {}).get("title")) in schemas:
                given["items"] = {"$ref": f"#/components/schemas/{name}"}


def complete(operation: dict[str, Any]) -> None:
    """Add to an operation the refusals of the layers around it, and of every route."""
    responses = operation["responses"]
    added = dict(ANYWHERE) if "security" in operation else {}
    if "security" not in operation and operation.get("tags") != ["operations"]:
        added = dict(FOR_STRANGERS)
    if "requestBody" in operation:
        added |= WITH_BODY
    for status, response in added.items():
        own = responses.get(str(status), {}).get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
        responses[str(status)] = refusal({**own, **response["content"][MEDIA_TYPE]["examples"]})
    operation["responses"] = dict(sorted(responses.items()))
