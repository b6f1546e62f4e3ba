use leptos::ev::EventDescriptor;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::convert::FromWasmAbi;
use wasm_bindgen::prelude::Closure;

/// Listens on the window for as long as the component lives.
pub fn on_window<E>(event: E, handler: impl Fn(E::EventType) + 'static)
where
    E: EventDescriptor + 'static,
    E::EventType: JsCast + FromWasmAbi,
{
    let listening = window_event_listener(event, handler);
    on_cleanup(move || listening.remove());
}

/// Listens on any target, by the event's name, for as long as the component lives.
pub fn on_target(
    target: &web_sys::EventTarget,
    event: &'static str,
    handler: impl FnMut(web_sys::Event) + 'static,
) {
    let handler = Closure::wrap(Box::new(handler) as Box<dyn FnMut(web_sys::Event)>);
    let listening = target.add_event_listener_with_callback(event, handler.as_ref().unchecked_ref());
    if listening.is_err() {
        return;
    }
    let held = StoredValue::new_local((target.clone(), handler));
    on_cleanup(move || {
        held.with_value(|(target, handler)| {
            target.remove_event_listener_with_callback(event, handler.as_ref().unchecked_ref()).ok();
        });
    });
}

/// As [`on_target`], for what happens to the elements inside, of events that do not bubble too.
pub fn on_target_captured(
    target: &web_sys::EventTarget,
    event: &'static str,
    handler: impl FnMut(web_sys::Event) + 'static,
) {
    let handler = Closure::wrap(Box::new(handler) as Box<dyn FnMut(web_sys::Event)>);
    let function = handler.as_ref().unchecked_ref();
    if target.add_event_listener_with_callback_and_bool(event, function, true).is_err() {
        return;
    }
    let held = StoredValue::new_local((target.clone(), handler));
    on_cleanup(move || {
        held.with_value(|(target, handler)| {
            let function = handler.as_ref().unchecked_ref();
            target.remove_event_listener_with_callback_and_bool(event, function, true).ok();
        });
    });
}

/// Whether the event comes from a place where people type.
pub fn is_typing(event: &web_sys::Event) -> bool {
    event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .and_then(|element| element.closest("input, textarea, select, [contenteditable]").ok().flatten())
        .is_some()
}
