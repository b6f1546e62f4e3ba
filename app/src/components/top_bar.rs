use leptos::prelude::*;

use super::breadcrumbs::Breadcrumbs;
use super::icon::Glyph;
use super::search_field::SearchField;
use super::sync_status::SyncStatusButton;
use crate::ports::{Account, PhotoList};
use crate::ui::{Place, use_ui};
use crate::words;

/// Where one is, the search, the state of sync, the account.
#[component]
pub fn TopBar() -> impl IntoView {
    let ui = use_ui();
    let account = ui.cloud().account();
    let name = Memo::new(move |_| {
        account.with(|account| match account {
            Account::SignedIn(it) => it.user.display_name.clone(),
            Account::Loading | Account::SignedOut | Account::Failed(_) => String::new(),
        })
    });
    let initial = move || name.with(|name| name.chars().next().map(|c| c.to_uppercase().to_string()));
    let above = move || match ui.place.get() {
        Place::Folder(folder) if folder != ui.root => {
            ui.item(folder).map(|it| ui.folder_address(it.item.parent_id))
        }
        _ => None,
    };
    let is_search = |place: &Place| matches!(place, Place::Search(_) | Place::Photos(PhotoList::Found(_)));
    let is_search = move || ui.place.with(is_search);
    view! {
        <header class="top-bar" class:searching=is_search>
            {move || above().map(|href| view! {
                <a class="icon-button up-link" href=href aria-label=words::BACK title=words::BACK>
                    <Glyph icon=icondata::LuArrowLeft />
                </a>
            })}
            <Breadcrumbs />
            <SearchField />
            <SyncStatusButton />
            <a class="avatar" href="/settings" title=name aria-label=move || format!("{}: {}", words::SETTINGS, name.get())>
                {initial}
            </a>
        </header>
    }
    .into_any()
}
