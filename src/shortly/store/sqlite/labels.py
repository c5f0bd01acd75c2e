"""Pages of tags and folders, from the table that triggers keep."""

from __future__ import annotations

from collections.abc import Iterator

import apsw

from shortly.links.labels import MOST_LOOKED_AT, Label, LabelPage, LabelQuery
from shortly.store.sqlite.link_file import LinkFile

SELECT_LABELS = """
SELECT name, links FROM labels
WHERE workspace = ? AND kind = ? AND name > ?
ORDER BY name
LIMIT ?
"""


def list_labels(file: LinkFile, query: LabelQuery) -> LabelPage:
    """Return a page, see ``LinkStore.list_labels``."""
    needle = query.search.casefold()
    looked_at = MOST_LOOKED_AT if needle else query.limit
    found: list[Label] = []
    last = query.after
    try:
        with file.listing() as connection:
            for number, label in enumerate(_labels(connection, query, looked_at + 1)):
                if number == looked_at or len(found) == query.limit:
                    return LabelPage(found, last)
                if needle in label.name.casefold():
                    found.append(label)
                last = label.name
    except UnicodeEncodeError:  # lone surrogates: no name has any
        return LabelPage([], None)
    return LabelPage(found, None)


def _labels(connection: apsw.Connection, query: LabelQuery, most: int) -> Iterator[Label]:
    for name, links in connection.execute(SELECT_LABELS, (query.workspace, query.kind, query.after, most)):
        yield Label(name, links)
