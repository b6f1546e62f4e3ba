use leptos::prelude::*;
use shared::limits::PASSWORD_CHARS_MIN;

use super::public_form::{Field, Progress, PublicForm, submit};
use crate::components::password_field::PasswordField;
use crate::ports::use_cloud;
use crate::words;

/// `/register`.
#[component]
pub fn Register() -> impl IntoView {
    let field = || RwSignal::new(String::new());
    let (username, password, display_name, invite) = (field(), field(), field(), field());
    let progress = RwSignal::new(Progress::default());
    let owner = Owner::current();
    let on_submit = move |()| {
        let optional = |field: RwSignal<String>| {
            Some(field.get_untracked().trim().to_owned()).filter(|text| !text.is_empty())
        };
        let (username, password) = (username.get_untracked().trim().to_owned(), password.get_untracked());
        if username.is_empty() || password.is_empty() {
            progress.set(Progress::Failed(words::FILL_IN_BOTH.to_owned()));
        } else if password.chars().count() < PASSWORD_CHARS_MIN {
            progress.set(Progress::Failed(words::password_rule(PASSWORD_CHARS_MIN)));
        } else if let Some(cloud) = owner.as_ref().map(|owner| owner.with(use_cloud)) {
            submit(progress, cloud.register(username, password, optional(display_name), optional(invite)));
        }
    };
    let footer = view! { {words::HAVE_ACCOUNT} " " <a href="/sign-in">{words::SIGN_IN}</a> }.into_any();
    view! {
        <PublicForm
            title=words::REGISTER_TITLE
            submit_label=words::REGISTER
            progress=progress
            on_submit=Callback::new(on_submit)
            footer=footer
        >
            <Field id="username" label=words::USERNAME value=username autocomplete="username" autofocus=true />
            <Field id="name" label=words::DISPLAY_NAME value=display_name autocomplete="name" />
            <PasswordField
                value=password
                autocomplete="new-password"
                hint=words::password_rule(PASSWORD_CHARS_MIN)
            />
            <Field
                id="invite"
                label=words::INVITE
                value=invite
                autocomplete="off"
                hint=words::INVITE_HINT.to_owned()
            />
        </PublicForm>
    }
}
