"""Which hosts the API and the pages answer to. Short links answer to any: unknown hosts have those of BASE_URL.

Nothing is ever made out of the ``Host`` header (addresses come from BASE_URL), so this is a second wall: against web
pages whose name is turned round to this server's address (DNS rebinding), which come with a name of their own.
A literal address cannot be turned round, and is what probes and scrapers use.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from shortly.api.problems import UnknownHost
from shortly.api.services import Services
from shortly.redirect.visitor import is_address

LOCAL = frozenset({"localhost"})
ASKED_BY_ANY_NAME = frozenset({"health", "metrics"})
"""First segments that probes and scrapers ask for by any name they know; health tells nothing, metrics need a key."""


class KnownHosts:
    """ASGI middleware that refuses requests for a host that is not ours.

    Args:
        app: What comes behind.
        hosts: Our host names, with or without a port, beside those of domains; ports are not compared.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        self.app = app
        self._names = LOCAL.union(name_of(host) for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or raise ``UnknownHost``."""
        if scope["type"] == "http" and scope["path"].lstrip("/").partition("/")[0] not in ASKED_BY_ANY_NAME:
            hosts = [value for name, value in scope["headers"] if name == b"host"]
            if len(hosts) != 1 or not self._knows(name_of(hosts[0].decode("latin-1")), scope):
                raise UnknownHost
        await self.app(scope, receive, send)

    def _knows(self, name: str, scope: Scope) -> bool:
        if name in self._names or is_address(name):
            return True
        services: Services = scope["state"]["services"]
        return name in services.links.domains.without_ports


def name_of(host: str) -> str:
    """Return the name or address in a ``Host`` header: without port and brackets, in lower case."""
    if host.startswith("["):
        name, bracket, port = host[1:].partition("]")
        return name if bracket and is_address(name) and (not port or is_port(port.removeprefix(":"))) else ""
    name, colon, port = host.lower().partition(":")
    return name.removesuffix(".") if not colon or is_port(port) else ""


def is_port(text: str) -> bool:
    """Say whether the text is a port number."""
    return text.isascii() and text.isdecimal() and len(text) <= 5
