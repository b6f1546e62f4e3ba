//! Putting the bytes of small contents into a push, just before it leaves.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use shared::OperationId;
use shared::sync::{ChangeKind, PushRequest};

/// Fills in the `data` of the operation's change. False where there is no such change.
pub fn fill_content(request: &mut PushRequest, operation: OperationId, bytes: &[u8]) -> bool {
    let change = request.changes.iter_mut().find(|change| change.operation_id == operation);
    match change.map(|change| &mut change.kind) {
        Some(ChangeKind::Create { content, .. } | ChangeKind::Content { content, .. }) => {
            content.data = Some(STANDARD.encode(bytes));
            true
        }
        _ => false,
    }
}
