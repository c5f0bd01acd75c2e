"""Query strings of the API are text: what is not UTF-8, or has a NUL in it, is refused before anybody looks for it.

The framework would put U+FFFD in the place of such bytes, and a search for that finds nothing, or something else.
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

from shortly.errors import InvalidInput

PREFIX = "/api/"
MAX_NAMED = 64
"""Characters of a parameter's name that are repeated."""


class QueryText:
    """ASGI middleware.

    Args:
        app: What comes behind.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or raise ``InvalidInput``."""
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            check_query(scope["query_string"])
        await self.app(scope, receive, send)


def check_query(query: bytes) -> None:
    """Raise ``InvalidInput`` that names the first parameter whose name or value is no text."""
    if b"%" not in query and query.isascii():
        return
    for parameter in query.split(b"&"):
        name, _, value = (unquote_to_bytes(part) for part in parameter.partition(b"="))
        if not (is_text(name) and is_text(value)):
            field = name.decode("utf-8", "replace")[:MAX_NAMED]
            raise InvalidInput(f"The field {field!r}: should be text in UTF-8, without NUL.", field=field)


def is_text(given: bytes) -> bool:
    """Say whether the bytes are text that can be kept and compared everywhere."""
    try:
        return "\0" not in given.decode()
    except UnicodeDecodeError:
        return False
