//! A cloud in memory, for looking at every state of every page. Behind a feature; no build that is handed
//! out has it.

mod conflicts;
mod import;
mod photos;
mod scene;
mod tree;

use std::rc::Rc;
use std::sync::Arc;

use leptos::prelude::*;
use shared::account::Device;
use shared::photo::{DuplicatePage, Photo, PhotoEdit, PhotoInfo};
use shared::sync::ConflictInfo;
use shared::upload::FileVersion;
use shared::{
    ClientFileItem, ConflictId, DeviceId, ItemId, ItemKind, ItemName, OperationId, Timestamp, VersionId,
};
use sync::{AlbumView, Command, EditBase, QueueEntry, SyncSummary};
use uuid::Uuid;

use crate::hooks::clock::now;
use crate::ports::{
    Account, ActivityView, Amount, CallError, Cloud, DeviceStorage, Import, Keeping, Kept, KeptNotice,
    ListedPhoto, LocalFuture, Notice, PhotoHints, PhotoList, PhotoMarks, PhotoSource, Picked, Progress,
    SaveError, Side, TextEdit, UploadControl, UploadState, UploadView,
};
pub use scene::Scene;
use tree::Tree;

/// Everything that the demonstration knows.
pub struct DemoCloud {
    scene: Scene,
    tree: StoredValue<Tree>,
    revision: RwSignal<u64>,
    account: RwSignal<Account>,
    summary: RwSignal<SyncSummary>,
    uploads: RwSignal<Vec<UploadView>>,
    notices: RwSignal<Vec<Notice>>,
    last_id: StoredValue<u128>,
    kept: StoredValue<Vec<ItemId>>,
    keeping_revision: RwSignal<u64>,
    budget: StoredValue<u64>,
    settled: StoredValue<Vec<ConflictId>>,
    photos: StoredValue<photos::Marks, LocalStorage>,
}

impl DemoCloud {
    pub fn new(scene: Scene) -> Rc<Self> {
        Rc::new(Self {
            scene,
            tree: StoredValue::new(scene::tree(scene, now())),
            revision: RwSignal::new(0),
            account: RwSignal::new(scene::account(scene, now())),
            summary: RwSignal::new(scene::summary(scene, now())),
            uploads: RwSignal::new(scene::uploads(scene, now())),
            notices: RwSignal::default(),
            last_id: StoredValue::new(1 << 64),
            kept: StoredValue::new(scene::kept(scene)),
            keeping_revision: RwSignal::new(0),
            budget: StoredValue::new(1 << 30),
            settled: StoredValue::default(),
            photos: StoredValue::new_local(photos::Marks::default()),
        })
    }

    fn next_id(&self) -> Uuid {
        self.last_id.update_value(|id| *id += 1);
        Uuid::from_u128(self.last_id.get_value())
    }

    /// Carries out what is about photos; answers the rest.
    fn mark_photos(&self, commands: Vec<Command>, undo: &mut Vec<Command>) -> Vec<Command> {
        let marks = self.photos.get_value();
        let mut rest = Vec::new();
        for command in commands {
            let (id, change): (ItemId, PhotoEdit) = match &command {
                Command::DescribePhoto { id, edit } => (*id, *edit),
                Command::Delete { id } | Command::Restore { id, .. } => (*id, PhotoEdit::default()),
                _ => {
                    rest.push(command);
                    continue;
                }
            };
            let Some(number) = photos::number_of(id) else {
                rest.push(command);
                continue;
            };
            let was = photos::marks_of(&marks, number);
            let now = PhotoMarks {
                is_deleted: match &command {
                    Command::Delete { .. } => true,
                    Command::Restore { .. } => false,
                    _ => was.is_deleted,
                },
                is_favorite: change.is_favorite.unwrap_or(was.is_favorite),
                hidden: change.hidden.unwrap_or(was.hidden),
                archived: change.archived.unwrap_or(was.archived),
            };
            marks.borrow_mut().insert(number, now);
            undo.push(match command {
                Command::Delete { id } => Command::Restore { id, parent: None },
                Command::Restore { id, .. } => Command::Delete { id },
                _ => {
                    let edit = PhotoEdit {
                        is_favorite: Some(was.is_favorite),
                        hidden: Some(was.hidden),
                        archived: Some(was.archived),
                        ..PhotoEdit::default()
                    };
                    Command::DescribePhoto { id, edit }
                }
            });
        }
        rest
    }

    fn answer<T: 'static>(&self, value: T) -> LocalFuture<Result<T, CallError>> {
        let away = self.scene == Scene::Offline;
        Box::pin(async move { if away { Err(CallError::Unreachable) } else { Ok(value) } })
    }
}

