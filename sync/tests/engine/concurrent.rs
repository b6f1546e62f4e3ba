//! Two devices, changing the same things.

use std::time::Duration;

use shared::sync::{Resolution, ZoneState};
use shared::{ErrorCode, SyncStatus};
use sync::{CallError, Command, CommandError, Effect, Event, NewContent, Notice, QueueState, UploadError};

use crate::world::{Fault, World, hash};

#[test]
fn two_contents_make_a_conflict_that_either_device_settles_offline_too() {
    let mut world = World::new(2);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "base");
    world.settle();
    world.go_offline(1);
    world.edit(0, file, "theirs");
    world.settle();
    world.edit(1, file, "mine");
    world.go_online(1);
    world.settle();
    let told = |notice: &Notice| matches!(notice, Notice::Conflict { item, .. } if *item == file);
    assert!(world.devices[1].notices.iter().any(told));
    assert_eq!(world.status(1, file), SyncStatus::Conflict);
    assert_eq!(world.tree(1), [format!("/a.txt {}", hash("theirs"))], "the server's stays current");

    world.event(0, Event::SocketOpened);
    world.settle();
    let conflict = world.devices[0].engine.conflicts()[0].id;
    world.go_offline(1);
    let settle = Command::Resolve { conflict, resolution: Resolution::Local };
    assert_eq!(world.run(1, vec![settle.clone()]).refused, []);
    assert!(world.devices[1].engine.conflicts().is_empty(), "settled at once");
    assert_eq!(world.devices[1].engine.summary().conflicts, 0, "nothing is left to decide");
    assert_eq!(world.status(1, file), SyncStatus::Pending, "only to be sent");
    assert_eq!(world.run(1, vec![settle.clone()]).refused, [(0, CommandError::ConflictNotFound(conflict))]);
    world.crash(1);
    assert!(world.devices[1].engine.conflicts().is_empty());
    world.go_online(1);
    world.event(0, Event::Online);
    world.assert_converged();
    assert_eq!(world.tree(0), [format!("/a.txt {}", hash("mine"))]);
    assert!(world.devices[0].engine.conflicts().is_empty());
}

#[test]
fn a_conflict_that_changed_meanwhile_is_put_to_the_person_again() {
    let mut world = World::new(2);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "base");
    world.settle();
    world.go_offline(1);
    world.edit(0, file, "theirs");
    world.settle();
    world.edit(1, file, "mine");
    world.go_online(1);
    world.settle();
    let conflict = world.devices[1].engine.conflicts()[0].id;
    world.go_offline(1);
    world.run(1, vec![Command::Resolve { conflict, resolution: Resolution::Local }]);
    world.edit(0, file, "theirs, later");
    world.settle();
    world.go_online(1);
    world.settle();
    let again = |notice: &Notice| matches!(notice, Notice::ConflictChanged { .. });
    assert!(world.devices[1].notices.iter().any(again));
    assert_eq!(world.devices[1].engine.conflicts().len(), 1);
}

#[test]
fn a_conflict_tells_what_the_file_holds_now() {
    let mut world = World::new(2);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "base");
    world.settle();
    world.go_offline(1);
    world.edit(0, file, "theirs");
    world.settle();
    world.edit(1, file, "mine");
    world.go_online(1);
    world.settle();
    world.edit(0, file, "theirs, later");
    world.settle();
    for device in &world.devices {
        let present = device.engine.item(file).expect("it is there").to_client_item().item.content_hash;
        assert_eq!(Some(device.engine.conflicts()[0].server_content_hash), present);
    }
}

#[test]
fn a_conflict_that_nobody_was_told_of_is_found_by_looking() {
    let mut world = World::new(2);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "base");
    world.settle();
    world.go_offline(1);
    world.edit(0, file, "theirs");
    world.settle();
    world.edit(1, file, "mine");
    world.devices[0].offline = true;
    world.go_online(1);
    world.settle();
    world.devices[0].offline = false;
    assert_eq!(world.devices[0].engine.conflicts().len(), 0);
    world.pass(Duration::from_mins(10));
    world.settle();
    assert_eq!(world.devices[0].engine.conflicts().len(), 1);
}

#[test]
fn an_editor_that_was_open_while_news_came_in_has_not_seen_them() {
    let mut world = World::new(2);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "base");
    world.settle();
    let base = world.devices[1].engine.edit_base(file);
    world.edit(0, file, "theirs");
    world.settle();
    let content = NewContent::Small(b"mine".to_vec());
    world.run(1, vec![Command::SetContent { id: file, content, modified_at: None, base }]);
    world.settle();
    assert_eq!(world.server.conflicts.len(), 1, "rather than written over unseen");
}

