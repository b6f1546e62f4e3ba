-- Whose change the item's last entry of the feed is, so that no node tells that device of it. Null: written before this
-- was noted.
ALTER TABLE items ADD COLUMN fed_by BLOB;

-- Settled conflicts are looked for too: by whoever goes on with a local side. What they proposed nobody asks for.
CREATE INDEX conflicts_item ON conflicts (zone_id, item_id);
UPDATE conflicts SET proposal = NULL WHERE resolved_at IS NOT NULL AND proposal IS NOT NULL;

-- Whether another chunk of the upload's plan is the same: then either stands for both.
ALTER TABLE upload_chunks ADD COLUMN repeats BIGINT NOT NULL DEFAULT 0;
CREATE INDEX upload_chunks_repeats ON upload_chunks (user_id, upload_id, hash) WHERE repeats = 1;
