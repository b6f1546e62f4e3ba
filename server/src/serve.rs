//! The accept loop: connections within their number and each address's share, headers and bodies within their time, and an end that
//! lets what is under way finish.

mod addresses;
mod lent;
mod stream;

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use shared::limits::{BODY_IDLE_TIMEOUT, HEADER_BYTES_MAX, HEADERS_MAX};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::http::arrival::Peer;
use crate::http::router;
use crate::state::App;
use addresses::{Addresses, Admitted};
use lent::LentBody;
use stream::Lingering;

/// How long a client may take over its request's headers, and a kept connection may idle.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(30);
/// How long requests under way may take to finish at the end.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause after a failed accept (no file handles left, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Everything that a node does, until `stop`.
pub async fn run(app: App, listener: TcpListener, stop: CancellationToken) {
    let bounds =
        Bounds { connections_max: app.config.connections_max, proxies: app.config.trusted_proxies.clone() };
    let hub = app.hub.clone();
    tokio::join!(serve(listener, router(app), bounds, stop.clone()), hub.run(stop));
}

/// How many connections there may be.
pub struct Bounds {
    pub connections_max: usize,
    /// Everyone else has a share of them at most.
    pub proxies: Vec<IpAddr>,
}

/// A connection's place among all, and its address's.
type Place = (OwnedSemaphorePermit, Admitted);

/// Serves until `stop`, then lets requests under way finish, within a bound.
pub async fn serve(listener: TcpListener, router: Router, bounds: Bounds, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(bounds.connections_max));
    let addresses = Addresses::new(bounds.connections_max, bounds.proxies);
    let connections = TaskTracker::new();
    while let Some((stream, peer, place)) = accept(&listener, &places, &addresses, &stop).await {
        connections.spawn(serve_connection(stream, peer, router.clone(), stop.clone(), place));
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(DRAIN_TIMEOUT, connections.wait()).await.is_err() {
        tracing::warn!("some requests were still under way at the end and were cut off");
    }
}

/// The next connection, once there is a place for it. Until then it waits in the system's backlog. One of an
/// address that has its share is closed at once.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    addresses: &Arc<Addresses>,
    stop: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, Place)> {
    let next = async {
        let place = Arc::clone(places).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    if let Some(admitted) = addresses.admit(peer.ip()) {
                        return Some((stream, peer, (place, admitted)));
                    }
                    tracing::debug!(%peer, "an address has as many connections as it may");
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    stop.run_until_cancelled(next).await.flatten()
}

async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    stop: CancellationToken,
    place: Place,
) {
    // Answers and frames are small and wanted at once.
    drop(stream.set_nodelay(true));
    let service = hyper::service::service_fn(move |request| answer(router.clone(), peer, request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .max_buf_size(HEADER_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(Lingering::new(stream)), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = if let Some(ended) = stop.run_until_cancelled(connection.as_mut()).await {
        ended
    } else {
        // The request under way is answered, then the connection closes.
        connection.as_mut().graceful_shutdown();
        connection.await
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
    drop(place);
}

async fn answer(
    router: Router,
    peer: SocketAddr,
    mut request: hyper::Request<Incoming>,
) -> Result<Response, Infallible> {
    request.extensions_mut().insert(Peer(peer));
    // Who asks before sending was told not to send by the refusal itself.
    let asks_first = request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let body = LentBody::new(body, BODY_IDLE_TIMEOUT);
    let response = router.oneshot(Request::from_parts(parts, Body::new(body.clone()))).await?;
    let status = response.status();
    if (status.is_client_error() || status.is_server_error()) && !asks_first {
        body.read_off().await;
    }
    Ok(response)
}
