//! An import of what is not there.

use std::rc::Rc;
use std::sync::Arc;

use leptos::prelude::*;
use sync::import::{Entry, Survey};

use crate::ports::{Import, ImportProgress, ImportStage, Picked};

pub struct DemoImport {
    stage: RwSignal<ImportStage>,
}

impl DemoImport {
    /// Plans by the names of what was picked.
    pub fn of(picked: &Picked) -> Self {
        let entry =
            |file: &web_sys::File| Entry { path: file.name(), size: file.size() as u64, ..Entry::default() };
        let survey = Survey::new(picked.files.iter().map(|picked| entry(&picked.file)).collect());
        Self { stage: RwSignal::new(ImportStage::Planned(Arc::new(survey.plan(|_, _| false)))) }
    }
}

impl Import for DemoImport {
    fn stage(&self) -> Signal<ImportStage> {
        self.stage.into()
    }

    fn take_in(self: Rc<Self>) {
        if let ImportStage::Planned(plan) = self.stage.get_untracked() {
            let total = plan.photos.len();
            self.stage.set(ImportStage::Done(ImportProgress {
                total,
                done: total,
                queued: total,
                ..ImportProgress::default()
            }));
        }
    }

    fn stop(&self) {}
}
