-- Clicks of each ten seconds on all links of a workspace together; kept for some hours, for what is shown live.
CREATE TABLE moments (
    moment INTEGER NOT NULL, -- unix milliseconds / 10,000
    link_id INTEGER NOT NULL, -- of a sum: not positive
    clicks INTEGER NOT NULL, -- bots among them
    bots INTEGER NOT NULL,
    PRIMARY KEY (moment, link_id)
) STRICT, WITHOUT ROWID;
