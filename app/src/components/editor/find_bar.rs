use leptos::ev::KeyboardEvent;
use leptos::html::Input;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::{Editing, field};
use crate::components::icon::IconButton;
use crate::model::text::{MATCHES_MAX, Match, byte_at, find, length, replaced};
use crate::words;

/// A selection longer than this is not what a person looks for, in UTF-16 units.
const WANTED_UNITS_MAX: u32 = 200;

#[derive(Clone, Copy)]
struct Search {
    editing: Editing,
    wanted: RwSignal<String>,
    by: RwSignal<String>,
    found: Memo<Vec<Match>>,
    /// Where the match begins that the person stands on.
    here: RwSignal<Option<u32>>,
}

impl Search {
    /// Which match that is.
    fn place(self) -> Option<usize> {
        let here = self.here.get()?;
        self.found.with(|found| found.iter().position(|found| found.start == here))
    }

    /// Stands on the first match from `from` on, or on the last before it; around the end if need be.
    fn step(self, from: u32, forward: bool) {
        let next = self.found.with_untracked(|found| {
            let next = if forward {
                found.iter().find(|found| found.start >= from).or(found.first())
            } else {
                found.iter().rev().find(|found| found.start < from).or(found.last())
            };
            next.copied()
        });
        self.here.set(next.map(|next| next.start));
        if let (Some(next), Some(field)) = (next, self.editing.field.get_untracked()) {
            field::select(&field, next);
        }
    }

    fn turn(self, forward: bool) {
        let Some(field) = self.editing.field.get_untracked() else { return };
        let selected = field::selected(&field);
        self.step(if forward { selected.end } else { selected.start }, forward);
    }

    fn replace(self) {
        let (Some(place), Some(field)) = (untrack(|| self.place()), self.editing.field.get_untracked())
        else {
            return self.turn(true);
        };
        let Some(at) = self.found.with_untracked(|found| found.get(place).copied()) else { return };
        let by = self.by.get_untracked();
        keeping_focus(|| field::replace(&field, at, &by));
        self.step(at.start + length(&by), true);
    }

    fn replace_all(self) {
        let Some(field) = self.editing.field.get_untracked() else { return };
        let text = self.editing.session().text();
        let found = self.found.get_untracked();
        let (Some(first), Some(last)) = (found.first(), found.last()) else { return };
        // One stretch from the first to the last, so that one undo takes it back.
        let at = Match { start: first.start, end: last.end };
        let part = &text[byte_at(&text, at.start)..byte_at(&text, at.end)];
        let shifted: Vec<Match> = found
            .iter()
            .map(|found| Match { start: found.start - at.start, end: found.end - at.start })
            .collect();
        let by = replaced(part, &shifted, &self.by.get_untracked());
        keeping_focus(|| field::replace(&field, at, &by));
        self.here.set(None);
        self.editing.ui.say(words::replaced(found.len()));
    }
}

/// Changes the text while the keyboard is elsewhere.
fn keeping_focus(change: impl FnOnce()) {
    let focused = document().active_element().and_then(|element| element.dyn_into::<HtmlElement>().ok());
    change();
    if let Some(focused) = focused {
        focused.focus().ok();
    }
}

