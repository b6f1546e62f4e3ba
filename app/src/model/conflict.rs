//! The two sides of a conflict as one person on one device sees them, and what a choice means.

use shared::sync::{ConflictInfo, ConflictSide, Resolution};
use shared::{DeviceId, UserId};

/// One side, by the contract's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// What came in and did not fit.
    Local,
    /// What the file holds now.
    Server,
}

impl Side {
    pub const fn resolution(self) -> Resolution {
        match self {
            Self::Local => Resolution::Local,
            Self::Server => Resolution::Server,
        }
    }

    pub fn device(self, conflict: &ConflictInfo) -> DeviceId {
        match self {
            Self::Local => conflict.local_modified_by,
            Self::Server => conflict.server_modified_by,
        }
    }

    pub fn of(self, conflict: &ConflictInfo) -> Option<&ConflictSide> {
        match self {
            Self::Local => conflict.local_side.as_ref(),
            Self::Server => conflict.server_side.as_ref(),
        }
    }
}

/// Who looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewer {
    pub user: UserId,
    pub device: DeviceId,
}

/// Whose a side is, from where the person sits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    ThisDevice,
    /// Another device of the same person.
    OwnDevice(String),
    /// Someone else, and on what.
    Other {
        person: String,
        device: String,
    },
    /// A device that nobody knows any more.
    Unknown,
}

impl Owner {
    pub fn of(side: Side, conflict: &ConflictInfo, viewer: Viewer) -> Self {
        if side.device(conflict) == viewer.device {
            return Self::ThisDevice;
        }
        match side.of(conflict).and_then(|side| side.by.clone()) {
            Some(by) if by.user_id == viewer.user => Self::OwnDevice(by.device_name),
            Some(by) => Self::Other { person: by.user_name, device: by.device_name },
            None => Self::Unknown,
        }
    }
}

/// The sides in the order in which they are shown: one's own first, else what the file holds now.
pub fn in_order(conflict: &ConflictInfo, viewer: Viewer) -> [Side; 2] {
    let is_mine = |side: Side| matches!(Owner::of(side, conflict, viewer), Owner::ThisDevice);
    let is_ours = |side: Side| matches!(Owner::of(side, conflict, viewer), Owner::OwnDevice(_));
    let local_first = is_mine(Side::Local) && !is_mine(Side::Server)
        || !is_mine(Side::Server) && is_ours(Side::Local) && !is_ours(Side::Server);
    if local_first { [Side::Local, Side::Server] } else { [Side::Server, Side::Local] }
}

/// What a person chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    Keep(Side),
    Both,
    Merged,
}

impl Choice {
    /// What is best where nothing is known of what the person wants: a merge in which nothing overlaps,
    /// otherwise what loses nothing.
    pub fn recommended(conflict: &ConflictInfo) -> Self {
        match &conflict.proposal {
            Some(proposal) if proposal.overlaps == 0 => Self::Merged,
            _ => Self::Both,
        }
    }

    pub const fn resolution(self) -> Resolution {
        match self {
            Self::Keep(side) => side.resolution(),
            Self::Both => Resolution::Both,
            Self::Merged => Resolution::Proposal,
        }
    }

    /// The same choice about another conflict: by whose side it is, not by how the contract calls it. None
    /// where it would mean nothing there.
    pub fn carried_over(self, from: &ConflictInfo, to: &ConflictInfo, viewer: Viewer) -> Option<Self> {
        let Self::Keep(side) = self else {
            let has_merge = self != Self::Merged || to.proposal.is_some();
            return has_merge.then_some(self);
        };
        let device = side.device(from);
        let by = |device| [Side::Local, Side::Server].into_iter().find(|side| side.device(to) == device);
        if let Some(same) = by(device) {
            // Both sides of that one: the choice says nothing of which.
            let is_both = to.local_modified_by == to.server_modified_by;
            return (!is_both).then_some(Self::Keep(same));
        }
        // Theirs was kept, and this is against somebody else's.
        let own = by(viewer.device).filter(|_| device != viewer.device)?;
        Some(Self::Keep(if own == Side::Local { Side::Server } else { Side::Local }))
    }
}

#[cfg(test)]
mod tests {
    use shared::sync::{DeviceHolder, Proposal};
    use shared::{ConflictId, ContentHash, ItemId, Timestamp, VersionVector};
    use uuid::Uuid;

    use super::*;

