//! What a person can do with items: one list of acts, whichever of menu, keys, bar or drag asks for it.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::{ItemId, ItemKind, ItemName, SyncStatus};
use sync::{Command, NewContent};
use wasm_bindgen::JsCast;

use crate::components::file_inputs::{CAMERA_INPUT, FILES_INPUT, FOLDER_INPUT, PHOTOS_INPUT};
use crate::hooks::desktop_files::{Pick, pick_with_handles};
use crate::model::{FileType, MassDelete, Selection};
use crate::ports::{CallError, Kept, Picked};
use crate::ui::{Clipboard, Dialog, Paste, Place, Ui};
use crate::words;

/// Browsers drop downloads that begin in the same instant.
const BETWEEN_DOWNLOADS: Duration = Duration::from_millis(400);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Open,
    QuickLook,
    ReviewConflict,
    ShowInFolder,
    Download,
    Rename,
    Move,
    Cut,
    Copy,
    Duplicate,
    CopyNames,
    Paste,
    Keep,
    KeepNoLonger,
    Details,
    Restore,
    Delete,
    Purge,
    NewFolder,
    NewText,
    UploadFiles,
    UploadFolder,
    TakePhoto,
    ChoosePhotos,
    SelectAll,
    EmptyTrash,
}

impl Action {
    pub const fn label(self) -> &'static str {
        match self {
            Self::Open => words::OPEN,
            Self::QuickLook => words::QUICK_LOOK,
            Self::ReviewConflict => words::REVIEW_CONFLICT,
            Self::ShowInFolder => words::SHOW_IN_FOLDER,
            Self::Download => words::DOWNLOAD,
            Self::Rename => words::RENAME,
            Self::Move => words::MOVE_TO,
            Self::Cut => words::CUT,
            Self::Copy => words::COPY,
            Self::Duplicate => words::DUPLICATE,
            Self::CopyNames => words::COPY_NAMES,
            Self::Paste => words::PASTE,
            Self::Keep => words::KEEP,
            Self::KeepNoLonger => words::KEEP_NO_LONGER,
            Self::Details => words::DETAILS,
            Self::Restore => words::RESTORE,
            Self::Delete => words::DELETE,
            Self::Purge => words::PURGE,
            Self::NewFolder => words::NEW_FOLDER,
            Self::NewText => words::NEW_TEXT,
            Self::UploadFiles => words::UPLOAD_FILES,
            Self::UploadFolder => words::UPLOAD_FOLDER,
            Self::TakePhoto => words::TAKE_PHOTO,
            Self::ChoosePhotos => words::CHOOSE_PHOTOS,
            Self::SelectAll => words::SELECT_ALL,
            Self::EmptyTrash => words::EMPTY_TRASH,
        }
    }

    pub const fn icon(self) -> icondata::Icon {
        match self {
            Self::Open => icondata::LuFolderOpen,
            Self::QuickLook => icondata::LuEye,
            Self::ReviewConflict => icondata::LuSplit,
            Self::ShowInFolder => icondata::LuFolder,
            Self::Download => icondata::LuDownload,
            Self::Rename => icondata::LuPencil,
            Self::Move => icondata::LuFolderInput,
            Self::Cut => icondata::LuScissors,
            Self::Copy => icondata::LuCopy,
            Self::Duplicate => icondata::LuCopyPlus,
            Self::CopyNames => icondata::LuType,
            Self::Paste => icondata::LuClipboardPaste,
            Self::Keep => icondata::LuCircleArrowDown,
            Self::KeepNoLonger => icondata::LuCircleX,
            Self::Details => icondata::LuInfo,
            Self::Restore => icondata::LuUndo2,
            Self::Delete | Self::Purge | Self::EmptyTrash => icondata::LuTrash2,
            Self::NewFolder => icondata::LuFolderPlus,
            Self::NewText => icondata::LuFilePlus,
            Self::UploadFiles => icondata::LuUpload,
            Self::UploadFolder => icondata::LuFolderUp,
            Self::TakePhoto => icondata::LuCamera,
            Self::ChoosePhotos => icondata::LuImages,
            Self::SelectAll => icondata::LuCheckCheck,
        }
    }

    /// The key that does the same, for menus. `Mod` is Ctrl, or ⌘ on a Mac.
    pub const fn key(self) -> Option<&'static str> {
        match self {
            Self::Open => Some("↵"),
            Self::QuickLook => Some("Space"),
            Self::Rename => Some("F2"),
            Self::Cut => Some("Mod X"),
            Self::Copy => Some("Mod C"),
            Self::Paste => Some("Mod V"),
            Self::Details => Some("Mod I"),
            Self::Delete => Some("Del"),
            Self::SelectAll => Some("Mod A"),
            Self::NewFolder => Some("Alt N"),
            _ => None,
        }
    }

    pub const fn is_dangerous(self) -> bool {
        matches!(self, Self::Purge | Self::EmptyTrash)
    }
}

