//! What the signed-in area remembers while it is open: where it is, what is selected, what floats.

mod acts;

use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};
use shared::{ClientFileItem, ConflictId, DeviceId, ItemId, OperationId};

use crate::hooks::media::{NARROW, media_matches};
use crate::hooks::preferences::{Preferences, use_preferences};
use crate::model::{Entries, MassDelete, Selection};
use crate::ports::{Cloud, Import, PhotoList, use_cloud};
use crate::words;
use acts::{Acts, History};

/// How long a toast stays, and one that offers something to do.
const TOAST_LIFE: Duration = Duration::from_secs(4);
const TOAST_ACTION_LIFE: Duration = Duration::from_secs(8);
/// Toasts on the screen at once.
const TOASTS_MAX: usize = 3;

/// What the content area shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Place {
    Folder(ItemId),
    Photos(PhotoList),
    Albums,
    Duplicates,
    Trash,
    Search(String),
    /// A text that is edited.
    Editor(ItemId),
    Activity,
    Settings,
    /// Not known yet, or nothing.
    #[default]
    Elsewhere,
}

impl Place {
    /// Whether it belongs to the library of photos.
    pub const fn is_of_photos(&self) -> bool {
        matches!(self, Self::Photos(_) | Self::Albums | Self::Duplicates)
    }
}

/// A question or a task in a modal dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dialog {
    Move(Vec<ItemId>),
    Purge(Vec<ItemId>),
    EmptyTrash,
    MassDelete {
        ids: Vec<ItemId>,
        mass: MassDelete,
    },
    Discard {
        operation: OperationId,
        action: &'static str,
        name: String,
    },
    SignOut,
    ChangePassword,
    RemoveDevice {
        id: DeviceId,
        name: String,
    },
    Shortcuts,
    Conflict(ConflictId),
    /// When and where photos were taken.
    AdjustPhotos(Vec<ItemId>),
    /// Which album these photos go into.
    AddToAlbum(Vec<ItemId>),
    /// What an album is called: a new one, which these photos go into, or one that there is.
    NameAlbum {
        album: Option<ItemId>,
        photos: Vec<ItemId>,
    },
    /// Photos from another library's export.
    ImportPhotos,
    /// So many photos that other apps handed over.
    TakeInHanded(usize),
}

/// What is to be pasted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clipboard {
    pub ids: Vec<ItemId>,
    pub way: Paste,
}

/// What pasting does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paste {
    #[default]
    Move,
    Copy,
}

impl Clipboard {
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Whether the item is about to leave its place.
    pub fn cuts(&self, id: ItemId) -> bool {
        self.way == Paste::Move && self.ids.contains(&id)
    }
}

/// Where a menu opens, in pixels of the window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MenuAt {
    pub x: f64,
    pub y: f64,
    /// Whether the keyboard opened it: then its first entry has the focus ring.
    pub by_keyboard: bool,
    /// The one item it is about; otherwise it is about the selection.
    pub about: Option<ItemId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    pub id: u64,
    pub text: String,
    pub action: Option<ToastAction>,
}

/// What one can do about what a toast says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToastAction {
    /// Takes back the step of that number.
    Undo(u64),
    Review(ConflictId),
}

type Navigate = Rc<dyn Fn(&str, NavigateOptions)>;

