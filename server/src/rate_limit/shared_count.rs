//! The buckets that all nodes share, in Valkey. While it is away each node counts for itself.

use std::sync::Mutex;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use tokio::time::Instant;
use uuid::Uuid;

use super::WINDOW_MICROS;

/// How long Valkey may take before a node counts for itself.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(250);
/// How long it is then left alone.
const PAUSE: Duration = Duration::from_secs(2);

/// Takes up to ARGV[3] requests of ARGV[1] microseconds each out of a bucket that fills in ARGV[2]. Answers
/// how many were granted and, where none was, the microseconds until there is one. By Valkey's own clock, so
/// that those of the nodes do not matter.
const SCRIPT: &str = "
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local one, window, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full_at = tonumber(redis.call('GET', KEYS[1]) or '0')
full_at = math.max(now, math.min(full_at, now + window))
local granted = math.min(wanted, math.floor((now + window - full_at) / one))
if granted < 1 then return {0, full_at + one - now - window} end
redis.call('SET', KEYS[1], string.format('%.0f', full_at + granted * one), 'PX', math.ceil(window / 1000))
return {granted, 0}";

pub(super) struct SharedCount {
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

impl SharedCount {
    pub fn new(url: &str, installation: Uuid) -> Option<Self> {
        let client = redis::Client::open(url).ok()?;
        Some(Self { client, prefix: format!("cloudstead:{installation}:rate:"), state: Mutex::default() })
    }

    /// How many of the `wanted` requests are granted, at least one; or how long until there is one. None
    /// while Valkey is away.
    pub async fn take(&self, key: &str, rate: u32, wanted: u32) -> Option<Result<u32, Duration>> {
        let mut connection = self.connection().await?;
        let mut command = redis::cmd("EVAL");
        command.arg(SCRIPT).arg(1).arg(format!("{}{key}", self.prefix));
        command.arg(WINDOW_MICROS / i64::from(rate)).arg(WINDOW_MICROS).arg(wanted);
        match command.query_async::<(u32, u64)>(&mut connection).await {
            Ok((0, wait)) => Some(Err(Duration::from_micros(wait))),
            Ok((granted, _)) => Some(Ok(granted)),
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
        tracing::warn!(%error, "Valkey can't be asked for rates; this node counts for itself");
        *self.lock() = State { connection: None, left_alone_until: Some(Instant::now() + PAUSE) };
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
