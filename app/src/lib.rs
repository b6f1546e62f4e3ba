//! The Leptos app: pages, components and hooks. It knows the world only through [`ports`], and the browser
//! only in [`hooks`].
//!
//! Two entries, one code. [`App`] is the signed-in area: a shell that is the same for everyone and is
//! mounted, so that it opens without a server. [`PublicApp`] is what anyone may see: rendered by the server
//! and hydrated. [`document`] is the HTML around both.

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
pub mod ports;
mod shell;
mod ui;
mod words;

use leptos::prelude::*;
use leptos_router::components::{Route, Router, Routes};
use leptos_router::path;

pub use shell::App;

/// Sign-in and registration. Needs no port to render; a submit asks for the one in context.
#[component]
pub fn PublicApp() -> impl IntoView {
    Effect::new(hooks::preferences::apply_stored_theme);
    view! {
        <Router>
            <main class="public" id="content">
                <Routes fallback=pages::SignIn>
                    <Route path=path!("/sign-in") view=pages::SignIn />
                    <Route path=path!("/register") view=pages::Register />
                </Routes>
            </main>
        </Router>
    }
    .into_any()
}

/// The HTML document around a page. `boot` starts the browser's half: scripts, with the answer's nonce.
/// The body is [`PublicApp`] for a page of the public, nothing for the signed-in shell.
pub fn document(boot: impl IntoView, body: impl IntoView) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
                <meta name="color-scheme" content="light dark" />
                <meta name="theme-color" media="(prefers-color-scheme: light)" content="#f6f7f9" />
                <meta name="theme-color" media="(prefers-color-scheme: dark)" content="#15181d" />
                <meta name="description" content="Your own cloud for files and photos" />
                <title>{words::APP}</title>
                <link rel="stylesheet" href="/pkg/cloudstead.css" />
                <link rel="icon" href="/icon.svg" type="image/svg+xml" />
                <link rel="apple-touch-icon" href="/apple-touch-icon.png" />
                <link rel="manifest" href="/manifest.webmanifest" />
                {boot}
            </head>
            <body>{body}</body>
        </html>
    }
}
