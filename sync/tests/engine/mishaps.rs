//! What a device must not believe: another account's answers, old news, a muddled outbox.

use std::collections::VecDeque;

use shared::frames::ServerEvent;
use shared::sync::{ConflictInfo, Proposal};
use shared::{ChunkHash, ContentHash, ErrorCode, ItemId};
use sync::{CallError, Command, Effect, Engine, Event, NewContent};

use crate::server::Server;
use crate::world::{Fault, World, hash, seed};

#[test]
fn another_accounts_page_changes_nothing_and_asks_for_sign_in() {
    let mut world = World::new(1);
    let root = world.server.root;
    world.file(0, root, "a.txt", "hello");
    world.assert_converged();
    let shown = world.tree(0);
    world.event(0, Event::RetryNow);
    let Some(Effect::Pull { call, .. }) = world.devices[0].requests.pop_front() else {
        panic!("a pull is on its way");
    };
    let mut page = Server::new().pull(None, 100).expect("a page");
    page.zones[0].root_id = world.new_id(0);
    let now = world.now;
    let engine = &mut world.devices[0].engine;
    let effects = engine.handle(now, Event::PullAnswered { call, result: Ok(page) });
    assert!(effects.iter().any(|effect| matches!(effect, Effect::SignInNeeded)));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Persist(_))));
    assert!(engine.summary().signed_out && !engine.summary().is_synced());
    assert_eq!(world.tree(0), shown);
}

#[test]
fn without_its_socket_a_device_is_behind_until_it_asked() {
    let mut world = World::new(1);
    world.assert_converged();
    world.event(0, Event::SocketClosed);
    assert!(world.devices[0].engine.summary().behind);
    world.event(0, Event::RetryNow);
    world.settle();
    assert!(!world.devices[0].engine.summary().behind);
}

#[test]
fn until_the_first_answer_or_failure_a_device_is_connecting() {
    let mut world = World::new(1);
    world.assert_converged();
    assert!(!world.devices[0].engine.summary().is_connecting());
    world.crash(0);
    assert!(world.devices[0].engine.summary().is_connecting());
    world.deliver(0, Fault::LoseRequest);
    let summary = world.devices[0].engine.summary();
    assert!(!summary.online && !summary.is_connecting());
    world.settle();
    world.crash(0);
    world.settle();
    let summary = world.devices[0].engine.summary();
    assert!(summary.online && !summary.is_connecting());
}

#[test]
fn operations_of_one_number_are_all_kept() {
    let mut world = World::new(1);
    let root = world.server.root;
    world.go_offline(0);
    let folder = world.folder(0, root, "a");
    world.file(0, folder, "b.txt", "b");
    world.file(0, folder, "c.txt", "c");
    let shown = world.tree(0);
    let mut snapshot = world.devices[0].store.load_now().expect("stored");
    snapshot.operations.reverse();
    for operation in &mut snapshot.operations {
        operation.sequence = 1;
    }
    world.devices[0].engine = Engine::open(snapshot, seed(99), world.now);
    assert_eq!(world.devices[0].engine.queue().len(), 3);
    assert_eq!(world.tree(0), shown);
    world.event(0, Event::Started);
    world.go_online(0);
    world.assert_converged();
    assert_eq!(world.server.pushed_changes, 3);
}

#[test]
fn a_push_that_does_not_get_through_goes_again_in_smaller_pieces() {
    let mut world = World::new(1);
    let root = world.server.root;
    world.go_offline(0);
    for n in 0..40 {
        world.file(0, root, &format!("{n}"), &"x".repeat(60_000 + n));
    }
    world.go_online(0);
    let mut sizes = Vec::new();
    while sizes.len() < 2 {
        let front = world.devices[0].requests.front().cloned();
        match front {
            Some(Effect::Push { call, request, .. }) => {
                sizes.push(request.changes.len());
                world.devices[0].requests.pop_front();
                world.event(0, Event::PushAnswered { call, result: Err(CallError::Unreachable) });
                world.event(0, Event::RetryNow);
            }
            Some(_) => drop(world.deliver(0, Fault::None)),
            None => panic!("a push waits"),
        }
    }
    assert!(sizes[1] < sizes[0], "{sizes:?}");
    world.assert_converged();
}

