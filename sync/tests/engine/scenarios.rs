//! What must happen to a person's changes, one case each.

use std::time::Duration;

use shared::{ErrorCode, SyncStatus};
use sync::{Command, CommandError, Effect, Event, NewContent, Notice, QueueState};

use crate::world::{Fault, World, create_file, hash, name};

#[test]
fn a_folder_and_a_file_reach_the_other_device() {
    let mut world = World::new(2);
    let root = world.server.root;
    let folder = world.folder(0, root, "Letters");
    let file = world.file(0, folder, "a.txt", "hello");
    let shown = vec!["/Letters".to_owned(), format!("/Letters/a.txt {}", hash("hello"))];
    assert_eq!(world.tree(0), shown, "at once");
    assert_eq!(world.status(0, file), SyncStatus::Pending);
    assert_eq!(world.status(0, folder), SyncStatus::Syncing);
    world.assert_converged();
    assert_eq!(world.tree(1), shown);
    assert_eq!(world.status(0, file), SyncStatus::Synced);
}

#[test]
fn a_lost_answer_is_asked_for_again_and_applies_once() {
    let mut world = World::new(2);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "hello");
    world.deliver(0, Fault::LoseAnswer);
    assert_eq!(world.server.live().count(), 1);
    assert_eq!(world.status(0, file), SyncStatus::Pending);
    assert!(!world.devices[0].engine.summary().is_synced());
    world.assert_converged();
    assert_eq!(world.tree(1), [format!("/a.txt {}", hash("hello"))]);
}

#[test]
fn a_device_whose_clock_is_far_behind_delivers_all_the_same() {
    let mut world = World::new(2);
    let root = world.server.root;
    world.server.ahead = Duration::from_hours(200 * 24);
    let folder = world.folder(0, root, "Letters");
    world.file(0, folder, "a.txt", "hello");
    world.assert_converged();
    assert_eq!(world.tree(1), ["/Letters".to_owned(), format!("/Letters/a.txt {}", hash("hello"))]);
}

#[test]
fn nothing_is_sent_before_it_is_stored() {
    let mut world = World::new(1);
    let root = world.server.root;
    world.devices[0].unstored = Some(std::collections::VecDeque::new());
    world.folder(0, root, "a");
    assert!(world.devices[0].requests.is_empty());
    world.store_one(0);
    assert!(matches!(world.devices[0].requests.front(), Some(Effect::Push { .. })));
}

#[test]
fn what_came_is_not_called_up_to_date_before_it_is_stored() {
    let mut world = World::new(2);
    let root = world.server.root;
    world.file(0, root, "a.txt", "hello");
    world.settle();
    world.devices[1].unstored = Some(std::collections::VecDeque::new());
    world.file(0, root, "b.txt", "hello");
    while world.deliver(0, Fault::None) || world.deliver(1, Fault::None) {}
    let shown = world.tree(1).len();
    let summary = world.devices[1].engine.summary();
    assert_eq!((shown, summary.unstored, summary.is_synced()), (2, true, false));
    while world.devices[1].unstored.as_ref().is_some_and(|unstored| !unstored.is_empty()) {
        world.store_one(1);
    }
    let summary = world.devices[1].engine.summary();
    assert_eq!((summary.unstored, summary.is_synced()), (false, true));
}

#[test]
fn a_store_that_refuses_is_asked_again_and_nothing_leaves_before() {
    let mut world = World::new(1);
    let root = world.server.root;
    world.devices[0].unstored = Some(std::collections::VecDeque::new());
    world.folder(0, root, "a");
    let Some(Effect::Persist(batch)) =
        world.devices[0].unstored.as_mut().and_then(std::collections::VecDeque::pop_front)
    else {
        panic!("a batch waits");
    };
    world.event(0, Event::PersistFailed(batch.id));
    assert!(world.devices[0].engine.summary().storage_failed);
    assert!(world.devices[0].notices.contains(&Notice::StorageFailed));
    world.folder(0, root, "b");
    world.pass(Duration::from_secs(2));
    assert_eq!(
        world.devices[0].unstored.as_ref().map(std::collections::VecDeque::len),
        Some(2),
        "both batches, in order"
    );
    world.devices[0].unstored.as_mut().expect("slow").truncate(2);
    world.assert_converged();
    assert_eq!(world.tree(0), ["/a", "/b"]);
}

