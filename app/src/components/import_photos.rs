//! Photos from elsewhere: what was chosen, what an import of it would do, and how far it is.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use leptos::html::Div;
use leptos::prelude::*;
use leptos::task::spawn_local;
use sync::import::{Plan, Skip, Skipped};
use wasm_bindgen::JsCast;

use super::dialog::{Dialog, DialogSize};
use super::icon::Glyph;
use super::upload_panel::percent;
use crate::hooks::{desktop_files, intl};
use crate::ports::{Import, ImportProgress, ImportStage};
use crate::ui::{Ui, use_ui};
use crate::words;

/// Lines of a list that are shown.
const LINES_MAX: usize = 200;
const ARCHIVES_INPUT: &str = "import-archives";
const FOLDER_INPUT: &str = "import-folder";

/// What the dialog shows, apart from how far it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shows {
    Choice,
    Reading,
    Plan,
    Progress,
    Result,
}

impl Shows {
    const fn of(stage: Option<&ImportStage>) -> Self {
        match stage {
            None => Self::Choice,
            Some(ImportStage::Reading { .. }) => Self::Reading,
            Some(ImportStage::Planned(_)) => Self::Plan,
            Some(ImportStage::Sending(_)) => Self::Progress,
            Some(ImportStage::Done(_)) => Self::Result,
        }
    }
}

#[component]
pub fn ImportPhotos() -> impl IntoView {
    let ui = use_ui();
    let stage = Memo::new(move |_| ui.import.get().map(|import| import.stage().get()));
    let shows = Memo::new(move |_| stage.with(|stage| Shows::of(stage.as_ref())));
    let close = move || {
        // One that is under way goes on, and is here when the dialog is opened again.
        if shows.get_untracked() != Shows::Progress {
            stop(ui);
            ui.import.set(None);
        }
        ui.dialog.set(None);
    };
    let body = NodeRef::<Div>::new();
    Effect::new(move |before: Option<Shows>| {
        let now = shows.get();
        // The button that had the focus is gone.
        if let Some(body) = body.get_untracked().filter(|_| before.is_some_and(|before| before != now)) {
            body.focus().ok();
        }
        now
    });
    view! {
        <Dialog title=words::IMPORT_PHOTOS.to_owned() on_close=close size=DialogSize::Medium>
            <div class="import" node_ref=body tabindex="-1">
                {move || match shows.get() {
                    Shows::Choice => view! { <Choose ui=ui /> }.into_any(),
                    Shows::Reading => view! { <Reading stage=stage on_stop=close /> }.into_any(),
                    Shows::Plan => match stage.get_untracked() {
                        Some(ImportStage::Planned(plan)) => view! { <DryRun ui=ui plan=plan on_cancel=close /> }.into_any(),
                        _ => ().into_any(),
                    },
                    Shows::Progress => view! { <Progress ui=ui stage=stage on_close=close /> }.into_any(),
                    Shows::Result => match stage.get_untracked() {
                        Some(ImportStage::Done(progress)) => {
                            view! { <Outcome progress=progress on_close=close /> }.into_any()
                        }
                        _ => ().into_any(),
                    },
                }}
            </div>
        </Dialog>
    }
    .into_any()
}

fn stop(ui: Ui) {
    if let Some(import) = ui.import.get_untracked() {
        import.stop();
    }
}

