use leptos::prelude::*;
use shared::ItemId;

use super::dialog::{Dialog, DialogSize};
use super::file_icon::FileIcon;
use super::icon::{Glyph, IconButton};
use crate::model::{Entries, FileType, Sort};
use crate::ui::use_ui;
use crate::words;

/// Chooses a folder by walking into it.
#[component]
pub fn MoveDialog(ids: Vec<ItemId>) -> impl IntoView {
    let ui = use_ui();
    let title = words::move_title(ui.single_name(&ids).as_deref(), ids.len());
    let ids = StoredValue::new(ids);
    let here = RwSignal::new(ui.folder());
    let close = move || {
        ui.dialog.set(None);
        ui.take_focus();
    };
    let folders = Memo::new(move |_| {
        let cloud = ui.cloud();
        cloud.revision().with(|_| ());
        let mut inside = cloud.folders(here.get());
        inside.retain(|item| ids.with_value(|ids| !ids.contains(&item.item.id)));
        Entries::sorted(inside, Sort::default())
    });
    let allowed = move || ids.with_value(|ids| ui.can_move(ids, here.get()));
    let above = move || ui.item(here.get()).map(|folder| folder.item.parent_id);
    let name_here = move || {
        here.track();
        ui.folder_name(here.get())
    };
    view! {
        <Dialog title=title on_close=close size=DialogSize::Medium>
            <div class="move-here">
                <IconButton
                    icon=icondata::LuArrowLeft
                    label=words::BACK.to_owned()
                    disabled=Signal::derive(move || here.get() == ui.root)
                    on_press=move |_| {
                        if let Some(above) = above() {
                            here.set(above);
                        }
                    }
                />
                <span aria-live="polite">{name_here}</span>
            </div>
            <ul class="move-list" aria-label=words::MOVE_HINT>
                {move || folders.with(|folders| {
                    if folders.is_empty() {
                        return view! { <li class="quiet move-none">{words::NO_FOLDERS_INSIDE}</li> }.into_any();
                    }
                    folders.items().iter().map(|folder| {
                        let id = folder.item.id;
                        view! {
                            <li>
                                <button class="move-folder" type="button" on:click=move |_| here.set(id)>
                                    <FileIcon kind=FileType::Folder />
                                    <span class="name">{folder.item.name.clone()}</span>
                                    <Glyph icon=icondata::LuChevronRight />
                                </button>
                            </li>
                        }
                    }).collect_view().into_any()
                })}
            </ul>
            <div class="dialog-actions">
                <button class="button" type="button" on:click=move |_| close()>{words::CANCEL}</button>
                <button
                    class="button primary"
                    type="button"
                    disabled=move || !allowed()
                    on:click=move |_| {
                        close();
                        ui.move_into(ids.get_value(), here.get_untracked());
                    }
                >
                    {words::MOVE_HERE}
                </button>
            </div>
        </Dialog>
    }
    .into_any()
}
