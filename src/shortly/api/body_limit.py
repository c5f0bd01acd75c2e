"""No request body is larger than MAX_BODY_MB, whether it says its length beforehand or comes in chunks."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shortly.api.problems import BodyTooLarge


class BodyLimit:
    """ASGI middleware that refuses larger bodies, at the latest while they are read.

    Args:
        app: What comes behind.
        max_bytes: The largest body.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through with a ``receive`` that counts."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if any(name == b"content-length" and self._is_beyond(value) for name, value in scope["headers"]):
            raise BodyTooLarge
        seen = 0

        async def counting_receive() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._max_bytes:
                raise HTTPException(413)  # the one kind that FastAPI lets through while it reads a body
            return message

        await self.app(scope, counting_receive, send)

    def _is_beyond(self, length: bytes) -> bool:
        return length.isdigit() and (len(length) > 18 or int(length) > self._max_bytes)
