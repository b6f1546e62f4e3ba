-- The highest count that went with a tombstone: what comes new goes on from there. So an id that comes again never
-- gets a count a second time, by which something old could pass for having seen what is new.
ALTER TABLE zones ADD COLUMN count_floor BIGINT NOT NULL DEFAULT 0;
