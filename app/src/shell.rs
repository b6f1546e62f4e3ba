//! The frame of the signed-in area.

use std::cell::Cell;
use std::time::Duration;

use leptos::ev;
use leptos::prelude::*;
use leptos_router::components::{Outlet, ParentRoute, Redirect, Route, Router, Routes};
use leptos_router::path;
use shared::ItemId;
use wasm_bindgen::JsCast;

use crate::components::context_menu::ContextMenu;
use crate::components::dialogs::Dialogs;
use crate::components::drop_overlay::DropOverlay;
use crate::components::file_inputs::FileInputs;
use crate::components::quick_look::QuickLook;
use crate::components::search_field::SEARCH_INPUT;
use crate::components::sidebar::Sidebar;
use crate::components::tab_bar::TabBar;
use crate::components::toasts::Toasts;
use crate::components::top_bar::TopBar;
use crate::components::upload_panel::UploadPanel;
use crate::conflicts::use_conflict_watch;
use crate::hooks::clock::provide_clock;
use crate::hooks::drag::use_page_drops;
use crate::hooks::listener::{is_typing, on_window};
use crate::hooks::{desktop_files, intl, preferences};
use crate::pages::{FilesPage, NoPage, NotFound, PublicApp, PublicPage, SearchPage, TrashPage};
use crate::parts::{from_rest, provide_parts, use_parts_after_list};
use crate::ports::{Account, use_cloud};
use crate::ui::{Dialog, Place, Ui, provide_ui};
use crate::words;

/// The signed-in area. Whoever is signed out is sent to sign-in, which is another document: the server's, or,
/// where the shell is all there is, the shell again, which shows the same pages.
#[component]
pub fn App() -> impl IntoView {
    if let Some(page) = PublicPage::here() {
        return view! { <PublicApp page=page /> }.into_any();
    }
    preferences::apply_stored_theme();
    let account = use_cloud().account();
    let root = Memo::new(move |_| {
        account.with(|account| match account {
            Account::SignedIn(signed_in) => Some(signed_in.root_id),
            Account::Loading | Account::SignedOut | Account::Failed(_) => None,
        })
    });
    Effect::new(move || {
        if account.with(|account| *account == Account::SignedOut) {
            location().replace(PublicPage::SignIn.path()).ok();
        }
    });
    let failed = Memo::new(move |_| {
        account.with(|account| match account {
            Account::Failed(text) => Some(text.clone()),
            _ => None,
        })
    });
    provide_clock();
    provide_parts();
    // While the local database is opened.
    set_timeout(intl::prepare, Duration::ZERO);
    view! {
        {move || root.get().map(|root| view! { <SignedIn root=root /> })}
        {move || failed.get().map(|text| view! { <p role="alert">{text}</p> })}
    }
    .into_any()
}

#[component]
fn SignedIn(root: ItemId) -> impl IntoView {
    view! {
        <Router>
            <Routes fallback=NotFound>
                <Route path=path!("/") view=|| view! { <Redirect path="/files" /> } />
                <ParentRoute path=path!("") view=move || view! { <Frame root=root /> }>
                    <Route path=path!("/files/:folderId?") view=|| in_tree(FilesPage) />
                    <Route path=path!("/photos/albums/:album") view=|| in_tree(|| from_rest(|rest| (rest.album_page)())) />
                    <Route path=path!("/photos/:list?") view=|| from_rest(|rest| (rest.photos_page)()) />
                    <Route path=path!("/edit/:fileId") view=|| in_tree(|| from_rest(|rest| (rest.edit_page)())) />
                    <Route path=path!("/trash") view=|| in_tree(TrashPage) />
                    <Route path=path!("/search") view=|| in_tree(SearchPage) />
                    <Route path=path!("/activity") view=|| in_tree(|| from_rest(|rest| (rest.activity_page)())) />
                    <Route path=path!("/settings") view=|| in_tree(|| from_rest(|rest| (rest.settings_page)())) />
                    <Route path=path!("/*any") view=NoPage />
                </ParentRoute>
            </Routes>
        </Router>
    }
    .into_any()
}

#[component]
fn Frame(root: ItemId) -> impl IntoView {
    let ui = provide_ui(root);
    use_page_drops(ui);
    use_global_keys(ui);
    use_pasted_files(ui);
    use_notices(ui);
    use_conflict_watch(ui);
    use_fresh_account(ui);
    use_title(ui);
    use_parts_after_list(ui);
    let details = Memo::new(move |_| {
        let is_list = ui.place.with(|place| {
            !matches!(
                place,
                Place::Editor(_)
                    | Place::Photos(_)
                    | Place::Albums
                    | Place::Duplicates
                    | Place::Activity
                    | Place::Settings
                    | Place::Elsewhere
            )
        });
        ui.preferences.with(|it| it.details_open) && is_list
    });
    let is_editor = Memo::new(move |_| ui.place.with(|place| matches!(place, Place::Editor(_))));
    let takes_drop = Memo::new(move |_| {
        let target = ui.drop_target.get();
        ui.desktop_drag.get()
            || ui.place.with(|place| matches!(place, Place::Folder(shown) if target == Some(*shown)))
    });
    view! {
        <a class="skip-link" href="#content">{words::SKIP_TO_CONTENT}</a>
        <div class="frame" class:with-details=move || details.get() class:with-editor=move || is_editor.get()>
            <Sidebar />
            <TopBar />
            <main
                class="content"
                id="content"
                tabindex="-1"
                class:drop-here=move || takes_drop.get()
            >
                <Outlet />
                <ContextMenu />
            </main>
            <Show when=move || details.get()>
                {from_rest(|rest| (rest.details)())}
            </Show>
            <TabBar />
        </div>
        <aside class="corner" aria-label=words::WHAT_HAPPENS>
            <Show when=move || !ui.is_photo_open.get()>
                <Toasts />
            </Show>
            <UploadPanel />
        </aside>
        <Dialogs />
        <QuickLook />
        <DropOverlay />
        <FileInputs />
    }
    .into_any()
}

