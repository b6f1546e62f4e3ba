//! The part of the browser's code that no list needs: what takes files in and sends them, keeps contents here, and
//! answers what pages and dialogs of `app::parts` ask. It is in the same file as theirs.

use std::rc::Rc;
use std::time::Duration;

use app::ports::{
    ActivityView, CallError, DeviceStorage, Import, KeptNotice, ListedPhoto, LocalFuture, PhotoHints,
    PhotoList, Picked, Progress, Side, TextEdit,
};
use futures::channel::mpsc::{Receiver, UnboundedReceiver};
use shared::account::{ChangePassword, Device};
use shared::activity::ActivityPage;
use shared::photo::{DuplicatePage, Photo};
use shared::upload::{FileVersion, UploadCompleted};
use shared::{ConflictId, DeviceId, ItemId, ItemName, OperationId, VersionId};
use sync::{UploadError, UploadOrder};
use wasm_bindgen_futures::spawn_local;
use wasm_split_helpers::{SplitLoaderError, wasm_split};
use web_sys::Blob;

use crate::api;
use crate::backoff::Backoff;
use crate::browser;
use crate::cloud::{BrowserCloud, Use};
use crate::contents::{self, Contents, ToKeep, Wake};
use crate::handed;
use crate::import;
use crate::intake;
use crate::photos;
use crate::replica::Replica;
use crate::runtime::Runtime;
use crate::store::{IndexedDbStore, RememberedActivity};
use crate::uploader::{Job, Uploader};

type Sent = LocalFuture<Result<UploadCompleted, UploadError>>;
type Call<T> = LocalFuture<Result<T, CallError>>;

/// Between two tries to fetch the part.
const RETRY: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(1));

#[derive(Clone, Copy)]
pub struct Later {
    pub take_in: fn(Rc<Runtime>, ItemId, Picked) -> LocalFuture<()>,
    pub import: fn(BrowserCloud, Picked) -> LocalFuture<Rc<dyn Import>>,
    pub send: fn(Rc<Uploader>, Rc<Job>, UploadOrder) -> Sent,
    pub keep_contents: fn(Rc<Contents>, Rc<Replica>, UnboundedReceiver<Wake>) -> LocalFuture<()>,
    pub fetch_ahead: fn(Rc<Contents>, Rc<Replica>, Receiver<()>) -> LocalFuture<()>,
    pub address: fn(BrowserCloud, ItemId, Use) -> Call<String>,
    pub head_of_text: fn(BrowserCloud, ItemId, usize) -> Call<String>,
    pub begin_edit: fn(BrowserCloud, ItemId) -> LocalFuture<Rc<dyn TextEdit>>,
    pub create_text: fn(BrowserCloud, ItemId, ItemName, String) -> LocalFuture<Option<ItemId>>,
    pub side_of_conflict: fn(BrowserCloud, ConflictId, Side) -> Call<Blob>,
    pub device_storage: fn(BrowserCloud) -> LocalFuture<DeviceStorage>,
    pub keeping_progress: fn(&Contents, &Replica, ItemId) -> Progress,
    pub set_forms_budget: fn(u64) -> LocalFuture<()>,
    pub set_forms_ahead: fn(bool) -> LocalFuture<()>,
    pub forget_seen_forms: fn() -> LocalFuture<()>,
    pub listed_photos: fn(&Replica, PhotoList) -> Option<Vec<ListedPhoto>>,
    pub photo_hints: fn(BrowserCloud) -> LocalFuture<PhotoHints>,
    pub duplicates: fn(Option<String>) -> Call<DuplicatePage>,
    pub look_again: fn(ItemId) -> Call<Rc<Photo>>,
    pub handed_count: fn() -> LocalFuture<usize>,
    pub take_in_handed: fn(BrowserCloud) -> LocalFuture<()>,
    pub forget_handed: fn() -> LocalFuture<()>,
    pub activity: fn(Option<Rc<IndexedDbStore>>, Option<String>) -> Call<ActivityView>,
    pub kept_notices: fn(Option<Rc<IndexedDbStore>>) -> LocalFuture<Vec<KeptNotice>>,
    pub versions: fn(ItemId) -> Call<Vec<FileVersion>>,
    pub restore_version: fn(ItemId, VersionId) -> Call<()>,
    pub change_password: fn(ChangePassword) -> Call<()>,
    pub devices: fn() -> Call<Vec<Device>>,
    pub remove_device: fn(DeviceId) -> Call<()>,
    pub leave_account: fn(BrowserCloud) -> Call<()>,
}

