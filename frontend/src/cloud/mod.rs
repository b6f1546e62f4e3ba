//! The app's port, over this browser: who is signed in, and the runtime of their account.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use app::PublicPage;
use app::ports::{
    Account, ActivityView, CallError, Cloud, DeviceStorage, FileType, Keeping, KeptNotice, LocalFuture,
    Notice, Picked, Side, TextEdit, UploadControl, UploadView,
};
use leptos::prelude::*;
use shared::account::{Device, Password, Register, SignIn, SignedIn};
use shared::activity::ActivityPage;
use shared::sync::ConflictInfo;
use shared::upload::FileVersion;
use shared::{ClientFileItem, ConflictId, DeviceId, ItemId, ItemName, OperationId, UserId, VersionId};
use sync::{Command, Content, EditBase, Engine, LocalStore, Meta, QueueEntry, StoreBatch, SyncSummary};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, File};

use crate::api;
use crate::browser;
use crate::contents::{self, Contents, NotFetched, Wanted};
use crate::opfs;
use crate::replica::{Replica, Screen};
use crate::seat::{self, Ended, Seat};
use crate::session::{self, Session};
use crate::store::{IndexedDbStore, RememberedActivity, StoreError};
use crate::tabs::{self, Follower, Leader, Tabs, Wish};
use crate::uploader::staged_file;

#[derive(Clone)]
pub struct BrowserCloud {
    account: ArcRwSignal<Account>,
    screen: Screen,
    /// A tab does not hear itself, but only on the channel that it speaks on.
    tabs: Rc<RefCell<Option<Tabs>>>,
    seat: Rc<RefCell<Option<Seat>>>,
    contents: Rc<RefCell<Option<Rc<Contents>>>>,
    keeping_revision: ArcRwSignal<u64>,
}

impl BrowserCloud {
    /// For pages of the public: it knows whether somebody is signed in, and signs in.
    pub fn for_public_page() -> Self {
        let signed_in = session::remembered().filter(|session| !session.is_lost);
        let account =
            signed_in.map_or(Account::SignedOut, |session| Account::SignedIn(Arc::new(session.signed_in)));
        Self::new(account)
    }

    /// For the signed-in area: brings in the local data and begins to sync, or leads to the sign-in page.
    pub fn for_shell() -> Self {
        let cloud = Self::new(Account::Loading);
        let opening = cloud.clone();
        spawn_local(async move {
            if !opening.open().await {
                opening.account.set(Account::SignedOut);
                leave(PublicPage::SignIn.path());
            }
        });
        cloud
    }

    fn new(account: Account) -> Self {
        Self {
            account: ArcRwSignal::new(account),
            screen: Screen::default(),
            tabs: Rc::default(),
            seat: Rc::default(),
            contents: Rc::default(),
            keeping_revision: ArcRwSignal::default(),
        }
    }

    /// Opens what this browser holds of the account; false if somebody has to sign in first.
    async fn open(&self) -> bool {
        let session = session::recalled().await.filter(|session| !session.is_lost);
        let Some(session) = session else { return false };
        let signed_in = session.signed_in;
        let user = signed_in.user.id;
        let opened = match open_seat(user).await {
            Ok(opened) => opened,
            Err(error) => {
                self.say_storage_failed(&error);
                return true;
            }
        };
        let Some((store, engine, is_leader)) = opened else {
            // The browser dropped the data: the session belongs to a device that is no more.
            session::forget_kept().await;
            let _ = api::sign_out().await;
            return false;
        };
        // The last of what was read was one task, the page that shows it is another.
        browser::turn().await;
        self.account.set(Account::SignedIn(Arc::new(signed_in)));
        self.take_seat(user, Rc::new(store), engine, is_leader);
        self.refresh_account();
        self.rescue_drafts(None).await;
        true
    }

