"""Scripts of other origins: none may read an answer unless CORS_ORIGINS names their origin, exactly.

Cookies are never theirs to use (no ``Access-Control-Allow-Credentials``): such scripts bring an API key.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

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


class Cors:
    """ASGI middleware that answers preflights, before anybody asks for a key, and marks answers as readable.

    Args:
        app: What comes behind.
        origins: Such as ``https://app.example``, in the form that browsers send.
    """

    def __init__(self, app: ASGIApp, origins: Iterable[str]) -> None:
        self.app = app
        self._origins = frozenset(origin.encode() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not self._origins:
            await self.app(scope, receive, send)
            return
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        origin = origins[0] if len(origins) == 1 and origins[0] in self._origins else None
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

        async def marking_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                allowed = [(b"access-control-allow-origin", origin), (b"access-control-expose-headers", ANSWER_HEADERS)]
                message["headers"] = [*message.get("headers", ()), VARY, *(allowed if origin else ())]
            await send(message)

        await self.app(scope, receive, marking_send)


def is_preflight(scope: Scope) -> bool:
    """Say whether a browser asks whether it may ask."""
    return any(name == b"access-control-request-method" for name, _ in scope["headers"])
