//! What happens to the engine.

use serde::{Deserialize, Serialize};
use shared::frames::ServerEvent;
use shared::sync::{ConflictInfo, PullResponse, PushResponse, ResolveResponse, TrashPage};
use shared::upload::UploadCompleted;
use shared::{ConflictId, OperationId, Problem};

use crate::command::NewContent;
use crate::store::BatchId;

/// Names one network call, so that its answer can be told from an older one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallId(pub u64);

/// A call that did not succeed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CallError {
    /// No answer: the network or the server is away, or the time ran out. It may have been carried out.
    Unreachable,
    Refused(Box<Problem>),
}

/// How an upload that was asked for ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum UploadError {
    /// The driver gave up for now; the engine asks again later, with the same operation.
    Failed(CallError),
    /// The person cancelled it, and it is certain that it was not completed.
    Cancelled,
    /// The bytes cannot be read any more.
    ContentLost,
}

/// Everything that the engine learns from outside, with the time, in [`crate::Engine::handle`].
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one at a time, and moved once")]
pub enum Event {
    /// The driver is ready to perform effects. The first event.
    Started,
    /// A batch stands durably in the store, and with it all earlier ones.
    Persisted(BatchId),
    /// A batch could not be stored. It comes again after a while, with all later ones; the driver drops
    /// whatever batches it had not begun.
    PersistFailed(BatchId),
    /// The browser says that it has a network (again): everything that waits is tried at once.
    Online,
    Offline,
    SocketOpened,
    SocketClosed,
    Frame(ServerEvent),
    /// The person signed in again on this device, after [`crate::Effect::SignInNeeded`].
    SignedIn,
    /// The time asked for by [`crate::Effect::WakeAt`] has come. Early or spare ones do no harm.
    Tick,
    /// The person asks to try everything now.
    RetryNow,
    /// The answers, one to each call.
    PushAnswered {
        call: CallId,
        result: Result<PushResponse, CallError>,
    },
    PullAnswered {
        call: CallId,
        result: Result<PullResponse, CallError>,
    },
    TrashAnswered {
        call: CallId,
        result: Result<TrashPage, CallError>,
    },
    ConflictsAnswered {
        call: CallId,
        result: Result<Vec<ConflictInfo>, CallError>,
    },
    ResolveAnswered {
        call: CallId,
        conflict: ConflictId,
        result: Result<ResolveResponse, CallError>,
    },
    /// An upload ended.
    UploadFinished {
        operation: OperationId,
        result: Result<UploadCompleted, UploadError>,
    },
    /// The store lost the bytes of a small content that a push was to carry.
    ContentLost {
        operation: OperationId,
    },
    /// The answer to [`crate::Effect::FindContent`]: the bytes, if this device still holds them.
    ContentFound {
        item: shared::ItemId,
        content: Option<NewContent>,
    },
    /// The person gives up an operation: its local effect is undone, what leans on it goes with it.
    Discard {
        operation: OperationId,
    },
    /// The person wants a refused operation tried again, as a new one.
    Retry {
        operation: OperationId,
    },
}