    fn take_seat(&self, user: UserId, store: Rc<IndexedDbStore>, engine: Engine, is_leader: bool) {
        let tabs = Tabs::join(user);
        *self.tabs.borrow_mut() = Some(tabs.clone());
        let contents = Contents::open(store.clone(), tabs.clone(), self.keeping_revision.clone());
        *self.contents.borrow_mut() = Some(contents.clone());
        let cloud = self.clone();
        let ended = move |why| cloud.end(why);
        let replica = Replica::open(engine, self.screen.clone());
        if is_leader {
            let runtime = seat::lead(replica, store, contents, Leader::new(tabs), ended);
            *self.seat.borrow_mut() = Some(Seat::Leading(runtime));
            return;
        }
        let follower = Follower::start(replica, store, tabs.clone(), ended.clone());
        *self.seat.borrow_mut() = Some(Seat::Following(follower.clone()));
        let cloud = self.clone();
        spawn_local(async move {
            tabs::lead_when_free(user).await;
            if let Some(runtime) = seat::succeed(follower, contents, Leader::new(tabs), ended).await {
                *cloud.seat.borrow_mut() = Some(Seat::Leading(runtime));
            }
        });
    }

    /// Leaves for the sign-in page. Data and outbox stay where the server ended the session.
    fn end(&self, why: Ended) {
        if let Some(Seat::Leading(runtime)) = self.seat.borrow_mut().take() {
            runtime.stop();
        }
        let mine = session::remembered().filter(|session| Some(session.signed_in.user.id) == self.user());
        match (why, mine) {
            (Ended::SessionLost, Some(session)) => session::remember(&Session { is_lost: true, ..session }),
            (Ended::SignedOut, Some(_)) => session::forget(),
            // Another account signed in meanwhile.
            (_, None) => {}
        }
        self.account.set(Account::SignedOut);
        leave(PublicPage::SignIn.path());
    }

    fn user(&self) -> Option<UserId> {
        match self.account.get_untracked() {
            Account::SignedIn(signed_in) => Some(signed_in.user.id),
            Account::Loading | Account::SignedOut | Account::Failed(_) => None,
        }
    }

    fn say_storage_failed(&self, error: &StoreError) {
        let text = format!(
            "This browser's storage cannot be opened. Close other tabs and reload the page. ({error})"
        );
        self.account.set(Account::Failed(text));
    }

    pub(crate) fn seat(&self) -> Option<Seat> {
        self.seat.borrow().clone()
    }

    pub(crate) fn with_seat<T>(&self, act: impl FnOnce(&Seat) -> T) -> Option<T> {
        let seat = self.seat.borrow().clone();
        seat.as_ref().map(act)
    }

    fn read<T: Default>(&self, read: impl FnOnce(&Replica) -> T) -> T {
        self.with_seat(|seat| read(seat.replica())).unwrap_or_default()
    }

    fn wish(&self, wish: Wish) {
        self.with_seat(|seat| seat.wish(wish));
    }
}

/// What this browser holds of the account, if anything, and whether this tab leads. A leader reads once the
/// lead is its own: what another tab stored before it gave up the lead counts.
async fn open_seat(user: UserId) -> Result<Option<(IndexedDbStore, Engine, bool)>, StoreError> {
    let store = IndexedDbStore::open(user).await?;
    if store.meta().await?.is_none() {
        return Ok(None);
    }
    let is_leader = tabs::lead_if_free(user).await;
    Ok(store.open_engine().await?.map(|engine| (store, engine, is_leader)))
}

/// Takes up the session on this device: its database is made, or goes on under the device's present id.
async fn adopt(signed_in: SignedIn) -> Result<(), StoreError> {
    let store = IndexedDbStore::open(signed_in.user.id).await?;
    let meta = match store.meta().await? {
        Some(meta) if meta.device_id == signed_in.device.id => None,
        // The device was removed on another one. What waits here is sent under the new id.
        Some(meta) => Some(Meta { device_id: signed_in.device.id, ..meta }),
        None => Some(Meta::new(signed_in.device.id, signed_in.root_id)),
    };
    if meta.is_some() {
        store.apply(&StoreBatch { meta, ..StoreBatch::default() }).await?;
    }
    session::keep(&Session { signed_in, is_lost: false }).await;
    opfs::ask_to_persist().await;
    Ok(())
}

