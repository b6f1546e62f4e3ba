//! One socket's life: greeting, frames, heartbeat, end.

use std::ops::ControlFlow;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use shared::Timestamp;
use shared::frames::{ClientFrame, ServerEvent};
use shared::limits::{CLIENT_FRAMES_MAX, PING_INTERVAL};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite;

use super::sockets::{Ending, Seat};
use super::{Hub, watch, with_token};
use crate::auth::Caller;
use crate::db::sessions::TokenHash;
use crate::db::{DbError, devices, members};

/// A socket that has said nothing for this long is deaf: two pings were not answered.
const SILENCE_MAX: Duration = Duration::from_secs(45);
/// How long one write may take before the socket counts as deaf.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// What a device has applied is written down so often at most.
const ACK_INTERVAL: Duration = Duration::from_secs(1);

/// Serves the socket until it ends. The place was taken by [`Hub::seat`].
pub async fn attend(hub: Hub, caller: Caller, hash: TokenHash, socket: WebSocket) {
    let Some(seat) = hub.0.sockets.seat(caller.user_id, caller.device_id, hash) else { return };
    let tasks = hub.0.tasks.clone();
    tasks
        .track_future(async move {
            let mut life =
                Life { hub, caller, socket, seat, heard: Instant::now(), frames: 0, ack: None, acked: None };
            let code = life.run().await;
            life.write_ack().await;
            life.hub.0.sockets.leave(&life.seat);
            if let Some((code, reason)) = code {
                let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
                // The other end may be gone already.
                drop(timeout(WRITE_TIMEOUT, life.socket.send(Message::Close(Some(frame)))).await);
            }
        })
        .await;
}

struct Life {
    hub: Hub,
    caller: Caller,
    socket: WebSocket,
    seat: Seat,
    /// When the client last said anything.
    heard: Instant,
    /// Frames since the last ping.
    frames: u32,
    /// What the device last said it had applied, not yet written down.
    ack: Option<String>,
    acked: Option<Instant>,
}

