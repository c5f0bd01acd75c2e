"""Long stretches of the list by creation, of which a search needs to look at few links.

Ids rise with creation, but for links that were imported with the moment they were made elsewhere. So a stretch of the
list lies between two ids, and the index of trigrams, which is ordered by id, names its candidates without a look at
the others. Where ids and creation have little to do with one another, the two ids lie far apart, and there are more
candidates than are worth having: then, and only then, a stretch tells nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import apsw

Place = tuple[int, int]
"""When a link was made, in unix milliseconds, and its id."""


class Stretch(NamedTuple):
    """Some links that follow one another in the list."""

    candidates: list[int]
    """Ids of the links that may match, and maybe of some beside the stretch."""
    condition: str
    """Whether a link ``l`` is in it, by ``values``."""
    values: dict[str, int]
    end: Place | None
    """Its last link; None: the list ends with it."""


def next_stretch(
    connection: apsw.Connection, values: dict[str, Any], place: Place | None, *, size: int, most: int, descending: bool
) -> Stretch | None:
    """Return the stretch of so many links behind a place, or None if it has more than ``most`` candidates.

    ``values`` says whether archived ones are meant, and which trigrams (``match``).
    """
    direction, beyond = ("DESC", "<") if descending else ("ASC", ">")
    source = "links AS l INDEXED BY links_by_created"
    inside = {"archived": values["archived"]}
    tests, condition = "l.archived = :archived", "TRUE"
    if place is not None:
        inside |= {"after_key": place[0], "after_id": place[1]}
        tests += f" AND l.created_at {beyond}= :after_key"  # by itself, as the index has it
        condition = f"(l.created_at, l.id) {beyond} (:after_key, :after_id)"
    last = connection.execute(
        f"SELECT l.created_at, l.id FROM {source} WHERE {tests} AND {condition} "  # noqa: S608
        f"ORDER BY l.created_at {direction}, l.id {direction} LIMIT 1 OFFSET :size",
        {**inside, "size": size - 1},
    ).fetchone()
    if last is not None:
        inside |= {"end_key": last[0], "end_id": last[1]}
        tests += f" AND :end_key {beyond}= l.created_at"
        condition += f" AND (:end_key, :end_id) {beyond}= (l.created_at, l.id)"
    ids = connection.execute(f"SELECT min(l.id), max(l.id) FROM {source} WHERE {tests}", inside).fetchall()  # noqa: S608
    candidates = connection.execute(
        "SELECT rowid FROM trigrams WHERE trigrams MATCH ? AND rowid BETWEEN ? AND ? LIMIT ?",
        (values["match"], *ids[0], most + 1),
    ).fetchall()
    if len(candidates) > most:
        return None
    return Stretch([cast(int, link_id) for (link_id,) in candidates], condition, inside, last)
