//! The trash empties itself: what was deleted long ago goes as if it had been purged, in nobody's name.

use std::ops::Range;

use shared::{DeviceId, ItemId, Timestamp};
use uuid::Uuid;

use super::PushContext;
use super::judge::Judge;
use super::overlay::Overlay;
use super::store::{SqlStore, ZoneStore};
use crate::access::Grant;
use crate::db::DbError;
use crate::error::ApiResult;
use crate::state::App;
use shared::frames::ServerEvent;

/// The device that changes are told under which no device made.
pub const NO_DEVICE: DeviceId = DeviceId(Uuid::nil());

/// Makes tombstones of those of the items that went into the trash before `cut`, and of all below them.
/// Answers how many of them there were.
pub async fn bury_trash(app: &App, grant: Grant, items: Vec<ItemId>, cut: Timestamp) -> ApiResult<u64> {
    let context = PushContext::of_nobody(app, grant);
    let buried = app.db.write::<_, DbError, _>(move |connection| {
        let (context, items) = (context.clone(), items.clone());
        Box::pin(async move {
            let mut store = SqlStore::new(connection, grant.zone_id, grant.user_id, grant.account_id);
            bury_in(&mut store, &context, &items, cut).await
        })
    });
    let Buried { count, events, fed } = buried.await?;
    app.hub.publish(grant.zone_id, None, events, fed);
    Ok(count)
}

/// What was removed for good.
pub struct Buried {
    pub count: u64,
    pub events: Vec<ServerEvent>,
    /// The positions of the feed that it took.
    fed: Range<u64>,
}

/// As [`bury_trash`], inside a write, over any store.
pub async fn bury_in<S: ZoneStore>(
    store: &mut S,
    context: &PushContext,
    items: &[ItemId],
    cut: Timestamp,
) -> Result<Buried, DbError> {
    let zone = Overlay::open(store, context.grant.root_id, context.device, context.now).await?;
    let mut judge = Judge::new(zone, context);
    judge.zone.prefetch(items.iter().copied()).await?;
    let mut count = 0;
    for &id in items {
        // Restored or purged since it was listed, or buried with a folder above it.
        let Some(row) = judge.zone.item(id).await? else { continue };
        let is_old = row.purged_at.is_none() && row.deleted.is_some_and(|deletion| deletion.at < cut);
        // Only a person may end a conflict: what awaits a choice stays, with the folders that it is in.
        if is_old && !judge.holds_open_conflict(&row).await? {
            judge.bury(row).await?;
            count += 1;
        }
    }
    judge.zone.save().await?;
    Ok(Buried { count, events: judge.events().await?, fed: judge.zone.fed() })
}
