-- API keys become records; each keeps its id, may do what it could do before, and belongs to the first workspace.
-- Revoked ones are kept for 90 days after their revocation.

INSERT INTO records (kind, id, version, expires_at, names, groups, body)
SELECT
    'key',
    id,
    1,
    revoked_at + 7776000000,
    CASE WHEN revoked_at IS NULL THEN json_array('digest:' || lower(hex(digest)), 'name:1/' || name) END,
    json_array('workspace:1'),
    CAST(
        json_object(
            'name', name,
            'hint', hint,
            'digest', lower(hex(digest)),
            'scopes', json_array('admin'),
            'installation', json('true'),
            'created_at', strftime('%Y-%m-%dT%H:%M:%S', created_at / 1000, 'unixepoch') || printf('.%03dZ', created_at % 1000),
            'last_used_at',
            strftime('%Y-%m-%dT%H:%M:%S', last_used_at / 1000, 'unixepoch') || printf('.%03dZ', last_used_at % 1000),
            'revoked_at',
            strftime('%Y-%m-%dT%H:%M:%S', revoked_at / 1000, 'unixepoch') || printf('.%03dZ', revoked_at % 1000)
        ) AS BLOB
    )
FROM api_keys;

INSERT INTO record_groups (kind, name, id) SELECT 'key', 'workspace:1', id FROM api_keys;
INSERT INTO record_names (kind, name, id)
SELECT 'key', 'digest:' || lower(hex(digest)), id FROM api_keys WHERE revoked_at IS NULL
UNION ALL
SELECT 'key', 'name:1/' || name, id FROM api_keys WHERE revoked_at IS NULL;

DROP TABLE api_keys;
