-- What people say and what was found of a photo, as JSON; null for everything that is no photo.
ALTER TABLE items ADD COLUMN photo TEXT;

-- By what photos are looked up, kept with every write of their items. shelf: 0 in the library, 1 archived, 2 hidden,
-- 3 in the trash. taken_at: milliseconds on the wall where it was taken. aspect: its shape, a byte (see
-- shared::photo::Aspect). due_at: when its derivatives are to be made, 0 for at once; null once that is settled.
CREATE TABLE photos (
    zone_id BLOB NOT NULL,
    item_id BLOB NOT NULL,
    shelf BIGINT NOT NULL,
    taken_at BIGINT NOT NULL,
    is_favorite BIGINT NOT NULL,
    aspect BIGINT NOT NULL,
    size BIGINT NOT NULL,
    content_hash BLOB NOT NULL,
    due_at BIGINT,
    attempts BIGINT NOT NULL,
    PRIMARY KEY (zone_id, item_id)
);
CREATE INDEX photos_shelf ON photos (zone_id, shelf, taken_at, item_id, aspect);
CREATE INDEX photos_favorite ON photos (zone_id, taken_at, item_id) WHERE is_favorite = 1 AND shelf = 0;
CREATE INDEX photos_size ON photos (zone_id, size) WHERE shelf < 3;
CREATE INDEX photos_due ON photos (due_at) WHERE due_at IS NOT NULL;