#[test]
fn a_tree_made_offline_survives_a_crash_and_drains_in_order() {
    let mut world = World::new(2);
    let root = world.server.root;
    world.go_offline(0);
    let mut parent = root;
    for depth in 0..10 {
        parent = world.folder(0, parent, &format!("level {depth}"));
        for n in 0..4 {
            world.file(0, parent, &format!("{n}.txt"), &format!("{depth} {n}"));
        }
    }
    let shown = world.tree(0);
    assert_eq!(shown.len(), 50);
    world.crash(0);
    assert_eq!(world.tree(0), shown, "the person sees no difference");
    assert_eq!(world.devices[0].engine.summary().waiting, 50);
    world.go_online(0);
    world.assert_converged();
    assert_eq!(world.tree(1), shown);
    assert_eq!(world.server.pushed_changes, 50, "once each");
}

#[test]
fn thousands_of_small_files_go_in_few_bounded_pushes() {
    let mut world = World::new(1);
    let root = world.server.root;
    world.go_offline(0);
    let commands = (0..1_200).map(|n| {
        let content = NewContent::Small(vec![n as u8; 9_000]);
        create_file(shared::ItemId(uuid::Uuid::from_u128(50_000 + n)), root, &format!("{n}"), content)
    });
    let ran = world.run(0, commands.collect());
    assert_eq!((ran.refused.len(), ran.operations.len()), (0, 1_200));
    world.go_online(0);
    let mut pushes = 0;
    while let Some(request) = world.devices[0].requests.front() {
        pushes += usize::from(matches!(request, Effect::Push { .. }));
        world.deliver(0, Fault::None);
    }
    assert!(pushes <= 8, "{pushes} pushes");
    assert!(world.server.largest_body > shared::limits::PUSH_BODY_BYTES_MAX / 2);
    world.assert_converged();
}

#[test]
fn edits_before_the_first_push_join_their_creation() {
    let mut world = World::new(2);
    let root = world.server.root;
    world.go_offline(0);
    let folder = world.folder(0, root, "New folder");
    world.rename(0, folder, "Letters");
    let file = world.file(0, folder, "a.txt", "one");
    world.edit(0, file, "two");
    world.rename(0, file, "b.txt");
    world.shift(0, file, root);
    assert_eq!(world.devices[0].engine.queue().len(), 2);
    let empty = world.folder(0, root, "Second thoughts");
    let undo = world.delete(0, empty).undo;
    assert_eq!(world.devices[0].engine.queue().len(), 2, "as if it had never been");
    assert!(matches!(undo[..], [Command::CreateFolder { .. }]));
    world.go_online(0);
    world.assert_converged();
    assert_eq!(world.server.pushed_changes, 2);
    assert_eq!(world.tree(1), ["/Letters".to_owned(), format!("/b.txt {}", hash("two"))]);
}

#[test]
fn what_may_have_been_sent_is_never_rewritten() {
    let mut world = World::new(2);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "one");
    world.deliver(0, Fault::LoseAnswer);
    world.edit(0, file, "two");
    world.rename(0, file, "b.txt");
    world.edit(0, file, "three");
    assert_eq!(world.devices[0].engine.queue().len(), 4, "edits chain, also over a rename");
    world.assert_converged();
    assert!(world.server.conflicts.is_empty(), "no conflict with oneself");
    assert_eq!(world.tree(1), [format!("/b.txt {}", hash("three"))]);
}

#[test]
fn a_rename_swap_made_offline_arrives_as_made() {
    let mut world = World::new(2);
    let root = world.server.root;
    let (a, b) = (world.file(0, root, "a", "A"), world.file(0, root, "b", "B"));
    world.settle();
    world.go_offline(0);
    world.rename(0, a, "tmp");
    world.rename(0, b, "a");
    world.rename(0, a, "b");
    let shown = world.tree(0);
    assert_eq!(shown, [format!("/a {}", hash("B")), format!("/b {}", hash("A"))]);
    world.go_online(0);
    world.assert_converged();
    assert_eq!(world.tree(1), shown);
}

