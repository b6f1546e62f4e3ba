//! Valkey between the nodes: what one publishes the others deliver. A hint like every frame: while it is
//! away, or where a message does not get through, the database tells.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use redis::AsyncCommands as _;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, mpsc};
use uuid::Uuid;

use super::Message;

/// Messages waiting for Valkey; beyond, they are left to the database.
const QUEUE_MAX: usize = 1_024;
/// How long Valkey may take to answer before it counts as away.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// The pause before it is tried again; it doubles up to the second.
const RETRY_PAUSE: Duration = Duration::from_millis(100);
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(2);

pub(super) struct Bus {
    client: redis::Client,
    channel: String,
    node: Uuid,
    outgoing: mpsc::Sender<Vec<u8>>,
    waiting: Mutex<mpsc::Receiver<Vec<u8>>>,
    /// Whether this node hears the others right now.
    hears: AtomicBool,
}

#[derive(Serialize, Deserialize)]
struct Envelope<M> {
    /// Who sent it: one's own is not delivered twice.
    node: Uuid,
    message: M,
}

impl Bus {
    pub fn new(url: &str, installation: Uuid, node: Uuid) -> Option<Self> {
        let client = redis::Client::open(url).ok()?;
        let (outgoing, waiting) = mpsc::channel(QUEUE_MAX);
        let channel = format!("cloudstead:{installation}");
        Some(Self {
            client,
            channel,
            node,
            outgoing,
            waiting: Mutex::new(waiting),
            hears: AtomicBool::new(false),
        })
    }

    pub fn hears(&self) -> bool {
        self.hears.load(Ordering::Acquire)
    }

    /// To the other nodes, if it gets through.
    pub fn send(&self, message: &Message) {
        let envelope = Envelope { node: self.node, message };
        if let Ok(bytes) = serde_json::to_vec(&envelope)
            && self.outgoing.try_send(bytes).is_err()
        {
            metrics::counter!("cloudstead_bus_dropped_total").increment(1);
        }
    }

    /// Sends what waits and delivers what others say, for good.
    pub async fn listen<F: Future<Output = ()>>(&self, deliver: impl Fn(Message) -> F) {
        tokio::join!(self.speak(), self.hear(deliver));
    }

    async fn speak(&self) {
        let mut waiting = self.waiting.lock().await;
        let mut connection: Option<ConnectionManager> = None;
        while let Some(bytes) = waiting.recv().await {
            if connection.is_none() {
                let config = ConnectionManagerConfig::new()
                    .set_number_of_retries(0)
                    .set_connection_timeout(Some(ANSWER_TIMEOUT))
                    .set_response_timeout(Some(ANSWER_TIMEOUT));
                connection = ConnectionManager::new_with_config(self.client.clone(), config).await.ok();
            }
            let sent = match &mut connection {
                Some(valkey) => valkey.publish::<_, _, ()>(&self.channel, bytes).await.is_ok(),
                None => false,
            };
            if !sent {
                metrics::counter!("cloudstead_bus_dropped_total").increment(1);
                connection = None;
            }
        }
    }

    async fn hear<F: Future<Output = ()>>(&self, deliver: impl Fn(Message) -> F) {
        let mut pause = RETRY_PAUSE;
        loop {
            match self.hear_while_connected(&deliver, &mut pause).await {
                Ok(()) => tracing::warn!("Valkey closed the connection; the database is looked at instead"),
                Err(error) => {
                    tracing::warn!(%error, "Valkey can't be reached; the database is looked at instead");
                }
            }
            self.hears.store(false, Ordering::Release);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(RETRY_PAUSE_MAX);
        }
    }

    async fn hear_while_connected<F: Future<Output = ()>>(
        &self,
        deliver: &impl Fn(Message) -> F,
        pause: &mut Duration,
    ) -> redis::RedisResult<()> {
        let connecting = async {
            let mut connection = self.client.get_async_pubsub().await?;
            connection.subscribe(&self.channel).await?;
            Ok::<_, redis::RedisError>(connection)
        };
        let timed_out = |_| redis::RedisError::from((redis::ErrorKind::Io, "no answer in time"));
        let connection = tokio::time::timeout(ANSWER_TIMEOUT, connecting).await.map_err(timed_out)??;
        self.hears.store(true, Ordering::Release);
        *pause = RETRY_PAUSE;
        let mut messages = connection.into_on_message();
        while let Some(message) = messages.next().await {
            match serde_json::from_slice::<Envelope<Message>>(message.get_payload_bytes()) {
                Ok(envelope) if envelope.node == self.node => {}
                Ok(envelope) => deliver(envelope.message).await,
                // From a node of another release: the database tells the rest.
                Err(error) => tracing::debug!(%error, "an unknown message"),
            }
        }
        Ok(())
    }
}
