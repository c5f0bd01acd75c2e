-- The sum over all links of the workspace w is kept under the link_id 1 - w: 0 for the first one, -1 for the second.

ALTER TABLE visits ADD COLUMN workspace INTEGER NOT NULL DEFAULT 1;

-- Nearly all visits of most installations are on links of the first workspace.
CREATE INDEX visits_by_workspace ON visits (workspace) WHERE workspace <> 1;
