//! Web Locks: what one tab holds, until it lets go or ends, however it ends.

use std::cell::RefCell;

use futures::channel::oneshot;
use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;

use crate::browser;

#[wasm_bindgen]
extern "C" {
    /// web-sys holds Web Locks to be unstable; browsers have had them since 2022.
    type Locks;

    #[wasm_bindgen(method, catch)]
    fn request(this: &Locks, name: &str, options: &Object, granted: &JsValue) -> Result<Promise, JsValue>;
}

/// A lock that this tab holds; let go when it is dropped.
pub struct Held {
    /// None where browsers have no locks (plain HTTP): then each tab stands alone.
    release: Option<Function>,
}

impl Held {
    /// Holds it until the tab ends.
    pub fn keep(mut self) {
        self.release = None;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(release) = &self.release {
            let released = release.call0(&JsValue::UNDEFINED);
            debug_assert!(released.is_ok(), "resolving a promise cannot fail");
        }
    }
}

/// Whether this browser has locks for the page at all.
pub fn are_here() -> bool {
    web_sys::window().is_some_and(|window| browser::property(&window.navigator(), "locks").is_some())
}

/// The lock, if no tab holds it.
pub async fn hold_if_free(name: &str) -> Option<Held> {
    request(name, true).await
}

/// The lock, when no other tab holds it any more.
pub async fn hold_when_free(name: &str) -> Option<Held> {
    request(name, false).await
}

async fn request(name: &str, if_available: bool) -> Option<Held> {
    let alone = || Some(Held { release: None });
    let Some(locks) = web_sys::window().and_then(|window| browser::property(&window.navigator(), "locks"))
    else {
        return alone();
    };
    let options = Object::new();
    let is_set = Reflect::set(&options, &"ifAvailable".into(), &if_available.into());
    debug_assert!(is_set.is_ok(), "a plain object takes every property");
    let (told, answer) = oneshot::channel::<Option<Held>>();
    let told = RefCell::new(Some(told));
    let granted = Closure::<dyn FnMut(JsValue) -> JsValue>::new(move |lock: JsValue| {
        let Some(told) = told.take().filter(|_| !lock.is_null()) else { return JsValue::UNDEFINED };
        // The lock is held until this promise settles.
        let mut release = None;
        let held = Promise::new(&mut |resolve, _| release = Some(resolve));
        // Nobody waits on a page that is on its way out; the lock goes with it.
        let _ = told.send(Some(Held { release }));
        held.into()
    });
    let asked = locks.unchecked_ref::<Locks>().request(name, &options, &granted.into_js_value());
    if asked.is_err() {
        return alone();
    }
    // Not granted, the other end is dropped with the closure's last call.
    answer.await.ok().flatten()
}
