use leptos::prelude::*;
use shared::{ItemId, OperationId};

use super::icon::{Glyph, IconButton};
use super::upload_row::{GroupRow, UploadRow};
use crate::parts::from_rest;
use crate::ports::{UploadControl, UploadState, UploadView};
use crate::ui::{Ui, use_ui};
use crate::words;

/// Lines that the panel shows; a tree of files is one line by its group.
const LINES_MAX: usize = 100;

/// What the uploads come to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Totals {
    going: usize,
    /// Of those that go on.
    pausable: usize,
    paused: usize,
    without_file: usize,
    failed: usize,
    done: usize,
    total_bytes: u64,
    sent_bytes: u64,
    seconds_left: Option<u64>,
}

impl Totals {
    fn of(uploads: &[UploadView]) -> Self {
        let mut totals = Self::default();
        for upload in uploads {
            match upload.state {
                UploadState::Done => totals.done += 1,
                UploadState::Failed { .. } => totals.failed += 1,
                UploadState::NeedsFile => totals.without_file += 1,
                UploadState::Paused => totals.paused += 1,
                UploadState::Queued
                | UploadState::Hashing
                | UploadState::Uploading
                | UploadState::Waiting { .. } => totals.going += 1,
            }
            totals.pausable += usize::from(upload.can_pause());
            totals.total_bytes += upload.total_bytes;
            totals.sent_bytes += upload.sent_bytes + upload.skipped_bytes;
            totals.seconds_left = totals.seconds_left.max(upload.seconds_left);
        }
        totals
    }

    fn line(self) -> String {
        if self.going > 0 {
            return match self.seconds_left {
                Some(seconds) => format!("{}, {}", words::uploading(self.going), words::time_left(seconds)),
                None => words::uploading(self.going),
            };
        }
        if self.failed > 0 {
            words::failed_uploads(self.failed)
        } else if self.without_file > 0 {
            words::uploads_without_file(self.without_file)
        } else if self.paused > 0 {
            words::paused_uploads(self.paused)
        } else {
            words::UPLOADS_DONE.to_owned()
        }
    }

    fn share(self) -> f64 {
        if self.total_bytes == 0 { 1.0 } else { (self.sent_bytes as f64 / self.total_bytes as f64).min(1.0) }
    }
}

/// A line of the panel: one file, or a dropped folder as a whole.
#[derive(Clone, Debug, PartialEq)]
enum Line {
    File(OperationId),
    Group(String, ItemId),
}

/// The uploads, at the bottom right; one line when collapsed.
#[component]
pub fn UploadPanel() -> impl IntoView {
    let ui = use_ui();
    let uploads = ui.cloud().uploads();
    let any = Memo::new(move |_| uploads.with(|uploads| !uploads.is_empty()));
    let open = RwSignal::new(true);
    view! { <Show when=move || any.get()>{from_rest(move |rest| (rest.uploads)(ui, open))}</Show> }.into_any()
}

#[component]
pub fn Uploads(ui: Ui, open: RwSignal<bool>) -> impl IntoView {
    let uploads = ui.cloud().uploads();
    let totals = Memo::new(move |_| uploads.with(|uploads| Totals::of(uploads)));
    let lines = Memo::new(move |_| uploads.with(|uploads| lines_of(uploads)));
    view! {
            <section class="uploads" class:collapsed=move || !open.get() aria-label=words::UPLOADS>
                <header class="uploads-head">
                    <button
                        class="uploads-title"
                        type="button"
                        aria-expanded=move || open.get().to_string()
                        on:click=move |_| open.update(|open| *open = !*open)
                    >
                        <span aria-live="polite">{move || totals.get().line()}</span>
                        {move || view! {
                            <Glyph icon=if open.get() { icondata::LuChevronDown } else { icondata::LuChevronUp } />
                        }}
                    </button>
                    <AllButtons ui=ui uploads=uploads totals=totals />
                </header>
                <Show when=move || !open.get() && totals.get().going != 0>
                    <div class="bar"><div class="bar-fill" style:width=move || percent(totals.get().share()) /></div>
                </Show>
                <Show when=move || open.get()>
                    <ul class="uploads-list">
                        <For
                            each=move || lines.get().into_iter().take(LINES_MAX)
                            key=|line| format!("{line:?}")
                            children=move |line| match line {
                                Line::File(id) => view! { <UploadRow ui=ui uploads=uploads id=id /> }.into_any(),
                                Line::Group(name, folder) => {
                                    view! { <GroupRow ui=ui uploads=uploads name=name folder=folder /> }.into_any()
                                }
                            }
                        />
                        {move || lines.with(|lines| lines.len().checked_sub(LINES_MAX).filter(|more| *more > 0)).map(|more| {
                            view! { <li class="quiet uploads-more">{words::more_uploads(more)}</li> }
                        })}
                    </ul>
                </Show>
            </section>
    }
    .into_any()
}

