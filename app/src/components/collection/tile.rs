use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::{ItemId, ItemKind};

use super::row::{Marks, is_small_picture};
use super::{Columns, List, element_id, kept_mark, status_mark};
use crate::components::file_icon::FileIcon;
use crate::components::rename_field::RenameField;
use crate::hooks::intl;
use crate::model::FileType;

/// A tile that only flies by asks for no picture.
const PICTURE_DELAY: Duration = Duration::from_millis(180);

/// One square of the grid.
#[component]
pub fn Tile(list: List, id: Memo<ItemId>, place: Signal<usize>, count: Memo<usize>) -> impl IntoView {
    let ui = list.ui;
    let item = Memo::new(move |_| ui.entries.with(|entries| entries.get(id.get()).cloned()));
    let name =
        Memo::new(move |_| item.with(|it| it.as_ref().map(|it| it.item.name.clone()).unwrap_or_default()));
    let kind =
        Memo::new(move |_| item.with(|item| item.as_ref().map_or(FileType::Other, |it| FileType::of(it))));
    let status = Memo::new(move |_| item.with(|it| it.as_ref().map(|it| it.sync_status).unwrap_or_default()));
    let facts = move || {
        item.with(|item| {
            item.as_ref()
                .filter(|item| item.item.kind == ItemKind::File)
                .map(|item| intl::size(item.item.size))
        })
    };
    let marks = Marks::of(ui, id);
    let picture = use_picture(list, id);
    view! {
        <div
            class="tile"
            class:selected=move || marks.selected.get()
            class:active=move || marks.active.get()
            class:cut=move || marks.cut.get()
            class:drop-into=move || marks.drop_into.get()
            role="option"
            id=move || element_id(id.get())
            data-id=move || id.get().to_string()
            data-drop=move || (kind.get() == FileType::Folder && list.columns != Columns::Trash).then(|| id.get().to_string())
            aria-setsize=move || count.get().to_string()
            aria-posinset=move || (place.get() + 1).to_string()
            aria-selected=move || marks.selected.get().to_string()
        >
            <span class="handle" draggable=move || (!marks.renaming.get()).to_string()>
                <span class="tile-picture">
                    {move || match picture.get() {
                        Some(address) => {
                            view! { <img src=address alt="" loading="lazy" decoding="async" draggable="false" /> }.into_any()
                        }
                        None => view! { <FileIcon kind=kind.get() /> }.into_any(),
                    }}
                    {move || status_mark(ui, id.get(), status.get())}
                    {move || kept_mark(ui, id.get(), kind.get() == FileType::Folder)}
                </span>
                <Show
                    when=move || marks.renaming.get()
                    fallback=move || view! { <span class="name" title=name>{name}</span> }
                >
                    <RenameField id=id.get_untracked() />
                </Show>
                <span class="tile-facts">{facts}</span>
            </span>
        </div>
    }
    .into_any()
}

/// The address of a small picture's bytes, a moment after the tile shows it.
fn use_picture(list: List, id: Memo<ItemId>) -> RwSignal<Option<String>> {
    let picture = RwSignal::new(None);
    let cloud = StoredValue::new_local(list.ui.cloud());
    Effect::new(move || {
        let id_now = id.get();
        picture.set(None);
        let wanted = list
            .ui
            .entries
            .with_untracked(|entries| entries.get(id_now).is_some_and(|it| is_small_picture(it)));
        if !wanted {
            return;
        }
        let show = move || {
            let Some(asked) = cloud.try_with_value(|cloud| cloud.content_url(id_now)) else { return };
            spawn_local(async move {
                if let Ok(address) = asked.await
                    && id.try_get_untracked() == Some(id_now)
                {
                    picture.try_set(Some(address));
                }
            });
        };
        if let Ok(waiting) = set_timeout_with_handle(show, PICTURE_DELAY) {
            on_cleanup(move || waiting.clear());
        }
    });
    picture
}
