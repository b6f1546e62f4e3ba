use std::rc::Rc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_params_map;
use shared::{ItemId, ItemKind};

use super::NotFound;
use super::files::first_sync;
use crate::actions::Action;
use crate::components::drawing::Scene;
use crate::components::editor::{Editor, Session, Unopened};
use crate::components::empty_state::EmptyState;
use crate::components::icon::Glyph;
use crate::ui::{Place, Ui, use_ui};
use crate::words;

/// `/edit/:fileId`.
#[component]
pub fn EditPage() -> impl IntoView {
    let ui = use_ui();
    let params = use_params_map();
    let id = Memo::new(move |_| {
        params.with(|params| params.get_str("fileId").and_then(|id| id.parse::<ItemId>().ok()))
    });
    Effect::new(move || ui.enter(id.get().map_or(Place::Elsewhere, Place::Editor)));
    // Once a text is open it stays so, whatever becomes of its file.
    let was_there = Memo::new(move |before: Option<&Option<ItemId>>| {
        let id = id.get()?;
        let is_file = ui.item(id).is_some_and(|item| item.item.kind == ItemKind::File);
        (is_file || before == Some(&Some(id))).then_some(id)
    });
    move || match was_there.get() {
        Some(id) => view! { <OpenText ui=ui id=id /> }.into_any(),
        None => first_sync(ui).unwrap_or_else(|| {
            view! {
                <h1 class="visually-hidden">{words::EDIT}</h1>
                <NotFound />
            }
            .into_any()
        }),
    }
}

/// The text, as soon as it is there.
#[component]
fn OpenText(ui: Ui, id: ItemId) -> impl IntoView {
    let opened = RwSignal::new_local(None::<Result<Rc<Session>, Unopened>>);
    let open = move || {
        let opening = Session::open(ui.cloud(), id);
        spawn_local(async move {
            let session = opening.await;
            opened.try_set(Some(session));
        });
    };
    open();
    let is_online = Memo::new(move |_| ui.cloud().summary().with(|summary| summary.online));
    Effect::new(move |before: Option<bool>| {
        let now = is_online.get();
        let is_away = opened.with_untracked(|opened| matches!(opened, Some(Err(Unopened::Away))));
        if now && before == Some(false) && is_away {
            open();
        }
        now
    });
    move || match opened.get() {
        None => ().into_any(),
        Some(Ok(session)) => view! { <Editor session=session /> }.into_any(),
        Some(Err(why)) => view! { <CannotEdit ui=ui id=id why=why /> }.into_any(),
    }
}

#[component]
fn CannotEdit(ui: Ui, id: ItemId, why: Unopened) -> impl IntoView {
    let (title, hint) = match &why {
        Unopened::Away => (words::TEXT_AWAY, words::TEXT_AWAY_HINT.to_owned()),
        Unopened::TooLarge => (words::TEXT_TOO_LARGE, words::TEXT_TOO_LARGE_HINT.to_owned()),
        Unopened::NotText => (words::NOT_A_TEXT, words::NOT_A_TEXT_HINT.to_owned()),
        Unopened::Failed(reason) => (words::CANT_OPEN, reason.clone()),
    };
    let item = ui.item_now(id);
    let folder = item.as_ref().map_or(ui.root, |item| item.item.parent_id);
    let name = item.map(|item| item.item.name.clone());
    let act = move |action: Action| {
        view! {
            <button class="button" type="button" on:click=move |_| ui.perform(action, vec![id])>
                <Glyph icon=action.icon() />
                {action.label()}
            </button>
        }
    };
    view! {
        // The editor's own head, which names the file, is not there.
        <h1 class="visually-hidden">{name}</h1>
        <EmptyState scene=Scene::Lost title=title.to_owned() hint=hint>
            <a class="button primary" href=ui.folder_address(folder)>{words::back_to(&ui.folder_name(folder))}</a>
            {(why != Unopened::Away).then(|| (act(Action::QuickLook), act(Action::Download)))}
        </EmptyState>
    }
    .into_any()
}
