-- Links, API keys and idempotency keys. Counts of clicks live in a database of their own.

CREATE TABLE installation (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    case_insensitive INTEGER NOT NULL -- 0 or 1; whether slugs are kept casefolded; fixed at the first start
) STRICT;

CREATE TABLE heartbeat (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at INTEGER NOT NULL -- unix milliseconds, UTC
) STRICT;

CREATE TABLE links (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused: counts are kept by it after a link is gone
    domain TEXT NOT NULL, -- empty: the host of BASE_URL
    slug TEXT NOT NULL, -- as it was written
    target TEXT NOT NULL,
    target_hash INTEGER NOT NULL, -- first 8 bytes of the target's BLAKE2b, to find links by their target
    title TEXT NOT NULL,
    notes TEXT NOT NULL,
    tags TEXT, -- JSON array, sorted; NULL: none. The table tags says the same for filters
    folder TEXT NOT NULL,
    owner TEXT NOT NULL,
    created_at INTEGER NOT NULL, -- unix milliseconds, UTC; never changes
    updated_at INTEGER NOT NULL, -- unix milliseconds, UTC
    version INTEGER NOT NULL,
    valid_from INTEGER, -- unix milliseconds, UTC
    expires_at INTEGER, -- unix milliseconds, UTC; exclusive
    max_clicks INTEGER,
    fallback_target TEXT,
    status INTEGER NOT NULL, -- 301, 302, 307 or 308
    forward_query INTEGER NOT NULL, -- 0 or 1
    crawlable INTEGER NOT NULL, -- 0 or 1
    enabled INTEGER NOT NULL, -- 0 or 1
    archived INTEGER NOT NULL, -- 0 or 1
    cache_s INTEGER, -- seconds
    referrer_policy TEXT NOT NULL,
    password_hash TEXT,
    rules TEXT, -- JSON array; NULL: none
    variants TEXT, -- JSON array; NULL: none
    aliases TEXT -- JSON array, sorted, as they were written; NULL: none. The table slugs says the same for look-ups
) STRICT;

-- Every list asks for archived = 0 or 1, and id comes last in every index by itself: these are the orders of pages.
CREATE INDEX links_by_created ON links (archived, created_at);
CREATE INDEX links_by_updated ON links (archived, updated_at);
CREATE INDEX links_by_slug ON links (archived, slug);
CREATE INDEX links_by_title ON links (archived, title);
CREATE INDEX links_by_folder ON links (folder, archived, created_at) WHERE folder <> '';
CREATE INDEX links_by_domain ON links (domain, archived, created_at) WHERE domain <> '';
CREATE INDEX links_by_owner ON links (owner, archived, created_at) WHERE owner <> '';
CREATE INDEX links_by_target ON links (target_hash);

-- Few links have these traits, so that a list of them need not walk past all others.
CREATE INDEX links_by_start ON links (valid_from) WHERE valid_from IS NOT NULL;
CREATE INDEX links_by_expiry ON links (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX limited_links ON links (max_clicks) WHERE max_clicks IS NOT NULL;
CREATE INDEX disabled_links ON links (archived) WHERE enabled = 0;

-- Slugs and aliases: the redirect's way in.
CREATE TABLE slugs (
    domain TEXT NOT NULL,
    slug TEXT NOT NULL, -- casefolded when the installation is case-insensitive
    link_id INTEGER NOT NULL REFERENCES links (id),
    alias INTEGER NOT NULL, -- 0: the link's slug, 1: an earlier one
    PRIMARY KEY (domain, slug)
) STRICT, WITHOUT ROWID;
CREATE INDEX slugs_by_link ON slugs (link_id);

CREATE TABLE tags (
    tag TEXT NOT NULL,
    created_at INTEGER NOT NULL, -- the link's: unix milliseconds, UTC
    link_id INTEGER NOT NULL REFERENCES links (id),
    PRIMARY KEY (tag, created_at, link_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX tags_by_link ON tags (link_id);

-- Clicks that links with max_clicks have used up; kept when a link is edited or deleted.
CREATE TABLE taken_clicks (
    link_id INTEGER PRIMARY KEY,
    taken INTEGER NOT NULL
) STRICT;

CREATE TABLE deleted_links (
    link_id INTEGER PRIMARY KEY,
    deleted_at INTEGER NOT NULL -- unix milliseconds, UTC
) STRICT;
CREATE INDEX deleted_links_by_time ON deleted_links (deleted_at);

-- What searches look through: slug, target, title, notes and tags, casefolded, with U+001F between them.
CREATE TABLE search_texts (
    link_id INTEGER PRIMARY KEY,
    text TEXT NOT NULL
) STRICT;
CREATE VIRTUAL TABLE trigrams USING fts5 (
    text,
    content = 'search_texts',
    content_rowid = 'link_id',
    detail = none, -- only which links have a trigram: half the size; the text itself is compared afterwards
    columnsize = 0,
    tokenize = 'trigram case_sensitive 1'
);

CREATE TABLE api_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    hint TEXT NOT NULL, -- the first characters of the key
    digest BLOB NOT NULL UNIQUE, -- SHA-256 of the key
    created_at INTEGER NOT NULL, -- unix milliseconds, UTC
    last_used_at INTEGER, -- unix milliseconds, UTC, whole minutes
    revoked_at INTEGER -- unix milliseconds, UTC
) STRICT;
CREATE UNIQUE INDEX live_api_keys_by_name ON api_keys (name) WHERE revoked_at IS NULL;

CREATE TABLE idempotency (
    key TEXT PRIMARY KEY,
    fingerprint BLOB NOT NULL, -- SHA-256 of the request
    claimed_at INTEGER NOT NULL, -- unix milliseconds, UTC
    status INTEGER NOT NULL, -- 0: not answered yet
    headers TEXT, -- JSON object
    body BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_time ON idempotency (claimed_at);
