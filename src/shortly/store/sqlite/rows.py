"""Links as rows of the table ``links`` and back."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from shortly.links.link import Ban, Link, Redirection, Rule, Variant
from shortly.store.moments import from_ms, from_ms_or_none, to_ms, to_ms_or_none

LINK_COLUMNS = """
    l.id, l.domain, l.slug, l.target, l.title, l.notes, l.tags, l.folder, l.owner, l.created_at, l.updated_at,
    l.version, l.valid_from, l.expires_at, l.max_clicks, l.fallback_target, l.status, l.forward_query, l.crawlable,
    l.enabled, l.archived, l.cache_s, l.referrer_policy, l.password_hash, l.rules, l.variants, l.aliases,
    l.workspace, l.ban, l.deleted_at
"""
"""What ``link_of`` reads, in its order."""

REDIRECTION_COLUMNS = """
    l.id, l.domain, l.slug, l.target, l.status, l.valid_from, l.expires_at, l.max_clicks,
    CASE WHEN l.deleted_at IS NULL THEN l.fallback_target END, l.forward_query, l.crawlable,
    l.enabled AND l.deleted_at IS NULL, l.cache_s, l.referrer_policy, l.password_hash, l.rules, l.variants,
    l.workspace, l.ban
"""
"""What ``redirection_of`` reads, in its order."""

Row = Sequence[Any]

_texts = msgspec.json.Decoder(tuple[str, ...])
_rules = msgspec.json.Decoder(tuple[Rule, ...])
_variants = msgspec.json.Decoder(tuple[Variant, ...])
_ban = msgspec.json.Decoder(Ban)
_json = msgspec.json.Encoder()


def target_hash(target: str) -> int:
    """Return a signed 64-bit number by which links to a target are found; different targets may share one."""
    return int.from_bytes(blake2b(target.encode(), digest_size=8).digest(), "little", signed=True)


def fields_of(link: Link) -> dict[str, Any]:
    """Return the named values of a link's row; all columns but ``id`` are among them."""
    return {
        "domain": link.domain,
        "slug": link.slug,
        "target": link.target,
        "target_hash": target_hash(link.target),
        "title": link.title,
        "notes": link.notes,
        "tags": to_json(link.tags),
        "folder": link.folder,
        "owner": link.owner,
        "workspace": link.workspace,
        "created_at": to_ms(link.created_at),
        "updated_at": to_ms(link.updated_at),
        "version": link.version,
        "valid_from": to_ms_or_none(link.valid_from),
        "expires_at": to_ms_or_none(link.expires_at),
        "max_clicks": link.max_clicks,
        "fallback_target": link.fallback_target,
        "status": link.status,
        "forward_query": link.forward_query,
        "crawlable": link.crawlable,
        "enabled": link.enabled,
        "archived": link.archived + 2 * (link.deleted_at is not None),
        "cache_s": link.cache_s,
        "referrer_policy": link.referrer_policy,
        "password_hash": link.password_hash,
        "rules": to_json(link.rules),
        "variants": to_json(link.variants),
        "aliases": to_json(link.aliases),
        "ban": None if link.ban is None else _json.encode(link.ban).decode(),
        "deleted_at": to_ms_or_none(link.deleted_at),
    }


def to_json(values: tuple[object, ...]) -> str | None:
    """Return a JSON array, or None for no values."""
    return _json.encode(values).decode() if values else None


def link_of(row: Row) -> Link:
    """Read a link from ``LINK_COLUMNS``."""
    return Link(
        id=row[0],
        domain=row[1],
        slug=row[2],
        target=row[3],
        title=row[4],
        notes=row[5],
        tags=_texts.decode(row[6]) if row[6] else (),
        folder=row[7],
        owner=row[8],
        created_at=from_ms(row[9]),
        updated_at=from_ms(row[10]),
        version=row[11],
        valid_from=from_ms_or_none(row[12]),
        expires_at=from_ms_or_none(row[13]),
        max_clicks=row[14],
        fallback_target=row[15],
        status=row[16],
        forward_query=bool(row[17]),
        crawlable=bool(row[18]),
        enabled=bool(row[19]),
        archived=bool(row[20] & 1),
        cache_s=row[21],
        referrer_policy=row[22],
        password_hash=row[23],
        rules=_rules.decode(row[24]) if row[24] else (),
        variants=_variants.decode(row[25]) if row[25] else (),
        aliases=_texts.decode(row[26]) if row[26] else (),
        workspace=row[27],
        ban=_ban.decode(row[28]) if row[28] else None,
        deleted_at=from_ms_or_none(row[29]),
    )


def redirection_of(row: Row) -> Redirection:
    """Read a redirection from ``REDIRECTION_COLUMNS``."""
    return Redirection(
        link_id=row[0],
        domain=row[1],
        slug=row[2],
        target=row[3],
        status=row[4],
        valid_from_ms=row[5],
        expires_ms=row[6],
        max_clicks=row[7],
        fallback_target=row[8],
        forward_query=row[9] == 1,
        crawlable=row[10] == 1,
        enabled=row[11] == 1,
        cache_s=row[12],
        referrer_policy=row[13],
        password_hash=row[14],
        rules=_rules.decode(row[15]) if row[15] else (),
        variants=_variants.decode(row[16]) if row[16] else (),
        workspace=row[17],
        ban=_ban.decode(row[18]).status if row[18] else None,
    )
