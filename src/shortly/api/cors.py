"""Scripts of other origins: none may read an answer unless CORS_ORIGINS names their origin, exactly.

Cookies are never theirs to use (no ``Access-Control-Allow-Credentials``): such scripts bring an API key.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shortly.api.safe_headers import Headers

METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
REQUEST_HEADERS = (
    b"Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Api-Key, X-Request-Id, X-Workspace"
)
ANSWER_HEADERS = (
    b"ETag, Location, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, X-Request-Id, "
    b"Idempotency-Replayed"
)
MAX_AGE_S = b"600"
VARY = (b"vary", b"Origin")


class Readers:
    """Whose scripts may read answers.

    Args:
        origins: Such as ``https://app.example``, in the form that browsers send.
    """

    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = frozenset(origin.encode() for origin in origins)

    def __bool__(self) -> bool:
        return bool(self._origins)

    def origin_of(self, scope: Scope) -> bytes | None:
        """Return the origin of the script that asks, if it is one of them."""
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        return origins[0] if len(origins) == 1 and origins[0] in self._origins else None

    def marks(self, scope: Scope) -> Headers:
        """Return what an answer says of who may read it."""
        if not self._origins:
            return ()
        origin = self.origin_of(scope)
        if origin is None:
            return (VARY,)
        return (VARY, (b"access-control-allow-origin", origin), (b"access-control-expose-headers", ANSWER_HEADERS))


class Cors:
    """ASGI middleware that answers preflights, before anybody asks for a key, and marks answers as readable.

    Args:
        app: What comes behind.
        origins: See ``Readers``.
    """

    def __init__(self, app: ASGIApp, origins: Iterable[str]) -> None:
        self.app = app
        self._readers = Readers(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not self._readers:
            await self.app(scope, receive, send)
            return
        origin = self._readers.origin_of(scope)
        if origin and scope["method"] == "OPTIONS" and is_preflight(scope):
            headers = [
                VARY,
                (b"access-control-allow-origin", origin),
                (b"access-control-allow-methods", METHODS),
                (b"access-control-allow-headers", REQUEST_HEADERS),
                (b"access-control-max-age", MAX_AGE_S),
            ]
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        marks = self._readers.marks(scope)

        async def marking_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *marks]
            await send(message)

        await self.app(scope, receive, marking_send)


def is_preflight(scope: Scope) -> bool:
    """Say whether a browser asks whether it may ask."""
    return any(name == b"access-control-request-method" for name, _ in scope["headers"])
