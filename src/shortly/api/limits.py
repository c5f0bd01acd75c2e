"""In front of the API: who asks too often is refused before anything else is done.

A refusal has to cost next to nothing, or it would itself be the way to slow redirects down: no log line, no body read,
no framework, an answer that is ready but for the number of seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shortly.abuse.rates import Door, Standing, network_of
from shortly.api.cors import Readers
from shortly.api.origin import address_of
from shortly.api.problems import MEDIA_TYPE, encode_problem
from shortly.api.safe_headers import Headers
from shortly.api.services import Services
from shortly.errors import RateLimited
from shortly.redirect.redirect import QR_ENDING

AUTH = "/api/v1/auth/"
DOORS: Mapping[str, Door] = {
    f"{AUTH}sign-in": "sign_in",
    f"{AUTH}totp": "sign_in",
    f"{AUTH}totp/confirm": "sign_in",
    f"{AUTH}totp/disable": "sign_in",
    f"{AUTH}totp/recovery-codes": "sign_in",
    f"{AUTH}passkeys/start": "sign_in",
    f"{AUTH}password": "sign_in",
    f"{AUTH}password/forgot": "recovery",
    f"{AUTH}password/reset": "recovery",
    f"{AUTH}setup": "recovery",
    "/api/v1/invitations/accept": "recovery",
    "/api/v1/links": "create",
    "/api/v1/bulk/links": "create",
    "/api/v1/imports": "create",
    "/api/v1/reports": "report",
}
"""Address of a POST -> what is limited there, for each client network.

Limits for an account or a key are taken where it is known: ``RateLimits.take``.
"""
SHARED = "/shared/"
PAGES: Mapping[str, Door] = {"/report": "page"}
"""Address of a page for strangers -> what is limited there when it is asked for; previews see to it themselves."""
API = "/api/"
PREFIXES: tuple[tuple[str, Door], ...] = ((f"{AUTH}oidc/", "sign_in"), (f"{AUTH}passkeys/sign-in", "sign_in"))
"""Further ones, whatever the method and however the address goes on."""

BODY = encode_problem(RateLimited())
REFUSAL_HEADERS = (
    (b"content-type", MEDIA_TYPE.encode()),
    (b"content-length", str(len(BODY)).encode()),
)
REFUSED: Message = {"type": "http.response.body", "body": BODY}


class Limits:
    """ASGI middleware in front of all others, so that a refusal passes none of them.

    Args:
        app: What comes behind.
        headers: What every answer says to browsers; others get it from ``SafeHeaders``.
        origins: Those whose scripts may read answers; others are marked by ``Cors``.
    """

    def __init__(self, app: ASGIApp, headers: Headers, origins: Iterable[str]) -> None:
        self.app = app
        self._headers = (*REFUSAL_HEADERS, *headers)
        self._readers = Readers(origins)
        self._last: tuple[Standing, int, Message] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or let it through and say in its answer how many more there may be."""
        door = door_of(scope) if scope["type"] == "http" else None
        if door is None:
            await self.app(scope, receive, send)
            return
        services: Services = scope["state"]["services"]
        standing = await services.limits.count(door, network_of(address_of(scope, services.addresses)))
        if standing is None:
            await self.app(scope, receive, send)
            return
        if standing.refused:
            start = self._refusal(standing)
            marks = self._readers.marks(scope)
            await send({**start, "headers": [*start["headers"], *marks]} if marks else start)
            await send(REFUSED)
            return

        async def telling_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = message.get("headers", ())
                if not any(name.lower() == b"ratelimit-limit" for name, _ in given):
                    message["headers"] = [*given, *headers_of(standing)]
            await send(message)

        await self.app(scope, receive, telling_send)

    def _refusal(self, standing: Standing) -> Message:
        """Return the beginning of the answer; who hammers at a door gets the same one for a second."""
        reset_s = standing.reset_s()
        last = self._last
        if last is not None and last[0] is standing and last[1] == reset_s:
            return last[2]
        headers = [*self._headers, *refusal_headers(standing)]
        start: Message = {"type": "http.response.start", "status": 429, "headers": headers}
        self._last = standing, reset_s, start
        return start


def door_of(scope: Scope) -> Door | None:
    """Return what is limited at the request's address."""
    path: str = scope["path"]
    if scope["method"] == "POST":
        door = DOORS.get(path)
        if door is not None:
            return door
    elif path in PAGES:
        return PAGES[path]
    elif path.startswith(SHARED):
        return "page"
    elif path.endswith(QR_ENDING) and not path.startswith(API):
        return "qr"
    if path.startswith(AUTH) and scope["method"] != "OPTIONS":  # which only ask whether they may ask
        return next((door for prefix, door in PREFIXES if path.startswith(prefix)), None)
    return None


def refusal_headers(standing: Standing) -> list[tuple[bytes, bytes]]:
    """Return what a refusal says of how one stands, and when to come again."""
    return [*headers_of(standing), (b"retry-after", b"%d" % standing.reset_s())]


def headers_of(standing: Standing) -> list[tuple[bytes, bytes]]:
    """Return the fields that clients know: those of draft-ietf-httpapi-ratelimit-headers up to its version 06."""
    return [
        (b"ratelimit-limit", b"%d" % standing.limit),
        (b"ratelimit-remaining", b"%d" % standing.remaining),
        (b"ratelimit-reset", b"%d" % standing.reset_s()),
    ]
