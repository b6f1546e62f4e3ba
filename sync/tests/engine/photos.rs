//! What people say of photos: shown at once, one operation until it is sent, the last word on each field.

use std::time::Duration;

use shared::photo::{AlbumChange, PhotoEdit, PhotoInfo, WallTime};
use shared::sync::{ZoneInfo, ZoneKind, ZoneRole, ZoneState};
use shared::{DeviceId, ErrorCode, ItemId, ItemKind, SyncStatus, Timestamp, VersionVector, ZoneId};
use sync::{Command, CommandError, Engine, Meta, Snapshot, StoredItem};
use uuid::Uuid;

use crate::world::{World, hash};

fn favorite(is_favorite: bool) -> PhotoEdit {
    PhotoEdit { is_favorite: Some(is_favorite), ..PhotoEdit::default() }
}

fn hidden() -> PhotoEdit {
    PhotoEdit { hidden: Some(true), ..PhotoEdit::default() }
}

fn photo(world: &World, n: usize, id: ItemId) -> PhotoInfo {
    let view = world.devices[n].engine.item(id).expect("it is there");
    view.photo().expect("a photo").clone()
}

#[test]
fn what_is_said_of_a_photo_is_shown_at_once_and_reaches_the_other_device() {
    let mut world = World::new(2);
    let root = world.server.root;
    let id = world.file(0, root, "a.jpg", "a picture");
    world.assert_converged();
    world.go_offline(0);
    let said = world.run(0, vec![Command::DescribePhoto { id, edit: favorite(true) }]);
    let again = world.run(0, vec![Command::DescribePhoto { id, edit: hidden() }]);
    assert_eq!(said.operations, again.operations, "one operation until it is sent");
    assert!(photo(&world, 0, id).is_favorite && photo(&world, 0, id).hidden);
    assert_eq!(world.status(0, id), SyncStatus::Pending);
    world.run(1, vec![Command::DescribePhoto { id, edit: favorite(false) }]);
    world.go_online(0);
    world.assert_converged();
    for n in [0, 1] {
        let now = photo(&world, n, id);
        assert!(now.is_favorite && now.hidden, "the last to arrive, on device {n}");
        assert_eq!(world.status(n, id), SyncStatus::Synced);
    }
    world.run(0, said.undo);
    world.assert_converged();
    let now = photo(&world, 1, id);
    assert!(!now.is_favorite && now.hidden, "undone is what was said, and no more");
}

#[test]
fn what_is_said_of_a_photo_that_is_gone_is_dropped() {
    let mut world = World::new(2);
    let root = world.server.root;
    let id = world.file(0, root, "a.jpg", "a picture");
    world.assert_converged();
    world.go_offline(0);
    world.run(0, vec![Command::DescribePhoto { id, edit: favorite(true) }]);
    world.delete(1, id);
    world.run(1, vec![Command::Purge { id }]);
    world.settle();
    world.go_online(0);
    world.assert_converged();
    assert!(world.devices[0].engine.item(id).is_none());
    assert!(world.devices[0].engine.summary().is_synced(), "nothing waits for a person");
}

#[test]
fn what_the_server_does_not_know_yet_is_on_its_way() {
    let mut world = World::new(1);
    let root = world.server.root;
    let there = world.file(0, root, "a.jpg", "a picture");
    world.assert_converged();
    world.go_offline(0);
    let first = world.file(0, root, "b.jpg", "another");
    let second = world.file(0, root, "c.jpg", "a third one");
    let gone = world.file(0, root, "d.jpg", "not wanted");
    world.delete(0, gone);
    let on_their_way = |world: &World| -> Vec<ItemId> {
        world.devices[0].engine.created_in(root).map(|item| item.id()).collect()
    };
    assert_eq!(on_their_way(&world), [second, first], "the latest first, without {there}");
    world.go_online(0);
    world.assert_converged();
    assert_eq!(on_their_way(&world), []);
}

#[test]
fn a_file_is_no_photo() {
    let mut world = World::new(1);
    let root = world.server.root;
    let id = world.file(0, root, "a.txt", "no picture");
    let ran = world.run(0, vec![Command::DescribePhoto { id, edit: hidden() }]);
    assert_eq!(ran.refused, [(0, CommandError::NotAPhoto(id))]);
}

fn in_albums(world: &World, n: usize, id: ItemId) -> Vec<ItemId> {
    photo(world, n, id).albums.iter().map(|held| held.id).collect()
}

fn in_album(photo: ItemId, album: ItemId, change: AlbumChange) -> Command {
    Command::ChangeAlbum { photo, album, change }
}

