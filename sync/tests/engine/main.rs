//! The engine against a model of the server: scripted scenarios, then random schedules.

mod circles;
mod concurrent;
mod copies;
mod edits;
mod mishaps;
mod photos;
mod random;
mod resync;
mod scale;
mod scenarios;
mod server;
mod world;
