//! Folders that are moved into one another.

use shared::ErrorCode;
use sync::{Command, Event, Notice};

use crate::world::{Fault, World, hash};

#[test]
fn folders_moved_into_one_another_stay_in_sight_and_the_later_move_is_undone() {
    let mut world = World::new(2);
    let root = world.server.root;
    let (a, b) = (world.folder(0, root, "A"), world.folder(0, root, "B"));
    world.settle();
    world.go_offline(1);
    world.shift(0, a, b);
    world.settle();
    world.shift(1, b, a);
    world.file(1, b, "inside", "x");
    world.devices[1].offline = false;
    // The other's move comes in while this one waits: nothing may vanish into the circle.
    world.server.refuse.insert(b, (ErrorCode::Unavailable, 1));
    world.event(1, Event::Online);
    for _ in 0..3 {
        world.deliver(1, Fault::None);
        assert!(world.tree(1).len() >= 3, "{:?}", world.tree(1));
    }
    world.settle();
    assert_eq!(world.tree(0), world.tree(1));
    let refused = |notice: &Notice| matches!(notice, Notice::Refused { item, .. } if *item == b);
    assert!(world.devices[1].notices.iter().any(refused));
    let operation = world.devices[1].engine.queue()[0].operation_id;
    world.event(1, Event::Discard { operation });
    world.assert_converged();
    assert_eq!(world.tree(1), ["/B".to_owned(), "/B/A".into(), format!("/B/inside {}", hash("x"))]);
}

#[test]
fn a_move_that_closes_no_circle_is_in_sight_beside_an_earlier_one_that_does() {
    let mut world = World::new(2);
    let root = world.server.root;
    let (a, b) = (world.folder(0, root, "A"), world.folder(0, root, "B"));
    let inner = world.folder(0, a, "Inner");
    world.settle();
    world.go_offline(1);
    world.shift(0, b, a);
    world.settle();
    world.shift(1, a, b);
    world.devices[1].offline = false;
    world.server.refuse.insert(a, (ErrorCode::Unavailable, 1));
    world.event(1, Event::Online);
    for _ in 0..3 {
        world.deliver(1, Fault::None);
    }
    world.go_offline(1);
    assert_eq!(world.tree(1), ["/A", "/A/B", "/A/Inner"]);
    world.shift(1, b, inner);
    assert_eq!(world.tree(1), ["/A", "/A/Inner", "/A/Inner/B"]);
    // What is seen in the folder is what goes with it.
    world.delete(1, inner);
    world.go_online(1);
    world.settle();
    assert_eq!(world.tree(0), ["/A"]);
}

#[test]
fn of_two_moves_that_close_a_circle_together_the_first_is_in_sight() {
    let mut world = World::new(2);
    let root = world.server.root;
    let [a, b, c] = ["A", "B", "C"].map(|name| world.folder(0, root, name));
    world.settle();
    world.go_offline(1);
    world.shift(0, c, a);
    world.settle();
    world.shift(1, a, b);
    world.shift(1, b, c);
    world.devices[1].offline = false;
    for folder in [a, b] {
        world.server.refuse.insert(folder, (ErrorCode::Unavailable, 1));
    }
    world.event(1, Event::Online);
    for _ in 0..3 {
        world.deliver(1, Fault::None);
    }
    assert_eq!(world.tree(1), ["/B", "/B/A", "/B/A/C"]);
    // Whichever is tried again first stands, on both.
    world.settle();
    assert_eq!(world.tree(0), world.tree(1));
}

#[test]
fn a_refused_move_that_is_tried_again_closes_no_circle() {
    let mut world = World::new(2);
    let root = world.server.root;
    let (a, b) = (world.folder(0, root, "a"), world.folder(0, root, "b"));
    world.assert_converged();
    world.go_offline(1);
    let ran = world.run(1, vec![Command::Move { id: a, parent: b }]);
    world.shift(0, b, a);
    world.settle();
    world.server.refuse.insert(a, (ErrorCode::ReadOnly, 1));
    world.go_online(1);
    world.settle();
    let shown = world.tree(1);
    assert_eq!(shown, ["/a", "/a/b"]);
    world.go_offline(1);
    world.event(1, Event::Retry { operation: ran.operations[0].1 });
    assert_eq!(world.tree(1), shown);
}
