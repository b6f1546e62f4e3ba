//! Albums: folders of the library that name its photos.

use serde_json::{Value, json};
use shared::error::ErrorCode;
use shared::limits::ALBUMS_OF_PHOTO_MAX;
use shared::photo::{Album, AlbumPage, InAlbum, Photo};
use shared::photo_index::PhotoIndexPage;
use shared::sync::Outcome;
use shared::{ItemId, VersionVector};

use crate::device::{Device, change, delete, file, folder, fresh, into, operation, purge, rename, restore};
use crate::photos::{jpeg, library_root, listed, upload};
use crate::support::TestServer;

fn in_album(photo: &Photo, base: &VersionVector, kind: &str, album: ItemId) -> Value {
    change(photo.id, kind, json!({"baseVersion": base, "albumId": album}))
}

async fn albums(device: &Device) -> Vec<Album> {
    device.person.get("/photos/albums").await.expect(200).json::<AlbumPage>().albums
}

/// Three photos, of 2001, 2002 and 2003.
async fn three(device: &mut Device) -> [Photo; 3] {
    let mut photos = Vec::new();
    for (n, shade) in [(1, 10), (2, 20), (3, 30)] {
        let photo = upload(&device.person, &format!("{n}.jpg"), &jpeg(40, 30, shade)).await;
        let taken = json!({"baseVersion": {}, "takenAt": format!("200{n}-01-01T00:00:00.000")});
        device.done(change(photo.id, "photo", taken)).await;
        photos.push(photo);
    }
    photos.try_into().expect("three")
}

#[tokio::test]
async fn an_album_lists_its_photos_and_has_a_cover() {
    for server in TestServer::each().await {
        let mut ann = Device { person: server.person("ann").await, token: None };
        let root = library_root(&ann.person).await;
        let [first, second, third] = three(&mut ann).await;
        let summer = ann.done(folder(fresh(), root, "Summer")).await;
        let empty = ann.done(folder(fresh(), root, "Empty")).await;
        let base = VersionVector::new();
        for photo in [&first, &second] {
            ann.done(in_album(photo, &base, "albumAdd", summer.id)).await;
        }
        let query = format!("?album={}", summer.id);
        assert_eq!(listed(&ann.person, &query).await, [second.id, first.id]);
        assert_eq!(listed(&ann.person, &format!("{query}&limit=1")).await, [second.id]);
        assert_eq!(
            listed(&ann.person, "").await,
            [third.id, second.id, first.id],
            "the library has them all"
        );
        let index: PhotoIndexPage = ann.person.get(&format!("/photos/index{query}")).await.expect(200).json();
        assert_eq!(index.segments.iter().map(|segment| segment.aspects().len()).sum::<usize>(), 2);
        let held = ann.item(first.id).await.photo.unwrap().albums;
        assert_eq!(held, [InAlbum { id: summer.id, cover_at: None }]);

        let [summer_listed, empty_listed] = &albums(&ann).await[..] else { panic!("two albums") };
        assert_eq!((summer_listed.name.as_str(), summer_listed.count), ("Summer", 2));
        assert_eq!(summer_listed.first_taken_at.unwrap().to_string(), "2001-01-01T00:00:00.000");
        assert_eq!(summer_listed.last_taken_at.unwrap().to_string(), "2002-01-01T00:00:00.000");
        assert_eq!(summer_listed.cover.as_ref().unwrap().id, second.id, "the latest, until one is chosen");
        assert_eq!((empty_listed.id, empty_listed.count, &empty_listed.cover), (empty.id, 0, &None));
        ann.done(in_album(&first, &base, "albumCover", summer.id)).await;
        assert_eq!(albums(&ann).await[0].cover.as_ref().unwrap().id, first.id);
        assert!(ann.item(first.id).await.photo.unwrap().albums[0].cover_at.is_some());
        ann.done(in_album(&third, &base, "albumCover", summer.id)).await;
        assert_eq!(albums(&ann).await[0].cover.as_ref().unwrap().id, third.id, "the last word, and in it");
        assert_eq!(listed(&ann.person, &query).await, [third.id, second.id, first.id]);

        for (field, photos) in [("archived", 3), ("hidden", 2)] {
            ann.done(change(third.id, "photo", json!({"baseVersion": {}, field: true}))).await;
            assert_eq!(listed(&ann.person, &query).await.len(), photos, "{field}");
        }
        assert_eq!(albums(&ann).await[0].cover.as_ref().unwrap().id, first.id, "of those that it shows");
        let version = ann.item(first.id).await.version;
        ann.done(delete(first.id, &version, None)).await;
        assert_eq!(listed(&ann.person, &query).await, [second.id]);
        assert_eq!(listed(&ann.person, &format!("{query}&favorite=true")).await, []);
        let page: AlbumPage = ann.person.get("/photos/albums?limit=1").await.expect(200).json();
        let next = page.next_cursor.expect("there is another");
        let rest: AlbumPage =
            ann.person.get(&format!("/photos/albums?cursor={next}")).await.expect(200).json();
        assert_eq!(rest.albums.iter().map(|album| album.id).collect::<Vec<_>>(), [empty.id]);
        ann.person.get("/photos/albums?limit=0").await.expect(400).problem(ErrorCode::InvalidRequest);
    }
}

