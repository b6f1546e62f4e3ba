//! Slows down guessing, without a way to lock the owner out.
//!
//! Failures are counted by who tries, never by account alone: a device that proves it signed in before has
//! a count of its own, anyone else one of address and name. So whoever guesses from elsewhere slows down
//! only himself.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Mutex;
use std::time::Duration;

use shared::{DeviceId, Timestamp};

/// Failures that cost no wait.
const FREE_FAILURES: u32 = 5;
/// The wait after the first failure beyond; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_mins(15);
/// When a count is forgotten, from its last failure.
const MEMORY: Duration = Duration::from_mins(30);
/// Failures of one address with all names, known devices aside, before it waits.
const ADDRESS_FREE_FAILURES: u32 = 200;
/// Counts kept; beyond, the oldest go.
const ENTRIES_MAX: usize = 50_000;

/// Who is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Trier {
    /// A device that proved that this account signed in on it before.
    KnownDevice(DeviceId),
    /// A device of the account by its own word only.
    ClaimedDevice(DeviceId, IpAddr),
    Stranger(String, IpAddr),
    /// Everyone at one address.
    Address(IpAddr),
}

impl Trier {
    fn free_failures(&self) -> u32 {
        if matches!(self, Self::Address(_)) { ADDRESS_FREE_FAILURES } else { FREE_FAILURES }
    }
}

/// An address as one counts it: the network of 64 bits that one household has of IPv6.
pub fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Failures of late, by trier.
#[derive(Default)]
pub struct SignInThrottle(Mutex<HashMap<Trier, Failures>>);

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Timestamp,
}

impl SignInThrottle {
    /// How long one of the triers still has to wait.
    pub fn wait(&self, triers: &[Trier], now: Timestamp) -> Option<Duration> {
        let failures = self.lock();
        let waits = triers.iter().filter_map(|trier| {
            let failures = failures.get(trier)?;
            let beyond = failures.count.checked_sub(trier.free_failures())?;
            let pause = FIRST_PAUSE.saturating_mul(1 << beyond.min(20)).min(PAUSE_MAX);
            pause.checked_sub(now.since(failures.last)).filter(|left| !left.is_zero())
        });
        waits.max()
    }

    pub fn failed(&self, triers: &[Trier], now: Timestamp) {
        let mut all = self.lock();
        if all.len() >= ENTRIES_MAX {
            all.retain(|_, failures| now.since(failures.last) < MEMORY);
        }
        if all.len() >= ENTRIES_MAX
            && let Some(oldest) =
                all.iter().min_by_key(|(_, failures)| failures.last).map(|(trier, _)| trier.clone())
        {
            all.remove(&oldest);
        }
        for trier in triers {
            let failures = all.entry(trier.clone()).or_insert(Failures { count: 0, last: now });
            let forgotten = now.since(failures.last) >= MEMORY;
            failures.count = if forgotten { 1 } else { failures.count + 1 };
            failures.last = now;
        }
    }

    /// Forgets the failures of who has shown the password. The address's count stays: one's own account
    /// must not clear the way for guessing at others.
    pub fn succeeded(&self, trier: &Trier) {
        let mut all = self.lock();
        if let (Trier::Address(_), Some(failures)) = (trier, all.get_mut(trier))
            && failures.count > 1
        {
            // Only what was counted before this try.
            failures.count -= 1;
            return;
        }
        all.remove(trier);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Trier, Failures>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

    fn stranger() -> Trier {
        Trier::Stranger("ann".into(), [1, 2, 3, 4].into())
    }

    fn fail(throttle: &SignInThrottle, times: u32) {
        for _ in 0..times {
            throttle.failed(&[stranger()], NOW);
        }
    }

    #[test]
    fn waits_double_and_end() {
        let throttle = SignInThrottle::default();
        fail(&throttle, FREE_FAILURES - 1);
        assert_eq!(throttle.wait(&[stranger()], NOW), None);
        fail(&throttle, 1);
        assert_eq!(throttle.wait(&[stranger()], NOW), Some(FIRST_PAUSE));
        fail(&throttle, 2);
        assert_eq!(throttle.wait(&[stranger()], NOW), Some(FIRST_PAUSE * 4));
        assert_eq!(throttle.wait(&[stranger()], NOW + FIRST_PAUSE * 4), None);
        fail(&throttle, 100);
        assert_eq!(throttle.wait(&[stranger()], NOW), Some(PAUSE_MAX));
    }

    #[test]
    fn a_guesser_slows_down_nobody_else() {
        let throttle = SignInThrottle::default();
        fail(&throttle, 50);
        let elsewhere = Trier::Stranger("ann".into(), [1, 2, 3, 5].into());
        let known = Trier::KnownDevice(DeviceId(uuid::Uuid::nil()));
        assert_eq!(throttle.wait(&[elsewhere], NOW), None);
        assert_eq!(throttle.wait(&[known], NOW), None);
        throttle.succeeded(&stranger());
        assert_eq!(throttle.wait(&[stranger()], NOW), None);
    }

    #[test]
    fn a_success_takes_back_one_failure_of_its_address() {
        let throttle = SignInThrottle::default();
        let address = [Trier::Address([1, 2, 3, 4].into())];
        for _ in 0..=ADDRESS_FREE_FAILURES {
            throttle.failed(&address, NOW);
        }
        throttle.succeeded(&address[0]);
        assert_eq!(throttle.wait(&address, NOW), Some(FIRST_PAUSE));
        throttle.succeeded(&address[0]);
        assert_eq!(throttle.wait(&address, NOW), None);
    }

    #[test]
    fn one_ipv6_network_is_one_household() {
        assert_eq!(household("2001:db8::1".parse().unwrap()), household("2001:db8::2".parse().unwrap()));
        assert_ne!(household("2001:db8::1".parse().unwrap()), household("2001:db8:0:1::1".parse().unwrap()));
        assert_eq!(household("::ffff:1.2.3.4".parse().unwrap()), IpAddr::from([1, 2, 3, 4]));
    }
}