impl Cloud for DemoCloud {
    fn account(&self) -> Signal<Account> {
        self.account.into()
    }

    fn sign_in(&self, _: String, _: String) -> LocalFuture<Result<(), CallError>> {
        self.answer(())
    }

    fn register(
        &self,
        _: String,
        _: String,
        _: Option<String>,
        _: Option<String>,
    ) -> LocalFuture<Result<(), CallError>> {
        self.answer(())
    }

    fn sign_out(&self) -> LocalFuture<Result<(), CallError>> {
        self.account.set(Account::SignedOut);
        self.answer(())
    }

    fn is_open(&self) -> Signal<bool> {
        Signal::stored(true)
    }

    fn revision(&self) -> Signal<u64> {
        self.revision.into()
    }

    fn item(&self, id: ItemId) -> Option<Arc<ClientFileItem>> {
        self.tree.with_value(|tree| tree.get(id))
    }

    fn children(&self, folder: ItemId) -> Vec<Arc<ClientFileItem>> {
        self.tree.with_value(|tree| tree.children(folder))
    }

    fn folders(&self, folder: ItemId) -> Vec<Arc<ClientFileItem>> {
        let mut inside = self.children(folder);
        inside.retain(|item| item.item.kind == ItemKind::Folder);
        inside
    }

    fn children_len(&self, folder: ItemId) -> usize {
        self.children(folder).len()
    }

    fn child_named(&self, folder: ItemId, name: &ItemName) -> Option<ItemId> {
        let is_named = |item: &Arc<ClientFileItem>| {
            ItemName::parse(&item.item.name).is_ok_and(|it| it.folded() == name.folded())
        };
        self.children(folder).iter().find(|item| is_named(item)).map(|item| item.item.id)
    }

    fn ancestors(&self, id: ItemId) -> Vec<Arc<ClientFileItem>> {
        self.tree.with_value(|tree| tree.ancestors(id))
    }

    fn search(&self, text: &str, limit: usize) -> Vec<Arc<ClientFileItem>> {
        self.tree.with_value(|tree| tree.search(text, limit))
    }

    fn trash(&self) -> Vec<Arc<ClientFileItem>> {
        self.tree.with_value(Tree::trash)
    }

    fn run(&self, commands: Vec<Command>) -> Vec<Command> {
        let at = now();
        self.settled.update_value(|settled| {
            settled.extend(commands.iter().filter_map(|command| match command {
                Command::Resolve { conflict, .. } => Some(*conflict),
                _ => None,
            }));
        });
        let mut undo: Vec<Command> = Vec::new();
        let commands = self.mark_photos(commands, &mut undo);
        self.tree.update_value(|tree| {
            undo.extend(commands.into_iter().filter_map(|command| tree.run(command, at)));
        });
        undo.reverse();
        self.revision.update(|revision| *revision += 1);
        undo
    }

    fn run_in_turns(&self, commands: Vec<Command>) -> LocalFuture<Vec<Command>> {
        let undo = self.run(commands);
        Box::pin(async { undo })
    }

    fn new_item_id(&self) -> ItemId {
        ItemId(self.next_id())
    }

    fn summary(&self) -> Signal<SyncSummary> {
        self.summary.into()
    }

    fn queue(&self, limit: usize) -> Vec<QueueEntry> {
        let mut queue = scene::queue(self.scene, now());
        queue.truncate(limit);
        queue
    }

    fn retry_now(&self) {
        self.notices.update(|notices| notices.push(Notice { text: "Trying again".to_owned(), undo: None }));
    }

    fn discard(&self, _: OperationId) {
        self.summary.update(|summary| summary.failed = 0);
    }

    fn notices(&self) -> Signal<Vec<Notice>> {
        self.notices.into()
    }

    fn take_notices(&self) -> Vec<Notice> {
        let taken = self.notices.get_untracked();
        self.notices.set(Vec::new());
        taken
    }

    fn upload(&self, folder: ItemId, picked: Picked) {
        for picked in picked.files {
            let upload = UploadView {
                operation_id: OperationId(self.next_id()),
                name: picked.file.name(),
                parent_id: folder,
                group: picked.folders.first().cloned(),
                total_bytes: picked.file.size() as u64,
                sent_bytes: 0,
                skipped_bytes: 0,
                bytes_per_second: None,
                seconds_left: None,
                state: UploadState::Queued,
            };
            self.uploads.update(|uploads| uploads.push(upload));
        }
    }

    fn import(&self, picked: Picked) -> LocalFuture<Rc<dyn Import>> {
        Box::pin(async move { Rc::new(import::DemoImport::of(&picked)) as Rc<dyn Import> })
    }

