//! What becomes of an open database when a newer build of the app changes its form.
//!
//! The browser asks every connection to close. The library tells nothing of that, so a second connection,
//! which does nothing else, listens for it.

use std::cell::RefCell;
use std::rc::Rc;

use indexed_db_futures::database::Database;
use js_sys::Promise;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{IdbDatabase, IdbOpenDbRequest};

use crate::browser;

/// Listens until it is dropped.
#[derive(Default)]
pub struct Watch(Rc<RefCell<Connection>>);

#[derive(Default)]
enum Connection {
    #[default]
    Opening,
    Open(IdbDatabase),
    Closed,
}

impl Watch {
    /// Closes `database` when another build needs it closed, and calls `react`.
    pub fn start(database: &Database, react: impl Fn() + 'static) -> Self {
        let watch = Self::default();
        let (connection, database) = (watch.0.clone(), database.clone());
        spawn_local(async move {
            let Some(opened) = open(&database.name()).await else { return };
            if matches!(*connection.borrow(), Connection::Closed) {
                return opened.close();
            }
            *connection.borrow_mut() = Connection::Open(opened.clone());
            browser::listen(&opened.clone(), "versionchange", move |_| {
                opened.close();
                database.clone().close();
                react();
            });
        });
        watch
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Connection::Open(connection) = self.0.replace(Connection::Closed) {
            connection.close();
        }
    }
}

/// A connection to the database as it is.
async fn open(name: &str) -> Option<IdbDatabase> {
    let factory = web_sys::window()?.indexed_db().ok()??;
    let request: IdbOpenDbRequest = factory.open(name).ok()?;
    let opened = Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
    });
    JsFuture::from(opened).await.ok()?;
    request.result().ok()?.dyn_into().ok()
}
