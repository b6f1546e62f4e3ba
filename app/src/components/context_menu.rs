use leptos::ev;
use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, Node};

use super::icon::Glyph;
use super::shortcuts::key_name;
use crate::actions::{Action, offered};
use crate::hooks::listener::on_window;
use crate::parts::from_rest;
use crate::ui::{MenuAt, Ui, use_ui};
use crate::words;

/// The menu of what is selected, or of the place; a sheet from below on a phone.
#[component]
pub fn ContextMenu() -> impl IntoView {
    let ui = use_ui();
    move || ui.menu.get().map(|at| from_rest(move |rest| (rest.menu)(at)))
}

#[component]
pub fn OpenMenu(at: MenuAt) -> impl IntoView {
    let ui = use_ui();
    let menu = NodeRef::<Div>::new();
    let ids = at.about.map_or_else(|| ui.selected_ids(), |id| vec![id]);
    let title = match ids.len() {
        0 => ui.folder_name(ui.folder()),
        count => ui.single_name(&ids).unwrap_or_else(|| words::items(count)),
    };
    let groups = offered(ui, &ids);
    let close = move || {
        ui.menu.set(None);
        ui.take_focus();
    };
    Effect::new(move || {
        if let Some(menu) = menu.get() {
            keep_inside(&menu, at);
            let first = if at.by_keyboard { entry(&menu, Step::First) } else { None };
            first.unwrap_or_else(|| (*menu).clone().unchecked_into()).focus().ok();
        }
    });
    on_window(ev::pointerdown, move |event| {
        let target = event.target().and_then(|target| target.dyn_into::<Node>().ok());
        if menu.get_untracked().is_some_and(|menu| !menu.contains(target.as_ref())) {
            ui.menu.set(None);
        }
    });
    on_window(ev::resize, move |_| ui.menu.set(None));
    let on_key = move |event: ev::KeyboardEvent| {
        let Some(menu) = menu.get_untracked() else { return };
        let step = match event.key().as_str() {
            "ArrowDown" => Step::Next,
            "ArrowUp" => Step::Previous,
            "Home" => Step::First,
            "End" => Step::Last,
            "Escape" | "Tab" => {
                event.prevent_default();
                event.stop_propagation();
                close();
                return;
            }
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        if let Some(entry) = entry(&menu, step) {
            entry.focus().ok();
        }
    };
    let groups = groups
        .into_iter()
        .map(|group| {
            let entries = group
                .into_iter()
                .map(|action| view! { <Entry action=action ids=ids.clone() ui=ui /> })
                .collect_view();
            view! { <div class="menu-group" role="group">{entries}</div> }
        })
        .collect_view();
    view! {
        <div class="popover-backdrop" />
        <div
            node_ref=menu
            class="menu"
            role="menu"
            aria-label=title.clone()
            tabindex="-1"
            on:keydown=on_key
            on:contextmenu=|event| event.prevent_default()
        >
            <p class="menu-title" aria-hidden="true">{title.clone()}</p>
            {groups}
        </div>
    }
    .into_any()
}

#[component]
fn Entry(action: Action, ids: Vec<shared::ItemId>, ui: Ui) -> impl IntoView {
    view! {
        <button
            class="menu-entry"
            class:danger=action.is_dangerous()
            type="button"
            role="menuitem"
            tabindex="-1"
            on:pointermove=|event| {
                // One highlight, whether the pointer or the keys put it there.
                if let Some(entry) = event.current_target().and_then(|it| it.dyn_into::<HtmlElement>().ok()) {
                    entry.focus().ok();
                }
            }
            on:click=move |_| {
                ui.menu.set(None);
                ui.take_focus();
                ui.perform(action, ids.clone());
            }
        >
            <Glyph icon=action.icon() />
            <span class="menu-label">{action.label()}</span>
            {action.key().map(|key| view! { <span class="menu-key" aria-hidden="true">{key_name(key)}</span> })}
        </button>
    }
}

#[derive(Clone, Copy)]
enum Step {
    First,
    Last,
    Next,
    Previous,
}

/// The entry that a key goes to.
fn entry(menu: &web_sys::HtmlDivElement, step: Step) -> Option<HtmlElement> {
    let entries = menu.query_selector_all("[role=menuitem]").ok()?;
    let count = entries.length();
    let focused = document().active_element();
    let here = (0..count).find(|&place| entries.get(place).as_ref() == focused.as_deref());
    let place = match (step, here) {
        (Step::First, _) | (Step::Next, None) => 0,
        (Step::Last, _) | (Step::Previous, None) => count.checked_sub(1)?,
        (Step::Next, Some(here)) => (here + 1) % count,
        (Step::Previous, Some(here)) => (here + count - 1) % count,
    };
    entries.get(place)?.dyn_into().ok()
}

/// Puts the menu where it was asked for, but inside the window.
fn keep_inside(menu: &web_sys::HtmlDivElement, at: MenuAt) {
    const MARGIN: f64 = 8.0;
    let extent = |size: Result<wasm_bindgen::JsValue, _>| size.ok().and_then(|it| it.as_f64()).unwrap_or(0.0);
    let (width, height) = (extent(window().inner_width()), extent(window().inner_height()));
    let left = at.x.min(width - f64::from(menu.offset_width()) - MARGIN).max(MARGIN);
    let top = at.y.min(height - f64::from(menu.offset_height()) - MARGIN).max(MARGIN);
    let style = HtmlElement::style(menu);
    style.set_property("left", &format!("{left}px")).ok();
    style.set_property("top", &format!("{top}px")).ok();
}
