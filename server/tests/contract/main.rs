//! The contract, seen from outside: a real server on a port of its own, and clients that speak HTTP.

mod accounts;
mod activity;
mod albums;
mod concurrent_edits;
mod conflicts;
mod copies;
mod device;
mod document;
mod downloads;
mod faults;
mod films;
mod invariants;
mod limits;
mod nodes;
mod notifications;
mod photo_facts;
mod photos;
mod process;
mod push;
mod repeats;
mod requests;
mod retention;
mod routes;
mod stress;
mod support;
mod uploads;
