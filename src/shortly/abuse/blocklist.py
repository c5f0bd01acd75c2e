"""Hosts that no link may lead to: lists in the usual forms, and one compiled file that all processes look into.

The compiled file holds sorted 64-bit hashes of hosts and is mapped, so a million hosts take 8 MB of memory for all
processes together, and a look-up is a few binary searches. That a host which is on no list is taken for one happens by
chance once in about 10**13 look-ups.
"""

from __future__ import annotations

import mmap
import os
import re
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from ipaddress import ip_address
from pathlib import Path

MAGIC = b"shortly blocklist 1 " + sys.byteorder.encode().ljust(12)
HEADER_BYTES = len(MAGIC) + 32
"""The magic and a digest of what it was compiled from; hashes follow to the end of the file."""
MAX_LINE = 1_024
MAX_HOSTS = 10_000_000

ADBLOCK = re.compile(r"\|\|([^\s/^$*|]+)\^(?:\$(?:all|doc|document|important|popup|third-party|,)*)?")
HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?")
NOT_HOSTS = frozenset({"localhost", "localhost.localdomain", "local", "broadcasthost", "0.0.0.0"})  # noqa: S104


class Blocklist:
    """Says which hosts are blocked; sees within a call that the file was compiled anew.

    Args:
        compiled: The file that ``compile_lists`` writes; while there is none, nothing is blocked.
        allow: Hosts that are never blocked, nor what lies below them.
    """

    def __init__(self, compiled: Path, allow: Iterable[str] = ()) -> None:
        self._compiled = compiled
        self._allow = frozenset(host for entry in allow if (host := host_of(entry)))
        self._seen: tuple[int, int, int] | None = None
        self._hashes: memoryview | None = None

    def blocks(self, host: str) -> bool:
        """Say whether a host or a domain above it is on a list, and none of them is allowed.

        Args:
            host: Lower case and punycode, or an IP address.
        """
        self._look_again()
        if not self._hashes:
            return False
        names = list(with_parents(host.strip("[]").rstrip(".")))
        return self._allow.isdisjoint(names) and any(self._holds(hash_of(name)) for name in names)

    def __len__(self) -> int:
        self._look_again()
        return len(self._hashes or ())

    def _holds(self, wanted: int) -> bool:
        hashes = self._hashes
        assert hashes is not None  # noqa: S101
        place = bisect_left(hashes, wanted)
        return place < len(hashes) and hashes[place] == wanted

    def _look_again(self) -> None:
        try:
            found = os.stat(self._compiled)
            seen = (found.st_ino, found.st_mtime_ns, found.st_size)
            if seen == self._seen:
                return
            with self._compiled.open("rb") as file:
                if file.read(len(MAGIC)) != MAGIC:
                    raise OSError
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._hashes = memoryview(mapped)[HEADER_BYTES:].cast("Q")
            self._seen = seen
        except (OSError, ValueError, TypeError):  # gone or not ours: what was read last still counts
            return


def with_parents(host: str) -> Iterator[str]:
    """Yield a host and the domains above it; of an IP address only itself."""
    yield host
    if ":" in host or is_ip_address(host):
        return
    while "." in host:
        host = host.partition(".")[2]
        yield host


def compile_lists(sources: Iterable[Path], compiled: Path, digest: bytes) -> int:
    """Write the hosts of all lists into the compiled file, in one step, and return how many there are.

    Args:
        sources: Text files; one that cannot be read is left out.
        compiled: The file; processes that have it open go on with the old one until they look again.
        digest: 32 bytes that say what it was compiled from; see ``compiled_from``.
    """
    hashes = array("Q")
    for source in sources:
        try:
            with source.open(encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    hashes.extend(map(hash_of, hosts_of(line)))
                    if len(hashes) >= MAX_HOSTS:
                        break
        except OSError:
            continue
    unique = array("Q", sorted(set(hashes)))
    compiled.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = compiled.with_name(f"{compiled.name}.{os.getpid()}.new")
    try:
        with fresh.open("wb") as file:
            file.write(MAGIC + digest)
            unique.tofile(file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(compiled)
    finally:
        fresh.unlink(missing_ok=True)
    return len(unique)


def compiled_from(compiled: Path) -> bytes | None:
    """Return the digest that a compiled file was written with; None when there is no such file."""
    try:
        with compiled.open("rb") as file:
            header = file.read(HEADER_BYTES)
    except OSError:
        return None
    return header[len(MAGIC) :] if header.startswith(MAGIC) and len(header) == HEADER_BYTES else None


def digest_of(sources: Iterable[Path]) -> bytes:
    """Return what changes when a source is edited, comes or goes."""
    digest = blake2b(digest_size=32)
    for source in sources:
        try:
            found = source.stat()
            state = f"{found.st_ino} {found.st_mtime_ns} {found.st_size}"
        except OSError:
            state = "-"
        digest.update(f"{source}\0{state}\0".encode("utf-8", "surrogateescape"))
    return digest.digest()


def hosts_of(line: str) -> list[str]:
    """Return the hosts that a line of a list names.

    Understood are a plain host, hosts behind an address as in a hosts file, and ``||host^`` of ad blockers. Comments,
    exceptions, rules for paths or for some pages only and everything else name none.
    """
    line = line.strip()
    if not line or line[0] in "#!@[" or len(line) > MAX_LINE:
        return []
    if line.startswith("||"):
        rule = ADBLOCK.fullmatch(line)
        host = host_of(rule[1]) if rule else None
        return [host] if host else []
    words = line.partition("#")[0].split()
    if len(words) > 1:
        names = words[1:] if is_ip_address(words[0]) else []
        return [host for name in names if (host := host_of(name)) and host not in NOT_HOSTS and "." in host]
    host = host_of(words[0].removeprefix("*.")) if words else None
    return [host] if host and host not in NOT_HOSTS and ("." in host or ":" in host) else []


def host_of(text: str) -> str | None:
    """Return a host in lower case and punycode; None when it is none."""
    host = text.strip().rstrip(".").lower()
    if HOST.fullmatch(host):
        return host
    if ":" in host:
        return str(ip_address(host.strip("[]"))) if is_ip_address(host.strip("[]")) else None
    if host.isascii() or len(host) > 253:
        return None
    import idna  # its tables take long to load, and few lists need them

    try:
        return idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        return None


def is_ip_address(text: str) -> bool:
    """Say whether the text is an IP address."""
    if not text[:1] or text[-1] not in "0123456789abcdefABCDEF:":
        return False
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def hash_of(host: str) -> int:
    """Return the 64 bits that stand for a host."""
    return int.from_bytes(blake2b(host.encode(), digest_size=8).digest(), "big")
