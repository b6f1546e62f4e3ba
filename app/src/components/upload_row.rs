use leptos::html::Input;
use leptos::prelude::*;
use shared::{ItemId, OperationId};

use super::file_icon::FileIcon;
use super::icon::{Glyph, IconButton};
use super::upload_panel::percent;
use crate::hooks::clock::use_now;
use crate::hooks::intl;
use crate::model::FileType;
use crate::ports::{UploadControl, UploadState, UploadView};
use crate::ui::Ui;
use crate::words;

fn share(done: u64, total: u64, finished: bool) -> f64 {
    if finished || total == 0 { f64::from(u8::from(finished)) } else { (done as f64 / total as f64).min(1.0) }
}

/// One file on its way: name, bar, percentage, speed, time left.
#[component]
pub fn UploadRow(ui: Ui, uploads: Signal<Vec<UploadView>>, id: OperationId) -> impl IntoView {
    let now = use_now();
    let upload = Memo::new(move |_| {
        uploads.with(|uploads| uploads.iter().find(|upload| upload.operation_id == id).cloned())
    });
    let state = Memo::new(move |_| upload.with(|upload| upload.as_ref().map(|upload| upload.state.clone())));
    let name = Memo::new(move |_| {
        upload.with(|upload| upload.as_ref().map(|it| it.name.clone()).unwrap_or_default())
    });
    let share = Memo::new(move |_| {
        upload.with(|upload| {
            upload.as_ref().map_or(0.0, |it| {
                share(it.sent_bytes + it.skipped_bytes, it.total_bytes, it.state == UploadState::Done)
            })
        })
    });
    let facts = move || upload.with(|upload| upload.as_ref().map(|upload| facts_of(upload, now.get())));
    let control = move |control| ui.cloud().control_upload(id, control);
    let is = move |wanted: fn(&UploadState) -> bool| state.with(|state| state.as_ref().is_some_and(wanted));
    // Until the file is here again nobody knows how much of it the server has.
    let needs_file = Memo::new(move |_| is(|it| *it == UploadState::NeedsFile));
    let percentage = move || (!needs_file.get()).then(|| intl::percent(share.get()));
    let can_pause =
        Memo::new(move |_| upload.with(|upload| upload.as_ref().is_some_and(UploadView::can_pause)));
    let failed = Memo::new(move |_| is(|it| matches!(it, UploadState::Failed { .. })));
    let reason = move || match state.get() {
        Some(UploadState::Failed { reason }) => reason,
        _ => String::new(),
    };
    view! {
        <li class="upload" class:failed=failed class:done=move || is(|it| *it == UploadState::Done)>
            {move || view! { <FileIcon kind=FileType::of_file(&name.get(), None) /> }}
            <div class="upload-body">
                <div class="upload-line">
                    <span class="name" title=name>{name}</span>
                    <span class="upload-percent">{percentage}</span>
                </div>
                <div
                    class="bar"
                    role="progressbar"
                    aria-label=name
                    aria-valuemin="0"
                    aria-valuemax="100"
                    aria-valuenow=move || format!("{:.0}", share.get() * 100.0)
                >
                    <div class="bar-fill" style:width=move || percent(share.get()) />
                </div>
                <Show
                    when=move || failed.get()
                    fallback=move || view! { <span class="upload-facts">{facts}</span> }
                >
                    <button
                        class="upload-retry"
                        type="button"
                        title=reason
                        on:click=move |_| control(UploadControl::Retry)
                    >
                        {words::FAILED_RETRY}
                    </button>
                    <span class="upload-facts">{reason}</span>
                </Show>
                <Show when=move || needs_file.get()>
                    <SupplyFile ui=ui id=id />
                </Show>
            </div>
            <div class="upload-buttons">
                <Show when=move || can_pause.get()>
                    <IconButton
                        icon=icondata::LuPause
                        label=words::PAUSE.to_owned()
                        on_press=move |_| control(UploadControl::Pause)
                    />
                </Show>
                <Show when=move || is(|it| *it == UploadState::Paused)>
                    <IconButton
                        icon=icondata::LuPlay
                        label=words::RESUME.to_owned()
                        on_press=move |_| control(UploadControl::Resume)
                    />
                </Show>
                <Show
                    when=move || is(|it| matches!(it, UploadState::Done | UploadState::Failed { .. }))
                    fallback=move || view! {
                        <IconButton
                            icon=icondata::LuX
                            label=words::CANCEL.to_owned()
                            on_press=move |_| control(UploadControl::Cancel)
                        />
                    }
                >
                    <IconButton
                        icon=icondata::LuX
                        label=words::DISMISS.to_owned()
                        on_press=move |_| control(UploadControl::Dismiss)
                    />
                </Show>
            </div>
        </li>
    }
    .into_any()
}

fn facts_of(upload: &UploadView, now: shared::Timestamp) -> String {
    match &upload.state {
        UploadState::Queued => words::QUEUED.to_owned(),
        UploadState::Hashing => words::HASHING.to_owned(),
        UploadState::Paused => words::PAUSED.to_owned(),
        UploadState::Done => words::UPLOADED.to_owned(),
        UploadState::NeedsFile => words::NEEDS_FILE.to_owned(),
        UploadState::Failed { reason } => reason.clone(),
        UploadState::Waiting { reason, next_try } => match next_try {
            Some(at) => format!("{reason} · {}", words::next_try(&intl::time_until(*at, now))),
            None => reason.clone(),
        },
        UploadState::Uploading => {
            let sent = upload.sent_bytes + upload.skipped_bytes;
            [
                Some(words::bytes_of(&intl::size(sent), &intl::size(upload.total_bytes))),
                upload.bytes_per_second.map(|speed| words::per_second(&intl::size(speed as u64))),
                upload.seconds_left.map(words::time_left),
            ]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" · ")
        }
    }
}

