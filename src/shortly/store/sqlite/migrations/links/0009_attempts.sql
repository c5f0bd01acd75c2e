-- Whoever repeats a request after a crash draws the same slugs as the first attempt, and so finds what that one made.

ALTER TABLE idempotency ADD COLUMN seed BLOB; -- random, what slugs are drawn from; NULL: of before this migration
ALTER TABLE idempotency ADD COLUMN since INTEGER; -- unix milliseconds, UTC, of the first attempt; NULL: as seed
