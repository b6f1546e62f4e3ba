//! The contract, seen from outside: a real server on a port of its own, and clients that speak HTTP.

mod accounts;
mod downloads;
mod faults;
mod nodes;
mod notifications;
mod requests;
mod retention;
mod routes;
mod support;
mod uploads;
