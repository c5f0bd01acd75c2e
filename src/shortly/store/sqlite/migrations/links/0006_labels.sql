-- How many links of a workspace have a tag or are in a folder. Triggers keep it, so that no writer can forget to.

CREATE TABLE labels (
    workspace INTEGER NOT NULL,
    kind TEXT NOT NULL, -- 'tag' or 'folder'
    name TEXT NOT NULL,
    links INTEGER NOT NULL CHECK (links >= 0), -- archived ones among them; rows with none are deleted
    PRIMARY KEY (workspace, kind, name)
) STRICT, WITHOUT ROWID;

INSERT INTO labels (workspace, kind, name, links)
SELECT l.workspace, 'tag', t.tag, count(*) FROM tags AS t JOIN links AS l ON l.id = t.link_id GROUP BY l.workspace, t.tag
UNION ALL
SELECT workspace, 'folder', folder, count(*) FROM links WHERE folder <> '' GROUP BY workspace, folder;

CREATE TRIGGER tag_given AFTER INSERT ON tags BEGIN
    INSERT INTO labels (workspace, kind, name, links)
    SELECT workspace, 'tag', NEW.tag, 1 FROM links WHERE id = NEW.link_id
    ON CONFLICT DO UPDATE SET links = links + 1;
END;

CREATE TRIGGER tag_taken AFTER DELETE ON tags BEGIN
    UPDATE labels SET links = links - 1
    WHERE workspace = (SELECT workspace FROM links WHERE id = OLD.link_id) AND kind = 'tag' AND name = OLD.tag;
    DELETE FROM labels
    WHERE workspace = (SELECT workspace FROM links WHERE id = OLD.link_id) AND kind = 'tag' AND name = OLD.tag
        AND links = 0;
END;

CREATE TRIGGER folder_given AFTER INSERT ON links WHEN NEW.folder <> '' BEGIN
    INSERT INTO labels (workspace, kind, name, links) VALUES (NEW.workspace, 'folder', NEW.folder, 1)
    ON CONFLICT DO UPDATE SET links = links + 1;
END;

CREATE TRIGGER folder_taken AFTER DELETE ON links WHEN OLD.folder <> '' BEGIN
    UPDATE labels SET links = links - 1 WHERE workspace = OLD.workspace AND kind = 'folder' AND name = OLD.folder;
    DELETE FROM labels WHERE workspace = OLD.workspace AND kind = 'folder' AND name = OLD.folder AND links = 0;
END;

CREATE TRIGGER folder_changed AFTER UPDATE OF folder ON links WHEN OLD.folder <> NEW.folder BEGIN
    UPDATE labels SET links = links - 1 WHERE workspace = OLD.workspace AND kind = 'folder' AND name = OLD.folder;
    DELETE FROM labels WHERE workspace = OLD.workspace AND kind = 'folder' AND name = OLD.folder AND links = 0;
    INSERT INTO labels (workspace, kind, name, links)
    SELECT NEW.workspace, 'folder', NEW.folder, 1 WHERE NEW.folder <> ''
    ON CONFLICT DO UPDATE SET links = links + 1;
END;