/// A page that shows what is in the local tree, once that is there.
pub fn in_tree<V: IntoView + 'static>(page: impl Fn() -> V + Send + 'static) -> impl IntoView {
    let is_open = use_cloud().is_open();
    move || {
        if is_open.get() {
            page().into_any()
        } else {
            view! { <p class="empty" role="status">{words::OPENING_ITEMS}</p> }.into_any()
        }
    }
}

/// Keys that work wherever one is.
fn use_global_keys(ui: Ui) {
    on_window(ev::keydown, move |event| {
        if is_typing(&event) || ui.dialog.with_untracked(Option::is_some) {
            return;
        }
        let with_modifier = event.ctrl_key() || event.meta_key();
        let mut key = event.key();
        if with_modifier {
            // Caps Lock makes letters capital.
            key.make_ascii_lowercase();
        }
        match key.as_str() {
            "z" if with_modifier && event.shift_key() => ui.redo(),
            "z" if with_modifier => ui.undo(),
            "y" if with_modifier => ui.redo(),
            // What the system's clipboard holds since one was elsewhere is told with the paste itself.
            "v" if with_modifier && ui.clipboard.with_untracked(|it| !it.is_empty()) && !WAS_AWAY.get() => {
                ui.perform(crate::actions::Action::Paste, Vec::new());
            }
            "ArrowUp" | "arrowup" if event.alt_key() => ui.go_up(),
            _ if event.alt_key() && event.code() == "KeyN" => {
                if ui.place.with_untracked(|place| matches!(place, Place::Folder(_))) {
                    ui.perform(crate::actions::Action::NewFolder, Vec::new());
                }
            }
            "/" if !with_modifier => focus_search(),
            "?" => ui.dialog.set(Some(Dialog::Shortcuts)),
            _ => return,
        }
        event.prevent_default();
    });
}

fn focus_search() {
    let input = document().get_element_by_id(SEARCH_INPUT);
    if let Some(input) = input.and_then(|it| it.dyn_into::<web_sys::HtmlInputElement>().ok()) {
        input.focus().ok();
        input.select();
    }
}

thread_local! {
    /// Whether the person was in another window since they cut or copied here.
    static WAS_AWAY: Cell<bool> = const { Cell::new(false) };
}

/// Files in the system's clipboard go where one is; where it holds none, what was copied here.
fn use_pasted_files(ui: Ui) {
    Effect::new(move || {
        ui.clipboard.track();
        WAS_AWAY.set(false);
    });
    on_window(ev::blur, |_| WAS_AWAY.set(true));
    on_window(ev::paste, move |event| {
        let event: &web_sys::Event = event.as_ref();
        let files = event
            .dyn_ref::<web_sys::ClipboardEvent>()
            .and_then(web_sys::ClipboardEvent::clipboard_data)
            .and_then(|data| data.files());
        if is_typing(event) {
            return;
        }
        if let Some(files) = files.filter(|files| files.length() > 0) {
            event.prevent_default();
            ui.upload_coming(ui.upload_target(), desktop_files::from_input(&files));
        } else if WAS_AWAY.get() && ui.clipboard.with_untracked(|it| !it.is_empty()) {
            ui.perform(crate::actions::Action::Paste, Vec::new());
        }
    });
}

/// What the engine has to say.
fn use_notices(ui: Ui) {
    let notices = ui.cloud().notices();
    Effect::new(move || {
        if notices.with(|notices| !notices.is_empty()) {
            untrack(|| ui.cloud().take_notices().into_iter().for_each(|notice| ui.notify(notice)));
        }
    });
}

/// What is stored counts towards the quota: the figures are asked for after changes, not after each.
fn use_fresh_account(ui: Ui) {
    let is_due = StoredValue::new(false);
    Effect::new(move |before: Option<()>| {
        ui.cloud().revision().with(|_| ());
        let is_synced = ui.cloud().summary().with(sync::SyncSummary::is_synced);
        if before.is_none() || !is_synced || is_due.get_value() {
            return;
        }
        is_due.set_value(true);
        set_timeout(
            move || {
                is_due.set_value(false);
                ui.cloud().refresh_account();
            },
            Duration::from_secs(5),
        );
    });
}

/// The window is named after what it shows.
fn use_title(ui: Ui) {
    Effect::new(move || {
        let place = match ui.place.get() {
            Place::Folder(folder) => {
                ui.cloud().revision().with(|_| ());
                ui.folder_name(folder)
            }
            Place::Photos(_) => words::PHOTOS.to_owned(),
            Place::Albums => words::ALBUMS.to_owned(),
            Place::Duplicates => words::DUPLICATES.to_owned(),
            Place::Trash => words::TRASH.to_owned(),
            Place::Search(_) => words::SEARCH.to_owned(),
            Place::Editor(id) => ui.item(id).map(|item| item.item.name.clone()).unwrap_or_default(),
            Place::Activity => words::ACTIVITY.to_owned(),
            Place::Settings => words::SETTINGS.to_owned(),
            Place::Elsewhere => return document().set_title(words::APP),
        };
        document().set_title(&format!("{place} · {}", words::APP));
    });
}
