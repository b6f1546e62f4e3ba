//! How long a change takes to the socket of the person's other device, while many other people listen; beside
//! a frame that a bare WebSocket server sends back.

use std::time::{Duration, Instant};

use futures::{SinkExt as _, StreamExt as _, TryStreamExt as _, stream};
use shared::ItemId;
use shared::frames::{ServerEvent, ServerFrame};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, Socket};
use crate::report::{Report, p50_p99};
use crate::server::Server;
use crate::{Arguments, Outcome};

const CHANGES: usize = 200;
/// Those who listen meanwhile: each account has its zone.
const OTHER_ACCOUNTS: usize = 100;
const SOCKETS_EACH: usize = 10;
const SIGN_INS_AT_ONCE: usize = 4;
const FILE_BYTES: usize = 1024;
/// A frame that takes longer is lost.
const FRAME_WITHIN: Duration = Duration::from_secs(10);

pub async fn measure(arguments: &Arguments, report: &mut Report) -> Outcome {
    report.add("bound: a frame echoed by a bare WebSocket server", shown(echoes().await?), "");
    for (name, database) in [("SQLite", None), ("PostgreSQL", Some("bench_latency"))] {
        let url = match database {
            Some(database) => Some(crate::rows::create_database(&arguments.postgres, database).await?),
            None => None,
        };
        let server = Server::start(arguments, url.as_deref()).await?;
        let others = others(&server.url).await?;
        let times = changes(&server.url).await?;
        drop(others);
        let label = format!("a change as a frame on the other device's socket, {name}");
        report.add(label, shown(times), "p50 < 6 ms, p99 < 12 ms");
    }
    Ok(())
}

fn shown(times: Vec<Duration>) -> String {
    let (p50, p99) = p50_p99(times);
    format!("p50 {:.1}, p99 {:.1} ms", p50.as_secs_f64() * 1e3, p99.as_secs_f64() * 1e3)
}

/// From before the push is sent until the frame is there.
async fn changes(url: &str) -> Outcome<Vec<Duration>> {
    let client = Client::account(url, "writer").await?;
    let mut socket = Client::sign_in(url, "writer").await?.socket().await?;
    let mut times = Vec::with_capacity(CHANGES);
    for index in 0..CHANGES {
        let change = client.create_file(format!("{index}.txt"), &[b'x'; FILE_BYTES]);
        let file = change.file_id;
        let start = Instant::now();
        let pushed = client.push(vec![change]);
        let told = timeout(FRAME_WITHIN, told_of(&mut socket, file));
        let (pushed, told) = tokio::join!(pushed, async { told.await.map(|told| (told, start.elapsed())) });
        pushed?;
        let (told, time) = told.map_err(|_| "no frame came")?;
        told?;
        times.push(time);
    }
    Ok(times)
}

async fn told_of(socket: &mut Socket, file: ItemId) -> Outcome {
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message? else { continue };
        match serde_json::from_str::<ServerFrame>(&text)?.event {
            ServerEvent::FileChanged { file_id, .. } if file_id == file => return Ok(()),
            _ => {}
        }
    }
    Err("the socket was closed".into())
}

/// Keeps the sockets of all the others open until it is dropped.
async fn others(url: &str) -> Outcome<tokio::task::JoinSet<()>> {
    let sockets: Vec<Vec<Socket>> = stream::iter(0..OTHER_ACCOUNTS)
        .map(|number| async move {
            let client = Client::account(url, &format!("listener-{number}")).await?;
            let mut sockets = Vec::with_capacity(SOCKETS_EACH);
            for _ in 0..SOCKETS_EACH {
                sockets.push(client.socket().await?);
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(sockets)
        })
        .buffer_unordered(SIGN_INS_AT_ONCE)
        .try_collect()
        .await?;
    // Reading answers the server's pings.
    Ok(sockets
        .into_iter()
        .flatten()
        .map(|mut socket| async move { while socket.next().await.is_some() {} })
        .collect())
}

async fn echoes() -> Outcome<Vec<Duration>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", listener.local_addr()?);
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let mut socket = tokio_tungstenite::accept_async(stream).await?;
        while let Some(message) = socket.next().await {
            socket.send(message?).await?;
        }
        Outcome::Ok(())
    });
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await?;
    let mut times = Vec::with_capacity(CHANGES);
    for _ in 0..CHANGES {
        let start = Instant::now();
        socket.send(Message::text("x".repeat(FILE_BYTES))).await?;
        timeout(FRAME_WITHIN, socket.next()).await?.ok_or("the echo was closed")??;
        times.push(start.elapsed());
    }
    Ok(times)
}
