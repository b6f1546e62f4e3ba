//! This node's sockets, by person. Each has a bounded queue: one that does not keep up is told to pull
//! instead, once it reads again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::ws::Utf8Bytes;
use shared::limits::{FRAME_QUEUE_MAX, SOCKETS_PER_USER_MAX};
use shared::{DeviceId, UserId};
use tokio::sync::{Notify, mpsc, watch};

use super::{UNWRITTEN_BYTES_MAX, lock};
use crate::db::sessions::TokenHash;

/// The longest frame that is sent, in bytes: with room for what the protocol itself has to say.
const SENT_BYTES_MAX: usize = UNWRITTEN_BYTES_MAX / 2;

/// Why a socket is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Its session is over.
    SignedOut,
    /// This node stops; another may be there.
    GoingAway,
}

/// What the registry holds of a socket; its task has the other ends.
pub(super) struct Handle {
    pub device_id: DeviceId,
    pub hash: TokenHash,
    queue: mpsc::Sender<Utf8Bytes>,
    lag: Arc<Lag>,
    ending: watch::Sender<Option<Ending>>,
}

/// Set when frames were left out.
#[derive(Default)]
pub(super) struct Lag {
    left_out: AtomicBool,
    pub noticed: Notify,
}

impl Lag {
    fn set(&self) {
        self.left_out.store(true, Ordering::Release);
        self.noticed.notify_one();
    }

    pub fn take(&self) -> bool {
        self.left_out.swap(false, Ordering::AcqRel)
    }
}

/// A socket's own ends.
pub(super) struct Seat {
    pub id: u64,
    pub user_id: UserId,
    pub queue: mpsc::Receiver<Utf8Bytes>,
    pub lag: Arc<Lag>,
    pub ending: watch::Receiver<Option<Ending>>,
}

#[derive(Default)]
pub(super) struct Sockets {
    by_user: Mutex<HashMap<UserId, HashMap<u64, Handle>>>,
    count: AtomicUsize,
    last_id: AtomicU64,
    /// No new ones: the node stops.
    is_closed: AtomicBool,
}

impl Sockets {
    /// A place for one more socket; None where the person has too many.
    pub fn seat(&self, user_id: UserId, device_id: DeviceId, hash: TokenHash) -> Option<Seat> {
        let mut by_user = lock(&self.by_user);
        let own = by_user.entry(user_id).or_default();
        if own.len() >= SOCKETS_PER_USER_MAX {
            return None;
        }
        let id = self.last_id.fetch_add(1, Ordering::Relaxed);
        let (queue, waiting) = mpsc::channel(FRAME_QUEUE_MAX);
        let lag = Arc::<Lag>::default();
        let going = self.is_closed.load(Ordering::Acquire).then_some(Ending::GoingAway);
        let (ending, ended) = watch::channel(going);
        own.insert(id, Handle { device_id, hash, queue, lag: Arc::clone(&lag), ending });
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        metrics::gauge!("cloudstead_sockets").set(count as f64);
        Some(Seat { id, user_id, queue: waiting, lag, ending: ended })
    }