#[test]
fn whoever_is_told_that_frames_were_left_out_asks_for_conflicts_too() {
    let mut world = World::new(1);
    world.assert_converged();
    world.event(0, Event::Frame(ServerEvent::PullNeeded { sync_token: None }));
    let mut asked = false;
    while let Some(request) = world.devices[0].requests.front() {
        asked |= matches!(request, Effect::FetchConflicts { .. });
        world.deliver(0, Fault::None);
    }
    assert!(asked);
}

#[test]
fn a_conflict_told_without_its_proposal_keeps_the_known_one_until_the_list_says_more() {
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
    let untold = world.devices[0].engine.conflicts()[0].clone();
    let proposal = Some(Proposal { text: "both".to_owned(), overlaps: 0 });
    for (proposal, shown) in [(proposal.clone(), &proposal), (None, &proposal)] {
        let conflict = ConflictInfo { proposal, ..untold.clone() };
        world.event(0, Event::Frame(ServerEvent::ConflictDetected { conflict }));
        assert_eq!(world.devices[0].engine.conflicts()[0].proposal, *shown);
    }
    let is_asked = world.devices[0].requests.iter().any(|it| matches!(it, Effect::FetchConflicts { .. }));
    assert!(is_asked);
    world.settle();
    assert_eq!(world.devices[0].engine.conflicts()[0].proposal, None, "there is none");
}

#[test]
fn what_the_server_has_forgotten_is_not_asked_for_without_end() {
    let mut world = World::new(1);
    let root = world.server.root;
    world.assert_converged();
    world.go_offline(0);
    let folder = world.folder(0, root, "a");
    world.server.refuse.insert(folder, (ErrorCode::OperationExpired, 1_000));
    world.go_online(0);
    let requests = (0..50).take_while(|_| world.deliver(0, Fault::None)).count();
    assert!(requests < 50, "{requests} requests within a moment");
}

const LARGE: &[u8] = b"large, so it goes by chunks";

/// Gives the file, on the first device, a content that goes up by itself.
fn upload_into(world: &mut World, file: ItemId) {
    world.devices[0].staged.insert("staged".into(), LARGE.to_vec());
    let content = NewContent::Upload { size: LARGE.len() as u64, staged: Some("staged".into()) };
    world.run(0, vec![Command::SetContent { id: file, content, modified_at: None, base: None }]);
}

#[test]
fn an_upload_arrives_before_its_folder_is_removed_for_good() {
    let mut world = World::new(1);
    let root = world.server.root;
    let folder = world.folder(0, root, "Folder");
    let below = world.folder(0, folder, "Below");
    let file = world.file(0, below, "a.txt", "small");
    world.assert_converged();
    world.go_offline(0);
    upload_into(&mut world, file);
    for id in [below, folder] {
        world.delete(0, id);
        assert_eq!(world.run(0, vec![Command::Purge { id }]).refused, []);
    }
    world.go_online(0);
    while let Some(request) = world.devices[0].requests.front() {
        let begins = matches!(request, Effect::StartUpload(_));
        world.deliver(0, if begins { Fault::LoseRequest } else { Fault::None });
    }
    world.assert_converged();
    assert!(world.server.held.contains(&ContentHash::of_chunks([&ChunkHash::of(LARGE)])));
}

#[test]
fn an_upload_into_what_was_removed_for_good_meanwhile_is_told_as_refused() {
    let mut world = World::new(2);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "small");
    world.assert_converged();
    world.go_offline(0);
    upload_into(&mut world, file);
    world.delete(1, file);
    assert_eq!(world.run(1, vec![Command::Purge { id: file }]).refused, []);
    world.settle();
    world.go_online(0);
    world.settle();
    assert_eq!(world.devices[0].engine.summary().failed, 1);
    assert_eq!(world.devices[0].engine.summary().waiting, 0);
}

