-- Equal contents are looked up by their hash, however many photos have one size; and a Live Photo's other part among
-- few. Without "WHERE shelf < 3": where SQLite has no statistics, that has it go through all photos instead.
DROP INDEX photos_size;
DROP INDEX photos_identifier;
CREATE INDEX photos_content ON photos (zone_id, size, content_hash, item_id);
CREATE INDEX photos_identifier ON photos (zone_id, content_identifier, item_id) WHERE content_identifier IS NOT NULL;
