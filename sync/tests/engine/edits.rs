//! What an editor leans on: every save is made on what it had before it.

use shared::{ErrorCode, ItemId};
use sync::{Command, CommandError, EditBase, Effect, Event, NewContent};

use crate::world::{Fault, World, hash, name};

fn save(world: &mut World, n: usize, id: ItemId, text: &str, base: EditBase) -> EditBase {
    let content = NewContent::Small(text.into());
    let ran = world.run(n, vec![Command::SetContent { id, content, modified_at: None, base: Some(base) }]);
    assert_eq!(ran.refused, []);
    EditBase::Operation(ran.operations[0].1)
}

fn open(world: &World, n: usize, id: ItemId) -> EditBase {
    world.devices[n].engine.edit_base(id).expect("the file is there")
}

#[test]
fn saves_that_were_never_sent_become_one() {
    let mut world = World::new(1);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "");
    world.assert_converged();
    world.go_offline(0);
    // What is under way is not touched: the first save after it is one operation, and stays one.
    let mut base = open(&world, 0, file);
    for text in ["o", "on", "one"] {
        base = save(&mut world, 0, file, text, base);
    }
    assert_eq!(world.devices[0].engine.summary().waiting, 1);
    let before = world.server.pushed_changes;
    world.go_online(0);
    world.assert_converged();
    assert_eq!(world.server.pushed_changes, before + 1);
    assert_eq!(world.tree(0), [format!("/a.txt {}", hash("one"))]);
}

#[test]
fn one_goes_on_from_ones_own_save_after_it_was_answered() {
    let mut world = World::new(2);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "");
    world.assert_converged();
    let mut base = open(&world, 0, file);
    for text in ["one", "one two", "one two three"] {
        base = save(&mut world, 0, file, text, base);
        world.assert_converged();
    }
    assert!(world.server.conflicts.is_empty());
    assert_eq!(world.tree(1), [format!("/a.txt {}", hash("one two three"))]);
}

#[test]
fn what_was_written_beside_an_open_editor_is_not_taken_for_seen() {
    let mut world = World::new(1);
    let root = world.server.root;
    world.go_offline(0);
    let file = world.file(0, root, "a.txt", "one");
    let base = open(&world, 0, file);
    world.edit(0, file, "two");
    let base = save(&mut world, 0, file, "three", base);
    save(&mut world, 0, file, "three and more", base);
    world.go_online(0);
    world.settle();
    assert_eq!(world.server.conflicts.len(), 1, "the second is not written over unseen");
    assert_eq!(world.tree(0), [format!("/a.txt {}", hash("two"))]);
}

#[test]
fn what_was_written_once_more_beside_an_open_editor_is_no_news_to_it() {
    let mut world = World::new(1);
    let root = world.server.root;
    world.go_offline(0);
    let file = world.file(0, root, "a.txt", "one");
    let base = open(&world, 0, file);
    world.edit(0, file, "one");
    save(&mut world, 0, file, "two", base);
    world.go_online(0);
    world.assert_converged();
    assert!(world.server.conflicts.is_empty());
    assert_eq!(world.tree(0), [format!("/a.txt {}", hash("two"))]);
}

#[test]
fn what_came_in_while_the_editor_was_open_is_not_taken_for_seen() {
    let mut world = World::new(2);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "");
    world.assert_converged();
    let base = open(&world, 0, file);
    world.edit(1, file, "theirs");
    world.assert_converged();
    save(&mut world, 0, file, "mine", base);
    world.settle();
    assert_eq!(world.server.conflicts.len(), 1, "neither is written over");
}

#[test]
fn a_save_brings_back_what_was_deleted_elsewhere() {
    let mut world = World::new(2);
    let root = world.server.root;
    let folder = world.folder(0, root, "Letters");
    let file = world.file(0, folder, "a.txt", "");
    world.assert_converged();
    let base = open(&world, 0, file);
    world.run(1, vec![Command::Delete { id: folder }]);
    world.assert_converged();
    assert!(world.tree(0).is_empty());
    save(&mut world, 0, file, "written", base);
    world.assert_converged();
    assert_eq!(world.tree(1), ["/Letters".to_owned(), format!("/Letters/a.txt {}", hash("written"))]);
}

#[test]
fn a_change_without_a_base_leaves_the_trash_alone() {
    let mut world = World::new(1);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "a");
    world.run(0, vec![Command::Delete { id: file }]);
    world.assert_converged();
    let content = NewContent::Small(b"b".to_vec());
    let ran = world.run(0, vec![Command::SetContent { id: file, content, modified_at: None, base: None }]);
    assert_eq!(ran.refused, [(0, CommandError::Deleted(file))]);
}

#[test]
fn an_editor_goes_on_from_a_save_that_was_refused_and_tried_again() {
    let mut world = World::new(1);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "");
    world.assert_converged();
    let base = open(&world, 0, file);
    world.server.refuse.insert(file, (ErrorCode::ReadOnly, 1));
    let base = save(&mut world, 0, file, "one", base);
    world.settle();
    let EditBase::Operation(refused) = base else { panic!("it was saved") };
    world.event(0, Event::Retry { operation: refused });
    save(&mut world, 0, file, "one two", base);
    world.assert_converged();
    assert!(world.server.conflicts.is_empty());
    assert_eq!(world.tree(0), [format!("/a.txt {}", hash("one two"))]);
}

