//! A photo library on the screen, as columns: what is shown where, exact for a million photos, without an
//! object a photo.

mod adjustment;
mod ahead;
mod arrangement;
mod cache;
mod calendar;
pub mod duplicates;
mod index;
mod layout;
mod own;
mod ranges;
mod selection;
mod sought;
mod spacer;

pub use adjustment::{Adjustment, date_for_input, later_by};
pub use ahead::{Moment, Survey, ThumbnailName};
pub use arrangement::{Arrangement, Moved, Spot, Zoom};
pub use cache::PhotoCache;
pub use calendar::month_of;
pub use index::{ListedPhoto, PhotoIndex};
pub use layout::{Layout, Metrics, Rect, Tile};
pub use own::{Overlay, OwnPhotos, Stand};
pub use ranges::Ranges;
pub use selection::{PhotoSelection, Whereabouts};
pub use sought::Sought;
pub use spacer::Spacer;
