//! Conflicts of a person: listed, looked at, resolved.

use serde::Serialize;
use shared::sync::{ConflictInfo, Resolution, ResolveRequest};
use shared::{ConflictId, ContentHash, FileItem, ItemId, ZoneId};

use super::push::render::conflict_info;
use super::push::{Act, Ask, Resolve, payload_hash, perform, prepare, present};
use crate::access::{Grant, grants_of};
use crate::auth::Caller;
use crate::db::conflicts::{self, ConflictRow};
use crate::db::{Connection, DbError, devices, items, versions};
use crate::error::{ApiError, ApiResult};
use crate::state::App;

/// The most open conflicts that are listed of one zone.
const LISTED_MAX: usize = 1_000;
/// What a device is called that has no name any more.
const UNNAMED_DEVICE: &str = "another device";

/// Which side of a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Local,
    Server,
}

/// The bytes of a side, and what they are called.
pub struct SideContent {
    pub grant: Grant,
    pub content: ContentHash,
    pub name: String,
    pub mime_type: Option<String>,
}

/// The open conflicts of all the person's zones.
pub async fn list(app: &App, caller: Caller) -> ApiResult<Vec<ConflictInfo>> {
    let mut connection = app.db.snapshot().await?;
    let mut all = Vec::new();
    for grant in grants_of(&mut connection, caller.user_id).await? {
        let open = conflicts::load_all_open(&mut connection, grant.zone_id, LISTED_MAX).await?;
        all.extend(infos(&mut connection, grant.zone_id, &open).await?);
    }
    Ok(all)
}

/// Conflicts of a zone as people see them.
pub async fn infos(
    connection: &mut Connection,
    zone: ZoneId,
    open: &[ConflictRow],
) -> Result<Vec<ConflictInfo>, DbError> {
    let item_ids: Vec<ItemId> = open.iter().map(|conflict| conflict.item_id).collect();
    let rows = items::load(connection, zone, &item_ids).await?;
    let version_ids: Vec<_> = open.iter().map(|conflict| conflict.local_version_id).collect();
    let sides = versions::load(connection, zone, &version_ids).await?;
    let mut made_by: Vec<_> = open.iter().map(|conflict| conflict.local_dot.device).collect();
    made_by.extend(rows.iter().map(|item| item.content_dot.device));
    made_by.sort_unstable();
    made_by.dedup();
    let holders = devices::load_holders(connection, &made_by).await?;
    let info = |conflict: &ConflictRow| {
        let item = rows.iter().find(|row| row.id == conflict.item_id)?;
        let local = sides.iter().find(|side| side.id == conflict.local_version_id);
        Some(conflict_info(conflict, item, local, &holders, None))
    };
    Ok(open.iter().filter_map(info).collect())
}

/// The conflict among the person's zones; resolved ones too.
async fn locate(
    connection: &mut Connection,
    caller: Caller,
    id: ConflictId,
) -> ApiResult<(Grant, ConflictRow)> {
    for grant in grants_of(connection, caller.user_id).await? {
        if let Some(conflict) = conflicts::load(connection, grant.zone_id, &[id]).await?.pop() {
            return Ok((grant, conflict));
        }
    }
    Err(ApiError::not_found())
}

/// A side of an open conflict.
pub async fn side(app: &App, caller: Caller, id: ConflictId, side: Side) -> ApiResult<SideContent> {
    let mut connection = app.db.snapshot().await?;
    let (grant, conflict) = locate(&mut connection, caller, id).await?;
    if conflict.resolved_at.is_some() {
        return Err(ApiError::not_found());
    }
    let item = items::load(&mut connection, grant.zone_id, &[conflict.item_id]).await?.pop();
    let item = item.ok_or_else(ApiError::not_found)?;
    let content = match side {
        Side::Server => item.content_hash,
        Side::Local => versions::load(&mut connection, grant.zone_id, &[conflict.local_version_id])
            .await?
            .pop()
            .map(|version| version.content_hash),
    };
    let content = content.ok_or_else(ApiError::not_found)?;
    Ok(SideContent { grant, content, name: item.name, mime_type: item.mime_type })
}

/// What a resolution's operation id stands for.
#[derive(Serialize)]
struct Payload<'a> {
    conflict_id: ConflictId,
    request: &'a ResolveRequest,
}

/// Settles a conflict; the items that hold its sides afterwards.
pub async fn resolve(
    app: &App,
    caller: Caller,
    id: ConflictId,
    request: ResolveRequest,
) -> ApiResult<Vec<FileItem>> {
    let mut reader = app.db.reader().await?;
    let (grant, conflict) = locate(&mut reader, caller, id).await?;
    let device = devices::load(&mut reader, grant.user_id, conflict.local_dot.device).await?;
    drop(reader);
    let proposal = match (request.resolution, conflict.proposal) {
        (Resolution::Proposal, Some(proposal)) if conflict.resolved_at.is_none() => {
            Some(prepare(app, grant.account_id, proposal.text.into()).await?)
        }
        _ => None,
    };
    let ask = Ask {
        operation_id: request.operation_id,
        payload_hash: payload_hash(&Payload { conflict_id: id, request: &request }),
        act: Act::Resolve(Box::new(Resolve {
            conflict_id: id,
            resolution: request.resolution,
            server_version: request.server_version,
            local_device: device.map_or_else(|| UNNAMED_DEVICE.to_owned(), |device| device.name),
            proposal,
        })),
    };
    Ok(present(perform(app, grant, caller.device_id, ask).await?))
}
