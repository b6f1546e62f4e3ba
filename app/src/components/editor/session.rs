//! One text under edit: what is typed, what is stored, and what comes in from elsewhere.
//!
//! Every save is made on what the editor had before it, so that the server merges what two devices wrote. While
//! something is typed and not stored, nothing that comes in is shown: the next save brings it together.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::limits::TEXT_MERGE_BYTES_MAX;
use shared::{ClientFileItem, ContentHash, ItemId, SyncStatus};
use sync::{CommandError, EditBase};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlTextAreaElement;

use super::field;
use crate::model::text::{Form, content_hash, patches};
use crate::ports::{CallError, Cloud, SaveError, TextEdit};

/// Texts up to this size are edited, in bytes: those that the server merges.
const EDITED_BYTES_MAX: usize = TEXT_MERGE_BYTES_MAX as usize;
/// A pause after which what was typed goes to the outbox, and how long it waits at most. It is kept on this
/// device at every key.
const PAUSE: Duration = Duration::from_secs(2);
const WAIT_MAX: Duration = Duration::from_secs(10);
/// What follows one's own save is one version with whatever comes in this time, unless the person turns away or
/// another device writes too.
const VERSION_EVERY: Duration = Duration::from_mins(3);
/// Until storing is tried again.
const STORE_AGAIN: Duration = Duration::from_secs(3);

/// Why a file cannot be edited here.
#[derive(Clone, Debug, PartialEq)]
pub enum Unopened {
    /// Not on this device, and the server is away.
    Away,
    TooLarge,
    NotText,
    Failed(String),
}

/// Where what was typed is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Typed {
    /// Nothing that the outbox does not have.
    #[default]
    Queued,
    /// On its way there.
    Saving,
    /// Kept on this device, to be one version with what follows.
    Kept,
    /// This device's storage refuses it; it is tried again.
    NotStored,
    /// The file is gone for good, or may only be read.
    Refused(CommandError),
}

pub struct Session {
    cloud: Rc<dyn Cloud>,
    pub id: ItemId,
    edit: Rc<dyn TextEdit>,
    form: Cell<Form>,
    field: RefCell<Option<HtmlTextAreaElement>>,
    /// As the field has it.
    text: RefCell<String>,
    /// As it was last loaded or saved.
    known: RefCell<String>,
    /// What the known text is, for the next save.
    base: RefCell<EditBase>,
    /// Whether the known text is the person's own rather than what was found.
    is_own: Cell<bool>,
    /// Whether something came in from elsewhere while something was typed.
    others_write: Cell<bool>,
    is_saving: Cell<bool>,
    is_reading: Cell<bool>,
    /// The field is being given a text from elsewhere: what it tells of it is no key.
    is_given: Cell<bool>,
    /// What the file held when it was last read, as the server names it.
    seen: Cell<Option<ContentHash>>,
    pause: Cell<Option<TimeoutHandle>>,
    limit: Cell<Option<TimeoutHandle>>,
    pub typed: RwSignal<Typed>,
    /// Rises with every change of the text, whoever made it.
    pub revision: RwSignal<u64>,
}

/// The present content, and what an edit of it is made on.
struct Loaded {
    text: String,
    form: Form,
    base: EditBase,
    hash: Option<ContentHash>,
}

/// How often a content is read that is not the one that this device knows of, and how long apart: the tree may
/// be behind the server by a moment.
const READS_MAX: usize = 5;
const READ_AGAIN: Duration = Duration::from_millis(400);

async fn load(cloud: &Rc<dyn Cloud>, id: ItemId) -> Result<Loaded, Unopened> {
    for _ in 0..READS_MAX {
        if let Some(loaded) = read(cloud, id).await? {
            return Ok(loaded);
        }
        wait(READ_AGAIN).await;
    }
    Err(Unopened::Away)
}

