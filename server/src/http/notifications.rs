//! The way into notifications.

use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::HeaderMap;
use axum::response::Response;
use shared::limits::FRAME_BYTES_MAX;
use shared::{ErrorCode, Problem};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::arrival::Arrival;
use super::caller::Session;
use crate::db::sessions::SessionKind;
use crate::error::{ApiError, ApiResult};
use crate::state::App;
use crate::ws;

/// Bytes of each direction's buffer; a socket's frames are small.
const BUFFER_BYTES: usize = 4 * 1024;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(connect))
}

/// Opens a socket for notifications
///
/// JSON text frames, those of the server as the schema `ServerFrame` has them. `sync_complete` comes first. Frames
/// are hints: pull to be whole. Clients send what `ClientFrame` has, at most 16 KiB a frame.
#[utoipa::path(get, path = "/ws", tag = "notifications",
    responses(
        (status = 101),
        (status = 400, body = Problem, description = "invalid_request"),
        (status = 403, body = Problem, description = "origin_mismatch"),
        (status = 429, body = Problem, description = "socket_limit")))]
async fn connect(
    State(app): State<App>,
    session: Session,
    arrival: Arrival,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> ApiResult<Response> {
    if session.kind == SessionKind::Cookie {
        arrival.require_own_origin(&headers)?;
    }
    let upgrade = upgrade.map_err(|rejection| {
        ApiError::new(ErrorCode::InvalidRequest, format!("Open a WebSocket here: {}.", rejection.body_text()))
    })?;
    let Session { caller, hash, .. } = session;
    if app.hub.is_full(caller.user_id) {
        let detail = "This account has too many open sockets. Close some.";
        return Err(ApiError::new(ErrorCode::SocketLimit, detail));
    }
    let upgrade = upgrade
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(ws::UNWRITTEN_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX)
        .max_message_size(FRAME_BYTES_MAX);
    let hub = app.hub.clone();
    Ok(upgrade.on_upgrade(move |socket| ws::attend(hub, caller, hash, socket)))
}