#[test]
fn an_upload_that_is_begun_again_says_the_same() {
    let mut world = World::new(1);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "hello");
    world.assert_converged();
    let content = NewContent::Upload { size: 5, staged: Some("elsewhere".to_owned()) };
    world.run(0, vec![Command::SetContent { id: file, content, modified_at: None, base: None }]);
    let order = |world: &World| {
        let mut orders = world.devices[0].requests.iter().filter_map(|effect| match effect {
            Effect::StartUpload(order) => Some((order.parent_id, order.name.clone())),
            _ => None,
        });
        orders.next().expect("an upload is on its way")
    };
    let first = order(&world);
    world.rename(0, file, "b.txt");
    world.crash(0);
    while !world.devices[0].requests.iter().any(|effect| matches!(effect, Effect::StartUpload(_))) {
        assert!(world.deliver(0, Fault::None), "an upload is on its way");
    }
    assert_eq!(order(&world), first);
}

#[test]
fn a_folder_is_not_deleted_with_what_could_not_be_moved_out() {
    let mut world = World::new(2);
    let root = world.server.root;
    let folder = world.folder(0, root, "folder");
    let file = world.file(0, folder, "a.txt", "hello");
    world.assert_converged();
    world.server.refuse.insert(file, (ErrorCode::ReadOnly, 1));
    world.go_offline(1);
    world.shift(1, file, root);
    world.delete(1, folder);
    world.go_online(1);
    world.settle();
    assert_eq!(world.tree(0), ["/folder".to_owned(), format!("/folder/a.txt {}", hash("hello"))]);
}

#[test]
fn what_was_moved_into_a_folder_that_turns_out_to_be_the_deleted_one_lives() {
    let mut world = World::new(2);
    let root = world.server.root;
    world.settle();
    world.go_offline(1);
    let mine = world.folder(1, root, "folder");
    let theirs = world.folder(0, root, "folder");
    let moved = world.folder(0, theirs, "moved");
    let file = world.file(0, moved, "a.txt", "hello");
    world.settle();
    world.server.refuse.insert(mine, (ErrorCode::Unavailable, 1));
    world.go_online(1);
    while world.devices[1].engine.item(moved).is_none() {
        assert!(world.deliver(1, Fault::None), "it pulls");
    }
    world.go_offline(1);
    world.shift(1, moved, mine);
    world.delete(1, theirs);
    world.go_online(1);
    world.assert_converged();
    assert!(world.server.is_live(file));
}

#[test]
fn what_is_put_into_a_folder_whose_delete_waits_with_a_refused_move_is_not_deleted_with_it() {
    let mut world = World::new(2);
    let root = world.server.root;
    let (folder, other) = (world.folder(0, root, "folder"), world.folder(0, root, "other"));
    let inner = world.folder(0, folder, "inner");
    world.file(0, folder, "old.txt", "1");
    let file = world.file(0, root, "a.txt", "2");
    world.assert_converged();
    world.server.refuse.insert(folder, (ErrorCode::ReadOnly, 1));
    world.go_offline(1);
    let ran = world.run(1, vec![Command::Move { id: folder, parent: other }]);
    world.delete(1, folder);
    world.go_online(1);
    world.settle();
    world.shift(1, file, inner);
    world.settle();
    world.event(1, Event::Discard { operation: ran.operations[0].1 });
    world.assert_converged();
    let here = [
        "/folder".to_owned(),
        "/folder/inner".to_owned(),
        format!("/folder/inner/a.txt {}", hash("2")),
        format!("/folder/old.txt {}", hash("1")),
        "/other".to_owned(),
    ];
    assert_eq!(world.tree(0), here);
}

#[test]
fn what_a_crash_took_before_it_was_stored_no_tab_shows() {
    let mut world = World::new(1);
    let root = world.server.root;
    world.devices[0].unstored = Some(VecDeque::new());
    world.folder(0, root, "a");
    world.crash(0);
    while world.devices[0].unstored.as_ref().is_some_and(|waiting| !waiting.is_empty()) {
        world.store_one(0);
    }
    world.devices[0].unstored = None;
    world.assert_converged();
    assert_eq!(world.tree(0), [""; 0]);
}