#[test]
fn a_taken_name_gets_a_number_here_and_there() {
    let mut world = World::new(2);
    let root = world.server.root;
    world.file(0, root, "a.txt", "mine");
    let second = world.file(0, root, "A.TXT", "also mine");
    assert_eq!(
        world.devices[0].engine.item(second).map(|view| view.name().to_owned()),
        Some("A (2).TXT".into())
    );
    world.settle();
    world.go_offline(1);
    world.file(1, root, "b.txt", "theirs");
    world.file(0, root, "B.txt", "ours");
    world.settle();
    world.go_online(1);
    world.assert_converged();
    let renamed = |notice: &Notice| matches!(notice, Notice::Renamed { given, .. } if given == "b (2).txt");
    assert!(world.devices[1].notices.iter().any(renamed));
}

#[test]
fn the_same_folder_made_twice_is_one_with_both_sides_children() {
    let mut world = World::new(2);
    let root = world.server.root;
    world.go_offline(1);
    let theirs = world.folder(0, root, "Work");
    world.file(0, theirs, "a", "A");
    world.settle();
    let mine = world.folder(1, root, "work");
    let inside = world.folder(1, mine, "Deep");
    world.file(1, inside, "b", "B");
    world.upload(1, mine, "large", b"large bytes");
    world.go_online(1);
    world.assert_converged();
    assert_eq!(world.tree(0), world.tree(1));
    assert_eq!(world.tree(1).len(), 5);
    let engine = &world.devices[1].engine;
    assert_eq!(engine.canonical_id(mine), theirs);
    assert_eq!(
        engine.item(mine).map(|view| view.id()),
        Some(theirs),
        "whoever still shows the old id finds it"
    );
    assert!(world.devices[1].changes.iter().any(|changes| changes.renumbered.contains(&(mine, theirs))));
}

#[test]
fn a_refused_operation_parks_alone_and_is_undone_in_sight() {
    let mut world = World::new(2);
    let root = world.server.root;
    let (bad, good) = (world.file(0, root, "bad", "1"), world.file(0, root, "good", "2"));
    world.settle();
    world.server.refuse.insert(bad, (ErrorCode::ReadOnly, 1));
    world.rename(0, bad, "worse");
    world.rename(0, good, "better");
    world.settle();
    assert_eq!(world.tree(0), [format!("/bad {}", hash("1")), format!("/better {}", hash("2"))]);
    assert_eq!(world.status(0, bad), SyncStatus::Error);
    let queue = world.devices[0].engine.queue();
    assert!(
        matches!(&queue[..], [entry] if matches!(&entry.state, QueueState::Refused { reason } if reason.contains("view")))
    );
    let summary = world.devices[0].engine.summary();
    assert_eq!((summary.failed, summary.waiting, summary.is_synced()), (1, 0, false));
    world.crash(0);
    assert_eq!(world.devices[0].engine.summary().failed, 1, "it stays until a person decides");

    world.rename(0, bad, "fine");
    world.settle();
    assert!(world.tree(1).contains(&format!("/fine {}", hash("1"))), "a later rename is another matter");
    let operation = world.devices[0].engine.queue()[0].operation_id;
    world.event(0, Event::Retry { operation });
    world.assert_converged();
    assert!(world.tree(1).contains(&format!("/fine {}", hash("1"))), "{:?}", world.tree(1));
}

#[test]
fn what_leans_on_a_refused_creation_waits_and_goes_with_it() {
    let mut world = World::new(2);
    let root = world.server.root;
    world.go_offline(0);
    let folder = world.folder(0, root, "Folder");
    world.server.refuse.insert(folder, (ErrorCode::InvalidName, 1));
    let file = world.file(0, folder, "a", "A");
    world.rename(0, file, "b");
    world.upload(0, folder, "large", b"large");
    world.go_online(0);
    world.settle();
    assert_eq!(world.tree(0), [""; 0]);
    let queue = world.devices[0].engine.queue();
    assert_eq!(queue.len(), 3);
    assert_eq!(queue.iter().filter(|entry| matches!(entry.state, QueueState::Refused { .. })).count(), 1);

    let mut other = World { server: world.server, devices: world.devices, now: world.now };
    let operation = queue[0].operation_id;
    other.event(0, Event::Retry { operation });
    other.assert_converged();
    assert_eq!(other.tree(1).len(), 3, "tried again, all of it arrives");
}