#[test]
fn a_save_on_one_that_was_refused_waits_with_it_before_a_restart_as_after() {
    let mut world = World::new(1);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "");
    world.assert_converged();
    let base = open(&world, 0, file);
    world.server.refuse.insert(file, (ErrorCode::ReadOnly, 1));
    let base = save(&mut world, 0, file, "one", base);
    world.settle();
    save(&mut world, 0, file, "one two", base);
    let shown = world.tree(0);
    world.crash(0);
    assert_eq!(world.tree(0), shown);
}

#[test]
fn what_was_written_on_a_refused_content_waits_with_it_whatever_came_between() {
    let mut world = World::new(1);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "zero");
    world.assert_converged();
    world.server.refuse.insert(file, (ErrorCode::ReadOnly, 1));
    world.go_offline(0);
    let refused = world.edit(0, file, "one");
    world.rename(0, file, "b.txt");
    world.edit(0, file, "one two");
    world.go_online(0);
    world.settle();
    assert_eq!(world.tree(0), [format!("/b.txt {}", hash("zero"))]);
    world.event(0, Event::Retry { operation: refused });
    world.assert_converged();
    assert!(world.server.conflicts.is_empty());
    assert_eq!(world.tree(0), [format!("/b.txt {}", hash("one two"))]);
}

#[test]
fn what_came_after_a_refused_rename_goes_on_though_another_rename_that_waits_came_between() {
    let mut world = World::new(1);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "zero");
    world.assert_converged();
    world.server.refuse.insert(file, (ErrorCode::InvalidName, 1));
    world.go_offline(0);
    let ran = world.run(0, vec![Command::Rename { id: file, name: name("b.txt") }]);
    let refused = ran.operations[0].1;
    // What was loaded may have been sent: nothing of it is put together.
    world.crash(0);
    world.edit(0, file, "one");
    world.crash(0);
    world.rename(0, file, "c.txt");
    world.crash(0);
    world.edit(0, file, "one two");
    world.go_online(0);
    world.settle();
    assert_eq!(world.tree(0), [format!("/a.txt {}", hash("one two"))]);
    world.event(0, Event::Discard { operation: refused });
    world.assert_converged();
    assert!(world.server.conflicts.is_empty());
    assert_eq!(world.tree(0), [format!("/c.txt {}", hash("one two"))]);
}

#[test]
fn an_editor_goes_on_from_what_it_saw_though_the_last_rename_waits_with_a_refused_one() {
    let mut world = World::new(1);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "zero");
    world.assert_converged();
    world.server.refuse.insert(file, (ErrorCode::InvalidName, 1));
    world.go_offline(0);
    let ran = world.run(0, vec![Command::Rename { id: file, name: name("b.txt") }]);
    world.crash(0);
    world.edit(0, file, "one");
    world.crash(0);
    world.rename(0, file, "c.txt");
    let base = open(&world, 0, file);
    world.go_online(0);
    world.settle();
    save(&mut world, 0, file, "one two", base);
    world.event(0, Event::Discard { operation: ran.operations[0].1 });
    world.assert_converged();
    assert!(world.server.conflicts.is_empty());
    assert_eq!(world.tree(0), [format!("/c.txt {}", hash("one two"))]);
}

#[test]
fn an_editor_goes_on_from_what_a_given_up_save_was_made_on() {
    let mut world = World::new(1);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "");
    world.assert_converged();
    world.go_offline(0);
    let base = open(&world, 0, file);
    let base = save(&mut world, 0, file, "one", base);
    let EditBase::Operation(given_up) = base else { panic!("it was saved") };
    world.event(0, Event::Discard { operation: given_up });
    save(&mut world, 0, file, "one two", base);
    world.go_online(0);
    world.assert_converged();
    assert!(world.server.conflicts.is_empty());
    assert_eq!(world.tree(0), [format!("/a.txt {}", hash("one two"))]);
}

#[test]
fn one_edits_what_one_sees_though_the_answer_to_its_creation_is_still_to_come() {
    let mut world = World::new(2);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "one");
    world.deliver(0, Fault::LoseAnswer);
    world.go_offline(0);
    world.settle();
    world.edit(1, file, "two");
    world.settle();
    world.devices[0].offline = false;
    world.event(0, Event::SocketOpened);
    while world.tree(0) != [format!("/a.txt {}", hash("two"))] {
        assert!(world.deliver(0, if is_push(&world) { Fault::LoseAnswer } else { Fault::None }));
    }
    world.edit(0, file, "two three");
    world.assert_converged();
    assert!(world.server.conflicts.is_empty());
    assert_eq!(world.tree(1), [format!("/a.txt {}", hash("two three"))]);
}

fn is_push(world: &World) -> bool {
    matches!(world.devices[0].requests.front(), Some(Effect::Push { .. }))
}

#[test]
fn an_editor_on_a_restore_that_was_taken_back_has_seen_what_was_restored() {
    let mut world = World::new(1);
    let root = world.server.root;
    let file = world.file(0, root, "a.txt", "one");
    world.delete(0, file);
    world.assert_converged();
    world.go_offline(0);
    world.run(0, vec![Command::Restore { id: file, parent: None }]);
    let base = open(&world, 0, file);
    world.delete(0, file);
    world.run(0, vec![Command::Restore { id: file, parent: None }]);
    save(&mut world, 0, file, "two", base);
    world.go_online(0);
    world.assert_converged();
    assert_eq!(world.tree(0), [format!("/a.txt {}", hash("two"))]);
    assert!(world.devices[0].engine.conflicts().is_empty());
}
