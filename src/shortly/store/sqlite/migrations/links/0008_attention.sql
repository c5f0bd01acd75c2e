-- What needs attention is found by workspace: the links that expire next or expired last, that have a limit, that are banned.

CREATE INDEX links_by_workspace_and_expiry ON links (workspace, archived, expires_at) WHERE expires_at IS NOT NULL;

DROP INDEX limited_links;
CREATE INDEX limited_links ON links (workspace, archived, created_at) WHERE max_clicks IS NOT NULL;

DROP INDEX banned_links;
CREATE INDEX banned_links ON links (workspace, archived, created_at) WHERE ban IS NOT NULL;
