//! Time, chance and waiting, as this browser gives them: the only place that reads them.

use js_sys::{Function, Promise, Reflect, Uint8Array};
use shared::Timestamp;
use uuid::Uuid;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    /// Both in a page and in a worker, unlike web-sys' methods of `Window`.
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Function, delay_ms: i32) -> i32;

    #[wasm_bindgen(thread_local_v2, js_name = crypto)]
    static CRYPTO: web_sys::Crypto;
}

pub fn now() -> Timestamp {
    Timestamp::from_millis(js_sys::Date::now() as i64)
}

/// The page's global object; in a worker, the worker's.
pub fn crypto() -> web_sys::Crypto {
    CRYPTO.with(Clone::clone)
}

/// From the system's generator.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let bytes = Uint8Array::new_with_length(N as u32);
    let filled = crypto().get_random_values_with_js_u8_array(&bytes);
    debug_assert!(filled.is_ok(), "every browser fills fewer than 65,536 bytes");
    let mut out = [0; N];
    bytes.copy_to(&mut out);
    out
}

/// Evenly spread over 0..1.
pub fn chance() -> f64 {
    (u64::from_le_bytes(random_bytes()) >> 11) as f64 / (1_u64 << 53) as f64
}

/// A UUIDv7: ids made here sort by when they were made.
pub fn new_id() -> Uuid {
    let millis = u64::try_from(now().as_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random_bytes()).into_uuid()
}

pub async fn sleep(ms: u64) {
    let delay = i32::try_from(ms).unwrap_or(i32::MAX);
    let elapsed = Promise::new(&mut |resolve, _| {
        set_timeout(&resolve, delay);
    });
    // A promise that is only ever resolved.
    let _ = JsFuture::from(elapsed).await;
}

/// Gives everything else its turn before going on. Unlike a timer, it is not slowed down in a hidden tab.
pub async fn turn() {
    let Ok(channel) = web_sys::MessageChannel::new() else { return };
    let (here, there) = (channel.port1(), channel.port2());
    let heard = Promise::new(&mut |resolve, _| here.set_onmessage(Some(&resolve)));
    if there.post_message(&JsValue::NULL).is_ok() {
        // A promise that is only ever resolved.
        let _ = JsFuture::from(heard).await;
    }
    here.close();
}

/// Lets the browser paint before going on.
pub async fn next_frame() {
    let Some(window) = web_sys::window() else { return };
    let painted = Promise::new(&mut |resolve, _| {
        if window.document().is_some_and(|page| page.hidden()) {
            // No frames come in a hidden tab.
            set_timeout(&resolve, 0);
        } else {
            let _ = window.request_animation_frame(&resolve);
        }
    });
    let _ = JsFuture::from(painted).await;
}

/// Where browsers do not tell when they are idle: as long as they take to get there, in milliseconds.
const IDLE_MS: u64 = 100;
/// Where they do not say so, though nothing goes on, it is taken for granted after this time, in milliseconds.
const IDLE_MAX_MS: f64 = 1_000.0;

/// Waits until the page has nothing else to do.
pub async fn idle() {
    let window: Option<JsValue> = web_sys::window().map(Into::into);
    let method = window.as_ref().and_then(|window| property(window, "requestIdleCallback"));
    let Some((window, method)) = window.zip(method.and_then(|it| it.dyn_into::<Function>().ok())) else {
        return sleep(IDLE_MS).await;
    };
    let options = js_sys::Object::new();
    let idle = Promise::new(&mut |resolve, _| {
        let _ = Reflect::set(&options, &"timeout".into(), &IDLE_MAX_MS.into());
        let _ = method.call2(&window, &resolve, &options);
    });
    // A promise that is only ever resolved.
    let _ = JsFuture::from(idle).await;
}

/// Whether the browser believes that there is a network. False is certain, true is a hope.
pub fn is_online() -> bool {
    web_sys::window().is_none_or(|window| window.navigator().on_line())
}

/// Calls `react` on every `event` of `target`, for as long as the page lives.
pub fn listen(target: &web_sys::EventTarget, event: &str, react: impl FnMut(web_sys::Event) + 'static) {
    let callback = Closure::<dyn FnMut(web_sys::Event)>::new(react).into_js_value();
    let listening = target.add_event_listener_with_callback(event, callback.unchecked_ref());
    debug_assert!(listening.is_ok(), "only a signal in the options can make this fail");
}

/// As [`listen`], of whatever is in `target` too.
pub fn overhear(target: &web_sys::EventTarget, event: &str, react: impl FnMut(web_sys::Event) + 'static) {
    let callback = Closure::<dyn FnMut(web_sys::Event)>::new(react).into_js_value();
    let listening = target.add_event_listener_with_callback_and_bool(event, callback.unchecked_ref(), true);
    debug_assert!(listening.is_ok(), "only a signal in the options can make this fail");
}

/// Reads a property by name, where web-sys has no stable binding.
pub fn property(of: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(of, &name.into()).ok().filter(|value| !value.is_undefined() && !value.is_null())
}

/// A clock that never jumps, in milliseconds, for measuring.
pub fn clock_ms() -> f64 {
    web_sys::window()
        .and_then(|window| window.performance())
        .map_or_else(js_sys::Date::now, |clock| clock.now())
}

/// Calls a method that answers a promise, where web-sys has no stable binding. None if it fails.
pub async fn call(of: &JsValue, method: &str, argument: &JsValue) -> Option<JsValue> {
    call_with(of, method, argument, &JsValue::UNDEFINED).await
}

/// As [`call`], with the error that the promise was rejected with.
pub async fn attempt(of: &JsValue, method: &str, argument: &JsValue) -> Result<JsValue, JsValue> {
    let method: Function = Reflect::get(of, &method.into())?.dyn_into()?;
    let answer: Promise = method.call1(of, argument)?.dyn_into()?;
    JsFuture::from(answer).await
}

/// Whether an error says that the disk, or the browser's share of it, is full.
pub fn is_full(error: &JsValue) -> bool {
    property(error, "name").and_then(|name| name.as_string()).as_deref() == Some("QuotaExceededError")
}

/// As [`call`], with two arguments.
pub async fn call_with(of: &JsValue, method: &str, first: &JsValue, second: &JsValue) -> Option<JsValue> {
    let method: Function = property(of, method)?.dyn_into().ok()?;
    let answer: Promise = method.call2(of, first, second).ok()?.dyn_into().ok()?;
    JsFuture::from(answer).await.ok()
}
