use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::components::activity_entry::ActivityEntry;
use crate::components::drawing::Scene;
use crate::components::empty_state::EmptyState;
use crate::components::item_date::ItemDate;
use crate::components::sync_status::Queue;
use crate::hooks::clock::use_now;
use crate::hooks::intl;
use crate::ports::{ActivityView, CallError, KeptNotice};
use crate::ui::{Place, Ui, use_ui};
use crate::words;

/// `/activity`: what waits, and what became of changes that met others.
#[component]
pub fn ActivityPage() -> impl IntoView {
    let ui = use_ui();
    ui.enter(Place::Activity);
    let summary = ui.cloud().summary();
    let has_queue =
        Memo::new(move |_| summary.with(|summary| summary.waiting + summary.failed > 0 || !summary.online));
    view! {
        <div class="settings activity">
            <Show when=move || has_queue.get()>
                <section class="card activity-queue" aria-label=words::SYNC_STATUS>
                    <Queue ui=ui open=RwSignal::new(true) />
                </section>
            </Show>
            <Notices ui=ui />
            <History ui=ui />
        </div>
    }
    .into_any()
}

/// What only this device knows of.
#[component]
fn Notices(ui: Ui) -> impl IntoView {
    let notices = RwSignal::new(Vec::<KeptNotice>::new());
    let asked = ui.cloud().kept_notices();
    spawn_local(async move {
        notices.try_set(asked.await);
    });
    view! {
        <Show when=move || notices.with(|notices| !notices.is_empty())>
            <section aria-labelledby="activity-device">
                <h2 id="activity-device">{words::ON_THIS_DEVICE}</h2>
                <ul class="card activities">
                    {move || notices.get().into_iter().map(|notice| view! {
                        <li class="activity-entry">
                            <div class="activity-text">
                                <p>{notice.text}</p>
                                <p class="quiet"><ItemDate at=notice.at /></p>
                            </div>
                        </li>
                    }).collect_view()}
                </ul>
            </section>
        </Show>
    }
    .into_any()
}

/// The pages that were asked for so far.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    Coming,
    Pages(ActivityView),
    NotHere,
}

#[component]
fn History(ui: Ui) -> impl IntoView {
    let now = use_now();
    let told = RwSignal::new(Told::Coming);
    let summary = ui.cloud().summary();
    // What happens next comes with the sync that tells of it.
    let news = Memo::new(move |_| {
        summary.with(|summary| {
            (summary.online, summary.conflicts, summary.last_synced_at.filter(|_| summary.is_synced()))
        })
    });
    Effect::new(move || {
        news.with(|_| ());
        let asked = ui.cloud().activity(None);
        spawn_local(async move {
            match asked.await {
                Ok(page) => drop(told.try_set(Told::Pages(page))),
                Err(error) => {
                    if told.try_get_untracked() == Some(Told::Coming) {
                        told.set(Told::NotHere);
                    }
                    if let CallError::Refused(problem) = error {
                        ui.say(problem.detail);
                    }
                }
            }
        });
    });
    let show_older = move |cursor: String| {
        let asked = ui.cloud().activity(Some(cursor));
        spawn_local(async move {
            match asked.await {
                Ok(more) => told.update(|told| {
                    if let Told::Pages(view) = told {
                        view.activities.extend(more.activities);
                        view.next_cursor = more.next_cursor;
                    }
                }),
                Err(error) => crate::components::dialogs::say_error(ui, error),
            }
        });
    };
    let nothing = || {
        view! {
            <EmptyState
                scene=Scene::Search
                title=words::NOTHING_HAPPENED.to_owned()
                hint=words::NOTHING_HAPPENED_HINT.to_owned()
            />
        }
        .into_any()
    };
    move || {
        match told.get() {
        Told::Coming => view! { <p class="quiet" role="status">{words::LOADING}</p> }.into_any(),
        Told::NotHere => view! { <p class="quiet">{words::ACTIVITY_OFFLINE}</p> }.into_any(),
        Told::Pages(view) if view.activities.is_empty() => nothing(),
        Told::Pages(ActivityView { activities, next_cursor, as_of }) => view! {
            <section aria-labelledby="activity-history">
                <h2 id="activity-history">{words::WHAT_HAPPENED}</h2>
                <p class="quiet">
                    {as_of.map_or_else(
                        || words::ACTIVITY_INTRO.to_owned(),
                        |at| words::activity_as_of(&intl::relative_date(at, now.get_untracked())),
                    )}
                </p>
                <ul class="card activities">
                    {activities.into_iter().map(|activity| view! { <ActivityEntry ui=ui activity=activity /> }).collect_view()}
                </ul>
                {next_cursor.map(|cursor| view! {
                    <button class="button" type="button" on:click=move |_| show_older(cursor.clone())>{words::SHOW_OLDER}</button>
                })}
            </section>
        }
        .into_any(),
    }
    }
}