#[test]
fn giving_up_a_creation_gives_up_what_is_in_it() {
    let mut world = World::new(1);
    let root = world.server.root;
    let folder = world.new_id(0);
    world.server.refuse.insert(folder, (ErrorCode::InvalidName, 1));
    world.go_offline(0);
    world.run(0, vec![Command::CreateFolder { id: folder, parent: root, name: name("Folder") }]);
    world.file(0, folder, "a", "A");
    world.go_online(0);
    world.settle();
    let operation = world.devices[0].engine.queue()[0].operation_id;
    world.event(0, Event::Discard { operation });
    world.assert_converged();
    assert_eq!(world.server.live().count(), 0);
}

#[test]
fn a_full_quota_is_tried_again_without_end_and_holds_nothing_else_up() {
    let mut world = World::new(1);
    let root = world.server.root;
    let big = world.new_id(0);
    world.server.refuse.insert(big, (ErrorCode::QuotaExceeded, 9));
    world.run(0, vec![create_file(big, root, "big", NewContent::Small(vec![1; 100]))]);
    let small = world.file(0, root, "small", "s");
    for _ in 0..4 {
        world.deliver(0, Fault::None);
    }
    assert_eq!((world.status(0, small), world.status(0, big)), (SyncStatus::Synced, SyncStatus::Pending));
    let queue = world.devices[0].engine.queue();
    let QueueState::Waiting { reason, next_try } = &queue[0].state else { panic!("it waits") };
    assert_eq!(reason.as_deref(), Some("Your storage is full"));
    let first_wait = next_try.expect("it says when").since(world.now);
    assert!(first_wait <= Duration::from_secs(1));
    let begun = world.now;
    world.assert_converged();
    assert!(world.now.since(begun) > Duration::from_mins(5), "slow tries after the quick ones");
}

#[test]
fn a_content_that_asks_for_room_and_is_refused_otherwise_gives_way_to_the_next() {
    let mut world = World::new(2);
    let root = world.server.root;
    let file = world.file(0, root, "a", "a");
    world.assert_converged();
    world.go_offline(0);
    world.edit(0, file, "aa");
    let larger = world.file(0, root, "larger", "larger");
    for id in [file, larger] {
        world.server.refuse.insert(id, (ErrorCode::QuotaExceeded, 1));
    }
    world.go_online(0);
    while world.deliver(0, Fault::None) {}
    assert!(world.devices[0].engine.summary().quota_full);
    world.delete(1, file);
    world.run(1, vec![Command::Purge { id: file }]);
    world.settle();
    assert_eq!(world.devices[0].engine.summary().failed, 1);
    assert!(world.server.is_live(larger));
}

#[test]
fn two_edits_of_one_file_that_wait_for_room_go_one_after_the_other() {
    let mut world = World::new(1);
    let root = world.server.root;
    let file = world.file(0, root, "a", "");
    world.assert_converged();
    world.go_offline(0);
    world.edit(0, file, "the first is longer");
    // A restart: what may have been sent is not rewritten.
    world.crash(0);
    world.edit(0, file, "the second");
    world.server.refuse.insert(file, (ErrorCode::QuotaExceeded, 2));
    world.go_online(0);
    world.assert_converged();
    assert_eq!(world.tree(0), [format!("/a {}", hash("the second"))]);
}

#[test]
fn while_the_quota_is_full_contents_wait_together_and_one_asks_for_all() {
    const FILES: usize = 30;
    let mut world = World::new(1);
    let root = world.server.root;
    world.go_offline(0);
    for n in 0..FILES {
        let id = world.new_id(0);
        world.server.refuse.insert(id, (ErrorCode::QuotaExceeded, usize::MAX));
        world.run(0, vec![create_file(id, root, &format!("{n}"), NewContent::Small(vec![1; 100 + n]))]);
    }
    let folder = world.folder(0, root, "a folder needs no room");
    world.go_online(0);
    while world.deliver(0, Fault::None) {}
    assert_eq!(world.status(0, folder), SyncStatus::Synced);
    let summary = world.devices[0].engine.summary();
    assert!(summary.quota_full && summary.online && !summary.is_synced());
    let before = world.server.pushed_changes;
    for _ in 0..12 {
        world.pass(Duration::from_mins(5));
        while world.deliver(0, Fault::None) {}
    }
    let asked = world.server.pushed_changes - before;
    assert!((1..=12 * 3).contains(&asked), "{asked} contents were sent in an hour, of {FILES} that wait");
    assert!(world.devices[0].engine.queue().iter().all(|entry| matches!(
        &entry.state,
        QueueState::Waiting { reason: Some(reason), next_try: Some(_) } if reason == "Your storage is full"
    )));
    // Room is made elsewhere; the person presses "Try now".
    world.server.refuse.clear();
    world.event(0, Event::RetryNow);
    world.settle();
    assert_eq!(world.server.live().count(), FILES + 1);
    world.assert_converged();
}

