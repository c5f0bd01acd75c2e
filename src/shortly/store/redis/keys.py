"""Every key name in one place, and the partitions that spread links over a Cluster.

The hash tag comes right after the type letter, so that all keys of a partition share a slot, and that
``CLIENT TRACKING ... BCAST PREFIX r: PREFIX l:`` names everything that memory may hold.
"""

from __future__ import annotations

from binascii import crc_hqx
from zlib import crc32

PARTITIONS = 256
"""Fixed for ever: a link's id says its home partition."""
TRACKED = ("r:", "l:")
"""Prefixes of the keys whose changes every process is told."""
SCHEMA = "schema:{meta}"
"""Hash: schema version, and the treatment of upper and lower case that the installation was started with."""

TAGS = tuple(f"{{{number:02x}}}" for number in range(PARTITIONS))
_SLOTS: dict[str, int] = {}


def partition_of(domain: str, slug_key: str) -> int:
    """Return the partition of a slug, 0 to 255; ``slug_key`` is casefolded where case makes no difference.

    Raises:
        UnicodeEncodeError: Lone surrogates; no link can have such a slug.
    """
    return crc32(f"{domain}/{slug_key}".encode()) & 0xFF


def home_of(link_id: int) -> int:
    """Return the home partition of a link, which a rename leaves as it is."""
    return link_id % PARTITIONS


def tag(partition: int) -> str:
    """Return the hash tag of a partition, such as ``{5f}``."""
    return TAGS[partition]


def slot_of(key: str) -> int:
    """Return the Cluster slot of a key, 0 to 16383."""
    start = key.find("{")
    end = key.find("}", start + 1) if start >= 0 else -1
    hashed = key[start + 1 : end] if end > start + 1 else key
    slot = _SLOTS.get(hashed)
    if slot is None:
        slot = crc_hqx(hashed.encode(), 0) & 0x3FFF
        if len(hashed) <= 8:  # tags, a few hundred; not whole keys
            _SLOTS[hashed] = slot
    return slot


# --- links ---------------------------------------------------------------------------------------------------


def redirection(domain: str, slug_key: str) -> str:
    """``r:{5f}:<domain>/<slug>``: what a redirect reads, the redirection or a pointer to the link that has it."""
    return f"r:{TAGS[partition_of(domain, slug_key)]}:{domain}/{slug_key}"


def home_redirection(link_id: int) -> str:
    """``r:{5f}:#<id>``: the redirection of a link in its home partition, for aliases and renamed links."""
    return f"r:{TAGS[link_id % PARTITIONS]}:#{link_id}"


def link(link_id: int) -> str:
    """``l:{5f}:<id>``: hash of ``version`` and ``link``."""
    return f"l:{TAGS[link_id % PARTITIONS]}:{link_id}"


def counter(partition: int) -> str:
    """``n:{5f}``: how many ids the partition has given away."""
    return f"n:{TAGS[partition]}"


def taken(partition: int) -> str:
    """``t:{5f}``: hash of link id -> clicks taken of its ``max_clicks``."""
    return f"t:{TAGS[partition]}"


def outbox(partition: int) -> str:
    """``o:{5f}``: list of what the index has still to be told."""
    return f"o:{TAGS[partition]}"


def deleted(partition: int) -> str:
    """``d:{5f}``: sorted set of deleted link ids by unix milliseconds."""
    return f"d:{TAGS[partition]}"
