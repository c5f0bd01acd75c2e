-- A deleted link stays for a while, so that it can be restored: its slugs are kept for it, it leads nowhere, and it is in
-- no list, which all ask for archived = 0 or 1.

ALTER TABLE links ADD COLUMN deleted_at INTEGER; -- unix milliseconds, UTC; if set, archived has 2 added to it

CREATE INDEX links_by_deletion ON links (deleted_at) WHERE deleted_at IS NOT NULL;

DROP TRIGGER folder_taken;
DROP TRIGGER folder_changed;

CREATE TRIGGER folder_taken AFTER DELETE ON links WHEN OLD.folder <> '' AND OLD.deleted_at IS NULL BEGIN
    UPDATE labels SET links = links - 1 WHERE workspace = OLD.workspace AND kind = 'folder' AND name = OLD.folder;
    DELETE FROM labels WHERE workspace = OLD.workspace AND kind = 'folder' AND name = OLD.folder AND links = 0;
END;

CREATE TRIGGER folder_changed AFTER UPDATE OF folder, deleted_at ON links
WHEN OLD.folder <> NEW.folder OR (OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL) BEGIN
    UPDATE labels SET links = links - 1
    WHERE workspace = OLD.workspace AND kind = 'folder' AND name = OLD.folder AND OLD.deleted_at IS NULL;
    DELETE FROM labels WHERE workspace = OLD.workspace AND kind = 'folder' AND name = OLD.folder AND links = 0;
    INSERT INTO labels (workspace, kind, name, links)
    SELECT NEW.workspace, 'folder', NEW.folder, 1 WHERE NEW.folder <> '' AND NEW.deleted_at IS NULL
    ON CONFLICT DO UPDATE SET links = links + 1;
END;