/// The close frame to send, if there is anyone to send it to.
type Farewell = Option<(u16, &'static str)>;

enum Next {
    Frame(Option<Utf8Bytes>),
    Lagged,
    Received(Option<Result<Message, axum::Error>>),
    Ended,
    Ping,
    WriteAck,
}

impl Life {
    async fn run(&mut self) -> Farewell {
        if let Err(error) = self.greet().await {
            tracing::warn!(%error, "a socket could not be greeted");
            return Some((close_code::ERROR, "try again"));
        }
        let mut pings = interval(PING_INTERVAL);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let ack_due =
                self.ack.as_ref().map(|_| self.acked.map_or_else(Instant::now, |at| at + ACK_INTERVAL));
            let next = {
                let Self { seat, socket, .. } = self;
                let ended = seat.ending.wait_for(Option::is_some);
                tokio::select! {
                    _ = ended => Next::Ended,
                    frame = seat.queue.recv() => Next::Frame(frame),
                    () = seat.lag.noticed.notified() => Next::Lagged,
                    message = socket.recv() => Next::Received(message),
                    _ = pings.tick() => Next::Ping,
                    () = until(ack_due) => Next::WriteAck,
                }
            };
            if let ControlFlow::Break(farewell) = self.step(next).await {
                return farewell;
            }
        }
    }

    async fn step(&mut self, next: Next) -> ControlFlow<Farewell> {
        match next {
            Next::Ended => {
                let ending = *self.seat.ending.borrow();
                return ControlFlow::Break(Some(match ending {
                    Some(Ending::SignedOut) => (close_code::POLICY, "signed out"),
                    Some(Ending::GoingAway) | None => (close_code::AWAY, "the server stops"),
                }));
            }
            Next::Frame(None) => return ControlFlow::Break(None),
            Next::Frame(Some(text)) => self.write(Message::Text(text)).await?,
            Next::Lagged => {}
            Next::Received(message) => self.receive(message).await?,
            Next::Ping => {
                if self.heard.elapsed() > SILENCE_MAX {
                    return ControlFlow::Break(Some((close_code::POLICY, "no answer to pings")));
                }
                self.frames = 0;
                self.write(Message::Ping(bytes::Bytes::new())).await?;
            }
            Next::WriteAck => self.write_ack().await,
        }
        // What was left out stands for whatever is between the queue's frames and now.
        if self.seat.queue.is_empty() && self.seat.lag.take() {
            self.say(ServerEvent::PullNeeded { sync_token: None }).await?;
        }
        ControlFlow::Continue(())
    }

    /// `sync_complete` with the token of this moment. Positions are noted before, so that nothing which
    /// comes after it is taken for known.
    async fn greet(&mut self) -> Result<(), DbError> {
        let mut connection = self.hub.0.db.reader().await?;
        watch::note_positions(&self.hub, &mut connection, self.caller.user_id).await?;
        let token = self.hub.head_token(&mut connection, self.caller.user_id).await?;
        drop(connection);
        let greeting = with_token(ServerEvent::SyncComplete { sync_token: None }, token.as_ref());
        // A socket that cannot be greeted shows it at its next write.
        let _ = self.say(greeting).await;
        Ok(())
    }

    async fn receive(&mut self, message: Option<Result<Message, axum::Error>>) -> ControlFlow<Farewell> {
        let message = match message {
            None => return ControlFlow::Break(None),
            Some(Ok(Message::Close(_))) => {
                // The answer to it goes out with the next look for frames.
                drop(timeout(WRITE_TIMEOUT, self.socket.recv()).await);
                return ControlFlow::Break(None);
            }
            Some(Err(error)) => {
                tracing::debug!(%error, "a socket broke");
                return ControlFlow::Break(farewell_after(error));
            }
            Some(Ok(message)) => message,
        };
        self.heard = Instant::now();
        self.frames += 1;
        if self.frames > CLIENT_FRAMES_MAX {
            return ControlFlow::Break(Some((close_code::POLICY, "too many frames")));
        }
        let Message::Text(text) = message else { return ControlFlow::Continue(()) };
        match serde_json::from_str(&text) {
            Ok(ClientFrame::Ack { sync_token }) => self.ack = Some(sync_token),
            Ok(ClientFrame::Ping {}) => self.say(ServerEvent::Pong {}).await?,
            Ok(ClientFrame::Presence {}) => {}
            // From a newer client, or nonsense: neither needs an answer.
            Err(error) => tracing::debug!(%error, "an unknown frame"),
        }
        ControlFlow::Continue(())
    }

    async fn say(&mut self, event: ServerEvent) -> ControlFlow<Farewell> {
        match self.hub.frame(None, event) {
            Some(text) => self.write(Message::Text(text.into())).await,
            None => ControlFlow::Continue(()),
        }
    }

    async fn write(&mut self, message: Message) -> ControlFlow<Farewell> {
        match timeout(WRITE_TIMEOUT, self.socket.send(message)).await {
            Ok(Ok(())) => ControlFlow::Continue(()),
            Ok(Err(_)) | Err(_) => ControlFlow::Break(None),
        }
    }

    async fn write_ack(&mut self) {
        let Some(token) = self.ack.take() else { return };
        self.acked = Some(Instant::now());
        let Caller { user_id, device_id, .. } = self.caller;
        let now: Timestamp = self.hub.0.env.now();
        let keys = self.hub.0.tokens.person(user_id);
        let written = self.hub.0.db.write::<_, DbError, _>(move |connection| {
            let (token, keys) = (token.clone(), keys.clone());
            Box::pin(async move {
                let stand = members::positions(connection, &[user_id]).await?;
                // Only what this installation gave out says anything.
                if keys.check(&token, now, &stand).is_err() {
                    return Ok(());
                }
                devices::acknowledge(connection, user_id, device_id, &token, now).await
            })
        });
        if let Err(error) = written.await {
            tracing::warn!(%error, "what a device has applied could not be written down");
        }
    }
}

/// What to say after what could not be read.
fn farewell_after(error: axum::Error) -> Farewell {
    match error.into_inner().downcast_ref::<tungstenite::Error>()? {
        tungstenite::Error::Capacity(_) => Some((close_code::SIZE, "a frame that is too large")),
        tungstenite::Error::Utf8(_) => Some((close_code::INVALID, "a text that is no UTF-8")),
        tungstenite::Error::Protocol(_) => Some((close_code::PROTOCOL, "a frame that can't be read")),
        // Nobody is there any more.
        _ => None,
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
