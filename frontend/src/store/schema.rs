//! What the local database is made of, and how older ones become so, one version at a time.

use std::future::{IntoFuture, pending};
use std::pin::pin;

use futures::channel::oneshot;
use futures::future::{Either, select};
use indexed_db_futures::database::Database;
use indexed_db_futures::prelude::*;

use super::StoreError;
use crate::browser;

/// Items as the server last told them, by id.
pub const ITEMS: &str = "items";
/// Operations that wait, by id.
pub const OUTBOX: &str = "outbox";
/// Bytes of small contents, by their operation's id.
pub const CONTENTS: &str = "contents";
pub const CONFLICTS: &str = "conflicts";
/// One record, under [`META_KEY`].
pub const META: &str = "meta";
pub const META_KEY: &str = "meta";
/// What is known of a file that is sent by chunks, by the name that its operation gives the bytes.
pub const UPLOADS: &str = "uploads";
/// The browser's own handles of such files, by the same name.
pub const HANDLES: &str = "handles";

/// What is known of each content that is kept on this device, by its hash.
pub const HELD: &str = "held";
/// The bytes of small ones, by the same hash; larger ones are files.
pub const HELD_BYTES: &str = "heldBytes";
/// Items that a person keeps on this device, by id.
pub const PINS: &str = "pins";
/// Texts that were typed and are not in the outbox yet, by their editor.
pub const DRAFTS: &str = "drafts";
/// Indexes of lists of photos, and stretches of these lists, by their own keys.
pub const PHOTOS: &str = "photos";

const FIRST_STORES: [&str; 7] = [ITEMS, OUTBOX, CONTENTS, CONFLICTS, META, UPLOADS, HANDLES];
const SECOND_STORES: [&str; 3] = [HELD, HELD_BYTES, PINS];
const THIRD_STORES: [&str; 1] = [DRAFTS];
const FOURTH_STORES: [&str; 1] = [PHOTOS];
pub const STORES: [&str; 12] =
    [ITEMS, OUTBOX, CONTENTS, CONFLICTS, META, UPLOADS, HANDLES, HELD, HELD_BYTES, PINS, DRAFTS, PHOTOS];

/// Rises with every step below.
const VERSION: u8 = 4;

/// What older tabs may take to close an older version, in milliseconds.
const CLOSING_MS: u64 = 3_000;

pub async fn open(name: &str) -> Result<Database, StoreError> {
    let (told, blocked) = oneshot::channel();
    let opening = Database::open(name)
        .with_version(VERSION)
        .with_on_blocked(move |_| {
            // Whoever waits may have got the database already.
            let _ = told.send(());
            Ok(())
        })
        .with_on_upgrade_needed(|event, database| {
            let old = event.old_version() as u8;
            (old + 1..=VERSION).try_for_each(|version| step(&database, version))
        });
    let held_up = async {
        if blocked.await.is_err() {
            pending::<()>().await;
        }
        browser::sleep(CLOSING_MS).await;
    };
    match select(pin!(opening.into_future()), pin!(held_up)).await {
        Either::Left((opened, _)) => Ok(opened?),
        Either::Right(_) => Err(StoreError::Blocked),
    }
}

/// From the version before to `version`.
fn step(database: &Database, version: u8) -> indexed_db_futures::Result<()> {
    let added: &[&str] = match version {
        1 => &FIRST_STORES,
        2 => &SECOND_STORES,
        3 => &THIRD_STORES,
        4 => &FOURTH_STORES,
        _ => &[],
    };
    for store in added {
        database.create_object_store(*store).build()?;
    }
    Ok(())
}
