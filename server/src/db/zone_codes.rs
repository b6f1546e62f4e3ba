//! Kinds and roles of zones as the tables hold them. Numbers are never given a second meaning.

use shared::sync::{ZoneKind, ZoneRole};

use super::DbError;

pub const fn kind_code(kind: ZoneKind) -> i64 {
    match kind {
        ZoneKind::Files => 0,
        ZoneKind::Photos => 1,
        ZoneKind::Shared => 2,
        ZoneKind::Album => 3,
    }
}

pub fn kind_of(code: i64) -> Result<ZoneKind, DbError> {
    [ZoneKind::Files, ZoneKind::Photos, ZoneKind::Shared, ZoneKind::Album]
        .into_iter()
        .find(|&kind| kind_code(kind) == code)
        .ok_or_else(|| DbError::Shape { column: 0, reason: format!("{code} is no kind of zone") })
}

/// Ordered: a higher role may do all that a lower one may.
pub const fn role_code(role: ZoneRole) -> i64 {
    match role {
        ZoneRole::Viewer => 0,
        ZoneRole::Editor => 1,
        ZoneRole::Owner => 2,
    }
}

pub fn role_of(code: i64) -> Result<ZoneRole, DbError> {
    [ZoneRole::Viewer, ZoneRole::Editor, ZoneRole::Owner]
        .into_iter()
        .find(|&role| role_code(role) == code)
        .ok_or_else(|| DbError::Shape { column: 0, reason: format!("{code} is no role") })
}
