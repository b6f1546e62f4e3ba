//! The app's code comes in parts. The first, which every page starts with, shows lists and keeps the account in
//! step; what is here comes right after the first list, or with the first that asks for it. The build
//! moves into a part whatever nothing else needs.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_split_helpers::SplitLoaderError;
#[cfg(not(feature = "demo"))]
use wasm_split_helpers::wasm_split;

use crate::components::context_menu::OpenMenu;
use crate::components::details::Details;
use crate::components::dialogs::OpenDialog;
use crate::components::quick_look::Sheet;
use crate::components::sync_status::Queue;
use crate::components::upload_panel::Uploads;
use crate::pages::{ActivityPage, AlbumPage, EditPage, PhotosPage, SettingsPage};
use crate::ui::{Dialog, MenuAt, Ui};
use crate::words;

/// What opens over a list and beside it, and the pages that are none.
#[derive(Clone, Copy)]
pub struct Rest {
    pub photos_page: fn() -> AnyView,
    pub album_page: fn() -> AnyView,
    pub edit_page: fn() -> AnyView,
    pub activity_page: fn() -> AnyView,
    pub settings_page: fn() -> AnyView,
    pub menu: fn(MenuAt) -> AnyView,
    pub dialog: fn(Dialog) -> AnyView,
    pub quick_look: fn(Ui) -> AnyView,
    pub details: fn() -> AnyView,
    pub uploads: fn(Ui, RwSignal<bool>) -> AnyView,
    pub queue: fn(Ui, RwSignal<bool>) -> AnyView,
}

#[cfg(not(feature = "demo"))]
#[wasm_split(rest, fallible)]
#[allow(clippy::unnecessary_wraps, reason = "fetching the part is what fails")]
fn rest() -> Result<Rest, SplitLoaderError> {
    Ok(Rest::here())
}

/// The demonstration is one file.
#[cfg(feature = "demo")]
async fn rest() -> Result<Rest, SplitLoaderError> {
    Ok(Rest::here())
}

impl Rest {
    fn here() -> Self {
        Self {
            photos_page: || view! { <PhotosPage /> }.into_any(),
            album_page: || view! { <AlbumPage /> }.into_any(),
            edit_page: || view! { <EditPage /> }.into_any(),
            activity_page: || view! { <ActivityPage /> }.into_any(),
            settings_page: || view! { <SettingsPage /> }.into_any(),
            menu: |at| view! { <OpenMenu at=at /> }.into_any(),
            dialog: |dialog| view! { <OpenDialog dialog=dialog /> }.into_any(),
            quick_look: |ui| view! { <Sheet ui=ui /> }.into_any(),
            details: || view! { <Details /> }.into_any(),
            uploads: |ui, open| view! { <Uploads ui=ui open=open /> }.into_any(),
            queue: |ui, open| view! { <Queue ui=ui open=open /> }.into_any(),
        }
    }
}

/// How far a part is.
#[derive(Clone, Copy)]
enum Coming<T> {
    NotAsked,
    Asked,
    Here(T),
    Failed,
}

/// The parts of this page, in context.
#[derive(Clone, Copy)]
pub struct Parts {
    rest: RwSignal<Coming<Rest>>,
}

pub fn provide_parts() -> Parts {
    let parts = Parts { rest: RwSignal::new(Coming::NotAsked) };
    provide_context(parts);
    parts
}

impl Parts {
    /// Has the part brought in, unless it is here or on its way.
    pub fn fetch(self) {
        if matches!(self.rest.get_untracked(), Coming::Asked | Coming::Here(_)) {
            return;
        }
        self.rest.set(Coming::Asked);
        spawn_local(async move {
            self.rest.set(rest().await.map_or(Coming::Failed, Coming::Here));
        });
    }
}

/// The parts are fetched once there is a list, so that nothing has to wait for them later.
pub fn use_parts_after_list(ui: Ui) {
    let parts = expect_context::<Parts>();
    Effect::new(move || {
        let is_read = ui.cloud().revision().get() > 0;
        let is_wanted = matches!(parts.rest.get_untracked(), Coming::NotAsked | Coming::Failed);
        if is_read && is_wanted && ui.cloud().summary().with(|summary| summary.first_sync.is_none()) {
            // After the list is on the screen.
            request_animation_frame(move || set_timeout(move || parts.fetch(), Duration::ZERO));
        }
    });
}

/// What the part makes, as soon as it is here.
pub fn from_rest(make: impl Fn(Rest) -> AnyView + Send + 'static) -> impl IntoView {
    let parts = expect_context::<Parts>();
    parts.fetch();
    move || match parts.rest.get() {
        Coming::NotAsked | Coming::Asked => ().into_any(),
        Coming::Here(rest) => make(rest),
        Coming::Failed => view! { <Missing parts=parts /> }.into_any(),
    }
}

/// In place of what could not be fetched.
#[component]
fn Missing(parts: Parts) -> impl IntoView {
    view! {
        <div class="empty" role="alert">
            <p>{words::PART_MISSING}</p>
            <button class="button" type="button" on:click=move |_| parts.fetch()>{words::TRY_AGAIN}</button>
        </div>
    }
    .into_any()
}
