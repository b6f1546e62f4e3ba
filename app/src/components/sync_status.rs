use leptos::prelude::*;
use sync::{QueueEntry, QueueState, SyncSummary};

use super::icon::Glyph;
use super::popover::Popover;
use crate::hooks::clock::use_now;
use crate::hooks::intl;
use crate::parts::from_rest;
use crate::ports::{UploadControl, UploadState, UploadView};
use crate::ui::{Dialog, Ui, use_ui};
use crate::words;

/// Entries that the list shows; the line above counts all.
const ENTRIES_MAX: usize = 100;

/// The one line of the top bar, and the list behind it.
#[component]
pub fn SyncStatusButton() -> impl IntoView {
    let ui = use_ui();
    let open = RwSignal::new(false);
    let summary = ui.cloud().summary();
    let uploads = ui.cloud().uploads();
    let seconds_left = Memo::new(move |_| {
        uploads.with(|uploads| {
            uploads
                .iter()
                .filter(|it| it.state == UploadState::Uploading)
                .filter_map(|it| it.seconds_left)
                .max()
        })
    });
    let is_open = ui.cloud().is_open();
    let line = Memo::new(move |_| {
        if !is_open.get() {
            return words::OPENING_ITEMS.to_owned();
        }
        summary.with(|summary| uploads.with(|uploads| line_of(summary, uploads, seconds_left.get())))
    });
    let tone = Memo::new(move |_| if is_open.get() { summary.with(Tone::of) } else { Tone::Going });
    view! {
        <div class="sync-status">
            <button
                class=move || format!("sync-button tone-{}", tone.get().class())
                type="button"
                aria-haspopup="dialog"
                aria-expanded=move || open.get().to_string()
                aria-label=move || format!("{}: {}", words::SYNC_STATUS, line.get())
                on:click=move |_| {
                    // What the line says is what a click is about.
                    if tone.get_untracked() == Tone::Conflict && !open.get_untracked() {
                        ui.review_first(None);
                    } else {
                        open.update(|open| *open = !*open);
                    }
                }
            >
                {move || view! { <Glyph icon=tone.get().icon() /> }}
                <span class="sync-line">{line}</span>
            </button>
            <Popover open=open label=words::SYNC_STATUS class="popover sync-popover">
                {from_rest(move |rest| (rest.queue)(ui, open))}
                <a class="popover-foot" href="/activity" on:click=move |_| open.set(false)>{words::ALL_ACTIVITY}</a>
            </Popover>
        </div>
    }
    .into_any()
}

/// As [`words::sync_line`]; where all that waits is uploads that a person holds up, it says so.
fn line_of(summary: &SyncSummary, uploads: &[UploadView], seconds_left: Option<u64>) -> String {
    let count = |state: UploadState| uploads.iter().filter(|upload| upload.state == state).count();
    let (paused, without_file) = (count(UploadState::Paused), count(UploadState::NeedsFile));
    let is_held_up = Tone::of(summary) == Tone::Going && summary.waiting == paused + without_file;
    match (paused, without_file) {
        (0, 0) => words::sync_line(summary, seconds_left),
        (paused, 0) if is_held_up => words::paused_uploads(paused),
        (_, without_file) if is_held_up => words::uploads_without_file(without_file),
        _ => words::sync_line(summary, seconds_left),
    }
}

/// The four states of the design, and being offline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tone {
    Ok,
    Going,
    Offline,
    Conflict,
    Error,
}

impl Tone {
    fn of(summary: &SyncSummary) -> Self {
        if summary.storage_failed || summary.signed_out || summary.failed > 0 {
            Self::Error
        } else if summary.conflicts > 0 {
            Self::Conflict
        } else if !summary.online && !summary.is_connecting() {
            Self::Offline
        } else if summary.is_synced() {
            Self::Ok
        } else {
            Self::Going
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Going => "waiting",
            Self::Offline => "offline",
            Self::Conflict => "warning",
            Self::Error => "error",
        }
    }

    const fn icon(self) -> icondata::Icon {
        match self {
            Self::Ok => icondata::LuCircleCheck,
            Self::Going => icondata::LuCloudUpload,
            Self::Offline => icondata::LuCloudOff,
            Self::Conflict => icondata::LuSplit,
            Self::Error => icondata::LuTriangleAlert,
        }
    }
}