#[test]
fn the_same_edit_on_both_sides_is_one() {
    let mut world = World::new(2);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "base");
    world.settle();
    world.go_offline(1);
    world.edit(0, file, "same");
    world.edit(1, file, "same");
    world.settle();
    world.go_online(1);
    world.assert_converged();
    assert!(world.server.conflicts.is_empty());
}

#[test]
fn a_rename_here_and_an_edit_there_both_stand() {
    let mut world = World::new(2);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "base");
    world.settle();
    world.go_offline(1);
    world.edit(0, file, "edited");
    world.settle();
    world.rename(1, file, "b.txt");
    world.go_online(1);
    world.assert_converged();
    assert_eq!(world.tree(1), [format!("/b.txt {}", hash("edited"))]);
}

#[test]
fn news_of_the_other_sort_are_seen_by_a_later_edit_in_the_same_outbox() {
    let mut world = World::new(2);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "base");
    world.settle();
    // A rename that stays unanswered, while an edit of the other device comes in and is edited further.
    world.server.refuse.insert(file, (ErrorCode::Unavailable, 1));
    world.rename(1, file, "b.txt");
    world.deliver(1, Fault::None);
    world.server.refuse.clear();
    world.edit(0, file, "theirs");
    world.deliver(0, Fault::None);
    world.deliver(1, Fault::None);
    assert_eq!(world.tree(1), [format!("/b.txt {}", hash("theirs"))]);
    world.edit(1, file, "theirs and mine");
    world.assert_converged();
    assert!(world.server.conflicts.is_empty(), "it was seen");
    assert_eq!(world.tree(0), [format!("/b.txt {}", hash("theirs and mine"))]);
}

#[test]
fn what_is_edited_and_then_deleted_in_one_outbox_is_deleted() {
    let mut world = World::new(2);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "base");
    world.settle();
    world.go_offline(0);
    world.edit(0, file, "edited");
    world.rename(0, file, "b.txt");
    world.delete(0, file);
    world.go_online(0);
    world.assert_converged();
    assert_eq!(world.tree(1), [""; 0]);
}

#[test]
fn an_edit_beats_a_delete_and_the_deleter_is_told() {
    let mut world = World::new(2);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "base");
    world.settle();
    world.go_offline(1);
    world.edit(0, file, "edited");
    world.settle();
    world.delete(1, file);
    assert_eq!(world.tree(1), [""; 0]);
    world.go_online(1);
    world.assert_converged();
    assert_eq!(world.tree(1), [format!("/a.txt {}", hash("edited"))]);
    assert!(world.devices[1].notices.iter().any(|notice| matches!(notice, Notice::CameBack { .. })));
}

#[test]
fn a_file_put_into_a_folder_deleted_elsewhere_lives_with_it() {
    let mut world = World::new(2);
    let root = world.server.root;
    let folder = world.folder(0, root, "Folder");
    world.file(0, folder, "old", "old");
    world.settle();
    world.go_offline(1);
    world.file(1, folder, "new", "new");
    world.delete(0, folder);
    world.settle();
    world.go_online(1);
    world.assert_converged();
    assert!(world.tree(0).contains(&format!("/Folder/new {}", hash("new"))));
}

#[test]
fn the_first_of_two_moves_stands_and_the_later_is_told() {
    let mut world = World::new(2);
    let root = world.server.root;
    let (a, b) = (world.folder(0, root, "A"), world.folder(0, root, "B"));
    let file = world.file(0, root, "f", "f");
    world.settle();
    world.go_offline(1);
    world.shift(0, file, a);
    world.settle();
    world.shift(1, file, b);
    world.go_online(1);
    world.assert_converged();
    assert!(world.tree(1).contains(&format!("/A/f {}", hash("f"))));
    assert!(world.devices[1].notices.iter().any(|notice| matches!(notice, Notice::PlacedElsewhere { .. })));
}

#[test]
fn writing_into_what_was_purged_is_kept_as_an_unsent_change() {
    let mut world = World::new(2);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "base");
    world.settle();
    world.go_offline(1);
    world.edit(1, file, "precious");
    world.delete(0, file);
    world.run(0, vec![Command::Purge { id: file }]);
    world.settle();
    world.go_online(1);
    world.settle();
    let queue = world.devices[1].engine.queue();
    assert!(matches!(&queue[..], [entry] if matches!(&entry.state, QueueState::Refused { .. })));
    let bytes = world.devices[1].store.content_now(queue[0].operation_id);
    assert_eq!(bytes.as_deref(), Some(&b"precious"[..]));
}