#[test]
fn an_album_made_offline_and_filled_arrives_whole() {
    let mut world = World::new(2);
    let root = world.server.root;
    let photos = [world.file(0, root, "a.jpg", "one"), world.file(0, root, "b.jpg", "two")];
    world.assert_converged();
    world.go_offline(0);
    let album = world.folder(0, root, "Summer");
    let filled = world.run(0, photos.map(|photo| in_album(photo, album, AlbumChange::Add)).to_vec());
    assert_eq!(filled.refused, []);
    assert_eq!(in_albums(&world, 0, photos[0]), [album], "shown at once");
    world.run(0, vec![in_album(photos[1], album, AlbumChange::Remove)]);
    assert_eq!(world.devices[0].engine.queue().len(), 3, "taken out before it was sent, it is one operation");
    world.crash(0);
    world.go_online(0);
    world.assert_converged();
    assert_eq!(in_albums(&world, 1, photos[0]), [album]);
    assert!(photo(&world, 1, photos[1]).albums.is_empty());
    world.run(0, filled.undo);
    world.assert_converged();
    assert!(photo(&world, 1, photos[0]).albums.is_empty());
}

#[test]
fn an_edit_after_an_album_that_is_gone_is_made_on_what_the_person_saw() {
    let mut world = World::new(2);
    let root = world.server.root;
    let photo = world.file(0, root, "a.jpg", "one");
    let album = world.folder(0, root, "Summer");
    world.assert_converged();
    world.go_offline(0);
    world.run(0, vec![in_album(photo, album, AlbumChange::Add)]);
    world.edit(0, photo, "two");
    world.rename(0, photo, "b.jpg");
    world.delete(1, album);
    world.run(1, vec![Command::Purge { id: album }]);
    world.settle();
    world.go_online(0);
    world.assert_converged();
    assert_eq!(world.tree(1), [format!("/b.jpg {}", hash("two"))]);
    assert_eq!(world.status(0, photo), SyncStatus::Synced, "nobody is asked");
}

#[test]
fn two_albums_of_one_name_become_one_with_the_photos_of_both() {
    let mut world = World::new(2);
    let root = world.server.root;
    let photos = [world.file(0, root, "a.jpg", "one"), world.file(0, root, "b.jpg", "two")];
    world.assert_converged();
    world.go_offline(0);
    world.go_offline(1);
    for n in [0, 1] {
        let album = world.folder(n, root, "Summer");
        world.run(n, vec![in_album(photos[n], album, AlbumChange::Add)]);
    }
    world.go_online(0);
    world.settle();
    world.go_online(1);
    world.assert_converged();
    let albums = in_albums(&world, 0, photos[0]);
    assert_eq!(albums.len(), 1);
    assert_eq!(in_albums(&world, 0, photos[1]), albums);
}

#[test]
fn what_was_put_into_an_album_that_is_gone_is_dropped() {
    let mut world = World::new(2);
    let root = world.server.root;
    let id = world.file(0, root, "a.jpg", "one");
    let album = world.folder(0, root, "Summer");
    world.assert_converged();
    world.go_offline(0);
    world.run(0, vec![in_album(id, album, AlbumChange::Cover)]);
    world.delete(1, album);
    world.run(1, vec![Command::Purge { id: album }]);
    world.settle();
    world.go_online(0);
    world.assert_converged();
    assert!(world.devices[0].engine.summary().is_synced(), "nothing waits for a person");
    let ran = world.run(0, vec![in_album(id, album, AlbumChange::Add)]);
    assert_eq!(ran.refused, [(0, CommandError::ParentNotFound(album))]);
}

#[test]
fn albums_are_told_with_what_they_have_without_the_server() {
    let mut world = World::new(1);
    let root = world.server.root;
    let [first, second, hidden_one] =
        ["a", "b", "c"].map(|name| world.file(0, root, &format!("{name}.jpg"), name));
    let (summer, empty) = (world.folder(0, root, "summer"), world.folder(0, root, "Autumn"));
    world.assert_converged();
    world.go_offline(0);
    let taken = |ms| PhotoEdit { taken_at: Some(Some(WallTime::from_millis(ms))), ..PhotoEdit::default() };
    let mut commands = vec![
        Command::DescribePhoto { id: first, edit: taken(1_000) },
        Command::DescribePhoto { id: second, edit: taken(2_000) },
        Command::DescribePhoto { id: hidden_one, edit: hidden() },
    ];
    commands.extend([first, second, hidden_one].map(|id| in_album(id, summer, AlbumChange::Add)));
    world.run(0, commands);
    let albums = |world: &World| world.devices[0].engine.albums_in(root);
    let [autumn, filled] = &albums(&world)[..] else { panic!("two albums, by name") };
    assert_eq!((autumn.id, autumn.count, autumn.cover), (empty, 0, None));
    assert_eq!((filled.id, filled.name.as_str(), filled.count), (summer, "summer", 2));
    assert_eq!(filled.taken, Some((WallTime::from_millis(1_000), WallTime::from_millis(2_000))));
    assert_eq!(filled.cover, Some(second), "the latest");
    world.run(0, vec![in_album(first, summer, AlbumChange::Cover)]);
    assert_eq!(albums(&world)[1].cover, Some(first), "until one is chosen");
    world.delete(0, first);
    assert_eq!((albums(&world)[1].cover, albums(&world)[1].count), (Some(second), 1));
}