/// The ways in which files come: a device that is touched has pictures apart from its files, and takes some.
pub const fn ways_in(is_of_photos: bool, is_touched: bool) -> &'static [Action] {
    match (is_touched, is_of_photos) {
        (false, _) => &[Action::UploadFiles, Action::UploadFolder],
        (true, true) => &[Action::TakePhoto, Action::ChoosePhotos],
        (true, false) => {
            &[Action::TakePhoto, Action::ChoosePhotos, Action::UploadFiles, Action::UploadFolder]
        }
    }
}

/// Which acts a list offers for what is selected, in groups.
pub fn offered(ui: Ui, ids: &[ItemId]) -> Vec<Vec<Action>> {
    let place = ui.place.get_untracked();
    let can_paste = ui.clipboard.with_untracked(|clipboard| !clipboard.is_empty());
    let item = match ids {
        [id] => ui.item_now(*id),
        _ => None,
    };
    let keep = ui.keep_action(ids);
    let kind = item.as_ref().map(|item| item.item.kind);
    let is_editable = item.as_ref().is_some_and(|item| FileType::is_editable(item));
    let is_in_conflict = item.is_some_and(|item| item.sync_status == SyncStatus::Conflict);
    let mut groups = match (&place, ids.is_empty()) {
        (Place::Trash, true) => vec![vec![Action::SelectAll], vec![Action::EmptyTrash]],
        (Place::Trash, false) => vec![vec![Action::Restore, Action::Details], vec![Action::Purge]],
        (_, true) => vec![
            vec![Action::NewFolder, Action::NewText, Action::UploadFiles, Action::UploadFolder],
            vec![Action::Paste, Action::SelectAll],
        ],
        (Place::Search(_), false) => vec![
            vec![Action::ReviewConflict],
            vec![Action::Open, Action::QuickLook, Action::ShowInFolder, Action::Download, keep],
            vec![Action::Rename, Action::Move, Action::Duplicate],
            vec![Action::Cut, Action::Copy, Action::CopyNames, Action::Details],
            vec![Action::Delete],
        ],
        (_, false) => vec![
            vec![Action::ReviewConflict],
            vec![Action::Open, Action::QuickLook, Action::Download, keep],
            vec![Action::Rename, Action::Move, Action::Duplicate],
            vec![Action::Cut, Action::Copy, Action::Paste, Action::CopyNames, Action::Details],
            vec![Action::Delete],
        ],
    };
    for group in &mut groups {
        group.retain(|action| match action {
            Action::ReviewConflict => is_in_conflict,
            Action::Open => kind == Some(ItemKind::Folder) || is_editable,
            Action::QuickLook => kind == Some(ItemKind::File),
            // What is kept with its folder is not kept by itself.
            Action::Keep => ids.iter().any(|id| ui.cloud().keeping(*id).kept == Kept::No),
            Action::Rename | Action::ShowInFolder => ids.len() == 1,
            Action::Paste => can_paste,
            _ => true,
        });
    }
    groups.retain(|group| !group.is_empty());
    groups
}

