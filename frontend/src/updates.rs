//! The service worker, which holds the app's own files for starts without a network.

use std::collections::BTreeMap;

use serde::Deserialize;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{ServiceWorkerContainer, ServiceWorkerRegistration};

use crate::browser;

const SERVICE_WORKER_URL: &str = "/service_worker.js";
/// Between two looks for a newer build, in milliseconds.
const LOOK_INTERVAL_MS: u64 = 60 * 60 * 1000;

/// Has the app's files held, and newer ones brought in now and then. A newer build shows at the next
/// navigation.
pub fn watch() {
    spawn_local(async {
        // Browsers offer it to secure origins only; elsewhere the app needs its server to start.
        let Some(workers) =
            web_sys::window().and_then(|window| browser::property(&window.navigator(), "serviceWorker"))
        else {
            return;
        };
        let workers: ServiceWorkerContainer = workers.unchecked_into();
        let Ok(registration) = JsFuture::from(workers.register(SERVICE_WORKER_URL)).await else { return };
        let registration: ServiceWorkerRegistration = registration.unchecked_into();
        loop {
            // Also one that this page was loaded past, because it began just then: it takes the page over.
            if let Some(worker) = registration.active() {
                // A worker that just stops hears it an hour later.
                let _ = worker.post_message(&"refresh".into());
            }
            browser::sleep(LOOK_INTERVAL_MS).await;
        }
    });
}

#[derive(Deserialize)]
struct Listing {
    files: BTreeMap<String, Listed>,
}

#[derive(Deserialize)]
struct Listed {
    /// In bytes.
    size: u64,
}

/// How many bytes the app's own files take on this device.
pub async fn held_bytes() -> u64 {
    held_listing().await.map_or(0, |listing| listing.files.values().map(|file| file.size).sum())
}

async fn held_listing() -> Option<Listing> {
    let caches = web_sys::window()?.caches().ok()?;
    let held = JsFuture::from(caches.match_with_str("/site.json")).await.ok()?;
    let held: web_sys::Response = held.dyn_into().ok()?;
    let text = JsFuture::from(held.text().ok()?).await.ok()?;
    serde_json::from_str(&text.as_string()?).ok()
}