    fn device(n: u128) -> DeviceId {
        DeviceId(Uuid::from_u128(n))
    }

    fn viewer(n: u128) -> Viewer {
        Viewer { user: UserId(Uuid::from_u128(1)), device: device(n) }
    }

    /// Devices below 10 are the viewer's own person's.
    fn conflict(local: u128, server: u128) -> ConflictInfo {
        let side = |n: u128| {
            Some(ConflictSide {
                by: Some(DeviceHolder {
                    device_id: device(n),
                    device_name: format!("device {n}"),
                    user_id: UserId(Uuid::from_u128(if n < 10 { 1 } else { 2 })),
                    user_name: format!("person of {n}"),
                }),
                modified_at: Timestamp::default(),
                size: 1,
            })
        };
        ConflictInfo {
            id: ConflictId(Uuid::from_u128(local * 100 + server)),
            file_id: ItemId(Uuid::from_u128(1)),
            file_name: "a.txt".to_owned(),
            local_version: VersionVector::new(),
            server_version: VersionVector::new(),
            local_modified_by: device(local),
            server_modified_by: device(server),
            local_content_hash: ContentHash::of_chunks([]),
            server_content_hash: ContentHash::of_chunks([]),
            local_side: side(local),
            server_side: side(server),
            proposal: None,
            created_at: Timestamp::default(),
            operation_id: None,
        }
    }

    #[test]
    fn ones_own_side_comes_first() {
        assert_eq!(in_order(&conflict(3, 11), viewer(3)), [Side::Local, Side::Server]);
        assert_eq!(in_order(&conflict(11, 3), viewer(3)), [Side::Server, Side::Local]);
        assert_eq!(in_order(&conflict(4, 11), viewer(3)), [Side::Local, Side::Server], "one's other device");
        assert_eq!(in_order(&conflict(4, 3), viewer(3)), [Side::Server, Side::Local]);
        assert_eq!(in_order(&conflict(12, 11), viewer(3)), [Side::Server, Side::Local], "what is there now");
    }

    #[test]
    fn a_side_is_named_by_who_looks() {
        let info = conflict(3, 11);
        assert_eq!(Owner::of(Side::Local, &info, viewer(3)), Owner::ThisDevice);
        assert_eq!(Owner::of(Side::Local, &info, viewer(4)), Owner::OwnDevice("device 3".into()));
        let other = Owner::Other { person: "person of 11".into(), device: "device 11".into() };
        assert_eq!(Owner::of(Side::Server, &info, viewer(3)), other);
        let forgotten = ConflictInfo { server_side: None, ..info };
        assert_eq!(Owner::of(Side::Server, &forgotten, viewer(3)), Owner::Unknown);
    }

    #[test]
    fn a_choice_is_carried_over_by_whose_side_it_is() {
        let keep = |side, from: &ConflictInfo, to: &ConflictInfo| {
            Choice::Keep(side).carried_over(from, to, viewer(3))
        };
        let (mine_local, mine_server) = (conflict(3, 11), conflict(11, 3));
        assert_eq!(keep(Side::Local, &mine_local, &mine_server), Some(Choice::Keep(Side::Server)));
        assert_eq!(keep(Side::Server, &mine_local, &mine_server), Some(Choice::Keep(Side::Local)));
        let against_another = conflict(12, 3);
        assert_eq!(keep(Side::Server, &mine_local, &against_another), Some(Choice::Keep(Side::Local)));
        assert_eq!(keep(Side::Local, &mine_local, &conflict(11, 12)), None, "none of it is mine");
        assert_eq!(keep(Side::Local, &mine_local, &conflict(3, 3)), None, "both are mine");
    }

    #[test]
    fn the_merge_is_taken_only_where_there_is_one() {
        let plain = conflict(3, 11);
        let proposed = |overlaps| ConflictInfo {
            proposal: Some(Proposal { text: String::new(), overlaps }),
            ..conflict(3, 11)
        };
        assert_eq!(Choice::Merged.carried_over(&proposed(0), &plain, viewer(3)), None);
        assert_eq!(Choice::Merged.carried_over(&proposed(0), &proposed(1), viewer(3)), Some(Choice::Merged));
        assert_eq!(Choice::recommended(&proposed(0)), Choice::Merged);
        assert_eq!(Choice::recommended(&proposed(1)), Choice::Both, "overlaps need a person's eye");
        assert_eq!(Choice::recommended(&plain), Choice::Both);
    }
}
