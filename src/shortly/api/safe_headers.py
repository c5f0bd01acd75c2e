"""What every answer of the API and the pages says to browsers, unless it says otherwise itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shortly.redirect.pages import ISOLATION
from shortly.settings import Settings

Headers = Sequence[tuple[bytes, bytes]]

ALWAYS: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    *ISOLATION,
)


def safe_headers(settings: Settings) -> Headers:
    """Return the headers; ``Strict-Transport-Security`` only where BASE_URL is https."""
    transport = settings.strict_transport
    return (*ALWAYS, (b"strict-transport-security", transport.encode())) if transport else ALWAYS


class SafeHeaders:
    """ASGI middleware around all others but ``Limits``, whose refusals have these headers already.

    Args:
        app: What comes behind.
        headers: What an answer gets where it has no such header.
    """

    def __init__(self, app: ASGIApp, headers: Headers) -> None:
        self.app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def completing_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = completed(message.get("headers", ()), self._headers)
            await send(message)

        await self.app(scope, receive, completing_send)


def completed(given: Iterable[tuple[bytes, bytes]], safe: Headers) -> list[tuple[bytes, bytes]]:
    """Return an answer's headers with the safe ones that it lacks."""
    headers = list(given)
    names = {name.lower() for name, _ in headers}
    return [*headers, *(header for header in safe if header[0] not in names)]
