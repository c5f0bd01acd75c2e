"""Pages of links: which way through the indexes answers a query soonest.

Three ways. A filter that few links meet names its candidates, which are fetched and sorted. A sort by creation behind
a filter whose index has that order, too, follows this index. Everything else walks the sort's index and skips what
the filters do not want. Which filter has few candidates is counted, never guessed, and counted no further than needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import apsw
import msgspec

from shortly.links.link import LinkPage, LinkQuery
from shortly.store.cursor import Key, Position, cursor_after, position_of
from shortly.store.moments import to_ms
from shortly.store.sqlite.link_file import LinkFile
from shortly.store.sqlite.rows import LINK_COLUMNS, link_of
from shortly.store.sqlite.search import term_of, trigram_match

FEW = 5_000
"""Candidates that are fetched and sorted rather than met on a walk along the sort's index."""
FEW_BEHIND_INDEX = 1_000
"""The same where one of the filters has an index in the order that is asked for."""

USED_UP = "l.max_clicks <= COALESCE((SELECT taken FROM taken_clicks WHERE link_id = l.id), 0)"
STATES = {
    "scheduled": "l.valid_from > :now",
    "expired": "l.expires_at <= :now",
    "exhausted": USED_UP,
    "disabled": "l.enabled = 0",
    "archived": "TRUE",
    "active": f"""l.enabled = 1 AND (l.valid_from IS NULL OR l.valid_from <= :now)
        AND (l.expires_at IS NULL OR l.expires_at > :now) AND (l.max_clicks IS NULL OR NOT {USED_UP})""",
}
"""Archived links have no other state."""
CANDIDATES = {
    "scheduled": "SELECT id FROM links INDEXED BY links_by_start WHERE valid_from > :now",
    "expired": "SELECT id FROM links INDEXED BY links_by_expiry WHERE expires_at <= :now",
    "exhausted": "SELECT id FROM links INDEXED BY limited_links WHERE max_clicks IS NOT NULL",
    "disabled": "SELECT id FROM links INDEXED BY disabled_links WHERE enabled = 0",
    "archived": "SELECT id FROM links INDEXED BY links_by_created WHERE archived = 1",
}
"""The states that have an index; most links are active."""


class Way(NamedTuple):
    """One SELECT's share in a page."""

    source: str
    key: str
    id: str
    condition: str = "TRUE"


SORTED = {
    "created_at": Way("links AS l INDEXED BY links_by_created", "l.created_at", "l.id"),
    "updated_at": Way("links AS l INDEXED BY links_by_updated", "l.updated_at", "l.id"),
    "slug": Way("links AS l INDEXED BY links_by_slug", "l.slug", "l.id"),
    "title": Way("links AS l INDEXED BY links_by_title", "l.title", "l.id"),
}
CLICKED = Way("clicks.totals AS t CROSS JOIN links AS l ON l.id = t.link_id", "t.clicks", "t.link_id", "t.clicks > 0")
UNCLICKED = Way(
    "links AS l NOT INDEXED LEFT JOIN clicks.totals AS t ON t.link_id = l.id", "0", "l.id", "COALESCE(t.clicks, 0) = 0"
)
BEHIND_TAG = Way("tags AS t CROSS JOIN links AS l ON l.id = t.link_id", "t.created_at", "t.link_id", "t.tag = :tag")


class Filter(NamedTuple):
    """One narrowing of the list: a test of the link ``l``."""

    test: str
    candidates: str | None = None
    """A SELECT of the ids of all links that pass and maybe some more, where an index has them."""
    in_order: Way | None = None
    """A way by creation through the filter's own index."""


def list_links(file: LinkFile, query: LinkQuery) -> LinkPage:
    """Return a page, see ``LinkStore.list_links``."""
    after = position_of(query)
    try:
        values = _values(query)
        with file.listing() as connection:
            rows = _rows(connection, query, _filters(query), values, after)
    except UnicodeEncodeError:  # lone surrogates in a filter: nothing that is stored has any
        return LinkPage([], None)
    links = [link_of(row[1:]) for row in rows[: query.limit]]
    more = len(rows) > query.limit
    return LinkPage(links, cursor_after(query, rows[query.limit - 1][0], links[-1]) if more else None)


def _values(query: LinkQuery) -> dict[str, Any]:
    """Return what the filters' SQL names with a colon."""
    term = term_of(query.search)
    return {
        "archived": query.state == "archived",
        "now": to_ms(query.now),
        "tags": msgspec.json.encode(query.tags).decode(),
        "tag": query.tags[0] if query.tags else None,
        "tag_count": len(set(query.tags)),
        "folder": query.folder,
        "domain": query.domain,
        "owner": query.owner,
        "since": None if query.created_since is None else to_ms(query.created_since),
        "until": None if query.created_until is None else to_ms(query.created_until),
        "term": term,
        "match": trigram_match(term),
        "rows": query.limit + 1,
    }


