//! Single items.

use axum::extract::State;
use shared::item::ItemState;
use shared::{FileItem, ItemId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Json, Path};
use crate::access::locate;
use crate::auth::Caller;
use crate::db::items;
use crate::error::{ApiError, ApiResult};
use crate::ops::tree::Tree;
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_file))
}

/// Gives one item
#[utoipa::path(get, path = "/files/{fileId}", tag = "items", params(("fileId" = ItemId, Path)),
    responses((status = 200, body = FileItem)))]
async fn get_file(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ItemId>,
) -> ApiResult<Json<FileItem>> {
    let mut connection = app.db.snapshot().await?;
    let located = locate(&mut connection, caller.user_id, id).await?;
    let (grant, id) = located.ok_or_else(ApiError::not_found)?;
    let rows = items::load_with_ancestors(&mut connection, grant.zone_id, &[id]).await?;
    let tree = Tree::new(grant.zone_id, rows);
    match tree.get(id).map(|row| tree.state(row)) {
        Some(ItemState::Present(item)) => Ok(Json(item)),
        Some(ItemState::Purged(_)) | None => Err(ApiError::not_found()),
    }
}
