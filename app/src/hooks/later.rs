use std::time::Duration;

use js_sys::Promise;
use leptos::prelude::*;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

/// Follows a signal one task behind, for what may come after what a person looks at.
pub fn use_later(signal: Signal<u64>) -> Signal<u64> {
    let later = RwSignal::new(signal.get_untracked());
    let is_due = StoredValue::new(false);
    Effect::new(move || {
        signal.track();
        if is_due.get_value() {
            return;
        }
        is_due.set_value(true);
        set_timeout(
            move || {
                if is_due.try_set_value(false).is_none() {
                    later.set(signal.get_untracked());
                }
            },
            Duration::ZERO,
        );
    });
    later.into()
}

/// Gives the page its turn before going on.
pub async fn turn() {
    let passed = Promise::new(&mut |resolve, _| {
        set_timeout(move || drop(resolve.call0(&JsValue::UNDEFINED)), Duration::ZERO);
    });
    // A promise that is only ever resolved.
    drop(JsFuture::from(passed).await);
}
