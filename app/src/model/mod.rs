//! What the screen shows, as plain values: sorting, selection, file types. No DOM, no signals.

pub mod conflict;
pub mod coordinates;
mod entries;
mod file_type;
mod mass_delete;
pub mod photos;
mod selection;
mod slots;
mod sort;
mod table;
pub mod text;
pub mod text_diff;
mod trash;
mod window;

pub use entries::Entries;
pub use file_type::FileType;
pub use mass_delete::MassDelete;
pub use selection::Selection;
pub use slots::Slots;
pub use sort::{Sort, SortKey};
pub use table::Table;
pub use trash::days_left;
pub use window::Window;