    pub fn leave(&self, seat: &Seat) {
        let mut by_user = lock(&self.by_user);
        let Some(own) = by_user.get_mut(&seat.user_id) else { return };
        if own.remove(&seat.id).is_some() {
            let count = self.count.fetch_sub(1, Ordering::Relaxed) - 1;
            metrics::gauge!("cloudstead_sockets").set(count as f64);
        }
        if own.is_empty() {
            by_user.remove(&seat.user_id);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }

    pub fn has(&self, user_id: UserId) -> bool {
        lock(&self.by_user).contains_key(&user_id)
    }

    pub fn is_full(&self, user_id: UserId) -> bool {
        lock(&self.by_user).get(&user_id).is_some_and(|own| own.len() >= SOCKETS_PER_USER_MAX)
    }

    pub fn users(&self) -> Vec<UserId> {
        lock(&self.by_user).keys().copied().collect()
    }

    pub fn sessions(&self) -> Vec<TokenHash> {
        lock(&self.by_user).values().flat_map(|own| own.values().map(|handle| handle.hash)).collect()
    }

    /// To every socket of the person but those of `excluded`. What is too long for any socket counts as left out.
    pub fn send(&self, user_id: UserId, excluded: Option<DeviceId>, text: &str) {
        let is_too_long = text.len() > SENT_BYTES_MAX;
        let text = Utf8Bytes::from(text);
        let by_user = lock(&self.by_user);
        let own = by_user.get(&user_id).into_iter().flat_map(HashMap::values);
        for handle in own.filter(|handle| Some(handle.device_id) != excluded) {
            if is_too_long || handle.queue.try_send(text.clone()).is_err() {
                handle.lag.set();
            }
        }
    }

    pub fn everyone_lags(&self) {
        self.each(|_, handle| handle.lag.set());
    }

    pub fn end_session(&self, hash: &TokenHash) {
        self.each(|_, handle| {
            if handle.hash == *hash {
                handle.ending.send_replace(Some(Ending::SignedOut));
            }
        });
    }

    pub fn end_device(&self, user_id: UserId, device_id: DeviceId) {
        self.each(|user, handle| {
            if (user, handle.device_id) == (user_id, device_id) {
                handle.ending.send_replace(Some(Ending::SignedOut));
            }
        });
    }

    pub fn end_all(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.each(|_, handle| {
            handle.ending.send_replace(Some(Ending::GoingAway));
        });
    }

    fn each(&self, act: impl Fn(UserId, &Handle)) {
        for (&user, own) in &*lock(&self.by_user) {
            for handle in own.values() {
                act(user, handle);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: UserId = UserId(uuid::Uuid::from_u128(1));
    const PHONE: DeviceId = DeviceId(uuid::Uuid::from_u128(2));
    const LAPTOP: DeviceId = DeviceId(uuid::Uuid::from_u128(3));

    #[test]
    fn a_slow_reader_is_told_to_pull_and_no_more_is_kept_for_it() {
        let sockets = Sockets::default();
        let mut seat = sockets.seat(ANN, PHONE, [0; 32]).unwrap();
        for _ in 0..FRAME_QUEUE_MAX {
            sockets.send(ANN, None, "frame");
        }
        assert!(!seat.lag.take());
        sockets.send(ANN, None, "one too many");
        assert!(seat.lag.take() && !seat.lag.take());
        let kept = std::iter::from_fn(|| seat.queue.try_recv().ok()).count();
        assert_eq!(kept, FRAME_QUEUE_MAX);
    }

    #[test]
    fn what_no_socket_could_take_is_left_out() {
        let sockets = Sockets::default();
        let mut seat = sockets.seat(ANN, PHONE, [0; 32]).unwrap();
        sockets.send(ANN, None, &"x".repeat(SENT_BYTES_MAX + 1));
        assert!(seat.lag.take() && seat.queue.try_recv().is_err());
    }

    #[test]
    fn frames_spare_the_device_that_caused_them() {
        let sockets = Sockets::default();
        let mut phone = sockets.seat(ANN, PHONE, [0; 32]).unwrap();
        let mut laptop = sockets.seat(ANN, LAPTOP, [1; 32]).unwrap();
        sockets.send(ANN, Some(PHONE), "news");
        assert!(phone.queue.try_recv().is_err() && laptop.queue.try_recv().is_ok());
    }

    #[test]
    fn one_person_has_so_many_sockets_and_a_place_that_is_left_is_free() {
        let sockets = Sockets::default();
        let seats: Vec<Seat> =
            (0..SOCKETS_PER_USER_MAX).map(|_| sockets.seat(ANN, PHONE, [0; 32]).unwrap()).collect();
        assert!(sockets.is_full(ANN) && sockets.seat(ANN, PHONE, [0; 32]).is_none());
        sockets.leave(&seats[0]);
        assert!(sockets.seat(ANN, PHONE, [0; 32]).is_some());
    }

    #[test]
    fn only_the_removed_devices_sockets_end() {
        let sockets = Sockets::default();
        let phone = sockets.seat(ANN, PHONE, [0; 32]).unwrap();
        let laptop = sockets.seat(ANN, LAPTOP, [1; 32]).unwrap();
        sockets.end_device(ANN, PHONE);
        assert_eq!((*phone.ending.borrow(), *laptop.ending.borrow()), (Some(Ending::SignedOut), None));
        sockets.end_all();
        assert_eq!(*laptop.ending.borrow(), Some(Ending::GoingAway));
    }
}
