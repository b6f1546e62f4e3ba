//! Present states as they travel.

use std::collections::BTreeMap;

use shared::frames::ServerEvent;
use shared::item::ItemState;
use shared::sync::{ConflictInfo, ConflictSide, DeviceHolder};
use shared::{ConflictId, ContentHash, DeviceId, ItemId, OperationId, ZoneId};

use super::judge::{Judge, News};
use super::overlay::Overlay;
use super::store::ZoneStore;
use crate::db::DbError;
use crate::db::conflicts::ConflictRow;
use crate::db::items::ItemRow;
use crate::db::versions::VersionRow;
use crate::ops::tree::item_state;

/// The server's side is what the file holds now.
pub fn conflict_info(
    conflict: &ConflictRow,
    item: &ItemRow,
    local: Option<&VersionRow>,
    holders: &[DeviceHolder],
    operation_id: Option<OperationId>,
) -> ConflictInfo {
    let side = |device: DeviceId, modified_at, size| ConflictSide {
        by: holders.iter().find(|holder| holder.device_id == device).cloned(),
        modified_at,
        size,
    };
    let nothing = || ContentHash::of_chunks([]);
    let server_content_hash = item.content_hash.unwrap_or_else(nothing);
    ConflictInfo {
        id: conflict.id,
        file_id: conflict.item_id,
        file_name: item.name.clone(),
        local_version: conflict.local_vector.clone(),
        server_version: item.vector.clone(),
        local_modified_by: conflict.local_dot.device,
        server_modified_by: item.content_dot.device,
        local_content_hash: local.map_or(server_content_hash, |local| local.content_hash),
        server_content_hash,
        local_side: local.map(|local| side(conflict.local_dot.device, local.modified_at, local.size)),
        server_side: Some(side(item.content_dot.device, item.modified_at, item.size)),
        proposal: conflict.proposal.clone(),
        created_at: conflict.created_at,
        operation_id,
    }
}

impl<S: ZoneStore> Overlay<'_, S> {
    /// The item's present state; None for an id that never was, or whose tombstone is gone.
    pub async fn state(&mut self, zone_id: ZoneId, id: ItemId) -> Result<Option<ItemState>, DbError> {
        let id = self.resolve(id).await?;
        let chain = self.chain(id).await?;
        Ok(chain.split_first().map(|(row, folders)| item_state(zone_id, row, folders.iter())))
    }

    pub async fn conflict_info(
        &mut self,
        id: ConflictId,
        operation_id: Option<OperationId>,
    ) -> Result<Option<ConflictInfo>, DbError> {
        let Some(conflict) = self.conflict(id).await? else { return Ok(None) };
        let Some(item) = self.item(conflict.item_id).await? else { return Ok(None) };
        let local = self.version(conflict.local_version_id).await?;
        let devices = [conflict.local_dot.device, item.content_dot.device];
        let holders = self.store.device_holders(&devices).await?;
        Ok(Some(conflict_info(&conflict, &item, local.as_ref(), &holders, operation_id)))
    }
}

impl<S: ZoneStore> Judge<'_, '_, S> {
    /// What to tell other devices: the last word on each item, in the order in which things happened.
    pub(super) async fn events(&mut self) -> Result<Vec<ServerEvent>, DbError> {
        let news = std::mem::take(&mut self.news);
        let mut last: BTreeMap<ItemId, usize> = BTreeMap::new();
        let mut first: BTreeMap<ItemId, News> = BTreeMap::new();
        for (at, one) in news.iter().enumerate() {
            if let News::File(id, _) | News::Deleted(id) = one {
                last.insert(*id, at);
                first.entry(*id).or_insert(*one);
            }
        }
        let zone_id = self.context.grant.zone_id;
        let mut events = Vec::new();
        for (at, one) in news.into_iter().enumerate() {
            match one {
                News::File(id, _) | News::Deleted(id) if last.get(&id) != Some(&at) => {}
                News::File(id, action) => {
                    // Made and changed in one batch, it is new to everyone else.
                    let action = match first.get(&id) {
                        Some(News::File(_, first @ shared::frames::FileAction::Created)) => *first,
                        _ => action,
                    };
                    if let Some(ItemState::Present(file)) = self.zone.state(zone_id, id).await? {
                        events.push(ServerEvent::FileChanged { file_id: id, action, file, sync_token: None });
                    }
                }
                News::Deleted(file_id) => events.push(ServerEvent::FileDeleted { file_id, sync_token: None }),
                News::ConflictDetected(id) => {
                    if let Some(conflict) = self.zone.conflict_info(id, None).await? {
                        events.push(ServerEvent::conflict_detected(conflict));
                    }
                }
                News::ConflictResolved(conflict_id) => {
                    events.push(ServerEvent::ConflictResolved { conflict_id });
                }
            }
        }
        Ok(events)
    }
}
