"""Who asks: the visitor's address behind trusted proxies, and the little of it that may be kept."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

DAY_MS = 86_400_000
MAX_REMEMBERED = 4096
NOBODY = b"\0" * 8


class Addresses:
    """Finds the visitor's address: the right-most one of ``X-Forwarded-For`` that is not a trusted proxy's."""

    def __init__(self, trusted: Sequence[IPv4Network | IPv6Network]) -> None:
        self._trusted = tuple(trusted)
        self._judged: dict[str, bool] = {}

    @property
    def trusts_any(self) -> bool:
        """Whether there are trusted proxies at all."""
        return bool(self._trusted)

    def trusts(self, address: str) -> bool:
        """Say whether an address is a trusted proxy's."""
        judged = self._judged.get(address)
        if judged is None:
            if len(self._judged) >= MAX_REMEMBERED:
                self._judged.clear()
            judged = self._judged[address] = self._judge(address)
        return judged

    def _judge(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._trusted)

    def behind_proxies(self, peer: str, forwarded: bytes | None) -> str:
        """Return the visitor's address, given the trusted peer's and its ``X-Forwarded-For``."""
        if forwarded:
            for part in reversed(forwarded.decode("latin-1").split(",")):
                address = without_port(part.strip())
                if not self.trusts(address):
                    return address if is_address(address) else ""
        return peer


def without_port(address: str) -> str:
    """Return an address of ``X-Forwarded-For`` without the port that some proxies add."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


def is_address(text: str) -> bool:
    """Say whether the text is an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def network_of(address: str) -> bytes:
    """Return the network that an address is in, as kept for country look-ups: /24 of IPv4, /48 of IPv6."""
    if ":" not in address:
        return f"{address.rpartition('.')[0]}.0".encode() if address else b""
    try:
        parsed = IPv6Address(address.partition("%")[0])
    except ValueError:
        return b""
    if parsed.ipv4_mapped:
        return network_of(str(parsed.ipv4_mapped))
    return str(IPv6Address(int(parsed) >> 80 << 80)).encode()


class Visitors:
    """Turns address and user agent into eight bytes that are the same all (UTC) day and mean nothing the day after.

    Args:
        salts: UTC day since the epoch -> key; filled ahead of time by whoever runs the redirect. A day that is missing
            gets a key of this process's own: visitors are then counted once for each process.
    """

    def __init__(self, salts: Mapping[int, bytes]) -> None:
        self._salts = salts
        self._spare = secrets.token_bytes(16)
        self._day = -1
        self._salt = b""

    def salt_of(self, at_ms: int) -> bytes:
        """Return the key for the day of ``at_ms``."""
        day = at_ms // DAY_MS
        if day != self._day:
            self._salt = self._salts.get(day, self._spare)
            self._day = day if day in self._salts else -1
        return self._salt

    def hash_of(self, at_ms: int, address: str, user_agent: bytes) -> bytes:
        """Return the visitor's hash for the day of ``at_ms``; a click keeps the first eight bytes of it."""
        # BLAKE2 needs no HMAC around it: a secret before the message is a key (RFC 7693 has the same as a parameter,
        # which costs Python twice the time)
        return blake2b(self.salt_of(at_ms) + address.encode() + b" " + user_agent).digest()
