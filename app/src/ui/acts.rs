//! What people do: commands that are run, taken back and done again.

use leptos::prelude::*;
use leptos::task::spawn_local;
use sync::Command;

use super::{ToastAction, Ui};
use crate::words;

/// Commands that are run in one go; more of them would hold the page up.
const COMMANDS_AT_ONCE_MAX: usize = 250;
/// Steps that can be undone.
const UNDO_STEPS_MAX: usize = 100;

/// Commands that take a step back, under the step's number.
#[derive(Clone, Debug)]
struct Step {
    id: u64,
    inverse: Vec<Command>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct History {
    undo: Vec<Step>,
    redo: Vec<Vec<Command>>,
    last_id: u64,
}

impl History {
    /// A number for a toast or a step.
    pub(super) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn push(&mut self, inverse: Vec<Command>) -> u64 {
        let id = self.next_id();
        if self.undo.len() == UNDO_STEPS_MAX {
            self.undo.remove(0);
        }
        self.undo.push(Step { id, inverse });
        id
    }
}

/// Acts of many commands, which are run in parts.
#[derive(Default)]
pub(super) struct Acts {
    running: usize,
    /// What is done when none runs any more.
    waiting: Vec<Box<dyn FnOnce()>>,
}

impl Ui {
    /// Runs the commands, says what happened and keeps the way back.
    pub fn run(self, commands: Vec<Command>, said: Option<String>) {
        if commands.is_empty() {
            return;
        }
        self.carry_out(commands, move |inverse| {
            let step = self.remember(inverse);
            if let Some(text) = said {
                self.toast(text, step.map(ToastAction::Undo));
            }
        });
    }

    /// As [`Self::run`], for commands that say themselves why they did nothing. `done` is called if they did
    /// something.
    pub fn try_run(self, commands: Vec<Command>, said: String, done: impl FnOnce() + 'static) {
        self.carry_out(commands, move |inverse| {
            if let Some(step) = self.remember(inverse) {
                self.toast(said, Some(ToastAction::Undo(step)));
                done();
            }
        });
    }

    /// Whether what is on this device is not here yet, which is said: nothing can be done to it.
    pub fn is_still_opening(self) -> bool {
        let is_opening = !self.cloud().is_open().get_untracked();
        if is_opening {
            self.toast(words::STILL_OPENING.to_owned(), None);
        }
        is_opening
    }

    /// Runs the commands: a few at once, many a part at a time. `done` is given what undoes them.
    fn carry_out(self, commands: Vec<Command>, done: impl FnOnce(Vec<Command>) + 'static) {
        if self.is_still_opening() {
            return;
        }
        if commands.len() <= COMMANDS_AT_ONCE_MAX {
            return done(self.cloud().run(commands));
        }
        let running = self.cloud().run_in_turns(commands);
        self.acts.update_value(|acts| acts.running += 1);
        spawn_local(async move {
            done(running.await);
            let waiting = self.acts.try_update_value(|acts| {
                acts.running -= 1;
                std::mem::take(&mut acts.waiting)
            });
            for act in waiting.into_iter().flatten() {
                self.after_running(act);
            }
        });
    }

    /// Calls `act` once nothing runs in parts any more: what is taken back has to be whole.
    fn after_running(self, act: Box<dyn FnOnce()>) {
        if self.acts.with_value(|acts| acts.running == 0) {
            return act();
        }
        self.acts.update_value(|acts| acts.waiting.push(act));
    }

    /// Keeps the way back, if there is one.
    fn remember(self, inverse: Vec<Command>) -> Option<u64> {
        if inverse.is_empty() {
            return None;
        }
        self.history.try_update_value(|history| {
            history.redo.clear();
            history.push(inverse)
        })
    }

    /// A notice of the engine, with its own way back.
    pub fn notify(self, notice: crate::ports::Notice) {
        let step = notice.undo.and_then(|undo| self.history.try_update_value(|history| history.push(undo)));
        self.toast(notice.text, step.map(ToastAction::Undo));
    }

    /// Undoes the latest step.
    pub fn undo(self) {
        self.after_running(Box::new(move || {
            let step = self.history.try_update_value(|history| history.undo.pop()).flatten();
            match step {
                Some(step) => self.take_back(step),
                None => self.announce(words::NOTHING_TO_UNDO),
            }
        }));
    }

    /// Undoes one step, wherever it stands.
    pub fn undo_step(self, id: u64) {
        self.after_running(Box::new(move || {
            let step = self.history.try_update_value(|history| {
                let place = history.undo.iter().position(|step| step.id == id)?;
                Some(history.undo.remove(place))
            });
            if let Some(step) = step.flatten() {
                self.take_back(step);
            }
        }));
    }

    fn take_back(self, step: Step) {
        let Step { id, inverse } = step;
        self.toasts.update(|toasts| toasts.retain(|toast| toast.action != Some(ToastAction::Undo(id))));
        self.carry_out(inverse, move |again| {
            self.history.update_value(|history| history.redo.push(again));
            self.announce(words::UNDONE);
        });
    }

    pub fn redo(self) {
        self.after_running(Box::new(move || {
            let again = self.history.try_update_value(|history| history.redo.pop()).flatten();
            let Some(commands) = again else { return self.announce(words::NOTHING_TO_REDO) };
            self.carry_out(commands, move |inverse| {
                self.history.update_value(|history| {
                    history.push(inverse);
                });
                self.announce(words::REDONE);
            });
        }));
    }
}
