//! The app's port, over this browser: who is signed in, and the runtime of their account.

mod bytes;
mod entry;
mod port;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

pub use self::bytes::Use;
use app::PublicPage;
use app::ports::{Account, Cloud, PhotoList};
use app::words;
use leptos::prelude::*;
use shared::UserId;
use shared::account::SignedIn;
use wasm_bindgen_futures::spawn_local;

use crate::api;
use crate::browser;
use crate::contents::Contents;
use crate::photos::PhotoLists;
use crate::replica::{Replica, Screen};
use crate::seat::{self, Acts, Ended, Seat};
use crate::session::{self, Session};
use crate::store::{IndexedDbStore, StoreError};
use crate::tabs::{self, Follower, Leader, Tabs, Wish};

#[derive(Clone)]
pub struct BrowserCloud {
    account: ArcRwSignal<Account>,
    is_open: ArcRwSignal<bool>,
    screen: Screen,
    /// A tab does not hear itself, but only on the channel that it speaks on.
    tabs: Rc<RefCell<Option<Tabs>>>,
    seat: Rc<RefCell<Option<Seat>>>,
    contents: Rc<RefCell<Option<Rc<Contents>>>>,
    keeping_revision: ArcRwSignal<u64>,
    photos: Rc<RefCell<Option<Rc<PhotoLists>>>>,
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
            is_open: ArcRwSignal::new(false),
            screen: Screen::default(),
            tabs: Rc::default(),
            seat: Rc::default(),
            contents: Rc::default(),
            keeping_revision: ArcRwSignal::default(),
            photos: Rc::default(),
        }
    }

    /// Opens what this browser holds of the account; false if somebody has to sign in first.
    async fn open(&self) -> bool {
        let session = session::recalled().await.filter(|session| !session.is_lost);
        let Some(session) = session else { return false };
        match self.open_account(session.signed_in).await {
            Ok(true) => {
                self.refresh_account();
                self.rescue_drafts(None).await;
                true
            }
            Ok(false) => {
                // The browser dropped the data: the session belongs to a device that is no more.
                session::forget_kept().await;
                let _ = api::sign_out().await;
                false
            }
            Err(error) => {
                self.say_storage_failed(&error);
                true
            }
        }
    }

    /// Brings in what this browser holds of the account, if anything. Lists of photos are looked at meanwhile: they
    /// are the server's or kept by themselves, and a million items take a while. A leader reads once the lead is its
    /// own: what another tab stored before it gave up the lead counts.
    async fn open_account(&self, signed_in: SignedIn) -> Result<bool, StoreError> {
        let user = signed_in.user.id;
        let account = Account::SignedIn(Arc::new(signed_in));
        let store = Rc::new(IndexedDbStore::open(user).await?);
        let Some(meta) = store.meta().await? else { return Ok(false) };
        let tabs = Tabs::join(user);
        let contents = Contents::open(store.clone(), tabs.clone(), self.keeping_revision.clone());
        let replica = Replica::opening(meta, self.screen.clone());
        let photos = PhotoLists::new(store.clone(), replica.clone());
        let acts = Rc::<Acts>::default();
        *self.tabs.borrow_mut() = Some(tabs.clone());
        *self.contents.borrow_mut() = Some(contents.clone());
        *self.photos.borrow_mut() = Some(photos.clone());
        *self.seat.borrow_mut() =
            Some(Seat::Opening { replica: replica.clone(), store: store.clone(), acts: acts.clone() });
        if photos_are_shown() {
            self.account.set(account.clone());
        }
        let is_leader = tabs::lead_if_free(user).await;
        let Some(engine) = store.open_engine().await? else { return Ok(false) };
        // The last of what was read was one task, the page that shows it is another.
        browser::turn().await;
        replica.reopen(engine);
        self.take_seat(user, tabs, store, contents, replica, is_leader);
        for act in acts.take() {
            self.with_seat(|seat| act.perform(seat));
        }
        photos.tree_is_here();
        self.is_open.set(true);
        self.account.set(account);
        Ok(true)
    }

    fn take_seat(
        &self,
        user: UserId,
        tabs: Tabs,
        store: Rc<IndexedDbStore>,
        contents: Rc<Contents>,
        replica: Rc<Replica>,
        is_leader: bool,
    ) {
        let cloud = self.clone();
        let ended = move |why| cloud.end(why);
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
        self.account.set(Account::Failed(words::storage_closed(&error.to_string())));
    }

    pub(crate) fn seat(&self) -> Option<Seat> {
        self.seat.borrow().clone()
    }

    pub(crate) fn with_seat<T>(&self, act: impl FnOnce(&Seat) -> T) -> Option<T> {
        let seat = self.seat.borrow().clone();
        seat.as_ref().map(act)
    }

    pub(crate) fn read<T: Default>(&self, read: impl FnOnce(&Replica) -> T) -> T {
        self.with_seat(|seat| read(seat.replica())).unwrap_or_default()
    }

    fn wish(&self, wish: Wish) {
        self.with_seat(|seat| seat.wish(wish));
    }
}

/// Whether the address is one of a list of photos that the server tells.
fn photos_are_shown() -> bool {
    let path = web_sys::window().and_then(|window| window.location().pathname().ok());
    path.as_deref()
        .and_then(|path| path.strip_prefix("/photos"))
        .and_then(|name| PhotoList::named(name.trim_matches('/')))
        .is_some_and(PhotoList::is_served)
}

/// A full load of another document.
fn leave(address: &str) {
    if let Some(window) = web_sys::window() {
        let _ = window.location().replace(address);
    }
}
