-- What photos are searched in (see shared::photo_query::SearchText); which picture each is, the same for equal pixels,
-- null where it is not compared with others; what both files of a Live Photo say. shelf can be -1, too: the film of a
-- Live Photo, which is shown with its photo only.
ALTER TABLE photos ADD COLUMN words TEXT NOT NULL DEFAULT '';
ALTER TABLE photos ADD COLUMN picture_id BLOB;
ALTER TABLE photos ADD COLUMN content_identifier TEXT;
-- Of what is searched only: lists without words are read from what is narrower.
CREATE INDEX photos_words ON photos (zone_id, shelf, taken_at, item_id, aspect, is_favorite, words) WHERE words <> '';
CREATE INDEX photos_picture ON photos (zone_id, picture_id, taken_at, item_id) WHERE picture_id IS NOT NULL;
CREATE INDEX photos_identifier ON photos (zone_id, content_identifier)
    WHERE content_identifier IS NOT NULL AND shelf < 3;

-- All are looked at once more: films told nothing yet, and of pictures too little was kept.
UPDATE photos SET due_at = 0, attempts = 0 WHERE due_at IS NULL;