#[component]
fn Choose(ui: Ui) -> impl IntoView {
    let picked = move |event: leptos::ev::Event| {
        let input = event.target().and_then(|it| it.dyn_into::<web_sys::HtmlInputElement>().ok());
        let Some(files) = input.as_ref().and_then(web_sys::HtmlInputElement::files) else { return };
        let files = desktop_files::from_input(&files);
        spawn_local(async move {
            let import: Rc<dyn Import> = ui.cloud().import(files.await).await;
            ui.import.set(Some(import));
        });
    };
    let open = |input: &'static str| {
        let input =
            document().get_element_by_id(input).and_then(|it| it.dyn_into::<web_sys::HtmlElement>().ok());
        if let Some(input) = input {
            input.click();
        }
    };
    view! {
        <p class="dialog-text">{words::IMPORT_INTRO}</p>
        <input
            id=ARCHIVES_INPUT
            type="file"
            multiple
            accept=".zip,application/zip"
            hidden
            aria-label=words::CHOOSE_ARCHIVES
            on:change=picked
        />
        <input
            id=FOLDER_INPUT
            type="file"
            multiple
            prop:webkitdirectory=true
            hidden
            aria-label=words::CHOOSE_EXPORT_FOLDER
            on:change=picked
        />
        <div class="dialog-actions">
            <button class="button" type="button" on:click=move |_| open(FOLDER_INPUT)>
                <Glyph icon=icondata::LuFolderOpen />
                {words::CHOOSE_EXPORT_FOLDER}
            </button>
            <button class="button primary" type="button" on:click=move |_| open(ARCHIVES_INPUT)>
                <Glyph icon=icondata::LuFileArchive />
                {words::CHOOSE_ARCHIVES}
            </button>
        </div>
    }
    .into_any()
}

type Stage = Memo<Option<ImportStage>>;

#[component]
fn Reading(stage: Stage, on_stop: impl Fn() + Copy + Send + Sync + 'static) -> impl IntoView {
    let read = move || match stage.get() {
        Some(ImportStage::Reading { done, total: Some(total) }) => Some((done, total)),
        _ => None,
    };
    let text = move || {
        read().map_or_else(
            || words::OPENING_EXPORT.to_owned(),
            |(done, total)| words::reading_export(done, total),
        )
    };
    view! {
        <p role="status">{text}</p>
        <Bar label=words::OPENING_EXPORT share=Signal::derive(move || read().map_or(0.0, share)) />
        <div class="dialog-actions">
            <button class="button" type="button" on:click=move |_| on_stop()>{words::CANCEL}</button>
        </div>
    }
    .into_any()
}

fn share((done, total): (usize, usize)) -> f64 {
    if total == 0 { 1.0 } else { done as f64 / total as f64 }
}

#[component]
fn Bar(label: &'static str, share: Signal<f64>) -> impl IntoView {
    view! {
        <div
            class="bar"
            role="progressbar"
            aria-label=label
            aria-valuemin="0"
            aria-valuemax="100"
            aria-valuenow=move || format!("{:.0}", share.get() * 100.0)
        >
            <div class="bar-fill" style:width=move || percent(share.get()) />
        </div>
    }
    .into_any()
}

/// What an import would do.
#[component]
fn DryRun(ui: Ui, plan: Arc<Plan>, on_cancel: impl Fn() + Copy + Send + Sync + 'static) -> impl IntoView {
    let numbers = plan.numbers();
    let count = numbers.pictures + numbers.films;
    let fact = |label: &'static str, text: String, hint: &'static str| {
        view! {
            <div class="fact fact-wide">
                <dt>{label}</dt>
                <dd>{text}{(!hint.is_empty()).then(|| view! { <span class="quiet">" " {hint}</span> })}</dd>
            </div>
        }
    };
    let counted =
        |label, count: usize, hint| (count > 0).then(|| fact(label, intl::whole(count as u64), hint));
    let is_empty = count == 0;
    let dates = words::dates_from(&numbers);
    let take_in = move |_| {
        if let Some(import) = ui.import.get_untracked() {
            import.take_in();
        }
    };
    view! {
        <p class="dialog-text">{if is_empty { words::NOTHING_TO_IMPORT } else { words::DRY_RUN }}</p>
        <div class="import-plan">
            <dl class="facts">
                {counted(words::PHOTOS, numbers.pictures, "")}
                {counted(words::IMPORT_FILMS, numbers.films, "")}
                {(count > 0).then(|| fact(words::TO_SEND, intl::size(numbers.bytes), ""))}
                {counted(words::PROBABLY_HERE, numbers.probably_here, words::PROBABLY_HERE_HINT)}
                {counted(words::COPIES_INSIDE, numbers.copies, words::COPIES_HINT)}
                {(!dates.is_empty()).then(|| fact(words::IMPORT_DATES, dates, ""))}
                {(numbers.places > 0).then(|| fact(words::IMPORT_PLACES, words::places_from(numbers.places), ""))}
            </dl>
            {planned_albums(ui, &plan)}
            {without_sidecar(&plan, numbers.without_sidecar)}
            {(!plan.lonely_sidecars.is_empty()).then(|| {
                unfolding(words::lonely_sidecars(plan.lonely_sidecars.len()), plan.lonely_sidecars.iter().cloned())
            })}
            {skipped(&plan.skipped)}
        </div>
        <div class="dialog-actions">
            <button class="button" type="button" on:click=move |_| on_cancel()>{words::CANCEL}</button>
            <button class="button primary" type="button" disabled=is_empty on:click=take_in>
                {words::import_count(count)}
            </button>
        </div>
    }
    .into_any()
}

