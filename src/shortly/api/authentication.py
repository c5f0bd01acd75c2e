"""Who may come in: everything below ``/api``, and ``/metrics``, needs an API key, before anything else is looked at."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from shortly.api.services import Services
from shortly.errors import Unauthenticated

PROTECTED = frozenset({"api", "metrics"})
"""First segments of the addresses that need a key, whether anything is there or not."""


class Authentication:
    """ASGI middleware: refuses requests without a valid key, and leaves the key of others in ``state["caller"]``."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or raise ``Unauthenticated``."""
        if scope["type"] == "http" and scope["path"].lstrip("/").partition("/")[0] in PROTECTED:
            services: Services = scope["state"]["services"]
            scope["state"]["caller"] = await services.keys.authenticate(secret_of(scope["headers"]))
        await self.app(scope, receive, send)


def secret_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the one key that the headers hold; raise ``Unauthenticated`` when there is none, or two that differ."""
    secrets = set()
    for name, value in headers:
        if name == b"x-api-key":
            secrets.add(value.strip())
        elif name == b"authorization":
            scheme, _, token = value.strip().partition(b" ")
            if scheme.lower() != b"bearer":
                raise Unauthenticated
            secrets.add(token.strip())
    if len(secrets) != 1:
        raise Unauthenticated
    return secrets.pop().decode("latin-1")
