"""Every key name in one place, and the partitions that spread links over a Cluster.

The hash tag comes right after the type letter, so that all keys of a partition share a slot, and that
``CLIENT TRACKING ... BCAST PREFIX r:`` names everything that memory may hold.
"""

from __future__ import annotations

from binascii import crc_hqx
from zlib import crc32

PARTITIONS = 256
"""Fixed for ever: a link's id says its home partition."""
TRACKED = ("r:",)
"""Prefixes of the keys whose changes every process is told: what memory may hold."""
SCHEMA = "schema:{meta}"
"""Hash: schema version, the installation's id, and the treatment of upper and lower case that it was started with."""

TAGS = tuple(f"{{{number:02x}}}" for number in range(PARTITIONS))
_SLOTS: dict[str, int] = {}
MARKS = tuple(f"mark:{tag}" for tag in (*TAGS, "{all}", "{log}", "{idx}", "{acct}"))
"""``mark:{5f}``, one for each hash tag: the id of the installation whose data are there. Gone when they are."""


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


def partition_in(entry: str) -> int:
    """Return the partition of a ``redirection`` key."""
    return int(entry[3:5], 16)


def slug_in(entry: str) -> tuple[str, str]:
    """Return domain and slug of a ``redirection`` key; without a domain and with ``#`` for a ``home_redirection``."""
    domain, slash, slug = entry[7:].partition("/")
    return (domain, slug) if slash else ("", domain)


def mark(entry: str) -> str:
    """Return the mark of the partition of a ``redirection`` or ``home_redirection`` key."""
    return f"mark:{entry[2:6]}"


def home_redirection(link_id: int) -> str:
    """``r:{5f}:#<id>``: the redirection of a link in its home partition, for aliases and renamed links."""
    return f"r:{TAGS[link_id % PARTITIONS]}:#{link_id}"


def link(link_id: int) -> str:
    """``l:{5f}:<id>``: the whole link, its version in front."""
    return f"l:{TAGS[link_id % PARTITIONS]}:{link_id}"


def taken(partition: int) -> str:
    """``t:{5f}``: hash of link id -> clicks taken of its ``max_clicks``."""
    return f"t:{TAGS[partition]}"


def outbox(partition: int) -> str:
    """``o:{5f}``: stream of what the index has to be told, see ``outbox``."""
    return f"o:{TAGS[partition]}"


def deleted(partition: int) -> str:
    """``d:{5f}``: sorted set of deleted link ids by unix milliseconds."""
    return f"d:{TAGS[partition]}"


# --- the index: all of it in one slot --------------------------------------------------------------------------------

IDS = "x:{idx}:ids"
"""How many numbers for links have been given away."""
POSITIONS = "x:{idx}:positions"
"""Hash of partition -> the last entry of its outbox that the index knows."""
DOCS = "x:{idx}:docs"
"""Hash of link id (8 bytes) -> row and document."""
ROWS = "x:{idx}:rows"
"""How many rows the index has given away."""
BY_CREATED = "x:{idx}:created_at"
BY_UPDATED = "x:{idx}:updated_at"
BY_CLICKS = "x:{idx}:clicks"
BY_SLUG = "x:{idx}:slug"
BY_TITLE = "x:{idx}:title"
ARCHIVED = "x:{idx}:archived"
DISABLED = "x:{idx}:disabled"
BANNED = "x:{idx}:banned"
TRASHED = "x:{idx}:trashed"
"""Sorted set of deleted links that can be restored, by deletion."""
LIMITED = "x:{idx}:limited"
STARTS = "x:{idx}:starts"
EXPIRIES = "x:{idx}:expiries"
PLAIN = "x:{idx}:plain"
"""Sorted set of the links that ``find_link`` may give, by a hash of what it is asked for, creation and id."""


def target_claim(name: str) -> str:
    """``x:{idx}:target:<hash>``: who holds the claim of a target, see ``find_or_add``, and since when."""
    return f"x:{{idx}}:target:{name}"


def tagged(name: str) -> str:
    """``x:{idx}:tag:<tag>``: the links with a tag, by creation; so are the next four."""
    return f"x:{{idx}}:tag:{name}"


def in_folder(name: str) -> str:
    """``x:{idx}:folder:<folder>``."""
    return f"x:{{idx}}:folder:{name}"


def on_domain(name: str) -> str:
    """``x:{idx}:domain:<domain>``; without the default domain."""
    return f"x:{{idx}}:domain:{name}"


def owned_by(name: str) -> str:
    """``x:{idx}:owner:<owner>``."""
    return f"x:{{idx}}:owner:{name}"


def in_workspace(number: int) -> str:
    """``x:{idx}:workspace:<number>``; without the first workspace."""
    return f"x:{{idx}}:workspace:{number}"


def labels(kind: str, workspace: int) -> str:
    """``x:{idx}:labels:<kind>:<workspace>``: sorted set, all scores 0: tags or folders that links have, or had."""
    return f"x:{{idx}}:labels:{kind}:{workspace}"


def rows(chunk: int) -> str:
    """``x:{idx}:rows:<chunk>``: the ids, 8 bytes each, of 65,536 rows."""
    return f"x:{{idx}}:rows:{chunk}"


def postings(chunk: int, gram: str) -> str:
    """``x:{idx}:g:<chunk>:<gram>``: which rows of a chunk have two or three characters: numbers, or a bitmap."""
    return f"x:{{idx}}:g:{chunk}:{gram}"


# --- accounts --------------------------------------------------------------------------------------------------------

RECORDS = "n:{acct}:records"
"""Hash of a record's place (its kind, a NUL, its id in 8 bytes) -> the record."""
RECORD_NAMES = "n:{acct}:names"
"""Hash of kind, NUL and name -> the id of who has it, in 8 bytes."""
RECORD_GROUPS = "n:{acct}:groups"
"""Sorted set, all scores 0: kind, NUL, length of the group's name in 4 hexadecimal digits, its name, id in 8 bytes."""
RECORD_EXPIRIES = "n:{acct}:expiries"
"""Sorted set of places by the unix milliseconds at which they expire."""


def idempotency(name: str) -> str:
    """``i:{acct}:<name>``: hash of a claim and its answer, by ``idempotency_name``."""
    return f"i:{{acct}}:{name}"


IDEMPOTENCIES = "i:{acct}:*"
"""Pattern of all of them."""