fn planned_albums(ui: Ui, plan: &Plan) -> Option<AnyView> {
    let cloud = ui.cloud();
    let library = cloud.photo_library();
    let line = |album: &sync::import::PlannedAlbum| {
        let is_here = library.is_some_and(|library| cloud.child_named(library, &album.name).is_some());
        let here = if is_here { format!(", {}", words::ALBUM_IS_HERE) } else { String::new() };
        format!("{}: {}{here}", album.name, words::photos_in(album.count))
    };
    let count = plan.albums.len();
    (count > 0).then(|| unfolding(words::albums_planned(count), plan.albums.iter().map(line)))
}

fn without_sidecar(plan: &Plan, count: usize) -> Option<AnyView> {
    let photos = plan.photos.iter().filter(|photo| !photo.has_sidecar && photo.copy_of.is_none());
    (count > 0).then(|| unfolding(words::without_sidecar(count), photos.map(|photo| photo.path.clone())))
}

/// A list for each reason.
fn skipped(skipped: &[Skipped]) -> AnyView {
    let mut by_reason: BTreeMap<Skip, Vec<String>> = BTreeMap::new();
    for Skipped { path, why } in skipped {
        by_reason.entry(*why).or_default().push(path.clone());
    }
    let lists = by_reason
        .into_iter()
        .map(|(why, paths)| unfolding(words::skipped_because(why, paths.len()), paths.into_iter()));
    lists.collect_view().into_any()
}

/// A line that unfolds into a list, of which the first are shown.
fn unfolding(summary: String, lines: impl Iterator<Item = String>) -> AnyView {
    let mut lines: Vec<String> = lines.collect();
    let more = lines.len().saturating_sub(LINES_MAX);
    lines.truncate(LINES_MAX);
    view! {
        <details class="import-list">
            <summary>{summary}</summary>
            <ul>
                {lines.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()}
                {(more > 0).then(|| view! { <li class="quiet">{words::and_more(more)}</li> })}
            </ul>
        </details>
    }
    .into_any()
}

#[component]
fn Progress(ui: Ui, stage: Stage, on_close: impl Fn() + Copy + Send + Sync + 'static) -> impl IntoView {
    let progress = move || match stage.get() {
        Some(ImportStage::Sending(progress)) => progress,
        _ => ImportProgress::default(),
    };
    view! {
        <p role="status">{move || words::importing(&progress())}</p>
        <Bar
            label=words::IMPORT_PHOTOS
            share=Signal::derive(move || {
                let progress = progress();
                share((progress.done, progress.total))
            })
        />
        <p class="dialog-text">
            {move || if progress().is_offline { words::IMPORT_OFFLINE } else { words::IMPORT_GOES_ON }}
        </p>
        <div class="dialog-actions">
            <button class="button" type="button" on:click=move |_| stop(ui)>{words::STOP}</button>
            <button class="button primary" type="button" on:click=move |_| on_close()>{words::CLOSE}</button>
        </div>
    }
    .into_any()
}

#[component]
fn Outcome(progress: ImportProgress, on_close: impl Fn() + Copy + Send + Sync + 'static) -> impl IntoView {
    view! {
        <p role="status">{words::imported(&progress)}</p>
        {skipped(&progress.failed)}
        <div class="dialog-actions">
            <button class="button primary" type="button" on:click=move |_| on_close()>{words::DONE}</button>
        </div>
    }
    .into_any()
}
