//! The pages that anyone may see. The server renders them, and the browser mounts the same over what was
//! rendered; in the shell, which is all there is without a server, they are mounted as they are.

use leptos::prelude::*;

use super::{Register, SignIn};
use crate::hooks::preferences::apply_stored_theme;
use crate::words;

/// What stands for the app's code until it is there.
const EARLY: &str = include_str!("early.js");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicPage {
    SignIn,
    Register,
}

impl PublicPage {
    pub const ALL: [Self; 2] = [Self::SignIn, Self::Register];

    pub const fn path(self) -> &'static str {
        match self {
            Self::SignIn => "/sign-in",
            Self::Register => "/register",
        }
    }

    /// The page at the browser's address.
    pub fn here() -> Option<Self> {
        let path = location().pathname().ok()?;
        Self::ALL.into_iter().find(|page| page.path() == path)
    }

    const fn title(self) -> &'static str {
        match self {
            Self::SignIn => words::SIGN_IN,
            Self::Register => words::REGISTER,
        }
    }
}

/// Needs no port to render; a submit asks for the one in context.
#[component]
pub fn PublicApp(page: PublicPage) -> impl IntoView {
    Effect::new(apply_stored_theme);
    view! {
        <main class="public" id="content">
            {match page {
                PublicPage::SignIn => view! { <SignIn /> }.into_any(),
                PublicPage::Register => view! { <Register /> }.into_any(),
            }}
        </main>
    }
    .into_any()
}

/// A page as the server answers it, with the nonce that its policy names and the folder of the app's code. `data-waiting` says that the app's
/// code has yet to come; it becomes `submit` when a person has sent the form by then.
pub fn document(page: PublicPage, nonce: &str, code: &str) -> impl IntoView + use<> {
    let nonce = nonce.to_owned();
    let code = |file: &str| format!("{code}{file}");
    view! {
        <!DOCTYPE html>
        <html lang="en" data-waiting="app">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
                <meta name="color-scheme" content="light dark" />
                <meta name="theme-color" media="(prefers-color-scheme: light)" content="#f6f7f9" />
                <meta name="theme-color" media="(prefers-color-scheme: dark)" content="#15181d" />
                <meta name="description" content="Your own cloud for files and photos" />
                <title>{format!("{} · {}", page.title(), words::APP)}</title>
                <link rel="stylesheet" href=code("cloudstead.css") />
                <link rel="icon" href="/icon.svg" type="image/svg+xml" />
                <link rel="apple-touch-icon" href="/apple-touch-icon.png" />
                <link rel="manifest" href="/manifest.webmanifest" />
                <script nonce=nonce inner_html=EARLY></script>
                <link rel="modulepreload" href=code("cloudstead.js") />
                <link
                    rel="preload"
                    href=code("cloudstead_bg.wasm")
                    r#as="fetch"
                    r#type="application/wasm"
                    crossorigin
                />
                <script type="module" src=code("boot.js")></script>
            </head>
            <body>
                <noscript>
                    <p class="public-notice">{words::NEEDS_JAVASCRIPT}</p>
                </noscript>
                <PublicApp page=page />
            </body>
        </html>
    }
}
