use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use shared::ItemId;

use super::NotFound;
use crate::actions::Action;
use crate::components::collection::{Collection, Columns};
use crate::components::drawing::Scene;
use crate::components::empty_state::EmptyState;
use crate::components::icon::Glyph;
use crate::components::toolbar::Toolbar;
use crate::model::{Entries, Selection};
use crate::ui::{Place, Ui, use_ui};
use crate::words;

/// A folder larger than this is read again at most four times a second while things change in it.
const LARGE_FOLDER: usize = 3_000;
const LARGE_FOLDER_PACE: Duration = Duration::from_millis(250);

/// `/files` and `/files/:folderId`.
#[component]
pub fn FilesPage() -> impl IntoView {
    let ui = use_ui();
    let params = use_params_map();
    let folder = Memo::new(move |_| {
        params.with(|params| match params.get_str("folderId") {
            None | Some("") => Some(ui.root),
            Some(id) => id.parse::<ItemId>().ok(),
        })
    });
    let exists = Memo::new(move |_| {
        folder.get().is_some_and(|folder| {
            folder == ui.root
                || ui
                    .item(folder)
                    .is_some_and(|it| it.item.kind == shared::ItemKind::Folder && !it.item.is_deleted)
        })
    });
    Effect::new(move |before: Option<Option<ItemId>>| {
        let here = folder.get();
        if let Some(here) = here {
            ui.enter(Place::Folder(here));
        }
        // Coming up from a folder, the keyboard stands on it.
        if let Some(Some(left)) = before
            && ui.item_now(left).is_some_and(|it| Some(it.item.parent_id) == here)
        {
            ui.selection.set(Selection::only(left));
            ui.selection.update(Selection::clear);
        }
        here
    });

    let paced = use_paced_revision(ui);
    let entries = Memo::new(move |_| {
        paced.track();
        let sort = ui.preferences.with(|it| it.sort);
        folder
            .get()
            .map(|folder| Arc::new(Entries::sorted(ui.cloud().children(folder), sort)))
            .unwrap_or_default()
    });
    Effect::new(move || ui.show(entries.get()));
    let is_empty = Memo::new(move |_| entries.with(|entries| entries.is_empty()));

    view! {
        <Show when=move || exists.get() fallback=move || first_sync(ui).unwrap_or_else(|| view! { <NotFound /> }.into_any())>
            <Toolbar />
            <Show when=move || !is_empty.get() fallback=move || view! { <EmptyFolder ui=ui folder=folder /> }>
                <Collection columns=Columns::Folder />
            </Show>
        </Show>
    }
    .into_any()
}

/// While the first sync is still bringing things in, what is not here may yet come.
pub fn first_sync(ui: Ui) -> Option<AnyView> {
    let summary = ui.cloud().summary().get();
    let count = summary.first_sync?;
    let (title, hint) = if summary.online || summary.is_connecting() {
        (words::FIRST_SYNC, words::first_sync(count))
    } else {
        (words::FIRST_SYNC_OFFLINE, words::FIRST_SYNC_OFFLINE_HINT.to_owned())
    };
    Some(view! { <EmptyState scene=Scene::Folder title=title.to_owned() hint=hint /> }.into_any())
}

#[component]
fn EmptyFolder(ui: Ui, folder: Memo<Option<ItemId>>) -> impl IntoView {
    move || {
        if let Some(getting) = first_sync(ui) {
            return getting;
        }
        let (title, hint) = if folder.get() == Some(ui.root) {
            (words::EMPTY_ROOT, words::EMPTY_ROOT_HINT)
        } else {
            (words::EMPTY_FOLDER, words::EMPTY_FOLDER_HINT)
        };
        let button = move |action: Action, class: &'static str| {
            view! {
                <button class=class type="button" on:click=move |_| ui.perform(action, Vec::new())>
                    <Glyph icon=action.icon() />
                    {action.label()}
                </button>
            }
        };
        view! {
            <EmptyState scene=Scene::Folder title=title.to_owned() hint=hint.to_owned()>
                {button(Action::UploadFiles, "button primary")}
                {button(Action::UploadFolder, "button")}
                {button(Action::NewFolder, "button")}
            </EmptyState>
        }
        .into_any()
    }
}

/// The revision of the tree, slowed down while a large folder is shown: sorting 50,000 names on every
/// change of a running sync would leave no time for the person.
fn use_paced_revision(ui: Ui) -> ReadSignal<u64> {
    let revision = ui.cloud().revision();
    let seen = RwSignal::new(0);
    let waiting = StoredValue::new(false);
    Effect::new(move || {
        let now = revision.get();
        if ui.entries.with_untracked(|entries| entries.len()) < LARGE_FOLDER {
            seen.set(now);
        } else if !waiting.get_value() {
            waiting.set_value(true);
            set_timeout(
                move || {
                    if waiting.try_set_value(false).is_none() {
                        seen.set(revision.get_untracked());
                    }
                },
                LARGE_FOLDER_PACE,
            );
        }
    });
    seen.read_only()
}
