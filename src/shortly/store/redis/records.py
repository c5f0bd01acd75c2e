"""How links are written down in Redis: whole ones, what a redirect needs of them, and what the index knows of them.

Each is a MessagePack array behind a decimal number and a colon, which scripts can read without unpacking anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec
from msgspec import Struct

from shortly.accounts.people import FIRST_WORKSPACE
from shortly.links.link import Ban, Link, Redirection, Rule, Variant
from shortly.store.moments import from_ms, from_ms_or_none, to_ms, to_ms_or_none

Key = Callable[[str], str]
"""Turns a slug into what keys have it by."""


class LinkRecord(Struct, frozen=True, array_like=True):
    """A link; times are unix milliseconds. New fields go to the end, with defaults."""

    id: int
    domain: str
    slug: str
    target: str
    title: str
    notes: str
    tags: tuple[str, ...]
    folder: str
    owner: str
    created_at: int
    updated_at: int
    version: int
    valid_from: int | None
    expires_at: int | None
    max_clicks: int | None
    fallback_target: str | None
    status: int
    forward_query: bool
    crawlable: bool
    enabled: bool
    archived: bool
    cache_s: int | None
    referrer_policy: str
    password_hash: str | None
    rules: tuple[Rule, ...]
    variants: tuple[Variant, ...]
    aliases: tuple[str, ...]
    workspace: int = FIRST_WORKSPACE
    ban: Ban | None = None
    deleted_at: int | None = None


class RedirectionRecord(Struct, frozen=True, array_like=True):
    """What a redirect needs of a link. New fields go to the end, with defaults."""

    slug: str
    target: str
    status: int
    valid_from: int | None
    expires_at: int | None
    max_clicks: int | None
    fallback_target: str | None
    forward_query: bool
    crawlable: bool
    enabled: bool
    cache_s: int | None
    referrer_policy: str
    password_hash: str | None
    rules: tuple[Rule, ...]
    variants: tuple[Variant, ...]
    names: tuple[str, ...] = ()
    """The keys of all slugs that lead to the link; only beside its home redirection, for which pointers ask."""
    workspace: int = FIRST_WORKSPACE
    ban: int | None = None


class Pointer(NamedTuple):
    """The entry of a slug that leads to a link whose redirection is elsewhere. The link's own word counts: unless it
    names the slug, the entry means nothing."""

    link_id: int
    pending: bool
    """Put there for a link that is about to take the slug."""


_encode = msgspec.msgpack.Encoder().encode
_decode_link = msgspec.msgpack.Decoder(LinkRecord).decode
_decode_redirection = msgspec.msgpack.Decoder(RedirectionRecord).decode


def names_of(link: Link, key: Key) -> tuple[str, ...]:
    """Return the keys of a link's slug, which comes first, and of its aliases."""
    return tuple(dict.fromkeys((key(link.slug), *map(key, link.aliases))))


def link_value(link: Link) -> bytes:
    """Return the text at the key ``l:``, with the version in front."""
    record = LinkRecord(
        link.id,
        link.domain,
        link.slug,
        link.target,
        link.title,
        link.notes,
        link.tags,
        link.folder,
        link.owner,
        to_ms(link.created_at),
        to_ms(link.updated_at),
        link.version,
        to_ms_or_none(link.valid_from),
        to_ms_or_none(link.expires_at),
        link.max_clicks,
        link.fallback_target,
        link.status,
        link.forward_query,
        link.crawlable,
        link.enabled,
        link.archived,
        link.cache_s,
        link.referrer_policy,
        link.password_hash,
        link.rules,
        link.variants,
        link.aliases,
        link.workspace,
        link.ban,
        to_ms_or_none(link.deleted_at),
    )
    return b"%d:%b" % (link.version, _encode(record))


def link_of(value: bytes) -> Link:
    """Read ``link_value`` back."""
    record = _decode_link(memoryview(value)[value.index(b":") + 1 :])
    return Link(
        id=record.id,
        domain=record.domain,
        slug=record.slug,
        target=record.target,
        title=record.title,
        notes=record.notes,
        tags=record.tags,
        folder=record.folder,
        owner=record.owner,
        created_at=from_ms(record.created_at),
        updated_at=from_ms(record.updated_at),
        version=record.version,
        valid_from=from_ms_or_none(record.valid_from),
        expires_at=from_ms_or_none(record.expires_at),
        max_clicks=record.max_clicks,
        fallback_target=record.fallback_target,
        status=record.status,  # type: ignore[arg-type]  # what was stored had been checked
        forward_query=record.forward_query,
        crawlable=record.crawlable,
        enabled=record.enabled,
        archived=record.archived,
        cache_s=record.cache_s,
        referrer_policy=record.referrer_policy,  # type: ignore[arg-type]
        password_hash=record.password_hash,
        rules=record.rules,
        variants=record.variants,
        aliases=record.aliases,
        workspace=record.workspace,
        ban=record.ban,
        deleted_at=from_ms_or_none(record.deleted_at),
    )