/// None where what came is not what the item holds. Only a whole text may be edited: what is saved takes the
/// place of all of it.
async fn read(cloud: &Rc<dyn Cloud>, id: ItemId) -> Result<Option<Loaded>, Unopened> {
    let base = cloud.edit_base(id).ok_or(Unopened::Away)?;
    let item = cloud.item(id).ok_or(Unopened::Away)?;
    let (hash, size) = (item.item.content_hash, item.item.size);
    if size > TEXT_MERGE_BYTES_MAX {
        return Err(Unopened::TooLarge);
    }
    let stored = match cloud.read_text(id, EDITED_BYTES_MAX + 1).await {
        _ if size == 0 => String::new(),
        Ok(text) => text,
        Err(CallError::Unreachable) => return Err(Unopened::Away),
        Err(CallError::Refused(problem)) => return Err(Unopened::Failed(problem.detail)),
    };
    // Another program may cut even a short text; then its length has to do.
    let is_named = hash.is_none_or(|hash| hash == content_hash(&stored));
    // A byte that is no text was read as this letter, which takes more room.
    if stored.contains('\0') || !is_named && stored.contains('\u{fffd}') {
        return Err(Unopened::NotText);
    }
    if !is_named && stored.len() as u64 != size {
        return Ok(None);
    }
    let (text, form) = Form::take_off(&stored);
    Ok(Some(Loaded { text, form, base, hash }))
}

async fn wait(time: Duration) {
    let elapsed = js_sys::Promise::new(&mut |resolve, _| {
        set_timeout(move || drop(resolve.call0(&JsValue::UNDEFINED)), time);
    });
    // A promise that is only ever resolved.
    drop(JsFuture::from(elapsed).await);
}

impl Session {
    pub async fn open(cloud: Rc<dyn Cloud>, id: ItemId) -> Result<Rc<Self>, Unopened> {
        let edit = cloud.edit_text(id).await;
        let loaded = load(&cloud, id).await?;
        Ok(Rc::new(Self {
            cloud,
            id,
            edit,
            form: Cell::new(loaded.form),
            field: RefCell::default(),
            text: RefCell::new(loaded.text.clone()),
            known: RefCell::new(loaded.text),
            base: RefCell::new(loaded.base),
            is_own: Cell::new(false),
            others_write: Cell::new(false),
            is_saving: Cell::new(false),
            is_reading: Cell::new(false),
            is_given: Cell::new(false),
            seen: Cell::new(loaded.hash),
            pause: Cell::new(None),
            limit: Cell::new(None),
            typed: RwSignal::new(Typed::Queued),
            revision: RwSignal::new(0),
        }))
    }

    pub fn text(&self) -> String {
        self.text.borrow().clone()
    }

    /// The field that shows the text from now on.
    pub fn show_in(&self, field: HtmlTextAreaElement) {
        field.set_value(&self.text.borrow());
        *self.field.borrow_mut() = Some(field);
    }

    fn item(&self) -> Option<std::sync::Arc<ClientFileItem>> {
        self.cloud.item(self.id)
    }

    fn has_unsaved(&self) -> bool {
        *self.text.borrow() != *self.known.borrow()
    }

    /// The person typed.
    pub fn input(self: &Rc<Self>, text: String) {
        if self.is_given.get() || *self.text.borrow() == text {
            return;
        }
        *self.text.borrow_mut() = text;
        self.revision.try_update(|revision| *revision += 1);
        let stored = self.form.get().put_on(&self.text.borrow());
        self.edit.keep(stored, self.base.borrow().clone());
        self.save_in_time();
    }

    /// Sees to it that what was typed is saved: soon, or as one version with what follows.
    fn save_in_time(self: &Rc<Self>) {
        if !self.follows_own_version() {
            self.typed.try_set(Typed::Saving);
            return self.save_after(PAUSE);
        }
        self.typed.try_set(Typed::Kept);
        let waiting = self.limit.take();
        self.limit.set(waiting.or_else(|| {
            let session = self.clone();
            set_timeout_with_handle(move || session.save(), VERSION_EVERY).ok()
        }));
    }

    /// Whether a save would come right after one's own, which the server has. One that still waits here is
    /// joined with it.
    fn follows_own_version(&self) -> bool {
        let is_sent = || self.item().is_some_and(|item| item.sync_status != SyncStatus::Pending);
        self.is_own.get() && !self.others_write.get() && is_sent()
    }

