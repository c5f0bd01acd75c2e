-- Every link belongs to a workspace. The first one has nearly all links of most installations, so only the others have
-- indexes of their own: one for each order of pages, as every list of people's is a list of their workspace.

ALTER TABLE links ADD COLUMN workspace INTEGER NOT NULL DEFAULT 1;

CREATE INDEX links_by_workspace ON links (workspace, archived, created_at) WHERE workspace <> 1;
CREATE INDEX links_by_workspace_and_update ON links (workspace, archived, updated_at) WHERE workspace <> 1;
CREATE INDEX links_by_workspace_and_slug ON links (workspace, archived, slug) WHERE workspace <> 1;
CREATE INDEX links_by_workspace_and_title ON links (workspace, archived, title) WHERE workspace <> 1;
