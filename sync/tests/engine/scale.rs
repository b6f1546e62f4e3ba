//! Ten times as much takes ten times the work, not a hundred: counted, because times differ from run to run.

use shared::ItemId;
use shared::limits::PUSH_CHANGES_MAX;
use sync::{Command, NewContent};

use crate::world::{World, create_file};

/// As many as a large folder is taken in by.
const STEP: usize = 100;

/// What one device did, in numbers.
#[derive(Debug, PartialEq)]
struct Work {
    records: usize,
    requests: usize,
    /// Items of which the screen was told that they changed.
    shown: usize,
}

impl Work {
    fn of(world: &mut World, act: impl FnOnce(&mut World)) -> Self {
        world.devices[0].records = 0;
        world.devices[0].changes.clear();
        let pushes = world.server.pushes;
        act(world);
        let device = &world.devices[0];
        Self {
            records: device.records,
            requests: world.server.pushes - pushes,
            shown: device.changes.iter().map(|changes| changes.items.len()).sum(),
        }
    }

    fn is_at_most(&self, times: usize, other: &Self) -> bool {
        // The turn of a day or of a page may fall into either.
        let most = |few: usize| few * times + times;
        self.records <= most(other.records)
            && self.requests <= most(other.requests)
            && self.shown <= most(other.shown)
    }
}

/// A device with so many files that wait, and with a folder in which they are.
fn queued(count: usize) -> World {
    let mut world = World::new(1);
    let folder = world.folder(0, world.server.root, "Many");
    world.settle();
    world.go_offline(0);
    for from in (0..count).step_by(STEP) {
        let commands = (from..from + STEP).map(|file| {
            let content = NewContent::Small(file.to_string().into_bytes());
            create_file(world.new_id(0), folder, &format!("File {file}"), content)
        });
        let commands = commands.collect();
        assert_eq!(world.run(0, commands).refused, []);
    }
    assert_eq!(world.devices[0].engine.summary().waiting, count);
    world
}

fn drained(count: usize) -> Work {
    let mut world = queued(count);
    let work = Work::of(&mut world, |world| {
        world.go_online(0);
        world.settle();
    });
    world.assert_converged();
    work
}

fn deleted(count: usize) -> Work {
    let mut world = queued(count);
    world.go_online(0);
    world.settle();
    let items = world.devices[0].engine.items().filter(|it| it.parent_id() != world.server.root);
    let deletes: Vec<Command> = items.map(|item| Command::Delete { id: item.id() }).collect();
    assert_eq!(deletes.len(), count);
    let work = Work::of(&mut world, |world| {
        let ran = world.run(0, deletes);
        assert_eq!((ran.refused.len(), ran.undo.len()), (0, count));
        world.settle();
    });
    world.assert_converged();
    work
}

#[test]
fn what_waits_is_sent_with_work_in_proportion() {
    let (few, many) = (drained(300), drained(3_000));
    assert!(many.is_at_most(10, &few), "{many:?} for ten times {few:?}");
    assert_eq!(many.requests, 3_000 / PUSH_CHANGES_MAX);
}

#[test]
fn one_act_on_many_items_costs_each_the_same() {
    let (few, many) = (deleted(300), deleted(3_000));
    assert!(many.is_at_most(10, &few), "{many:?} for ten times {few:?}");
}

#[test]
fn a_large_folder_is_looked_at_in_stretches_while_it_changes() {
    let mut world = World::new(1);
    let root = world.server.root;
    let mut files: Vec<ItemId> = (0..10).map(|n| world.file(0, root, &format!("{n}.txt"), "text")).collect();
    let (mut seen, mut last) = (Vec::new(), None);
    loop {
        let stretch: Vec<_> = {
            let engine = &world.devices[0].engine;
            engine.children_after(root, last).take(3).map(|(place, item)| (place, item.id())).collect()
        };
        let Some((place, id)) = stretch.last().copied() else { break };
        last = Some(place);
        seen.extend(stretch.into_iter().map(|(_, id)| id));
        // Where it went on from may be gone.
        world.delete(0, id);
    }
    seen.sort_unstable();
    files.sort_unstable();
    assert_eq!(seen, files);
}
