//! What the server renders for everyone, before any code runs in the browser.
#![cfg(feature = "ssr")]

use leptos::prelude::*;
use leptos_router::location::RequestUrl;

fn rendered(address: &str) -> String {
    let address = address.to_owned();

    Owner::new().with(|| {
        provide_context(RequestUrl::new(&address));
        app::document((), view! { <app::PublicApp /> }).to_html()
    })
}

#[test]
fn sign_in_is_a_form_that_a_password_manager_knows() {
    let page = rendered("/sign-in");
    assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
    for part in
        ["autocomplete=\"username\"", "autocomplete=\"current-password\"", "type=\"password\"", "<h1>Sign in"]
    {
        assert!(page.contains(part), "{part} is missing in {page}");
    }
}

#[test]
fn registration_asks_for_an_invitation_and_a_new_password() {
    let page = rendered("/register");
    assert!(page.contains("autocomplete=\"new-password\"") && page.contains("Invitation code"), "{page}");
}

#[test]
fn nothing_in_a_page_needs_an_exception_from_the_policy() {
    for address in ["/sign-in", "/register"] {
        let page = rendered(address);
        for inline in [" style=", "<script", "<style", "onclick", "onsubmit"] {
            assert!(!page.contains(inline), "{inline} in {page}");
        }
    }
}
