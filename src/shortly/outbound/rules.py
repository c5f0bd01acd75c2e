"""Where requests may go: judged by address, after the name was resolved, and by port."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from pydantic_core import Url, ValidationError

from shortly.errors import OutboundRefused

IPAddress = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

PORTS = (80, 443, 8080, 8443)
MAX_URL = 8_192
DEFAULT_PORTS = {"http": 80, "https": 443}
HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?")

SPECIAL_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by carriers; some clouds keep their metadata here
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local: the metadata of clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "168.63.129.16/32",  # Azure's inner address: public by its number only
    )
)
GLOBAL_V6 = IPv6Network("2000::/3")
"""All that is assigned to the public; loopback, mapped, translated, private and link-local ones lie outside."""
SPECIAL_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, benchmarking, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address within
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
NAT64 = IPv6Network("64:ff9b::/96")
PRIVATE = tuple(
    ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7", "::1/128")
)
"""What an operator's own servers usually have. Link-local addresses are not among them: metadata services are there."""
METADATA = tuple(ip_network(address) for address in ("fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"))
"""Metadata services of clouds among the private addresses."""


class OutboundRules:
    """Which servers may be asked.

    Args:
        ports: Ports that may be asked; None: all.
        allow: Networks (CIDR) and host names that may be asked although they are not public.
        private: Private and loopback addresses may be asked, too: for what the operator alone configures.
    """

    def __init__(
        self, *, ports: Iterable[int] | None = PORTS, allow: Iterable[str] = (), private: bool = False
    ) -> None:
        self._ports = None if ports is None else frozenset(ports)
        entries = [parse_allowed(entry) for entry in allow]
        self._networks = tuple(entry for entry in entries if not isinstance(entry, str))
        self._private = private
        self._hosts = frozenset(entry for entry in entries if isinstance(entry, str))

    def check_url(self, url: str) -> str:
        """Return the one normal form of an address, or raise ``OutboundRefused``; its name is not resolved here."""
        if len(url) > MAX_URL or not url.isprintable() or " " in url or "\\" in url:
            raise OutboundRefused
        try:
            parsed = Url(url)
        except ValidationError:
            raise OutboundRefused from None
        if parsed.scheme not in DEFAULT_PORTS or not parsed.host:
            raise OutboundRefused
        if parsed.username is not None or parsed.password is not None:
            raise OutboundRefused
        self.check_port(DEFAULT_PORTS[parsed.scheme] if parsed.port is None else parsed.port)
        return str(parsed).partition("#")[0]

    def check_port(self, port: int) -> None:
        """Raise ``OutboundRefused`` unless this port may be asked."""
        if self._ports is not None and port not in self._ports:
            raise OutboundRefused

    def check_addresses(self, host: str, addresses: Iterable[str]) -> list[str]:
        """Return the addresses that a name resolved to, if every one of them may be asked.

        Raises:
            OutboundRefused: There is none, or one of them may not be asked, even if others may.
        """
        checked = [str(self._check_address(host, address)) for address in addresses]
        if not checked:
            raise OutboundRefused
        return checked

    def _check_address(self, host: str, text: str) -> IPAddress:
        try:
            address = ip_address(text)
        except ValueError:
            raise OutboundRefused from None
        address = unwrapped(address)
        if is_public(address) or is_within(address, self._networks):
            return address
        if host.lower().rstrip(".") in self._hosts or (self._private and is_private(address)):
            return address
        raise OutboundRefused


def parse_allowed(entry: str) -> Network | str:
    """Return an entry of OUTBOUND_ALLOW as a network or a lower-case host name, or raise ``ValueError``."""
    try:
        return ip_network(entry, strict=False)
    except ValueError:
        host = entry.lower().rstrip(".")
    if not HOST.fullmatch(host) or host.rpartition(".")[2].isdecimal():
        raise ValueError(f"{entry[:80]!r} is neither a network such as 10.1.0.0/16 nor a host name")
    return host


def unwrapped(address: IPAddress) -> IPAddress:
    """Return the IPv4 address of a mapped one, which is what a connection to it reaches."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def is_public(address: IPAddress) -> bool:
    """Say whether an address belongs to a server on the public Internet."""
    if isinstance(address, IPv4Address):
        return address.is_global and not is_within(address, SPECIAL_V4)
    if address in NAT64:  # the translator asks the IPv4 address in the last 32 bits
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    if address.scope_id is not None or address not in GLOBAL_V6 or not address.is_global:
        return False
    return not is_within(address, SPECIAL_V6)


def is_private(address: IPAddress) -> bool:
    """Say whether an address is one that servers inside usually have, and no cloud's metadata service."""
    return is_within(address, PRIVATE) and not is_within(address, METADATA)


def is_within(address: IPAddress, networks: Iterable[Network]) -> bool:
    """Say whether one of the networks holds the address."""
    return any(address in network for network in networks)
