//! Two contents of one file.

use super::text::{MergeKind, TextMerge};
use crate::faults::Fault;

/// What is known of the content that was edited, beside the present one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BaseContent {
    /// No longer kept, or unknown since the server was restored.
    Gone,
    /// The present content equals it: the other side changed and changed back.
    SameAsPresent,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentVerdict {
    /// One change, silently. No dot moves.
    Same,
    /// The editor had seen the present content: the incoming one takes its place.
    Replace,
    /// Nobody else's change is left that could be lost: the incoming content is applied, `merged`.
    Reverted,
    /// The merge of both takes the place of both, under a further count, so that a later edit made on the
    /// incoming side is merged again rather than written over it.
    Merge,
    /// The present content stays current; a person decides.
    Conflict,
}

/// `seen`: the editor's base covers the present content's dot. `equal`: the contents are equal. `merge` is
/// asked for only where it could matter: concurrent, unequal, base kept.
pub fn judge_content(
    seen: bool,
    equal: bool,
    base: BaseContent,
    merge: Option<(MergeKind, &TextMerge)>,
) -> ContentVerdict {
    let equal = equal && !Fault::EqualContentsConflict.is_planted();
    let seen = seen || Fault::UnseenContentIsReplaced.is_planted();
    match (equal, seen, base, merge) {
        (true, ..) => ContentVerdict::Same,
        (false, true, ..) => ContentVerdict::Replace,
        (false, false, BaseContent::SameAsPresent, _) => ContentVerdict::Reverted,
        (false, false, BaseContent::Other, Some((MergeKind::Silent, merge))) if merge.overlaps == 0 => {
            ContentVerdict::Merge
        }
        (false, false, BaseContent::Gone | BaseContent::Other, _) => ContentVerdict::Conflict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_the_table() {
        use BaseContent::{Gone, Other, SameAsPresent};
        use ContentVerdict::{Conflict, Merge, Replace, Reverted, Same};
        let clean = TextMerge { text: String::new(), overlaps: 0 };
        let overlapping = TextMerge { text: String::new(), overlaps: 1 };
        let silent = |merge| Some((MergeKind::Silent, merge));
        let proposed = |merge| Some((MergeKind::Proposal, merge));
        let rows = [
            // (seen, equal, base, merge) → verdict
            ((true, true, Other, None), Same),
            ((false, true, Gone, None), Same),
            ((true, false, Other, None), Replace),
            ((true, false, Gone, silent(&overlapping)), Replace),
            ((false, false, SameAsPresent, silent(&clean)), Reverted),
            ((false, false, SameAsPresent, None), Reverted),
            ((false, false, Other, silent(&clean)), Merge),
            ((false, false, Other, silent(&overlapping)), Conflict),
            ((false, false, Other, proposed(&clean)), Conflict),
            ((false, false, Other, None), Conflict),
            ((false, false, Gone, None), Conflict),
        ];
        for ((seen, equal, base, merge), verdict) in rows {
            assert_eq!(judge_content(seen, equal, base, merge), verdict, "{seen} {equal} {base:?} {merge:?}");
        }
    }

    #[test]
    fn equal_contents_never_conflict_and_unseen_ones_are_never_replaced() {
        for seen in [false, true] {
            for base in [BaseContent::Gone, BaseContent::SameAsPresent, BaseContent::Other] {
                assert_eq!(judge_content(seen, true, base, None), ContentVerdict::Same);
                let replaced = judge_content(seen, false, base, None) == ContentVerdict::Replace;
                assert_eq!(replaced, seen);
            }
        }
    }
}
