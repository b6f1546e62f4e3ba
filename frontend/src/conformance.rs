//! What only a browser can show, as checks that a page runs: the store's contract on IndexedDB, what a tab that
//! takes the lead goes on with, and that the browser's forms of Unicode are the server's. A check that fails panics, which the page sees as an error.

use std::rc::Rc;

use indexed_db_futures::database::Database;
use js_sys::{Array, JsString, RegExp};
use shared::unicode::{nfc, unaccented};
use shared::{DeviceId, ItemId, ItemName, UserId};
use sync::conformance::checks;
use sync::{Command, LocalStore, Meta, StoreBatch};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use wasm_bindgen::prelude::*;

use crate::browser;
use crate::replica::{Replica, Screen};
use crate::store::IndexedDbStore;
use crate::tabs::{Follower, Tabs};

/// The names of the checks, in order.
#[wasm_bindgen(js_name = storeChecks)]
pub fn store_checks() -> Array {
    console_error_panic_hook::set_once();
    checks::<IndexedDbStore>().into_iter().map(|(name, _)| JsString::from(name)).collect()
}

/// Runs one check on a database of its own, which is deleted afterwards.
#[wasm_bindgen(js_name = runStoreCheck)]
pub async fn run_store_check(index: usize) -> Result<(), JsError> {
    let name = format!("conformance-{}", browser::new_id());
    let (_, check) =
        checks::<IndexedDbStore>().into_iter().nth(index).ok_or_else(|| JsError::new("no such check"))?;
    let store = IndexedDbStore::open_named(&name, || ()).await?;
    let again = name.clone();
    let reopen = move || -> sync::conformance::Boxed<IndexedDbStore> {
        let name = again.clone();
        Box::pin(async move {
            match IndexedDbStore::open_named(&name, || ()).await {
                Ok(store) => store,
                Err(error) => panic!("the store does not open again: {error}"),
            }
        })
    };
    check(store, Box::new(reopen)).await;
    // It goes when the last connection does.
    drop(Database::delete_by_name(&name)?);
    Ok(())
}

/// Opens a database and answers how many items it holds; it stays open until another version needs it.
#[wasm_bindgen(js_name = openStore)]
pub async fn open_store(name: String) -> Result<usize, JsError> {
    let store = IndexedDbStore::open_named(&name, || ()).await?;
    let items = store.load().await?.map_or(0, |snapshot| snapshot.items.len());
    std::mem::forget(store);
    Ok(items)
}

/// The names of what was asked of a tab before it takes the lead and while it does, as it goes on with them.
#[wasm_bindgen(js_name = inherited)]
pub async fn inherited() -> Result<Array, JsError> {
    let failed = || JsError::new("the store does not open");
    let store =
        Rc::new(IndexedDbStore::open_named(&format!("conformance-{}", browser::new_id()), || ()).await?);
    let root = ItemId(browser::new_id());
    let meta = Meta::new(DeviceId(browser::new_id()), root);
    store.apply(&StoreBatch { meta: Some(meta.clone()), ..StoreBatch::default() }).await?;
    let replica = Replica::opening(meta, Screen::default());
    replica.reopen(store.open_engine().await?.ok_or_else(failed)?);
    let follower = Follower::start(replica, store, Tabs::join(UserId(browser::new_id())), |_| ());
    let ask = |name: &str| {
        let id = ItemId(browser::new_id());
        let name = ItemName::parse(name).map_err(|error| JsError::new(&error.to_string()))?;
        follower.run(vec![Command::CreateFolder { id, parent: root, name }]);
        Ok::<(), JsError>(())
    };
    ask("before")?;
    let (inherited, asked) = futures::join!(follower.inherit(), async { ask("meanwhile") });
    asked?;
    let names = inherited.ok_or_else(failed)?.into_iter().flatten().filter_map(|command| match command {
        Command::CreateFolder { name, .. } => Some(JsString::from(name.as_str())),
        _ => None,
    });
    Ok(names.collect())
}

/// Every character that this browser knows, alone and with marks, whose forms are not those of the server's
/// tables.
#[wasm_bindgen(js_name = differingForms)]
pub fn differing_forms() -> Array {
    let unknown = RegExp::new(r"\p{Cn}", "u");
    let differing = Array::new();
    for c in '\0'..=char::MAX {
        // Most of Unicode is not assigned, and asking costs more than comparing.
        let texts = [format!("{c}"), format!("a{c}\u{301}"), format!("{c}\u{323}\u{302}")];
        for text in texts {
            let same = nfc(&text) == text.nfc().collect::<String>()
                && unaccented(&text) == text.nfd().filter(|c| !is_combining_mark(*c)).collect::<String>();
            if !same && !unknown.test(&c.to_string()) {
                differing.push(&JsString::from(format!("{:x}", u32::from(c))));
            }
        }
    }
    differing
}