/// What is done to all of them at once.
#[component]
fn AllButtons(ui: Ui, uploads: Signal<Vec<UploadView>>, totals: Memo<Totals>) -> impl IntoView {
    let all = move |control: UploadControl, concerns: fn(&UploadView) -> bool| {
        let ids: Vec<OperationId> = uploads.with_untracked(|uploads| {
            uploads.iter().filter(|upload| concerns(upload)).map(|upload| upload.operation_id).collect()
        });
        for id in ids {
            ui.cloud().control_upload(id, control);
        }
    };
    let button = move |icon, label: &'static str, control, concerns: fn(&UploadView) -> bool| {
        view! { <IconButton icon=icon label=label.to_owned() on_press=move |_| all(control, concerns) /> }
    };
    view! {
        <Show when=move || totals.get().pausable != 0>
            {button(icondata::LuPause, words::PAUSE_ALL, UploadControl::Pause, UploadView::can_pause)}
        </Show>
        <Show when=move || totals.get().pausable == 0 && totals.get().paused != 0>
            {button(icondata::LuPlay, words::RESUME_ALL, UploadControl::Resume, |it| it.state == UploadState::Paused)}
        </Show>
        <Show when=move || totals.get().going == 0 && totals.get().failed != 0>
            {button(icondata::LuRotateCcw, words::RETRY_ALL, UploadControl::Retry, |it| {
                matches!(it.state, UploadState::Failed { .. })
            })}
        </Show>
        <Show
            when=move || totals.with(|it| it.going + it.paused + it.without_file != 0)
            fallback=move || button(icondata::LuX, words::CLEAR_DONE, UploadControl::Dismiss, |it| {
                matches!(it.state, UploadState::Done | UploadState::Failed { .. })
            })
        >
            {button(icondata::LuX, words::CANCEL_ALL, UploadControl::Cancel, |it| {
                it.state.is_going() || matches!(it.state, UploadState::Paused | UploadState::NeedsFile)
            })}
        </Show>
    }
}

/// A share as a CSS length.
pub fn percent(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}

/// One line a file and one a group, in the order they came; what needs a person stands first.
fn lines_of(uploads: &[UploadView]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut groups = std::collections::HashSet::new();
    let needs_person = |it: &UploadState| matches!(it, UploadState::Failed { .. } | UploadState::NeedsFile);
    let (stuck, rest): (Vec<_>, Vec<_>) = uploads.iter().partition(|upload| needs_person(&upload.state));
    for upload in stuck {
        lines.push(Line::File(upload.operation_id));
    }
    let mut last = None;
    for upload in rest {
        // Most follow one of their own group.
        if upload.group.is_some() && upload.group == last {
            continue;
        }
        last.clone_from(&upload.group);
        match &upload.group {
            None => lines.push(Line::File(upload.operation_id)),
            Some(group) if groups.insert(group.as_str()) => {
                lines.push(Line::Group(group.clone(), upload.parent_id));
            }
            Some(_) => {}
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use shared::limits::PUSH_DATA_BYTES_MAX;
    use uuid::Uuid;

    use super::*;

    fn upload(n: u128, total_bytes: u64, state: UploadState) -> UploadView {
        UploadView {
            operation_id: OperationId(Uuid::from_u128(n)),
            name: n.to_string(),
            parent_id: ItemId(Uuid::from_u128(0)),
            group: None,
            total_bytes,
            sent_bytes: 0,
            skipped_bytes: 0,
            bytes_per_second: None,
            seconds_left: None,
            state,
        }
    }

    #[test]
    fn only_what_goes_in_parts_can_be_paused() {
        let small = PUSH_DATA_BYTES_MAX as u64;
        let mut uploads =
            vec![upload(1, small, UploadState::Queued), upload(2, small, UploadState::Uploading)];
        let totals = Totals::of(&uploads);
        assert_eq!((totals.going, totals.pausable), (2, 0));
        uploads.push(upload(3, small + 1, UploadState::Uploading));
        uploads.push(upload(4, small + 1, UploadState::Paused));
        let totals = Totals::of(&uploads);
        assert_eq!((totals.going, totals.pausable, totals.paused), (3, 1, 1));
    }
}