def redirection_value(link: Link, names: tuple[str, ...] = ()) -> bytes:
    """Return the text at a key ``r:`` that holds a redirection, with the link's id in front; of a deleted link it says
    that it is switched off."""
    is_deleted = link.deleted_at is not None
    record = RedirectionRecord(
        link.slug,
        link.target,
        link.status,
        to_ms_or_none(link.valid_from),
        to_ms_or_none(link.expires_at),
        link.max_clicks,
        None if is_deleted else link.fallback_target,
        link.forward_query,
        link.crawlable,
        link.enabled and not is_deleted,
        link.cache_s,
        link.referrer_policy,
        link.password_hash,
        link.rules,
        link.variants,
        names,
        link.workspace,
        None if link.ban is None else link.ban.status,
    )
    return b"%d:%b" % (link.id, _encode(record))


def redirection_of(value: bytes, domain: str) -> tuple[Redirection, tuple[str, ...]]:
    """Read ``redirection_value`` back: the redirection, and the names."""
    colon = value.index(b":")
    record = _decode_redirection(memoryview(value)[colon + 1 :])
    redirection = Redirection(
        link_id=int(value[:colon]),
        workspace=record.workspace,
        domain=domain,
        slug=record.slug,
        target=record.target,
        status=record.status,
        valid_from_ms=record.valid_from,
        expires_ms=record.expires_at,
        max_clicks=record.max_clicks,
        fallback_target=record.fallback_target,
        forward_query=record.forward_query,
        crawlable=record.crawlable,
        enabled=record.enabled,
        cache_s=record.cache_s,
        referrer_policy=record.referrer_policy,
        password_hash=record.password_hash,
        rules=record.rules,
        variants=record.variants,
        ban=record.ban,
    )
    return redirection, record.names


def says_the_same(stored: bytes, wanted: bytes) -> bool:
    """Return whether a text at a key ``r:`` is what it should be, or what the version before wrote for the same."""
    if stored == wanted:
        return True
    if pointer_of(stored) or pointer_of(wanted) or holder_of(stored) != holder_of(wanted):
        return False
    try:
        return _record_in(stored) == _record_in(wanted)
    except msgspec.DecodeError:
        return False


def _record_in(value: bytes) -> RedirectionRecord:
    return _decode_redirection(memoryview(value)[value.index(b":") + 1 :])


def pointer_value(link_id: int) -> bytes:
    """Return the text at a key ``r:`` that points to a link; a pending one, ``?id:ms``, is written by a script."""
    return b"@%d" % link_id


def pointer_of(value: bytes) -> Pointer | None:
    """Read a pointer, or return None for a redirection."""
    if value[:1] == b"@":
        return Pointer(int(value[1:]), pending=False)
    if value[:1] == b"?":
        return Pointer(int(value[1 : value.index(b":")]), pending=True)
    return None


def holder_of(value: bytes) -> int:
    """Return the id of the link that an entry at a key ``r:`` belongs or points to."""
    pointer = pointer_of(value)
    return pointer.link_id if pointer else int(value[: value.index(b":")])


class Doc(Struct, frozen=True, array_like=True):
    """What the index knows of a link, to filter by and to find its entries again; times are unix milliseconds."""

    version: int
    created_at: int
    updated_at: int
    domain: str
    slug: str
    target: str
    title: str
    notes: str
    tags: tuple[str, ...]
    folder: str
    owner: str
    enabled: bool
    archived: bool
    valid_from: int | None
    expires_at: int | None
    max_clicks: int | None
    plain: bool
    """See ``LinkStore.find_link``."""
    workspace: int = FIRST_WORKSPACE
    banned: bool = False
    deleted_at: int | None = None

    def texts(self) -> Iterator[str]:
        """Yield what a search looks through, casefolded; nothing of a deleted link."""
        if self.deleted_at is not None:
            return
        yield self.slug.casefold()
        yield self.target.casefold()
        yield self.title.casefold()
        yield self.notes.casefold()
        for tag in self.tags:
            yield tag.casefold()


_decode_doc = msgspec.msgpack.Decoder(Doc).decode
ROW_BYTES = 4
"""In front of each document: the number of its row, big-endian."""


def doc_of(link: Link) -> Doc:
    """Return what the index shall know of a link."""
    return Doc(
        link.version,
        to_ms(link.created_at),
        to_ms(link.updated_at),
        link.domain,
        link.slug,
        link.target,
        link.title,
        link.notes,
        link.tags,
        link.folder,
        link.owner,
        link.enabled,
        link.archived,
        to_ms_or_none(link.valid_from),
        to_ms_or_none(link.expires_at),
        link.max_clicks,
        link.enabled
        and not link.archived
        and link.ban is None
        and link.deleted_at is None
        and link.valid_from is None
        and link.expires_at is None
        and link.max_clicks is None
        and link.password_hash is None,
        link.workspace,
        link.ban is not None,
        to_ms_or_none(link.deleted_at),
    )


def doc_value(doc: Doc) -> bytes:
    """Return the text of a document, without its row."""
    return _encode(doc)


def stored_doc(value: bytes) -> tuple[int, Doc]:
    """Read a document with its row back."""
    return int.from_bytes(value[:ROW_BYTES], "big"), _decode_doc(memoryview(value)[ROW_BYTES:])


def member_of(link_id: int) -> bytes:
    """Return a link's name in sorted sets: 8 bytes, so that equal scores are told apart by id."""
    return link_id.to_bytes(8, "big")


def id_of(member: bytes) -> int:
    """Return the id of a set's member; text sorts have the text and a NUL in front of it."""
    return int.from_bytes(member[-8:], "big")
