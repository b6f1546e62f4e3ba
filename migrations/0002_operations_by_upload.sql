-- Whether the operation came by an upload's end (1) or not (0), so that a `complete` whose session is gone knows
-- its own answer from that of a push which took the same id. Null: recorded before this was noted.
ALTER TABLE operations ADD COLUMN by_upload BIGINT;
