use std::collections::HashSet;

use leptos::prelude::*;
use shared::ItemId;

use super::file_icon::FileIcon;
use super::icon::Glyph;
use crate::hooks::later::use_later;
use crate::model::{Entries, FileType, Sort};
use crate::ui::{Place, Ui, use_ui};
use crate::words;

/// Folders shown under one folder; a longer list belongs in the content.
const BRANCHES_MAX: usize = 200;

/// Which folders of the tree are open, and when to look at them again.
#[derive(Clone, Copy)]
struct Open {
    ids: RwSignal<HashSet<ItemId>>,
    revision: Signal<u64>,
}

/// The folders below the root. Those on the way to where one is stand open.
#[component]
pub fn FolderTree() -> impl IntoView {
    let ui = use_ui();
    // The list beside it comes first.
    let open = Open { ids: RwSignal::default(), revision: use_later(ui.cloud().revision()) };
    provide_context(open);
    Effect::new(move || {
        if let Place::Folder(folder) = ui.place.get() {
            let way: Vec<ItemId> = ui.cloud().ancestors(folder).iter().map(|it| it.item.id).collect();
            if !way.is_empty() {
                open.ids.update(|open| open.extend(way));
            }
        }
    });
    view! { <Branches ui=ui folder=ui.root depth=0 /> }
}

#[component]
fn Branches(ui: Ui, folder: ItemId, depth: usize) -> impl IntoView {
    let Open { revision, .. } = expect_context();
    let folders = Memo::new(move |_| {
        revision.track();
        let sorted = Entries::sorted(ui.cloud().folders(folder), Sort::default());
        sorted
            .items()
            .iter()
            .take(BRANCHES_MAX)
            .map(|it| (it.item.id, it.item.name.clone()))
            .collect::<Vec<_>>()
    });
    view! {
        <ul class="tree" aria-label=(depth == 0).then_some(words::FOLDERS)>
            <For
                each=move || folders.get()
                key=|branch| branch.clone()
                children=move |(id, name)| view! { <Branch ui=ui id=id name=name depth=depth /> }
            />
        </ul>
    }
    .into_any()
}

#[component]
fn Branch(ui: Ui, id: ItemId, name: String, depth: usize) -> impl IntoView {
    let Open { ids: open, revision } = expect_context();
    let is_open = Memo::new(move |_| open.with(|open| open.contains(&id)));
    let has_folders = Memo::new(move |_| {
        revision.track();
        !ui.cloud().folders(id).is_empty()
    });
    let is_here = Memo::new(move |_| ui.place.with(|place| *place == Place::Folder(id)));
    let toggle = move |_| {
        open.update(|open| {
            if !open.remove(&id) {
                open.insert(id);
            }
        });
    };
    let label = {
        let name = name.clone();
        move || {
            format!("{}: {name}", if is_open.get() { words::CLOSE_TREE_NODE } else { words::OPEN_TREE_NODE })
        }
    };
    view! {
        <li>
            <div
                class="branch"
                class:here=move || is_here.get()
                class:drop-into=move || ui.drop_target.get() == Some(id)
                data-drop=id.to_string()
                style:--depth=depth.to_string()
            >
                <Show when=move || has_folders.get() fallback=|| view! { <span class="twist-space" /> }>
                    <button
                        class="twist"
                        type="button"
                        aria-label=label.clone()
                        aria-expanded=move || is_open.get().to_string()
                        on:click=toggle
                    >
                        <Glyph icon=icondata::LuChevronRight />
                    </button>
                </Show>
                <a href=ui.folder_address(id) aria-current=move || is_here.get().then_some("page")>
                    <FileIcon kind=FileType::Folder />
                    <span class="name">{name}</span>
                </a>
            </div>
            <Show when=move || is_open.get() && has_folders.get()>
                <Branches ui=ui folder=id depth=depth + 1 />
            </Show>
        </li>
    }
    .into_any()
}
