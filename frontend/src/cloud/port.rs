//! The port itself: each call to whoever does it.

use std::rc::Rc;
use std::sync::Arc;

use app::ports::{
    Account, ActivityView, CallError, Cloud, DeviceStorage, Import, Keeping, KeptNotice, ListedPhoto,
    LocalFuture, Notice, PhotoHints, PhotoList, PhotoMarks, PhotoSource, Picked, Progress, Side, TextEdit,
    UploadControl, UploadView,
};
use leptos::prelude::*;
use shared::account::{ChangePassword, Device, Password, Register};
use shared::photo::{DuplicatePage, Photo, PhotoInfo};
use shared::sync::ConflictInfo;
use shared::upload::FileVersion;
use shared::{ClientFileItem, ConflictId, DeviceId, ItemId, ItemName, OperationId, VersionId};
use sync::{AlbumView, Command, EditBase, QueueEntry, SyncSummary};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, File};

use super::BrowserCloud;
use super::bytes::Use;
use super::entry::{adopt, sign_in};
use crate::api;
use crate::browser;
use crate::later;
use crate::opfs;
use crate::replica::Replica;
use crate::session::{self, Session};
use crate::tabs::Wish;

/// Commands that are run before the page has its turn: a few milliseconds.
const COMMANDS_A_TURN: usize = 250;

impl Cloud for BrowserCloud {
    fn account(&self) -> Signal<Account> {
        self.account.clone().into()
    }

    fn sign_in(&self, username: String, password: String) -> LocalFuture<Result<(), CallError>> {
        Box::pin(async move {
            let signed_in = sign_in(username, Password(password)).await?;
            // A browser without storage cannot hold what this app promises to hold.
            adopt(signed_in).await.map_err(|_| CallError::Unreachable)
        })
    }

    fn register(
        &self,
        username: String,
        password: String,
        display_name: Option<String>,
        invite: Option<String>,
    ) -> LocalFuture<Result<(), CallError>> {
        let cloud = self.clone();
        Box::pin(async move {
            let body = Register {
                username: username.clone(),
                password: Password(password.clone()),
                display_name,
                invite,
            };
            api::register(&body).await?;
            cloud.sign_in(username, password).await
        })
    }

    fn sign_out(&self) -> LocalFuture<Result<(), CallError>> {
        let cloud = self.clone();
        later::call(move |code| (code.leave_account)(cloud))
    }

    fn is_open(&self) -> Signal<bool> {
        self.is_open.clone().into()
    }

    fn revision(&self) -> Signal<u64> {
        self.screen.revision.clone().into()
    }

    fn item(&self, id: ItemId) -> Option<Arc<ClientFileItem>> {
        self.read(|replica| replica.item(id))
    }

    fn children(&self, folder: ItemId) -> Vec<Arc<ClientFileItem>> {
        self.read(|replica| replica.children(folder))
    }

    fn folders(&self, folder: ItemId) -> Vec<Arc<ClientFileItem>> {
        self.read(|replica| replica.folders(folder))
    }

    fn children_len(&self, folder: ItemId) -> usize {
        self.read(|replica| replica.children_len(folder))
    }

    fn child_named(&self, folder: ItemId, name: &ItemName) -> Option<ItemId> {
        self.read(|replica| replica.child_named(folder, name))
    }

    fn ancestors(&self, id: ItemId) -> Vec<Arc<ClientFileItem>> {
        self.read(|replica| replica.ancestors(id))
    }

    fn search(&self, text: &str, limit: usize) -> Vec<Arc<ClientFileItem>> {
        self.read(|replica| replica.search(text, limit))
    }

    fn trash(&self) -> Vec<Arc<ClientFileItem>> {
        self.read(Replica::trash)
    }

    fn run(&self, commands: Vec<Command>) -> Vec<Command> {
        let ran = self.with_seat(|seat| seat.run(commands)).unwrap_or_default();
        for (_, error) in &ran.refused {
            self.screen.say(error.to_string());
        }
        ran.undo
    }

    fn run_in_turns(&self, commands: Vec<Command>) -> LocalFuture<Vec<Command>> {
        let cloud = self.clone();
        Box::pin(async move {
            let (mut undos, mut commands) = (Vec::new(), commands.into_iter());
            while commands.len() > 0 {
                undos.push(cloud.run(commands.by_ref().take(COMMANDS_A_TURN).collect()));
                let Some(seat) = cloud.seat() else { break };
                seat.catch_up().await;
            }
            undos.into_iter().rev().flatten().collect()
        })
    }

    fn new_item_id(&self) -> ItemId {
        ItemId(browser::new_id())
    }

    fn summary(&self) -> Signal<SyncSummary> {
        self.screen.summary.clone().into()
    }

    fn queue(&self, limit: usize) -> Vec<QueueEntry> {
        self.read(|replica| replica.queue(limit))
    }

