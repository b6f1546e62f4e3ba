//! A photo library on the screen, as columns: what is shown where, exact for a million photos, without an
//! object a photo.

mod arrangement;
mod cache;
mod calendar;
mod gone;
mod index;
mod layout;
mod ranges;
mod selection;
mod spacer;

pub use arrangement::{Arrangement, Zoom};
pub use cache::PhotoCache;
pub use calendar::month_of;
pub use gone::Gone;
pub use index::PhotoIndex;
pub use layout::{Layout, Metrics, Rect, Tile};
pub use ranges::Ranges;
pub use selection::PhotoSelection;
pub use spacer::Spacer;
