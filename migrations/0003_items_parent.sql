-- What is alive in a folder is found by items_place; only what is deleted there needs an index of its own. One
-- over both promised PostgreSQL as few rows as items_place, so that one name was looked for among all entries
-- of a large folder.
DROP INDEX items_parent;
CREATE INDEX items_trash_parent ON items (zone_id, parent_id) WHERE deleted_at IS NOT NULL AND purged_at IS NULL;