    fn retry_now(&self) {
        self.wish(Wish::RetryNow);
    }

    fn discard(&self, operation: OperationId) {
        self.wish(Wish::Discard(operation));
    }

    fn notices(&self) -> Signal<Vec<Notice>> {
        self.screen.notices.clone().into()
    }

    fn take_notices(&self) -> Vec<Notice> {
        let taken = self.screen.notices.get_untracked();
        if !taken.is_empty() {
            self.screen.notices.set(Vec::new());
        }
        taken
    }

    fn upload(&self, folder: ItemId, picked: Picked) {
        self.wish(Wish::Upload(folder, picked));
    }

    fn import(&self, picked: Picked) -> LocalFuture<Rc<dyn Import>> {
        let cloud = self.clone();
        later::once_here(move |code| (code.import)(cloud, picked))
    }

    fn handed(&self) -> LocalFuture<usize> {
        later::once_here(|code| (code.handed_count)())
    }

    fn take_in_handed(&self) {
        let cloud = self.clone();
        later::spawn(move |code| (code.take_in_handed)(cloud));
    }

    fn forget_handed(&self) {
        later::spawn(|code| (code.forget_handed)());
    }

    fn uploads(&self) -> Signal<Vec<UploadView>> {
        self.screen.uploads.clone().into()
    }

    fn control_upload(&self, operation: OperationId, control: UploadControl) {
        self.wish(Wish::Control(operation, control));
    }

    fn supply_file(&self, operation: OperationId, file: File) {
        self.wish(Wish::Supply(operation, file));
    }

    fn content_url(&self, id: ItemId) -> LocalFuture<Result<String, CallError>> {
        let cloud = self.clone();
        later::call(move |code| (code.address)(cloud, id, Use::Show))
    }

    fn read_text(&self, id: ItemId, bytes_max: usize) -> LocalFuture<Result<String, CallError>> {
        let cloud = self.clone();
        later::call(move |code| (code.head_of_text)(cloud, id, bytes_max))
    }

    fn edit_text(&self, id: ItemId) -> LocalFuture<Rc<dyn TextEdit>> {
        let cloud = self.clone();
        later::once_here(move |code| (code.begin_edit)(cloud, id))
    }

    fn edit_base(&self, id: ItemId) -> Option<EditBase> {
        self.with_seat(|seat| seat.replica().edit_base(id)).flatten()
    }

    fn create_text(&self, folder: ItemId, name: ItemName, text: String) -> LocalFuture<Option<ItemId>> {
        let cloud = self.clone();
        later::once_here(move |code| (code.create_text)(cloud, folder, name, text))
    }

    fn download_url(&self, id: ItemId) -> LocalFuture<Result<String, CallError>> {
        let cloud = self.clone();
        later::call(move |code| (code.address)(cloud, id, Use::Save))
    }

    fn keeping_revision(&self) -> Signal<u64> {
        self.keeping_revision.clone().into()
    }

    fn keeping(&self, id: ItemId) -> Keeping {
        let contents = self.contents.borrow().clone();
        let Some(contents) = contents else { return Keeping::default() };
        self.read(|replica| {
            let here = |item: Arc<ClientFileItem>| {
                item.item.content_hash.is_some_and(|hash| contents.holds(hash))
                    || replica.pending_content(id).is_some()
            };
            let above = replica.kept_with(id);
            Keeping { kept: contents.kept(id, above), is_here: replica.item(id).is_some_and(here) }
        })
    }

    fn keep(&self, ids: &[ItemId], is_kept: bool) {
        if let Some(contents) = &*self.contents.borrow() {
            contents.keep(ids, is_kept);
        }
    }

    fn keeping_progress(&self, folder: ItemId) -> LocalFuture<Progress> {
        let (contents, seat) = (self.contents.borrow().clone(), self.seat());
        Box::pin(async move {
            let code = later::here().await;
            let here = contents.zip(seat);
            here.map_or_else(Progress::default, |(contents, seat)| {
                (code.keeping_progress)(&contents, seat.replica(), folder)
            })
        })
    }

    fn device_storage(&self) -> LocalFuture<DeviceStorage> {
        let cloud = self.clone();
        later::once_here(move |code| (code.device_storage)(cloud))
    }

    fn set_seen_budget(&self, bytes: u64) {
        if let Some(contents) = &*self.contents.borrow() {
            contents.set_budget(bytes);
        }
    }

    fn set_forms_budget(&self, bytes: u64) -> LocalFuture<()> {
        self.choose_forms(move |code| (code.set_forms_budget)(bytes))
    }

    fn set_forms_ahead(&self, is_ahead: bool) -> LocalFuture<()> {
        self.choose_forms(move |code| (code.set_forms_ahead)(is_ahead))
    }

