//! What all nodes count together, in Valkey: requests, and failed sign-ins. While it is away each node counts for
//! itself.

use std::sync::Mutex;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use tokio::time::Instant;
use uuid::Uuid;

/// How long Valkey may take before a node counts for itself.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(250);
/// How long it is then left alone.
const PAUSE: Duration = Duration::from_secs(2);

/// Takes up to ARGV[3] requests of ARGV[1] microseconds each out of a bucket that fills in ARGV[2]. Answers
/// how many were granted and, where none was, the microseconds until there is one. By Valkey's own clock, so
/// that those of the nodes do not matter.
const TAKE: &str = "
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local one, window, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full_at = tonumber(redis.call('GET', KEYS[1]) or '0')
full_at = math.max(now, math.min(full_at, now + window))
local granted = math.min(wanted, math.floor((now + window - full_at) / one))
if granted < 1 then return {0, full_at + one - now - window} end
redis.call('SET', KEYS[1], string.format('%.0f', full_at + granted * one), 'PX', math.ceil(window / 1000))
return {granted, 0}";

/// Of each key how many failures there were, and the milliseconds since the last; by Valkey's own clock.
const FAILURES: &str = "
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local found = {}
for at, key in ipairs(KEYS) do
  local kept = redis.call('HMGET', key, 'count', 'last')
  found[at] = {tonumber(kept[1] or '0'), math.max(0, now - tonumber(kept[2] or '0'))}
end
return found";

/// Counts one more failure under each key, to be forgotten ARGV[1] milliseconds from now.
const FAIL: &str = "
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
for _, key in ipairs(KEYS) do
  redis.call('HINCRBY', key, 'count', 1)
  redis.call('HSET', key, 'last', string.format('%.0f', now))
  redis.call('PEXPIRE', key, ARGV[1])
end";

pub struct SharedCounts {
    client: redis::Client,
    prefix: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    connection: Option<ConnectionManager>,
    /// Not asked before then.
    left_alone_until: Option<Instant>,
}

impl SharedCounts {
    /// `valkey` was checked with the settings.
    pub fn new(valkey: &str, installation: Uuid) -> Option<Self> {
        let client = redis::Client::open(valkey).ok()?;
        Some(Self { client, prefix: format!("cloudstead:{installation}:"), state: Mutex::default() })
    }

    /// How many of the `wanted` requests are granted, at least one, where `rate` of them fill a bucket in `window`; or
    /// how long until there is one. None while Valkey is away.
    pub async fn take(
        &self,
        bucket: &str,
        (rate, window): (u32, Duration),
        wanted: u32,
    ) -> Option<Result<u32, Duration>> {
        let window = window.as_micros() as u64;
        let arguments = [window / u64::from(rate), window, wanted.into()];
        match self.run(TAKE, &[format!("rate:{bucket}")], &arguments).await? {
            (0, wait) => Some(Err(Duration::from_micros(wait))),
            (granted, _) => Some(Ok(granted)),
        }
    }

    /// Of each of `triers` how often it failed of late, and how long ago the last time. None while Valkey is away.
    pub async fn failures(&self, triers: &[String]) -> Option<Vec<(u32, Duration)>> {
        let found: Vec<(u32, u64)> = self.run(FAILURES, &failed(triers), &[]).await?;
        Some(found.into_iter().map(|(count, ago)| (count, Duration::from_millis(ago))).collect())
    }

    /// Counts a failure of each, remembered for so long.
    pub async fn fail(&self, triers: &[String], memory: Duration) {
        self.run::<()>(FAIL, &failed(triers), &[memory.as_millis() as u64]).await;
    }

    /// Forgets the failures of each.
    pub async fn forgive(&self, triers: &[String]) {
        const FORGIVE: &str = "for _, key in ipairs(KEYS) do redis.call('DEL', key) end";
        self.run::<()>(FORGIVE, &failed(triers), &[]).await;
    }

    /// What the script answers; None while Valkey is away.
    async fn run<T: redis::FromRedisValue>(
        &self,
        script: &str,
        keys: &[String],
        arguments: &[u64],
    ) -> Option<T> {
        let mut connection = self.connection().await?;
        let mut command = redis::cmd("EVAL");
        command.arg(script).arg(keys.len());
        command.arg(keys.iter().map(|key| format!("{}{key}", self.prefix)).collect::<Vec<_>>());
        command.arg(arguments);
        match command.query_async(&mut connection).await {
            Ok(answer) => Some(answer),
            Err(error) => {
                self.leave_alone(&error);
                None
            }
        }
    }

    async fn connection(&self) -> Option<ConnectionManager> {
        {
            let mut state = self.lock();
            if state.left_alone_until.is_some_and(|until| Instant::now() < until) {
                return None;
            }
            if let Some(connection) = &state.connection {
                return Some(connection.clone());
            }
            // Others need not wait with whoever connects.
            state.left_alone_until = Some(Instant::now() + PAUSE);
        }
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(ANSWER_TIMEOUT))
            .set_response_timeout(Some(ANSWER_TIMEOUT));
        match ConnectionManager::new_with_config(self.client.clone(), config).await {
            Ok(connection) => {
                let mut state = self.lock();
                *state = State { connection: Some(connection.clone()), left_alone_until: None };
                Some(connection)
            }
            Err(error) => {
                self.leave_alone(&error);
                None
            }
        }
    }

    fn leave_alone(&self, error: &redis::RedisError) {
        tracing::warn!(%error, "Valkey can't be asked what the nodes count together; this one counts for itself");
        *self.lock() = State { connection: None, left_alone_until: Some(Instant::now() + PAUSE) };
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn failed(triers: &[String]) -> Vec<String> {
    triers.iter().map(|trier| format!("failed:{trier}")).collect()
}
