//! Copies: what the server holds is named, what it does not hold yet goes with them.

use shared::ItemId;
use sync::{Command, CommandError, Effect, NewContent};

use crate::world::{World, create_file, hash};

fn copy(world: &mut World, n: usize, source: ItemId, parent: ItemId) -> ItemId {
    let id = world.new_id(n);
    let ran = world.run(n, vec![Command::Copy { id, source, parent }]);
    assert_eq!(ran.refused, []);
    id
}

#[test]
fn a_copy_of_what_the_server_holds_carries_no_bytes() {
    let mut world = World::new(2);
    let root = world.server.root;
    let (file, _) = world.upload(0, root, "film.mp4", b"so many bytes");
    world.assert_converged();
    let (folder, before) = (world.folder(0, root, "Films"), world.server.largest_body);
    copy(&mut world, 0, file, folder);
    assert!(!world.devices[0].requests.iter().any(|request| matches!(request, Effect::StartUpload(_))));
    world.assert_converged();
    let shown = [
        "/Films".to_owned(),
        format!("/Films/film.mp4 {}", hash("so many bytes")),
        format!("/film.mp4 {}", hash("so many bytes")),
    ];
    assert_eq!(world.tree(1), shown);
    assert!(world.server.largest_body < before + 1_000, "no bytes travelled");
}

#[test]
fn a_folder_is_copied_offline_with_everything_in_it_even_into_itself() {
    let mut world = World::new(2);
    let root = world.server.root;
    let folder = world.folder(0, root, "a");
    let inner = world.folder(0, folder, "b");
    world.file(0, inner, "old.txt", "old");
    world.assert_converged();
    world.go_offline(0);
    // The server does not have these bytes yet.
    world.file(0, inner, "new.txt", "new");
    copy(&mut world, 0, folder, inner);
    let shown = world.tree(0);
    let inside = [
        "/a/b/a".to_owned(),
        "/a/b/a/b".to_owned(),
        format!("/a/b/a/b/new.txt {}", hash("new")),
        format!("/a/b/a/b/old.txt {}", hash("old")),
    ];
    assert_eq!(
        shown.iter().filter(|line| line.starts_with("/a/b/a")).collect::<Vec<_>>(),
        inside.iter().collect::<Vec<_>>()
    );
    world.crash(0);
    assert_eq!(world.tree(0), shown);
    world.go_online(0);
    world.assert_converged();
    assert_eq!(world.tree(1), shown);
}

#[test]
fn a_copy_is_what_the_original_was_at_that_time() {
    let mut world = World::new(1);
    let root = world.server.root;
    world.go_offline(0);
    let file = world.file(0, root, "a.txt", "before");
    copy(&mut world, 0, file, root);
    world.edit(0, file, "after");
    world.go_online(0);
    world.assert_converged();
    assert_eq!(
        world.tree(0),
        [format!("/a (2).txt {}", hash("before")), format!("/a.txt {}", hash("after"))]
    );
}

#[test]
fn a_copy_in_one_step_with_its_original_has_its_own_bytes() {
    let mut world = World::new(1);
    let root = world.server.root;
    world.go_offline(0);
    let (file, id) = (world.new_id(0), world.new_id(0));
    let set = Command::SetContent {
        id: file,
        content: NewContent::Small(b"after".to_vec()),
        modified_at: None,
        base: None,
    };
    let made = create_file(file, root, "a.txt", NewContent::Small(b"before".to_vec()));
    let ran = world.run(0, vec![made, Command::Copy { id, source: file, parent: root }, set]);
    assert_eq!(ran.refused, []);
    world.go_online(0);
    world.assert_converged();
    assert_eq!(
        world.tree(0),
        [format!("/a (2).txt {}", hash("before")), format!("/a.txt {}", hash("after"))]
    );
}

#[test]
fn a_copy_is_undone_and_asked_for_twice_made_once() {
    let mut world = World::new(1);
    let root = world.server.root;
    let folder = world.folder(0, root, "a");
    world.file(0, folder, "b", "b");
    world.assert_converged();
    let id = world.new_id(0);
    let command = Command::Copy { id, source: folder, parent: root };
    let ran = world.run(0, vec![command.clone()]);
    assert_eq!(world.run(0, vec![command]).refused, [(0, CommandError::AlreadyExists(id))]);
    world.assert_converged();
    assert_eq!(world.tree(0).len(), 4);
    world.run(0, ran.undo);
    world.assert_converged();
    assert_eq!(world.tree(0).len(), 2);
}

#[test]
fn what_is_still_being_uploaded_is_copied_later_or_not_at_all() {
    let mut world = World::new(1);
    let root = world.server.root;
    let folder = world.folder(0, root, "a");
    world.go_offline(0);
    let (file, _) = world.upload(0, folder, "film.mp4", b"bytes");
    for source in [file, folder] {
        let id = world.new_id(0);
        let ran = world.run(0, vec![Command::Copy { id, source, parent: root }]);
        assert_eq!(ran.refused, [(0, CommandError::StillUploading(file))]);
    }
    assert_eq!(world.tree(0).len(), 2, "no half of a folder");
    world.go_online(0);
    world.assert_converged();
    copy(&mut world, 0, folder, root);
    world.assert_converged();
}

#[test]
fn a_copy_of_what_is_gone_meanwhile_is_told() {
    let mut world = World::new(1);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "a");
    world.assert_converged();
    world.go_offline(0);
    copy(&mut world, 0, file, root);
    world.server.held.clear();
    world.go_online(0);
    world.settle();
    assert_eq!(world.devices[0].engine.summary().failed, 1);
    assert!(matches!(
        world.devices[0].notices.last(),
        Some(sync::Notice::Refused { reason, .. }) if !reason.is_empty()
    ));
}

#[test]
fn what_a_file_held_before_comes_back_offline_and_without_its_bytes() {
    let mut world = World::new(2);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "as it was");
    world.assert_converged();
    let held = world.devices[1].engine.item(file).and_then(|item| item.content_hash()).expect("a file");
    world.edit(0, file, "as it became");
    world.assert_converged();
    world.go_offline(1);
    let before = world.server.largest_body;
    let former = NewContent::Held { of: file, size: 9, hash: held };
    let command = Command::SetContent { id: file, content: former, modified_at: None, base: None };
    assert_eq!(world.run(1, vec![command]).refused, []);
    let back = [format!("/a.txt {}", hash("as it was"))];
    assert_eq!(world.tree(1), back);
    world.crash(1);
    assert_eq!(world.tree(1), back);
    world.go_online(1);
    world.assert_converged();
    assert_eq!(world.tree(0), back);
    assert!(world.server.largest_body < before + 1_000, "no bytes travelled");
}
