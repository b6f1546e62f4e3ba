//! Notifications: hints of what changed, to every socket that should know. The truth is one pull away, so a
//! frame may come twice or be replaced by `pull_needed`, and nothing is ever lost with one.
//!
//! What happens here reaches this node's sockets at once. Other nodes learn it through Valkey, where there
//! is one; and each node also looks at the database itself: often for ended sessions, and for changes where there is no
//! Valkey (or it is away), now and then where there is.

mod bus;
mod socket;
mod sockets;
mod watch;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use shared::frames::{ServerEvent, ServerFrame};
use shared::{ConflictId, DeviceId, UserId, VersionVector, ZoneId};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::clock::Env;
use crate::db::sessions::TokenHash;
use crate::db::{Connection, Db, DbError, members};
use crate::tokens::TokenKey;
use bus::Bus;
pub use socket::attend;
use sockets::Sockets;

/// Publications waiting for delivery; beyond, their zones are told as a whole.
const PUBLICATIONS_MAX: usize = 1_024;

/// What is remembered as told, of each kind, between two looks at the database.
const TOLD_MAX: usize = 20_000;

/// What may wait to be written to one socket, in bytes.
pub const UNWRITTEN_BYTES_MAX: usize = 1024 * 1024;

/// Hands events to sockets. Cheap to clone.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    db: Db,
    env: Env,
    tokens: TokenKey,
    sockets: Sockets,
    /// Every socket's task, so that the end can wait for them.
    tasks: TaskTracker,
    publications: mpsc::Sender<Message>,
    /// Taken by `run`.
    waiting: Mutex<Option<mpsc::Receiver<Message>>>,
    /// Zones whose publications found no place.
    overflowed: Mutex<HashSet<ZoneId>>,
    seen: Mutex<Seen>,
    bus: Option<Bus>,
}

/// What this node's sockets know already.
#[derive(Default)]
struct Seen {
    /// Up to which position of each zone.
    counters: HashMap<ZoneId, u64>,
    /// Positions beyond that of which all was told: what writes took here, or where a node said so.
    told: HashMap<ZoneId, Vec<Range<u64>>>,
    /// The open conflicts of each zone as the database had them, and with which local side.
    conflicts: HashMap<ZoneId, OpenConflicts>,
    /// What was told of conflicts since: the local side of an open one, nothing of one that was resolved.
    told_conflicts: HashMap<ConflictId, Option<VersionVector>>,
}

type OpenConflicts = HashMap<ConflictId, VersionVector>;

/// What one node tells the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Message {
    Events {
        zone: ZoneId,
        source: Option<DeviceId>,
        events: Vec<ServerEvent>,
        /// The positions of the zone's feed of which this tells all.
        #[serde(default)]
        fed: Range<u64>,
    },
    EndSession {
        hash: TokenHash,
    },
    EndDevice {
        user: UserId,
        device: DeviceId,
    },
}

impl Hub {
    /// `valkey` was checked with the settings; without it this node speaks for itself.
    pub fn new(db: Db, env: Env, tokens: TokenKey, valkey: Option<&str>, installation: Uuid) -> Self {
        let (publications, waiting) = mpsc::channel(PUBLICATIONS_MAX);
        let bus = valkey.and_then(|url| Bus::new(url, installation, env.id()));
        Self(Arc::new(Inner {
            db,
            env,
            tokens,
            sockets: Sockets::default(),
            tasks: TaskTracker::new(),
            publications,
            waiting: Mutex::new(Some(waiting)),
            overflowed: Mutex::default(),
            seen: Mutex::default(),
            bus,
        }))
    }

    /// Whether the person has as many sockets on this node as one may.
    pub fn is_full(&self, user: UserId) -> bool {
        self.0.sockets.is_full(user)
    }

    /// Tells everyone who uses the zone, after the commit. Never waits. `file_changed` and `file_deleted`
    /// do not go to the device that caused them; their sync tokens are filled in for each person. `fed` are the
    /// positions of the zone's feed that the write took, of which nothing else need be told.
    pub fn publish(&self, zone: ZoneId, source: Option<DeviceId>, events: Vec<ServerEvent>, fed: Range<u64>) {
        let is_news = !events.is_empty() || !fed.is_empty() && self.0.db.is_postgres();
        if is_news && !self.queue(Message::Events { zone, source, events, fed }) {
            lock(&self.0.overflowed).insert(zone);
        }
    }

    /// Ends the sockets of one session, on every node.
    pub fn end_session(&self, hash: &TokenHash) {
        self.0.sockets.end_session(hash);
        self.tell_others(Message::EndSession { hash: *hash });
    }

    /// Ends the sockets of one device, on every node.
    pub fn end_device(&self, user: UserId, device: DeviceId) {
        self.0.sockets.end_device(user, device);
        self.tell_others(Message::EndDevice { user, device });
    }

    /// Where it finds no place the other nodes see by themselves that the sessions are gone.
    fn tell_others(&self, message: Message) {
        self.queue(message);
    }

