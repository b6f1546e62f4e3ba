//! The proof that nothing is ever lost: real engines and the server's real rules in one process, under a
//! seeded schedule of people, networks, crashes, clocks and restored backups, held to an oracle.
//!
//! A scenario follows from its seed alone: [`plan::Plan`] says who does what and what happens to them,
//! [`world::World`] plays it one step after another, [`oracle::Oracle`] looks on. See [`run::run`].

mod account;
mod chance;
mod client;
mod database;
mod full;
mod oracle;
mod plan;
mod run;
mod server;
mod shrink;
mod trace;
mod world;

pub use oracle::{Invariant, Violation};
pub use plan::{AGE_SEEDS, Plan};
pub use run::{Outcome, Tier, run, traced};
pub use shrink::shrink;
pub use world::Counts;
