//! A text, edited in place: the field, what is found in it, and, for Markdown, the page that it makes.

mod field;
mod find_bar;
mod head;
mod preview;
mod session;

use std::rc::Rc;

use leptos::ev::{self, KeyboardEvent};
use leptos::html::{Div, Textarea};
use leptos::prelude::*;
use shared::ItemId;

use self::find_bar::FindBar;
use self::head::{Banner, Head};
use self::preview::Preview;
pub use self::session::{Session, Typed, Unopened};
use crate::hooks::listener::{on_target, on_window};
use crate::hooks::media::{NARROW, media_matches, use_media};
use crate::hooks::preferences::EditorView;
use crate::model::FileType;
use crate::model::text::{Indent, indented};
use crate::ui::{Ui, use_ui};
use crate::words;

/// Where a person writes with a finger, the keyboard comes when they ask for it.
const BY_FINGER: &str = "(pointer: coarse)";
const HINT_ID: &str = "editor-hint";

/// What the parts of the editor share.
#[derive(Clone, Copy)]
pub(super) struct Editing {
    pub ui: Ui,
    pub id: ItemId,
    pub session: StoredValue<Rc<Session>, LocalStorage>,
    pub kind: Memo<FileType>,
    pub field: NodeRef<Textarea>,
    pub marks: NodeRef<Div>,
    pub is_finding: RwSignal<bool>,
    /// Rises when a person asks for the search again while it is open.
    pub asked_to_find: RwSignal<u64>,
}

impl Editing {
    pub fn session(self) -> Rc<Session> {
        self.session.get_value()
    }

    /// Follows the text.
    pub fn text(self) -> String {
        let session = self.session();
        session.revision.track();
        session.text()
    }

    fn find(self) {
        self.is_finding.set(true);
        self.asked_to_find.update(|asked| *asked += 1);
    }
}

/// The editor of an open text.
#[component]
pub fn Editor(session: Rc<Session>) -> impl IntoView {
    let ui = use_ui();
    let id = session.id;
    let kind = Memo::new(move |_| ui.item(id).map_or(FileType::Text, |item| FileType::of(&item)));
    let editing = Editing {
        ui,
        id,
        session: StoredValue::new_local(session),
        kind,
        field: NodeRef::new(),
        marks: NodeRef::new(),
        is_finding: RwSignal::new(false),
        asked_to_find: RwSignal::new(0),
    };
    save_when_left(editing);
    Effect::new(move || {
        ui.cloud().revision().track();
        editing.session().take_news();
    });
    let is_narrow = use_media(NARROW);
    let shown = Memo::new(move |_| match ui.preferences.with(|it| it.editor_view) {
        _ if kind.get() != FileType::Markdown => EditorView::Write,
        EditorView::Both if is_narrow.get() => EditorView::Write,
        view => view,
    });
    let on_key = move |event: KeyboardEvent| {
        if !(event.ctrl_key() || event.meta_key()) || event.alt_key() {
            return;
        }
        match event.key().to_ascii_lowercase().as_str() {
            "f" if shown.get_untracked() != EditorView::Read => editing.find(),
            "s" => editing.session().save(),
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    };
    view! {
        <div
            class="editor"
            data-face=move || if kind.get() == FileType::Markdown { "prose" } else { "code" }
            data-view=move || shown.get().attribute()
            on:keydown=on_key
        >
            <Head editing=editing shown=shown />
            <Banner editing=editing />
            <Show when=move || editing.is_finding.get() && shown.get() != EditorView::Read>
                <FindBar editing=editing />
            </Show>
            <div class="editor-panes">
                <Paper editing=editing />
                <Show when=move || shown.get() != EditorView::Write>
                    <Preview editing=editing />
                </Show>
            </div>
        </div>
    }
    .into_any()
}

/// What was typed goes to the outbox when the person turns away.
fn save_when_left(editing: Editing) {
    let save = move || {
        if let Some(session) = editing.session.try_get_value() {
            session.save();
        }
    };
    on_window(ev::blur, move |_| save());
    on_target(&window(), "pagehide", move |_| save());
    on_target(&document(), "visibilitychange", move |_| {
        if document().hidden() {
            save();
        }
    });
    on_cleanup(save);
}

/// The field, over the marks of what was found.
#[component]
fn Paper(editing: Editing) -> impl IntoView {
    let Editing { field, marks, .. } = editing;
    // After Escape, the tab key leaves the field as it leaves any other.
    let is_released = StoredValue::new(false);
    Effect::new(move || {
        if let Some(field) = field.get() {
            editing.session().show_in(field.clone());
            if !media_matches(BY_FINGER) {
                field.set_selection_range(0, 0).ok();
                field.focus().ok();
            }
        }
    });
    let on_key = move |event: KeyboardEvent| {
        let is_plain = !(event.ctrl_key() || event.meta_key() || event.alt_key());
        match event.key().as_str() {
            "Escape" => is_released.set_value(true),
            "Tab" if is_plain && !is_released.get_value() => {
                event.prevent_default();
                press_tab(editing, if event.shift_key() { Indent::Less } else { Indent::More });
            }
            "Shift" => {}
            _ => is_released.set_value(false),
        }
    };
    let follow_scroll = move || {
        if let (Some(field), Some(marks)) = (field.get_untracked(), marks.get_untracked()) {
            marks.set_scroll_top(field.scroll_top());
        }
    };
    let name = move || editing.ui.item(editing.id).map(|item| words::text_of(&item.item.name));
    view! {
        <div class="editor-paper">
            <div node_ref=marks class="editor-marks" aria-hidden="true" />
            <textarea
                node_ref=field
                class="editor-field"
                aria-label=name
                aria-describedby=HINT_ID
                spellcheck=move || (editing.kind.get() != FileType::Code).to_string()
                autocomplete="off"
                autocapitalize=move || if editing.kind.get() == FileType::Code { "off" } else { "sentences" }
                placeholder=words::WRITE_HERE
                on:keydown=on_key
                on:input=move |_| {
                    if let Some(field) = field.get_untracked() {
                        editing.session().input(field.value());
                    }
                }
                on:blur=move |_| is_released.set_value(false)
                on:scroll=move |_| follow_scroll()
            />
            <p id=HINT_ID class="visually-hidden">{words::EDITOR_HINT}</p>
        </div>
    }
    .into_any()
}

fn press_tab(editing: Editing, way: Indent) {
    let Some(field) = editing.field.get_untracked() else { return };
    let text = editing.session().text();
    if let Some((stretch, by, after)) = indented(&text, field::selected(&field), way) {
        field::replace(&field, stretch, &by);
        field::select(&field, after);
    }
}
