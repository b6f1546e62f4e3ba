//! Room for bytes that nothing refers to yet.

use shared::UserId;

use crate::db::{DbError, chunks, retention};
use crate::state::App;

/// Chunks given up in one transaction.
const BATCH_CHUNKS: u32 = 256;

/// Makes room to stage `bytes` more where the quota has it and leftovers are in the way: what was purged, and what
/// uploads left behind that ended. Their leases hold for as long as there is room for them; whoever names one later
/// is told that it is missing, and sends it again.
pub async fn make_room(app: &App, account: UserId, bytes: u64) -> Result<(), DbError> {
    let now = app.env.now();
    loop {
        let balance = chunks::balance(&mut app.db.reader().await?, account).await?;
        let lacking = (bytes + balance.staged_bytes).saturating_sub(balance.free_bytes());
        if lacking == 0 || bytes > balance.free_bytes() {
            return Ok(());
        }
        let given_up = app.db.write::<_, DbError, _>(move |connection| {
            Box::pin(async move {
                if retention::collection_is_paused(connection, now).await? {
                    return Ok(Vec::new());
                }
                chunks::give_up(connection, account, lacking, BATCH_CHUNKS).await
            })
        });
        let given_up = given_up.await?;
        if given_up.is_empty() {
            return Ok(());
        }
        for key in given_up.into_iter().filter_map(|chunk| chunk.object) {
            // What stays is an orphan, and the sweep finds it.
            if let Err(error) = app.blobs.delete(&key).await {
                tracing::warn!(%error, "an object that was given up could not be deleted");
            }
        }
    }
}