async fn sign_in(username: String, password: Password) -> Result<SignedIn, CallError> {
    if let Some(session) = session::recalled().await {
        // Tabs that still show the last session would go on under the new one's cookie.
        let user = session.signed_in.user.id;
        Tabs::join(user).session_lost();
        tabs::outlive_leader(user).await;
    }
    let device = match session::user_named(&username) {
        Some(user) => known_device(user).await,
        None => None,
    };
    api::sign_in(&SignIn { username, password, device: session::claim(device) }).await
}

/// The device id that this browser's own database knows. One whose data is gone is not used again.
async fn known_device(user: UserId) -> Option<DeviceId> {
    Some(IndexedDbStore::open(user).await.ok()?.meta().await.ok()??.device_id)
}

/// Commands that are run before the page has its turn: a few milliseconds.
const COMMANDS_A_TURN: usize = 250;

/// Up to this size, in bytes, a content comes here whole before it is shown, however it is shown.
const SHOWN_WHOLE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Where an item's bytes are.
enum Bytes {
    Here {
        key: String,
        bytes: Blob,
    },
    /// With the server, which may be asked for them.
    Elsewhere,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Show,
    Save,
}

/// How much of a content is needed before something can be shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    All,
    /// What is played, and the head of a text: the rest may never be asked for.
    Beginning,
}

impl Need {
    fn of(item: &ClientFileItem) -> Self {
        match FileType::of(item) {
            FileType::Audio | FileType::Video => Self::Beginning,
            _ => Self::All,
        }
    }
}

impl BrowserCloud {
    /// The item under which the server has the content: for a copy that it was not told of yet, the original.
    fn held_as(&self, id: ItemId) -> ItemId {
        match self.read(|replica| replica.pending_content(id)) {
            Some((_, Content::Copy { of, .. })) => of,
            _ => id,
        }
    }

    /// Finds an item's bytes. What comes here whole for somebody to look at is kept; a larger content of which
    /// the beginning will do comes from the server as far as it is wanted, and only so: nothing comes twice.
    async fn bytes(&self, id: ItemId, need: Need) -> Result<Bytes, CallError> {
        let (seat, contents) = (self.seat.borrow().clone(), self.contents.borrow().clone());
        let (Some(seat), Some(contents)) = (seat, contents) else { return Err(CallError::Unreachable) };
        let pending = seat.replica().pending_content(id);
        if let Some((operation, content)) = pending.filter(|(_, content)| !is_copy(content)) {
            let bytes = own_bytes(&seat, operation, &content).await.ok_or(CallError::Unreachable)?;
            return Ok(Bytes::Here { key: operation.to_string(), bytes });
        }
        let item = seat.replica().item(id).ok_or(CallError::Unreachable)?;
        let Some(hash) = item.item.content_hash else { return Err(CallError::Unreachable) };
        let here = |bytes| Bytes::Here { key: hash.to_string(), bytes };
        if let Some(bytes) = contents.find(hash).await {
            return Ok(here(bytes));
        }
        let (size, is_away) = (item.item.size, self.is_server_away());
        let is_whole = (size <= SHOWN_WHOLE_BYTES_MAX || need == Need::All) && contents.takes_seen(size);
        let wanted = Wanted { item: self.held_as(id), hash, size };
        if is_whole && !is_away {
            match contents.fetch(wanted).await {
                Ok(()) => {
                    if let Some(bytes) = contents.find(hash).await {
                        return Ok(here(bytes));
                    }
                }
                Err(NotFetched::Call(error)) => return Err(error),
                // What cannot be kept here can be shown all the same.
                Err(NotFetched::Full | NotFetched::OtherBytes | NotFetched::NotKept) => {}
            }
        }
        if is_away {
            return Err(CallError::Unreachable);
        }
        Ok(Bytes::Elsewhere)
    }

    async fn address(&self, id: ItemId, for_use: Use) -> Result<String, CallError> {
        let item = self.item(id).ok_or(CallError::Unreachable)?;
        let is_pending = self.read(|replica| replica.pending_content(id)).is_some();
        if for_use == Use::Save && !is_pending && !self.is_server_away() {
            let is_folder = item.item.kind == shared::ItemKind::Folder;
            return Ok(if is_folder { api::zip_url(id) } else { api::download_url(id) });
        }
        match self.bytes(id, Need::of(&item)).await? {
            Bytes::Here { key, bytes } => {
                let contents = self.contents.borrow().clone();
                let url = contents.and_then(|contents| contents.url(key, &bytes, &item.item));
                url.ok_or(CallError::Unreachable)
            }
            Bytes::Elsewhere => Ok(api::inline_url(self.held_as(id))),
        }
    }

