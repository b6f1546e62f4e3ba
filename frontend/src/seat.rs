//! How this tab takes part in its account: it leads, or it follows.

use std::cell::RefCell;
use std::rc::Rc;

use app::ports::SaveError;
use sync::{Command, EditBase, Event, Ran, StoreBatch};

use crate::browser;
use crate::contents::Contents;
use crate::later;
use crate::replica::Replica;
use crate::runtime::{Listener, Runtime};
use crate::store::IndexedDbStore;
use crate::tabs::{Follower, Leader, Wish};

#[derive(Clone)]
pub enum Seat {
    /// What the database holds is still read; what is asked for waits.
    Opening {
        replica: Rc<Replica>,
        store: Rc<IndexedDbStore>,
        acts: Rc<Acts>,
    },
    Leading(Rc<Runtime>),
    Following(Rc<Follower>),
}

/// What a person did before the seat was taken.
#[derive(Default)]
pub struct Acts(RefCell<Vec<Act>>);

pub enum Act {
    Run(Vec<Command>),
    Wish(Wish),
}

impl Acts {
    fn add(&self, act: Act) {
        self.0.borrow_mut().push(act);
    }

    pub fn take(&self) -> Vec<Act> {
        self.0.take()
    }
}

impl Act {
    pub fn perform(self, seat: &Seat) {
        match self {
            Self::Run(commands) => drop(seat.run(commands)),
            Self::Wish(wish) => seat.wish(wish),
        }
    }
}

impl Seat {
    pub fn replica(&self) -> &Rc<Replica> {
        match self {
            Self::Opening { replica, .. } => replica,
            Self::Leading(runtime) => &runtime.replica,
            Self::Following(follower) => &follower.replica,
        }
    }

    pub fn store(&self) -> &Rc<IndexedDbStore> {
        match self {
            Self::Opening { store, .. } => store,
            Self::Leading(runtime) => &runtime.store,
            Self::Following(follower) => &follower.store,
        }
    }

    pub fn run(&self, commands: Vec<Command>) -> Ran {
        match self {
            Self::Opening { acts, .. } => {
                acts.add(Act::Run(commands));
                Ran::default()
            }
            Self::Leading(runtime) => runtime.run(commands).0,
            Self::Following(follower) => follower.run(commands),
        }
    }

    /// Gives the page its turn, and returns when what was run is not all held in memory: the leader has stored
    /// most of it, or has answered the follower.
    pub async fn catch_up(&self) {
        match self {
            Self::Opening { .. } => {}
            Self::Leading(runtime) => runtime.catch_up().await,
            Self::Following(follower) => follower.catch_up().await,
        }
        browser::turn().await;
    }

    /// As [`Self::run`] with commands that make one operation; resolves when it is stored, with that operation
    /// as what a further edit is made on.
    pub fn run_and_wait(
        &self,
        commands: Vec<Command>,
    ) -> impl Future<Output = Result<EditBase, SaveError>> + 'static {
        let leading = match self {
            // No text is open before its item is known.
            Self::Opening { .. } => None,
            Self::Leading(runtime) => Some(Ok(runtime.run_and_wait(commands))),
            Self::Following(follower) => Some(Err(follower.run_and_wait(commands))),
        };
        async move {
            let (operations, refused) = match leading.ok_or(SaveError::NotStored)? {
                Ok((ran, stored)) => {
                    if ran.refused.is_empty() {
                        stored.await.map_err(|_| SaveError::NotStored)?;
                    }
                    (ran.operations, ran.refused)
                }
                Err(answered) => {
                    let answer = answered.await.map_err(|_| SaveError::NotStored)?;
                    (answer.operations, answer.refused)
                }
            };
            match (operations.last(), refused.first()) {
                (_, Some((_, error))) => Err(SaveError::Refused(*error)),
                (Some((_, operation)), None) => Ok(EditBase::Operation(*operation)),
                (None, None) => Err(SaveError::NotStored),
            }
        }
    }

    pub fn wish(&self, wish: Wish) {
        let runtime = match self {
            Self::Opening { acts, .. } => return acts.add(Act::Wish(wish)),
            Self::Leading(runtime) => runtime,
            Self::Following(follower) => return follower.wish(wish),
        };
        match wish {
            Wish::Upload(folder, picked) => {
                let runtime = runtime.clone();
                later::spawn(move |code| (code.take_in)(runtime, folder, picked));
            }
            Wish::Control(operation, control) => runtime.uploader.control(operation, control),
            Wish::Supply(operation, file) => runtime.uploader.supply(operation, file),
            Wish::Discard(operation) => runtime.handle(Event::Discard { operation }),
            Wish::RetryNow => runtime.retry_now(),
        }
    }
}

/// Tells the other tabs what the leader's runtime does.
struct ToTabs<F> {
    leader: Rc<Leader>,
    session_lost: F,
}

impl<F: Fn()> Listener for ToTabs<F> {
    fn session_lost(&self) {
        self.leader.session_lost();
        (self.session_lost)();
    }

    fn stored(&self, batch: &StoreBatch) {
        self.leader.stored(batch);
    }

    fn redrawn(&self, runtime: &Rc<Runtime>) {
        self.leader.show(runtime);
    }

    fn said(&self, text: &str) {
        self.leader.say(text);
    }
}

/// Takes the lead with a replica that was read since the lock was held.
pub fn lead(
    replica: Rc<Replica>,
    store: Rc<IndexedDbStore>,
    contents: Rc<Contents>,
    leader: Rc<Leader>,
    ended: impl Fn(Ended) + Clone + 'static,
) -> Rc<Runtime> {
    let lost = ended.clone();
    let listener = ToTabs { leader: leader.clone(), session_lost: move || lost(Ended::SessionLost) };
    let runtime = Runtime::start(replica, store, contents, listener);
    leader.serve(&runtime, ended);
    runtime
}

/// Takes the lead after another tab: what that one stored last counts, and what it did not answer is asked
/// again.
pub async fn succeed(
    follower: Rc<Follower>,
    contents: Rc<Contents>,
    leader: Rc<Leader>,
    ended: impl Fn(Ended) + Clone + 'static,
) -> Option<Rc<Runtime>> {
    let unanswered = follower.inherit().await?;
    let runtime = lead(follower.replica.clone(), follower.store.clone(), contents, leader, ended);
    for commands in unanswered {
        // What the last leader did before it ended is refused as known, or changes nothing.
        let _ = runtime.run(commands);
    }
    Some(runtime)
}

/// Why there is nothing to show any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The server ended the session.
    SessionLost,
    /// Another tab signed out.
    SignedOut,
}
