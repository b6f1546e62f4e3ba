//! The Leptos app: pages, components and hooks. It knows the world only through [`ports`], and the browser
//! only in [`hooks`].
//!
//! Two entries, one code. [`App`] is the signed-in area: a shell that is the same for everyone and is
//! mounted, so that it opens without a server. [`PublicApp`] is what anyone may see; [`document`] is the page
//! of it that the server renders.

// A view's type nests as deep as the page does.
#![recursion_limit = "256"]
// The server shows nothing of the signed-in area: without a way into it, no code is made of it.
#![cfg_attr(feature = "ssr", allow(dead_code, reason = "only the public pages are rendered on the server"))]

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
pub mod words;

pub use pages::{PublicApp, PublicPage, document};
#[cfg(not(feature = "ssr"))]
pub use shell::App;