#[wasm_split(rest, fallible)]
#[allow(clippy::unnecessary_wraps, reason = "fetching the part is what fails")]
fn later() -> Result<Later, SplitLoaderError> {
    Ok(Later {
        take_in: |runtime, folder, picked| Box::pin(intake::take_in(runtime, folder, picked)),
        import: |cloud, picked| Box::pin(async move { import::begin(cloud, picked) }),
        send: |uploader, job, order| Box::pin(async move { uploader.perform(&job, order).await }),
        keep_contents: |contents, replica, woken| Box::pin(contents::keep(contents, replica, woken)),
        fetch_ahead: |contents, replica, woken| Box::pin(photos::fetch_ahead(contents, replica, woken)),
        address: |cloud, id, for_use| Box::pin(async move { cloud.address(id, for_use).await }),
        head_of_text: |cloud, id, bytes_max| Box::pin(async move { cloud.head_of_text(id, bytes_max).await }),
        begin_edit: |cloud, id| Box::pin(async move { cloud.begin_edit(id).await }),
        create_text: |cloud, folder, name, text| {
            Box::pin(async move { cloud.create_text_file(folder, name, text).await })
        },
        side_of_conflict: |cloud, conflict, side| {
            Box::pin(async move { cloud.side_of_conflict(conflict, side).await })
        },
        device_storage: |cloud| Box::pin(async move { cloud.storage_here().await }),
        keeping_progress: |contents, replica, folder| {
            let within = replica.within(folder);
            contents.progress(within.iter().filter_map(|item| ToKeep::of(item)).map(|it| it.content))
        },
        set_forms_budget: |bytes| Box::pin(photos::set_budget(bytes)),
        set_forms_ahead: |is_ahead| Box::pin(photos::set_ahead(is_ahead)),
        forget_seen_forms: || Box::pin(photos::forget_seen()),
        listed_photos: Replica::listed_photos,
        photo_hints: |cloud| {
            let hints = cloud.with_seat(|seat| seat.replica().photo_hints()).unwrap_or_default();
            Box::pin(async move { hints })
        },
        duplicates: |cursor| Box::pin(async move { api::duplicates(cursor.as_deref()).await }),
        look_again: |id| Box::pin(photos::look_again(id)),
        handed_count: || Box::pin(handed::count()),
        take_in_handed: |cloud| Box::pin(handed::take_in(cloud)),
        forget_handed: || Box::pin(handed::forget()),
        activity: |store, cursor| Box::pin(activity(store, cursor)),
        kept_notices: |store| Box::pin(kept_notices(store)),
        versions: |id| Box::pin(api::versions(id)),
        restore_version: |id, version| {
            Box::pin(async move {
                api::restore_version(id, version, OperationId(browser::new_id())).await.map(drop)
            })
        },
        change_password: |body| Box::pin(async move { api::change_password(&body).await }),
        devices: || Box::pin(api::devices()),
        remove_device: |id| Box::pin(api::remove_device(id)),
        leave_account: |cloud| Box::pin(async move { cloud.leave_account().await }),
    })
}

/// The part, when it is here. Its file is held with the page's own, so what fails is a line that fails.
pub async fn here() -> Later {
    let mut failures = 0;
    loop {
        if let Ok(code) = later().await {
            return code;
        }
        failures += 1;
        browser::sleep(RETRY.wait(failures, browser::chance()).as_millis() as u64).await;
    }
}

/// What the part does for somebody who waits for it.
pub fn call<T: 'static>(begin: impl FnOnce(Later) -> Call<T> + 'static) -> Call<T> {
    Box::pin(async move {
        match later().await {
            Ok(code) => begin(code).await,
            Err(_) => Err(CallError::Unreachable),
        }
    })
}

/// What the part does, as soon as it is here.
pub fn once_here<T: 'static>(begin: impl FnOnce(Later) -> LocalFuture<T> + 'static) -> LocalFuture<T> {
    Box::pin(async move { begin(here().await).await })
}

pub fn spawn(begin: impl FnOnce(Later) -> LocalFuture<()> + 'static) {
    spawn_local(once_here(begin));
}

/// The first page of what happened, also where the server is away: as it was when it was last asked.
async fn activity(
    store: Option<Rc<IndexedDbStore>>,
    cursor: Option<String>,
) -> Result<ActivityView, CallError> {
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
}

async fn kept_notices(store: Option<Rc<IndexedDbStore>>) -> Vec<KeptNotice> {
    match store {
        Some(store) => store.notices().await.unwrap_or_default(),
        None => Vec::new(),
    }
}
