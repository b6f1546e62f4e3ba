use std::cell::Cell;

use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;

/// A scrolling element's size and place, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Viewport {
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

thread_local! {
    /// As the last one was: the next most likely is as large, and need not be measured before it is filled.
    static LAST: Cell<Viewport> = Cell::default();
}

/// Follows a scrolling element. Reads happen once a frame, however many events come, and when the frame before
/// is laid out: to ask in between would lay out the page twice.
pub fn use_viewport(node: NodeRef<Div>) -> Signal<Viewport> {
    let viewport = RwSignal::new(Viewport { top: 0.0, ..LAST.get() });
    let frame_asked = StoredValue::new(false);
    let read = move || {
        if let Some(element) = node.get_untracked() {
            let now = Viewport {
                top: f64::from(element.scroll_top()),
                width: f64::from(element.client_width()),
                height: f64::from(element.client_height()),
            };
            LAST.set(now);
            if now != viewport.get_untracked() {
                viewport.set(now);
            }
        }
    };
    let ask = move || {
        if frame_asked.try_get_value() == Some(false) {
            frame_asked.set_value(true);
            request_animation_frame(move || {
                if frame_asked.try_set_value(false).is_none() {
                    read();
                }
            });
        }
    };
    Effect::new(move || {
        if let Some(element) = node.get() {
            super::listener::on_target(&element, "scroll", move |_| ask());
            observe_size(&element, ask);
        }
    });
    viewport.into()
}

/// Calls `changed` whenever an element has another size, and once at the beginning.
pub fn observe_size(element: &web_sys::Element, changed: impl Fn() + 'static) {
    let callback = Closure::wrap(Box::new(changed) as Box<dyn Fn()>);
    let Ok(observer) = web_sys::ResizeObserver::new(callback.as_ref().unchecked_ref()) else { return };
    observer.observe(element);
    let held = StoredValue::new_local((observer, callback));
    on_cleanup(move || {
        held.with_value(|(observer, _)| observer.disconnect());
    });
}
