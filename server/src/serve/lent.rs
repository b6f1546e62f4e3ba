//! A request's body, lent to its handler. What a refusing handler leaves unread is read off afterwards,
//! within bounds: a connection closed over unread bytes is reset, and the refusal lost with it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tower_http::timeout::TimeoutBody;

/// Bytes read off after a refusal, and the time for it.
const LEFT_BYTES_MAX: usize = 40 * 1024 * 1024;
const LEFT_TIMEOUT: Duration = Duration::from_secs(5);

type Inner = Pin<Box<TimeoutBody<Incoming>>>;

/// Both the handler and the connection hold it; they never poll at the same time.
#[derive(Clone)]
pub(super) struct LentBody(Arc<Mutex<Inner>>);

impl LentBody {
    /// `idle_timeout`: how long it may stand still.
    pub fn new(body: Incoming, idle_timeout: Duration) -> Self {
        Self(Arc::new(Mutex::new(Box::pin(TimeoutBody::new(idle_timeout, body)))))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what is left, within the bounds.
    pub async fn read_off(mut self) {
        let reading = async {
            let mut left = LEFT_BYTES_MAX;
            while let Some(Ok(frame)) = self.frame().await {
                let length = frame.data_ref().map_or(0, Bytes::len);
                let Some(rest) = left.checked_sub(length) else { break };
                left = rest;
            }
        };
        // Whoever sends longer has to live with the reset.
        drop(tokio::time::timeout(LEFT_TIMEOUT, reading).await);
    }
}

impl Body for LentBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.lock().as_mut().poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.lock().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().size_hint()
    }
}
