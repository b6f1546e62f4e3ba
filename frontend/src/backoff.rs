//! How long to wait before trying again: exponential with full jitter ("Exponential Backoff And Jitter",
//! Marc Brooker, 2015), so that clients that lost the same server do not return in step.

use std::time::Duration;

/// A row of tries, each waiting up to twice as long as the one before.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    first: Duration,
    most: Duration,
}

impl Backoff {
    pub const fn new(first: Duration, most: Duration) -> Self {
        Self { first, most }
    }

    /// The wait after `failures` tries that failed (1 or more). `chance` is evenly spread over 0..1; half
    /// of the wait is certain, so that no try follows at once.
    pub fn wait(self, failures: u32, chance: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(16);
        let whole = self.first.saturating_mul(1 << doublings).min(self.most);
        whole.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_most_and_never_vanish() {
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
        assert_eq!(backoff.wait(1, 1.0), Duration::from_secs(1));
        assert_eq!(backoff.wait(3, 1.0), Duration::from_secs(4));
        assert_eq!(backoff.wait(3, 0.0), Duration::from_secs(2));
        assert_eq!(backoff.wait(40, 1.0), Duration::from_secs(30));
    }
}