#[test]
fn what_is_on_its_way_goes_into_an_album_as_well() {
    let mut world = World::new(2);
    let root = world.server.root;
    let album = world.folder(0, root, "Summer");
    let text = world.file(0, root, "a.txt", "no picture");
    world.assert_converged();
    world.go_offline(0);
    let [there, taken_out] = ["a", "b"].map(|name| world.file(0, root, &format!("{name}.jpg"), name));
    let ran = world.run(0, [there, taken_out].map(|id| in_album(id, album, AlbumChange::Add)).to_vec());
    assert_eq!(ran.refused, []);
    world.run(0, vec![in_album(taken_out, album, AlbumChange::Remove)]);
    world.crash(0);
    let is_headed = |world: &World, id| world.devices[0].engine.is_headed_for(id, album);
    assert!(is_headed(&world, there) && !is_headed(&world, taken_out));
    world.go_online(0);
    world.assert_converged();
    assert!(!is_headed(&world, there), "it is there");
    assert_eq!(in_albums(&world, 1, there), [album]);
    assert_eq!(in_albums(&world, 1, taken_out), []);
    let shown: Vec<ItemId> = world.devices[1].engine.photos_in_album(album).map(|item| item.id()).collect();
    assert_eq!(shown, [there]);
    let ran = world.run(0, vec![in_album(text, album, AlbumChange::Add)]);
    assert_eq!(ran.refused, [(0, CommandError::NotAPhoto(text))]);
}

#[test]
fn a_photo_of_the_library_that_nobody_has_looked_at_goes_into_an_album() {
    let mut world = World::new(1);
    world.server.kind = ZoneKind::Photos;
    let root = world.server.root;
    let album = world.folder(0, root, "Summer");
    let id = world.file(0, root, "a.heic", "sent, not read");
    world.assert_converged();
    let ran = world.run(0, vec![in_album(id, album, AlbumChange::Add)]);
    assert_eq!(ran.refused, []);
}

#[test]
fn what_follows_an_album_that_waits_is_not_asked_for_before_it() {
    let mut world = World::new(1);
    world.server.kind = ZoneKind::Photos;
    let root = world.server.root;
    let id = world.file(0, root, "a.jpg", "one");
    world.assert_converged();
    world.go_offline(0);
    let album = world.folder(0, root, "Summer");
    world.server.refuse.insert(album, (ErrorCode::Unavailable, 2));
    let put_in = in_album(id, album, AlbumChange::Add);
    let ran = world.run(0, vec![put_in, Command::DescribePhoto { id, edit: favorite(true) }]);
    assert_eq!(ran.refused, []);
    let before = world.server.pushes;
    world.go_online(0);
    world.assert_converged();
    let pushes = world.server.pushes - before;
    assert!(pushes < 6, "{pushes} pushes: the album is asked for again after a while, and nothing before it");
}

#[test]
fn a_photo_comes_out_of_the_trash_into_its_library_only() {
    let at = Timestamp::from_millis(1_800_000_000_000);
    let zone = |n: u128, kind| ZoneInfo {
        zone_id: ZoneId(Uuid::from_u128(n)),
        root_id: ItemId(Uuid::from_u128(10 + n)),
        kind,
        role: ZoneRole::Owner,
        state: ZoneState::Active,
    };
    let (files, photos) = (zone(1, ZoneKind::Files), zone(2, ZoneKind::Photos));
    let id = ItemId(Uuid::from_u128(4));
    let photo = StoredItem {
        id,
        zone_id: photos.zone_id,
        parent_id: photos.root_id,
        name: "a.jpg".into(),
        kind: ItemKind::File,
        size: 1,
        mime_type: None,
        content_hash: None,
        version: VersionVector::new(),
        created_at: at,
        modified_at: at,
        deleted_at: Some(at),
        photo: None,
    };
    let root = files.root_id;
    let meta = Meta { zones: vec![files, photos], ..Meta::new(DeviceId(Uuid::from_u128(3)), root) };
    let snapshot = Snapshot { items: vec![photo], ..Snapshot::empty(meta) };
    let mut engine = Engine::open(snapshot, [0; 32], at);
    let elsewhere = engine.run(at, vec![Command::Restore { id, parent: Some(root) }]);
    assert_eq!(elsewhere.refused, [(0, CommandError::OtherZone(id))]);
    assert_eq!(engine.run(at, vec![Command::Restore { id, parent: None }]).refused, []);
}

