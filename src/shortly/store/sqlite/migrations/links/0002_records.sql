-- People, workspaces, sessions, keys, the audit log: small records, see accounts/records.py.

CREATE TABLE records (
    kind TEXT NOT NULL,
    id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    expires_at INTEGER, -- unix milliseconds, UTC; exclusive; NULL: never
    names TEXT, -- JSON array; NULL: none. The table record_names says the same for look-ups
    groups TEXT, -- JSON array; NULL: none. The table record_groups says the same for lists
    body BLOB NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX records_by_expiry ON records (expires_at) WHERE expires_at IS NOT NULL;

-- Of an expired record too, until somebody else takes the name.
CREATE TABLE record_names (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    id INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE record_groups (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    id INTEGER NOT NULL,
    PRIMARY KEY (kind, name, id)
) STRICT, WITHOUT ROWID;
