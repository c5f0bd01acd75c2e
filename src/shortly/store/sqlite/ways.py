"""Ways along which links come in an order, and the SELECTs that follow them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from shortly.accounts.people import FIRST_WORKSPACE
from shortly.links.link import LinkQuery
from shortly.store.cursor import Key
from shortly.store.sqlite.rows import LINK_COLUMNS

Row = Sequence[Any]
Place = tuple[Key, int]
"""The sort key and the id of a link."""


class Way(NamedTuple):
    """A source of links ``l`` that can be had in the order of a key, and of ids where keys are equal."""

    source: str
    key: str
    id: str
    condition: str = "TRUE"
    walks: bool = True
    """Whether an index has the order; else all links of the source are sorted."""
    keys: tuple[str, str] | None = None
    """A source of keys and ids alone, and its condition, for a walk that skips; None: the way's own have an index."""
    near: bool = False
    """Whether links that are neighbours in the order lie beside one another in the file."""


SORTED = {
    "created_at": Way("links AS l INDEXED BY links_by_created", "l.created_at", "l.id", near=True),
    "updated_at": Way("links AS l INDEXED BY links_by_updated", "l.updated_at", "l.id"),
    "slug": Way("links AS l INDEXED BY links_by_slug", "l.slug", "l.id"),
    "title": Way("links AS l INDEXED BY links_by_title", "l.title", "l.id"),
}
CLICKED = Way(
    "clicks.totals AS t CROSS JOIN links AS l ON l.id = t.link_id",
    "t.clicks",
    "t.link_id",
    "t.clicks > 0",
    keys=("clicks.totals AS t", "t.clicks > 0"),
)
UNCLICKED = Way(
    "links AS l NOT INDEXED LEFT JOIN clicks.totals AS t ON t.link_id = l.id",
    "0",
    "l.id",
    "COALESCE(t.clicks, 0) = 0",
    keys=("links AS l NOT INDEXED", "TRUE"),
    near=True,
)
IN_WORKSPACE = f"l.workspace = :workspace AND l.workspace <> {FIRST_WORKSPACE:d}"
"""As the indexes of workspaces want it said."""
BEHIND_WORKSPACE = {
    "created_at": Way("links AS l INDEXED BY links_by_workspace", "l.created_at", "l.id", IN_WORKSPACE),
    "updated_at": Way("links AS l INDEXED BY links_by_workspace_and_update", "l.updated_at", "l.id", IN_WORKSPACE),
    "slug": Way("links AS l INDEXED BY links_by_workspace_and_slug", "l.slug", "l.id", IN_WORKSPACE),
    "title": Way("links AS l INDEXED BY links_by_workspace_and_title", "l.title", "l.id", IN_WORKSPACE),
}
BEHIND_TAG = Way(
    "tags AS t CROSS JOIN links AS l ON l.id = t.link_id",
    "t.created_at",
    "t.link_id",
    "t.tag = :tag",
    keys=("tags AS t", "t.tag = :tag"),
)


def through_few(query: LinkQuery) -> Way:
    """Return the way through the candidates in ``:few``, sorted afterwards."""
    source, chosen = "links AS l NOT INDEXED", "l.id IN (SELECT value FROM json_each(:few))"
    if query.sort == "clicks":
        source += " LEFT JOIN clicks.totals AS t ON t.link_id = l.id"
        return Way(source, "COALESCE(t.clicks, 0)", "l.id", chosen, walks=False)
    return Way(source, SORTED[query.sort].key, "l.id", chosen, walks=False)


def statements(way: Way, tests: Sequence[str], *, descending: bool, behind: bool, columns: str = "") -> Iterator[str]:
    """Yield the SELECTs whose rows, one after the other, are this way's.

    Behind a place there are two, links with the same key and links with another one: SQLite compares a key and an
    id in one step along an index only where the id is not the table's own, and would pass by all equal keys.
    """
    direction, beyond = ("DESC", "<") if descending else ("ASC", ">")
    by_key = order(way, descending=descending)
    by_id, next_ids = f"{way.id} {direction}", f"{way.id} {beyond} :after_id"
    if way.key == "0":
        yield select(way, [*tests, next_ids] if behind else tests, by_id, columns)
    elif not behind:
        yield select(way, tests, by_key, columns)
    elif way.walks:
        yield select(way, [*tests, f"{way.key} = :after_key", next_ids], by_id, columns)
        yield select(way, [*tests, f"{way.key} {beyond} :after_key"], by_key, columns)
    else:
        yield select(way, [*tests, f"({way.key}, {way.id}) {beyond} (:after_key, :after_id)"], by_key, columns)


def order(way: Way, *, descending: bool) -> str:
    direction = "DESC" if descending else "ASC"
    return f"{way.key} {direction}, {way.id} {direction}"


def select(way: Way, tests: Sequence[str], by: str, columns: str = "") -> str:
    return f"""
        SELECT {columns or f"{way.key}, {LINK_COLUMNS}"}
        FROM {way.source}
        WHERE {" AND ".join(f"({test})" for test in (way.condition, *tests))}
        ORDER BY {by}
        LIMIT :rows
    """  # noqa: S608
