use std::time::Duration;

use leptos::ev;
use leptos::html::Dialog as DialogElement;
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::{ItemId, ItemKind};

use super::file_icon::FileIcon;
use super::icon::IconButton;
use super::markdown::Markdown;
use crate::actions::Action;
use crate::hooks::intl;
use crate::hooks::listener::is_typing;
use crate::model::{FileType, Selection, Table};
use crate::parts::from_rest;
use crate::ui::{Place, Ui, use_ui};
use crate::words;

/// Text that is shown of a file, in bytes.
const TEXT_BYTES_MAX: usize = 512 * 1024;
/// Waiting shorter than this shows nothing.
const SPINNER_AFTER: Duration = Duration::from_millis(150);

/// A large calm sheet over the list, named by the address: back closes it.
#[component]
pub fn QuickLook() -> impl IntoView {
    let ui = use_ui();
    let is_open = Memo::new(move |_| ui.preview.get().is_some());
    // However it was closed, the keyboard goes back to the list.
    Effect::new(move |was_open: Option<bool>| {
        let is_open = is_open.get();
        if was_open == Some(true) && !is_open {
            request_animation_frame(move || ui.take_focus());
        }
        is_open
    });
    view! {
        <Show when=move || is_open.get()>
            {from_rest(move |rest| (rest.quick_look)(ui))}
        </Show>
    }
}

