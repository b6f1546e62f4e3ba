//! Who leads where the browser has no Web Locks (plain HTTP): the holder of a lease in the database.
//!
//! A tab in the background may run once a minute only, so the lease outlasts that. A tab that closes gives it
//! back; one that is killed lets it run out.

use std::rc::Rc;
use std::time::Duration;

use shared::UserId;
use uuid::Uuid;
use wasm_bindgen_futures::spawn_local;

use crate::browser;
use crate::store::IndexedDbStore;

const LEASE: Duration = Duration::from_secs(75);
const RENEW_EVERY: Duration = Duration::from_secs(15);
/// Between two looks of a tab that waits for the lead.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// Whether this tab leads from now on, until it ends.
pub async fn lead_if_free(user: UserId) -> bool {
    let Ok(store) = IndexedDbStore::open(user).await else { return true };
    let (store, holder) = (Rc::new(store), browser::new_id());
    let is_taken = take(&store, holder).await;
    if is_taken {
        spawn_local(keep(store, holder));
    }
    is_taken
}

/// Returns when this tab leads.
pub async fn lead_when_free(user: UserId) {
    while !lead_if_free(user).await {
        browser::sleep(LOOK_EVERY.as_millis() as u64).await;
    }
}

/// A database that fails holds nobody else either.
async fn take(store: &IndexedDbStore, holder: Uuid) -> bool {
    let now = browser::now();
    store.take_lease(holder, now, now + LEASE).await.unwrap_or(true)
}

async fn keep(store: Rc<IndexedDbStore>, holder: Uuid) {
    let Some(window) = web_sys::window() else { return };
    let leaving = store.clone();
    browser::listen(&window, "pagehide", move |_| {
        let store = leaving.clone();
        spawn_local(async move {
            // Otherwise it runs out.
            let _ = store.end_lease(holder).await;
        });
    });
    let page = window.clone();
    browser::listen(&window, "pageshow", move |event| {
        let was_asleep = browser::property(&event, "persisted").is_some_and(|it| it.is_truthy());
        if was_asleep {
            let _ = page.location().reload();
        }
    });
    loop {
        browser::sleep(RENEW_EVERY.as_millis() as u64).await;
        if !take(&store, holder).await {
            // Another tab leads since this one slept: it begins anew, and follows.
            let _ = window.location().reload();
            return;
        }
    }
}