#[test]
fn the_trash_shows_a_live_photo_once() {
    let mut world = World::new(2);
    let root = world.server.root;
    let mut live_photo = |name: &str| {
        let [still, film] = [name.to_owned(), format!("{name}.mov")].map(|n| world.file(0, root, &n, &n));
        world.assert_converged();
        let entry = world.server.items.get_mut(&film).expect("it was sent");
        entry.item.photo.as_mut().expect("a photo").live_photo_of = Some(still);
        [still, film]
    };
    let ([still, film], [other, other_film]) = (live_photo("a.jpg"), live_photo("b.jpg"));
    let trash = |world: &World, n: usize| -> Vec<ItemId> {
        world.devices[n].engine.trash().iter().map(sync::ItemView::id).collect()
    };
    world.run(0, vec![Command::Delete { id: still }, Command::Delete { id: film }]);
    world.assert_converged();
    assert_eq!([trash(&world, 0), trash(&world, 1)], [[still], [still]]);
    // A film that went alone is a thing of its own.
    world.delete(0, other_film);
    world.assert_converged();
    world.pass(Duration::from_secs(1));
    world.delete(0, other);
    world.assert_converged();
    assert_eq!(trash(&world, 1), [other, other_film, still]);

    // Where its photo waits to come back, or to be removed for good, the film waits with it.
    world.go_offline(1);
    let ran = world.run(1, vec![Command::Restore { id: still, parent: None }]);
    assert_eq!(trash(&world, 1), [other, other_film]);
    world.run(1, ran.undo);
    world.run(1, vec![Command::Purge { id: still }]);
    assert_eq!(trash(&world, 1), [other, other_film]);
}

#[test]
fn a_cover_that_was_chosen_is_taken_back() {
    let mut world = World::new(2);
    let root = world.server.root;
    let album = world.folder(0, root, "Summer");
    let photos = ["a", "b"].map(|name| world.file(0, root, &format!("{name}.jpg"), name));
    world.run(0, photos.map(|id| in_album(id, album, AlbumChange::Add)).to_vec());
    world.assert_converged();
    let cover = |world: &World, n: usize| world.devices[n].engine.albums_in(root)[0].cover;
    let before = cover(&world, 0).expect("one of them");
    let other = photos.into_iter().find(|id| *id != before).expect("there are two");
    let ran = world.run(0, vec![in_album(other, album, AlbumChange::Cover)]);
    world.assert_converged();
    assert_eq!(cover(&world, 1), Some(other));
    world.pass(Duration::from_secs(1));
    let again = world.run(0, ran.undo);
    world.assert_converged();
    assert_eq!(cover(&world, 1), Some(before));
    world.pass(Duration::from_secs(1));
    world.run(0, again.undo);
    world.assert_converged();
    assert_eq!(cover(&world, 1), Some(other));
}

fn at(ms: i64) -> AlbumChange {
    AlbumChange::Place(Some(WallTime::from_millis(ms)))
}

/// An album with two photos.
fn arranged() -> (World, ItemId, [ItemId; 2]) {
    let mut world = World::new(2);
    let root = world.server.root;
    let album = world.folder(0, root, "Summer");
    let photos = ["a", "b"].map(|name| world.file(0, root, &format!("{name}.jpg"), name));
    world.run(0, photos.map(|id| in_album(id, album, AlbumChange::Add)).to_vec());
    world.assert_converged();
    (world, album, photos)
}

/// What a photo is sorted by in its only album, in milliseconds.
fn sort_at(world: &World, n: usize, id: ItemId) -> Option<i64> {
    Some(photo(world, n, id).albums.first()?.sort_at?.as_millis())
}

