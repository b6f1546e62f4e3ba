//! Earlier contents of a file.

use serde::Serialize;
use shared::item::ItemState;
use shared::limits::{DEVICES_MAX, PAGE_LIMIT_MAX};
use shared::upload::{FileVersion, VersionList};
use shared::{ErrorCode, ItemId, OperationId, VersionId};

use super::push::{Act, Ask, payload_hash, perform};
use crate::access;
use crate::auth::Caller;
use crate::db::{conflicts, devices, items, versions};
use crate::error::{ApiError, ApiResult};
use crate::state::App;

/// The contents that the file has or had, the newest first, a page of those before the cursor's; what waits
/// in a conflict is left out.
pub async fn list(app: &App, caller: Caller, file_id: ItemId, cursor: Option<u64>) -> ApiResult<VersionList> {
    let mut connection = app.db.snapshot().await?;
    let located = access::locate(&mut connection, caller.user_id, file_id).await?;
    let (grant, id) = located.ok_or_else(ApiError::not_found)?;
    let item = items::load(&mut connection, grant.zone_id, &[id]).await?.pop();
    let item = item.filter(|item| item.purged_at.is_none()).ok_or_else(ApiError::not_found)?;
    if item.content_hash.is_none() {
        return Err(ApiError::new(
            ErrorCode::NotAFile,
            "Only a file has versions. Ask for those of one in it.",
        ));
    }
    let waiting = conflicts::load_open(&mut connection, grant.zone_id, &[id]).await?;
    let names = devices::list(&mut connection, grant.user_id, DEVICES_MAX).await?;
    let before = cursor.unwrap_or(u64::MAX);
    let mut rows =
        versions::load_page(&mut connection, grant.zone_id, id, before, PAGE_LIMIT_MAX + 1).await?;
    let has_more = rows.len() > PAGE_LIMIT_MAX;
    rows.truncate(PAGE_LIMIT_MAX);
    let next_cursor = rows.last().filter(|_| has_more).map(|row| row.dot.count.to_string());
    let listed = rows.into_iter().filter(|row| waiting.iter().all(|open| open.local_version_id != row.id));
    let versions = listed
        .map(|row| FileVersion {
            id: row.id,
            content_hash: row.content_hash,
            size: row.size,
            modified_at: row.modified_at,
            created_at: row.created_at,
            device_id: row.dot.device,
            device_name: names
                .iter()
                .find(|device| device.device_id == row.dot.device)
                .map(|d| d.name.clone()),
            is_current: item.version_id == Some(row.id),
        })
        .collect();
    Ok(VersionList { versions, next_cursor })
}

/// What a restoring's operation id stands for.
#[derive(Serialize)]
struct Payload {
    restore_version: VersionId,
    of: ItemId,
}

/// Makes an earlier content the present one; what was present becomes a version.
pub async fn restore(
    app: &App,
    caller: Caller,
    file_id: ItemId,
    version_id: VersionId,
    operation_id: OperationId,
) -> ApiResult<ItemState> {
    let mut reader = app.db.reader().await?;
    let located = access::locate(&mut reader, caller.user_id, file_id).await?;
    let (grant, item_id) = located.ok_or_else(ApiError::not_found)?;
    drop(reader);
    let ask = Ask {
        operation_id,
        payload_hash: payload_hash(&Payload { restore_version: version_id, of: file_id }),
        act: Act::RestoreVersion { item_id, version_id },
    };
    perform(app, grant, caller.device_id, ask).await?.pop().ok_or_else(ApiError::not_found)
}
