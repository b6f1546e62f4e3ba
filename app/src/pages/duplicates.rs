use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::ItemId;
use shared::photo::{DuplicateGroup, Photo};

use crate::components::drawing::Scene;
use crate::components::duplicate_group::{Alike, is_compared};
use crate::components::empty_state::EmptyState;
use crate::components::gallery::PhotoLinks;
use crate::ports::{Cloud, PhotoList};
use crate::ui::{Ui, use_ui};
use crate::words;

/// What is known of the groups.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Loading,
    Here,
    Away,
}

/// The groups that were fetched, and how to go on.
#[derive(Clone, Copy)]
struct Review {
    ui: Ui,
    groups: RwSignal<Vec<Arc<DuplicateGroup>>>,
    state: RwSignal<State>,
    next: RwSignal<Option<String>>,
    /// Groups of which all are kept, by their first photo, until the page is left.
    skipped: RwSignal<Vec<ItemId>>,
}

impl Review {
    fn fetch(self, cursor: Option<String>) {
        let asked = self.ui.cloud().duplicates(cursor);
        spawn_local(async move {
            match asked.await {
                Ok(page) => {
                    self.groups.try_update(|groups| groups.extend(page.groups.into_iter().map(Arc::new)));
                    self.next.try_set(page.next_cursor);
                    self.state.try_set(State::Here);
                }
                Err(_) => {
                    self.state.try_set(State::Away);
                }
            }
        });
    }

    /// Those that are still to be looked at, followed.
    fn open(self) -> Vec<Arc<DuplicateGroup>> {
        let cloud = self.ui.cloud();
        cloud.revision().track();
        let skipped = self.skipped.get();
        let is_open = |group: &&Arc<DuplicateGroup>| {
            let first = group.photos.first();
            first.is_some_and(|first| !skipped.contains(&first.id)) && live(&*cloud, group).count() > 1
        };
        self.groups.with(|groups| groups.iter().filter(is_open).cloned().collect())
    }
}

/// Its photos that are still there to be compared.
fn live<'a>(cloud: &'a dyn Cloud, group: &'a DuplicateGroup) -> impl Iterator<Item = &'a Photo> {
    group.photos.iter().filter(|photo| is_compared(cloud, photo.id))
}

/// `/photos/duplicates`: photos that look the same, and which of them stay.
#[component]
pub fn DuplicatesPage() -> impl IntoView {
    let ui = use_ui();
    let review = Review {
        ui,
        groups: RwSignal::new(Vec::new()),
        state: RwSignal::new(State::Loading),
        next: RwSignal::new(None),
        skipped: RwSignal::new(Vec::new()),
    };
    review.fetch(None);
    let group = move |group: Arc<DuplicateGroup>| {
        let photos: Vec<Photo> = live(&*ui.cloud(), &group).cloned().collect();
        let first = group.photos.first().map(|photo| photo.id);
        let skip = move || review.skipped.update(|skipped| skipped.extend(first));
        view! { <Alike photos=photos on_skip=skip /> }
    };
    // One of which other photos are left is another one.
    let key = move |group: &Arc<DuplicateGroup>| {
        live(&*ui.cloud(), group).map(|photo| photo.id).collect::<Vec<_>>()
    };
    let is_done = Memo::new(move |_| review.open().is_empty());
    let more = move || {
        review.next.get().map(|cursor| {
            view! {
                <button class="button" type="button" on:click=move |_| review.fetch(Some(cursor.clone()))>
                    {words::MORE_DUPLICATES}
                </button>
            }
        })
    };
    view! {
        <div class="toolbar gallery-bar"><PhotoLinks at=PhotoList::DUPLICATES /></div>
        {move || match (review.state.get(), is_done.get()) {
            (State::Loading, _) => {
                view! { <div class="gallery-waiting" role="status" aria-label=words::LOADING></div> }.into_any()
            }
            (State::Away, true) => view! {
                <EmptyState
                    scene=Scene::Lost
                    title=words::DUPLICATES_AWAY.to_owned()
                    hint=words::PHOTOS_AWAY_HINT.to_owned()
                />
            }
            .into_any(),
            (State::Here, true) if review.next.with(Option::is_none) => view! {
                <EmptyState
                    scene=Scene::Photos
                    title=words::NO_DUPLICATES.to_owned()
                    hint=words::NO_DUPLICATES_HINT.to_owned()
                />
            }
            .into_any(),
            _ => view! {
                <div class="duplicates">
                    <p class="quiet">{words::DUPLICATES_HINT}</p>
                    <For each=move || review.open() key=key children=group />
                    {more}
                </div>
            }
            .into_any(),
        }}
    }
    .into_any()
}
