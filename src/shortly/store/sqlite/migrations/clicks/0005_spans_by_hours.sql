-- Spans are told by hours, so that a quarter of a day can be one. They are sums of what other tables hold: the
-- housekeeping makes them anew.

DROP TABLE link_spans;

CREATE TABLE link_spans (
    hours INTEGER NOT NULL,
    first_hour INTEGER NOT NULL,
    link_id INTEGER NOT NULL,
    clicks INTEGER NOT NULL, -- bots among them
    bots INTEGER NOT NULL,
    dimensions BLOB NOT NULL, -- MessagePack: dimension -> value -> clicks
    PRIMARY KEY (hours, first_hour, link_id)
) STRICT;