#[component]
pub fn Sheet(ui: Ui) -> impl IntoView {
    let dialog = NodeRef::<DialogElement>::new();
    let item = Memo::new(move |_| ui.preview.get().and_then(|id| ui.item(id)));
    let name =
        Memo::new(move |_| item.with(|it| it.as_ref().map(|it| it.item.name.clone()).unwrap_or_default()));
    // The neighbours that can be looked at: the files of the list.
    let siblings = Memo::new(move |_| {
        ui.entries.with(|entries| {
            let files = entries.items().iter().filter(|item| item.item.kind == ItemKind::File);
            files.map(|item| item.item.id).collect::<Vec<ItemId>>()
        })
    });
    let place = Memo::new(move |_| {
        let shown = ui.preview.get()?;
        siblings.with(|siblings| siblings.iter().position(|id| *id == shown))
    });
    let turn = move |by: isize| {
        let next = place.get_untracked().and_then(|place| place.checked_add_signed(by));
        if let Some(id) =
            next.and_then(|next| siblings.with_untracked(|siblings| siblings.get(next).copied()))
        {
            ui.selection.set(Selection::only(id));
            ui.turn_preview(id);
        }
    };
    let at_start = move || place.get().is_none_or(|place| place == 0);
    let at_end = move || place.get().is_none_or(|place| siblings.with(|it| place + 1 >= it.len()));
    Effect::new(move || {
        if let Some(dialog) = dialog.get()
            && !dialog.open()
        {
            dialog.show_modal().ok();
            dialog.focus().ok();
        }
    });
    let on_key = move |event: ev::KeyboardEvent| {
        if is_typing(&event) {
            return;
        }
        match event.key().as_str() {
            "ArrowRight" | "ArrowDown" => turn(1),
            "ArrowLeft" | "ArrowUp" => turn(-1),
            " " => ui.close_preview(),
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    };
    let facts = move || {
        item.with(|item| {
            item.as_ref().map(|it| {
                let kind = words::kind(FileType::of(it));
                let of = place.get().map(|place| words::place_of(place + 1, siblings.with(Vec::len)));
                [Some(kind.to_owned()), Some(intl::size(it.item.size)), of]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join(" · ")
            })
        })
    };
    let act = move |action: Action| {
        if let Some(id) = ui.preview.get_untracked() {
            ui.perform(action, vec![id]);
        }
    };
    let is_editable = Memo::new(move |_| {
        let in_trash = ui.place.with(|place| *place == Place::Trash);
        !in_trash && item.with(|item| item.as_ref().is_some_and(|item| FileType::is_editable(item)))
    });
    // The content depends on what the file holds, not on its name or state.
    let content =
        Memo::new(move |_| item.with(|item| item.as_ref().map(|it| (it.item.id, it.item.content_hash))));
    view! {
        <dialog
            node_ref=dialog
            class="dialog dialog-sheet quick-look"
            aria-label=move || format!("{}: {}", words::QUICK_LOOK, name.get())
            on:cancel=move |event: web_sys::Event| {
                event.prevent_default();
                ui.close_preview();
            }
            on:keydown=on_key
        >
            <header class="look-head">
                <IconButton
                    icon=icondata::LuX
                    label=words::CLOSE.to_owned()
                    on_press=move |_| ui.close_preview()
                />
                <div class="look-title">
                    <h2 title=name>{name}</h2>
                    <p class="quiet">{facts}</p>
                </div>
                <Show when=move || is_editable.get()>
                    <IconButton
                        icon=icondata::LuPencil
                        label=words::EDIT.to_owned()
                        on_press=move |_| act(Action::Open)
                    />
                </Show>
                <IconButton
                    icon=icondata::LuDownload
                    label=words::DOWNLOAD.to_owned()
                    on_press=move |_| act(Action::Download)
                />
                <IconButton
                    icon=icondata::LuTrash2
                    label=words::DELETE.to_owned()
                    on_press=move |_| {
                        let shown = ui.preview.get_untracked();
                        ui.close_preview();
                        ui.perform(Action::Delete, shown.into_iter().collect());
                    }
                />
            </header>
            <div class="look-stage">
                {move || match content.get() {
                    Some((id, _)) => view! { <Stage ui=ui id=id /> }.into_any(),
                    None => view! { <Nothing kind=FileType::Other text=words::NOT_HERE /> }.into_any(),
                }}
                <button
                    class="look-turn look-previous"
                    type="button"
                    aria-label=words::PREVIOUS
                    title=words::PREVIOUS
                    disabled=at_start
                    on:click=move |_| turn(-1)
                >
                    <super::icon::Glyph icon=icondata::LuArrowLeft />
                </button>
                <button
                    class="look-turn look-next"
                    type="button"
                    aria-label=words::NEXT
                    title=words::NEXT
                    disabled=at_end
                    on:click=move |_| turn(1)
                >
                    <super::icon::Glyph icon=icondata::LuArrowRight />
                </button>
            </div>
        </dialog>
    }
    .into_any()
}

/// What is on the stage.
#[derive(Clone, Debug)]
enum Shown {
    Waiting,
    Address(String),
    Text(String),
    Failed(String),
}

/// The file itself.
#[component]
fn Stage(ui: Ui, id: ItemId) -> impl IntoView {
    let item = ui.item_now(id);
    let kind = item.as_ref().map_or(FileType::Other, |item| FileType::of(item));
    let size = item.as_ref().map_or(0, |item| item.item.size);
    let name = item.map(|item| item.item.name.clone()).unwrap_or_default();
    let shown = RwSignal::new(Shown::Waiting);
    let previewable = kind.is_text()
        || matches!(kind, FileType::Image | FileType::Pdf | FileType::Audio | FileType::Video | FileType::Spreadsheet if is_plain(kind, &name));
    if !previewable {
        return view! { <Nothing kind=kind text=words::NO_PREVIEW /> }.into_any();
    }
    let as_text = kind.is_text() || kind == FileType::Spreadsheet;
    if as_text {
        let asked = ui.cloud().read_text(id, TEXT_BYTES_MAX);
        spawn_local(async move {
            shown.try_set(match asked.await {
                Ok(text) => Shown::Text(text),
                Err(error) => Shown::Failed(reason(error)),
            });
        });
    } else {
        let asked = ui.cloud().content_url(id);
        spawn_local(async move {
            shown.try_set(match asked.await {
                Ok(address) => Shown::Address(address),
                Err(error) => Shown::Failed(reason(error)),
            });
        });
    }
    let is_long = size > TEXT_BYTES_MAX as u64;
    (move || match shown.get() {
        Shown::Waiting => view! { <Waiting /> }.into_any(),
        Shown::Failed(reason) => view! { <Nothing kind=kind text=reason /> }.into_any(),
        Shown::Text(text) => {
            let mut is_part = is_long;
            let body = match kind {
                FileType::Markdown => view! { <Markdown text=text /> }.into_any(),
                FileType::Spreadsheet => {
                    let table = Table::of(&text);
                    is_part |= !table.is_whole;
                    view! { <TableOf rows=table.rows name=name.clone() /> }.into_any()
                }
                _ => view! { <pre class="look-code" tabindex="0"><code>{text}</code></pre> }.into_any(),
            };
            let note = is_part.then(|| view! { <p class="look-note quiet">{words::TOO_LARGE_TEXT}</p> });
            view! { <div class="look-text">{note}{body}</div> }.into_any()
        }
        Shown::Address(address) => media(kind, address, name.clone()),
    })
    .into_any()
}

/// A table, its first row as the heading.
#[component]
fn TableOf(rows: Vec<Vec<String>>, name: String) -> impl IntoView {
    let mut rows = rows.into_iter();
    let head = rows.next().unwrap_or_default();
    let head = head.into_iter().map(|cell| view! { <th scope="col">{cell}</th> }).collect_view();
    let body = rows
        .map(|row| {
            let cells = row
                .into_iter()
                .map(|cell| {
                    let is_number = is_number(&cell);
                    view! { <td class:number=is_number>{cell}</td> }
                })
                .collect_view();
            view! { <tr>{cells}</tr> }
        })
        .collect_view();
    view! {
        <table class="look-table" tabindex="0" aria-label=name>
            <thead><tr>{head}</tr></thead>
            <tbody>{body}</tbody>
        </table>
    }
}

/// Whether people line it up by its last digit.
fn is_number(cell: &str) -> bool {
    cell.contains(|c: char| c.is_ascii_digit())
        && cell.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '+' | ' ' | '%'))
}