    fn handed(&self) -> LocalFuture<usize> {
        Box::pin(async { 0 })
    }

    fn take_in_handed(&self) {}

    fn forget_handed(&self) {}

    fn uploads(&self) -> Signal<Vec<UploadView>> {
        self.uploads.into()
    }

    fn control_upload(&self, operation: OperationId, control: UploadControl) {
        self.uploads.update(|uploads| {
            if matches!(control, UploadControl::Cancel | UploadControl::Dismiss) {
                uploads.retain(|upload| upload.operation_id != operation);
            }
            for upload in uploads.iter_mut().filter(|upload| upload.operation_id == operation) {
                upload.state = match control {
                    UploadControl::Pause => UploadState::Paused,
                    _ => UploadState::Uploading,
                };
            }
        });
    }

    fn supply_file(&self, operation: OperationId, _: web_sys::File) {
        self.control_upload(operation, UploadControl::Resume);
    }

    fn content_url(&self, id: ItemId) -> LocalFuture<Result<String, CallError>> {
        let name = self.item(id).map(|item| item.item.name.clone()).unwrap_or_default();
        self.answer(scene::picture_address(&name))
    }

    fn read_text(&self, id: ItemId, bytes_max: usize) -> LocalFuture<Result<String, CallError>> {
        let name = self.item(id).map(|item| item.item.name.clone()).unwrap_or_default();
        let mut text = scene::text_of(&name);
        text.truncate(bytes_max);
        self.answer(text)
    }

    fn edit_text(&self, _: ItemId) -> LocalFuture<Rc<dyn TextEdit>> {
        Box::pin(async { Rc::new(DemoEdit) as Rc<dyn TextEdit> })
    }

    fn edit_base(&self, id: ItemId) -> Option<EditBase> {
        self.item(id).map(|item| EditBase::Version(item.item.version.clone()))
    }

    fn create_text(&self, _: ItemId, _: ItemName, _: String) -> LocalFuture<Option<ItemId>> {
        Box::pin(async { None })
    }

    fn download_url(&self, id: ItemId) -> LocalFuture<Result<String, CallError>> {
        self.answer(format!("/api/v1/files/{id}/download"))
    }

    fn keeping_revision(&self) -> Signal<u64> {
        self.keeping_revision.into()
    }

    fn keeping(&self, id: ItemId) -> Keeping {
        let above = self.ancestors(id).into_iter().map(|folder| folder.item.id);
        self.kept.with_value(|kept| match kept.contains(&id) {
            true => Keeping { kept: Kept::Itself, is_here: true },
            false if above.into_iter().any(|folder| kept.contains(&folder)) => {
                Keeping { kept: Kept::WithFolder, is_here: true }
            }
            false => Keeping::default(),
        })
    }

    fn keep(&self, ids: &[ItemId], is_kept: bool) {
        self.kept.update_value(|kept| {
            kept.retain(|id| !ids.contains(id));
            kept.extend(ids.iter().filter(|_| is_kept));
        });
        self.keeping_revision.update(|revision| *revision += 1);
    }

    fn keeping_progress(&self, _: ItemId) -> LocalFuture<Progress> {
        let amount = |count: usize| Amount { count, bytes: 4_200_000 * count as u64 };
        Box::pin(async move { Progress { here: amount(31), all: amount(266) } })
    }

    fn device_storage(&self) -> LocalFuture<DeviceStorage> {
        let storage = scene::device_storage(self.scene);
        let storage = DeviceStorage { budget: self.budget.get_value(), ..storage };
        Box::pin(async move { storage })
    }

    fn set_seen_budget(&self, bytes: u64) {
        self.budget.set_value(bytes);
        self.keeping_revision.update(|revision| *revision += 1);
    }

    fn set_forms_budget(&self, _: u64) -> LocalFuture<()> {
        Box::pin(async {})
    }

    fn set_forms_ahead(&self, _: bool) -> LocalFuture<()> {
        Box::pin(async {})
    }

    fn forget_seen(&self) -> LocalFuture<()> {
        Box::pin(async {})
    }

    fn ask_to_persist(&self) -> LocalFuture<bool> {
        Box::pin(async { true })
    }

    fn conflicts(&self) -> Vec<Arc<ConflictInfo>> {
        let open = conflicts::conflicts(self.scene, now());
        self.settled.with_value(|settled| open.into_iter().filter(|it| !settled.contains(&it.id)).collect())
    }

