//! Time, ids and randomness, passed in so that a simulation can own them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use shared::Timestamp;
use uuid::Uuid;

/// The present, as the server sees it.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;
}

/// Ids and secrets.
pub trait Chance: Send + Sync + 'static {
    /// A version 7 UUID for the instant.
    fn id(&self, at: Timestamp) -> Uuid;
    /// Fills the buffer with bytes fit for secrets.
    fn fill(&self, bytes: &mut [u8]);
}

/// Both, as the server carries them about.
#[derive(Clone)]
pub struct Env {
    pub clock: Arc<dyn Clock>,
    pub chance: Arc<dyn Chance>,
}

impl Env {
    /// The machine's clock and the operating system's randomness.
    pub fn system() -> Self {
        Self { clock: Arc::new(SystemClock), chance: Arc::new(SystemChance) }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A new id of any kind, for this instant.
    pub fn id<T: From<Uuid>>(&self) -> T {
        T::from(self.chance.id(self.clock.now()))
    }

    /// 32 secret bytes.
    pub fn secret(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.chance.fill(&mut bytes);
        bytes
    }
}

/// The instant before which nothing is stamped, however far the clock is set back: the jobs know it (see
/// [`crate::jobs::steady`]).
#[derive(Debug)]
pub struct Stamps(AtomicI64);

impl Stamps {
    pub fn new(earliest: Option<Timestamp>) -> Self {
        Self(AtomicI64::new(earliest.map_or(i64::MIN, Timestamp::as_millis)))
    }

    pub fn set_earliest(&self, earliest: Timestamp) {
        self.0.store(earliest.as_millis(), Ordering::Relaxed);
    }

    /// What is stamped on something that happens now.
    pub fn at(&self, now: Timestamp) -> Timestamp {
        now.max(Timestamp::from_millis(self.0.load(Ordering::Relaxed)))
    }
}

struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        let since_epoch =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}

struct SystemChance;

impl Chance for SystemChance {
    fn id(&self, at: Timestamp) -> Uuid {
        let mut random = [0; 10];
        self.fill(&mut random);
        uuid::Builder::from_unix_timestamp_millis(u64::try_from(at.as_millis()).unwrap_or(0), &random)
            .into_uuid()
    }

    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap_or_else(|error| {
            tracing::error!(%error, "the operating system gives no randomness");
            std::process::abort()
        });
    }
}
