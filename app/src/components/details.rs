use leptos::prelude::*;
use shared::{ItemId, ItemKind};

use super::file_icon::FileIcon;
use super::icon::IconButton;
use super::versions::Versions;
use crate::hooks::intl;
use crate::model::FileType;
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
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Subject {
    Nothing,
    One(ItemId),
    Several(Vec<ItemId>),
}

#[component]
fn Facts(ui: Ui, id: ItemId) -> impl IntoView {
    move || {
        let (name, kind) = match ui.item(id) {
            Some(item) => (item.item.name.clone(), FileType::of(&item)),
            None => (ui.folder_name(id), FileType::Folder),
        };
        let item = ui.item(id);
        let is_file = item.as_ref().is_some_and(|item| item.item.kind == ItemKind::File);
        let contents = (kind == FileType::Folder).then(|| words::items(ui.cloud().children(id).len()));
        let rows = [
            Some((words::KIND, words::kind(kind).to_owned())),
            is_file.then(|| item.as_ref().map(|it| (words::SIZE, intl::size(it.item.size)))).flatten(),
            contents.map(|contents| (words::CONTENTS, contents)),
            item.as_ref().map(|it| {
                (words::MODIFIED, intl::day_and_time(it.local_modified_at.unwrap_or(it.item.modified_at)))
            }),
            item.as_ref().map(|it| (words::CREATED, intl::day_and_time(it.item.created_at))),
            item.as_ref().map(|it| (words::STATE, words::status(it.sync_status).to_owned())),
        ];
        let rows = rows
            .into_iter()
            .flatten()
            .map(|(label, value)| view! { <div class="fact"><dt>{label}</dt><dd>{value}</dd></div> })
            .collect_view();
        let is_deleted = item.is_some_and(|it| it.item.is_deleted);
        view! {
            <div class="details-item">
                <FileIcon kind=kind />
                <p class="details-name">{name}</p>
            </div>
            <dl class="facts">{rows}</dl>
            {(is_file && !is_deleted).then(|| view! {
                <h3>{words::VERSIONS}</h3>
                <Versions id=id />
            })}
        }
    }
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
