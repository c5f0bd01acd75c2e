"""Pages of links: which way through the indexes answers a query soonest.

Three ways. A filter that few links meet names its candidates, which are fetched and sorted. A sort behind a
filter whose index has that order, too, follows this index. Everything else walks the sort's index and skips what the
filters do not want. Which filter has few candidates is counted, never guessed, and counted no further than needed.

A walk that skips looks at so many links, and no more: a page that is not full by then says where to go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import apsw
import msgspec

from shortly.accounts.people import FIRST_WORKSPACE
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

LOOK = 4
"""Times as many links as a page has that a walk looks at first; then it looks at as many times more."""
MOST_FAR = 5_000
"""Links that a walk looks at for one page where each lies elsewhere in the file."""
MOST_NEAR = 12_000
"""The same where neighbours in the order lie beside one another."""
SAMPLE = 200
"""Links, the newest ones, whose texts say which trigrams of a search tell little."""

USED_UP = "l.max_clicks <= COALESCE((SELECT taken FROM taken_clicks WHERE link_id = l.id), 0)"
STATES = {
    "scheduled": "l.valid_from > :now",
    "expired": "l.expires_at <= :now",
    "exhausted": USED_UP,
    "disabled": "l.enabled = 0",
    "banned": "l.ban IS NOT NULL",
    "archived": "TRUE",
    "active": f"""l.enabled = 1 AND l.ban IS NULL AND (l.valid_from IS NULL OR l.valid_from <= :now)
        AND (l.expires_at IS NULL OR l.expires_at > :now) AND (l.max_clicks IS NULL OR NOT {USED_UP})""",
}
"""Archived links have no other state."""
CANDIDATES = {
    "scheduled": "SELECT id FROM links INDEXED BY links_by_start WHERE valid_from > :now",
    "expired": "SELECT id FROM links INDEXED BY links_by_expiry WHERE expires_at <= :now",
    "exhausted": "SELECT id FROM links INDEXED BY limited_links WHERE max_clicks IS NOT NULL",
    "disabled": "SELECT id FROM links INDEXED BY disabled_links WHERE enabled = 0",
    "banned": "SELECT id FROM links INDEXED BY banned_links WHERE ban IS NOT NULL",
    "archived": "SELECT id FROM links INDEXED BY links_by_created WHERE archived = 1",
}
"""The states that have an index; most links are active."""


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


NOWHERE: Mapping[str, Way] = MappingProxyType({})


class Filter(NamedTuple):
    """One narrowing of the list: a test of the link ``l``."""

    test: str
    candidates: str | None = None
    """A SELECT of the ids of all links that pass and maybe some more, where an index has them."""
    in_order: Mapping[str, Way] = NOWHERE
    """Ways through the filter's own indexes, by the sort whose order they have."""


def list_links(file: LinkFile, query: LinkQuery) -> LinkPage:
    """Return a page, see ``LinkStore.list_links``."""
    after = position_of(query)
    try:
        values = _values(query)
        with file.listing() as connection:
            if values["match"]:
                values["match"] = trigram_match(values["term"], _sample(connection))
            rows, end = _rows(connection, query, _filters(query), values, after)
    except UnicodeEncodeError:  # lone surrogates in a filter: nothing that is stored has any
        return LinkPage([], None)
    links = [link_of(row[1:]) for row in rows[: query.limit]]
    if len(rows) > query.limit:
        end = rows[query.limit - 1][0], links[-1].id
    return LinkPage(links, cursor_after(query, *end) if end else None)


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
        "workspace": query.workspace,
        "since": None if query.created_since is None else to_ms(query.created_since),
        "until": None if query.created_until is None else to_ms(query.created_until),
        "term": term,
        "match": trigram_match(term),
    }


def _sample(connection: apsw.Connection) -> list[str]:
    """Return the texts of the newest links."""
    texts = connection.execute("SELECT text FROM search_texts ORDER BY link_id DESC LIMIT ?", (SAMPLE,))
    return [cast(str, text) for (text,) in texts]