    fn save_after(self: &Rc<Self>, pause: Duration) {
        let save = |session: &Rc<Self>| {
            let session = session.clone();
            move || session.save()
        };
        if let Some(waiting) = self.pause.replace(set_timeout_with_handle(save(self), pause).ok()) {
            waiting.clear();
        }
        let limit = self.limit.take();
        self.limit.set(limit.or_else(|| set_timeout_with_handle(save(self), WAIT_MAX).ok()));
    }

    /// Puts what was typed into the outbox now.
    pub fn save(self: &Rc<Self>) {
        for waiting in [self.pause.take(), self.limit.take()].into_iter().flatten() {
            waiting.clear();
        }
        if self.is_saving.get() {
            return;
        }
        if !self.has_unsaved() {
            self.typed.try_set(Typed::Queued);
            return self.take_news();
        }
        self.is_saving.set(true);
        self.typed.try_set(Typed::Saving);
        let text = self.text();
        let saving = self.edit.save(self.form.get().put_on(&text), self.base.borrow().clone());
        let session = self.clone();
        spawn_local(async move {
            let saved = saving.await;
            session.is_saving.set(false);
            match saved {
                Ok(base) => session.saved(text, base),
                Err(SaveError::Refused(error)) => drop(session.typed.try_set(Typed::Refused(error))),
                Err(SaveError::NotStored) => {
                    session.typed.try_set(Typed::NotStored);
                    session.save_after(STORE_AGAIN);
                }
            }
        });
    }

    fn saved(self: &Rc<Self>, text: String, base: EditBase) {
        *self.known.borrow_mut() = text;
        *self.base.borrow_mut() = base;
        self.is_own.set(true);
        self.others_write.set(false);
        self.seen.set(None);
        if self.has_unsaved() {
            // Typed while the former was stored.
            self.save_in_time();
        } else {
            self.typed.try_set(Typed::Queued);
            self.take_news();
        }
    }

    /// Shows what another device wrote; where something of one's own is in between, that is saved first.
    pub fn take_news(self: &Rc<Self>) {
        if self.is_reading.get() || self.is_saving.get() || !self.is_behind() {
            return;
        }
        if self.has_unsaved() {
            if !self.others_write.replace(true) {
                self.typed.try_set(Typed::Saving);
                self.save_after(PAUSE);
            }
            return;
        }
        self.is_reading.set(true);
        let session = self.clone();
        spawn_local(async move {
            let loaded = load(&session.cloud, session.id).await;
            session.is_reading.set(false);
            let now = session.item().and_then(|item| item.item.content_hash);
            if let Ok(loaded) = loaded
                && loaded.hash == now
                && !session.is_saving.get()
                && !session.has_unsaved()
            {
                session.bring_in(loaded);
            }
        });
    }

    /// Whether the file holds something else than what is shown. Where the person's own text stands apart, in a
    /// conflict or refused, it is what they go on with.
    fn is_behind(&self) -> bool {
        let Some(item) = self.item() else { return false };
        let stands_apart = matches!(item.sync_status, SyncStatus::Conflict | SyncStatus::Error);
        if stands_apart && self.is_own.get() {
            return false;
        }
        let own = content_hash(&self.form.get().put_on(&self.known.borrow()));
        item.item.content_hash.is_some_and(|hash| hash != own && Some(hash) != self.seen.get())
    }

    fn bring_in(self: &Rc<Self>, loaded: Loaded) {
        let Loaded { text, form, base, hash } = loaded;
        let patches = patches(&self.text.borrow(), &text);
        self.form.set(form);
        *self.base.borrow_mut() = base;
        self.known.borrow_mut().clone_from(&text);
        // The field may tell of what it is given as of keys: to this it is nothing new.
        self.text.borrow_mut().clone_from(&text);
        self.is_own.set(false);
        self.seen.set(hash);
        let field = self.field.borrow().clone();
        if let Some(field) = field.filter(|_| !patches.is_empty()) {
            self.is_given.set(true);
            field::bring_in(&field, &text, &patches);
            self.is_given.set(false);
        }
        self.revision.try_update(|revision| *revision += 1);
    }
}
