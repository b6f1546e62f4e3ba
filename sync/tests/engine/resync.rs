//! Tokens that expired, servers that were restored, databases that were wiped: nothing is deleted by it.

use sync::{Command, Effect, Event, Notice};

use crate::world::{Fault, World, hash};

#[test]
fn an_expired_token_drops_what_is_gone_and_keeps_what_was_edited() {
    let mut world = World::new(2);
    let root = world.server.root;
    let folder = world.folder(0, root, "Folder");
    let untouched = world.file(0, folder, "untouched", "1");
    let edited = world.file(0, folder, "edited", "2");
    let kept = world.file(0, folder, "kept", "3");
    world.settle();
    world.go_offline(1);
    world.edit(1, edited, "edited offline");
    world.rename(1, edited, "renamed offline");
    world.rename(1, kept, "kept too");
    for id in [untouched, edited] {
        world.delete(0, id);
        world.run(0, vec![Command::Purge { id }]);
    }
    world.settle();
    world.server.expire_tokens();
    world.go_online(1);
    world.settle();
    assert_eq!(
        world.tree(1),
        [
            "/Folder".to_owned(),
            format!("/Folder/kept too {}", hash("3")),
            format!("/Folder/renamed offline {}", hash("edited offline")),
        ]
    );
    world.event(0, Event::Online);
    world.assert_converged();
}

#[test]
fn an_expired_token_does_not_bring_back_what_lies_in_the_trash() {
    let mut world = World::new(2);
    let root = world.server.root;
    let file = world.file(0, root, "a", "1");
    world.settle();
    world.go_offline(1);
    world.delete(0, file);
    world.settle();
    world.server.expire_tokens();
    world.go_online(1);
    world.assert_converged();
    assert_eq!(world.tree(1), [""; 0]);
    assert_eq!(world.devices[1].engine.trash().len(), 1, "it can still be restored");
    world.run(1, vec![Command::Restore { id: file, parent: None }]);
    world.event(0, Event::Online);
    world.assert_converged();
    assert_eq!(world.tree(0).len(), 1);
}

#[test]
fn a_restored_server_gets_back_what_it_lost_as_far_as_the_bytes_are_here() {
    let mut world = World::new(2);
    let root = world.server.root;
    let old = world.file(0, root, "old", "1");
    world.settle();
    let backup = world.server.backup();
    let folder = world.folder(0, root, "Folder");
    let held = world.file(0, folder, "held", "2");
    let lost = world.file(0, folder, "lost", "3");
    world.edit(0, old, "edited after the backup");
    world.settle();
    world.go_offline(1);
    world.devices[0].cache.insert(held, b"2".to_vec());
    world.server.restore_from(backup);
    world.event(0, Event::Online);
    world.settle();
    assert_eq!(
        world.tree(0),
        ["/Folder".to_owned(), format!("/Folder/held {}", hash("2")), format!("/old {}", hash("1"))]
    );
    assert!(world.devices[0].notices.contains(&Notice::Lost { items: 1 }));
    assert!(world.devices[0].engine.item(lost).is_none());
    world.go_online(1);
    world.assert_converged();
    assert_eq!(world.tree(1).len(), 3);
}

#[test]
fn after_a_restore_no_queued_edit_claims_to_have_seen_anything() {
    let mut world = World::new(2);
    let root = world.server.root;
    let file = world.file(0, root, "a", "one");
    world.settle();
    let backup = world.server.backup();
    world.edit(0, file, "two");
    world.settle();
    world.go_offline(1);
    world.edit(1, file, "two and mine");
    world.delete(1, file);
    world.server.restore_from(backup);
    world.event(0, Event::Online);
    world.settle();
    // Its counts come again for another edit: the same vector, another content.
    world.edit(0, file, "two, but another");
    world.settle();
    world.go_online(1);
    world.settle();
    assert!(world.server.is_live(file), "a delete does not reach what was never seen");
    assert_eq!(world.server.conflicts.len(), 1, "nor does an edit write over it");
}

