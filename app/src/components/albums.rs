//! Albums: as cards, as a choice for photos, and what stands over one.

use leptos::html::Input;
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::photo::{AlbumChange, DerivativeKind, PhotoStatus, photo_path};
use shared::{ItemId, ItemName};
use sync::{AlbumView, Command};

use super::adjust_photos::give_focus_back;
use super::dialog::{Dialog, DialogSize};
use super::icon::{Glyph, IconButton};
use crate::hooks::intl;
use crate::ports::{Kept, PhotoList, Progress};
use crate::ui::{Dialog as Open, Ui, use_ui};
use crate::words;

/// As wide as a cover is on most screens, in CSS pixels.
const COVER_SIZES: &str = "200px";

/// The albums, followed.
pub fn follow_albums(ui: Ui) -> Memo<Vec<AlbumView>> {
    Memo::new(move |_| {
        let cloud = ui.cloud();
        cloud.revision().track();
        cloud.albums()
    })
}

/// The picture that stands for an album.
#[component]
pub fn Cover(photo: Option<ItemId>) -> impl IntoView {
    let ui = use_ui();
    let address = RwSignal::new(None::<(String, String)>);
    if let Some(id) = photo {
        let known = ui.cloud().item(id).and_then(|item| {
            let is_ready = item.item.photo.as_ref().is_some_and(|photo| photo.status == PhotoStatus::Ready);
            let content = item.item.content_hash.filter(|_| is_ready)?;
            let form = |kind: DerivativeKind| format!("/api/v1{}", photo_path(id, kind.name(), content));
            Some((form(DerivativeKind::Thumbnail), form(DerivativeKind::Preview)))
        });
        if known.is_some() {
            address.set(known);
        } else {
            let photo = ui.cloud().photo(id);
            spawn_local(async move {
                let Ok(photo) = photo.await else { return };
                let forms = photo.derivatives.thumbnail.as_ref().zip(photo.derivatives.preview.as_ref());
                let forms = forms.map(|(small, large)| (small.url.clone(), large.url.clone()));
                address.try_set(forms);
            });
        }
    }
    view! {
        <span class="album-cover" aria-hidden="true">
            {move || match address.get() {
                Some((small, large)) => {
                    let side = DerivativeKind::Preview.side_max();
                    let set = format!("{small} {}w, {large} {side}w", DerivativeKind::Thumbnail.side_max());
                    view! { <img src=small srcset=set sizes=COVER_SIZES alt="" loading="lazy" decoding="async" /> }
                        .into_any()
                }
                None => view! { <Glyph icon=icondata::LuImages /> }.into_any(),
            }}
        </span>
    }
    .into_any()
}

/// What stands over an album: its name, the way back, and what can be done with it.
#[component]
pub fn AlbumHead(album: ItemId, #[prop(into)] is_arranging: Signal<bool>) -> impl IntoView {
    let ui = use_ui();
    let name = Memo::new(move |_| {
        let cloud = ui.cloud();
        cloud.revision().track();
        cloud.item(album).map(|item| item.item.name.clone()).unwrap_or_default()
    });
    let delete = move || {
        let said = words::album_deleted(&name.get_untracked());
        ui.try_run(vec![Command::Delete { id: album }], said, move || ui.go(PhotoList::ALBUMS));
    };
    let rename = move || ui.dialog.set(Some(Open::NameAlbum { album: Some(album), photos: Vec::new() }));
    view! {
        <a class="album-back" href=PhotoList::ALBUMS>
            <Glyph icon=icondata::LuChevronLeft />
            {words::ALBUMS}
        </a>
        <h1 class="album-title">{name}</h1>
        <Show when=move || !is_arranging.get()>
            <KeepOriginals album=album />
            <IconButton
                icon=icondata::LuPencil
                label=words::RENAME_ALBUM.to_owned()
                on_press=move |_| rename()
            />
            <IconButton
                icon=icondata::LuTrash2
                label=words::DELETE_ALBUM.to_owned()
                on_press=move |_| delete()
            />
        </Show>
    }
    .into_any()
}

