"""Links that somebody should look at, each kind by an index that has them in their order."""

from __future__ import annotations

from typing import Any

from shortly.links.attention import MOST_LOOKED_AT, ConcernPage, ConcernQuery, Trouble, concerns_among, span_of
from shortly.store.moments import to_ms
from shortly.store.sqlite.link_file import LinkFile
from shortly.store.sqlite.rows import LINK_COLUMNS, link_of

BY_EXPIRY = "links AS l INDEXED BY links_by_workspace_and_expiry"
SPAN = "l.expires_at > :since AND l.expires_at <= :until"
WAYS: dict[Trouble, tuple[str, str, str]] = {
    "banned": ("links AS l INDEXED BY banned_links", "l.ban IS NOT NULL", "l.created_at DESC, l.id DESC"),
    "used_up": ("links AS l INDEXED BY limited_links", "l.max_clicks IS NOT NULL", "l.created_at DESC, l.id DESC"),
    "expired": (BY_EXPIRY, SPAN, "l.expires_at DESC, l.id DESC"),
    "expires_soon": (BY_EXPIRY, SPAN, "l.expires_at, l.id"),
}
"""Source, condition and order of those that come into question."""


def list_concerns(file: LinkFile, query: ConcernQuery) -> ConcernPage:
    """Return a page, see ``LinkStore.list_concerns``."""
    since, until = span_of(query)
    values = {"workspace": query.workspace, "since": to_ms(since), "until": to_ms(until), "most": MOST_LOOKED_AT + 1}
    with file.listing() as connection:
        rows: list[Any] = connection.execute(statement(query.trouble), values).fetchall()
    candidates = [(link_of(row[1:]), row[0]) for row in rows[:MOST_LOOKED_AT]]
    return ConcernPage(concerns_among(candidates, query), len(rows) <= MOST_LOOKED_AT)


def statement(trouble: Trouble) -> str:
    """Return the SELECT of those that come into question."""
    source, condition, order = WAYS[trouble]
    return f"""
        SELECT COALESCE((SELECT taken FROM taken_clicks WHERE link_id = l.id), 0), {LINK_COLUMNS}
        FROM {source}
        WHERE l.workspace = :workspace AND l.archived = 0 AND {condition}
        ORDER BY {order}
        LIMIT :most
    """  # noqa: S608
