use leptos::prelude::*;
use shared::{ItemId, ItemKind};

use super::file_icon::FileIcon;
use super::icon::{Glyph, IconButton};
use super::versions::Versions;
use crate::hooks::intl;
use crate::model::FileType;
use crate::ports::Kept;
use crate::ui::{Place, Ui, use_ui};
use crate::words;

/// The pane on the right: facts and versions of the one selected item, or of the folder shown.
#[component]
pub fn Details() -> impl IntoView {
    let ui = use_ui();
    let subject = Memo::new(move |_| {
        let ids = ui.follow_selected_ids();
        match (&ids[..], ui.place.get()) {
            ([], Place::Folder(folder)) => Subject::One(folder),
            ([], _) => Subject::Nothing,
            ([id], _) => Subject::One(*id),
            (ids, _) => Subject::Several(ids.to_vec()),
        }
    });
    view! {
        <aside class="details" aria-label=words::DETAILS>
            <header class="details-head">
                <h2>{words::DETAILS}</h2>
                <IconButton
                    icon=icondata::LuX
                    label=words::CLOSE.to_owned()
                    on_press=move |_| {
                        ui.preferences.update(|it| it.details_open = false);
                        ui.take_focus();
                    }
                />
            </header>
            {move || match subject.get() {
                Subject::Nothing => view! { <p class="quiet">{words::NOTHING_SELECTED}</p> }.into_any(),
                Subject::One(id) => view! { <Facts ui=ui id=id /> }.into_any(),
                Subject::Several(ids) => view! { <Sum ui=ui ids=ids /> }.into_any(),
            }}
        </aside>
    }
    .into_any()
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Subject {
    Nothing,
    One(ItemId),
    Several(Vec<ItemId>),
}

#[component]
fn Facts(ui: Ui, id: ItemId) -> impl IntoView {
    let item = Memo::new(move |_| ui.item(id));
    let kind =
        Memo::new(move |_| item.with(|item| item.as_ref().map_or(FileType::Folder, |it| FileType::of(it))));
    let name = move || match item.get() {
        Some(item) => item.item.name.clone(),
        None => ui.folder_name(id),
    };
    let has_versions = Memo::new(move |_| {
        item.with(|item| {
            item.as_ref().is_some_and(|it| it.item.kind == ItemKind::File && !it.item.is_deleted)
        })
    });
    let contents = Memo::new(move |_| {
        ui.cloud().revision().with(|_| ());
        (kind.get() == FileType::Folder).then(|| ui.cloud().children_len(id))
    });
    let facts = move || {
        let mut facts = vec![(words::KIND, words::kind(kind.get()).to_owned())];
        facts.extend(contents.get().map(|count| (words::CONTENTS, words::items(count))));
        if let Some(item) = item.get() {
            if item.item.kind == ItemKind::File {
                facts.push((words::SIZE, intl::size(item.item.size)));
            }
            let modified = item.local_modified_at.unwrap_or(item.item.modified_at);
            facts.push((words::MODIFIED, intl::day_and_time(modified)));
            facts.push((words::CREATED, intl::day_and_time(item.item.created_at)));
            facts.push((words::STATE, words::status(item.sync_status).to_owned()));
        }
        ui.cloud().keeping_revision().with(|_| ());
        let is_folder = kind.get() == FileType::Folder;
        facts.push((words::ON_DEVICE, words::keeping_state(ui.cloud().keeping(id), is_folder).to_owned()));
        facts
            .into_iter()
            .map(|(label, value)| view! { <div class="fact"><dt>{label}</dt><dd>{value}</dd></div> })
            .collect_view()
    };
    view! {
        <div class="details-item">
            {move || view! { <FileIcon kind=kind.get() /> }}
            <p class="details-name">{name}</p>
        </div>
        <dl class="facts">{facts}</dl>
        {move || {
            ui.cloud().keeping_revision().with(|_| ());
            let is_trashed = item.with(|item| item.as_ref().is_some_and(|it| it.item.is_deleted));
            let is_inherited = ui.cloud().keeping(id).kept == Kept::WithFolder;
            let action = ui.keep_action(&[id]);
            (!is_trashed && !is_inherited).then(|| view! {
                <button class="button" type="button" on:click=move |_| ui.perform(action, vec![id])>
                    <Glyph icon=action.icon() />
                    {action.label()}
                </button>
            })
        }}
        <Show when=move || has_versions.get()>
            <h3>{words::VERSIONS}</h3>
            <Versions id=id />
        </Show>
    }
    .into_any()
}

#[component]
fn Sum(ui: Ui, ids: Vec<ItemId>) -> impl IntoView {
    let bytes: u64 = ids.iter().filter_map(|id| ui.item_now(*id)).map(|item| item.item.size).sum();
    view! {
        <div class="details-item"><p class="details-name">{words::selected(ids.len())}</p></div>
        <dl class="facts">
            <div class="fact"><dt>{words::SIZE}</dt><dd>{intl::size(bytes)}</dd></div>
        </dl>
    }
}
