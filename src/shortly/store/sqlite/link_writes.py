"""What the writer does to links; each function runs inside a transaction that its caller ends.

Between the look and the write nobody else can write, so a check is as good as a constraint here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

import apsw
from msgspec.structs import replace as changed

from shortly.errors import LinkChanged, LinkNotFound, SlugTaken
from shortly.links.link import Link, successor_of
from shortly.links.store import Got, Wanted
from shortly.store.moments import to_ms
from shortly.store.sqlite.plain_links import find_plain
from shortly.store.sqlite.rows import LINK_COLUMNS, fields_of, link_of
from shortly.store.sqlite.search import text_of

Key = Callable[[str], str]

INSERT_LINK = """
INSERT INTO links (
    domain, slug, target, target_hash, title, notes, tags, folder, owner, created_at, updated_at, version, valid_from,
    expires_at, max_clicks, fallback_target, status, forward_query, crawlable, enabled, archived, cache_s,
    referrer_policy, password_hash, rules, variants, aliases, workspace, ban, deleted_at
) VALUES (
    :domain, :slug, :target, :target_hash, :title, :notes, :tags, :folder, :owner, :created_at, :updated_at, :version,
    :valid_from, :expires_at, :max_clicks, :fallback_target, :status, :forward_query, :crawlable, :enabled, :archived,
    :cache_s, :referrer_policy, :password_hash, :rules, :variants, :aliases, :workspace, :ban, :deleted_at
)
"""
UPDATE_LINK = """
UPDATE links SET
    slug = :slug, target = :target, target_hash = :target_hash, title = :title, notes = :notes, tags = :tags,
    folder = :folder, updated_at = :updated_at, version = :version, valid_from = :valid_from,
    expires_at = :expires_at, max_clicks = :max_clicks, fallback_target = :fallback_target, status = :status,
    forward_query = :forward_query, crawlable = :crawlable, enabled = :enabled, archived = :archived,
    cache_s = :cache_s, referrer_policy = :referrer_policy, password_hash = :password_hash, rules = :rules,
    variants = :variants, aliases = :aliases, ban = :ban, deleted_at = :deleted_at
