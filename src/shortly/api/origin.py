"""Where a request comes from, behind trusted proxies."""

from __future__ import annotations

from starlette.types import Scope

from shortly.accounts.sessions import From
from shortly.redirect.visitor import Addresses, is_address, network_of


def peer_of(scope: Scope) -> str:
    """Return the address at the other end of the connection, whatever headers say; nothing on a Unix socket."""
    return str(scope["client"][0]) if scope.get("client") else ""


def address_of(scope: Scope, addresses: Addresses) -> str:
    """Return the client's address, or nothing where there is none, as on a Unix socket."""
    peer = peer_of(scope)
    if not addresses.trusts(peer):
        return peer
    forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
    return addresses.behind_proxies(peer, forwarded)


def facts_of(scope: Scope, addresses: Addresses) -> From:
    """Return what may be kept of where a request comes from."""
    address = address_of(scope, addresses)
    agents = [value for name, value in scope["headers"] if name == b"user-agent"]
    return From(
        origin=network_of(address).decode() if is_address(address) else "",
        user_agent=agents[0].decode("latin-1") if agents else "",
    )
