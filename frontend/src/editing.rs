//! Texts that are edited in this tab: a draft at every key, the outbox at every pause.
//!
//! A draft belongs to an editor, which holds a lock of its name while it lives. A draft whose lock is free is
//! what a killed tab left behind: it goes to the outbox, made on what its editor had opened.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use app::ports::{LocalFuture, SaveError, TextEdit};
use app::words;
use shared::limits::PUSH_DATA_BYTES_MAX;
use shared::{ItemId, ItemName};
use sync::{Command, CommandError, EditBase, NewContent};
use uuid::Uuid;
use wasm_bindgen_futures::spawn_local;

use crate::browser;
use crate::cloud::BrowserCloud;
use crate::locks::{self, Held};
use crate::seat::Seat;
use crate::store::{Draft, IndexedDbStore, UploadRecord};

/// An editor's draft in the store. One write at a time; whatever comes meanwhile goes with the next.
struct Keeper {
    store: Rc<IndexedDbStore>,
    id: Uuid,
    item: ItemId,
    name: String,
    /// What the store is to hold next.
    next: RefCell<Option<Wanted>>,
    /// The draft that the store holds, or is about to.
    kept: RefCell<Option<String>>,
    is_writing: Cell<bool>,
}

/// What the store is to hold of an editor.
enum Wanted {
    Draft(String, EditBase),
    Nothing,
}

impl Keeper {
    fn keep(self: &Rc<Self>, wanted: Wanted) {
        *self.kept.borrow_mut() = match &wanted {
            Wanted::Draft(text, _) => Some(text.clone()),
            Wanted::Nothing => None,
        };
        *self.next.borrow_mut() = Some(wanted);
        if self.is_writing.replace(true) {
            return;
        }
        let keeper = self.clone();
        spawn_local(async move {
            while let Some(wanted) = keeper.take_next() {
                // Where the store fails, the outbox's own attempt tells the person.
                let _ = match wanted {
                    Wanted::Draft(text, base) => {
                        let (id, item, name) = (keeper.id, keeper.item, keeper.name.clone());
                        keeper.store.put_draft(&Draft { id, item, name, text, base }).await
                    }
                    Wanted::Nothing => keeper.store.forget_draft(keeper.id).await,
                };
            }
            keeper.is_writing.set(false);
        });
    }

    fn take_next(&self) -> Option<Wanted> {
        self.next.borrow_mut().take()
    }

    /// `saved` is in the outbox: it needs no draft, and what was typed since is made on it.
    fn saved(self: &Rc<Self>, saved: &str, base: &EditBase) {
        let typed_since = self.kept.borrow().clone().filter(|kept| kept != saved);
        self.keep(typed_since.map_or(Wanted::Nothing, |text| Wanted::Draft(text, base.clone())));
    }
}

/// An open editor.
pub struct BrowserEdit {
    cloud: BrowserCloud,
    keeper: Rc<Keeper>,
    _lock: Option<Held>,
}

impl TextEdit for BrowserEdit {
    fn keep(&self, text: String, base: EditBase) {
        self.keeper.keep(Wanted::Draft(text, base));
    }

    fn save(&self, text: String, base: EditBase) -> LocalFuture<Result<EditBase, SaveError>> {
        let Some(seat) = self.cloud.seat() else {
            return Box::pin(async { Err(SaveError::NotStored) });
        };
        let (keeper, item) = (self.keeper.clone(), self.keeper.item);
        let content = Bytes::of(text.clone(), &keeper.name);
        // The outbox has a small text before this returns, so that a page may save on its way out.
        let saving = save(seat, content, move |content| set_content(item, content, base.clone()));
        Box::pin(async move {
            let base = saving.await?;
            keeper.saved(&text, &base);
            Ok(base)
        })
    }
}

fn set_content(id: ItemId, content: NewContent, base: EditBase) -> Command {
    Command::SetContent { id, content, modified_at: Some(browser::now()), base: Some(base) }
}

/// A text on its way into the outbox.
enum Bytes {
    Small(Vec<u8>),
    Large { bytes: Vec<u8>, name: String },
}

impl Bytes {
    fn of(text: String, name: &str) -> Self {
        let bytes = text.into_bytes();
        if bytes.len() <= PUSH_DATA_BYTES_MAX {
            Self::Small(bytes)
        } else {
            Self::Large { bytes, name: name.to_owned() }
        }
    }
}

