//! Slows down guessing, without a way to lock the owner out.
//!
//! Failures are counted by who tries, never by account alone: a device that proves it signed in before has
//! a count of its own, anyone else one of address and name. So whoever guesses from elsewhere slows down
//! only himself.
//!
//! Where there is Valkey all nodes count together, beside each for itself: more nodes are no more guesses, but for
//! those under way at once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared::{DeviceId, Timestamp};
use tokio::sync::Notify;

use crate::clock::Env;
use crate::shared_counts::SharedCounts;

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

    /// How long it has to wait that failed so often, the last time so long ago.
    fn wait(&self, failures: u32, ago: Duration) -> Option<Duration> {
        let beyond = failures.checked_sub(self.free_failures())?;
        let pause = FIRST_PAUSE.saturating_mul(1 << beyond.min(20)).min(PAUSE_MAX);
        pause.checked_sub(ago).filter(|left| !left.is_zero())
    }

    fn key(&self) -> String {
        match self {
            Self::KnownDevice(id) => format!("known:{id}"),
            Self::ClaimedDevice(id, address) => format!("claimed:{address}:{id}"),
            Self::Stranger(name, address) => format!("stranger:{address}:{name}"),
            Self::Address(address) => format!("address:{address}"),
        }
    }
}

fn keys<'a>(triers: impl IntoIterator<Item = &'a Trier>) -> Vec<String> {
    triers.into_iter().map(Trier::key).collect()
}

/// Whose failures a success makes up for. The address's count stays: one's own account must not clear the way for
/// guessing at others.
fn forgiven(triers: &[Trier]) -> impl Iterator<Item = &Trier> {
    triers.iter().filter(|trier| !matches!(trier, Trier::Address(_)))
}

/// An address as one counts it: the network of 64 bits that one household has of IPv6.
pub fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Failures of late, and attempts under way.
#[derive(Default)]
pub struct SignInThrottle {
    counts: Mutex<Counts>,
    /// An attempt came to its end.
    ended: Notify,
    /// What the other nodes count, too.
    shared: Option<Arc<SharedCounts>>,
}

#[derive(Default)]
struct Counts {
    failures: HashMap<Trier, Failures>,
    under_way: HashMap<Trier, u32>,
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Timestamp,
}

/// An attempt whose verdict is still to come. Dropped without one, it counts for nothing.
pub struct Attempt<'a> {
    throttle: &'a SignInThrottle,
    triers: Vec<Trier>,
}

impl SignInThrottle {
    pub fn new(shared: Option<Arc<SharedCounts>>) -> Self {
        Self { shared, ..Self::default() }
    }

