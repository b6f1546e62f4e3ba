use shared::Timestamp;
use shared::limits::TRASH_RETENTION;

const DAY_SECONDS: u64 = 24 * 3_600;

/// Until what was deleted then is gone for good; a day that has begun counts.
pub fn days_left(deleted_at: Timestamp, now: Timestamp) -> u64 {
    (deleted_at + TRASH_RETENTION).since(now).as_secs().div_ceil(DAY_SECONDS)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn days_are_counted_down_to_the_end_and_not_beyond() {
        let deleted = Timestamp::from_millis(1_700_000_000_000);
        let after = |hours| days_left(deleted, deleted + Duration::from_hours(hours));
        assert_eq!([after(0), after(1), after(24), after(29 * 24 + 1)], [30, 30, 29, 1]);
        assert_eq!([after(30 * 24), after(40 * 24)], [0, 0]);
        // A clock that is behind.
        assert_eq!(days_left(deleted, deleted - Duration::from_hours(1)), 31);
    }
}