/// Finds and replaces in the text.
#[component]
pub fn FindBar(editing: Editing) -> impl IntoView {
    let input = NodeRef::<Input>::new();
    let wanted = RwSignal::new(String::new());
    let found = Memo::new(move |_| wanted.with(|wanted| find(&editing.text(), wanted)));
    let search = Search { editing, wanted, by: RwSignal::default(), found, here: RwSignal::new(None) };
    let is_replacing = RwSignal::new(false);
    Effect::new(move || {
        editing.asked_to_find.track();
        if let Some(input) = input.get() {
            begin(search, &input);
        }
    });
    use_marks(search);
    let close = move || {
        editing.is_finding.set(false);
        if let Some(field) = editing.field.get_untracked() {
            field.focus().ok();
        }
    };
    let on_key = move |event: KeyboardEvent| {
        match event.key().as_str() {
            "Escape" => close(),
            "g" | "G" if event.ctrl_key() || event.meta_key() => search.turn(!event.shift_key()),
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    };
    let count = move || {
        let count = found.with(Vec::len);
        match search.place() {
            _ if wanted.with(String::is_empty) => String::new(),
            Some(place) => words::place_of(place + 1, count),
            None if count >= MATCHES_MAX => words::found_many(MATCHES_MAX),
            None => words::found(count),
        }
    };
    let is_nothing = Signal::derive(move || found.with(Vec::is_empty));
    view! {
        <div class="find-bar" role="search" aria-label=words::FIND_IN_TEXT on:keydown=on_key>
            <div class="find-row">
                <input
                    node_ref=input
                    class="find-input"
                    type="text"
                    aria-label=words::FIND
                    placeholder=words::FIND
                    autocomplete="off"
                    spellcheck="false"
                    prop:value=wanted
                    on:input=move |event| {
                        wanted.set(event_target_value(&event));
                        let from = editing.field.get_untracked().map_or(0, |field| field::selected(&field).start);
                        search.step(from, true);
                    }
                    on:keydown=move |event| {
                        if event.key() == "Enter" {
                            event.prevent_default();
                            search.turn(!event.shift_key());
                        }
                    }
                />
                <span class="find-count quiet" role="status">{count}</span>
                <IconButton
                    icon=icondata::LuChevronUp
                    label=words::PREVIOUS.to_owned()
                    disabled=is_nothing
                    on_press=move |_| search.turn(false)
                />
                <IconButton
                    icon=icondata::LuChevronDown
                    label=words::NEXT.to_owned()
                    disabled=is_nothing
                    on_press=move |_| search.turn(true)
                />
                <IconButton
                    icon=icondata::LuReplace
                    label=words::REPLACE.to_owned()
                    pressed=is_replacing
                    on_press=move |_| is_replacing.update(|it| *it = !*it)
                />
                <IconButton icon=icondata::LuX label=words::CLOSE.to_owned() on_press=move |_| close() />
            </div>
            <Show when=move || is_replacing.get()>
                <Replacing search=search is_nothing=is_nothing />
            </Show>
        </div>
    }
    .into_any()
}

#[component]
fn Replacing(search: Search, is_nothing: Signal<bool>) -> impl IntoView {
    view! {
        <div class="find-row">
            <input
                class="find-input"
                type="text"
                aria-label=words::REPLACE_BY
                placeholder=words::REPLACE_BY
                autocomplete="off"
                spellcheck="false"
                prop:value=search.by
                on:input=move |event| search.by.set(event_target_value(&event))
                on:keydown=move |event| {
                    if event.key() == "Enter" {
                        event.prevent_default();
                        search.replace();
                    }
                }
            />
            <button class="button small" type="button" disabled=is_nothing on:click=move |_| search.replace()>
                {words::REPLACE}
            </button>
            <button class="button small" type="button" disabled=is_nothing on:click=move |_| search.replace_all()>
                {words::REPLACE_ALL}
            </button>
        </div>
    }
    .into_any()
}

/// Looks for what is selected, or for what was looked for before.
fn begin(search: Search, input: &web_sys::HtmlInputElement) {
    let Some(field) = search.editing.field.get_untracked() else { return };
    let selected = field::selected(&field);
    let text = search.editing.session().text();
    let part = &text[byte_at(&text, selected.start)..byte_at(&text, selected.end)];
    if !part.is_empty() && selected.end - selected.start <= WANTED_UNITS_MAX && !part.contains('\n') {
        search.wanted.set(part.to_owned());
    }
    input.focus().ok();
    input.select();
    if search.wanted.with_untracked(|wanted| !wanted.is_empty()) {
        search.step(selected.start, true);
    }
}

/// Marks what was found, behind the field, whose letters lie exactly on the same places.
fn use_marks(search: Search) {
    let Editing { marks, field, .. } = search.editing;
    Effect::new(move || {
        let Some(marks) = marks.get() else { return };
        let text = search.editing.text();
        marks.set_inner_html(&search.found.with(|found| marked(&text, found)));
        if let Some(field) = field.get_untracked() {
            marks.set_scroll_top(field.scroll_top());
        }
    });
    // What a person types beside the search moves nothing under their eyes.
    Effect::new(move |before: Option<(Option<u32>, String)>| {
        let asked = (search.here.get(), search.wanted.get());
        let place = search.place();
        search.found.track();
        let is_asked = before.is_none_or(|before| before != asked);
        let Some(all) = marks.get().and_then(|marks| marks.query_selector_all("mark").ok()) else {
            return asked;
        };
        for index in 0..all.length() {
            let Some(mark) = all.get(index).and_then(|mark| mark.dyn_into::<HtmlElement>().ok()) else {
                continue;
            };
            let is_here = place == Some(index as usize);
            mark.class_list().toggle_with_force("here", is_here).ok();
            if is_here
                && is_asked
                && let Some(field) = field.get_untracked()
            {
                reveal(&field, &mark);
            }
        }
        asked
    });
    on_cleanup(move || {
        if let Some(marks) = marks.try_get_untracked().flatten() {
            marks.set_inner_html("");
        }
    });
}

/// Scrolls the field only if the mark is out of sight.
fn reveal(field: &web_sys::HtmlTextAreaElement, mark: &HtmlElement) {
    let (top, height) = (field.scroll_top(), field.client_height());
    let (start, end) = (mark.offset_top(), mark.offset_top() + mark.offset_height());
    if start < top || end > top + height {
        field.set_scroll_top(start - height / 3);
    }
}

fn marked(text: &str, found: &[Match]) -> String {
    let mut page = String::with_capacity(text.len() + found.len() * 16);
    let (mut byte, mut place) = (0, 0);
    for found in found {
        let start = byte + byte_at(&text[byte..], found.start - place);
        let end = start + byte_at(&text[start..], found.end - found.start);
        escape(&mut page, &text[byte..start]);
        page.push_str("<mark>");
        escape(&mut page, &text[start..end]);
        page.push_str("</mark>");
        (byte, place) = (end, found.end);
    }
    escape(&mut page, &text[byte..]);
    // A last empty line takes its place, as in the field.
    page.push('\n');
    page
}

fn escape(page: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            c => page.push(c),
        }
    }
}