/// The state of the signed-in area, in context: a reference to handles, made once a page, so that it is
/// small in every closure and never freed while one lives.
#[derive(Clone, Copy)]
pub struct Ui(&'static Handles);

impl Deref for Ui {
    type Target = Handles;

    fn deref(&self) -> &Handles {
        self.0
    }
}

/// Signals and stored values; see [`Ui`].
pub struct Handles {
    cloud: StoredValue<Rc<dyn Cloud>, LocalStorage>,
    navigate: StoredValue<Navigate, LocalStorage>,
    pub root: ItemId,
    pub place: RwSignal<Place>,
    /// What the page lists, in its order.
    pub entries: RwSignal<Arc<Entries>>,
    pub selection: RwSignal<Selection>,
    pub preferences: RwSignal<Preferences>,
    pub renaming: RwSignal<Option<ItemId>>,
    /// Cut or copied, to be pasted elsewhere.
    pub clipboard: RwSignal<Clipboard>,
    pub menu: RwSignal<Option<MenuAt>>,
    pub dialog: RwSignal<Option<Dialog>>,
    /// It goes on while its dialog is closed.
    pub import: RwSignal<Option<Rc<dyn Import>>, LocalStorage>,
    /// Items that are being dragged within the page.
    pub dragged: RwSignal<Vec<ItemId>>,
    /// The folder that a drop would go into.
    pub drop_target: RwSignal<Option<ItemId>>,
    /// Whether a drop would go into the trash.
    pub over_trash: RwSignal<bool>,
    /// Whether files from the desktop are over the page.
    pub desktop_drag: RwSignal<bool>,
    pub toasts: RwSignal<Vec<Toast>>,
    /// Whether a photo covers the page, and says itself what happens.
    pub is_photo_open: RwSignal<bool>,
    /// Read out by screen readers.
    pub announcement: RwSignal<String>,
    /// The item in quick look, named by the address.
    pub preview: Memo<Option<ItemId>>,
    preview_pushed: StoredValue<bool>,
    /// Asks the list to take the keyboard.
    pub focus_list: RwSignal<u64>,
    /// Whether a person came here from another list, and the keyboard should come along.
    pub has_moved: StoredValue<bool>,
    history: StoredValue<History>,
    acts: StoredValue<Acts, LocalStorage>,
}

/// Makes the state and puts it into context. Inside the router.
pub fn provide_ui(root: ItemId) -> Ui {
    let query = use_query_map();
    let handles = Handles {
        cloud: StoredValue::new_local(use_cloud()),
        navigate: StoredValue::new_local(Rc::new(use_navigate())),
        root,
        place: RwSignal::default(),
        entries: RwSignal::default(),
        selection: RwSignal::default(),
        preferences: use_preferences(),
        renaming: RwSignal::new(None),
        clipboard: RwSignal::default(),
        menu: RwSignal::new(None),
        dialog: RwSignal::new(None),
        import: RwSignal::new_local(None),
        dragged: RwSignal::default(),
        drop_target: RwSignal::new(None),
        over_trash: RwSignal::new(false),
        desktop_drag: RwSignal::new(false),
        toasts: RwSignal::default(),
        is_photo_open: RwSignal::new(false),
        announcement: RwSignal::default(),
        preview: Memo::new(move |_| {
            query.with(|query| query.get_str("preview").and_then(|id| id.parse().ok()))
        }),
        preview_pushed: StoredValue::new(false),
        focus_list: RwSignal::new(0),
        has_moved: StoredValue::new(false),
        history: StoredValue::default(),
        acts: StoredValue::new_local(Acts::default()),
    };
    let ui = Ui(Box::leak(Box::new(handles)));
    provide_context(ui);
    ui
}

pub fn use_ui() -> Ui {
    expect_context()
}

impl Ui {
    pub fn cloud(self) -> Rc<dyn Cloud> {
        self.cloud.get_value()
    }

    /// The item as it is now, followed.
    pub fn item(self, id: ItemId) -> Option<Arc<ClientFileItem>> {
        let cloud = self.cloud();
        cloud.revision().with(|_| ());
        cloud.item(id)
    }

    /// The item as it is now.
    pub fn item_now(self, id: ItemId) -> Option<Arc<ClientFileItem>> {
        self.cloud().item(id)
    }

    /// What people call the folder.
    pub fn folder_name(self, id: ItemId) -> String {
        if id == self.root {
            return words::FILES.to_owned();
        }
        if self.cloud().photo_library() == Some(id) {
            return words::PHOTOS.to_owned();
        }
        self.item_now(id).map(|folder| folder.item.name.clone()).unwrap_or_default()
    }

    /// The name, where it is about one item.
    pub fn single_name(self, ids: &[ItemId]) -> Option<String> {
        match ids {
            [id] => self.item_now(*id).map(|item| item.item.name.clone()),
            _ => None,
        }
    }

    /// The folder that new things go into: the one shown or edited in, otherwise the root.
    pub fn folder(self) -> ItemId {
        match self.place.get_untracked() {
            Place::Folder(id) => id,
            Place::Editor(id) => self.item_now(id).map_or(self.root, |item| item.item.parent_id),
            Place::Photos(_) | Place::Albums | Place::Duplicates => {
                self.cloud().photo_library().unwrap_or(self.root)
            }
            Place::Trash | Place::Search(_) | Place::Activity | Place::Settings | Place::Elsewhere => {
                self.root
            }
        }
    }

    /// Where files from the desktop go: an open album takes photos in as well.
    pub fn upload_target(self) -> ItemId {
        match self.place.get_untracked() {
            Place::Photos(PhotoList::Album(album)) => album,
            _ => self.folder(),
        }
    }

    /// Whether only photos may go there.
    pub fn is_of_photos(self, folder: ItemId) -> bool {
        let library = self.cloud().photo_library();
        let above = || self.item_now(folder).map(|item| item.item.parent_id);
        library.is_some() && (library == Some(folder) || above() == library)
    }

    /// The selected ids in the order of the list, as they are now.
    pub fn selected_ids(self) -> Vec<ItemId> {
        untrack(|| self.follow_selected_ids())
    }

    /// The selected ids in the order of the list, followed.
    pub fn follow_selected_ids(self) -> Vec<ItemId> {
        self.entries.with(|entries| self.selection.with(|selection| selection.in_order(entries)))
    }

    /// Lists other items; what is selected and gone is selected no longer.
    pub fn show(self, entries: Arc<Entries>) {
        let former = self.entries.get_untracked();
        self.entries.set(entries.clone());
        self.selection.update(|selection| selection.keep_within(&entries, &former));
    }

    /// Goes to another place: nothing is selected there yet.
    pub fn enter(self, place: Place) {
        self.renaming.set(None);
        self.menu.set(None);
        // On a phone the details cover the list.
        if media_matches(NARROW) && self.preferences.with_untracked(|it| it.details_open) {
            self.preferences.update(|it| it.details_open = false);
        }
        self.selection.set(Selection::default());
        self.has_moved.set_value(self.place.with_untracked(|left| *left != Place::Elsewhere));
        self.place.set(place);
    }

    pub fn go(self, address: &str) {
        self.navigate.with_value(|navigate| navigate(address, NavigateOptions::default()));
    }

    pub fn replace_address(self, address: &str) {
        let options = NavigateOptions { replace: true, scroll: false, ..Default::default() };
        self.navigate.with_value(|navigate| navigate(address, options));
    }

    pub fn folder_address(self, id: ItemId) -> String {
        if id == self.root {
            return "/files".to_owned();
        }
        let library = self.cloud().photo_library();
        if library == Some(id) {
            return PhotoList::Library.address();
        }
        if self.is_of_photos(id) {
            return PhotoList::Album(id).address();
        }
        format!("/files/{id}")
    }

    pub fn editor_address(id: ItemId) -> String {
        format!("/edit/{id}")
    }

    /// To the folder above.
    pub fn go_up(self) {
        if let Place::Folder(folder) = self.place.get_untracked()
            && folder != self.root
            && let Some(folder) = self.item_now(folder)
        {
            self.go(&self.folder_address(folder.item.parent_id));
        }
    }

    /// Opens quick look, as a step that the browser's back button takes back.
    pub fn open_preview(self, id: ItemId) {
        self.preview_pushed.set_value(true);
        self.go(&address_with_preview(Some(id)));
    }

    /// Shows another item in quick look.
    pub fn turn_preview(self, id: ItemId) {
        self.replace_address(&address_with_preview(Some(id)));
    }

    pub fn close_preview(self) {
        if self.preview_pushed.get_value() {
            self.preview_pushed.set_value(false);
            if let Ok(history) = window().history() {
                history.back().ok();
            }
        } else {
            self.replace_address(&address_with_preview(None));
        }
    }

    /// Gives the keyboard back to the list.
    pub fn take_focus(self) {
        self.focus_list.update(|asked| *asked += 1);
    }

    pub fn announce(self, text: impl Into<String>) {
        self.announcement.set(text.into());
    }

    pub fn say(self, text: impl Into<String>) {
        self.toast(text.into(), None);
    }

    pub fn toast(self, text: String, action: Option<ToastAction>) {
        let id = self.history.try_update_value(History::next_id);
        let Some(id) = id else { return };
        self.announce(text.clone());
        self.toasts.update(|toasts| {
            if toasts.len() == TOASTS_MAX {
                toasts.remove(0);
            }
            toasts.push(Toast { id, text, action });
        });
        let life = if action.is_some() { TOAST_ACTION_LIFE } else { TOAST_LIFE };
        set_timeout(move || self.dismiss_toast(id), life);
    }

    pub fn dismiss_toast(self, id: u64) {
        self.toasts.try_update(|toasts| toasts.retain(|toast| toast.id != id));
    }
}

/// The present address with another `preview`.
fn address_with_preview(id: Option<ItemId>) -> String {
    let path = location().pathname().unwrap_or_default();
    let search = location().search().unwrap_or_default();
    let mut kept: Vec<String> = search
        .trim_start_matches('?')
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("preview="))
        .map(str::to_owned)
        .collect();
    kept.extend(id.map(|id| format!("preview={id}")));
    if kept.is_empty() { path } else { format!("{path}?{}", kept.join("&")) }
}
