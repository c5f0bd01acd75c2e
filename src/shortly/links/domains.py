"""Domains: the hosts that links live on, and which workspace each of them is for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import ClassVar

from shortly.accounts.fields import ascii_domain
from shortly.accounts.people import of_workspace
from shortly.accounts.registry import Noun
from shortly.errors import InvalidInput, UnknownDomain

EVERYBODY = 0
"""Stands for the workspace of a domain that all of them may use."""
MAX_HOST = 253
MAX_PORT = 65_535


class Domain(Noun, frozen=True, kw_only=True):
    """A host with slugs of its own, and the workspace that it is for; see ``Domains`` for those without a record."""

    KIND: ClassVar[str] = "domain"

    host: str
    """In lower case and punycode, with the port where it is not the scheme's own."""
    workspace_id: int = EVERYBODY
    created_at: datetime

    def names(self) -> tuple[str, ...]:
        """Return the host."""
        return (self.host,)

    def groups(self) -> tuple[str, ...]:
        """Return the domains of the workspace."""
        return (of_workspace(self.workspace_id),) if self.workspace_id else ()


async def no_records() -> list[Domain]:
    """Return no domain, where none can be added."""
    return []


class Domains:
    """The domains as one process knows them: the host of ``BASE_URL``, those of the settings, and those of records.

    What records say is known as of the last ``refresh``, so that nothing has to be asked for on a redirect's way.

    Args:
        base_host: The host of ``BASE_URL``; links on it have the domain "", and it is everybody's.
        configured: Further hosts that are always served; everybody's unless a record says whose.
        read: Reads all records.
    """

    def __init__(
        self,
        base_host: str,
        configured: Iterable[str] = (),
        read: Callable[[], Awaitable[list[Domain]]] = no_records,
    ) -> None:
        self.base_host = base_host
        self.configured = tuple(configured)
        self._read = read
        self._workspaces: dict[str, int] = {}
        self._by_header: dict[bytes, str] = {}
        self.without_ports: frozenset[str] = frozenset()
        self._follow(())

    @property
    def by_header(self) -> Mapping[bytes, str]:
        """The further hosts by what stands in the header ``Host``; always the same mapping, kept up to date."""
        return self._by_header

    def __contains__(self, host: object) -> bool:
        """Say whether a host serves short links."""
        return host == self.base_host or host in self._workspaces

    def workspace_of(self, domain: str) -> int:
        """Return which workspace a domain is for, or ``EVERYBODY``."""
        return self._workspaces.get(domain, EVERYBODY)

    def domain_of(self, host: str | None) -> str:
        """Return the domain that a host (None or "": the default) stands for, or raise ``UnknownDomain``."""
        if not host:
            return ""
        host = host.lower()
        if host == self.base_host:
            return ""
        if host not in self._workspaces:
            raise UnknownDomain(host[:128])
        return host

    def open_to(self, host: str | None, workspace_id: int) -> str:
        """Return the domain that a host stands for; ``UnknownDomain`` also when it is another workspace's."""
        domain = self.domain_of(host)
        if self.workspace_of(domain) not in (EVERYBODY, workspace_id):
            raise UnknownDomain(domain[:128])
        return domain

    async def refresh(self) -> None:
        """Read the records again; one list read.

        Raises:
            StoreUnavailable: What was known stays.
        """
        self._follow(await self._read())

    def _follow(self, records: Iterable[Domain]) -> None:
        workspaces = dict.fromkeys(self.configured, EVERYBODY)
        workspaces.update((domain.host, domain.workspace_id) for domain in records)
        workspaces.pop(self.base_host, None)
        self._workspaces = workspaces
        self.without_ports = frozenset(host.partition(":")[0] for host in workspaces)
        for host in workspaces:
            self._by_header[host.encode()] = host
        for header in [header for header, host in self._by_header.items() if host not in workspaces]:
            del self._by_header[header]


def check_host(host: str) -> str:
    """Return a host as it is stored, or raise ``InvalidInput`` when it is no name, with a port if need be."""
    name, colon, port = host.strip().partition(":")
    ascii_name = ascii_domain(name)
    port_is_fine = not colon or (port.isascii() and port.isdecimal() and len(port) <= 5 and 0 < int(port) <= MAX_PORT)
    if (
        ascii_name is None
        or len(ascii_name) > MAX_HOST
        or ascii_name.rpartition(".")[2].isdecimal()
        or not port_is_fine
    ):
        raise InvalidInput("The host must be a name such as go.example.com, with a port if need be.", field="host")
    return f"{ascii_name}:{int(port)}" if colon else ascii_name
