//! How many requests one account, device or address may make: a generous bound against what runs away, not a
//! price. A bucket that refills steadily (GCRA): a minute's worth at once, and from then on at its rate.
//!
//! Nobody can spend what is another's: whoever shows a session is counted by account, others by address. What
//! an account needs to rid itself of a runaway device is counted by device, so that device can't keep it from
//! that. Signing in has its own throttle (`throttle.rs`) and is not counted here.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shared::limits::ADDRESS_SHARE;
use shared::{DeviceId, ErrorCode, Timestamp, UserId};

use crate::error::{ApiError, ApiResult};
use crate::shared_counts::SharedCounts;
use crate::throttle::household;

/// What a bucket holds, as the time in which it fills.
const WINDOW: Duration = Duration::from_mins(1);
/// Buckets remembered; those that are full again go first.
const BUCKETS_MAX: usize = 100_000;
/// Requests that a node may answer before it asks Valkey again: a bucket's part.
const LEASE_PART: u32 = 600;
/// How long what was asked for is good.
const LEASE_TTL: Duration = Duration::from_secs(5);

/// Whose requests are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bucket {
    Account(UserId),
    Device(DeviceId),
    Address(IpAddr),
}

impl Bucket {
    pub fn address(address: IpAddr) -> Self {
        Self::Address(household(address))
    }

    /// How many requests a minute it takes, where an account takes `per_account`.
    fn rate(self, per_account: u32) -> u32 {
        match self {
            Self::Account(_) => per_account,
            Self::Device(_) | Self::Address(_) => per_account.div_ceil(ADDRESS_SHARE),
        }
    }

    fn key(self) -> String {
        match self {
            Self::Account(id) => format!("account:{id}"),
            Self::Device(id) => format!("device:{id}"),
            Self::Address(address) => format!("address:{address}"),
        }
    }
}

/// When the bucket will be full again, in microseconds since the epoch.
#[derive(Clone, Copy, Debug, Default)]
struct Meter {
    full_at: i64,
    /// Requests granted by Valkey and not made yet, and when.
    lease: u32,
    leased_at: i64,
}

/// A clock in microseconds: a request's part of the window is far below a millisecond.
fn micros(now: Timestamp) -> i64 {
    now.as_millis().saturating_mul(1_000)
}

const WINDOW_MICROS: i64 = WINDOW.as_micros() as i64;

impl Meter {
    /// Takes one request out of a bucket of `rate` a minute, or says how long until there is one.
    fn take(&mut self, now: i64, rate: u32) -> Result<(), Duration> {
        let one = WINDOW_MICROS / i64::from(rate);
        // A clock that was set back must not make anyone wait for it.
        self.full_at = self.full_at.clamp(now, now + WINDOW_MICROS);
        let after = self.full_at + one;
        if after > now + WINDOW_MICROS {
            return Err(Duration::from_micros((after - now - WINDOW_MICROS).unsigned_abs()));
        }
        self.full_at = after;
        Ok(())
    }

    fn take_leased(&mut self, now: i64) -> bool {
        let ttl = LEASE_TTL.as_micros() as i64;
        if self.lease == 0 || !(0..ttl).contains(&(now - self.leased_at)) {
            return false;
        }
        self.lease -= 1;
        true
    }
}

/// The buckets: of this node, and of all nodes in Valkey where there is one.
pub struct RateLimit {
    per_account: u32,
    meters: Mutex<HashMap<Bucket, Meter>>,
    shared: Option<Arc<SharedCounts>>,
}

impl RateLimit {
    /// `per_account`: requests a minute.
    pub fn new(per_account: u32, shared: Option<Arc<SharedCounts>>) -> Self {
        Self { per_account, meters: Mutex::default(), shared }
    }

    /// Counts one request; refuses it where there were too many.
    pub async fn take(&self, bucket: Bucket, now: Timestamp) -> ApiResult<()> {
        let now = micros(now);
        let rate = bucket.rate(self.per_account);
        let taken = match &self.shared {
            None => self.with(bucket, now, |meter| meter.take(now, rate)),
            Some(_) if self.with(bucket, now, |meter| meter.take_leased(now)) => Ok(()),
            Some(shared) => {
                let wanted = (rate / LEASE_PART).max(1);
                match shared.take(&bucket.key(), (rate, WINDOW), wanted).await {
                    Some(Ok(granted)) => {
                        self.with(bucket, now, |meter| {
                            meter.lease = granted.saturating_sub(1);
                            meter.leased_at = now;
                        });
                        Ok(())
                    }
                    Some(Err(wait)) => Err(wait),
                    // Away: this node counts for itself.
                    None => self.with(bucket, now, |meter| meter.take(now, rate)),
                }
            }
        };
        taken.map_err(|wait| {
            metrics::counter!("cloudstead_rate_limited_total").increment(1);
            let detail = "Too many requests. Send fewer at once, and try this one again after the pause.";
            ApiError::new(ErrorCode::RateLimited, detail).retry_after(wait)
        })
    }

    fn with<T>(&self, bucket: Bucket, now: i64, act: impl FnOnce(&mut Meter) -> T) -> T {
        let mut meters = self.meters.lock().unwrap_or_else(PoisonError::into_inner);
        if meters.len() >= BUCKETS_MAX && !meters.contains_key(&bucket) {
            meters.retain(|_, meter| meter.full_at > now);
            if meters.len() >= BUCKETS_MAX {
                // As many within a minute: better to count anew than to keep more.
                meters.clear();
            }
        }
        act(meters.entry(bucket).or_default())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const NOW: i64 = 1_000_000_000;
    const RATE: u32 = 60;

    fn drain(meter: &mut Meter, now: i64) -> u32 {
        (0..10 * RATE).take_while(|_| meter.take(now, RATE).is_ok()).count() as u32
    }

    #[test]
    fn a_minutes_worth_at_once_and_then_at_the_rate() {
        let mut meter = Meter::default();
        assert_eq!(drain(&mut meter, NOW), RATE);
        assert_eq!(meter.take(NOW, RATE), Err(Duration::from_secs(1)));
        assert_eq!(drain(&mut meter, NOW + 3_000_000), 3);
        assert_eq!(drain(&mut meter, NOW + 10 * WINDOW_MICROS), RATE);
    }

    #[test]
    fn a_clock_that_jumps_back_makes_nobody_wait_for_it() {
        let mut meter = Meter::default();
        drain(&mut meter, NOW);
        let back = NOW - 1_000 * WINDOW_MICROS;
        assert_eq!(meter.take(back, RATE), Err(Duration::from_secs(1)));
        assert_eq!(drain(&mut meter, back + WINDOW_MICROS), RATE);
    }

    #[tokio::test]
    async fn buckets_are_apart() {
        let limit = RateLimit::new(20, None);
        let now = Timestamp::from_millis(NOW);
        let address = |last: u8| Bucket::address([192, 0, 2, last].into());
        for _ in 0..2 {
            limit.take(address(1), now).await.unwrap();
        }
        let refused = limit.take(address(1), now).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::RateLimited);
        assert_eq!(refused.problem.retry_after_ms, Some(30_000));
        limit.take(address(2), now).await.unwrap();
        limit.take(Bucket::Account(UserId(Uuid::nil())), now).await.unwrap();
    }
}
