"""Pages of links: which way through the indexes answers a query soonest.

Three ways. A filter that few links meet names its candidates, which are fetched and sorted. A sort behind a
filter whose index has that order, too, follows this index. Everything else walks the sort's index and skips what the
filters do not want. Which filter has few candidates is counted, never guessed, and counted no further than needed.

A walk that skips looks at so many links, and no more: a page that is not full by then says where to go on. Where a
search is rare on a walk by creation, it goes on by long stretches of which only the candidates are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import apsw
import msgspec

from shortly.accounts.people import FIRST_WORKSPACE
from shortly.links.link import LinkPage, LinkQuery
from shortly.store.cursor import Position, cursor_after, position_of
from shortly.store.moments import to_ms
from shortly.store.sqlite.link_file import LinkFile
from shortly.store.sqlite.rows import link_of
from shortly.store.sqlite.search import term_of, trigram_match
from shortly.store.sqlite.stretch import Stretch, next_stretch
from shortly.store.sqlite.ways import (
    BEHIND_TAG,
    BEHIND_WORKSPACE,
    CLICKED,
    IN_WORKSPACE,
    SORTED,
    UNCLICKED,
    Place,
    Row,
    Way,
    order,
    select,
    statements,
    through_few,
)

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
WALK = 2_000
"""Links that a walk looks at before it goes on by stretches."""
STRETCH = 50_000
"""Links of one stretch; only keys and ids are read of them, side by side in an index."""
STRETCHES = 6
"""The most for one page, those among them that turn out to have too many candidates, and become shorter ones."""
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
            for statement in statements(way, tests, descending=query.descending, behind=place is not None):
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
        yield through_few(query), behind, False
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
    """Return up to so many rows of a way, and where the search for them ended if it had to before they were found."""
    most = MOST_NEAR if way.near else MOST_FAR
    if not values["match"] or way is not SORTED["created_at"]:
        return _walk(connection, query, way, tests, values, place, wanted, most)
    rows, place = _walk(connection, query, way, tests, values, place, wanted, min(WALK, most))
    size = STRETCH
    for _ in range(STRETCHES):
        if place is None:
            break
        behind = cast(tuple[int, int], place)
        stretch = next_stretch(connection, values, behind, size=size, most=FEW, descending=query.descending)
        if stretch is not None:
            rows += _rows_in(connection, query, stretch, tests, values, wanted - len(rows))
            place = stretch.end if len(rows) < wanted else None
        elif size >= 4 * WALK:
            size //= 4
        else:
            found, place = _walk(connection, query, way, tests, values, place, wanted - len(rows), most - WALK)
            return rows + found, place
    return rows, place


def _walk(
    connection: apsw.Connection,
    query: LinkQuery,
    way: Way,
    tests: Sequence[str],
    values: dict[str, Any],
    place: Place | None,
    wanted: int,
    most: int,
) -> tuple[list[Row], Place | None]:
    """Do what ``_skip`` does, with a look at ``most`` links, one after the other."""
    rows: list[Row] = []
    left, step = most, LOOK * query.limit
    through = through_few(query)
    if way is UNCLICKED:
        tests = [*tests, way.condition]
    statement = select(through, tests, order(through, descending=query.descending))
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


def _rows_in(
    connection: apsw.Connection,
    query: LinkQuery,
    stretch: Stretch,
    tests: Sequence[str],
    values: dict[str, Any],
    wanted: int,
) -> list[Row]:
    """Return up to so many rows of a stretch."""
    through = through_few(query)
    statement = select(through, [*tests, stretch.condition], order(through, descending=query.descending))
    some: dict[str, str | int] = {"few": msgspec.json.encode(stretch.candidates).decode(), "rows": wanted}
    return list(connection.execute(statement, {**values, **stretch.values, **some}))


def _keys(
    connection: apsw.Connection, query: LinkQuery, way: Way, values: dict[str, Any], place: Place | None, most: int
) -> list[Place]:
    """Return the next keys and ids along a way, whatever the links are."""
    source, condition = way.keys or (way.source, f"{way.condition} AND l.archived = :archived")
    along = way._replace(source=source, condition=condition)
    found: list[Place] = []
    for statement in statements(
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


def _ways_by_clicks(query: LinkQuery, behind: Place | None) -> Iterator[tuple[Way, Place | None]]:
    """Yield links with clicks in the order of ``totals``, and those without, which are not in there, by id."""
    ways = [CLICKED, UNCLICKED] if query.descending else [UNCLICKED, CLICKED]
    if behind is not None and (behind[0] == 0) == (ways[0] is CLICKED):
        del ways[0]  # the place is beyond them
    for way in ways:
        yield way, behind
        behind = None
