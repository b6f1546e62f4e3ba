//! The Leptos app: pages, components and hooks. It knows the world only through [`ports`], and the browser
//! only in [`hooks`].
//!
//! Two entries, one code. [`App`] is the signed-in area: a shell that is the same for everyone and is
//! mounted, so that it opens without a server. [`PublicApp`] is what anyone may see; [`document`] is the page
//! of it that the server renders.

// A view's type nests as deep as the page does.
#![recursion_limit = "256"]

mod actions;
mod components;
mod conflicts;
#[cfg(feature = "demo")]
pub mod demo;
mod hooks;
mod model;
mod pages;
mod parts;
pub mod ports;
mod shell;
mod ui;
mod words;

pub use pages::{PublicApp, PublicPage, document};
pub use shell::App;