#[test]
fn a_photo_is_moved_within_its_album_without_the_server_as_one_operation_and_back() {
    let (mut world, album, [moved, other]) = arranged();
    world.go_offline(0);
    let first = world.run(0, vec![in_album(moved, album, at(1_000))]);
    assert_eq!(photo(&world, 0, moved).sorted_at(Some(album)), WallTime::from_millis(1_000), "at once");
    assert_ne!(photo(&world, 0, moved).sorted_at(None), WallTime::from_millis(1_000), "there alone");
    let again = world.run(0, vec![in_album(moved, album, at(2_000))]);
    assert_eq!(first.operations, again.operations, "one operation until it is sent");
    let same = world.run(0, vec![in_album(moved, album, at(2_000))]);
    assert_eq!((same.operations.len(), same.undo.len()), (0, 0));
    world.run(1, vec![in_album(moved, album, at(7_000)), in_album(other, album, at(8_000))]);
    world.settle();
    world.crash(0);
    world.go_online(0);
    world.assert_converged();
    for n in [0, 1] {
        assert_eq!(
            (sort_at(&world, n, moved), sort_at(&world, n, other)),
            (Some(2_000), Some(8_000)),
            "device {n}"
        );
    }
    world.run(0, again.undo);
    world.assert_converged();
    assert_eq!(sort_at(&world, 1, moved), Some(1_000), "where it was before");
    world.run(0, first.undo);
    world.assert_converged();
    assert_eq!((sort_at(&world, 1, moved), in_albums(&world, 1, moved)), (None, vec![album]));
}

#[test]
fn what_is_moved_back_before_it_is_sent_changes_nothing_for_others() {
    let (mut world, album, [moved, _]) = arranged();
    let root = world.server.root;
    let new = world.file(0, root, "c.jpg", "c");
    world.assert_converged();
    world.go_offline(0);
    let placed = world.run(0, vec![in_album(moved, album, at(1_000)), in_album(new, album, at(2_000))]);
    assert_eq!(in_albums(&world, 0, new), [album], "what is put somewhere is put in");
    world.run(0, vec![in_album(new, album, AlbumChange::Place(None))]);
    assert_eq!((sort_at(&world, 0, new), in_albums(&world, 0, new)), (None, vec![album]));
    world.run(
        0,
        placed
            .undo
            .into_iter()
            .filter(|undo| matches!(undo, Command::ChangeAlbum { photo, .. } if *photo == moved))
            .collect(),
    );
    assert_eq!(sort_at(&world, 0, moved), None);
    world.go_online(0);
    world.assert_converged();
    assert_eq!((sort_at(&world, 1, moved), sort_at(&world, 1, new)), (None, None));
    assert_eq!(in_albums(&world, 1, new), [album]);
}

#[test]
fn what_is_taken_out_comes_back_to_its_place_only_by_undo() {
    let (mut world, album, [moved, _]) = arranged();
    world.run(0, vec![in_album(moved, album, at(1_000))]);
    world.assert_converged();
    for is_offline in [false, true] {
        if is_offline {
            world.go_offline(0);
        }
        let out = world.run(0, vec![in_album(moved, album, AlbumChange::Remove)]);
        assert_eq!(in_albums(&world, 0, moved), []);
        world.run(0, out.undo);
        assert_eq!(sort_at(&world, 0, moved), Some(1_000));
        world.go_online(0);
        world.assert_converged();
        assert_eq!(sort_at(&world, 1, moved), Some(1_000), "offline: {is_offline}");
    }
    world.go_offline(0);
    world.run(0, vec![in_album(moved, album, AlbumChange::Remove)]);
    world.run(0, vec![in_album(moved, album, AlbumChange::Add)]);
    assert_eq!(sort_at(&world, 0, moved), None);
    world.go_online(0);
    world.assert_converged();
    assert_eq!((sort_at(&world, 1, moved), in_albums(&world, 1, moved)), (None, vec![album]));
    let out = world.run(0, vec![in_album(moved, album, AlbumChange::Place(None))]);
    assert_eq!(out.operations, []);
}

#[test]
fn a_cover_that_is_moved_before_it_was_sent_is_both() {
    let (mut world, album, [first, second]) = arranged();
    world.go_offline(0);
    world.run(0, vec![in_album(first, album, AlbumChange::Cover), in_album(first, album, at(1_000))]);
    world.run(0, vec![in_album(second, album, at(2_000)), in_album(second, album, AlbumChange::Cover)]);
    world.go_online(0);
    world.assert_converged();
    assert_eq!((sort_at(&world, 1, first), sort_at(&world, 1, second)), (Some(1_000), Some(2_000)));
    let covers = [first, second].map(|id| photo(&world, 1, id).in_album(album).unwrap().cover_at.is_some());
    assert_eq!(covers, [true, true]);
}
