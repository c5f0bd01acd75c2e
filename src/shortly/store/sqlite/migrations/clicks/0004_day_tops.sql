-- The links of a workspace that people clicked most on a day; kept for some days. Whenever a link's count of the day grows, it is
-- compared with those that are here, so these are always the ones with the most.
CREATE TABLE day_tops (
    day INTEGER NOT NULL,
    link_id INTEGER NOT NULL, -- of a sum: not positive
    clicks BLOB NOT NULL, -- MessagePack: link_id -> human clicks, see click_tops.py
    PRIMARY KEY (day, link_id)
) STRICT, WITHOUT ROWID;