WHERE id = :id
"""
SELECT_BY_ID = f"SELECT {LINK_COLUMNS} FROM links AS l WHERE l.id = ?"  # noqa: S608
SELECT_HOLDER = "SELECT link_id FROM slugs WHERE domain = ? AND slug = ?"
INSERT_SLUG = "INSERT INTO slugs (domain, slug, link_id, alias) VALUES (?, ?, ?, ?)"
TAKE_CLICK = """
INSERT INTO taken_clicks (link_id, taken) VALUES (:link_id, 1)
ON CONFLICT (link_id) DO UPDATE SET taken = taken + 1 WHERE taken < :max_clicks
"""


def add(connection: apsw.Connection, *, items: Sequence[Link], key: Key) -> list[Link | SlugTaken]:
    """Add links; one with aliases takes all of them, or nothing.

    Texts come last: FTS5 writes down what it has gathered whenever a statement begins whose triggers may fail half-way,
    as those of ``links`` and ``tags`` may. Link by link that took longer than everything else together.
    """
    outcomes = [_add(connection, link, key) for link in items]
    added = [link for link in outcomes if isinstance(link, Link)]
    _add_tags(connection, added)
    _add_texts(connection, [(link.id, text_of(link)) for link in added])
    return outcomes


def find_or_add(connection: apsw.Connection, *, items: Sequence[Wanted], key: Key) -> list[Got | SlugTaken]:
    """Give links to targets, see ``LinkStore.find_or_add_links``."""
    return [_find_or_add(connection, wanted, key) for wanted in items]


def replace(
    connection: apsw.Connection, *, items: Sequence[tuple[Link, Link]], key: Key
) -> list[Link | LinkChanged | LinkNotFound | SlugTaken]:
    """Replace links, see ``LinkStore.replace_links``."""
    return [_replace(connection, old, new, key) for old, new in items]


def delete(connection: apsw.Connection, *, items: Sequence[Link], key: Key) -> list[LinkChanged | LinkNotFound | None]:
    """Delete links, see ``LinkStore.delete_links``; their taken clicks stay until they are forgotten."""
    return [_delete(connection, link) for link in items]


def take_click(connection: apsw.Connection, *, link_id: int, max_clicks: int) -> bool:
    """Use up one click, see ``RedirectionStore.take_click``; ``max_clicks`` is at least 1."""
    connection.execute(TAKE_CLICK, {"link_id": link_id, "max_clicks": max_clicks})
    return connection.changes() == 1


def forget(connection: apsw.Connection, *, link_ids: Sequence[int]) -> None:
    """Remove the last traces of deleted links."""
    rows = [(link_id,) for link_id in link_ids]
    connection.executemany(
        "DELETE FROM taken_clicks WHERE link_id IN (SELECT link_id FROM deleted_links WHERE link_id = ?)", rows
    )
    connection.executemany("DELETE FROM deleted_links WHERE link_id = ?", rows)


def _add(connection: apsw.Connection, link: Link, key: Key) -> Link | SlugTaken:
    """Add a link but for its tags and the text that it is searched by."""
    slugs = {key(alias): 1 for alias in link.aliases} | {key(link.slug): 0}
    for slug in slugs:
        if connection.execute(SELECT_HOLDER, (link.domain, slug)).get is not None:
            return SlugTaken(link.slug)
    connection.execute(INSERT_LINK, fields_of(link))
    link_id = connection.last_insert_rowid()
    for slug, alias in slugs.items():
        connection.execute(INSERT_SLUG, (link.domain, slug, link_id, alias))
    return changed(link, id=link_id)


def _find_or_add(connection: apsw.Connection, wanted: Wanted, key: Key) -> Got | SlugTaken:
    link = wanted.link
    found = find_plain(connection, link.domain, link.target, link.owner, link.workspace)
    if found is not None and wanted.does(found):
        return Got(found, is_new=False)
    (added,) = add(connection, items=[link], key=key)
    return Got(added, is_new=True) if isinstance(added, Link) else added


def _replace(
    connection: apsw.Connection, old: Link, new: Link, key: Key
) -> Link | LinkChanged | LinkNotFound | SlugTaken:
    row = connection.execute(SELECT_BY_ID, (old.id,)).get
    if row is None:
        return LinkNotFound(old.slug)
    stored = link_of(row)
    if stored.version != old.version:
        return LinkChanged(old.slug)
    if key(new.slug) != key(stored.slug) and not _rename(connection, stored, key(stored.slug), key(new.slug)):
        return SlugTaken(new.slug)
    link = successor_of(stored, new, key)
    connection.execute(UPDATE_LINK, {**fields_of(link), "id": link.id})
    if _listed_tags(link) != _listed_tags(stored):
        connection.execute("DELETE FROM tags WHERE link_id = ?", (link.id,))
        _add_tags(connection, [link])
    if (text := text_of(link)) != text_of(stored):
        _drop_text(connection, link.id)
        _add_texts(connection, [(link.id, text)])
    return link


def _rename(connection: apsw.Connection, link: Link, old: str, new: str) -> bool:
    """Make ``new`` the link's slug and ``old`` an alias; False: another link has ``new``."""
    holder = connection.execute(SELECT_HOLDER, (link.domain, new)).get
    if holder is not None and holder != link.id:
        return False
    connection.execute("UPDATE slugs SET alias = 1 WHERE domain = ? AND slug = ?", (link.domain, old))
    if holder is None:
        connection.execute(INSERT_SLUG, (link.domain, new, link.id, 0))
    else:
        connection.execute("UPDATE slugs SET alias = 0 WHERE domain = ? AND slug = ?", (link.domain, new))
    return True


def _delete(connection: apsw.Connection, link: Link) -> LinkChanged | LinkNotFound | None:
    version = connection.execute("SELECT version FROM links WHERE id = ?", (link.id,)).get
    if version is None:
        return LinkNotFound(link.slug)
    if link.version not in (0, version):
        return LinkChanged(link.slug)
    connection.execute("DELETE FROM slugs WHERE link_id = ?", (link.id,))
    connection.execute("DELETE FROM tags WHERE link_id = ?", (link.id,))
    _drop_text(connection, link.id)
    connection.execute("DELETE FROM links WHERE id = ?", (link.id,))
    connection.execute(
        "INSERT INTO deleted_links (link_id, deleted_at) VALUES (?, ?)", (link.id, time.time_ns() // 1_000_000)
    )
    return None


def _listed_tags(link: Link) -> tuple[str, ...]:
    """Return the tags that the link is found by: none once it is deleted."""
    return () if link.deleted_at is not None else link.tags


def _add_tags(connection: apsw.Connection, links: Iterable[Link]) -> None:
    connection.executemany(
        "INSERT INTO tags (tag, created_at, link_id) VALUES (?, ?, ?)",
        [(tag, to_ms(link.created_at), link.id) for link in links for tag in _listed_tags(link)],
    )


def _add_texts(connection: apsw.Connection, texts: Sequence[tuple[int, str]]) -> None:
    connection.executemany("INSERT INTO search_texts (link_id, text) VALUES (?, ?)", texts)
    connection.executemany("INSERT INTO trigrams (rowid, text) VALUES (?, ?)", texts)


def _drop_text(connection: apsw.Connection, link_id: int) -> None:
    """Take a link out of the search; FTS5 needs to hear the very text that it was given."""
    connection.execute(
        """
        INSERT INTO trigrams (trigrams, rowid, text)
        SELECT 'delete', link_id, text FROM search_texts WHERE link_id = ?
        """,
        (link_id,),
    )
    connection.execute("DELETE FROM search_texts WHERE link_id = ?", (link_id,))
