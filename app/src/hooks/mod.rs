//! Where the app touches the browser: events, timers, sizes, storage, formats.

pub mod clock;
pub mod desktop_files;
pub mod drag;
pub mod intl;
pub mod later;
pub mod listener;
pub mod media;
pub mod preferences;
pub mod viewport;
