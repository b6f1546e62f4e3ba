use std::sync::Arc;

use leptos::html::{Dialog as DialogElement, H2};
use leptos::prelude::*;
use shared::ConflictId;
use shared::sync::ConflictInfo;

use super::conflict_compare::{Compare, MergedText};
use super::file_icon::FileIcon;
use super::icon::{Glyph, IconButton};
use super::item_date::ItemDate;
use crate::hooks::intl;
use crate::model::FileType;
use crate::model::conflict::{Choice, Owner, Side, Viewer, in_order};
use crate::ui::{Ui, use_ui};
use crate::words;

/// Two contents of one file, and the question which one to keep. None is chosen beforehand; Escape leaves
/// it for later.
#[component]
pub fn ConflictModal(id: ConflictId) -> impl IntoView {
    let ui = use_ui();
    let open = Memo::new(move |_| {
        ui.cloud().revision().with(|_| ());
        ui.cloud().conflicts()
    });
    let conflict = Memo::new(move |_| open.with(|open| open.iter().find(|it| it.id == id).cloned()));
    let others = Memo::new(move |_| open.with(|open| open.iter().filter(|it| it.id != id).count()));
    let dialog = NodeRef::<DialogElement>::new();
    let heading = NodeRef::<H2>::new();
    Effect::new(move || {
        if let Some(dialog) = dialog.get()
            && !dialog.open()
        {
            dialog.show_modal().ok();
            // Nothing is chosen beforehand, so no choice has the focus either.
            if let Some(heading) = heading.get_untracked() {
                heading.focus().ok();
            }
        }
    });
    let name = Memo::new(move |_| {
        conflict.with(|it| it.as_ref().map(|it| it.file_name.clone()).unwrap_or_default())
    });
    let kind =
        Memo::new(move |_| conflict.with(|it| it.as_ref().map_or(FileType::Other, |it| kind_of(ui, it))));
    let place = move || {
        let others = others.get();
        (others > 0).then(|| view! { <span class="badge">{words::more_conflicts(others)}</span> })
    };
    view! {
        <dialog
            node_ref=dialog
            class="dialog dialog-sheet conflict"
            aria-labelledby="conflict-name"
            aria-describedby="conflict-intro"
            on:cancel=move |event: web_sys::Event| {
                event.prevent_default();
                ui.leave_conflict();
            }
        >
            <header class="conflict-head">
                {move || view! { <FileIcon kind=kind.get() /> }}
                <div class="conflict-title">
                    <h2 node_ref=heading id="conflict-name" tabindex="-1" title=name>{name}</h2>
                    {place}
                </div>
                <IconButton
                    icon=icondata::LuX
                    label=words::DECIDE_LATER.to_owned()
                    on_press=move |_| ui.leave_conflict()
                />
            </header>
            {move || conflict.get().zip(ui.viewer()).map(|(conflict, viewer)| {
                view! { <Question ui=ui conflict=conflict viewer=viewer others=others /> }
            })}
        </dialog>
    }
    .into_any()
}

/// What kind of file it is: the item knows its MIME type, the conflict only its name.
pub fn kind_of(ui: Ui, conflict: &ConflictInfo) -> FileType {
    ui.item_now(conflict.file_id)
        .map_or_else(|| FileType::of_file(&conflict.file_name, None), |item| FileType::of(&item))
}

thread_local! {
    /// The conflict as it was last shown, to tell when another side came meanwhile.
    static SHOWN: std::cell::RefCell<Option<Arc<ConflictInfo>>> = const { std::cell::RefCell::new(None) };
}

/// Whether the same conflict was just shown with other contents.
fn was_changed(conflict: &Arc<ConflictInfo>) -> bool {
    let before = SHOWN.replace(Some(conflict.clone()));
    before.is_some_and(|before| {
        before.id == conflict.id
            && (before.local_content_hash, before.server_content_hash)
                != (conflict.local_content_hash, conflict.server_content_hash)
    })
}

#[component]
fn Question(ui: Ui, conflict: Arc<ConflictInfo>, viewer: Viewer, others: Memo<usize>) -> impl IntoView {
    let sides = in_order(&conflict, viewer);
    let changed = was_changed(&conflict);
    if changed {
        ui.announce(words::CHANGED_AGAIN);
    }
    let cards = sides.map(|side| card(ui, &conflict, side, viewer));
    let titles = sides.map(|side| title(&Owner::of(side, &conflict, viewer), &conflict, viewer));
    let for_others = RwSignal::new(false);
    view! {
        <div class="conflict-body" role="region" aria-label=words::TWO_VERSIONS tabindex="0">
            <p id="conflict-intro" class="quiet">{words::CONFLICT_INTRO}</p>
            {changed.then(|| view! { <p class="conflict-note">{words::CHANGED_AGAIN}</p> })}
            <div class="conflict-cards">{cards}</div>
            <Compare ui=ui conflict=conflict.clone() sides=sides titles=titles />
            {conflict.proposal.clone().map(|proposal| view! { <MergedText proposal=proposal /> })}
        </div>
        <footer class="conflict-foot">
            <Show when=move || { others.get() > 0 }>
                <label class="conflict-others">
                    <input
                        type="checkbox"
                        prop:checked=for_others
                        on:change=move |event| for_others.set(event_target_checked(&event))
                    />
                    {move || words::do_for_others(others.get())}
                </label>
            </Show>
            <div class="conflict-choices" role="group" aria-label=words::THE_CHOICES>
                {choices(&conflict, sides, viewer)
                    .into_iter()
                    .map(|offer| view! { <ChoiceButton ui=ui conflict=conflict.clone() offer=offer for_others=for_others /> })
                    .collect_view()}
            </div>
        </footer>
    }
    .into_any()
}

