//! The service worker, which holds the app's own files for starts without a network.

use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::ServiceWorkerContainer;

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
        if JsFuture::from(workers.register(SERVICE_WORKER_URL)).await.is_err() {
            return;
        }
        loop {
            if let Some(worker) = workers.controller() {
                // A worker that just stops hears it an hour later.
                let _ = worker.post_message(&"refresh".into());
            }
            browser::sleep(LOOK_INTERVAL_MS).await;
        }
    });
}