def _filters(query: LinkQuery) -> list[Filter]:
    """Return the filters that the query has, the ones with an order of their own first."""
    filters = [Filter("l.archived = :archived")]
    if query.tags:
        tagged = """(SELECT count(*) FROM tags AS o WHERE o.tag IN (SELECT value FROM json_each(:tags))
            AND o.created_at = l.created_at AND o.link_id = l.id) = :tag_count"""
        filters.append(Filter(tagged, "SELECT link_id FROM tags WHERE tag = :tag", BEHIND_TAG))
    for column, value in (("folder", query.folder), ("owner", query.owner), ("domain", query.domain)):
        if value is not None:
            filters.append(_equals(column, value))
    for test, moment in (
        ("created_at >= :since", query.created_since),
        ("created_at < :until", query.created_until),
    ):
        if moment is not None:
            filters.append(
                Filter(f"l.{test}", f"SELECT id FROM links WHERE archived = :archived AND {test}")  # noqa: S608
            )
    if query.state is not None:
        filters.append(Filter(STATES[query.state], CANDIDATES.get(query.state)))
    if term := term_of(query.search):
        filters.append(
            Filter(
                "instr((SELECT text FROM search_texts WHERE link_id = l.id), :term) > 0",
                "SELECT rowid FROM trigrams WHERE trigrams MATCH :match" if trigram_match(term) else None,
            )
        )
    return filters


def _equals(column: str, value: str) -> Filter:
    """Return the filter of a column with a partial index over all values but the empty one."""
    test = f"l.{column} = :{column}"
    if not value:
        return Filter(test)
    test = f"{test} AND l.{column} <> ''"  # says to SQLite that the index holds all of them
    way = Way(f"links AS l INDEXED BY links_by_{column}", "l.created_at", "l.id", test)
    return Filter(test, f"SELECT l.id FROM {way.source} WHERE {test} AND l.archived = :archived", way)  # noqa: S608


def _rows(
    connection: apsw.Connection,
    query: LinkQuery,
    filters: Sequence[Filter],
    values: dict[str, Any],
    after: Position | None,
) -> list[Sequence[Any]]:
    """Return the page's rows, the sort key before the link's columns, and one more if there is one."""
    rows: list[Sequence[Any]] = []
    tests = [wanted.test for wanted in filters]
    for way, bound in _ways(connection, query, filters, values, after):
        statement, bindings = _select(way, tests, query.descending, bound)
        rows += connection.execute(statement, {**values, **bindings, "rows": values["rows"] - len(rows)}).fetchall()
        if len(rows) == values["rows"]:
            break
    return rows


def _ways(
    connection: apsw.Connection,
    query: LinkQuery,
    filters: Sequence[Filter],
    values: dict[str, Any],
    after: Position | None,
) -> Iterator[tuple[Way, Position | None]]:
    """Yield the ways that together are the list in its order, each with the position to begin behind."""
    in_order = next((f.in_order for f in filters if f.in_order), None) if query.sort == "created_at" else None
    few = FEW_BEHIND_INDEX if in_order else FEW
    if candidates := _few_candidates(connection, filters, values, few):
        yield _through(candidates, query), after
    elif query.sort == "clicks":
        yield from _ways_by_clicks(query, after)
    else:
        yield in_order or SORTED[query.sort], after


def _few_candidates(
    connection: apsw.Connection, filters: Sequence[Filter], values: dict[str, Any], few: int
) -> str | None:
    """Return the SELECT with the fewest candidates if there are no more than ``few``."""
    best = None
    for wanted in filters:
        if wanted.candidates:
            counting = f"SELECT count(*) FROM (SELECT 1 FROM ({wanted.candidates}) LIMIT {few + 1:d})"  # noqa: S608
            count = connection.execute(counting, values).get
            if count <= few:
                few, best = count, wanted.candidates
    return best


def _through(candidates: str, query: LinkQuery) -> Way:
    """Return the way through all candidates, sorted afterwards."""
    source = "links AS l NOT INDEXED"
    if query.sort == "clicks":
        return Way(
            f"{source} LEFT JOIN clicks.totals AS t ON t.link_id = l.id",
            "COALESCE(t.clicks, 0)",
            "l.id",
            f"l.id IN ({candidates})",
        )
    return Way(source, SORTED[query.sort].key, "l.id", f"l.id IN ({candidates})")


def _ways_by_clicks(query: LinkQuery, after: Position | None) -> Iterator[tuple[Way, Position | None]]:
    """Yield links with clicks in the order of ``totals``, and those without, which are not in there, by id."""
    among_clicked = after is not None and after.key != 0
    if query.descending:
        if after is None or among_clicked:
            yield CLICKED, after
            yield UNCLICKED, None
        else:
            yield UNCLICKED, after
    elif among_clicked:
        yield CLICKED, after
    else:
        yield UNCLICKED, after
        yield CLICKED, None


def _select(way: Way, tests: Sequence[str], descending: bool, after: Position | None) -> tuple[str, dict[str, Key]]:
    """Return the statement for one way, and the values of the position it begins behind."""
    direction, beyond = ("DESC", "<") if descending else ("ASC", ">")
    conditions = [way.condition, *tests]
    order = f"{way.key} {direction}, {way.id} {direction}"
    beyond_last = f"({way.key}, {way.id}) {beyond} (:after_key, :after_id)"
    if way is UNCLICKED:  # their key is always 0, so that their ids alone make the order
        order, beyond_last = f"l.id {direction}", f"l.id {beyond} :after_id"
    bindings: dict[str, Key] = {}
    if after is not None:
        bindings = {"after_key": after.key, "after_id": after.id}
        conditions.append(beyond_last)
    statement = f"""
        SELECT {way.key}, {LINK_COLUMNS}
        FROM {way.source}
        WHERE {" AND ".join(f"({condition})" for condition in conditions)}
        ORDER BY {order}
        LIMIT :rows
    """  # noqa: S608
    return statement, bindings