impl Ui {
    pub fn perform(self, action: Action, ids: Vec<ItemId>) {
        if self.is_still_opening() {
            return;
        }
        match action {
            Action::Open => {
                if let [id] = ids[..] {
                    self.open(id);
                }
            }
            Action::QuickLook => {
                if let Some(id) = ids.first() {
                    self.open_preview(*id);
                }
            }
            Action::ReviewConflict => self.review_first(ids.first().copied()),
            Action::ShowInFolder => {
                if let Some(item) = ids.first().and_then(|id| self.item_now(*id)) {
                    self.go(&self.folder_address(item.item.parent_id));
                }
            }
            Action::Download => self.download(&ids),
            Action::Keep | Action::KeepNoLonger => self.keep(&ids, action == Action::Keep),
            Action::Rename => self.renaming.set(ids.first().copied()),
            Action::Move => self.dialog.set(Some(Dialog::Move(ids))),
            Action::Cut => {
                self.announce(words::cut(self.single_name(&ids).as_deref(), ids.len()));
                self.clipboard.set(Clipboard { ids, way: Paste::Move });
            }
            Action::Copy => {
                self.announce(words::copied_for_paste(self.single_name(&ids).as_deref(), ids.len()));
                self.clipboard.set(Clipboard { ids, way: Paste::Copy });
            }
            Action::Duplicate => self.duplicate(&ids),
            Action::CopyNames => self.copy_names(&ids),
            Action::Paste => self.paste(),
            Action::Details => self.preferences.update(|it| it.details_open = !it.details_open),
            Action::Restore => self.restore(&ids),
            Action::Delete => self.ask_or_delete(ids),
            Action::Purge => self.dialog.set(Some(Dialog::Purge(ids))),
            Action::NewFolder => self.create_folder(),
            Action::NewText => self.create_text(),
            Action::UploadFiles => self.pick(Pick::Files),
            Action::UploadFolder => self.pick(Pick::Folder),
            Action::TakePhoto => self.pick(Pick::Camera),
            Action::ChoosePhotos => self.pick(Pick::Photos),
            Action::SelectAll => self.select_all(),
            Action::EmptyTrash => self.dialog.set(Some(Dialog::EmptyTrash)),
        }
    }

    /// A folder is entered, a text is edited, any other file is looked at.
    pub fn open(self, id: ItemId) {
        if self.place.with_untracked(|place| *place == Place::Trash) {
            return;
        }
        match self.item_now(id) {
            Some(item) if item.item.kind == ItemKind::Folder => self.go(&self.folder_address(id)),
            Some(item) if FileType::is_editable(&item) => self.go(&Self::editor_address(id)),
            Some(_) => self.open_preview(id),
            None => {}
        }
    }

    pub fn select_all(self) {
        let entries = self.entries.get_untracked();
        self.selection.update(|selection| selection.select_all(&entries));
        self.announce(words::selected(self.selection.with_untracked(crate::model::Selection::len)));
    }

    fn create_folder(self) {
        let folder = self.folder();
        if let Some(name) = self.free_name(folder, words::NEW_FOLDER) {
            let id = self.cloud().new_item_id();
            self.run(vec![Command::CreateFolder { id, parent: folder, name }], None);
            self.selection.set(crate::model::Selection::only(id));
            self.renaming.set(Some(id));
        }
    }

    fn create_text(self) {
        let folder = self.folder();
        if let Some(name) = self.free_name(folder, words::UNTITLED_TEXT) {
            let id = self.cloud().new_item_id();
            let command = Command::CreateFile {
                id,
                parent: folder,
                name,
                content: NewContent::Small(Vec::new()),
                mime_type: Some("text/plain".to_owned()),
                created_at: None,
                modified_at: None,
            };
            self.run(vec![command], None);
            self.selection.set(crate::model::Selection::only(id));
            self.renaming.set(Some(id));
        }
    }

    /// Makes a file of a text that lost its own, and goes on in it.
    pub fn save_as_new(self, folder: ItemId, name: &str, text: String) {
        let Ok(name) = ItemName::parse(name) else { return };
        let saving = self.cloud().create_text(folder, name, text);
        spawn_local(async move {
            match saving.await {
                Some(id) => self.replace_address(&Self::editor_address(id)),
                None => self.say(words::STORAGE_FAILED),
            }
        });
    }

    /// `wanted`, or the first `wanted (n)` that no sibling has.
    fn free_name(self, folder: ItemId, wanted: &str) -> Option<ItemName> {
        let wanted = ItemName::parse(wanted).ok()?;
        let cloud = self.cloud();
        // One more than there are siblings: one of them is free.
        std::iter::once(wanted.clone())
            .chain((2..).map(|n| wanted.numbered(n)))
            .take(cloud.children_len(folder) + 1)
            .find(|name| cloud.child_named(folder, name).is_none())
    }

