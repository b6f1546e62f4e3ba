//! Where things are: creating, moving, renaming, deleting. Delete and restore are place.

use crate::faults::Fault;
use crate::ids::DeviceId;
use crate::item::ItemKind;

/// The live item that holds the name which a new one asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    pub kind: ItemKind,
    /// Whether both are files of equal content.
    pub equal: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateVerdict {
    /// The name is free.
    Place,
    /// Equal files: one file. The new id becomes an alias of the other.
    SameFile,
    /// Two folders: one folder with both sides' children. The new id becomes an alias.
    SameFolder,
    /// The later one takes another name.
    Rename,
}

pub fn judge_create(kind: ItemKind, holder: Option<Holder>) -> CreateVerdict {
    let holder =
        holder.map(|held| Holder { equal: held.equal || Fault::SameNameIsSameFile.is_planted(), ..held });
    match (kind, holder) {
        (_, None) => CreateVerdict::Place,
        (ItemKind::File, Some(Holder { kind: ItemKind::File, equal: true })) => CreateVerdict::SameFile,
        (ItemKind::Folder, Some(Holder { kind: ItemKind::Folder, .. })) => CreateVerdict::SameFolder,
        _ => CreateVerdict::Rename,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveVerdict {
    /// It is there already. No dot moves.
    Same,
    Move,
    /// It was in the trash: it lives, at the new place.
    Revive,
    /// Somebody else moved it first. The later is told so.
    FirstStands,
}

/// `seen`: the mover's base covers the present place's dot. `same`: the place asked for is the present one.
/// `deleted`: it, or a folder that it is in, is in the trash.
pub fn judge_move(seen: bool, same: bool, deleted: bool) -> MoveVerdict {
    let seen = seen || Fault::LastMoveWins.is_planted();
    match (deleted, same, seen) {
        (true, ..) if Fault::MoveStaysInTrash.is_planted() => MoveVerdict::FirstStands,
        (true, ..) => MoveVerdict::Revive,
        (false, true, _) => MoveVerdict::Same,
        (false, false, true) => MoveVerdict::Move,
        (false, false, false) => MoveVerdict::FirstStands,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteVerdict {
    /// It is in the trash already.
    Same,
    Delete,
    /// Somebody changed or moved it unseen by the deleter: it lives.
    Loses,
}

/// `content_seen`, `place_seen`: the deleter's base covers the dot of the present content, of the place.
pub fn judge_delete(content_seen: bool, place_seen: bool, deleted: bool) -> DeleteVerdict {
    let content_seen = content_seen || Fault::DeleteIgnoresContent.is_planted();
    let place_seen = place_seen || Fault::DeleteIgnoresPlace.is_planted();
    match (deleted, content_seen && place_seen && !Fault::DeleteAlwaysLoses.is_planted()) {
        (true, _) => DeleteVerdict::Same,
        (false, true) => DeleteVerdict::Delete,
        (false, false) => DeleteVerdict::Loses,
    }
}

/// Who last put or changed something, in positions of the zone's counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touched {
    pub by: DeviceId,
    pub feed: u64,
    /// The last by a device other than `by`, 0 if there is none.
    pub others_feed: u64,
}

impl Touched {
    /// A new thing.
    pub fn first(by: DeviceId, feed: u64) -> Self {
        Self { by, feed, others_feed: 0 }
    }

    /// One more touch.
    #[must_use]
    pub fn again(self, by: DeviceId, feed: u64) -> Self {
        let others_feed = if by == self.by { self.others_feed } else { self.feed };
        let others_feed = if Fault::OthersTouchIsForgotten.is_planted() { 0 } else { others_feed };
        Self { by, feed, others_feed }
    }

    /// Whether it outlives the delete of a folder that it is in: another device than the deleter's put or
    /// changed it after `seen`, the position in force when the person deleted.
    pub fn outlives_delete(self, deleter: DeviceId, seen: u64) -> bool {
        let by_others = if self.by == deleter { self.others_feed } else { self.feed };
        by_others > seen
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn device(n: u128) -> DeviceId {
        DeviceId(Uuid::from_u128(n))
    }

    #[test]
    fn the_same_name_twice() {
        use ItemKind::{File, Folder};
        let held = |kind, equal| Some(Holder { kind, equal });
        let rows = [
            (File, None, CreateVerdict::Place),
            (Folder, None, CreateVerdict::Place),
            (File, held(File, true), CreateVerdict::SameFile),
            (File, held(File, false), CreateVerdict::Rename),
            (File, held(Folder, false), CreateVerdict::Rename),
            (Folder, held(File, false), CreateVerdict::Rename),
            (Folder, held(Folder, false), CreateVerdict::SameFolder),
        ];
        for (kind, holder, verdict) in rows {
            assert_eq!(judge_create(kind, holder), verdict, "{kind:?} {holder:?}");
        }
    }

    #[test]
    fn the_first_move_stands_and_a_move_outlives_a_delete() {
        let rows = [
            ((true, false, false), MoveVerdict::Move),
            ((true, true, false), MoveVerdict::Same),
            ((false, true, false), MoveVerdict::Same),
            ((false, false, false), MoveVerdict::FirstStands),
            ((false, false, true), MoveVerdict::Revive),
            ((true, true, true), MoveVerdict::Revive),
        ];
        for ((seen, same, deleted), verdict) in rows {
            assert_eq!(judge_move(seen, same, deleted), verdict, "{seen} {same} {deleted}");
        }
    }

    #[test]
    fn a_delete_loses_to_what_it_had_not_seen() {
        assert_eq!(judge_delete(true, true, false), DeleteVerdict::Delete);
        assert_eq!(judge_delete(false, true, false), DeleteVerdict::Loses);
        assert_eq!(judge_delete(true, false, false), DeleteVerdict::Loses);
        assert_eq!(judge_delete(false, false, true), DeleteVerdict::Same);
    }

    proptest! {
        /// Against the whole history, which nobody keeps.
        #[test]
        fn two_positions_remember_enough(
            history in proptest::collection::vec(0u128..3, 1..12), deleter in 0u128..3, seen in 0u64..14,
        ) {
            let mut feeds = 1_u64..;
            let mut touches = history.iter().map(|&by| (device(by), feeds.next().unwrap()));
            let (by, feed) = touches.next().unwrap();
            let mut touched = Touched::first(by, feed);
            let mut log = vec![(by, feed)];
            for (by, feed) in touches {
                touched = touched.again(by, feed);
                log.push((by, feed));
            }
            let outlives = log.iter().any(|&(by, feed)| by != device(deleter) && feed > seen);
            prop_assert_eq!(touched.outlives_delete(device(deleter), seen), outlives);
        }
    }
}