    /// Lets an attempt begin, or says how long one of its triers still has to wait. Of one trier only as many are under
    /// way as may fail for free, so that guesses side by side gain nothing over one after another; further ones
    /// wait for a verdict.
    pub async fn begin(&self, triers: Vec<Trier>, clock: &Env) -> Result<Attempt<'_>, Duration> {
        loop {
            // Taken first: what ends from here on wakes it.
            let ended = self.ended.notified();
            let wait = self.wait(&triers, clock.now());
            if let Some(wait) = wait.max(self.shared_wait(&triers).await) {
                return Err(wait);
            }
            if self.enter(&triers) {
                return Ok(Attempt { throttle: self, triers });
            }
            ended.await;
        }
    }

    fn enter(&self, triers: &[Trier]) -> bool {
        let Counts { failures, under_way } = &mut *self.lock();
        let is_full = |trier: &Trier| {
            let failed = failures.get(trier).map_or(0, |failures| failures.count);
            let places = trier.free_failures().saturating_sub(failed).max(1);
            under_way.get(trier).is_some_and(|&under_way| under_way >= places)
        };
        if triers.iter().any(is_full) {
            return false;
        }
        for trier in triers {
            *under_way.entry(trier.clone()).or_default() += 1;
        }
        true
    }

    fn leave(&self, triers: &[Trier]) {
        let under_way = &mut self.lock().under_way;
        for trier in triers {
            if let Entry::Occupied(mut entry) = under_way.entry(trier.clone()) {
                *entry.get_mut() -= 1;
                if *entry.get() == 0 {
                    entry.remove();
                }
            }
        }
    }

    /// How long one of the triers still has to wait.
    fn wait(&self, triers: &[Trier], now: Timestamp) -> Option<Duration> {
        let failures = &self.lock().failures;
        let waits = triers.iter().filter_map(|trier| {
            let failures = failures.get(trier)?;
            trier.wait(failures.count, now.since(failures.last))
        });
        waits.max()
    }

    /// As [`Self::wait`], by what all nodes counted.
    async fn shared_wait(&self, triers: &[Trier]) -> Option<Duration> {
        let failures = self.shared.as_ref()?.failures(&keys(triers)).await?;
        triers.iter().zip(failures).filter_map(|(trier, (count, ago))| trier.wait(count, ago)).max()
    }

    fn failed(&self, triers: &[Trier], now: Timestamp) {
        let all = &mut self.lock().failures;
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

    /// Forgets the failures of who has shown the password.
    fn succeeded(&self, triers: &[Trier]) {
        let all = &mut self.lock().failures;
        for trier in forgiven(triers) {
            all.remove(trier);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// The password was wrong.
    pub async fn failed(self, now: Timestamp) {
        self.throttle.failed(&self.triers, now);
        if let Some(shared) = &self.throttle.shared {
            shared.fail(&keys(&self.triers), MEMORY).await;
        }
    }

    /// The password was right.
    pub async fn succeeded(self) {
        self.throttle.succeeded(&self.triers);
        if let Some(shared) = &self.throttle.shared {
            shared.forgive(&keys(forgiven(&self.triers))).await;
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.throttle.leave(&self.triers);
        self.throttle.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

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
        throttle.succeeded(&[stranger()]);
        assert_eq!(throttle.wait(&[stranger()], NOW), None);
    }

    #[test]
    fn a_success_leaves_the_failures_of_its_address() {
        let throttle = SignInThrottle::default();
        let triers = [stranger(), Trier::Address([1, 2, 3, 4].into())];
        for _ in 0..ADDRESS_FREE_FAILURES {
            throttle.failed(&triers, NOW);
        }
        throttle.succeeded(&triers);
        assert_eq!(throttle.wait(&triers[..1], NOW), None);
        assert_eq!(throttle.wait(&triers, NOW), Some(FIRST_PAUSE));
    }

    /// As many attempts as may begin at once; the next one waits.
    fn begin_all<'a>(throttle: &'a SignInThrottle, env: &Env) -> Vec<Attempt<'a>> {
        let mut under_way = Vec::new();
        while let Some(begun) = throttle.begin(vec![stranger()], env).now_or_never() {
            under_way.push(begun.unwrap());
        }
        under_way
    }

    #[tokio::test]
    async fn right_passwords_side_by_side_all_come_in() {
        let (throttle, env) = (SignInThrottle::default(), Env::system());
        let one = async || {
            let begun = throttle.begin(vec![stranger()], &env).await;
            begun.map(|attempt| attempt.succeeded().now_or_never())
        };
        let mut under_way = begin_all(&throttle, &env);
        assert_eq!(under_way.len(), FREE_FAILURES as usize);
        let waiting = futures::future::join_all((0..20).map(|_| one()));
        let freed = async { drop(under_way.pop()) };
        let (verdicts, ()) = tokio::join!(waiting, freed);
        assert!(verdicts.iter().all(Result::is_ok));
    }

    #[tokio::test]
    async fn guesses_side_by_side_gain_nothing() {
        let (throttle, env) = (SignInThrottle::default(), Env::system());
        let mut guessed = 0;
        let guess = async || {
            let begun = throttle.begin(vec![stranger()], &env).await;
            begun.map(|attempt| attempt.failed(env.now()).now_or_never())
        };
        let under_way = begin_all(&throttle, &env);
        let waiting = futures::future::join_all((0..20).map(|_| guess()));
        let verdicts = async {
            for attempt in under_way {
                guessed += 1;
                attempt.failed(env.now()).await;
            }
        };
        let (waited, ()) = tokio::join!(waiting, verdicts);
        guessed += waited.iter().filter(|guess| guess.is_ok()).count() as u32;
        assert_eq!(guessed, FREE_FAILURES);
    }

    #[test]
    fn an_attempt_without_a_verdict_counts_for_nothing() {
        let (throttle, env) = (SignInThrottle::default(), Env::system());
        for _ in 0..10 {
            drop(begin_all(&throttle, &env));
        }
        assert_eq!(throttle.wait(&[stranger()], env.now()), None);
        assert!(throttle.lock().under_way.is_empty());
        fail(&throttle, FREE_FAILURES);
        let later = Env { clock: std::sync::Arc::new(Later), ..env };
        assert_eq!(begin_all(&throttle, &later).len(), 1, "one at a time from then on");
    }

    /// Past every wait.
    struct Later;

    impl crate::clock::Clock for Later {
        fn now(&self) -> Timestamp {
            NOW + 2 * FIRST_PAUSE
        }
    }

    #[test]
    fn one_ipv6_network_is_one_household() {
        assert_eq!(household("2001:db8::1".parse().unwrap()), household("2001:db8::2".parse().unwrap()));
        assert_ne!(household("2001:db8::1".parse().unwrap()), household("2001:db8:0:1::1".parse().unwrap()));
        assert_eq!(household("::ffff:1.2.3.4".parse().unwrap()), IpAddr::from([1, 2, 3, 4]));
    }
}