#[test]
fn a_server_that_is_restored_once_it_found_a_token_too_old_is_known_for_it() {
    for answers in 1..=5 {
        let mut world = World::new(2);
        let root = world.server.root;
        let backup = world.server.backup();
        let file = world.file(0, root, "a", "one");
        let mine = world.file(1, root, "mine", "held");
        for n in 0..7 {
            world.file(0, root, &n.to_string(), "more than a page");
        }
        world.settle();
        world.go_offline(1);
        world.delete(1, file);
        world.edit(0, file, "two");
        world.settle();
        world.server.expire_tokens();
        world.go_online(1);
        // The first says that the token is too old.
        for _ in 0..answers {
            world.deliver(1, Fault::None);
        }
        world.go_offline(1);
        world.server.restore_from(backup);
        world.devices[0].cache.insert(file, b"two".to_vec());
        world.devices[1].cache.insert(mine, b"held".to_vec());
        world.event(0, Event::Online);
        world.settle();
        world.go_online(1);
        world.assert_converged();
        let kept = [format!("/a {}", hash("two")), format!("/mine {}", hash("held"))];
        assert_eq!(world.tree(1), kept, "after {answers} answers");
    }
}

#[test]
fn a_folder_that_joined_another_is_itself_where_a_restored_server_has_it_again() {
    let mut world = World::new(2);
    let root = world.server.root;
    let joined = world.folder(0, root, "A");
    world.settle();
    let backup = world.server.backup();
    let folder = world.folder(0, root, "B");
    world.settle();
    for n in [0, 1] {
        world.go_offline(n);
    }
    world.delete(0, joined);
    world.rename(0, folder, "a");
    world.server.restore_from(backup.clone());
    world.go_online(0);
    world.settle();
    assert_eq!(world.tree(0), ["/A"], "the two are one");
    world.server.restore_from(backup.clone());
    world.go_online(1);
    world.settle();
    world.event(0, Event::Online);
    world.assert_converged();
    assert_eq!(world.tree(0), ["/A", "/B"], "who had not joined them sent it again");
    world.server.restore_from(backup);
    for n in [0, 1] {
        world.event(n, Event::Online);
    }
    world.assert_converged();
    assert_eq!(world.tree(0), ["/A", "/B"]);
}

#[test]
fn a_folder_moved_into_one_that_was_made_in_it_is_made_again() {
    let mut world = World::new(1);
    let root = world.server.root;
    let backup = world.server.backup();
    let outer = world.folder(0, root, "Outer");
    world.settle();
    world.go_offline(0);
    let inner = world.folder(0, outer, "Inner");
    let other = world.folder(0, root, "Other");
    world.run(0, vec![Command::Move { id: inner, parent: other }]);
    world.run(0, vec![Command::Move { id: outer, parent: inner }]);
    world.rename(0, outer, "Innermost");
    world.server.restore_from(backup);
    world.go_online(0);
    world.assert_converged();
    assert_eq!(world.tree(0), ["/Other", "/Other/Inner", "/Other/Inner/Innermost"]);
}

#[test]
fn a_folder_whose_creation_was_not_answered_is_made_again_as_it_was_known() {
    let mut world = World::new(2);
    let root = world.server.root;
    let backup = world.server.backup();
    world.settle();
    let folder = world.folder(0, root, "A");
    while !matches!(world.devices[0].requests.front(), Some(Effect::Push { .. })) {
        world.deliver(0, Fault::None);
    }
    world.deliver(0, Fault::LoseAnswer);
    while world.deliver(1, Fault::None) {}
    world.rename(1, folder, "B");
    while world.deliver(1, Fault::None) {}
    world.event(0, Event::Online);
    while world.tree(0) != ["/B"] {
        assert!(matches!(world.devices[0].requests.front(), Some(Effect::Pull { .. })), "it pulls first");
        world.deliver(0, Fault::None);
    }
    assert_eq!(world.devices[0].engine.queue().len(), 1, "its creation waits for an answer");
    world.server.restore_from(backup);
    world.assert_converged();
    assert_eq!(world.tree(1), ["/B"]);
}

#[test]
fn a_client_pointed_at_an_empty_server_deletes_nothing() {
    let mut world = World::new(1);
    let root = world.server.root;
    let folder = world.folder(0, root, "Folder");
    let file = world.file(0, folder, "a", "1");
    world.settle();
    world.devices[0].cache.insert(file, b"1".to_vec());
    let empty = crate::server::Server::new().backup();
    world.server.restore_from(empty);
    world.event(0, Event::Online);
    world.assert_converged();
    assert_eq!(world.tree(0), ["/Folder".to_owned(), format!("/Folder/a {}", hash("1"))]);
}

#[test]
fn a_wiped_database_pulls_everything_and_sends_nothing() {
    let mut world = World::new(1);
    let root = world.server.root;
    for n in 0..30 {
        world.folder(0, root, &format!("{n}"));
    }
    world.settle();
    let pushed = world.server.pushed_changes;
    world.add_device(1);
    assert_eq!(world.devices[1].engine.summary().first_sync, Some(0));
    world.assert_converged();
    assert_eq!(world.tree(1).len(), 30);
    assert_eq!(world.server.pushed_changes, pushed);
    assert_eq!(world.devices[1].engine.summary().first_sync, None);
}