    fn forget_seen(&self) -> LocalFuture<()> {
        if let Some(contents) = &*self.contents.borrow() {
            contents.forget_seen();
        }
        later::once_here(|code| (code.forget_seen_forms)())
    }

    fn ask_to_persist(&self) -> LocalFuture<bool> {
        Box::pin(opfs::ask_to_persist())
    }

    fn conflicts(&self) -> Vec<Arc<ConflictInfo>> {
        self.read(Replica::conflicts)
    }

    fn conflict_content(&self, conflict: ConflictId, side: Side) -> LocalFuture<Result<Blob, CallError>> {
        let cloud = self.clone();
        later::call(move |code| (code.side_of_conflict)(cloud, conflict, side))
    }

    fn conflict_url(&self, conflict: ConflictId, side: Side) -> String {
        api::conflict_url(conflict, side)
    }

    fn activity(&self, cursor: Option<String>) -> LocalFuture<Result<ActivityView, CallError>> {
        let store = self.with_seat(|seat| seat.store().clone());
        later::call(move |code| (code.activity)(store, cursor))
    }

    fn kept_notices(&self) -> LocalFuture<Vec<KeptNotice>> {
        let store = self.with_seat(|seat| seat.store().clone());
        later::once_here(move |code| (code.kept_notices)(store))
    }

    fn photo_library(&self) -> Option<ItemId> {
        self.with_seat(|seat| seat.replica().photo_library()).flatten()
    }

    fn albums(&self) -> Vec<AlbumView> {
        self.with_seat(|seat| seat.replica().albums()).unwrap_or_default()
    }

    fn photos(&self, list: PhotoList) -> Rc<dyn PhotoSource> {
        let photos = self.photos.borrow().clone();
        // The signed-in area is shown once there are lists.
        photos.map_or_else(|| unreachable!("photos are shown of an account"), |photos| photos.list(list))
    }

    fn photos_here(&self, list: PhotoList) -> LocalFuture<Option<Vec<ListedPhoto>>> {
        let seat = self.seat();
        Box::pin(async move {
            let code = later::here().await;
            (code.listed_photos)(seat?.replica(), list)
        })
    }

    fn photo_hints(&self) -> LocalFuture<PhotoHints> {
        let cloud = self.clone();
        later::once_here(move |code| (code.photo_hints)(cloud))
    }

    fn duplicates(&self, cursor: Option<String>) -> LocalFuture<Result<DuplicatePage, CallError>> {
        later::call(move |code| (code.duplicates)(cursor))
    }

    fn photo_marks(&self, id: ItemId) -> Option<PhotoMarks> {
        self.with_seat(|seat| seat.replica().photo_marks(id)).flatten()
    }

    fn photo_info(&self, id: ItemId) -> Option<PhotoInfo> {
        self.with_seat(|seat| seat.replica().photo_info(id)).flatten()
    }

    fn photo(&self, id: ItemId) -> LocalFuture<Result<Rc<Photo>, CallError>> {
        let photos = self.photos.borrow().clone();
        Box::pin(async move { photos.ok_or(CallError::Unreachable)?.photo(id).await })
    }

    fn look_again(&self, id: ItemId) -> LocalFuture<Result<Rc<Photo>, CallError>> {
        later::call(move |code| (code.look_again)(id))
    }

    fn versions(&self, id: ItemId) -> LocalFuture<Result<Vec<FileVersion>, CallError>> {
        later::call(move |code| (code.versions)(id))
    }

    fn version_url(&self, id: ItemId, version: VersionId) -> String {
        api::version_url(id, version)
    }

    fn restore_version(&self, id: ItemId, version: VersionId) -> LocalFuture<Result<(), CallError>> {
        let cloud = self.clone();
        later::call(move |code| {
            Box::pin(async move {
                (code.restore_version)(id, version).await?;
                cloud.retry_now();
                Ok(())
            })
        })
    }

    fn devices(&self) -> LocalFuture<Result<Vec<Device>, CallError>> {
        later::call(|code| (code.devices)())
    }

    fn change_password(&self, current: String, new: String) -> LocalFuture<Result<(), CallError>> {
        let body = ChangePassword { current_password: Password(current), new_password: Password(new) };
        later::call(move |code| (code.change_password)(body))
    }

    fn remove_device(&self, id: DeviceId) -> LocalFuture<Result<(), CallError>> {
        later::call(move |code| (code.remove_device)(id))
    }

    fn refresh_account(&self) {
        let account = self.account.clone();
        spawn_local(async move {
            if let Ok(signed_in) = api::me().await
                && let Some(session) = session::remembered()
                && session.signed_in.user.id == signed_in.user.id
                && session.signed_in.device.id == signed_in.device.id
            {
                session::remember(&Session { signed_in: signed_in.clone(), ..session });
                account.set(Account::SignedIn(Arc::new(signed_in)));
            }
        });
    }
}
