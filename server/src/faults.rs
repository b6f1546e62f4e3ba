//! Faults that a test plants, to show that the test of durability would notice them. A release build has none.

/// What is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// SQLite's log is not synced.
    SqliteSyncOff,
    /// A new object's directory is not synced.
    NoDirectorySync,
}

impl Fault {
    const fn name(self) -> &'static str {
        match self {
            Self::SqliteSyncOff => "sqlite_sync_off",
            Self::NoDirectorySync => "no_dir_sync",
        }
    }

    /// Whether `CLOUDSTEAD_TEST_FAULT` names it.
    pub fn is_planted(self) -> bool {
        cfg!(debug_assertions) && std::env::var("CLOUDSTEAD_TEST_FAULT").is_ok_and(|name| name == self.name())
    }
}
