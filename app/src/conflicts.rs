//! What is done about conflicts: when the question is put, and what a choice sets going.

use std::collections::BTreeSet;
use std::sync::Arc;

use leptos::prelude::*;
use shared::ConflictId;
use shared::sync::ConflictInfo;
use sync::Command;

use crate::model::conflict::{Choice, Viewer};
use crate::ports::Account;
use crate::ui::{Dialog, ToastAction, Ui};
use crate::words;

/// Where the keyboard is busy with something that a dialog would tear away.
const BUSY: &str = "input, textarea, select, [contenteditable], dialog, [role=dialog], [role=menu]";

/// Puts the question when a conflict comes up, and takes it back when another device has answered it.
pub fn use_conflict_watch(ui: Ui) {
    Effect::new(move |known: Option<Option<BTreeSet<ConflictId>>>| {
        // Before the local data is read there is nothing to compare with.
        if ui.cloud().revision().get() == 0 {
            return None;
        }
        let open = ui.cloud().conflicts();
        let now: BTreeSet<ConflictId> = open.iter().map(|conflict| conflict.id).collect();
        untrack(|| {
            if let Some(Dialog::Conflict(shown)) = ui.dialog.get()
                && !now.contains(&shown)
            {
                ui.dialog.set(None);
                ui.say(words::SETTLED_ELSEWHERE);
                ui.take_focus();
            }
            let known = known.flatten().unwrap_or_else(|| now.clone());
            let new: Vec<_> = open.into_iter().filter(|conflict| !known.contains(&conflict.id)).collect();
            ui.conflicts_came_up(&new);
        });
        Some(now)
    });
}

impl Ui {
    fn conflicts_came_up(self, new: &[Arc<ConflictInfo>]) {
        let Some(first) = new.first() else { return };
        if matches!(self.dialog.get_untracked(), Some(Dialog::Conflict(_))) {
            return;
        }
        if self.is_busy() {
            let text = words::conflicts_came_up(&first.file_name, new.len());
            self.toast(text, Some(ToastAction::Review(first.id)));
        } else {
            self.review(first.id);
        }
    }

    fn is_busy(self) -> bool {
        let element = document().active_element();
        let at_keyboard = element.is_some_and(|element| element.closest(BUSY).ok().flatten().is_some());
        at_keyboard
            || self.dialog.with_untracked(Option::is_some)
            || self.menu.with_untracked(Option::is_some)
            || self.preview.with_untracked(Option::is_some)
            || !self.dragged.with_untracked(Vec::is_empty)
    }

    /// Asks about one conflict.
    pub fn review(self, id: ConflictId) {
        if self.cloud().conflicts().iter().any(|conflict| conflict.id == id) {
            self.dialog.set(Some(Dialog::Conflict(id)));
        }
    }

    /// Asks about the oldest conflict, of the item if one is named.
    pub fn review_first(self, item: Option<shared::ItemId>) {
        let is_of = |conflict: &ConflictInfo, item| {
            // The conflict may name the item by a former id.
            self.item_now(conflict.file_id).is_some_and(|now| now.item.id == item)
        };
        let open = self.cloud().conflicts();
        if let Some(conflict) = open.iter().find(|open| item.is_none_or(|item| is_of(open, item))) {
            self.review(conflict.id);
        }
    }

    /// Who looks at conflicts here.
    pub fn viewer(self) -> Option<Viewer> {
        self.cloud().account().with(|account| match account {
            Account::SignedIn(it) => Some(Viewer { user: it.user.id, device: it.device.id }),
            Account::Loading | Account::SignedOut | Account::Failed(_) => None,
        })
    }

    /// Leaves the question for later.
    pub fn leave_conflict(self) {
        self.dialog.set(None);
        self.take_focus();
    }

    /// Settles a conflict, and the others alike where the choice means something there. Then the next one
    /// is asked about.
    pub fn settle_conflict(self, conflict: &ConflictInfo, choice: Choice, others_too: bool) {
        let Some(viewer) = untrack(|| self.viewer()) else { return };
        let open = self.cloud().conflicts();
        let others = open.iter().filter(|other| other.id != conflict.id);
        let mut settled = vec![(conflict.id, choice)];
        if others_too {
            settled.extend(others.clone().filter_map(|other| {
                choice.carried_over(conflict, other, viewer).map(|choice| (other.id, choice))
            }));
        }
        let next = others.map(|other| other.id).find(|id| settled.iter().all(|(done, _)| done != id));
        self.dialog.set(next.map(Dialog::Conflict));
        let commands = settled.iter().map(|(conflict, choice)| Command::Resolve {
            conflict: *conflict,
            resolution: choice.resolution(),
        });
        self.cloud().run(commands.collect());
        self.say(words::settled(choice, &conflict.file_name, settled.len()));
        if next.is_none() {
            self.take_focus();
        }
    }
}