#[test]
fn a_zone_that_is_taken_away_goes_without_a_delete() {
    let mut world = World::new(1);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "base");
    world.settle();
    world.go_offline(0);
    world.edit(0, file, "unsent");
    world.server.zone_state = ZoneState::Removed;
    let pushed = world.server.pushed_changes;
    // The next look for news tells it before anything is pushed.
    world.devices[0].offline = false;
    world.crash(0);
    while matches!(world.devices[0].requests.front(), Some(Effect::Pull { .. })) {
        world.deliver(0, Fault::None);
    }
    world.pass(Duration::from_mins(10));
    while world.devices[0].requests.front().is_some() {
        world.deliver(0, Fault::None);
    }
    assert!(world.devices[0].notices.contains(&Notice::ZoneRemoved));
    assert_eq!(world.tree(0), [""; 0]);
    let edits = world.devices[0].engine.queue().len();
    assert!(edits == 1 || world.server.pushed_changes == pushed + 1, "kept, or sent just before");
}

#[test]
fn an_upload_waits_for_its_folder_and_what_follows_waits_for_it() {
    let mut world = World::new(2);
    let root = world.server.root;
    let folder = world.folder(0, root, "Folder");
    let (file, operation) = world.upload(0, folder, "film", b"a long film");
    let started = |world: &World| {
        world.devices[0].requests.iter().any(|effect| matches!(effect, Effect::StartUpload(_)))
    };
    assert!(!started(&world));
    world.deliver(0, Fault::None);
    assert!(started(&world));
    assert_eq!(world.status(0, file), SyncStatus::Syncing);
    world.rename(0, file, "movie");
    world.delete(0, folder);
    while matches!(world.devices[0].requests.front(), Some(effect) if !matches!(effect, Effect::StartUpload(_)))
    {
        world.deliver(0, Fault::None);
    }
    assert!(world.server.is_live(folder), "not deleted under a running upload");
    // A lost answer to `complete` is asked for again, with the same operation.
    world.deliver(0, Fault::LoseAnswer);
    assert!(world.devices[0].engine.queue().iter().any(|entry| entry.operation_id == operation));
    world.assert_converged();
    assert_eq!(world.server.live().count(), 0);
    assert_eq!(world.devices[1].engine.trash().len(), 1);
}

#[test]
fn an_upload_can_be_cancelled_or_lose_its_bytes() {
    let mut world = World::new(1);
    let root = world.server.root;
    let (_, first) = world.upload(0, root, "one", b"1");
    world.event(0, Event::Discard { operation: first });
    assert!(world.devices[0].engine.queue().is_empty());
    let (_, second) = world.upload(0, root, "two", b"2");
    world.devices[0].requests.clear();
    world.event(0, Event::UploadFinished { operation: second, result: Err(UploadError::ContentLost) });
    assert_eq!(world.devices[0].engine.summary().failed, 1);
    let (_, third) = world.upload(0, root, "three", b"3");
    world.devices[0].requests.clear();
    let refused = CallError::Refused(Box::new(shared::Problem::new(ErrorCode::UploadExpired, "")));
    world.event(0, Event::UploadFinished { operation: third, result: Err(UploadError::Failed(refused)) });
    assert_eq!(world.devices[0].engine.summary().waiting, 1);
    world.settle();
    assert_eq!(world.tree(0).len(), 1);
}

#[test]
fn a_session_that_ended_stops_everything_until_the_person_is_back() {
    let mut world = World::new(1);
    let root = world.server.root;
    world.folder(0, root, "a");
    let Some(Effect::Push { call, .. }) = world.devices[0].requests.pop_front() else { panic!("it pushes") };
    let problem = shared::Problem::new(ErrorCode::Unauthenticated, "");
    world.event(0, Event::PushAnswered { call, result: Err(CallError::Refused(Box::new(problem))) });
    assert!(world.devices[0].engine.summary().signed_out);
    world.pass(Duration::from_hours(2));
    assert!(world.devices[0].requests.is_empty());
    world.event(0, Event::SignedIn);
    world.assert_converged();
    assert_eq!(world.server.live().count(), 1);
}

#[test]
fn a_clock_set_back_does_not_put_tries_off_for_ever() {
    let mut world = World::new(1);
    let root = world.server.root;
    world.folder(0, root, "a");
    world.deliver(0, Fault::LoseRequest);
    world.now = world.now - Duration::from_hours(24 * 365);
    world.event(0, Event::Tick);
    assert!(!world.devices[0].requests.is_empty());
}

#[test]
fn answers_that_nobody_waits_for_change_nothing() {
    let mut world = World::new(1);
    let root = world.server.root;
    world.folder(0, root, "a");
    let Some(Effect::Push { call, request, .. }) = world.devices[0].requests.front().cloned() else {
        panic!("it pushes")
    };
    world.deliver(0, Fault::LoseRequest);
    let late = world.server.push(&request, world.now).expect("it is taken");
    world.event(0, Event::PushAnswered { call, result: Ok(late) });
    assert_eq!(world.devices[0].engine.summary().waiting, 1);
    world.assert_converged();
    assert_eq!(world.server.live().count(), 1);
}

