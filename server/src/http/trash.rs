//! The trash: the topmost items of each delete.

use axum::extract::State;
use serde::Deserialize;
use shared::item::ItemState;
use shared::limits::PAGE_LIMIT_DEFAULT;
use shared::sync::TrashPage;
use shared::{FileItem, ItemId, Timestamp};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::cursor::Cursor;
use super::extract::{Json, Query};
use crate::access::grants_of;
use crate::auth::Caller;
use crate::db::items::{self, ItemRow};
use crate::error::ApiResult;
use crate::ops::tree::Tree;
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_trash))
}

#[derive(Deserialize, IntoParams)]
struct TrashQuery {
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Lists the trash
///
/// The latest delete first, over all zones of the caller. The film of a Live Photo that went there with its photo comes
/// back, or goes for good, with that, and is not listed: a page may hold fewer items than others, and more come after it.
#[utoipa::path(get, path = "/trash", tag = "items", params(TrashQuery), responses(
        (status = 200, body = TrashPage)))]
async fn list_trash(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<TrashQuery>,
) -> ApiResult<Json<TrashPage>> {
    let cursor = Cursor::of_query(query.cursor.as_deref())?;
    let before = (Timestamp::from_millis(cursor.0), ItemId(cursor.1));
    let mut connection = app.db.snapshot().await?;
    let mut deleted: Vec<((Timestamp, ItemId), Option<FileItem>)> = Vec::new();
    for grant in grants_of(&mut connection, caller.user_id).await? {
        let limit = PAGE_LIMIT_DEFAULT + 1;
        let rows = items::load_trash(&mut connection, grant.zone_id, before, limit).await?;
        let ids: Vec<ItemId> = rows.iter().flat_map(|row| [Some(row.id), row.still()]).flatten().collect();
        let tree =
            Tree::new(grant.zone_id, items::load_with_ancestors(&mut connection, grant.zone_id, &ids).await?);
        deleted.extend(rows.iter().filter_map(|row| Some(((row.deleted?.at, row.id), listed(row, &tree)))));
    }
    deleted.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
    let more = deleted.len() > PAGE_LIMIT_DEFAULT;
    deleted.truncate(PAGE_LIMIT_DEFAULT);
    let next_cursor =
        deleted.last().filter(|_| more).map(|((at, id), _)| Cursor(at.as_millis(), id.0).encode());
    Ok(Json(TrashPage { items: deleted.into_iter().filter_map(|(_, item)| item).collect(), next_cursor }))
}

/// The item, unless it is the film of what the same delete put into the trash.
fn listed(row: &ItemRow, tree: &Tree) -> Option<FileItem> {
    let still = row.still().and_then(|still| tree.get(still));
    match tree.state(row) {
        ItemState::Present(item) if still.is_none_or(|still| still.deleted != row.deleted) => Some(item),
        _ => None,
    }
}
