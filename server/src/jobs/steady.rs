//! A clock that purging may trust. Wall clocks jump: a wrong date for an hour must not empty every trash.
//!
//! Purges run a day behind the clock, so that a jump of up to a day hastens nothing. After a larger one,
//! forward or back, nothing is purged until the clock has run steadily for as long as a lease lasts: by
//! then every lease that was given under the wrong date has been honoured.
//!
//! A jump may come and go between two looks. So the record also keeps a floor, which time moves and jumps do
//! not: nothing is stamped much earlier than it, and so nothing is over too early.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::Timestamp;
use shared::limits::CHUNK_LEASE;

/// How far the clock may be off, and so how late purges are.
pub const JUMP_MAX: Duration = Duration::from_hours(24);
/// How long the clock has to run steadily after a jump.
pub const STEADY_AFTER_JUMP: Duration = CHUNK_LEASE;
/// How far before the floor a stamp may lie. Less than [`JUMP_MAX`], by more than passes between two looks.
pub const STAMP_BEFORE_FLOOR_MAX: Duration = Duration::from_hours(12);

/// What is remembered of the clock, across restarts too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Steady {
    /// The clock when it was last looked at, in milliseconds since the Unix epoch.
    last_ms: i64,
    /// Milliseconds of steady running since a jump; none if there was no jump, or it is forgiven.
    #[serde(rename = "steady_ms")]
    running_ms: Option<u64>,
    /// Where the clock stood when it was last trusted, and what has passed since.
    #[serde(default = "long_ago")]
    floor: Timestamp,
}

/// For a record that was made before there was a floor.
fn long_ago() -> Timestamp {
    Timestamp::from_millis(0)
}

impl Steady {
    /// A new installation.
    pub fn new(now: Timestamp) -> Self {
        Self { last_ms: now.as_millis(), running_ms: None, floor: now }
    }

    /// Looks at the clock, `elapsed` after the last time by a clock that does not jump (nothing, where that
    /// is unknown). Answers the instant before which things are over; None while the clock isn't trusted.
    pub fn observe(&mut self, now: Timestamp, elapsed: Duration) -> Option<Timestamp> {
        let last = Timestamp::from_millis(self.last_ms);
        // Every node looks: what another has counted of the time is not counted again.
        let counted = elapsed.min(now.since(last));
        let off = now.since(last + elapsed).max((last + elapsed).since(now));
        self.last_ms = now.as_millis();
        let was_trusted = self.running_ms.is_none();
        if off > JUMP_MAX && !shared::faults::Fault::ClockIsBelieved.is_planted() {
            tracing::warn!(
                seconds = off.as_secs(),
                "the clock jumped: nothing is purged until it has run steadily for a week"
            );
            self.running_ms = Some(0);
        } else if let Some(steady) = self.running_ms {
            let steady = steady.saturating_add(u64::try_from(counted.as_millis()).unwrap_or(u64::MAX));
            self.running_ms = (u128::from(steady) < STEADY_AFTER_JUMP.as_millis()).then_some(steady);
        }
        self.floor = match (was_trusted, self.running_ms) {
            (true, None) => self.floor.max(now),
            // It has run for so long that it is believed, whatever it was before.
            (false, None) => now,
            (_, Some(_)) => self.floor + counted,
        };
        self.running_ms.is_none().then(|| now - JUMP_MAX)
    }

    /// Nothing is stamped earlier than this.
    pub fn earliest_stamp(&self) -> Timestamp {
        self.floor - STAMP_BEFORE_FLOOR_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);
    const DAY: Duration = Duration::from_hours(24);

    #[test]
    fn a_clock_that_runs_is_trusted_a_day_late() {
        let start = Timestamp::from_millis(0) + 100 * DAY;
        let mut clock = Steady::new(start);
        assert_eq!(clock.observe(start + HOUR, HOUR), Some(start + HOUR - DAY));
        assert_eq!(clock.observe(start + 20 * HOUR, Duration::ZERO), Some(start + 20 * HOUR - DAY));
    }

    #[test]
    fn nothing_is_stamped_before_what_has_passed() {
        let start = Timestamp::from_millis(0) + 10_000 * DAY;
        for forward in [true, false] {
            let mut clock = Steady::new(start);
            clock.observe(start + HOUR, HOUR);
            let wrong = if forward { start + 400 * DAY } else { start - 400 * DAY };
            // For three days nobody believes it.
            for hour in 0..72 {
                assert_eq!(clock.observe(wrong + hour * HOUR, HOUR), None);
            }
            let passed = start + 73 * HOUR;
            let earliest = clock.earliest_stamp();
            assert!(earliest <= passed, "{earliest:?}");
            assert!(earliest + STAMP_BEFORE_FLOOR_MAX + HOUR >= passed, "{earliest:?}");
            // After a week it is.
            for hour in 72..24 * 9 {
                clock.observe(wrong + hour * HOUR, HOUR);
            }
            assert!(clock.earliest_stamp() <= wrong + 9 * DAY);
            assert!(clock.earliest_stamp() + DAY >= wrong + 9 * DAY);
        }
    }

    #[test]
    fn many_nodes_count_the_time_once() {
        let start = Timestamp::from_millis(0) + 100 * DAY;
        let mut clock = Steady::new(start - 40 * DAY);
        assert_eq!(clock.observe(start, HOUR), None);
        for hour in 1..(STEADY_AFTER_JUMP.as_secs() / 3600) as u32 {
            for _node in 0..3 {
                assert_eq!(clock.observe(start + hour * HOUR, HOUR), None, "{hour}");
            }
        }
        assert!(clock.observe(start + STEADY_AFTER_JUMP, HOUR).is_some());
    }

    #[test]
    fn no_jump_ever_purges_early() {
        for jump in [2 * DAY, 40 * DAY, 4000 * DAY] {
            for forward in [true, false] {
                let start = Timestamp::from_millis(0) + 10_000 * DAY;
                let mut clock = Steady::new(start);
                let wrong = if forward { start + jump } else { start - jump };
                assert_eq!(clock.observe(wrong, HOUR), None);
                assert_eq!(clock.observe(wrong + HOUR, HOUR), None, "an hour proves nothing");
                // Set right again: what was leased under the wrong date has its full time.
                let mut right = start + 3 * HOUR;
                let mut waited = Duration::ZERO;
                assert_eq!(clock.observe(right, HOUR), None);
                while clock.observe(right + HOUR, HOUR).is_none() {
                    right = right + HOUR;
                    waited += HOUR;
                }
                assert!(waited + HOUR >= CHUNK_LEASE, "{waited:?}");
            }
        }
    }
}
