//! The engine against a model of the server: scripted scenarios, then random schedules.

mod random;
mod scenarios;
mod server;
mod world;
