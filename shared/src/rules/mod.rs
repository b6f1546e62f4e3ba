//! What happens to concurrent edits, as pure functions: the table of the contract, row by row. Placement
//! (parent and name) and content are judged apart. Whoever calls has loaded what they ask for, and writes
//! what they decide.

mod content;
mod known;
mod place;
mod text;

pub use content::{BaseContent, ContentVerdict, judge_content};
pub use known::Known;
pub use place::{
    CreateVerdict, DeleteVerdict, Holder, MoveVerdict, Touched, judge_create, judge_delete, judge_move,
};
pub use text::{MergeKind, TextMerge, merge_kind, merge_text};