    fn queue(&self, message: Message) -> bool {
        self.0.publications.try_send(message).is_ok()
    }

    /// Delivers until `stop`, then says goodbye to every socket and waits for them to go.
    pub async fn run(&self, stop: CancellationToken) {
        let Some(mut waiting) = lock(&self.0.waiting).take() else { return };
        let deliver = async {
            while let Some(message) = waiting.recv().await {
                if let Some(bus) = &self.0.bus {
                    bus.send(&message);
                }
                self.deliver(message).await;
                self.tell_overflowed().await;
            }
        };
        let listen = async {
            match &self.0.bus {
                Some(bus) => bus.listen(|message| self.deliver(message)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = deliver => {}
            () = listen => {}
            () = watch::watch(self) => {}
            () = stop.cancelled() => {}
        }
        self.0.sockets.end_all();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// The person's present position in all zones.
    async fn head_token(&self, connection: &mut Connection, user: UserId) -> Result<Option<String>, DbError> {
        let stand = members::positions(connection, &[user]).await?;
        Ok(Some(self.0.tokens.person(user).head(self.0.env.now(), &stand)))
    }

    async fn tell_overflowed(&self) {
        let zones: Vec<ZoneId> = lock(&self.0.overflowed).drain().collect();
        for zone in zones {
            let events = vec![ServerEvent::PullNeeded { sync_token: None }];
            let message = Message::Events { zone, source: None, events, fed: 0..0 };
            if let Some(bus) = &self.0.bus {
                bus.send(&message);
            }
            self.deliver(message).await;
        }
    }

    /// To this node's sockets.
    async fn deliver(&self, message: Message) {
        match message {
            Message::EndSession { hash } => self.0.sockets.end_session(&hash),
            Message::EndDevice { user, device } => self.0.sockets.end_device(user, device),
            Message::Events { zone, source, events, fed } => {
                if let Err(error) = self.deliver_events(zone, source, &events).await {
                    tracing::warn!(%zone, %error, "events could not be told; sockets are asked to pull");
                    self.0.sockets.everyone_lags();
                }
                if self.0.db.is_postgres() && !self.0.sockets.is_empty() {
                    self.note_told(zone, &events, fed);
                }
            }
        }
    }

    async fn deliver_events(
        &self,
        zone: ZoneId,
        source: Option<DeviceId>,
        events: &[ServerEvent],
    ) -> Result<(), DbError> {
        if self.0.sockets.is_empty() {
            return Ok(());
        }
        let mut connection = self.0.db.reader().await?;
        let users = members::users_of(&mut connection, zone).await?;
        for user in users.into_iter().filter(|&user| self.0.sockets.has(user)) {
            let token = self.head_token(&mut connection, user).await?;
            for event in events {
                let excluded = source.filter(|_| spares_its_source(event));
                let event = with_token(event.clone(), token.as_ref());
                if let Some(text) = self.frame(source, event) {
                    self.0.sockets.send(user, excluded, &text);
                }
            }
        }
        Ok(())
    }

    /// What is forgotten is told twice at worst.
    fn note_told(&self, zone: ZoneId, events: &[ServerEvent], fed: Range<u64>) {
        let mut seen = lock(&self.0.seen);
        if seen.told_conflicts.len() > TOLD_MAX {
            seen.told_conflicts.clear();
        }
        for event in events {
            match event {
                ServerEvent::ConflictDetected { conflict } => {
                    seen.told_conflicts.insert(conflict.id, Some(conflict.local_version.clone()));
                }
                ServerEvent::ConflictResolved { conflict_id } => {
                    seen.told_conflicts.insert(*conflict_id, None);
                }
                _ => {}
            }
        }
        if seen.told.values().map(Vec::len).sum::<usize>() > TOLD_MAX {
            seen.told.clear();
        }
        if !fed.is_empty() {
            seen.told.entry(zone).or_default().push(fed);
        }
    }

    /// The frame's text.
    fn frame(&self, source_device_id: Option<DeviceId>, event: ServerEvent) -> Option<String> {
        let frame = ServerFrame { timestamp: self.0.env.now(), source_device_id, event };
        serde_json::to_string(&frame)
            .inspect_err(|error| tracing::error!(%error, "a frame could not be written"))
            .ok()
    }
}

/// Its own changes are no news to a device; conflicts are for every screen.
fn spares_its_source(event: &ServerEvent) -> bool {
    let is_own = matches!(event, ServerEvent::FileChanged { .. } | ServerEvent::FileDeleted { .. });
    is_own || matches!(event, ServerEvent::PullNeeded { .. })
}

fn with_token(mut event: ServerEvent, token: Option<&String>) -> ServerEvent {
    if let ServerEvent::FileChanged { sync_token, .. }
    | ServerEvent::FileDeleted { sync_token, .. }
    | ServerEvent::PullNeeded { sync_token }
    | ServerEvent::SyncComplete { sync_token } = &mut event
    {
        *sync_token = token.cloned();
    }
    event
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
