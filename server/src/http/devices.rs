//! The devices of an account.

use axum::extract::State;
use axum::http::StatusCode;
use shared::DeviceId;
use shared::account::{Device, DeviceList};
use shared::limits::PAGE_LIMIT_MAX;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::arrival::Arrival;
use super::extract::{Json, Path};
use crate::auth::Caller;
use crate::db::{devices, members};
use crate::error::ApiResult;
use crate::ops::sign_in::{remove_device, wire_device};
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_devices)).routes(routes!(delete_device))
}

/// Lists the account's devices
///
/// With what each has said it has applied.
#[utoipa::path(get, path = "/devices", tag = "accounts", responses((status = 200, body = DeviceList)))]
async fn list_devices(State(app): State<App>, caller: Caller) -> ApiResult<Json<DeviceList>> {
    let mut connection = app.db.reader().await?;
    let rows = devices::list(&mut connection, caller.user_id, PAGE_LIMIT_MAX).await?;
    let stand = members::positions(&mut connection, &[caller.user_id]).await?;
    let now = app.env.now();
    let devices = rows.iter().map(|row| {
        let acknowledged = row.acknowledged.as_ref();
        let up_to_date =
            acknowledged.map(|(token, _)| app.tokens.person(caller.user_id).is_head(token, now, &stand));
        Device { up_to_date, ..wire_device(row, caller.device_id) }
    });
    Ok(Json(DeviceList { devices: devices.collect() }))
}

/// Removes a device
///
/// Its sessions and sockets end within a second. Its changes stay.
#[utoipa::path(delete, path = "/devices/{id}", tag = "accounts", params(("id" = DeviceId, Path)),
    responses((status = 204)))]
async fn delete_device(
    State(app): State<App>,
    caller: Caller,
    arrival: Arrival,
    Path(id): Path<DeviceId>,
) -> ApiResult<StatusCode> {
    remove_device(&app, caller, id, arrival.address).await?;
    Ok(StatusCode::NO_CONTENT)
}
