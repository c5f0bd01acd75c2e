"""Pages of tags and folders. Postings say which rows have one, as they do for what a search looks up; their sizes are
the counts. A set has the names; a name that no link has any more leaves it when somebody counts.
"""

from __future__ import annotations

from shortly.links.labels import MOST_LOOKED_AT, Label, LabelPage, LabelQuery
from shortly.store.redis import keys
from shortly.store.redis.client import Client
from shortly.store.redis.grams import CHUNK_ROWS, label_gram
from shortly.store.redis.scripts import Script

COUNT_LABELS = Script("postings", "count_labels")


async def list_labels(client: Client, query: LabelQuery) -> LabelPage:
    """Return a page, see ``LinkStore.list_labels``."""
    needle = query.search.casefold()
    names_key = keys.labels(query.kind, query.workspace)
    found: list[Label] = []
    last, looked_at = query.after, 0
    try:
        query.after.encode()
    except UnicodeEncodeError:  # lone surrogates: no name has any
        return LabelPage([], None)
    while len(found) < query.limit and looked_at < MOST_LOOKED_AT:
        start = f"({last}" if last else "-"
        some = query.limit - len(found) if not needle else MOST_LOOKED_AT - looked_at
        values = await client.read("ZRANGEBYLEX", names_key, start, "+", "LIMIT", 0, some)
        names = [value.decode() for value in values]
        wanted = [name for name in names if needle in name.casefold()][: query.limit - len(found)]
        found += await _counted(client, names_key, query, wanted)
        if len(found) == query.limit and wanted:
            return LabelPage(found, wanted[-1] if await _is_more(client, names_key, wanted[-1]) else None)
        if len(names) < some:
            return LabelPage(found, None)
        last, looked_at = names[-1], looked_at + len(names)
    return LabelPage(found, last)


async def _counted(client: Client, names_key: str, query: LabelQuery, names: list[str]) -> list[Label]:
    """Return those that links have, with how many."""
    rows = int(await client.read("GET", keys.ROWS) or 0)
    chunks = -(-rows // CHUNK_ROWS)
    if not names or not chunks:
        return []
    postings = [
        keys.postings(chunk, label_gram(query.kind, query.workspace, name)) for name in names for chunk in range(chunks)
    ]
    counts = await client.run(COUNT_LABELS, [names_key, *postings], [chunks, *names])
    return [Label(name, int(count)) for name, count in zip(names, counts, strict=True) if count]


async def _is_more(client: Client, names_key: str, last: str) -> bool:
    return bool(await client.read("ZRANGEBYLEX", names_key, f"({last}", "+", "LIMIT", 0, 1))
