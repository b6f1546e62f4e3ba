//! Who is signed in on this browser. It is remembered beside the databases, so that the app opens at once
//! and without a network; whether the server still thinks so shows with the first call.
//!
//! The browser writes its local storage to the disk when it likes, and a killed one has not yet. What a
//! sign-in brought is therefore kept in a database of its own too, and brought back from there.

use indexed_db_futures::database::Database;
use indexed_db_futures::prelude::*;
use indexed_db_futures::transaction::{TransactionDurability, TransactionMode, TransactionOptions};
use serde::{Deserialize, Serialize};
use shared::UserId;
use shared::account::{DeviceClaim, SignedIn};
use web_sys::Storage;

use crate::store::StoreError;

const CURRENT_KEY: &str = "cloudstead.session";
/// The database that outlives a killed browser; its one store; its one record.
const KEPT: &str = "cloudstead-session";
/// Prefix; the rest is the username.
const ACCOUNT_KEY: &str = "cloudstead.account.";

/// What is remembered of a sign-in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    pub signed_in: SignedIn,
    /// The server ended it: the local data and the outbox wait for the same person to sign in again.
    pub is_lost: bool,
}

fn storage() -> Option<Storage> {
    web_sys::window()?.local_storage().ok()?
}

pub fn remembered() -> Option<Session> {
    serde_json::from_str(&storage()?.get_item(CURRENT_KEY).ok()??).ok()
}

/// A browser that refuses to remember asks for a sign-in at the next start.
pub fn remember(session: &Session) {
    let Some(storage) = storage() else { return };
    if let Ok(text) = serde_json::to_string(session) {
        let _ = storage.set_item(CURRENT_KEY, &text);
    }
    let user = &session.signed_in.user;
    let _ = storage.set_item(&account_key(&user.username), &user.id.to_string());
}

/// Forgets the session, and with it whose database belongs to the name.
pub fn forget() {
    let Some(storage) = storage() else { return };
    if let Some(session) = remembered() {
        let _ = storage.remove_item(&account_key(&session.signed_in.user.username));
    }
    let _ = storage.remove_item(CURRENT_KEY);
}

/// Remembers it, on the disk when this returns.
pub async fn keep(session: &Session) {
    remember(session);
    // Where that fails, a browser that is killed in the next seconds asks for a sign-in.
    let _ = write_kept(serde_json::to_string(session).ok()).await;
}

/// Forgets it, on the disk too.
pub async fn forget_kept() {
    forget();
    let _ = write_kept(None).await;
}

/// What is remembered, or was kept by a browser that was killed.
pub async fn recalled() -> Option<Session> {
    if let Some(session) = remembered() {
        return Some(session);
    }
    let text: Option<String> = read_kept().await.ok()?;
    let session = serde_json::from_str(&text?).ok()?;
    remember(&session);
    Some(session)
}

async fn kept() -> Result<Database, StoreError> {
    let database = Database::open(KEPT).with_version(1u8).with_on_upgrade_needed(|_, database| {
        database.create_object_store(KEPT).build()?;
        Ok(())
    });
    Ok(database.await?)
}

async fn read_kept() -> Result<Option<String>, StoreError> {
    let database = kept().await?;
    let transaction = database.transaction(KEPT).with_mode(TransactionMode::Readonly).build()?;
    let text = transaction.object_store(KEPT)?.get(CURRENT_KEY).primitive()?.await?;
    database.clone().close();
    Ok(text)
}

async fn write_kept(text: Option<String>) -> Result<(), StoreError> {
    let database = kept().await?;
    let options = TransactionOptions::new().with_durability(TransactionDurability::Strict);
    let transaction =
        database.transaction(KEPT).with_mode(TransactionMode::Readwrite).with_options(options).build()?;
    let store = transaction.object_store(KEPT)?;
    match text {
        Some(text) => store.put(text).with_key(CURRENT_KEY).primitive()?.await.map(drop)?,
        None => store.delete(CURRENT_KEY).primitive()?.await?,
    }
    transaction.commit().await?;
    database.clone().close();
    Ok(())
}

/// The account that last signed in on this browser by this name: its database knows the device's id.
pub fn user_named(username: &str) -> Option<UserId> {
    storage()?.get_item(&account_key(username)).ok()??.parse().ok()
}

fn account_key(username: &str) -> String {
    format!("{ACCOUNT_KEY}{}", username.to_lowercase())
}

/// How this browser introduces itself, with the id that its own database knows, if it has one.
pub fn claim(id: Option<shared::DeviceId>) -> DeviceClaim {
    let agent = web_sys::window().and_then(|window| window.navigator().user_agent().ok()).unwrap_or_default();
    let (browser, system) = describe(&agent);
    DeviceClaim { id, name: format!("{browser} on {system}"), platform: "web".to_owned() }
}

/// Names that a person knows, from a user agent: the order matters, because browsers claim to be others.
fn describe(agent: &str) -> (&'static str, &'static str) {
    let named = |names: &[(&str, &'static str)], or| {
        names.iter().find(|(mark, _)| agent.contains(mark)).map_or(or, |(_, name)| *name)
    };
    let browser = named(
        &[
            ("Edg", "Edge"),
            ("OPR/", "Opera"),
            ("Firefox/", "Firefox"),
            ("FxiOS/", "Firefox"),
            ("CriOS/", "Chrome"),
            ("Chrome/", "Chrome"),
            ("Safari/", "Safari"),
        ],
        "A browser",
    );
    let system = named(
        &[
            ("iPhone", "iPhone"),
            ("iPad", "iPad"),
            ("Android", "Android"),
            ("CrOS", "ChromeOS"),
            ("Windows", "Windows"),
            ("Mac OS", "Mac"),
            ("Linux", "Linux"),
        ],
        "a computer",
    );
    (browser, system)
}

#[cfg(test)]
mod tests {
    use super::describe;

    #[test]
    fn browsers_that_claim_to_be_others_are_told_apart() {
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0";
        assert_eq!(describe(edge), ("Edge", "Windows"));
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";
        assert_eq!(describe(phone), ("Safari", "iPhone"));
        assert_eq!(describe(""), ("A browser", "a computer"));
    }
}
