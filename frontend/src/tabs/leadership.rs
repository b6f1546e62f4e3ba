//! Who leads: the holder of a Web Lock, which the browser frees when the tab ends, however it ends.

use std::cell::RefCell;

use futures::channel::oneshot;
use js_sys::{Object, Promise, Reflect};
use shared::UserId;
use wasm_bindgen::prelude::*;

use crate::browser;

#[wasm_bindgen]
extern "C" {
    /// web-sys holds Web Locks to be unstable; browsers have had them since 2022.
    type Locks;

    #[wasm_bindgen(method, catch)]
    fn request(this: &Locks, name: &str, options: &Object, granted: &JsValue) -> Result<Promise, JsValue>;
}

/// Whether this tab leads from now on, until it ends. Where browsers have no locks (plain HTTP), each tab
/// leads for itself.
pub async fn lead_if_free(user: UserId) -> bool {
    request(user, true).await
}

/// Returns when this tab leads.
pub async fn lead_when_free(user: UserId) {
    request(user, false).await;
}

async fn request(user: UserId, if_available: bool) -> bool {
    let Some(locks) = web_sys::window().and_then(|window| browser::property(&window.navigator(), "locks"))
    else {
        return true;
    };
    let options = Object::new();
    let is_set = Reflect::set(&options, &"ifAvailable".into(), &if_available.into());
    debug_assert!(is_set.is_ok(), "a plain object takes every property");
    let (told, answer) = oneshot::channel::<bool>();
    let told = RefCell::new(Some(told));
    let granted = Closure::<dyn FnMut(JsValue) -> JsValue>::new(move |lock: JsValue| {
        let is_granted = !lock.is_null();
        if let Some(told) = told.take() {
            // The page is on its way out if nobody waits.
            let _ = told.send(is_granted);
        }
        // The lock is held until this promise settles: never.
        if is_granted { Promise::new(&mut |_, _| {}).into() } else { JsValue::UNDEFINED }
    });
    let asked = locks.unchecked_ref::<Locks>().request(
        &format!("cloudstead-{user}"),
        &options,
        &granted.into_js_value(),
    );
    if asked.is_err() {
        return true;
    }
    answer.await.unwrap_or(true)
}
