use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::components::logo::Logo;
use crate::ports::{Account, CallError, CloudContext, LocalFuture};
use crate::words;

/// What a form of the public is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    #[default]
    Idle,
    Sending,
    Failed(String),
}

/// Where a signed-in person begins.
const START: &str = "/files";

/// The frame that sign-in and registration share: the mark, a title, fields, one button.
#[component]
pub fn PublicForm(
    title: &'static str,
    submit_label: &'static str,
    progress: RwSignal<Progress>,
    /// Called with a valid form.
    on_submit: Callback<()>,
    /// The way to the other page.
    footer: AnyView,
    children: Children,
) -> impl IntoView {
    leave_when_signed_in();
    let sending = move || progress.get() == Progress::Sending;
    view! {
        <div class="public-card">
            <Logo />
            <h1>{title}</h1>
            <form
                // Not that it is ever sent so: a password in an address would stay in histories and logs.
                method="post"
                novalidate
                aria-describedby="form-error"
                on:submit=move |event| {
                    event.prevent_default();
                    if !sending() {
                        on_submit.run(());
                    }
                }
            >
                {children()}
                <p class="form-error" id="form-error" role="alert">
                    {move || match progress.get() {
                        Progress::Failed(reason) => reason,
                        Progress::Idle | Progress::Sending => String::new(),
                    }}
                </p>
                <button class="button primary wide" type="submit" aria-disabled=move || sending().to_string()>
                    {move || if sending() { words::SIGNING_IN } else { submit_label }}
                </button>
            </form>
            <p class="public-footer">{footer}</p>
        </div>
    }
    .into_any()
}

/// One labelled text field.
#[component]
pub fn Field(
    id: &'static str,
    label: &'static str,
    value: RwSignal<String>,
    autocomplete: &'static str,
    #[prop(optional)] hint: Option<String>,
    #[prop(optional)] autofocus: bool,
) -> impl IntoView {
    let hint_id = hint.as_ref().map(|_| format!("{id}-hint"));
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <input
                id=id
                name=id
                type="text"
                autocomplete=autocomplete
                autocapitalize="none"
                spellcheck="false"
                autofocus=autofocus
                aria-describedby=hint_id.clone()
                prop:value=value
                on:input=move |event| value.set(event_target_value(&event))
            />
            {hint.map(|hint| view! { <p class="field-hint" id=hint_id>{hint}</p> })}
        </div>
    }
}

/// Sends the form and goes on to the files, by a full load: the signed-in area is another document.
pub fn submit(progress: RwSignal<Progress>, call: LocalFuture<Result<(), CallError>>) {
    progress.set(Progress::Sending);
    spawn_local(async move {
        match call.await {
            Ok(()) => start(),
            Err(CallError::Unreachable) => progress.set(Progress::Failed(words::UNREACHABLE.to_owned())),
            Err(CallError::Refused(problem)) => progress.set(Progress::Failed(problem.detail)),
        }
    });
}

fn start() {
    location().replace(START).ok();
}

fn leave_when_signed_in() {
    let cloud = use_context::<CloudContext>();
    Effect::new(move || {
        let signed_in = cloud.as_ref().is_some_and(|cloud| {
            cloud.0.with_value(|cloud| matches!(cloud.account().get(), Account::SignedIn(_)))
        });
        if signed_in {
            start();
        }
    });
}
