//! What the caller may touch. An item cannot be loaded without saying who asks: a [`Grant`] is had from
//! here only, and the queries of `db` want one.

use shared::sync::{ZoneKind, ZoneRole};
use shared::{ItemId, UserId, ZoneId};

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