#[tokio::test]
async fn adding_wins_over_removing() {
    for server in TestServer::each().await {
        let (mut near, mut far) = Device::two(&server).await;
        let root = library_root(&near.person).await;
        let photo = upload(&near.person, "a.jpg", &jpeg(40, 30, 1)).await;
        let album = near.done(folder(fresh(), root, "Summer")).await.id;
        let query = format!("?album={album}");
        let before = near.item(photo.id).await.version;
        near.done(in_album(&photo, &before, "albumAdd", album)).await;
        let (outcome, _) = far.outcome(in_album(&photo, &before, "albumRemove", album)).await;
        assert_eq!(outcome, Outcome::Unchanged, "made without having seen that it was put in");
        assert_eq!(listed(&near.person, &query).await, [photo.id]);
        let seen = far.item(photo.id).await.version;
        near.done(in_album(&photo, &before, "albumAdd", album)).await;
        far.outcome(in_album(&photo, &seen, "albumRemove", album)).await;
        assert_eq!(listed(&near.person, &query).await, [photo.id], "put in once more meanwhile");

        let seen = far.item(photo.id).await.version;
        far.done(in_album(&photo, &seen, "albumRemove", album)).await;
        assert_eq!(listed(&near.person, &query).await, []);
        let again = in_album(&photo, &seen, "albumAdd", album);
        let taken_out =
            change(photo.id, "albumRemove", json!({"baseOperationId": operation(&again), "albumId": album}));
        let answer = near.push(&[again, taken_out]).await;
        assert_eq!(answer.applied.len(), 2);
        assert_eq!(listed(&near.person, &query).await, [], "what one puts in, one takes out");
        assert!(near.item(photo.id).await.photo.unwrap().albums.is_empty());
    }
}

#[tokio::test]
async fn an_album_goes_and_comes_back_as_folders_do_and_its_photos_stay() {
    for server in TestServer::each().await {
        let mut ann = Device { person: server.person("ann").await, token: None };
        let root = library_root(&ann.person).await;
        let photos = three(&mut ann).await;
        let album = ann.done(folder(fresh(), root, "Summer")).await;
        for photo in &photos {
            ann.done(in_album(photo, &VersionVector::new(), "albumAdd", album.id)).await;
        }
        let query = format!("?album={}", album.id);
        let renamed = ann.done(rename(album.id, &album.version, "Holidays")).await;
        assert_eq!(albums(&ann).await[0].name, "Holidays");
        let deleted = ann.done(delete(album.id, &renamed.version, None)).await;
        assert!(albums(&ann).await.is_empty());
        ann.person.get(&format!("/photos{query}")).await.expect(404).problem(ErrorCode::NotFound);
        assert_eq!(listed(&ann.person, "").await.len(), 3);
        let back = ann.done(restore(album.id, &deleted.version)).await;
        assert_eq!(listed(&ann.person, &query).await.len(), 3);
        let deleted = ann.done(delete(album.id, &back.version, None)).await;
        ann.push(&[purge(album.id, &deleted.version)]).await;
        let gone = ann.refused(in_album(&photos[0], &VersionVector::new(), "albumAdd", album.id)).await;
        assert_eq!(gone.code, ErrorCode::Gone);
        assert_eq!(listed(&ann.person, "").await.len(), 3);
    }
}

#[tokio::test]
async fn an_album_names_photos_of_the_library_and_holds_nothing() {
    let server = TestServer::start().await;
    let mut ann = Device { person: server.person("ann").await, token: None };
    let root = library_root(&ann.person).await;
    let photo = upload(&ann.person, "a.jpg", &jpeg(40, 30, 1)).await;
    let album = ann.done(folder(fresh(), root, "Summer")).await.id;
    ann.refused_as(folder(fresh(), album, "Within"), ErrorCode::NotAFolder).await;
    ann.refused_as(into(photo.id, &VersionVector::new(), album), ErrorCode::NotAFolder).await;
    let base = VersionVector::new();
    ann.refused_as(in_album(&photo, &base, "albumAdd", fresh()), ErrorCode::ParentNotFound).await;
    ann.refused_as(in_album(&photo, &base, "albumAdd", photo.id), ErrorCode::NotAPhoto).await;
    let note = ann.done(file(fresh(), ann.root(), "a.txt", "a")).await;
    let add = change(note.id, "albumAdd", json!({"baseVersion": {}, "albumId": album}));
    ann.refused_as(add, ErrorCode::ParentNotFound).await;
    let bob = Device { person: server.person("bob").await, token: None };
    bob.person.get(&format!("/photos?album={album}")).await.expect(404).problem(ErrorCode::NotFound);
    bob.person.get(&format!("/photos/index?album={album}")).await.expect(404).problem(ErrorCode::NotFound);
    ann.person.get(&format!("/photos?album={}", photo.id)).await.expect(404);
}

#[tokio::test]
async fn a_photo_is_in_so_many_albums_at_most() {
    let server = TestServer::start().await;
    let mut ann = Device { person: server.person("ann").await, token: None };
    let root = library_root(&ann.person).await;
    let photo = upload(&ann.person, "a.jpg", &jpeg(40, 30, 1)).await;
    let ids: Vec<ItemId> = (0..=ALBUMS_OF_PHOTO_MAX).map(|_| fresh()).collect();
    let made: Vec<Value> = ids.iter().enumerate().map(|(n, &id)| folder(id, root, &format!("{n}"))).collect();
    assert_eq!(ann.push(&made).await.errors, []);
    let base = VersionVector::new();
    let adds: Vec<Value> = ids.iter().map(|&album| in_album(&photo, &base, "albumAdd", album)).collect();
    let answer = ann.push(&adds).await;
    assert_eq!((answer.applied.len(), answer.errors.len()), (ALBUMS_OF_PHOTO_MAX, 1));
    assert_eq!(answer.errors[0].code, ErrorCode::TooManyAlbums);
    // One that is gone for good takes no room.
    let deleted = ann.item(ids[0]).await;
    let deleted = ann.done(delete(ids[0], &deleted.version, None)).await;
    ann.push(&[purge(ids[0], &deleted.version)]).await;
    ann.done(in_album(&photo, &base, "albumAdd", ids[ALBUMS_OF_PHOTO_MAX])).await;
}
