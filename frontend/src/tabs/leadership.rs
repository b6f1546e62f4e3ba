//! Who leads: the holder of a lock that the browser frees when the tab ends.

use shared::UserId;

use super::lease;
use crate::locks;

/// Whether this tab leads from now on, until it ends.
pub async fn lead_if_free(user: UserId) -> bool {
    if !locks::are_here() {
        return lease::lead_if_free(user).await;
    }
    locks::hold_if_free(&name(user)).await.map(locks::Held::keep).is_some()
}

/// Returns when this tab leads.
pub async fn lead_when_free(user: UserId) {
    if !locks::are_here() {
        return lease::lead_when_free(user).await;
    }
    if let Some(held) = locks::hold_when_free(&name(user)).await {
        held.keep();
    }
}

fn name(user: UserId) -> String {
    format!("cloudstead-{user}")
}
