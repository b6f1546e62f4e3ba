//! A page of the public that the server rendered gives way to the same page with its code behind it. What a
//! person did in the meantime goes along: what they typed, where they are, and the form they sent.
//!
//! The page is mounted beside the rendered one and takes its place before the browser paints again. Leptos
//! could take over the rendered nodes themselves; the code for that would make the WASM a fifth larger for every page.

use wasm_bindgen::JsCast;
use web_sys::{Document, Element, Event, EventInit, HtmlElement, HtmlFormElement, HtmlInputElement};

/// On the root element of a rendered page, until its code is there.
const WAITING: &str = "data-waiting";
/// Its value once the form was sent.
const SENT: &str = "submit";
const CONTROLS: &str = "a, button, input";

/// Mounts the page, over the rendered one if there is any.
pub fn mount_over(mount: impl FnOnce()) {
    let Some((document, root)) = web_sys::window()
        .and_then(|window| window.document())
        .and_then(|document| document.document_element().map(|root| (document, root)))
    else {
        return;
    };
    let Some(waiting) = root.get_attribute(WAITING) else { return mount() };
    let rendered = pages(&document);
    let focused = document.active_element();
    mount();
    for page in &rendered {
        if let Some(mounted) = pages(&document).iter().find(|it| !rendered.contains(it)) {
            carry_over(page, mounted, focused.as_ref());
        }
        page.remove();
    }
    let _ = root.remove_attribute(WAITING);
    if waiting == SENT
        && let Some(form) = document.query_selector("form").ok().flatten()
        && let Ok(form) = form.dyn_into::<HtmlFormElement>()
    {
        let _ = form.request_submit();
    }
}

fn pages(document: &Document) -> Vec<Element> {
    found(document.query_selector_all("main"))
}

fn found(nodes: Result<web_sys::NodeList, wasm_bindgen::JsValue>) -> Vec<Element> {
    let Ok(nodes) = nodes else { return Vec::new() };
    (0..nodes.length()).filter_map(|at| nodes.item(at)?.dyn_into().ok()).collect()
}

/// Both pages have the same controls in the same order, unless they are of different builds.
fn carry_over(rendered: &Element, mounted: &Element, focused: Option<&Element>) {
    let (old, new) =
        (found(rendered.query_selector_all(CONTROLS)), found(mounted.query_selector_all(CONTROLS)));
    for (old, new) in old.iter().zip(&new).filter(|(old, new)| old.id() == new.id()) {
        let is_focused = focused == Some(old);
        if is_focused && let Some(new) = new.dyn_ref::<HtmlElement>() {
            let _ = new.focus();
        }
        if let (Some(old), Some(new)) = (old.dyn_ref::<HtmlInputElement>(), new.dyn_ref::<HtmlInputElement>())
        {
            retype(old, new, is_focused);
        }
    }
}

fn retype(old: &HtmlInputElement, new: &HtmlInputElement, is_focused: bool) {
    if old.value().is_empty() {
        return;
    }
    new.set_value(&old.value());
    let typed = EventInit::new();
    typed.set_bubbles(true);
    if let Ok(typed) = Event::new_with_event_init_dict("input", &typed) {
        let _ = new.dispatch_event(&typed);
    }
    if is_focused && let (Ok(Some(start)), Ok(Some(end))) = (old.selection_start(), old.selection_end()) {
        let _ = new.set_selection_range(start, end);
    }
}