/// Queues one command that carries the text; a large one is staged first. Resolves when it is stored, with
/// what a further edit is made on.
fn save(
    seat: Seat,
    content: Bytes,
    command: impl FnOnce(NewContent) -> Command + 'static,
) -> LocalFuture<Result<EditBase, SaveError>> {
    match content {
        Bytes::Small(bytes) => {
            let queued = seat.run_and_wait(vec![command(NewContent::Small(bytes))]);
            Box::pin(queued)
        }
        Bytes::Large { bytes, name } => Box::pin(async move {
            let content = stage(&seat, bytes, name).await.ok_or(SaveError::NotStored)?;
            seat.run_and_wait(vec![command(content)]).await
        }),
    }
}

/// Keeps the bytes of a text that is too large for a push where the uploader looks for them.
async fn stage(seat: &Seat, bytes: Vec<u8>, name: String) -> Option<NewContent> {
    let record = UploadRecord {
        staged: browser::new_id().to_string(),
        name,
        group: None,
        size: bytes.len() as u64,
        modified_ms: browser::now().as_millis(),
        manifest: None,
        is_paused: false,
    };
    seat.store().put_upload(&record).await.ok()?;
    crate::uploader::stage_bytes(&seat.store().name(), &record, &bytes).await?;
    Some(NewContent::Upload { size: record.size, staged: Some(record.staged) })
}

impl BrowserCloud {
    pub(crate) async fn begin_edit(&self, item: ItemId) -> Rc<dyn TextEdit> {
        self.rescue_drafts(Some(item)).await;
        let name = self.with_seat(|seat| seat.replica().item(item));
        let name = name.flatten().map(|item| item.item.name.clone()).unwrap_or_default();
        let Some(store) = self.seat().map(|seat| seat.store().clone()) else {
            return Rc::new(NowhereToKeep);
        };
        let id = browser::new_id();
        let keeper = Rc::new(Keeper {
            store,
            id,
            item,
            name,
            next: RefCell::default(),
            kept: RefCell::default(),
            is_writing: Cell::new(false),
        });
        let lock = locks::hold_if_free(&lock_name(id)).await;
        Rc::new(BrowserEdit { cloud: self.clone(), keeper, _lock: lock })
    }

    /// Queues what killed tabs left behind, of one file or of all.
    pub(crate) async fn rescue_drafts(&self, of: Option<ItemId>) {
        let Some(seat) = self.seat() else { return };
        let drafts = seat.store().drafts().await.unwrap_or_default();
        for draft in drafts.into_iter().filter(|draft| of.is_none_or(|item| item == draft.item)) {
            if let Some(_held) = locks::hold_if_free(&lock_name(draft.id)).await
                && rescue(&seat, &draft).await.is_ok()
            {
                // One that stays is queued once more, with the same content: that changes nothing.
                let _ = seat.store().forget_draft(draft.id).await;
            }
        }
    }

    pub(crate) async fn create_text_file(
        &self,
        folder: ItemId,
        name: ItemName,
        text: String,
    ) -> Option<ItemId> {
        let id = ItemId(browser::new_id());
        create(&self.seat()?, id, folder, name, text).await.ok().map(|_| id)
    }
}

async fn rescue(seat: &Seat, draft: &Draft) -> Result<EditBase, SaveError> {
    let (item, base) = (draft.item, draft.base.clone());
    let content = Bytes::of(draft.text.clone(), &draft.name);
    let saved = save(seat.clone(), content, move |content| set_content(item, content, base)).await;
    match saved {
        // The file is gone for good, the text is not.
        Err(SaveError::Refused(CommandError::NotFound(_))) => {
            let name = ItemName::parse(&draft.name).or_else(|_| ItemName::parse(words::RESCUED_TEXT));
            let root = seat.replica().root_id();
            match name {
                Ok(name) => create(seat, ItemId(draft.id), root, name, draft.text.clone()).await,
                Err(_) => Err(SaveError::NotStored),
            }
        }
        other => other,
    }
}

async fn create(
    seat: &Seat,
    id: ItemId,
    parent: ItemId,
    name: ItemName,
    text: String,
) -> Result<EditBase, SaveError> {
    let content = Bytes::of(text, name.as_str());
    let command = move |content| Command::CreateFile {
        id,
        parent,
        name,
        content,
        mime_type: Some("text/plain".to_owned()),
        created_at: None,
        modified_at: Some(browser::now()),
    };
    save(seat.clone(), content, command).await
}

fn lock_name(draft: Uuid) -> String {
    format!("cloudstead-draft-{draft}")
}

/// The account was left while the editor opened.
struct NowhereToKeep;

impl TextEdit for NowhereToKeep {
    fn keep(&self, _: String, _: EditBase) {}

    fn save(&self, _: String, _: EditBase) -> LocalFuture<Result<EditBase, SaveError>> {
        Box::pin(async { Err(SaveError::NotStored) })
    }
}