/// What waits or is stuck, why, and what one can do. `open` is the popover around it, which a way that
/// leads elsewhere closes.
#[component]
pub fn Queue(ui: Ui, open: RwSignal<bool>) -> impl IntoView {
    let now = use_now();
    let summary = ui.cloud().summary();
    let uploads = ui.cloud().uploads();
    let entries = Memo::new(move |_| {
        summary.with(|_| ());
        ui.cloud().revision().with(|_| ());
        ui.cloud().queue(ENTRIES_MAX)
    });
    let intro = move || {
        summary.with(|summary| {
            if !summary.online && !summary.is_connecting() {
                return words::OFFLINE_HINT.to_owned();
            }
            match summary.last_synced_at {
                _ if summary.waiting + summary.failed + summary.conflicts == 0
                    && summary.first_sync.is_none() =>
                {
                    words::ALL_SENT.to_owned()
                }
                Some(at) => words::last_synced(&intl::relative_date(at, now.get())),
                None => String::new(),
            }
        })
    };
    let can_retry = move || {
        entries.with(|entries| !entries.is_empty())
            || summary.with(|summary| !summary.online && !summary.is_connecting())
    };
    // What was refused as well: the reason may be gone meanwhile.
    let try_all = move |_| {
        let cloud = ui.cloud();
        entries.with_untracked(|entries| {
            for entry in entries.iter().filter(|entry| matches!(entry.state, QueueState::Refused { .. })) {
                cloud.control_upload(entry.operation_id, UploadControl::Retry);
            }
        });
        cloud.retry_now();
    };
    view! {
        <div class="popover-head">
            <h2>{move || summary.with(|summary| uploads.with(|uploads| line_of(summary, uploads, None)))}</h2>
            <Show when=can_retry>
                <button class="button small" type="button" on:click=try_all>
                    {words::RETRY_NOW}
                </button>
            </Show>
        </div>
        <p class="quiet">{intro}</p>
        <ul class="queue" aria-label=words::CHANGES>
            {move || entries.get().into_iter().map(|entry| view! { <Entry ui=ui entry=entry open=open /> }).collect_view()}
        </ul>
    }
}

#[component]
fn Entry(ui: Ui, entry: QueueEntry, open: RwSignal<bool>) -> impl IntoView {
    let now = use_now();
    let QueueEntry { operation_id, item_id, item_name, action, state } = entry;
    let refused = matches!(state, QueueState::Refused { .. });
    let uploads = ui.cloud().uploads();
    let held_up = Memo::new(move |_| {
        uploads.with(|uploads| {
            let upload = uploads.iter().find(|upload| upload.operation_id == operation_id)?;
            match upload.state {
                UploadState::Paused => Some(words::PAUSED),
                UploadState::NeedsFile => Some(words::NEEDS_FILE),
                _ => None,
            }
        })
    });
    let reason = move || match &state {
        QueueState::Sending => held_up.get().unwrap_or(words::SENDING).to_owned(),
        QueueState::Refused { reason } => reason.clone(),
        QueueState::Waiting { reason, next_try } => [
            Some(reason.clone().unwrap_or_else(|| words::WAITING.to_owned())),
            next_try.map(|at| words::next_try(&intl::time_until(at, now.get()))),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" · "),
    };
    let parent = ui.item_now(item_id).map(|item| ui.folder_address(item.item.parent_id));
    let name = item_name.clone();
    let title = format!("{action} “{item_name}”");
    let title = match parent {
        Some(href) => view! { <a href=href on:click=move |_| open.set(false)>{title}</a> }.into_any(),
        None => view! { <span>{title}</span> }.into_any(),
    };
    let discard = move |_| {
        open.set(false);
        ui.dialog.set(Some(Dialog::Discard { operation: operation_id, action, name: name.clone() }));
    };
    view! {
        <li class="queue-entry" class:refused=refused>
            <div class="queue-text">
                <span class="queue-title">{title}</span>
                <span class="queue-reason">{reason}</span>
            </div>
            {refused.then(|| view! {
                <button class="button small" type="button" on:click=discard>{words::DISCARD}</button>
            })}
        </li>
    }
}
