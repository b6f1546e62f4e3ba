use leptos::prelude::*;
use shared::{ItemId, ItemKind, SyncStatus};

use super::{Columns, List, element_id, kept_mark, status_mark};
use crate::components::file_icon::FileIcon;
use crate::components::icon::IconButton;
use crate::components::item_date::ItemDate;
use crate::components::rename_field::RenameField;
use crate::hooks::intl;
use crate::model::FileType;
use crate::ui::{MenuAt, Ui};
use crate::words;

/// One line of the list.
#[component]
pub fn Row(list: List, id: Memo<ItemId>, place: Signal<usize>) -> impl IntoView {
    let ui = list.ui;
    let item = Memo::new(move |_| ui.entries.with(|entries| entries.get(id.get()).cloned()));
    let part = move |read: fn(&shared::ClientFileItem) -> String| {
        Memo::new(move |_| item.with(|item| item.as_ref().map(|item| read(item)).unwrap_or_default()))
    };
    let name = part(|item| item.item.name.clone());
    let size = part(|item| match item.item.kind {
        ItemKind::File => intl::size(item.item.size),
        ItemKind::Folder => "–".to_owned(),
    });
    let kind =
        Memo::new(move |_| item.with(|item| item.as_ref().map_or(FileType::Other, |it| FileType::of(it))));
    let status = Memo::new(move |_| item.with(|it| it.as_ref().map(|it| it.sync_status).unwrap_or_default()));
    let date = Memo::new(move |_| {
        item.with(|item| {
            item.as_ref().map_or_else(Default::default, |item| match list.columns {
                Columns::Trash => item.item.deleted_at.unwrap_or(item.item.modified_at),
                Columns::Folder | Columns::Found => item.local_modified_at.unwrap_or(item.item.modified_at),
            })
        })
    });
    let marks = Marks::of(ui, id);
    let has_location = list.columns != Columns::Folder;
    view! {
        <div
            class="row row-cells"
            class:selected=move || marks.selected.get()
            class:active=move || marks.active.get()
            class:cut=move || marks.cut.get()
            class:drop-into=move || marks.drop_into.get()
            role="row"
            id=move || element_id(id.get())
            data-id=move || id.get().to_string()
            data-drop=move || (kind.get() == FileType::Folder && list.columns != Columns::Trash).then(|| id.get().to_string())
            aria-rowindex=move || (place.get() + 2).to_string()
            aria-selected=move || marks.selected.get().to_string()
        >
            <div class="cell cell-name" role="gridcell">
                <span class="handle" draggable=move || (!marks.renaming.get()).to_string()>
                    {move || view! { <FileIcon kind=kind.get() /> }}
                    <Show
                        when=move || marks.renaming.get()
                        fallback=move || view! { <span class="name" title=name>{name}</span> }
                    >
                        <RenameField id=id.get_untracked() />
                    </Show>
                </span>
                {move || status_mark(ui, id.get(), status.get())}
                {move || kept_mark(ui, id.get(), kind.get() == FileType::Folder)}
                <span class="row-facts" aria-hidden="true">
                    {move || intl::day_and_time(date.get())}
                    {move || (kind.get() != FileType::Folder).then(|| format!(" · {}", size.get()))}
                </span>
            </div>
            {has_location.then(|| view! {
                <div class="cell cell-location" role="gridcell">{move || location_of(ui, id.get())}</div>
            })}
            <div class="cell cell-modified" role="gridcell"><ItemDate at=date /></div>
            <div class="cell cell-kind" role="gridcell">{move || words::kind(kind.get())}</div>
            <div class="cell cell-size" role="gridcell">{size}</div>
            <MoreButton ui=ui id=id name=name />
        </div>
    }
    .into_any()
}

/// Opens the menu of one item, where there is no right button.
#[component]
pub fn MoreButton(ui: Ui, id: Memo<ItemId>, #[prop(into)] name: Signal<String>) -> impl IntoView {
    view! {
        <span class="cell cell-more" role="gridcell">
            <IconButton
                icon=icondata::LuEllipsis
                label=Signal::derive(move || format!("{}: {}", words::MORE, name.get()))
                outside_tab_order=true
                on_press=move |event| {
                    event.stop_propagation();
                    let id = id.get_untracked();
                    let is_selected = ui.selection.with_untracked(|selection| selection.contains(id));
                    let about = (!is_selected).then_some(id);
                    let (x, y) = (f64::from(event.client_x()), f64::from(event.client_y()));
                    ui.menu.set(Some(MenuAt { x, y, by_keyboard: false, about }));
                }
            />
        </span>
    }
}

/// What the state of the page says of one item. Made for what is in the window only.
#[derive(Clone, Copy)]
pub struct Marks {
    pub selected: Memo<bool>,
    pub active: Memo<bool>,
    pub cut: Memo<bool>,
    pub drop_into: Memo<bool>,
    pub renaming: Memo<bool>,
}

impl Marks {
    pub fn of(ui: Ui, id: Memo<ItemId>) -> Self {
        Self {
            selected: Memo::new(move |_| ui.selection.with(|selection| selection.contains(id.get()))),
            active: Memo::new(move |_| ui.selection.with(|selection| selection.active() == Some(id.get()))),
            cut: Memo::new(move |_| ui.clipboard.with(|clipboard| clipboard.cuts(id.get()))),
            drop_into: Memo::new(move |_| ui.drop_target.get() == Some(id.get())),
            renaming: Memo::new(move |_| ui.renaming.get() == Some(id.get())),
        }
    }
}

/// The folders above, as a person reads them.
fn location_of(ui: Ui, id: ItemId) -> String {
    let cloud = ui.cloud();
    cloud.revision().with(|_| ());
    let above = cloud.ancestors(id);
    let topmost = above.first().cloned().or_else(|| cloud.item(id));
    let root = topmost.map_or(ui.root, |topmost| topmost.item.parent_id);
    let root = if cloud.photo_library() == Some(root) { words::PHOTOS } else { words::FILES };
    std::iter::once(root.to_owned())
        .chain(above.iter().map(|folder| folder.item.name.clone()))
        .collect::<Vec<_>>()
        .join(" / ")
}

/// Whether the item's bytes can be shown as a small picture without asking for much.
pub fn is_small_picture(item: &shared::ClientFileItem) -> bool {
    const PICTURE_BYTES_MAX: u64 = 4 * 1000 * 1000;
    FileType::of(item) == FileType::Image
        && item.item.size <= PICTURE_BYTES_MAX
        && item.sync_status == SyncStatus::Synced
}
