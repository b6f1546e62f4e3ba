-- Which photos an album has, kept with every write of their items (items.photo says it, and who put them in): those
-- that are neither hidden nor in the trash. taken_at, is_favorite, aspect: as in photos. cover_at: when the photo was
-- chosen to stand for the album, null if it was not; the latest counts.
CREATE TABLE album_photos (
    zone_id BLOB NOT NULL,
    album_id BLOB NOT NULL,
    photo_id BLOB NOT NULL,
    taken_at BIGINT NOT NULL,
    is_favorite BIGINT NOT NULL,
    aspect BIGINT NOT NULL,
    cover_at BIGINT,
    PRIMARY KEY (zone_id, album_id, photo_id)
);
CREATE INDEX album_photos_taken ON album_photos (zone_id, album_id, taken_at, photo_id, aspect);
CREATE INDEX album_photos_cover ON album_photos (zone_id, album_id, cover_at) WHERE cover_at IS NOT NULL;
CREATE INDEX album_photos_photo ON album_photos (zone_id, photo_id);

-- The albums of a library are its folders, few among its photos.
CREATE INDEX items_folders ON items (zone_id, parent_id, item_id) WHERE kind = 1;
