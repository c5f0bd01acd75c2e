-- Hours and days are whole numbers since the unix epoch, UTC. link_id 0 stands for all links together.
--
-- Time comes first in the keys of the big tables: what is written now lies close together however many links and years
-- there are, so a batch of clicks touches few pages. A reader looks up one row for each day or hour that it wants.

-- These tables have rowids, because their rows may be larger than a page: a search by a key inside of such a row would
-- read all of each row on its way.

-- Hours of days that had many clicks.
CREATE TABLE link_hours (
    hour INTEGER NOT NULL,
    link_id INTEGER NOT NULL,
    clicks INTEGER NOT NULL, -- bots among them
    bots INTEGER NOT NULL,
    dimensions BLOB NOT NULL, -- MessagePack: dimension -> value -> clicks
    PRIMARY KEY (hour, link_id)
) STRICT;

CREATE TABLE link_days (
    day INTEGER NOT NULL,
    link_id INTEGER NOT NULL,
    clicks INTEGER NOT NULL, -- bots among them
    bots INTEGER NOT NULL,
    visitors INTEGER NOT NULL, -- humans that were seen for the first time on this day
    hours BLOB NOT NULL, -- MessagePack: hour of the day -> [clicks, bots, dimensions], without hours that had nothing
    dimensions BLOB, -- as above, and then those in hours are empty; NULL: few clicks, which hours alone describes
    PRIMARY KEY (day, link_id)
) STRICT;

-- Sums of days that are over, for links with many clicks; they only save adding the days up, see click_spans.py.
CREATE TABLE link_spans (
    days INTEGER NOT NULL,
    first_day INTEGER NOT NULL,
    link_id INTEGER NOT NULL,
    clicks INTEGER NOT NULL, -- bots among them
    bots INTEGER NOT NULL,
    dimensions BLOB NOT NULL, -- as above
    PRIMARY KEY (days, first_day, link_id)
) STRICT;

-- Who was seen already; kept until the day after.
CREATE TABLE visitors (
    day INTEGER NOT NULL,
    who BLOB NOT NULL, -- link_id in 8 bytes, highest first, and the hash of the visitor
    PRIMARY KEY (day, who)
) STRICT, WITHOUT ROWID;

-- Since the link was made.
CREATE TABLE totals (
    link_id INTEGER PRIMARY KEY,
    clicks INTEGER NOT NULL, -- bots among them
    bots INTEGER NOT NULL
) STRICT;

CREATE INDEX totals_by_clicks ON totals (clicks, link_id);

-- Raw visits, without private ones. The key is the time, so that they lie in the order they came in and need no index
-- for it; the one index that there is has the key at its end.
CREATE TABLE visits (
    id INTEGER PRIMARY KEY, -- unix milliseconds << 20 | lowest 20 bits of a running number
    link_id INTEGER NOT NULL,
    visit BLOB NOT NULL -- MessagePack: VISIT_FIELDS of click_rows.py
) STRICT;

CREATE INDEX visits_by_link ON visits (link_id);

CREATE TABLE next_visit (
    number INTEGER NOT NULL
) STRICT;

INSERT INTO next_visit VALUES (0);

-- The keys of the visitor hashes; kept until the day after.
CREATE TABLE salts (
    day INTEGER PRIMARY KEY,
    salt BLOB NOT NULL
) STRICT;

-- How far each segment of the click journal has been added to the tables above, in the same transaction.
CREATE TABLE positions (
    segment TEXT NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL -- bytes
) STRICT, WITHOUT ROWID;
