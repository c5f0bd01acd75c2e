"""The least that any ASGI application does for a redirect: one constant answer, with the headers that ours has."""

from __future__ import annotations

from shortly.links.link import Redirection
from shortly.redirect.answer import headers_of
from shortly.redirect.redirect import EMPTY, Receive, Scope, Send

TARGET = "https://example.com/some/path"
HEADERS = headers_of(TARGET, Redirection(link_id=1, domain="", slug="bench", target=TARGET))
START = {"type": "http.response.start", "status": 302, "headers": HEADERS}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer everything with the same 302."""
    if scope["type"] == "lifespan":
        await live(receive, send)
        return
    await send(START)
    await send(EMPTY)


async def live(receive: Receive, send: Send) -> None:
    """Say yes to the server's start and end."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
