//! Into an account on this device, and out of it.

use app::ports::CallError;
use shared::account::{Password, SignIn, SignedIn};
use shared::{DeviceId, UserId};
use sync::{LocalStore, Meta, StoreBatch};

use super::BrowserCloud;
use crate::api;
use crate::contents;
use crate::handed;
use crate::opfs;
use crate::photos;
use crate::seat::{Ended, Seat};
use crate::session::{self, Session};
use crate::store::{IndexedDbStore, StoreError};
use crate::tabs::{self, Tabs};

/// Takes up the session on this device: its database is made, or goes on under the device's present id.
pub(super) async fn adopt(signed_in: SignedIn) -> Result<(), StoreError> {
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

pub(super) async fn sign_in(username: String, password: Password) -> Result<SignedIn, CallError> {
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

impl BrowserCloud {
    /// Ends the session and wipes this device's copy.
    pub(crate) async fn leave_account(&self) -> Result<(), CallError> {
        match api::sign_out().await {
            // A session that is gone already is signed out.
            Err(CallError::Refused(problem)) if problem.status == 401 => {}
            other => other?,
        }
        let seat = self.seat.borrow().clone();
        if let Some((seat, user)) = seat.zip(self.user()) {
            if let Some(tabs) = &*self.tabs.borrow() {
                tabs.signed_out();
            }
            match &seat {
                Seat::Leading(runtime) => runtime.stop(),
                Seat::Following(_) | Seat::Opening { .. } => tabs::outlive_leader(user).await,
            }
            // What cannot be wiped is useless without the session, and wiped by the next sign-out.
            let _ = seat.store().clear().await;
            opfs::remove_all(&seat.store().name()).await;
            contents::forget_all(seat.store()).await;
            photos::forget_all().await;
            handed::forget().await;
        }
        session::forget_kept().await;
        self.end(Ended::SignedOut);
        Ok(())
    }
}