    /// Whether the last call got no answer. Before the first one there is hope.
    fn is_server_away(&self) -> bool {
        !browser::is_online() || self.screen.summary.with_untracked(|it| !it.online && !it.is_connecting())
    }
}

/// Whether the server has the bytes, under another item.
fn is_copy(content: &Content) -> bool {
    matches!(content, Content::Copy { .. })
}

/// The bytes of a content that only this device has so far.
async fn own_bytes(seat: &Seat, operation: OperationId, content: &Content) -> Option<Blob> {
    match (content, seat) {
        (Content::Upload { staged, .. }, Seat::Leading(runtime)) => match runtime.uploader.file(operation) {
            Some(file) => Some(file.into()),
            None => staged_file(&runtime.store, staged.as_deref()?).await,
        },
        (Content::Upload { staged, .. }, Seat::Following(follower)) => {
            staged_file(&follower.store, staged.as_deref()?).await
        }
        (Content::Copy { .. }, _) => None,
        (Content::Stored { .. }, _) => contents::blob(&seat.store().content(operation).await.ok()??),
    }
}

/// A full load of another document.
fn leave(address: &str) {
    if let Some(window) = web_sys::window() {
        let _ = window.location().replace(address);
    }
}

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
        Box::pin(async move {
            match api::sign_out().await {
                // A session that is gone already is signed out.
                Err(CallError::Refused(problem)) if problem.status == 401 => {}
                other => other?,
            }
            let seat = cloud.seat.borrow().clone();
            if let Some((seat, user)) = seat.zip(cloud.user()) {
                if let Some(tabs) = &*cloud.tabs.borrow() {
                    tabs.signed_out();
                }
                match &seat {
                    Seat::Leading(runtime) => runtime.stop(),
                    Seat::Following(_) => tabs::outlive_leader(user).await,
                }
                // What cannot be wiped is useless without the session, and wiped by the next sign-out.
                let _ = seat.store().clear().await;
                opfs::remove_all(&seat.store().name()).await;
                contents::forget_all(seat.store()).await;
            }
            session::forget_kept().await;
            cloud.end(Ended::SignedOut);
            Ok(())
        })
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
        Box::pin(async move { cloud.address(id, Use::Show).await })
    }

    fn read_text(&self, id: ItemId, bytes_max: usize) -> LocalFuture<Result<String, CallError>> {
        let cloud = self.clone();
        Box::pin(async move {
            let bytes = match cloud.bytes(id, Need::Beginning).await? {
                Bytes::Here { bytes, .. } => {
                    let head = bytes.slice_with_i32_and_f64(0, bytes_max as f64);
                    let head = head.map_err(|_| CallError::Unreachable)?.array_buffer();
                    let head = JsFuture::from(head).await.map_err(|_| CallError::Unreachable)?;
                    js_sys::Uint8Array::new(&head).to_vec()
                }
                Bytes::Elsewhere => api::read_head(cloud.held_as(id), bytes_max).await?,
            };
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        })
    }

    fn edit_text(&self, id: ItemId) -> LocalFuture<Rc<dyn TextEdit>> {
        let cloud = self.clone();
        Box::pin(async move { cloud.begin_edit(id).await })
    }

    fn edit_base(&self, id: ItemId) -> Option<EditBase> {
        self.with_seat(|seat| seat.replica().edit_base(id)).flatten()
    }

    fn create_text(&self, folder: ItemId, name: ItemName, text: String) -> LocalFuture<Option<ItemId>> {
        let cloud = self.clone();
        Box::pin(async move { cloud.create_text_file(folder, name, text).await })
    }

    fn download_url(&self, id: ItemId) -> LocalFuture<Result<String, CallError>> {
        let cloud = self.clone();
        Box::pin(async move { cloud.address(id, Use::Save).await })
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
            let above = replica.ancestor_ids(id);
            Keeping { kept: contents.kept(id, above), is_here: replica.item(id).is_some_and(here) }
        })
    }

    fn keep(&self, ids: &[ItemId], is_kept: bool) {
        if let Some(contents) = &*self.contents.borrow() {
            contents.keep(ids, is_kept);
        }
    }

    fn device_storage(&self) -> LocalFuture<DeviceStorage> {
        let cloud = self.clone();
        Box::pin(async move {
            let (contents, seat) = (cloud.contents.borrow().clone(), cloud.seat.borrow().clone());
            match contents.zip(seat) {
                Some((contents, seat)) => contents::storage(&contents, seat.replica()).await,
                None => DeviceStorage::default(),
            }
        })
    }

    fn set_seen_budget(&self, bytes: u64) {
        if let Some(contents) = &*self.contents.borrow() {
            contents.set_budget(bytes);
        }
    }

    fn ask_to_persist(&self) -> LocalFuture<bool> {
        Box::pin(opfs::ask_to_persist())
    }

    fn conflicts(&self) -> Vec<Arc<ConflictInfo>> {
        self.read(Replica::conflicts)
    }

    fn conflict_content(&self, conflict: ConflictId, side: Side) -> LocalFuture<Result<Blob, CallError>> {
        let contents = self.contents.borrow().clone();
        let hash = self.conflicts().iter().find(|open| open.id == conflict).map(|open| match side {
            Side::Local => open.local_content_hash,
            Side::Server => open.server_content_hash,
        });
        Box::pin(async move {
            let Some((contents, hash)) = contents.zip(hash) else {
                return api::conflict_content(conflict, side).await;
            };
            if let Some(here) = contents.find(hash).await {
                return Ok(here);
            }
            let fetched = api::conflict_content(conflict, side).await?;
            contents.remember(hash, fetched.clone()).await;
            Ok(fetched)
        })
    }

    fn conflict_url(&self, conflict: ConflictId, side: Side) -> String {
        api::conflict_url(conflict, side)
    }

    fn activity(&self, cursor: Option<String>) -> LocalFuture<Result<ActivityView, CallError>> {
        let store = self.with_seat(|seat| seat.store().clone());
        Box::pin(async move {
            let is_first = cursor.is_none();
            let answer = api::activity(cursor.as_deref()).await;
            let (page, as_of) = match (answer, store) {
                (Ok(page), Some(store)) if is_first => {
                    let remembered = RememberedActivity { as_of: browser::now(), page };
                    // What cannot be kept is shown all the same.
                    let _ = store.remember_activity(&remembered).await;
                    (remembered.page, None)
                }
                (Ok(page), _) => (page, None),
                (Err(CallError::Unreachable), Some(store)) if is_first => {
                    let remembered = store.remembered_activity().await.ok().flatten();
                    let RememberedActivity { as_of, page } = remembered.ok_or(CallError::Unreachable)?;
                    (ActivityPage { next_cursor: None, ..page }, Some(as_of))
                }
                (Err(error), _) => return Err(error),
            };
            Ok(ActivityView { activities: page.activities, next_cursor: page.next_cursor, as_of })
        })
    }

    fn kept_notices(&self) -> LocalFuture<Vec<KeptNotice>> {
        let store = self.with_seat(|seat| seat.store().clone());
        Box::pin(async move {
            match store {
                Some(store) => store.notices().await.unwrap_or_default(),
                None => Vec::new(),
            }
        })
    }

    fn versions(&self, id: ItemId) -> LocalFuture<Result<Vec<FileVersion>, CallError>> {
        Box::pin(api::versions(id))
    }

    fn version_url(&self, id: ItemId, version: VersionId) -> String {
        api::version_url(id, version)
    }

    fn restore_version(&self, id: ItemId, version: VersionId) -> LocalFuture<Result<(), CallError>> {
        let cloud = self.clone();
        Box::pin(async move {
            api::restore_version(id, version, OperationId(browser::new_id())).await?;
            cloud.retry_now();
            Ok(())
        })
    }

    fn devices(&self) -> LocalFuture<Result<Vec<Device>, CallError>> {
        Box::pin(api::devices())
    }

    fn remove_device(&self, id: DeviceId) -> LocalFuture<Result<(), CallError>> {
        Box::pin(api::remove_device(id))
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
