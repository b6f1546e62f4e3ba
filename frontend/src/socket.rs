//! The line on which the server's hints come: kept open, opened again when it breaks, checked by a
//! heartbeat, because a connection that died in a sleeping laptop looks like a quiet one.

use std::pin::pin;
use std::time::Duration;

use futures::channel::mpsc::{self, UnboundedReceiver, UnboundedSender};
use futures::future::{Either, select};
use futures::{FutureExt, SinkExt, StreamExt, select_biased};
use gloo_net::websocket::Message;
use gloo_net::websocket::futures::WebSocket;
use shared::frames::{ClientFrame, ServerEvent, ServerFrame};
use wasm_bindgen_futures::spawn_local;

use crate::backoff::Backoff;
use crate::browser;

/// Quick tries, for a server that restarts; then slow ones, for one that is away.
const QUICK: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(8));
const QUICK_TRIES: u32 = 5;
const SLOW: Backoff = Backoff::new(Duration::from_secs(30), Duration::from_secs(30));
/// Quiet time after which the line is tried with a ping, in milliseconds.
const HEARTBEAT_MS: u64 = 25_000;
/// What the answer to a ping may take, in milliseconds.
const PONG_TIMEOUT_MS: u64 = 10_000;

/// What happens on the line.
#[derive(Debug)]
pub enum SocketEvent {
    Opened,
    Closed,
    Frame(Box<ServerEvent>),
}

/// The line; it closes when this is dropped.
pub struct Socket {
    outgoing: UnboundedSender<ClientFrame>,
    nudges: UnboundedSender<()>,
}

impl Socket {
    /// Connects, and keeps connecting. `report` hears what happens.
    pub fn connect(report: impl Fn(SocketEvent) + 'static) -> Self {
        let (outgoing, frames) = mpsc::unbounded();
        let (nudges, nudged) = mpsc::unbounded();
        spawn_local(keep_connected(frames, nudged, report));
        Self { outgoing, nudges }
    }

    /// Sends now or never: what the server should know of this device is told again after the next pull.
    pub fn send(&self, frame: ClientFrame) {
        // The receiver lives as long as this.
        let _ = self.outgoing.unbounded_send(frame);
    }

    /// The network may be back: tries at once, or checks that the line still lives.
    pub fn nudge(&self) {
        let _ = self.nudges.unbounded_send(());
    }
}

/// How a connection ended.
enum End {
    Broken,
    /// The [`Socket`] was dropped.
    Unwanted,
}

async fn keep_connected(
    mut frames: UnboundedReceiver<ClientFrame>,
    mut nudged: UnboundedReceiver<()>,
    report: impl Fn(SocketEvent),
) {
    let mut failures = 0;
    loop {
        if let Some(url) = url()
            && let Ok(line) = WebSocket::open(&url)
        {
            let mut was_open = false;
            let end = converse(line, &mut frames, &mut nudged, &report, &mut was_open).await;
            if was_open {
                failures = 0;
                report(SocketEvent::Closed);
            }
            if matches!(end, End::Unwanted) {
                return;
            }
        }
        failures += 1;
        let backoff = if failures <= QUICK_TRIES { QUICK } else { SLOW };
        let wait = pin!(browser::sleep(backoff.wait(failures, browser::chance()).as_millis() as u64));
        if let Either::Right((None, _)) = select(wait, nudged.next()).await {
            return;
        }
    }
}

async fn converse(
    mut line: WebSocket,
    frames: &mut UnboundedReceiver<ClientFrame>,
    nudged: &mut UnboundedReceiver<()>,
    report: &impl Fn(SocketEvent),
    was_open: &mut bool,
) -> End {
    // Whether anything came since the timer was set, and whether a ping waits for its answer.
    let (mut is_heard, mut is_asked) = (false, true);
    let mut timer = Box::pin(browser::sleep(PONG_TIMEOUT_MS).fuse());
    loop {
        let ping = select_biased! {
            message = line.next().fuse() => match message {
                Some(Ok(Message::Text(text))) => {
                    is_heard = true;
                    // The server speaks first, so that its first frame shows that the line stands.
                    if !std::mem::replace(was_open, true) {
                        report(SocketEvent::Opened);
                    }
                    if let Ok(frame) = serde_json::from_str::<ServerFrame>(&text) {
                        report(SocketEvent::Frame(Box::new(frame.event)));
                    }
                    continue;
                }
                Some(Ok(Message::Bytes(_))) => continue,
                Some(Err(_)) | None => return End::Broken,
            },
            frame = frames.next() => match frame {
                Some(frame) => {
                    if *was_open && !say(&mut line, &frame).await {
                        return End::Broken;
                    }
                    continue;
                }
                None => return End::Unwanted,
            },
            nudge = nudged.next() => match nudge {
                Some(()) => *was_open,
                None => return End::Unwanted,
            },
            () = timer => match (is_heard, is_asked) {
                (false, true) => return End::Broken,
                (false, false) => true,
                (true, _) => {
                    (is_heard, is_asked) = (false, false);
                    timer = Box::pin(browser::sleep(HEARTBEAT_MS).fuse());
                    false
                }
            },
        };
        if ping {
            if !say(&mut line, &ClientFrame::Ping {}).await {
                return End::Broken;
            }
            (is_heard, is_asked) = (false, true);
            timer = Box::pin(browser::sleep(PONG_TIMEOUT_MS).fuse());
        }
    }
}

async fn say(line: &mut WebSocket, frame: &ClientFrame) -> bool {
    match serde_json::to_string(frame) {
        Ok(text) => line.send(Message::Text(text)).await.is_ok(),
        Err(_) => true,
    }
}

/// On the page's own host: the session is its cookie.
fn url() -> Option<String> {
    let location = web_sys::window()?.location();
    let scheme = if location.protocol().ok()? == "https:" { "wss" } else { "ws" };
    Some(format!("{scheme}://{}/api/v1/ws", location.host().ok()?))
}