def _filters(query: LinkQuery) -> list[Filter]:
    """Return the filters that the query has, the ones with an order of their own first."""
    filters = [Filter("l.archived = :archived")]
    if query.tags:
        tagged = """(SELECT count(*) FROM tags AS o WHERE o.tag IN (SELECT value FROM json_each(:tags))
            AND o.created_at = l.created_at AND o.link_id = l.id) = :tag_count"""
        filters.append(Filter(tagged, "SELECT link_id FROM tags WHERE tag = :tag", {"created_at": BEHIND_TAG}))
    for column, value in (("folder", query.folder), ("owner", query.owner), ("domain", query.domain)):
        if value is not None:
            filters.append(_equals(column, value))
    if query.workspace is not None:
        filters.append(_in_workspace(query.workspace))
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
    return Filter(test, f"SELECT l.id FROM {way.source} WHERE {test} AND l.archived = :archived", {"created_at": way})  # noqa: S608


def _in_workspace(workspace: int) -> Filter:
    """Return the filter of a workspace; the first one has nearly all links, and no index."""
    if workspace == FIRST_WORKSPACE:
        return Filter("l.workspace = :workspace")
    few = f"SELECT l.id FROM {BEHIND_WORKSPACE['created_at'].source} WHERE {IN_WORKSPACE} AND l.archived = :archived"  # noqa: S608
    return Filter(IN_WORKSPACE, few, BEHIND_WORKSPACE)


def _rows(
    connection: apsw.Connection,
    query: LinkQuery,
    filters: Sequence[Filter],
    values: dict[str, Any],
    after: Position | None,
) -> tuple[list[Row], Place | None]:
    """Return the page's rows, the sort key before the link's columns, and one more if there is one; and where a walk
    ended that was not at its end."""
    rows: list[Row] = []
    tests = [wanted.test for wanted in filters]
    for way, place, skips in _ways(connection, query, filters, values, after):
        if skips:
            found, end = _skip(connection, query, way, tests, values, place, query.limit + 1 - len(rows))
            rows += found
        else:
            end = None
            for statement in _statements(way, tests, descending=query.descending, behind=place is not None):
                wanted = {**values, **_named(place), "rows": query.limit + 1 - len(rows)}
                rows += connection.execute(statement, wanted).fetchall()
                if len(rows) > query.limit:
                    break
        if end is not None or len(rows) > query.limit:
            return rows, end
    return rows, None


def _ways(
    connection: apsw.Connection,
    query: LinkQuery,
    filters: Sequence[Filter],
    values: dict[str, Any],
    after: Position | None,
) -> Iterator[tuple[Way, Place | None, bool]]:
    """Yield the ways that together are the list in its order, the place that each begins behind, and whether there may
    be many links on it that are not wanted."""
    behind = None if after is None else (after.key, after.id)
    in_order = next((f.in_order[query.sort] for f in filters if query.sort in f.in_order), None)
    few = _few_candidates(connection, filters, values, FEW_BEHIND_INDEX if in_order else FEW)
    if few is not None:
        values["few"] = msgspec.json.encode(few).decode()
        yield _through_few(query), behind, False
    elif query.sort == "clicks":
        for way, place in _ways_by_clicks(query, behind):
            yield way, place, True
    else:
        wanted_on_it = 2 if in_order else 1  # those that are not archived, and pass the filter whose index it is
        yield in_order or SORTED[query.sort], behind, len(filters) > wanted_on_it


def _skip(
    connection: apsw.Connection,
    query: LinkQuery,
    way: Way,
    tests: Sequence[str],
    values: dict[str, Any],
    place: Place | None,
    wanted: int,
) -> tuple[list[Row], Place | None]:
    """Return up to so many rows of a way, and where the walk along it ended if it had to before they were found."""
    rows: list[Row] = []
    left, step = MOST_NEAR if way.near else MOST_FAR, LOOK * query.limit
    through = _through_few(query)
    if way is UNCLICKED:
        tests = [*tests, way.condition]
    statement = _select(through, tests, _order(through, descending=query.descending))
    while left > 0:
        keys = _keys(connection, query, way, values, place, min(step, left))
        some: dict[str, str | int] = {
            "few": msgspec.json.encode([link_id for _, link_id in keys]).decode(),
            "rows": wanted - len(rows),
        }
        rows += connection.execute(statement, {**values, **some}).fetchall() if keys else []
        if len(keys) < min(step, left) or len(rows) == wanted:
            return rows, None
        place = keys[-1]
        left, step = left - step, step * LOOK
    return rows, place


