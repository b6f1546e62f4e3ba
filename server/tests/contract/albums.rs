//! Albums: folders of the library that name its photos.

use serde_json::{Value, json};
use shared::error::ErrorCode;
use shared::limits::ALBUMS_OF_PHOTO_MAX;
use shared::photo::{Album, AlbumPage, InAlbum, Photo, PhotoPage, WallTime};
use shared::photo_index::{PhotoIndexPage, PhotoSegment, WallDay};
use shared::sync::Outcome;
use shared::{ItemId, VersionVector};

use crate::device::{Device, change, delete, file, folder, fresh, into, operation, purge, rename, restore};
use crate::photos::{jpeg, library_root, listed, upload};
use crate::support::TestServer;

pub fn in_album(photo: &Photo, base: &VersionVector, kind: &str, album: ItemId) -> Value {
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
        assert_eq!(held, [InAlbum { id: summer.id, cover_at: None, sort_at: None }]);

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
        let whole: AlbumPage = ann.person.get("/photos/albums?limit=2").await.expect(200).json();
        assert_eq!((whole.albums.len(), whole.next_cursor), (2, None), "nothing comes after them");
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
    let seen = ann.item(photo.id).await.version;
    let gone = ann.done(delete(photo.id, &seen, None)).await.version;
    let restored = change(photo.id, "restore", json!({"baseVersion": gone, "parentId": album}));
    ann.refused_as(restored, ErrorCode::NotAFolder).await;
    ann.done(restore(photo.id, &gone)).await;
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
    for server in TestServer::each().await {
        let mut ann = Device { person: server.person("ann").await, token: None };
        let root = library_root(&ann.person).await;
        let photo = upload(&ann.person, "a.jpg", &jpeg(40, 30, 1)).await;
        let ids: Vec<ItemId> = (0..=ALBUMS_OF_PHOTO_MAX).map(|_| fresh()).collect();
        let made: Vec<Value> =
            ids.iter().enumerate().map(|(n, &id)| folder(id, root, &format!("{n}"))).collect();
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
}

fn placed(photo: &Photo, base: &VersionVector, album: ItemId, sort_at: Option<&str>) -> Value {
    change(photo.id, "albumPlace", json!({"baseVersion": base, "albumId": album, "sortAt": sort_at}))
}

/// The list of an album as its pages give it, one photo each.
async fn paged(device: &Device, album: ItemId) -> Vec<ItemId> {
    let (mut ids, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let from = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let page = device.person.get(&format!("/photos?album={album}&limit=1{from}")).await.expect(200);
        let page: PhotoPage = page.json();
        ids.extend(page.photos.iter().map(|photo| photo.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return ids;
        }
    }
}

/// The days of an index, and whether it is arranged.
async fn indexed(device: &Device, query: &str) -> (Vec<i32>, bool) {
    let index: PhotoIndexPage = device.person.get(&format!("/photos/index{query}")).await.expect(200).json();
    let days = index.segments.iter().flat_map(|segment| segment.days().iter().map(|(day, _)| day.0));
    (days.collect(), index.segments.iter().any(PhotoSegment::is_arranged))
}

fn days(texts: &[&str]) -> Vec<i32> {
    let day = |text: &&str| WallDay::from(format!("{text}T00:00:00.000").parse::<WallTime>().unwrap()).0;
    texts.iter().map(day).collect()
}

#[tokio::test]
async fn photos_of_an_album_stand_where_they_are_put() {
    for server in TestServer::each().await {
        let mut ann = Device { person: server.person("ann").await, token: None };
        let root = library_root(&ann.person).await;
        let [first, second, third] = three(&mut ann).await;
        let summer = ann.done(folder(fresh(), root, "Summer")).await.id;
        let other = ann.done(folder(fresh(), root, "Other")).await.id;
        let base = VersionVector::new();
        for (album, photo) in
            [summer, other].into_iter().flat_map(|album| [(album, &first), (album, &second)])
        {
            ann.done(in_album(photo, &base, "albumAdd", album)).await;
        }
        ann.done(in_album(&third, &base, "albumAdd", summer)).await;
        let query = format!("?album={summer}");
        let by_date = (days(&["2003-01-01", "2002-01-01", "2001-01-01"]), false);
        assert_eq!(indexed(&ann, &query).await, by_date);

        let item = ann.done(placed(&first, &base, summer, Some("2002-06-01T00:00:00.000"))).await;
        let held = item.photo.unwrap().albums;
        let sort_at = |album| held.iter().find(|held| held.id == album).unwrap().sort_at;
        assert_eq!(
            (sort_at(summer).unwrap().to_string().as_str(), sort_at(other)),
            ("2002-06-01T00:00:00.000", None)
        );
        assert_eq!(listed(&ann.person, &query).await, [third.id, first.id, second.id]);
        assert_eq!(paged(&ann, summer).await, [third.id, first.id, second.id]);
        let arranged = (days(&["2003-01-01", "2002-06-01", "2002-01-01"]), true);
        assert_eq!(indexed(&ann, &query).await, arranged);
        assert_eq!(paged(&ann, other).await, [second.id, first.id], "another album is as it was");
        assert_eq!(indexed(&ann, "").await, by_date, "and so is the library");
        assert_eq!(
            listed(&ann.person, &format!("{query}&query=2001")).await,
            [first.id],
            "found by its own day"
        );
        assert_eq!(listed(&ann.person, &format!("{query}&query=2002")).await, [second.id]);
        let [album, _] = &albums(&ann).await[..] else { panic!("two albums") };
        assert_eq!(album.first_taken_at.unwrap().to_string(), "2001-01-01T00:00:00.000");
        assert_eq!(album.cover.as_ref().unwrap().id, third.id);

        // Above the latest and below the earliest, whatever is said of its date.
        ann.done(placed(&first, &base, summer, Some("9999-12-31T23:59:59.999"))).await;
        ann.done(change(first.id, "photo", json!({"baseVersion": {}, "takenAt": "1999-01-01T00:00:00.000"})))
            .await;
        assert_eq!(paged(&ann, summer).await, [first.id, third.id, second.id]);
        ann.done(placed(&third, &base, summer, Some("0000-01-01T00:00:00.000"))).await;
        assert_eq!(paged(&ann, summer).await, [first.id, second.id, third.id]);
        // Those of one time follow each other by id, over pages too.
        for photo in [&first, &second, &third] {
            ann.done(placed(photo, &base, summer, Some("2002-06-01T00:00:00.000"))).await;
        }
        let mut by_id = vec![first.id, second.id, third.id];
        by_id.sort_unstable_by(|one, other| other.cmp(one));
        assert_eq!(paged(&ann, summer).await, by_id);

        // What is hidden and shown again, or in the trash and back, is where it was.
        let version = ann.done(placed(&first, &base, summer, Some("2004-01-01T00:00:00.000"))).await.version;
        let version = ann.done(delete(first.id, &version, None)).await.version;
        assert_eq!(listed(&ann.person, &query).await.len(), 2);
        ann.done(restore(first.id, &version)).await;
        assert_eq!(listed(&ann.person, &query).await[0], first.id);
        for photo in [&first, &second, &third] {
            ann.done(placed(photo, &base, summer, None)).await;
        }
        assert!(!indexed(&ann, &query).await.1);
        assert_eq!(paged(&ann, summer).await, [third.id, second.id, first.id], "by date again");
    }
}

#[tokio::test]
async fn the_last_to_arrive_says_where_a_photo_stands_and_a_photo_taken_out_has_no_place() {
    for server in TestServer::each().await {
        let (mut near, mut far) = Device::two(&server).await;
        let root = library_root(&near.person).await;
        let [first, second, third] = three(&mut near).await;
        let album = near.done(folder(fresh(), root, "Summer")).await.id;
        for photo in [&second, &third] {
            near.done(in_album(photo, &VersionVector::new(), "albumAdd", album)).await;
        }
        let seen = near.item(second.id).await.version;
        near.done(placed(&second, &seen, album, Some("2005-01-01T00:00:00.000"))).await;
        far.done(placed(&second, &seen, album, Some("2001-06-01T00:00:00.000"))).await;
        assert_eq!(
            paged(&near, album).await,
            [third.id, second.id],
            "the last word, whatever it was made on"
        );

        // What is put somewhere is put in, so it outlasts who did not see it there.
        let seen = near.item(first.id).await.version;
        near.done(placed(&first, &seen, album, Some("2002-01-01T00:00:00.000"))).await;
        let (outcome, _) = far.outcome(in_album(&first, &seen, "albumRemove", album)).await;
        assert_eq!(outcome, Outcome::Unchanged);
        assert_eq!(paged(&near, album).await, [third.id, first.id, second.id]);
        // Put in or made the cover, it keeps its place.
        near.done(in_album(&first, &seen, "albumAdd", album)).await;
        near.done(in_album(&first, &seen, "albumCover", album)).await;
        assert_eq!(paged(&near, album).await, [third.id, first.id, second.id]);

        let seen = near.item(second.id).await.version;
        let removed = near.done(in_album(&second, &seen, "albumRemove", album)).await;
        let (outcome, _) = far.outcome(placed(&second, &seen, album, None)).await;
        assert_eq!(outcome, Outcome::Unchanged, "by its date it is put in nowhere");
        assert_eq!(paged(&near, album).await, [third.id, first.id]);
        near.done(in_album(&second, &removed.version, "albumAdd", album)).await;
        assert_eq!(near.item(second.id).await.photo.unwrap().albums[0].sort_at, None);
        near.done(placed(&first, &seen, album, None)).await;
        assert_eq!(paged(&near, album).await, [third.id, second.id, first.id]);
    }
}

#[tokio::test]
async fn what_is_no_place_is_refused_with_its_reason() {
    let server = TestServer::start().await;
    let mut ann = Device { person: server.person("ann").await, token: None };
    let root = library_root(&ann.person).await;
    let photo = upload(&ann.person, "a.jpg", &jpeg(40, 30, 1)).await;
    let album = ann.done(folder(fresh(), root, "Summer")).await.id;
    let base = VersionVector::new();
    for wrong in
        ["", "yesterday", "2002-06-01T00:00:00Z", "10000-01-01T00:00:00.000", "2002-02-30T00:00:00.000"]
    {
        ann.refused_as(placed(&photo, &base, album, Some(wrong)), ErrorCode::InvalidRequest).await;
    }
    let nowhere =
        change(photo.id, "albumPlace", json!({"baseVersion": {}, "sortAt": "2002-06-01T00:00:00.000"}));
    ann.refused_as(nowhere, ErrorCode::InvalidRequest).await;
    let number = json!({"baseVersion": {}, "albumId": album, "sortAt": 1_000});
    ann.refused_as(change(photo.id, "albumPlace", number), ErrorCode::InvalidRequest).await;
    let at = Some("2002-06-01T00:00:00.000");
    ann.refused_as(placed(&photo, &base, fresh(), at), ErrorCode::ParentNotFound).await;
    ann.refused_as(placed(&photo, &base, photo.id, at), ErrorCode::NotAPhoto).await;
    assert_eq!(listed(&ann.person, &format!("?album={album}")).await, []);
    let ids: Vec<ItemId> = (0..ALBUMS_OF_PHOTO_MAX).map(|_| fresh()).collect();
    let made: Vec<Value> = ids.iter().enumerate().map(|(n, &id)| folder(id, root, &format!("{n}"))).collect();
    assert_eq!(ann.push(&made).await.errors, []);
    let places: Vec<Value> = ids.iter().map(|&album| placed(&photo, &base, album, at)).collect();
    assert_eq!(ann.push(&places).await.errors, []);
    ann.refused_as(placed(&photo, &base, album, at), ErrorCode::TooManyAlbums).await;
    ann.done(placed(&photo, &base, ids[0], Some("2003-06-01T00:00:00.000"))).await;
}