/// Whether the album's originals are to be on this device, and how far they are.
#[component]
fn KeepOriginals(album: ItemId) -> impl IntoView {
    let ui = use_ui();
    let is_kept = Memo::new(move |_| {
        let cloud = ui.cloud();
        cloud.keeping_revision().track();
        cloud.keeping(album).kept == Kept::Itself
    });
    let progress = RwSignal::new(None::<Progress>);
    Effect::new(move || {
        let cloud = ui.cloud();
        cloud.keeping_revision().track();
        cloud.revision().track();
        if !is_kept.get() {
            return progress.set(None);
        }
        let asked = cloud.keeping_progress(album);
        spawn_local(async move {
            let far = asked.await;
            progress.try_set(Some(far));
        });
    });
    let label = Signal::derive(move || {
        let label = if is_kept.get() { words::KEEP_ORIGINALS_NO_LONGER } else { words::KEEP_ORIGINALS };
        label.to_owned()
    });
    let toggle = move |_| {
        let is_kept = !is_kept.get_untracked();
        ui.cloud().keep(&[album], is_kept);
        ui.say(if is_kept { words::KEEPING_ORIGINALS } else { words::KEEPING_ORIGINALS_NO_LONGER });
    };
    let far = move || {
        let Progress { here, all } = progress.get()?;
        let text = words::originals_here(here.count, all.count, &intl::size(all.bytes));
        Some(view! { <span class="album-kept quiet" role="status">{text}</span> })
    };
    view! {
        {far}
        <IconButton
            icon=icondata::LuCloudDownload
            label=label
            pressed=is_kept
            on_press=toggle
        />
    }
    .into_any()
}

/// Puts the photos into the album, and says so.
fn add(ui: Ui, album: ItemId, name: &str, photos: &[ItemId]) {
    let is_new = |photo: &ItemId| ui.cloud().photo_info(*photo).is_none_or(|info| !info.is_in(album));
    let new: Vec<ItemId> = photos.iter().copied().filter(is_new).collect();
    if new.is_empty() {
        return ui.say(words::already_in_album(photos.len(), name));
    }
    ui.try_run(adding(album, &new), words::added_to_album(new.len(), name), || {});
}

fn adding(album: ItemId, photos: &[ItemId]) -> Vec<Command> {
    let add = |&photo: &ItemId| Command::ChangeAlbum { photo, album, change: AlbumChange::Add };
    photos.iter().map(add).collect()
}

/// Which album photos go into.
#[component]
pub fn AddToAlbum(photos: Vec<ItemId>) -> impl IntoView {
    let ui = use_ui();
    let albums = follow_albums(ui);
    let title = words::add_to_album_title(photos.len());
    let photos = StoredValue::new(photos);
    let close = move || {
        ui.dialog.set(None);
        give_focus_back();
    };
    let choice = move |album: AlbumView| {
        let AlbumView { id, name, count, cover, .. } = album;
        let label = name.clone();
        view! {
            <li>
                <button
                    class="album-choice"
                    type="button"
                    on:click=move |_| {
                        close();
                        add(ui, id, &name, &photos.get_value());
                    }
                >
                    <Cover photo=cover />
                    <span class="name">{label}</span>
                    <span class="quiet">{words::photos_in(count)}</span>
                </button>
            </li>
        }
    };
    view! {
        <Dialog title=title on_close=close size=DialogSize::Medium>
            <button
                class="album-choice album-new"
                type="button"
                on:click=move |_| {
                    ui.dialog.set(Some(Open::NameAlbum { album: None, photos: photos.get_value() }));
                }
            >
                <span class="album-cover" aria-hidden="true"><Glyph icon=icondata::LuPlus /></span>
                <span class="name">{words::NEW_ALBUM}</span>
            </button>
            <ul class="album-choices" aria-label=words::ALBUMS>
                {move || {
                    let albums = albums.get();
                    if albums.is_empty() {
                        return view! { <li class="quiet">{words::NO_ALBUMS_YET}</li> }.into_any();
                    }
                    albums.into_iter().map(choice).collect_view().into_any()
                }}
            </ul>
            <div class="dialog-actions">
                <button class="button" type="button" on:click=move |_| close()>{words::CANCEL}</button>
            </div>
        </Dialog>
    }
    .into_any()
}

