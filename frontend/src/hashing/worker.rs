//! The hashing worker's own end: takes files one by one, answers with packed manifests.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::rc::Rc;

use futures::StreamExt;
use futures::channel::mpsc;
use js_sys::{Array, Uint8Array};
use shared::content::Manifest;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, DedicatedWorkerGlobalScope, MessageEvent};

use super::cutter::{self, CutError, Cuts};
use super::hasher::message;
use crate::browser;

/// Listens for files, for as long as the worker lives.
pub fn serve() {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let cancelled: Rc<RefCell<BTreeSet<u32>>> = Rc::default();
    let (queue, mut files) = mpsc::unbounded::<(u32, Cuts, Blob)>();

    let cancelling = cancelled.clone();
    browser::listen(&scope, "message", move |event| {
        let Some(event) = event.dyn_ref::<MessageEvent>() else { return };
        let message: Array = event.data().unchecked_into();
        let Some(id) = message.get(1).as_f64().map(|id| id as u32) else { return };
        let cuts = match message.get(0).as_string().as_deref() {
            Some(message::CUT_BY_CONTENT) => Cuts::ByContent,
            Some(message::CUT_BY_SIZE) => Cuts::EverySize,
            _ => {
                cancelling.borrow_mut().insert(id);
                return;
            }
        };
        // The loop below ends with the worker only.
        let _ = queue.unbounded_send((id, cuts, message.get(2).unchecked_into()));
    });

    spawn_local(async move {
        while let Some((id, cuts, file)) = files.next().await {
            let is_wanted = |bytes: u64| {
                tell(&scope, message::READ, id, &JsValue::from_f64(bytes as f64));
                if cancelled.borrow().contains(&id) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            };
            let result = cutter::cut(&file, cuts, is_wanted).await;
            cancelled.borrow_mut().remove(&id);
            match result.map(Manifest::new) {
                Ok(Ok(manifest)) => tell(&scope, message::DONE, id, &Uint8Array::from(&manifest.pack()[..])),
                Err(CutError::Cancelled) => tell(&scope, message::CANCELLED, id, &JsValue::NULL),
                Ok(Err(_)) | Err(CutError::Unreadable) => {
                    tell(&scope, message::UNREADABLE, id, &JsValue::NULL);
                }
            }
        }
    });
}

fn tell(scope: &DedicatedWorkerGlobalScope, kind: &str, id: u32, value: &JsValue) {
    let sent = scope.post_message(&Array::of3(&kind.into(), &id.into(), value));
    debug_assert!(sent.is_ok(), "numbers, strings and bytes can always be cloned");
}