/// Asks for the file that a reload took away.
#[component]
fn SupplyFile(ui: Ui, id: OperationId) -> impl IntoView {
    let input = NodeRef::<Input>::new();
    let supplied = move |_| {
        let Some(input) = input.get_untracked() else { return };
        if let Some(file) = input.files().and_then(|files| files.get(0)) {
            ui.cloud().supply_file(id, file);
        }
        // The same file can be chosen again.
        input.set_value("");
    };
    view! {
        <button
            class="button small"
            type="button"
            on:click=move |_| {
                if let Some(input) = input.get_untracked() {
                    input.click();
                }
            }
        >
            {words::CHOOSE_AGAIN}
        </button>
        <input node_ref=input type="file" hidden aria-label=words::CHOOSE_AGAIN on:change=supplied />
    }
}

/// What the files of one dropped folder come to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Group {
    files: usize,
    done: usize,
    going: usize,
    pausable: usize,
    paused: usize,
    total_bytes: u64,
    sent_bytes: u64,
    bytes_per_second: f64,
}

/// A dropped folder as one line.
#[component]
pub fn GroupRow(ui: Ui, uploads: Signal<Vec<UploadView>>, name: String, folder: ItemId) -> impl IntoView {
    let key = StoredValue::new(name.clone());
    let group = Memo::new(move |_| {
        let mut group = Group::default();
        uploads.with(|uploads| {
            for upload in uploads.iter().filter(|it| key.with_value(|key| it.group.as_ref() == Some(key))) {
                group.files += 1;
                group.done += usize::from(upload.state == UploadState::Done);
                group.going += usize::from(upload.state.is_going());
                group.pausable += usize::from(upload.can_pause());
                group.paused += usize::from(upload.state == UploadState::Paused);
                group.total_bytes += upload.total_bytes;
                group.sent_bytes += upload.sent_bytes + upload.skipped_bytes;
                group.bytes_per_second += upload.bytes_per_second.unwrap_or(0.0);
            }
        });
        group
    });
    let finished = move || group.with(|it| it.done == it.files);
    let share = move || group.with(|it| share(it.sent_bytes, it.total_bytes, it.done == it.files));
    let facts = move || {
        group.with(|it| {
            let mut facts = words::place_of(it.done, it.files);
            if it.going > 0 && it.bytes_per_second >= 1.0 {
                let left = it.total_bytes.saturating_sub(it.sent_bytes) as f64 / it.bytes_per_second;
                facts = format!(
                    "{facts} · {} · {}",
                    words::per_second(&intl::size(it.bytes_per_second as u64)),
                    words::time_left(left as u64)
                );
            } else if it.paused > 0 && it.going == 0 {
                facts = format!("{facts} · {}", words::PAUSED);
            }
            facts
        })
    };
    let all = move |control: UploadControl| {
        let ids: Vec<OperationId> = uploads.with_untracked(|uploads| {
            uploads
                .iter()
                .filter(|it| key.with_value(|key| it.group.as_ref() == Some(key)))
                .filter(|it| control == UploadControl::Dismiss || it.state != UploadState::Done)
                .map(|it| it.operation_id)
                .collect()
        });
        for id in ids {
            ui.cloud().control_upload(id, control);
        }
    };
    view! {
        <li class="upload" class:done=finished>
            <FileIcon kind=FileType::Folder />
            <div class="upload-body">
                <div class="upload-line">
                    <a class="name" href=ui.folder_address(folder) title=name.clone()>{name.clone()}</a>
                    <span class="upload-percent">{move || intl::percent(share())}</span>
                </div>
                <div
                    class="bar"
                    role="progressbar"
                    aria-label=name
                    aria-valuemin="0"
                    aria-valuemax="100"
                    aria-valuenow=move || format!("{:.0}", share() * 100.0)
                >
                    <div class="bar-fill" style:width=move || percent(share()) />
                </div>
                <span class="upload-facts">{facts}</span>
            </div>
            <div class="upload-buttons">
                <Show when=move || group.with(|it| it.pausable != 0)>
                    <IconButton
                        icon=icondata::LuPause
                        label=words::PAUSE.to_owned()
                        on_press=move |_| all(UploadControl::Pause)
                    />
                </Show>
                <Show when=move || group.with(|it| it.paused != 0 && it.pausable == 0)>
                    <IconButton
                        icon=icondata::LuPlay
                        label=words::RESUME.to_owned()
                        on_press=move |_| all(UploadControl::Resume)
                    />
                </Show>
                <Show
                    when=finished
                    fallback=move || view! {
                        <IconButton
                            icon=icondata::LuX
                            label=words::CANCEL.to_owned()
                            on_press=move |_| all(UploadControl::Cancel)
                        />
                    }
                >
                    <span class="upload-done" aria-hidden="true"><Glyph icon=icondata::LuCheck /></span>
                    <IconButton
                        icon=icondata::LuX
                        label=words::DISMISS.to_owned()
                        on_press=move |_| all(UploadControl::Dismiss)
                    />
                </Show>
            </div>
        </li>
    }
    .into_any()
}
