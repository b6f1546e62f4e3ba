//! The guard against deleting most of what there is by mistake.

use shared::{ItemId, ItemKind};

use crate::ports::Cloud;

/// Fewer items than this are deleted without a question: undo and the trash are enough.
const ITEMS_MIN: usize = 50;

/// A delete of more than half of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MassDelete {
    /// Items that would go, with what is in them.
    pub deleted: usize,
    /// Items that there are.
    pub total: usize,
}

impl MassDelete {
    fn of(deleted: usize, total: usize) -> Option<Self> {
        (deleted >= ITEMS_MIN && deleted > total / 2).then_some(Self { deleted, total })
    }

    /// What deleting the items would take, where that is more than half of what is below `root`. None of the
    /// items may be in another.
    pub fn look(cloud: &dyn Cloud, root: ItemId, ids: &[ItemId]) -> Option<Self> {
        let is_folder = |id: &ItemId| cloud.item(*id).is_some_and(|item| item.item.kind == ItemKind::Folder);
        let inside: usize = ids.iter().filter(|id| is_folder(id)).map(|id| within(cloud, *id)).sum();
        let deleted = ids.len() + inside;
        // What is counted next is the whole tree: only where it can matter.
        if deleted < ITEMS_MIN {
            return None;
        }
        Self::of(deleted, within(cloud, root))
    }
}

/// Live items in the folder and in those below it.
fn within(cloud: &dyn Cloud, folder: ItemId) -> usize {
    let mut count = 0;
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        count += cloud.children_len(folder);
        folders.extend(cloud.folders(folder).iter().map(|inner| inner.item.id));
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_more_than_half_of_many_is_asked_about() {
        assert_eq!(MassDelete::of(ITEMS_MIN - 1, ITEMS_MIN - 1), None);
        assert_eq!(MassDelete::of(100, 200), None);
        assert_eq!(MassDelete::of(101, 200), Some(MassDelete { deleted: 101, total: 200 }));
        assert_eq!(MassDelete::of(ITEMS_MIN, ITEMS_MIN), Some(MassDelete { deleted: 50, total: 50 }));
    }
}
