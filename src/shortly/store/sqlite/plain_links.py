"""Plain links, which are found again by their target."""

from __future__ import annotations

import apsw

from shortly.links.link import Link
from shortly.store.sqlite.rows import LINK_COLUMNS, link_of, target_hash

SELECT_LINK_TO = f"""
SELECT {LINK_COLUMNS}
FROM links AS l INDEXED BY links_by_target
WHERE l.target_hash = ? AND l.target = ? AND l.domain = ? AND l.owner = ? AND l.workspace = ?
    AND l.enabled = 1 AND l.ban IS NULL AND l.archived = 0 AND l.valid_from IS NULL AND l.expires_at IS NULL
    AND l.max_clicks IS NULL AND l.password_hash IS NULL
ORDER BY l.created_at, l.id
LIMIT 1
"""  # noqa: S608


def find_plain(connection: apsw.Connection, domain: str, target: str, owner: str, workspace: int) -> Link | None:
    """Return the oldest one, see ``LinkStore.find_link``."""
    row = connection.execute(SELECT_LINK_TO, (target_hash(target), target, domain, owner, workspace)).get
    return None if row is None else link_of(row)