def _keys(
    connection: apsw.Connection, query: LinkQuery, way: Way, values: dict[str, Any], place: Place | None, most: int
) -> list[Place]:
    """Return the next keys and ids along a way, whatever the links are."""
    source, condition = way.keys or (way.source, f"{way.condition} AND l.archived = :archived")
    along = way._replace(source=source, condition=condition)
    found: list[Place] = []
    for statement in _statements(
        along, (), descending=query.descending, behind=place is not None, columns=f"{way.key}, {way.id}"
    ):
        wanted = {**values, **_named(place), "rows": most - len(found)}
        found += cast(list[Place], connection.execute(statement, wanted).fetchall())
        if len(found) == most:
            break
    return found


def _named(place: Place | None) -> dict[str, Any]:
    return {} if place is None else {"after_key": place[0], "after_id": place[1]}


def _few_candidates(
    connection: apsw.Connection, filters: Sequence[Filter], values: dict[str, Any], most: int
) -> list[Any] | None:
    """Return the ids that the filter with the fewest candidates names, or None if all have more than ``most``."""
    few = None
    for wanted in filters:
        if wanted.candidates:
            ids = connection.execute(f"{wanted.candidates} LIMIT {most + 1:d}", values).fetchall()
            if len(ids) <= most:
                most, few = len(ids), [link_id for (link_id,) in ids]
    return few


def _through_few(query: LinkQuery) -> Way:
    """Return the way through the candidates in ``:few``, sorted afterwards."""
    source, chosen = "links AS l NOT INDEXED", "l.id IN (SELECT value FROM json_each(:few))"
    if query.sort == "clicks":
        source += " LEFT JOIN clicks.totals AS t ON t.link_id = l.id"
        return Way(source, "COALESCE(t.clicks, 0)", "l.id", chosen, walks=False)
    return Way(source, SORTED[query.sort].key, "l.id", chosen, walks=False)


def _ways_by_clicks(query: LinkQuery, behind: Place | None) -> Iterator[tuple[Way, Place | None]]:
    """Yield links with clicks in the order of ``totals``, and those without, which are not in there, by id."""
    ways = [CLICKED, UNCLICKED] if query.descending else [UNCLICKED, CLICKED]
    if behind is not None and (behind[0] == 0) == (ways[0] is CLICKED):
        del ways[0]  # the place is beyond them
    for way in ways:
        yield way, behind
        behind = None


def _statements(way: Way, tests: Sequence[str], *, descending: bool, behind: bool, columns: str = "") -> Iterator[str]:
    """Yield the SELECTs whose rows, one after the other, are this way's.

    Behind a place there are two, links with the same key and links with another one: SQLite compares a key and an
    id in one step along an index only where the id is not the table's own, and would pass by all equal keys.
    """
    direction, beyond = ("DESC", "<") if descending else ("ASC", ">")
    order = _order(way, descending=descending)
    by_id, next_ids = f"{way.id} {direction}", f"{way.id} {beyond} :after_id"
    if way.key == "0":
        yield _select(way, [*tests, next_ids] if behind else tests, by_id, columns)
    elif not behind:
        yield _select(way, tests, order, columns)
    elif way.walks:
        yield _select(way, [*tests, f"{way.key} = :after_key", next_ids], by_id, columns)
        yield _select(way, [*tests, f"{way.key} {beyond} :after_key"], order, columns)
    else:
        yield _select(way, [*tests, f"({way.key}, {way.id}) {beyond} (:after_key, :after_id)"], order, columns)


def _order(way: Way, *, descending: bool) -> str:
    direction = "DESC" if descending else "ASC"
    return f"{way.key} {direction}, {way.id} {direction}"


def _select(way: Way, tests: Sequence[str], order: str, columns: str = "") -> str:
    return f"""
        SELECT {columns or f"{way.key}, {LINK_COLUMNS}"}
        FROM {way.source}
        WHERE {" AND ".join(f"({test})" for test in (way.condition, *tests))}
        ORDER BY {order}
        LIMIT :rows
    """  # noqa: S608
