use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::ErrorCode;
use shared::limits::PASSWORD_CHARS_MIN;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use super::dialog::Dialog;
use super::password_field::PasswordField;
use crate::ports::{Account, CallError};
use crate::ui::{Dialog as Open, use_ui};
use crate::words;

const CURRENT_ID: &str = "current-password";

/// What is to be typed again.
fn stand_on_current() {
    let field =
        document().get_element_by_id(CURRENT_ID).and_then(|it| it.dyn_into::<HtmlInputElement>().ok());
    if let Some(field) = field {
        field.focus().ok();
        field.select();
    }
}

/// One's own password, for a new one.
#[component]
pub fn ChangePassword() -> impl IntoView {
    let ui = use_ui();
    let (current, new) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let is_sending = RwSignal::new(false);
    let error = RwSignal::new(String::new());
    let close = move || ui.dialog.set(None);
    let username = ui.cloud().account().with_untracked(|account| match account {
        Account::SignedIn(it) => it.user.username.clone(),
        Account::Loading | Account::SignedOut | Account::Failed(_) => String::new(),
    });
    let save = move || {
        let (current, new) = (current.get_untracked(), new.get_untracked());
        if current.is_empty() {
            error.set(words::ENTER_CURRENT_PASSWORD.to_owned());
            return;
        }
        if new.chars().count() < PASSWORD_CHARS_MIN {
            error.set(words::password_rule(PASSWORD_CHARS_MIN));
            return;
        }
        error.set(String::new());
        is_sending.set(true);
        let changing = ui.cloud().change_password(current, new);
        spawn_local(async move {
            let answer = changing.await;
            // Closed meanwhile: what came of it is told all the same.
            is_sending.try_set(false);
            match answer {
                Ok(()) => {
                    if ui.dialog.with_untracked(|open| *open == Some(Open::ChangePassword)) {
                        close();
                    }
                    ui.say(words::PASSWORD_CHANGED.to_owned());
                    ui.cloud().refresh_account();
                }
                Err(refused) => {
                    let reason = match refused {
                        CallError::Unreachable => words::UNREACHABLE.to_owned(),
                        CallError::Refused(problem) => {
                            if problem.code == ErrorCode::WrongPassword {
                                stand_on_current();
                            }
                            problem.detail
                        }
                    };
                    if let Some(reason) = error.try_set(reason) {
                        ui.say(reason);
                    }
                }
            }
        });
    };
    view! {
        <Dialog title=words::CHANGE_PASSWORD.to_owned() on_close=close>
            <form
                class="dialog-form"
                method="post"
                novalidate
                aria-describedby="password-error"
                on:submit=move |event| {
                    event.prevent_default();
                    if !is_sending.get_untracked() {
                        save();
                    }
                }
            >
                <p class="dialog-text">{words::CHANGE_PASSWORD_TEXT}</p>
                // Password managers put the new one beside this name.
                <input type="text" name="username" autocomplete="username" value=username hidden readonly />
                <PasswordField
                    id=CURRENT_ID
                    label=words::CURRENT_PASSWORD
                    value=current
                    autocomplete="current-password"
                    autofocus=true
                />
                <PasswordField
                    id="new-password"
                    label=words::NEW_PASSWORD
                    value=new
                    autocomplete="new-password"
                    hint=words::password_rule(PASSWORD_CHARS_MIN)
                />
                <p class="form-error" id="password-error" role="alert">{error}</p>
                <div class="dialog-actions">
                    <button class="button" type="button" on:click=move |_| close()>{words::CANCEL}</button>
                    <button
                        class="button primary"
                        type="submit"
                        aria-disabled=move || is_sending.get().to_string()
                    >
                        {move || if is_sending.get() { words::CHANGING } else { words::CHANGE_PASSWORD }}
                    </button>
                </div>
            </form>
        </Dialog>
    }
    .into_any()
}