#[test]
fn a_first_sync_that_is_cut_goes_on_where_it_was() {
    let mut world = World::new(1);
    let root = world.server.root;
    for n in 0..30 {
        world.folder(0, root, &format!("{n}"));
    }
    world.settle();
    world.add_device(1);
    world.deliver(1, crate::world::Fault::None);
    world.deliver(1, crate::world::Fault::None);
    let before = world.devices[1].engine.len();
    assert!(before > 0 && before < 30);
    world.crash(1);
    assert_eq!(world.devices[1].engine.len(), before);
    world.assert_converged();
    assert_eq!(world.tree(1).len(), 30);
}

#[test]
fn what_was_renamed_and_edited_here_and_is_gone_there_is_created_again_once() {
    let mut world = World::new(2);
    let root = world.server.root;
    let file = world.file(0, root, "a", "1");
    world.settle();
    world.go_offline(1);
    world.rename(1, file, "renamed offline");
    world.edit(1, file, "edited offline");
    world.delete(0, file);
    world.run(0, vec![Command::Purge { id: file }]);
    world.settle();
    world.server.expire_tokens();
    world.go_online(1);
    let requests = (0..200).take_while(|_| world.deliver(1, crate::world::Fault::None)).count();
    assert!(requests < 200, "{requests} requests within a moment");
    assert_eq!(world.tree(1), [format!("/renamed offline {}", hash("edited offline"))]);
    world.event(0, Event::Online);
    world.assert_converged();
}

#[test]
fn what_is_gone_and_waits_for_nothing_any_more_is_not_shown() {
    let mut world = World::new(2);
    let root = world.server.root;
    let folder = world.folder(0, root, "Folder");
    world.settle();
    world.go_offline(1);
    world.delete(1, folder);
    world.delete(0, folder);
    world.run(0, vec![Command::Purge { id: folder }]);
    world.settle();
    world.server.expire_tokens();
    world.server.refuse.insert(folder, (shared::ErrorCode::OperationExpired, 1));
    world.go_online(1);
    while world.deliver(1, crate::world::Fault::None) {}
    assert_eq!(world.run(1, vec![Command::Restore { id: folder, parent: None }]).refused, []);
    world.event(0, Event::Online);
    world.assert_converged();
}

#[test]
fn what_was_deleted_before_its_creation_was_answered_is_deleted_though_it_has_to_be_made_again() {
    let mut world = World::new(2);
    let root = world.server.root;
    world.settle();
    world.go_offline(1);
    let folder = world.folder(1, root, "Folder");
    let file = world.file(1, folder, "a", "1");
    world.go_online(1);
    while !matches!(world.devices[1].requests.front(), Some(Effect::Push { .. })) {
        world.deliver(1, Fault::None);
    }
    world.deliver(1, Fault::LoseAnswer);
    world.event(1, Event::Online);
    assert!(matches!(world.devices[1].requests.front(), Some(Effect::Pull { .. })), "it pulls first");
    world.deliver(1, Fault::None);
    world.go_offline(1);
    world.delete(1, file);
    while world.deliver(0, Fault::None) {}
    world.delete(0, file);
    world.run(0, vec![Command::Purge { id: file }]);
    while world.deliver(0, Fault::None) {}
    // Long after, it knows neither the file nor what it answered.
    world.server.expire_tokens();
    for created in [folder, file] {
        world.server.refuse.insert(created, (shared::ErrorCode::OperationExpired, 1));
    }
    world.go_online(1);
    world.assert_converged();
    assert!(!world.server.is_live(file));
}

#[test]
fn what_came_again_after_a_delete_of_it_found_nothing_stays() {
    let mut world = World::new(2);
    let root = world.server.root;
    let backup = world.server.backup();
    let file = world.file(0, root, "a.txt", "hello");
    world.assert_converged();
    world.devices[0].cache.insert(file, b"hello".to_vec());
    world.go_offline(0);
    world.go_offline(1);
    world.delete(1, file);
    world.server.restore_from(backup);
    world.go_online(1);
    while !matches!(world.devices[1].requests.front(), Some(Effect::Push { .. })) {
        world.deliver(1, Fault::None);
    }
    // There is no such file, and nobody hears of that before the other device has sent it again.
    world.deliver(1, Fault::LoseAnswer);
    world.go_online(0);
    world.assert_converged();
    assert!(world.server.is_live(file));
}
