use leptos::prelude::*;

use super::public_form::{Field, Progress, PublicForm, submit};
use crate::components::password_field::PasswordField;
use crate::ports::use_cloud;
use crate::words;

/// `/sign-in`.
#[component]
pub fn SignIn() -> impl IntoView {
    let (username, password) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let progress = RwSignal::new(Progress::default());
    let owner = Owner::current();
    let on_submit = move |()| {
        let (username, password) = (username.get_untracked().trim().to_owned(), password.get_untracked());
        if username.is_empty() || password.is_empty() {
            progress.set(Progress::Failed(words::FILL_IN_BOTH.to_owned()));
        } else if let Some(cloud) = owner.as_ref().map(|owner| owner.with(use_cloud)) {
            submit(progress, cloud.sign_in(username, password));
        }
    };
    let footer = view! { {words::NO_ACCOUNT} " " <a href="/register">{words::REGISTER}</a> }.into_any();
    view! {
        <PublicForm
            title=words::SIGN_IN_TITLE
            submit_label=words::SIGN_IN
            progress=progress
            on_submit=Callback::new(on_submit)
            footer=footer
        >
            <Field id="username" label=words::USERNAME value=username autocomplete="username" autofocus=true />
            <PasswordField value=password autocomplete="current-password" />
        </PublicForm>
    }
}
