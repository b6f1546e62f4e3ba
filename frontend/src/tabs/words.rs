//! What tabs say to each other.

use app::ports::{Described, PickedFile, UploadControl, UploadView};
use js_sys::Array;
use serde::{Deserialize, Serialize};
use shared::{ItemId, OperationId};
use sync::{Command, CommandError, StoreDelta, SyncSummary};
use uuid::Uuid;
use wasm_bindgen::{JsCast, JsValue};

use crate::contents::KeptChange;

#[derive(Debug, Serialize, Deserialize)]
pub enum Word {
    // To the leader.
    Run {
        request: Uuid,
        commands: Vec<Command>,
    },
    /// The files, and their handles, come beside it.
    Upload {
        folder: ItemId,
        paths: Vec<Vec<String>>,
        described: Vec<Option<Box<Described>>>,
        empty_folders: Vec<Vec<String>>,
    },
    Control {
        operation: OperationId,
        control: UploadControl,
    },
    /// The file comes beside it.
    Supply {
        operation: OperationId,
    },
    Discard {
        operation: OperationId,
    },
    RetryNow,
    /// A new follower.
    Hello,
    // From the leader.
    /// The request's changes stand in the database, as these operations.
    Done {
        request: Uuid,
        operations: Vec<(ItemId, OperationId)>,
        refused: Vec<(usize, CommandError)>,
    },
    /// This tab leads from now on: whoever follows reads the database, and asks it for what is not done yet.
    Leads,
    /// The database changed so.
    Stored(StoreDelta),
    Show(Shown),
    Say {
        text: String,
    },
    // From anyone.
    /// Other contents are on this device, or are to be.
    Kept(KeptChange),
    SignedOut,
    SessionLost,
}

/// What only the leader knows, as far as it differs from what it said before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    pub summary: Option<SyncSummary>,
    pub uploads: Vec<UploadView>,
    pub gone_uploads: Vec<OperationId>,
    /// Whatever was said of uploads before is void.
    pub is_afresh: bool,
}

/// Files and handles, in the order of their paths.
pub fn beside_files(files: &[PickedFile]) -> JsValue {
    files
        .iter()
        .map(|picked| Array::of2(&picked.file, &picked.handle.clone().unwrap_or(JsValue::NULL)))
        .collect::<Array>()
        .into()
}

pub fn files_beside(
    paths: Vec<Vec<String>>,
    described: Vec<Option<Box<Described>>>,
    beside: &JsValue,
) -> Vec<PickedFile> {
    let pairs: Array = beside.clone().unchecked_into();
    paths
        .into_iter()
        .zip(described)
        .zip(pairs.iter())
        .map(|((folders, described), pair)| {
            let pair: Array = pair.unchecked_into();
            let handle = pair.get(1);
            PickedFile {
                file: pair.get(0).unchecked_into(),
                folders,
                handle: (!handle.is_null()).then_some(handle),
                described,
            }
        })
        .collect()
}
