"""No request body is larger than MAX_BODY_MB, whether it says its length beforehand or comes in chunks.

Strangers have little to say: a body is read into memory before it is looked at, and nobody knows how many they are.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shortly.api.authentication import ANONYMOUS
from shortly.api.problems import BodyTooLarge

MAX_OF_STRANGERS = 65_536
"""Bytes; sign-ins, reports and passkeys need a few thousand."""


class BodyLimit:
    """ASGI middleware that refuses larger bodies, at the latest while they are read.

    Args:
        app: What comes behind.
        max_bytes: The largest body of a caller; see ``MAX_OF_STRANGERS`` for others.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through with a ``receive`` that counts."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most = min(self._max_bytes, MAX_OF_STRANGERS) if is_strange(scope) else self._max_bytes
        if any(name == b"content-length" and is_beyond(value, most) for name, value in scope["headers"]):
            raise BodyTooLarge
        seen = 0

        async def counting_receive() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise HTTPException(413)  # the one kind that FastAPI lets through while it reads a body
            return message

        await self.app(scope, counting_receive, send)


def is_strange(scope: Scope) -> bool:
    """Say whether a request to the API comes from a stranger; pages that take anything have a bound of their own."""
    caller = scope["state"].get("caller")
    return caller is not None and caller.actor == ANONYMOUS


def is_beyond(length: bytes, most: int) -> bool:
    """Say whether a ``Content-Length`` is larger than what is taken."""
    return length.isdigit() and (len(length) > 18 or int(length) > most)