    /// Renames, or answers why not.
    pub fn rename(self, id: ItemId, text: &str) -> Result<(), String> {
        let Some(item) = self.item_now(id) else { return Ok(()) };
        let name = ItemName::parse(text.trim()).map_err(|reason| words::invalid_name(reason).to_owned())?;
        if name.as_str() == item.item.name {
            return Ok(());
        }
        let holder = self.cloud().child_named(item.item.parent_id, &name);
        if holder.is_some_and(|holder| holder != item.item.id) {
            return Err(words::name_taken(name.as_str()));
        }
        let said = words::renamed(name.as_str());
        self.run(vec![Command::Rename { id, name }], Some(said));
        Ok(())
    }

    /// Whether the items may go there: not into themselves, and not where they already are.
    pub fn can_move(self, ids: &[ItemId], folder: ItemId) -> bool {
        if ids.is_empty() || ids.contains(&folder) {
            return false;
        }
        let cloud = self.cloud();
        let inside = cloud.ancestors(folder).iter().any(|ancestor| ids.contains(&ancestor.item.id));
        !inside && ids.iter().any(|id| cloud.item(*id).is_some_and(|item| item.item.parent_id != folder))
    }

    pub fn move_into(self, ids: Vec<ItemId>, folder: ItemId) {
        if !self.can_move(&ids, folder) {
            return;
        }
        let cloud = self.cloud();
        let moving: Vec<ItemId> = ids
            .into_iter()
            .filter(|id| cloud.item(*id).is_some_and(|item| item.item.parent_id != folder))
            .collect();
        let said =
            words::moved(self.single_name(&moving).as_deref(), moving.len(), &self.folder_name(folder));
        let commands = moving.iter().map(|&id| Command::Move { id, parent: folder }).collect();
        self.clipboard.set(Clipboard::default());
        self.run(commands, Some(said));
    }

    /// Only where it can be seen.
    fn paste(self) {
        let Place::Folder(folder) = self.place.get_untracked() else { return };
        let Clipboard { ids, way } = self.clipboard.get_untracked();
        match way {
            Paste::Move => self.move_into(ids, folder),
            Paste::Copy => {
                let said =
                    words::copied(self.single_name(&ids).as_deref(), ids.len(), &self.folder_name(folder));
                self.copy(ids.into_iter().map(|id| (id, folder)).collect(), said);
            }
        }
    }

    fn duplicate(self, ids: &[ItemId]) {
        let said = words::duplicated(self.single_name(ids).as_deref(), ids.len());
        let beside = ids.iter().filter_map(|id| Some((*id, self.item_now(*id)?.item.parent_id)));
        self.copy(beside.collect(), said);
    }

    /// Puts another of each item into a folder, and selects them where they are in sight.
    fn copy(self, items: Vec<(ItemId, ItemId)>, said: String) {
        let copies: Vec<ItemId> = items.iter().map(|_| self.cloud().new_item_id()).collect();
        let commands = items
            .into_iter()
            .zip(&copies)
            .map(|((source, parent), &id)| Command::Copy { id, source, parent })
            .collect();
        self.try_run(commands, said, move || self.selection.set(Selection::of(copies)));
    }

    /// Most of what there is goes only after a question.
    fn ask_or_delete(self, ids: Vec<ItemId>) {
        let root = match self.place.get_untracked() {
            Place::Photos(_) | Place::Albums | Place::Duplicates => self.folder(),
            _ => self.root,
        };
        match MassDelete::look(&*self.cloud(), root, &ids) {
            Some(mass) => self.dialog.set(Some(Dialog::MassDelete { ids, mass })),
            None => self.delete(&ids),
        }
    }

    pub fn delete(self, ids: &[ItemId]) {
        let said = words::deleted(self.single_name(ids).as_deref(), ids.len());
        self.run(ids.iter().map(|&id| Command::Delete { id }).collect(), Some(said));
    }

    fn restore(self, ids: &[ItemId]) {
        let said = words::restored(self.single_name(ids).as_deref(), ids.len());
        self.run(ids.iter().map(|&id| Command::Restore { id, parent: None }).collect(), Some(said));
    }

