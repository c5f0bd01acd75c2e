-- A link can be banned: it leads nobody anywhere until that is lifted.

ALTER TABLE links ADD COLUMN ban TEXT; -- JSON object, see Ban in links/link.py; NULL: it is not

CREATE INDEX banned_links ON links (id) WHERE ban IS NOT NULL;
