//! What the caller may touch. Whoever answers a request gets a [`Grant`] here, and asks `db` for the zone that it
//! names. No type enforces that: the contract tests do, which ask every route as somebody else.

use shared::sync::{ZoneKind, ZoneRole};
use shared::{ItemId, UserId, ZoneId};

use crate::db::members::{self, alias_zones, item_zones};
use crate::db::{Connection, DbError};

/// A zone that a person may use, and as what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    pub user_id: UserId,
    pub zone_id: ZoneId,
    /// Who pays for the zone: chunks and quota are counted there.
    pub account_id: UserId,
    pub root_id: ItemId,
    pub kind: ZoneKind,
    pub role: ZoneRole,
}

/// Every zone that the person may use, the own files first.
pub async fn grants_of(connection: &mut Connection, user_id: UserId) -> Result<Vec<Grant>, DbError> {
    members::zones_of(connection, user_id).await
}

/// The person's use of that zone, if there is any.
pub async fn grant_for_zone(
    connection: &mut Connection,
    user_id: UserId,
    zone_id: ZoneId,
) -> Result<Option<Grant>, DbError> {
    Ok(grants_of(connection, user_id).await?.into_iter().find(|grant| grant.zone_id == zone_id))
}

/// The person's own zone of that kind.
pub async fn own_grant(
    connection: &mut Connection,
    user_id: UserId,
    kind: ZoneKind,
) -> Result<Option<Grant>, DbError> {
    let grants = grants_of(connection, user_id).await?;
    Ok(grants.into_iter().find(|grant| grant.account_id == user_id && grant.kind == kind))
}

/// Where among the person's zones the item is, and its id there: an alias leads to the item that it
/// stands for. None is the same for what is missing and for what is another's.
pub async fn locate(
    connection: &mut Connection,
    user_id: UserId,
    item_id: ItemId,
) -> Result<Option<(Grant, ItemId)>, DbError> {
    let grants = grants_of(connection, user_id).await?;
    let in_zone = |zone_id: ZoneId| grants.iter().copied().find(|grant| grant.zone_id == zone_id);
    if let Some(grant) = grants.iter().find(|grant| grant.root_id == item_id) {
        return Ok(Some((*grant, item_id)));
    }
    let zones: Vec<ZoneId> = grants.iter().map(|grant| grant.zone_id).collect();
    let held = item_zones(connection, item_id, &zones).await?;
    if let Some(grant) = held.into_iter().find_map(in_zone) {
        return Ok(Some((grant, item_id)));
    }
    let aliases = alias_zones(connection, item_id, &zones).await?;
    Ok(aliases.into_iter().find_map(|(zone_id, item_id)| Some((in_zone(zone_id)?, item_id))))
}

/// For the jobs, which look after a zone in nobody's name but its payer's. None if the zone is gone.
pub async fn caretaker_grant(connection: &mut Connection, zone_id: ZoneId) -> Result<Option<Grant>, DbError> {
    members::payers_grant(connection, zone_id).await
}