    pub fn purge(self, ids: &[ItemId]) {
        let said = words::purged(self.single_name(ids).as_deref(), ids.len());
        self.run(ids.iter().map(|&id| Command::Purge { id }).collect(), Some(said));
    }

    fn copy_names(self, ids: &[ItemId]) {
        let names: Vec<String> =
            ids.iter().filter_map(|id| self.item_now(*id)).map(|item| item.item.name.clone()).collect();
        let written = window().navigator().clipboard().write_text(&names.join("\n"));
        spawn_local(async move {
            if wasm_bindgen_futures::JsFuture::from(written).await.is_ok() {
                self.say(words::COPIED_NAMES);
            }
        });
    }

    fn download(self, ids: &[ItemId]) {
        for (place, id) in ids.iter().copied().enumerate() {
            let after = BETWEEN_DOWNLOADS * place as u32;
            set_timeout(move || spawn_local(self.download_one(id)), after);
        }
    }

    async fn download_one(self, id: ItemId) {
        let Some(item) = self.item_now(id) else { return };
        match self.cloud().download_url(id).await {
            Ok(address) => start_download(&address, &item.item.name),
            Err(CallError::Refused(problem)) => self.say(problem.detail),
            Err(CallError::Unreachable) if item.item.kind == ItemKind::Folder => {
                self.say(words::FOLDER_NEEDS_SERVER);
            }
            Err(CallError::Unreachable) => self.say(words::NOT_ON_DEVICE),
        }
    }

    /// What a list offers for the items: to keep them here, or no longer where all of them are.
    pub fn keep_action(self, ids: &[ItemId]) -> Action {
        let cloud = self.cloud();
        let are_kept = !ids.is_empty() && ids.iter().all(|id| cloud.keeping(*id).kept == Kept::Itself);
        if are_kept { Action::KeepNoLonger } else { Action::Keep }
    }

    fn keep(self, ids: &[ItemId], is_kept: bool) {
        self.cloud().keep(ids, is_kept);
        let name = self.single_name(ids);
        let said = if is_kept { words::keeping } else { words::keeping_no_longer };
        self.say(said(name.as_deref(), ids.len()));
    }

    /// Sends files into a folder.
    pub fn upload(self, folder: ItemId, mut picked: Picked) {
        if self.is_of_photos(folder) {
            match picked.keep_photos() {
                0 => {}
                left_out => self.say(words::left_out_of_photos(left_out)),
            }
        }
        if !picked.is_empty() {
            self.announce(words::began_upload(picked.len()));
            self.cloud().upload(folder, picked);
        }
    }

    /// As [`Self::upload`], with files that are still being read.
    pub fn upload_coming(self, folder: ItemId, picked: impl Future<Output = Picked> + 'static) {
        spawn_local(async move { self.upload(folder, picked.await) });
    }

    fn pick(self, pick: Pick) {
        let folder = self.upload_target();
        if let Some(picking) = pick_with_handles(pick) {
            return self.upload_coming(folder, picking);
        }
        let input = match pick {
            Pick::Files => FILES_INPUT,
            Pick::Folder => FOLDER_INPUT,
            Pick::Camera => CAMERA_INPUT,
            Pick::Photos => PHOTOS_INPUT,
        };
        if let Some(input) =
            document().get_element_by_id(input).and_then(|it| it.dyn_into::<web_sys::HtmlElement>().ok())
        {
            input.click();
        }
    }
}

/// Lets the browser download an address without leaving the page.
pub fn start_download(address: &str, name: &str) {
    let link =
        document().create_element("a").ok().and_then(|it| it.dyn_into::<web_sys::HtmlAnchorElement>().ok());
    if let Some(link) = link {
        link.set_href(address);
        // The server's answer names the file itself; an address within the page has no name.
        link.set_download(name);
        link.click();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_touched_takes_pictures_and_a_library_takes_nothing_else() {
        let pictures = [Action::TakePhoto, Action::ChoosePhotos];
        assert_eq!(ways_in(true, true), pictures);
        assert!(ways_in(false, true).starts_with(&pictures));
        assert!(ways_in(false, true).ends_with(ways_in(false, false)));
        for way in ways_in(true, false).iter().chain(ways_in(false, false)) {
            assert!(!pictures.contains(way));
        }
    }
}