/// What an album is called: one that is made for photos, or one that there is.
#[component]
pub fn NameAlbum(album: Option<ItemId>, photos: Vec<ItemId>) -> impl IntoView {
    let ui = use_ui();
    let former = album.and_then(|album| ui.cloud().item(album)).map(|item| item.item.name.clone());
    let former = StoredValue::new(former.unwrap_or_default());
    let text = RwSignal::new(former.get_value());
    let photos = StoredValue::new(photos);
    let field = NodeRef::<Input>::new();
    Effect::new(move || {
        if let Some(field) = field.get() {
            field.focus().ok();
            field.select();
        }
    });
    let name = Memo::new(move |_| ItemName::parse(text.get().trim()));
    let hint = move || match name.get() {
        Err(reason) if !text.with(|text| text.trim().is_empty()) => words::invalid_name(reason),
        _ => "",
    };
    let close = move || {
        ui.dialog.set(None);
        give_focus_back();
    };
    let save = move || {
        let Ok(name) = name.get_untracked() else { return };
        close();
        match album {
            Some(_) if former.with_value(|former| former == name.as_str()) => {}
            Some(id) => {
                let said = words::album_renamed(name.as_str());
                ui.try_run(vec![Command::Rename { id, name }], said, || {});
            }
            None => make(ui, name, &photos.get_value()),
        }
    };
    let title = if album.is_some() { words::RENAME_ALBUM } else { words::NEW_ALBUM };
    let confirm = if album.is_some() { words::SAVE } else { words::CREATE };
    view! {
        <Dialog title=title.to_owned() on_close=close>
            <form
                on:submit=move |event| {
                    event.prevent_default();
                    save();
                }
            >
                <div class="field">
                    <label for="album-name">{words::ALBUM_NAME}</label>
                    <input
                        node_ref=field
                        id="album-name"
                        type="text"
                        autocomplete="off"
                        aria-describedby="album-name-hint"
                        prop:value=text
                        on:input=move |event| text.set(event_target_value(&event))
                    />
                    <p class="field-hint" id="album-name-hint" aria-live="polite">{hint}</p>
                </div>
                <div class="dialog-actions">
                    <button class="button" type="button" on:click=move |_| close()>{words::CANCEL}</button>
                    <button class="button primary" type="submit" disabled=move || name.get().is_err()>
                        {confirm}
                    </button>
                </div>
            </form>
        </Dialog>
    }
    .into_any()
}

/// Makes an album with these photos in it, as one step. An album of that name takes them in.
fn make(ui: Ui, name: ItemName, photos: &[ItemId]) {
    let cloud = ui.cloud();
    let Some(parent) = cloud.photo_library() else { return };
    let said = |name: &ItemName| match photos.len() {
        0 => words::album_made(name.as_str()),
        count => words::added_to_album(count, name.as_str()),
    };
    let same = cloud
        .albums()
        .into_iter()
        .find(|album| ItemName::parse(&album.name).is_ok_and(|other| other.folded() == name.folded()));
    if let Some(same) = same {
        if photos.is_empty() {
            ui.go(&PhotoList::Album(same.id).address());
        } else {
            add(ui, same.id, &same.name, photos);
        }
        return;
    }
    let id = cloud.new_item_id();
    let said = said(&name);
    let mut commands = vec![Command::CreateFolder { id, parent, name }];
    commands.extend(adding(id, photos));
    let open = photos.is_empty();
    ui.try_run(commands, said, move || {
        if open {
            ui.go(&PhotoList::Album(id).address());
        }
    });
}
