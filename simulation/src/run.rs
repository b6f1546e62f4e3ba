//! One scenario from beginning to end.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::oracle::{Invariant, Violation};
use crate::plan::Plan;
use crate::trace::Trace;
use crate::world::{Counts, World};

/// What a scenario came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Of everything that happened: equal for two runs of one plan.
    pub trace: u64,
    pub counts: Counts,
    pub violation: Option<Violation>,
}

/// What plays the server's part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tier {
    /// The rules alone, over a database in memory.
    #[default]
    Core,
    /// The server as it is: router, SQL, jobs, objects.
    Full,
}

pub fn run(plan: &Plan, tier: Tier) -> Outcome {
    play(plan, tier, Trace::default()).0
}

/// As [`run`], and tells everything that happened.
pub fn traced(plan: &Plan, tier: Tier) -> (Outcome, Vec<String>) {
    let (outcome, trace) = play(plan, tier, Trace::kept());
    (outcome, trace.lines.unwrap_or_default())
}

fn play(plan: &Plan, tier: Tier, trace: Trace) -> (Outcome, Trace) {
    let mut world = World::new(plan, tier, trace);
    let played = catch_unwind(AssertUnwindSafe(|| {
        for &(client, step) in &plan.steps {
            world.step(usize::from(client) % plan.clients, step);
            if world.oracle.violation.is_some() {
                return;
            }
        }
        world.finish();
    }));
    if let Err(panic) = played {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        world.oracle.fail(Invariant::NoPanic, || text.unwrap_or_default());
    }
    let violation = world.oracle.violation.take();
    (Outcome { trace: world.trace.hash(), counts: world.counts, violation }, world.trace)
}
