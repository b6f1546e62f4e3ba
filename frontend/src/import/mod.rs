//! An export is read, shown as a plan, and then taken in photo by photo through the ordinary intake. Run again it goes
//! on where it was: what the library has, it has by content.

mod archive;
mod sending;
mod source;

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use app::ports::{Import, ImportStage, Picked};
use futures::{StreamExt, stream};
use leptos::prelude::*;
use shared::ItemName;
use shared::name::FoldedName;
use sync::import::zip::Unreadable;
use sync::import::{HEAD_BYTES, Plan, Survey};
use wasm_bindgen_futures::spawn_local;

use self::source::{Source, Sources};
use crate::browser;
use crate::cloud::BrowserCloud;

/// Files that are read at a time.
const READS_AT_ONCE: usize = 8;
/// Files that are read between two words on it.
const READS_TOLD: usize = 50;

pub struct Importer {
    cloud: BrowserCloud,
    stage: ArcRwSignal<ImportStage>,
    is_stopped: Cell<bool>,
    /// What was read, until it is taken in.
    ready: RefCell<Option<(Arc<Plan>, Vec<Source>)>>,
}

/// Begins to read what was picked.
pub fn begin(cloud: BrowserCloud, picked: Picked) -> Rc<dyn Import> {
    let importer = Rc::new(Importer {
        cloud,
        stage: ArcRwSignal::new(ImportStage::Reading { done: 0, total: None }),
        is_stopped: Cell::new(false),
        ready: RefCell::default(),
    });
    let reading = importer.clone();
    spawn_local(async move { reading.read(picked).await });
    importer
}

impl Import for Importer {
    fn stage(&self) -> Signal<ImportStage> {
        self.stage.clone().into()
    }

    fn take_in(self: Rc<Self>) {
        let ready = self.ready.borrow_mut().take();
        if let Some((plan, sources)) = ready {
            spawn_local(async move { self.send(&plan, &sources).await });
        }
    }

    fn stop(&self) {
        self.is_stopped.set(true);
    }
}

/// What a file is read for.
#[derive(Clone, Copy)]
enum Reading {
    Text,
    Head,
}

enum Read {
    Text(String),
    Head(Vec<u8>),
}

impl Importer {
    async fn read(&self, picked: Picked) {
        let Sources { entries, files: sources, skipped } = Sources::of(picked).await;
        let mut survey = Survey::new(entries);
        let texts = survey.texts().into_iter().map(|entry| (entry, Reading::Text));
        let heads = survey.pictures().into_iter().map(|entry| (entry, Reading::Head));
        let wanted: Vec<(usize, Reading)> = texts.chain(heads).collect();
        let total = Some(wanted.len());
        let look_at = |(entry, reading): (usize, Reading)| {
            let source = &sources[entry];
            async move { (entry, look(source, reading).await) }
        };
        let mut reads = stream::iter(wanted).map(look_at).buffer_unordered(READS_AT_ONCE);
        let mut done: usize = 0;
        while let Some((entry, read)) = reads.next().await {
            if self.is_stopped.get() {
                return;
            }
            match read {
                Ok(Read::Text(text)) => survey.take_text(entry, &text),
                Ok(Read::Head(head)) => survey.take_head(entry, &head),
                Err(why) => survey.cannot_read(entry, why),
            }
            done += 1;
            if done.is_multiple_of(READS_TOLD) {
                self.stage.set(ImportStage::Reading { done, total });
                browser::turn().await;
            }
        }
        drop(reads);
        let here = self.names_here();
        let mut plan = survey.plan(|name, size| here.contains(&(name.folded(), size)));
        plan.skipped.extend(skipped);
        let plan = Arc::new(plan);
        *self.ready.borrow_mut() = Some((plan.clone(), sources));
        self.stage.set(ImportStage::Planned(plan));
    }

    /// The library's photos by name and size, which is enough for a first judgement.
    fn names_here(&self) -> HashSet<(FoldedName, u64)> {
        let read = |library| {
            let children = self.cloud.read(|replica| replica.children(library));
            let key = |name: &str, size| Some((ItemName::parse(name).ok()?.folded(), size));
            children.iter().filter_map(|item| key(&item.item.name, item.item.size)).collect()
        };
        self.library().map(read).unwrap_or_default()
    }
}

async fn look(source: &Source, reading: Reading) -> Result<Read, Unreadable> {
    match reading {
        Reading::Text => source.text().await.map(Read::Text),
        Reading::Head => source.head(HEAD_BYTES).await.map(Read::Head),
    }
}
