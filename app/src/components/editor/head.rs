use leptos::prelude::*;
use shared::SyncStatus;

use super::{Editing, Typed};
use crate::actions::Action;
use crate::components::file_icon::FileIcon;
use crate::components::icon::{Glyph, IconButton};
use crate::hooks::preferences::EditorView;
use crate::model::FileType;
use crate::words;

/// Where one came from, what is edited and where it stands, and what can be done with it.
#[component]
pub fn Head(editing: Editing, shown: Memo<EditorView>) -> impl IntoView {
    let Editing { ui, id, kind, .. } = editing;
    let item = Memo::new(move |_| ui.item(id));
    let name =
        Memo::new(move |_| item.with(|it| it.as_ref().map(|it| it.item.name.clone()).unwrap_or_default()));
    let folder = Memo::new(move |_| item.with(|it| it.as_ref().map_or(ui.root, |it| it.item.parent_id)));
    let back = move || words::back_to(&ui.folder_name(folder.get()));
    view! {
        <header class="editor-head">
            <a class="icon-button" href=move || ui.folder_address(folder.get()) aria-label=back title=back>
                <Glyph icon=icondata::LuArrowLeft />
            </a>
            {move || view! { <FileIcon kind=kind.get() /> }}
            <div class="editor-title">
                <h1 title=name>{name}</h1>
                <State editing=editing />
            </div>
            <Show when=move || kind.get() == FileType::Markdown>
                <Views editing=editing shown=shown />
            </Show>
            <Show when=move || shown.get() != EditorView::Read>
                <IconButton
                    icon=icondata::LuSearch
                    label=words::FIND_IN_TEXT.to_owned()
                    pressed=editing.is_finding
                    on_press=move |_| editing.find()
                />
            </Show>
            <IconButton
                icon=icondata::LuDownload
                label=words::DOWNLOAD.to_owned()
                on_press=move |_| {
                    editing.session().save();
                    ui.perform(Action::Download, vec![id]);
                }
            />
        </header>
    }
    .into_any()
}

/// How much of the screen is for writing.
#[component]
fn Views(editing: Editing, shown: Memo<EditorView>) -> impl IntoView {
    let button = move |view: EditorView, icon: icondata::Icon, label: &'static str, class: &'static str| {
        view! {
            <IconButton
                icon=icon
                label=label.to_owned()
                class=class
                pressed=Signal::derive(move || shown.get() == view)
                on_press=move |_| editing.ui.preferences.update(|it| it.editor_view = view)
            />
        }
    };
    view! {
        <div class="segmented" role="group" aria-label=words::VIEW>
            {button(EditorView::Write, icondata::LuPencil, words::VIEW_WRITE, "icon-button")}
            {button(EditorView::Both, icondata::LuColumns2, words::VIEW_BOTH, "icon-button wide-only")}
            {button(EditorView::Read, icondata::LuBookOpen, words::VIEW_READ, "icon-button")}
        </div>
    }
}

/// One word on where the text is.
#[component]
fn State(editing: Editing) -> impl IntoView {
    let typed = editing.session().typed;
    let status =
        Memo::new(move |_| editing.ui.item(editing.id).map_or(SyncStatus::Synced, |item| item.sync_status));
    let is_online = Memo::new(move |_| editing.ui.cloud().summary().with(|summary| summary.online));
    let state = Memo::new(move |_| match (typed.get(), status.get()) {
        (Typed::Refused(_) | Typed::NotStored, _) => ("error", words::NOT_SAVED),
        (Typed::Saving, _) => ("waiting", words::SAVING),
        (Typed::Kept, _) => ("waiting", words::SAVED_HERE),
        (Typed::Queued, SyncStatus::Synced) => ("ok", words::SAVED),
        (Typed::Queued, SyncStatus::Pending | SyncStatus::Syncing) if is_online.get() => {
            ("waiting", words::SYNCING)
        }
        (Typed::Queued, SyncStatus::Pending | SyncStatus::Syncing) => ("offline", words::SAVED_HERE),
        (Typed::Queued, SyncStatus::Conflict) => ("warning", words::status(SyncStatus::Conflict)),
        (Typed::Queued, SyncStatus::Error) => ("error", words::status(SyncStatus::Error)),
    });
    let icon = move || match state.get().0 {
        "ok" => icondata::LuCircleCheck,
        "waiting" => icondata::LuCloudUpload,
        "offline" => icondata::LuCloudOff,
        _ => icondata::LuTriangleAlert,
    };
    view! {
        <p class=move || format!("editor-state tone-{}", state.get().0)>
            {move || view! { <Glyph icon=icon() /> }}
            <span>{move || state.get().1}</span>
        </p>
    }
    .into_any()
}

/// What can be done about what a banner says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WayOut {
    Nothing,
    SaveAsNew,
    /// Both versions are looked at, to choose.
    Review,
}

/// What the person should know while they go on writing.
#[component]
pub fn Banner(editing: Editing) -> impl IntoView {
    let Editing { ui, id, .. } = editing;
    let typed = editing.session().typed;
    let item = Memo::new(move |_| ui.item(id).map(|item| (item.item.is_deleted, item.sync_status)));
    let said = Memo::new(move |_| match (typed.get(), item.get()) {
        (Typed::Refused(error), _) => Some((error.to_string(), WayOut::SaveAsNew)),
        (_, None) => Some((words::GONE_WHILE_OPEN.to_owned(), WayOut::SaveAsNew)),
        (Typed::NotStored, _) => Some((words::STORAGE_FAILED.to_owned(), WayOut::Nothing)),
        (_, Some((true, _))) => Some((words::DELETED_WHILE_OPEN.to_owned(), WayOut::Nothing)),
        (_, Some((false, SyncStatus::Conflict))) => {
            Some((words::CONFLICT_WHILE_OPEN.to_owned(), WayOut::Review))
        }
        _ => None,
    });
    let keep_as_new = move |_| {
        let session = editing.session();
        let name = words::UNTITLED_TEXT;
        ui.save_as_new(ui.root, name, session.text());
    };
    move || {
        said.get().map(|(text, way_out)| {
            let way_out = match way_out {
                WayOut::Nothing => None,
                WayOut::SaveAsNew => Some(view! {
                    <button class="button small" type="button" on:click=keep_as_new>{words::SAVE_AS_NEW}</button>
                }.into_any()),
                WayOut::Review => Some(view! {
                    <button class="button small" type="button" on:click=move |_| ui.review_first(Some(id))>
                        {words::REVIEW}
                    </button>
                }.into_any()),
            };
            view! {
                <div class="editor-banner" role="alert">
                    <Glyph icon=icondata::LuTriangleAlert />
                    <p>{text}</p>
                    {way_out}
                </div>
            }
        })
    }
}
