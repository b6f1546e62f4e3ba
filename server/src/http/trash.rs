//! The trash: the topmost items of each delete.

use axum::extract::State;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use shared::item::ItemState;
use shared::limits::PAGE_LIMIT_DEFAULT;
use shared::sync::TrashPage;
use shared::{ErrorCode, FileItem, ItemId, Timestamp};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::extract::{Json, Query};
use crate::access::grants_of;
use crate::auth::Caller;
use crate::db::items;
use crate::error::{ApiError, ApiResult};
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

/// Where a page ends: the last item's time and id. The next one is older.
struct Cursor(Timestamp, ItemId);

impl Cursor {
    /// Before every page: later than any delete.
    const START: Self = Self(Timestamp::from_millis(i64::MAX), ItemId(Uuid::max()));

    fn encode(&self) -> String {
        let mut bytes = self.0.as_millis().to_be_bytes().to_vec();
        bytes.extend_from_slice(self.1.0.as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    fn decode(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (time, id) = bytes.split_first_chunk::<8>()?;
        let time = Timestamp::from_millis(i64::from_be_bytes(*time));
        Some(Self(time, ItemId(Uuid::from_slice(id).ok()?)))
    }
}

/// Lists the trash
///
/// The latest delete first, over all zones of the caller.
#[utoipa::path(get, path = "/trash", tag = "items", params(TrashQuery), responses(
        (status = 200, body = TrashPage)))]
async fn list_trash(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<TrashQuery>,
) -> ApiResult<Json<TrashPage>> {
    let invalid = || ApiError::new(ErrorCode::InvalidRequest, "This cursor wasn't given by this server.");
    let cursor = match query.cursor {
        None => Cursor::START,
        Some(text) => Cursor::decode(&text).ok_or_else(invalid)?,
    };
    let mut connection = app.db.snapshot().await?;
    let mut deleted: Vec<(Timestamp, FileItem)> = Vec::new();
    for grant in grants_of(&mut connection, caller.user_id).await? {
        let limit = PAGE_LIMIT_DEFAULT + 1;
        let rows = items::load_trash(&mut connection, grant.zone_id, (cursor.0, cursor.1), limit).await?;
        let ids: Vec<ItemId> = rows.iter().map(|row| row.id).collect();
        let tree =
            Tree::new(grant.zone_id, items::load_with_ancestors(&mut connection, grant.zone_id, &ids).await?);
        deleted.extend(rows.iter().filter_map(|row| match tree.state(row) {
            ItemState::Present(item) => Some((row.deleted?.at, item)),
            ItemState::Purged(_) => None,
        }));
    }
    deleted.sort_by_key(|(at, item)| std::cmp::Reverse((*at, item.id)));
    let more = deleted.len() > PAGE_LIMIT_DEFAULT;
    deleted.truncate(PAGE_LIMIT_DEFAULT);
    let next_cursor = deleted.last().filter(|_| more).map(|(at, item)| Cursor(*at, item.id).encode());
    Ok(Json(TrashPage { items: deleted.into_iter().map(|(_, item)| item).collect(), next_cursor }))
}
