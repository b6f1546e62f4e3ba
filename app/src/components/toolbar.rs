use leptos::prelude::*;
use shared::ItemId;

use super::icon::{Glyph, IconButton};
use super::popover::Popover;
use crate::actions::{Action, ways_in};
use crate::hooks::media::{TOUCH, use_media};
use crate::hooks::preferences::Layout;
use crate::model::{Selection, SortKey};
use crate::ui::{MenuAt, Place, Ui, use_ui};
use crate::words;

/// Above the list: what can be made here and how it is shown; while something is selected, what can be
/// done with it, in the same place, so that nothing moves.
#[component]
pub fn Toolbar() -> impl IntoView {
    let ui = use_ui();
    let any = Memo::new(move |_| ui.selection.with(|selection| !selection.is_empty()));
    view! {
        <div class="toolbar">
            <Show when=move || any.get() fallback=move || view! { <PlaceTools ui=ui /> }>
                <SelectionBar ui=ui />
            </Show>
            <span class="toolbar-gap" />
            <ViewTools ui=ui />
        </div>
    }
    .into_any()
}

#[component]
fn PlaceTools(ui: Ui) -> impl IntoView {
    move || {
        match ui.place.get() {
        Place::Folder(_) => view! { <NewMenu ui=ui /> }.into_any(),
        Place::Trash => view! {
            <Show when=move || ui.entries.with(|entries| !entries.is_empty())>
                <button
                    class="button"
                    type="button"
                    on:click=move |_| ui.perform(Action::EmptyTrash, Vec::new())
                >
                    <Glyph icon=icondata::LuTrash2 />
                    {words::EMPTY_TRASH}
                </button>
                <p class="quiet toolbar-note">{words::TRASH_NOTE}</p>
            </Show>
        }
        .into_any(),
        Place::Search(text) if !text.is_empty() => view! {
            <p class="quiet" role="status">{move || words::results(ui.entries.with(|entries| entries.len()))}</p>
        }
        .into_any(),
        Place::Photos(_) | Place::Albums | Place::Duplicates | Place::Search(_) | Place::Editor(_) | Place::Activity | Place::Settings | Place::Elsewhere => ().into_any(),
    }
    }
}

/// Uploads, a new folder and a new text, behind one button.
#[component]
fn NewMenu(ui: Ui) -> impl IntoView {
    let open = RwSignal::new(false);
    let is_touched = use_media(TOUCH);
    view! {
        <div class="anchor">
            <button
                class="button primary"
                type="button"
                aria-haspopup="dialog"
                aria-expanded=move || open.get().to_string()
                on:click=move |_| open.update(|open| *open = !*open)
            >
                <Glyph icon=icondata::LuPlus />
                {words::NEW}
            </button>
            <Popover open=open label=words::NEW class="popover menu-popover">
                <Entries ui=ui open=open actions=ways_in(false, is_touched.get_untracked()) />
                <Entries ui=ui open=open actions=&[Action::NewFolder, Action::NewText] />
            </Popover>
        </div>
        <button
            class="button wide-only"
            type="button"
            on:click=move |_| ui.perform(Action::UploadFiles, Vec::new())
        >
            <Glyph icon=icondata::LuUpload />
            {words::UPLOAD_FILES}
        </button>
    }
    .into_any()
}

/// Entries of an open menu.
#[component]
pub fn Entries(ui: Ui, open: RwSignal<bool>, actions: &'static [Action]) -> impl IntoView {
    let entry = move |action: Action| {
        view! {
            <button
                class="menu-entry"
                type="button"
                on:click=move |_| {
                    open.set(false);
                    ui.perform(action, Vec::new());
                }
            >
                <Glyph icon=action.icon() />
                <span class="menu-label">{action.label()}</span>
            </button>
        }
    };
    actions.iter().copied().map(entry).collect_view()
}

