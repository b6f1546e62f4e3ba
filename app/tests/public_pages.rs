//! What the server renders for everyone, before any code runs in the browser.
#![cfg(feature = "ssr")]

use app::PublicPage;
use leptos::prelude::*;

const NONCE: &str = "bm9uY2U";

fn rendered(page: PublicPage) -> String {
    Owner::new().with(|| app::document(page, NONCE, "/pkg/1f/").to_html())
}

#[test]
fn sign_in_is_a_form_that_a_password_manager_knows() {
    let page = rendered(PublicPage::SignIn);
    assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
    for part in
        ["autocomplete=\"username\"", "autocomplete=\"current-password\"", "type=\"password\"", "<h1>Sign in"]
    {
        assert!(page.contains(part), "{part} is missing in {page}");
    }
}

#[test]
fn registration_asks_for_an_invitation_and_a_new_password() {
    let page = rendered(PublicPage::Register);
    assert!(page.contains("autocomplete=\"new-password\"") && page.contains("Invitation code"), "{page}");
}

#[test]
fn nothing_in_a_page_needs_an_exception_from_the_policy() {
    for page in PublicPage::ALL.map(rendered) {
        for inline in [" style=", "<style", "onclick", "onsubmit"] {
            assert!(!page.contains(inline), "{inline} in {page}");
        }
        for script in page.split("<script").skip(1) {
            let tag = script.split('>').next().unwrap_or_default();
            assert!(tag.contains("src=\"/") || tag.contains(NONCE), "{tag}");
        }
    }
}

#[test]
fn a_form_that_is_sent_before_the_code_is_there_puts_nothing_into_an_address() {
    for page in PublicPage::ALL.map(rendered) {
        assert!(page.contains("<form method=\"post\""), "{page}");
        // The script is not escaped on its way.
        assert!(page.contains("addEventListener('submit', (event) => {"), "{page}");
    }
}
