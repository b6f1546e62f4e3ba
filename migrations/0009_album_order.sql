-- What a photo is sorted by in the album instead of taken_at, where a person put it elsewhere; null otherwise.
ALTER TABLE album_photos ADD COLUMN sort_at BIGINT;
CREATE INDEX album_photos_order ON album_photos (zone_id, album_id, (COALESCE(sort_at, taken_at)), photo_id, aspect);