/// What can be done with the selection: the usual acts as buttons, the rest behind "More".
#[component]
fn SelectionBar(ui: Ui) -> impl IntoView {
    let count = Memo::new(move |_| ui.selection.with(Selection::len));
    let button = move |action: Action| {
        view! {
            <button
                class="button plain"
                type="button"
                title=action.label()
                on:click=move |_| ui.perform(action, ui.selected_ids())
            >
                <Glyph icon=action.icon() />
                <span class="button-label">{action.label()}</span>
            </button>
        }
    };
    let buttons = move || {
        if ui.place.with(|place| *place == Place::Trash) {
            vec![button(Action::Restore), button(Action::Purge)]
        } else {
            ui.cloud().keeping_revision().with(|_| ());
            let keep = ui.keep_action(&ui.follow_selected_ids());
            vec![button(Action::Download), button(keep), button(Action::Move), button(Action::Delete)]
        }
    };
    view! {
        <div class="selection-bar" role="group" aria-label=words::FOR_SELECTION>
            <IconButton
                icon=icondata::LuX
                label=words::CLEAR_SELECTION.to_owned()
                on_press=move |_| {
                    ui.selection.update(Selection::clear);
                    ui.take_focus();
                }
            />
            <span class="selection-count">{move || words::selected(count.get())}</span>
            {buttons}
            <IconButton
                icon=icondata::LuEllipsis
                label=words::MORE.to_owned()
                on_press=move |event| {
                    let (x, y) = (f64::from(event.client_x()), f64::from(event.client_y()));
                    ui.menu.set(Some(MenuAt { x, y: y + 12.0, by_keyboard: event.detail() == 0 , about: None}));
                }
            />
        </div>
    }
    .into_any()
}

/// List or grid, the order, the details.
#[component]
fn ViewTools(ui: Ui) -> impl IntoView {
    let layout = move || ui.preferences.with(|it| it.layout);
    let details = Memo::new(move |_| ui.preferences.with(|it| it.details_open));
    let set = move |layout: Layout| {
        ui.preferences.update(|it| it.layout = layout);
        ui.take_focus();
    };
    view! {
        // The list's own headings sort, where there is room for them.
        <Show when=move || ui.place.with(|place| matches!(place, Place::Folder(_)))>
            <SortMenu ui=ui />
        </Show>
        <div class="segmented" role="group">
            <IconButton
                icon=icondata::LuList
                label=words::AS_LIST.to_owned()
                pressed=Signal::derive(move || layout() == Layout::List)
                on_press=move |_| set(Layout::List)
            />
            <IconButton
                icon=icondata::LuLayoutGrid
                label=words::AS_GRID.to_owned()
                pressed=Signal::derive(move || layout() == Layout::Grid)
                on_press=move |_| set(Layout::Grid)
            />
        </div>
        <IconButton
            icon=icondata::LuPanelRight
            label=words::DETAILS.to_owned()
            pressed=details
            on_press=move |_| ui.perform(Action::Details, Vec::<ItemId>::new())
        />
    }
    .into_any()
}

#[component]
fn SortMenu(ui: Ui) -> impl IntoView {
    let open = RwSignal::new(false);
    let sort = Memo::new(move |_| ui.preferences.with(|it| it.sort));
    let label = |key: SortKey| match key {
        SortKey::Name => words::NAME,
        SortKey::Modified => words::MODIFIED,
        SortKey::Size => words::SIZE,
        SortKey::Kind => words::KIND,
    };
    let direction = move || if sort.get().descending { icondata::LuArrowDown } else { icondata::LuArrowUp };
    let entry = move |key: SortKey| {
        let chosen = move || sort.get().key == key;
        view! {
            <button
                class="menu-entry"
                type="button"
                aria-pressed=move || chosen().to_string()
                on:click=move |_| ui.preferences.update(|it| it.sort = it.sort.clicked(key))
            >
                <span class="menu-tick" aria-hidden="true">
                    {move || chosen().then(|| view! { <Glyph icon=direction() /> })}
                </span>
                <span class="menu-label">{label(key)}</span>
            </button>
        }
    };
    view! {
        <div class="anchor" class:narrow-only=move || ui.preferences.with(|it| it.layout == Layout::List)>
            <button
                class="button plain sort-menu"
                type="button"
                aria-haspopup="dialog"
                aria-expanded=move || open.get().to_string()
                aria-label=move || format!("{}: {}", words::SORT_BY, label(sort.get().key))
                on:click=move |_| open.update(|open| *open = !*open)
            >
                {move || label(sort.get().key)}
                {move || view! { <Glyph icon=direction() /> }}
            </button>
            <Popover open=open label=words::SORT_BY class="popover menu-popover popover-end">
                <p class="menu-title">{words::SORT_BY}</p>
                {[SortKey::Name, SortKey::Modified, SortKey::Kind, SortKey::Size].into_iter().map(entry).collect_view()}
            </Popover>
        </div>
    }
    .into_any()
}