    fn conflict_content(&self, _: ConflictId, side: Side) -> LocalFuture<Result<web_sys::Blob, CallError>> {
        let parts = js_sys::Array::of1(&conflicts::text(side).into());
        match web_sys::Blob::new_with_str_sequence(&parts) {
            Ok(blob) => self.answer(blob),
            Err(_) => Box::pin(async { Err(CallError::Unreachable) }),
        }
    }

    fn conflict_url(&self, conflict: ConflictId, _: Side) -> String {
        format!("/api/v1/conflicts/{conflict}/local")
    }

    fn activity(&self, _: Option<String>) -> LocalFuture<Result<ActivityView, CallError>> {
        self.answer(conflicts::activity(now()))
    }

    fn kept_notices(&self) -> LocalFuture<Vec<KeptNotice>> {
        Box::pin(async { Vec::new() })
    }

    fn photo_library(&self) -> Option<ItemId> {
        Some(id_of("photo-library"))
    }

    fn albums(&self) -> Vec<AlbumView> {
        photos::albums(self.scene)
    }

    fn photos(&self, list: PhotoList) -> Rc<dyn PhotoSource> {
        Rc::new(photos::DemoPhotos::new(self.scene, list, self.photos.get_value()))
    }

    fn photos_here(&self, list: PhotoList) -> LocalFuture<Option<Vec<ListedPhoto>>> {
        let listed = photos::listed(self.scene, list, &self.photos.get_value());
        Box::pin(async move { Some(listed) })
    }

    fn photo_hints(&self) -> LocalFuture<PhotoHints> {
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
        let hints = PhotoHints {
            years: texts(&["2026", "2025", "2024"]),
            places: texts(&["Munich", "Starnberg"]),
            cameras: texts(&["Pixel 8 Pro"]),
        };
        Box::pin(async move { hints })
    }

    fn duplicates(&self, _: Option<String>) -> LocalFuture<Result<DuplicatePage, CallError>> {
        self.answer(photos::duplicates(self.scene))
    }

    fn photo_marks(&self, id: ItemId) -> Option<PhotoMarks> {
        Some(photos::marks_of(&self.photos.get_value(), photos::number_of(id)?))
    }

    fn photo_info(&self, id: ItemId) -> Option<PhotoInfo> {
        let (number, count) = (photos::number_of(id)?, photos::photos_of(self.scene));
        Some(photos::photo(number, count, self.photo_marks(id)?).info)
    }

    fn photo(&self, id: ItemId) -> LocalFuture<Result<Rc<Photo>, CallError>> {
        let Some(number) = photos::number_of(id) else {
            return Box::pin(async { Err(CallError::Unreachable) });
        };
        let marks = photos::marks_of(&self.photos.get_value(), number);
        self.answer(Rc::new(photos::photo(number, photos::photos_of(self.scene), marks)))
    }

    fn look_again(&self, id: ItemId) -> LocalFuture<Result<Rc<Photo>, CallError>> {
        self.photo(id)
    }

    fn versions(&self, id: ItemId) -> LocalFuture<Result<Vec<FileVersion>, CallError>> {
        self.answer(scene::versions(self.item(id).as_deref(), now()))
    }

    fn version_url(&self, id: ItemId, version: VersionId) -> String {
        format!("/api/v1/files/{id}/download?version={version}")
    }

    fn restore_version(&self, _: ItemId, _: VersionId) -> LocalFuture<Result<(), CallError>> {
        self.answer(())
    }

    fn devices(&self) -> LocalFuture<Result<Vec<Device>, CallError>> {
        self.answer(scene::devices(now()))
    }

    fn change_password(&self, _: String, _: String) -> LocalFuture<Result<(), CallError>> {
        self.answer(())
    }

    fn remove_device(&self, _: DeviceId) -> LocalFuture<Result<(), CallError>> {
        self.answer(())
    }

    fn refresh_account(&self) {}
}

/// What is typed in the demonstration is gone with the tab.
struct DemoEdit;

impl TextEdit for DemoEdit {
    fn keep(&self, _: String, _: EditBase) {}

    fn save(&self, _: String, base: EditBase) -> LocalFuture<Result<EditBase, SaveError>> {
        Box::pin(async { Ok(base) })
    }
}

/// A stable id for a name, so that addresses can be written down.
pub(crate) fn id_of(name: &str) -> ItemId {
    let folded = name.bytes().fold(0xcbf2_9ce4_8422_2325_u128, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0100_0000_01B3_0000_0000_0000_013B)
    });
    ItemId(Uuid::from_u128(folded))
}

/// `hours` before `at`.
pub(crate) fn hours_before(at: Timestamp, hours: u64) -> Timestamp {
    at - std::time::Duration::from_secs(hours * 3600)
}