/// One's own devices are told apart by name, people by theirs.
fn title(owner: &Owner, conflict: &ConflictInfo, viewer: Viewer) -> String {
    match owner {
        Owner::ThisDevice if is_between_people(conflict, viewer) => words::YOUR_VERSION.to_owned(),
        Owner::ThisDevice => words::FROM_THIS_DEVICE.to_owned(),
        Owner::OwnDevice(device) => words::from_device(device),
        Owner::Other { person, .. } => words::version_of(&person_in(person, conflict, viewer)),
        Owner::Unknown => words::OTHER_VERSION.to_owned(),
    }
}

fn is_between_people(conflict: &ConflictInfo, viewer: Viewer) -> bool {
    let is_other = |side| matches!(Owner::of(side, conflict, viewer), Owner::Other { .. });
    is_other(Side::Local) || is_other(Side::Server)
}

/// A person is called by the first name, unless both sides' people share it.
fn person_in(person: &str, conflict: &ConflictInfo, viewer: Viewer) -> String {
    let first = |person: &str| person.split_whitespace().next().unwrap_or(person).to_owned();
    let same = [Side::Local, Side::Server]
        .into_iter()
        .filter(|side| {
            matches!(Owner::of(*side, conflict, viewer), Owner::Other { person: other, .. } if first(&other) == first(person))
        })
        .count();
    if same > 1 { person.to_owned() } else { first(person) }
}

fn card(ui: Ui, conflict: &Arc<ConflictInfo>, side: Side, viewer: Viewer) -> AnyView {
    let owner = Owner::of(side, conflict, viewer);
    let title = title(&owner, conflict, viewer);
    let device = match owner {
        Owner::ThisDevice if is_between_people(conflict, viewer) => Some(words::THIS_DEVICE.to_owned()),
        Owner::Other { device, .. } => Some(device),
        Owner::Unknown => Some(words::EARLIER_DEVICE.to_owned()),
        Owner::ThisDevice | Owner::OwnDevice(_) => None,
    };
    let facts = side.of(conflict).map(|side| {
        let at = side.modified_at;
        view! {
            <p class="conflict-when"><ItemDate at=at />" · "{intl::day_and_time(at)}</p>
            <p class="quiet">{intl::size(side.size)}</p>
        }
    });
    let id = match side {
        Side::Local => "conflict-local",
        Side::Server => "conflict-server",
    };
    view! {
        <section class="conflict-card" aria-labelledby=id>
            <h3 id=id>
                <span>{title}</span>
                {(side == Side::Server).then(|| view! { <span class="badge">{words::IN_USE_NOW}</span> })}
            </h3>
            {device.map(|device| view! { <p class="quiet">{device}</p> })}
            {facts}
            <a
                class="icon-button conflict-download"
                href=ui.cloud().conflict_url(conflict.id, side)
                download=conflict.file_name.clone()
                aria-label=words::DOWNLOAD_SIDE
                aria-describedby=id
                title=words::DOWNLOAD_SIDE
            >
                <Glyph icon=icondata::LuDownload />
            </a>
        </section>
    }
    .into_any()
}

/// A choice in plain words, and what tells it from the others.
struct Offer {
    choice: Choice,
    label: String,
    hint: String,
}

fn choices(conflict: &ConflictInfo, sides: [Side; 2], viewer: Viewer) -> Vec<Offer> {
    let owners = sides.map(|side| Owner::of(side, conflict, viewer));
    let has_mine = owners.contains(&Owner::ThisDevice);
    let keep = |side: Side, owner: &Owner| {
        let (label, hint) = match owner {
            Owner::ThisDevice => (words::KEEP_MINE.to_owned(), words::THIS_DEVICE.to_owned()),
            Owner::Other { person, device } => {
                (words::keep_theirs(&person_in(person, conflict, viewer)), device.clone())
            }
            Owner::OwnDevice(device) if !has_mine && side == Side::Server => {
                (words::KEEP_CURRENT.to_owned(), device.clone())
            }
            Owner::OwnDevice(device) => (words::KEEP_OTHER.to_owned(), device.clone()),
            Owner::Unknown => (words::KEEP_OTHER.to_owned(), words::EARLIER_DEVICE.to_owned()),
        };
        Offer { choice: Choice::Keep(side), label, hint }
    };
    let mut offers: Vec<Offer> = sides.iter().zip(&owners).map(|(side, owner)| keep(*side, owner)).collect();
    let offer =
        |choice, label: &str, hint: &str| Offer { choice, label: label.to_owned(), hint: hint.to_owned() };
    offers.push(offer(Choice::Both, words::KEEP_BOTH, words::AS_TWO_FILES));
    if conflict.proposal.is_some() {
        offers.push(offer(Choice::Merged, words::USE_MERGED, words::WITH_BOTH_CHANGES));
    }
    offers
}

#[component]
fn ChoiceButton(
    ui: Ui,
    conflict: Arc<ConflictInfo>,
    offer: Offer,
    for_others: RwSignal<bool>,
) -> impl IntoView {
    let Offer { choice, label, hint } = offer;
    let is_recommended = Choice::recommended(&conflict) == choice;
    view! {
        <button
            class="conflict-choice"
            class:recommended=is_recommended
            type="button"
            on:click=move |_| ui.settle_conflict(&conflict, choice, for_others.get_untracked())
        >
            <span class="conflict-label">{label}</span>
            <span class="conflict-hint">{hint}</span>
            {is_recommended.then(|| view! { <span class="conflict-mark">{words::RECOMMENDED}</span> })}
        </button>
    }
}
