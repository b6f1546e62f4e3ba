//! Photos that look the same: which of them is worth the most.

use std::cmp::Reverse;

use shared::ItemId;
use shared::photo::{AlbumChange, InAlbum, Photo, PhotoEdit, PhotoInfo};
use sync::Command;

/// How much the file says of itself: place, camera, lens, exposure and how far from UTC it was.
pub fn details_len(info: &PhotoInfo) -> usize {
    let details = [
        info.location.is_some(),
        info.camera.is_some(),
        info.lens.is_some(),
        info.exposure.is_some(),
        info.taken_at_offset.is_some(),
    ];
    details.into_iter().filter(|is_there| *is_there).count()
}

/// The one to keep: one that moves, then with the most pixels, then with the most details, then the largest file, then the oldest.
pub fn best<'a>(photos: impl IntoIterator<Item = &'a Photo>) -> Option<ItemId> {
    let rank = |photo: &&Photo| {
        let pixels = photo.info.width.zip(photo.info.height);
        let pixels = pixels.map(|(width, height)| u64::from(width) * u64::from(height));
        let details = details_len(&photo.info);
        (
            photo.info.live_photo_video.is_some(),
            pixels,
            details,
            photo.size,
            Reverse(photo.info.taken_at),
            Reverse(photo.id),
        )
    };
    photos.into_iter().max_by_key(rank).map(|photo| photo.id)
}

/// Deletes the others; what people said of them is said of the one that stays.
pub fn keep_one(kept: &Photo, others: &[&Photo]) -> Vec<Command> {
    let id = kept.id;
    let is_favorite = others.iter().any(|photo| photo.info.is_favorite) && !kept.info.is_favorite;
    let in_library = others.iter().any(|photo| !photo.info.archived) && kept.info.archived;
    let location = others.iter().find_map(|photo| photo.info.location);
    let edit = PhotoEdit {
        is_favorite: is_favorite.then_some(true),
        archived: in_library.then_some(false),
        location: location.filter(|_| kept.info.location.is_none()).map(Some),
        ..PhotoEdit::default()
    };
    let described = (edit != PhotoEdit::default()).then_some(Command::DescribePhoto { id, edit });
    let mut albums: Vec<InAlbum> = others.iter().flat_map(|photo| &photo.info.albums).copied().collect();
    // A place that a person gave one of them counts.
    albums.sort_unstable_by_key(|held| (held.id, held.sort_at.is_none()));
    albums.dedup_by_key(|held| held.id);
    albums.retain(|held| !kept.info.is_in(held.id));
    let added = albums.into_iter().map(|held| {
        let change = held.sort_at.map_or(AlbumChange::Add, |at| AlbumChange::Place(Some(at)));
        Command::ChangeAlbum { photo: id, album: held.id, change }
    });
    let deleted = others.iter().map(|photo| Command::Delete { id: photo.id });
    described.into_iter().chain(added).chain(deleted).collect()
}

#[cfg(test)]
mod tests {
    use shared::photo::{LivePhotoVideo, Location, WallTime};
    use uuid::Uuid;

    use super::super::cache::tests::photo;
    use super::*;

    fn sized(n: u128, side: u32, size: u64, camera: Option<&str>) -> Photo {
        let mut photo = (*photo(n, 1)).clone();
        (photo.info.width, photo.info.height) = (Some(side), Some(side));
        photo.info.camera = camera.map(str::to_owned);
        photo.size = size;
        photo
    }

    #[test]
    fn pixels_count_before_details_and_details_before_bytes() {
        let small = sized(1, 100, 900, Some("X"));
        let large = sized(2, 200, 500, None);
        assert_eq!(best([&small, &large]), Some(large.id));
        let told = sized(3, 200, 400, Some("X"));
        assert_eq!(best([&small, &large, &told]), Some(told.id));
        let heavy = sized(4, 200, 600, Some("X"));
        assert_eq!(best([&told, &heavy]), Some(heavy.id));
        let mut live = sized(5, 100, 500, None);
        live.info.live_photo_video = Some(Box::new(LivePhotoVideo {
            file_id: ItemId(Uuid::from_u128(6)),
            url: String::new(),
            mime_type: "video/quicktime".into(),
            size: 1,
            duration: None,
        }));
        assert_eq!(best([&heavy, &live]), Some(live.id), "its film would go with it");
        assert_eq!(best([]), None);
    }

    #[test]
    fn the_one_that_stays_takes_over_what_was_said_of_the_others() {
        let album = |n| InAlbum { id: ItemId(Uuid::from_u128(n)), cover_at: None, sort_at: None };
        let mut kept = sized(1, 100, 1, None);
        kept.info.albums = vec![album(7)];
        kept.info.archived = true;
        let location = Location::new(48.1, 11.5).unwrap();
        let (mut liked, mut other) = (sized(2, 100, 1, None), sized(3, 100, 1, None));
        liked.info.is_favorite = true;
        liked.info.albums = vec![album(7), album(8)];
        let sort_at = Some(WallTime::from_millis(1));
        other.info.albums = vec![InAlbum { sort_at, ..album(8) }, album(9)];
        other.info.location = Some(location);
        let commands = keep_one(&kept, &[&liked, &other]);
        let edit = PhotoEdit {
            is_favorite: Some(true),
            archived: Some(false),
            location: Some(Some(location)),
            ..PhotoEdit::default()
        };
        let add = |n, change| Command::ChangeAlbum { photo: kept.id, album: album(n).id, change };
        let expected = [
            Command::DescribePhoto { id: kept.id, edit },
            add(8, AlbumChange::Place(sort_at)),
            add(9, AlbumChange::Add),
            Command::Delete { id: liked.id },
            Command::Delete { id: other.id },
        ];
        assert_eq!(commands, expected);
    }
}