/// Tables are shown where they are text.
fn is_plain(kind: FileType, name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    kind != FileType::Spreadsheet || matches!(extension.as_deref(), Some("csv" | "tsv"))
}

fn reason(error: crate::ports::CallError) -> String {
    match error {
        crate::ports::CallError::Unreachable => words::NOT_ON_DEVICE.to_owned(),
        crate::ports::CallError::Refused(problem) => problem.detail,
    }
}

fn media(kind: FileType, address: String, name: String) -> AnyView {
    let failed = RwSignal::new(false);
    let element = move || {
        let address = address.clone();
        match kind {
            FileType::Image => view! {
                <img class="look-image" src=address alt=name.clone() on:error=move |_| failed.set(true) />
            }
            .into_any(),
            FileType::Pdf => view! { <iframe class="look-pdf" src=address title=name.clone() /> }.into_any(),
            FileType::Audio => view! {
                <div class="look-audio">
                    <FileIcon kind=FileType::Audio />
                    <audio controls autoplay src=address aria-label=name.clone() on:error=move |_| failed.set(true) />
                </div>
            }
            .into_any(),
            _ => view! {
                <video
                    class="look-video"
                    controls
                    autoplay
                    playsinline
                    src=address
                    aria-label=name.clone()
                    on:error=move |_| failed.set(true)
                />
            }
            .into_any(),
        }
    };
    (move || {
        if failed.get() {
            view! { <Nothing kind=kind text=words::NO_PREVIEW /> }.into_any()
        } else {
            element()
        }
    })
    .into_any()
}

/// Nothing for a moment, then a word.
#[component]
fn Waiting() -> impl IntoView {
    let long = RwSignal::new(false);
    if let Ok(timer) = set_timeout_with_handle(move || long.set(true), SPINNER_AFTER) {
        on_cleanup(move || timer.clear());
    }
    view! { <p class="look-waiting quiet" role="status">{move || long.get().then_some(words::LOADING)}</p> }
}

#[component]
fn Nothing(kind: FileType, #[prop(into)] text: String) -> impl IntoView {
    view! {
        <div class="look-nothing">
            <FileIcon kind=kind />
            <p>{text}</p>
        </div>
    }
}