#[test]
fn one_change_that_spoils_every_body_is_found_and_parked() {
    let mut world = World::new(1);
    let root = world.server.root;
    world.go_offline(0);
    for n in 0..9 {
        world.folder(0, root, &format!("{n}"));
    }
    world.go_online(0);
    let mut parked = 0;
    for _ in 0..40 {
        let Some(request) = world.devices[0].requests.front().cloned() else { break };
        let spoils = |request: &shared::sync::PushRequest| {
            serde_json::to_string(request).expect("JSON").contains("\"name\":\"5\"")
        };
        match request {
            Effect::Push { call, request, .. } if spoils(&request) => {
                world.devices[0].requests.pop_front();
                let problem = shared::Problem::new(ErrorCode::InvalidRequest, "Not a change.");
                let result = Err(sync::CallError::Refused(Box::new(problem)));
                world.event(0, Event::PushAnswered { call, result });
            }
            _ => drop(world.deliver(0, Fault::None)),
        }
        parked = world.devices[0].engine.summary().failed;
    }
    assert_eq!(parked, 1);
    assert_eq!(world.server.live().count(), 8);
    assert_eq!(world.devices[0].engine.summary().waiting, 0);
}

#[test]
fn refused_commands_say_why_and_queue_nothing() {
    let mut world = World::new(1);
    let root = world.server.root;
    let outer = world.folder(0, root, "outer");
    let inner = world.folder(0, outer, "inner");
    let file = world.file(0, outer, "file", "f");
    world.settle();
    let nowhere = world.new_id(0);
    let ran = world.run(
        0,
        vec![
            Command::Move { id: outer, parent: inner },
            Command::Move { id: inner, parent: file },
            Command::Move { id: inner, parent: nowhere },
            Command::Rename { id: nowhere, name: name("x") },
            Command::Delete { id: root },
            Command::Restore { id: file, parent: None },
            Command::CreateFolder { id: file, parent: root, name: name("x") },
            Command::SetContent {
                id: inner,
                content: NewContent::Small(vec![]),
                modified_at: None,
                base: None,
            },
            Command::Rename { id: file, name: name("file") },
        ],
    );
    let reasons: Vec<CommandError> = ran.refused.iter().map(|(_, error)| *error).collect();
    assert_eq!(
        reasons,
        [
            CommandError::WouldCycle(outer),
            CommandError::NotAFolder(file),
            CommandError::ParentNotFound(nowhere),
            CommandError::NotFound(nowhere),
            CommandError::RootImmutable,
            CommandError::NotDeleted(file),
            CommandError::AlreadyExists(file),
            CommandError::NotAFile(inner),
        ]
    );
    assert!(world.devices[0].engine.queue().is_empty());
}

#[test]
fn undo_takes_back_what_was_done_in_reverse() {
    let mut world = World::new(2);
    let root = world.server.root;
    let (folder, file) = (world.folder(0, root, "folder"), world.file(0, root, "file", "f"));
    world.settle();
    let before = world.tree(0);
    let ran = world.run(
        0,
        vec![
            Command::Move { id: file, parent: folder },
            Command::Rename { id: file, name: name("other") },
            Command::Delete { id: folder },
        ],
    );
    assert_eq!(world.tree(0), [""; 0]);
    assert_eq!(world.devices[0].engine.trash().len(), 1);
    world.settle();
    world.run(0, ran.undo);
    assert_eq!(world.tree(0), before);
    world.assert_converged();
    assert_eq!(world.tree(1), before);
}