#[test]
fn search_finds_live_names_in_any_case_and_composition() {
    let mut world = World::new(1);
    let root = world.server.root;
    let folder = world.folder(0, root, "Straße");
    world.file(0, folder, "Café.txt", "c");
    let gone = world.file(0, folder, "cafe.txt", "c");
    world.delete(0, gone);
    let found = |text: &str| -> Vec<String> {
        let views = world.devices[0].engine.search(text, 10);
        views.iter().map(|view| view.name().to_owned()).collect()
    };
    assert_eq!(found("strasse"), ["Straße"]);
    assert_eq!(found("CAFE\u{301}"), ["Café.txt"]);
    assert_eq!(found("cafe"), [""; 0]);
    assert_eq!(found(".TXT"), ["Café.txt"]);
    let path = world.devices[0].engine.search("café", 1)[0].to_client_item().item.path;
    assert_eq!(path, "/Straße/Café.txt");
}

#[test]
fn a_creation_that_is_given_up_leaves_the_last_of_its_edits() {
    let mut world = World::new(1);
    let root = world.server.root;
    world.assert_converged();
    world.go_offline(0);
    let (file, first) = world.upload(0, root, "a.bin", b"large, so it goes by chunks");
    world.edit(0, file, "one");
    // A restart: what may have been sent is not rewritten.
    world.crash(0);
    world.edit(0, file, "two");
    assert_eq!(world.devices[0].engine.summary().waiting, 3);
    world.server.refuse.insert(file, (ErrorCode::ReadOnly, 1));
    world.go_online(0);
    world.settle();
    world.event(0, Event::Discard { operation: first });
    world.assert_converged();
    assert_eq!(world.tree(0), [format!("/a.bin {}", hash("two"))]);
}

#[test]
fn a_folder_that_joined_another_is_not_deleted_with_what_its_maker_never_saw_in_it() {
    let mut world = World::new(2);
    let root = world.server.root;
    world.settle();
    world.go_offline(1);
    let theirs = world.folder(0, root, "Letters");
    let letter = world.file(0, theirs, "a.txt", "a");
    world.settle();
    let mine = world.folder(1, root, "Letters");
    world.go_online(1);
    while !matches!(world.devices[1].requests.front(), Some(Effect::Push { .. })) {
        world.deliver(1, Fault::None);
    }
    world.delete(1, mine);
    world.assert_converged();
    assert!(world.server.is_live(letter));
}

#[test]
fn a_folder_deleted_before_ones_own_joined_it_loses_what_was_in_it_and_keeps_what_is_new() {
    let mut world = World::new(2);
    let root = world.server.root;
    let theirs = world.folder(0, root, "Letters");
    let letter = world.file(0, theirs, "a.txt", "a");
    let kept = world.file(0, theirs, "kept.txt", "kept");
    world.assert_converged();
    world.go_offline(1);
    // The delete waits until that is known to be out; the new folder does not.
    world.shift(1, kept, root);
    world.delete(1, theirs);
    let mine = world.folder(1, root, "Letters");
    world.file(1, mine, "b.txt", "b");
    world.go_online(1);
    world.assert_converged();
    assert!(!world.server.is_live(letter), "that is what was deleted");
    let letters = ["/Letters".to_owned(), format!("/Letters/b.txt {}", hash("b"))];
    assert_eq!(world.tree(0), [&letters[..], &[format!("/kept.txt {}", hash("kept"))]].concat());
}

#[test]
fn a_deleted_folder_keeps_the_edit_that_ones_own_edit_hid() {
    let mut world = World::new(2);
    let root = world.server.root;
    let folder = world.folder(0, root, "Folder");
    let file = world.file(0, folder, "a.txt", "base");
    world.settle();
    world.go_offline(1);
    world.edit(0, file, "theirs");
    world.settle();
    world.edit(1, file, "mine");
    world.server.refuse.insert(file, (ErrorCode::Unavailable, 2));
    world.go_online(1);
    while world.deliver(1, Fault::None) {}
    world.server.refuse.insert(file, (ErrorCode::ReadOnly, 1));
    world.delete(1, folder);
    world.settle();
    assert!(world.server.is_live(file), "nobody who deleted it had seen it so");
}

#[test]
fn a_deleted_folder_goes_whole_though_an_edit_in_it_was_made_on_one_that_is_answered() {
    let mut world = World::new(2);
    let root = world.server.root;
    let folder = world.folder(0, root, "Folder");
    let file = world.file(0, folder, "a.txt", "theirs");
    world.file(0, folder, "b.txt", "theirs, too");
    world.assert_converged();
    world.edit(1, file, "one");
    world.edit(1, file, "two");
    world.deliver(1, Fault::None);
    world.go_offline(1);
    world.delete(1, folder);
    world.go_online(1);
    world.assert_converged();
    assert!(!world.server.is_live(folder), "whoever deleted it had seen all of it");
}
