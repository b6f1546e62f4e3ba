//! Makes a failing scenario small: steps are left out as long as it still fails in the same way.

use crate::oracle::Invariant;
use crate::plan::Plan;
use crate::run::{Tier, run};

/// Runs that may be spent on one scenario, the server's rules alone or the server as it is.
const RUNS_MAX: usize = 3_000;
const FULL_RUNS_MAX: usize = 300;

/// The smallest plan found that still violates the invariant.
pub fn shrink(plan: &Plan, tier: Tier, invariant: Invariant) -> Plan {
    let mut best = plan.clone();
    let mut runs = 0;
    let runs_max = if tier == Tier::Full { FULL_RUNS_MAX } else { RUNS_MAX };
    let mut fails = |plan: &Plan| {
        runs += 1;
        runs < runs_max && run(plan, tier).violation.is_some_and(|violation| violation.invariant == invariant)
    };
    let mut piece = best.steps.len().div_ceil(2).max(1);
    loop {
        let mut at = 0;
        let mut shorter = false;
        while at < best.steps.len() {
            let mut without = best.clone();
            without.steps.drain(at..(at + piece).min(best.steps.len()));
            if fails(&without) {
                best = without;
                shorter = true;
            } else {
                at += piece;
            }
        }
        if piece == 1 && !shorter {
            break;
        }
        if !shorter || piece > 1 {
            piece = (piece / 2).max(1);
        }
    }
    for clients in 1..best.clients {
        let fewer = Plan { clients, ..best.clone() };
        if fails(&fewer) {
            return fewer;
        }
    }
    best
}
