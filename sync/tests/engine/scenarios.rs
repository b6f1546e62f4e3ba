//! What must happen, one case each.

use crate::world::{Fault, World, hash};

#[test]
fn a_folder_and_a_file_reach_the_other_device() {
    let mut world = World::new(2);
    let root = world.server.root;
    let folder = world.folder(0, root, "Letters");
    world.file(0, folder, "a.txt", "hello");
    let shown = vec!["/Letters".to_owned(), format!("/Letters/a.txt {}", hash("hello"))];
    assert_eq!(world.tree(0), shown, "at once");
    world.assert_converged();
    assert_eq!(world.tree(1), shown);
}

#[test]
fn a_lost_answer_is_asked_for_again_and_applies_once() {
    let mut world = World::new(2);
    let root = world.server.root;
    world.file(0, root, "a.txt", "hello");
    world.deliver(0, Fault::LoseAnswer);
    assert_eq!(world.server.live().count(), 1);
    world.assert_converged();
    assert_eq!(world.tree(1), [format!("/a.txt {}", hash("hello"))]);
}
