//! The contract, seen from outside: a real server on a port of its own, and clients that speak HTTP.

mod accounts;
mod device;
mod faults;
mod nodes;
mod downloads;
mod notifications;
mod push;
mod requests;
mod routes;
mod support;
mod uploads;
