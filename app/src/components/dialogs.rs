//! The one modal that may be open.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::adjust_photos::{AdjustPhotos, give_focus_back};
use super::albums::{AddToAlbum, NameAlbum};
use super::change_password::ChangePassword;
use super::conflict_modal::ConflictModal;
use super::dialog::Dialog;
use super::import_photos::ImportPhotos;
use super::move_dialog::MoveDialog;
use super::shortcuts::ShortcutSheet;
use crate::parts::from_rest;
use crate::ports::CallError;
use crate::ui::{Dialog as Open, Place, Ui, use_ui};
use crate::words;

#[component]
pub fn Dialogs() -> impl IntoView {
    let ui = use_ui();
    move || ui.dialog.get().map(|dialog| from_rest(move |rest| (rest.dialog)(dialog.clone())))
}

#[component]
pub fn OpenDialog(dialog: Open) -> impl IntoView {
    match dialog {
        Open::Move(ids) => view! { <MoveDialog ids=ids /> }.into_any(),
        Open::Shortcuts => view! { <ShortcutSheet /> }.into_any(),
        Open::Conflict(id) => view! { <ConflictModal id=id /> }.into_any(),
        Open::AdjustPhotos(ids) => view! { <AdjustPhotos ids=ids /> }.into_any(),
        Open::AddToAlbum(photos) => view! { <AddToAlbum photos=photos /> }.into_any(),
        Open::NameAlbum { album, photos } => view! { <NameAlbum album=album photos=photos /> }.into_any(),
        Open::ImportPhotos => view! { <ImportPhotos /> }.into_any(),
        Open::ChangePassword => view! { <ChangePassword /> }.into_any(),
        question => view! { <Question question=question /> }.into_any(),
    }
}

/// What a question asks, and the word that does it.
struct Wording {
    title: String,
    text: String,
    confirm: &'static str,
}

fn wording(ui: Ui, question: &Open) -> Wording {
    match question {
        Open::Purge(ids) => Wording {
            title: words::purge_title(ui.single_name(ids).as_deref(), ids.len()),
            text: words::PURGE_TEXT.to_owned(),
            confirm: words::PURGE,
        },
        Open::EmptyTrash => Wording {
            title: words::empty_trash_title(ui.cloud().trash().len()),
            text: words::PURGE_TEXT.to_owned(),
            confirm: words::EMPTY_TRASH,
        },
        Open::MassDelete { mass, .. } => Wording {
            title: words::mass_delete_title(mass.deleted, mass.total),
            text: words::MASS_DELETE_TEXT.to_owned(),
            confirm: words::DELETE,
        },
        Open::Discard { action, name, .. } => Wording {
            title: words::discard_title(action, name),
            text: words::discard_text(action, name),
            confirm: words::DISCARD,
        },
        Open::SignOut => {
            let waiting = ui.cloud().summary().with_untracked(|summary| summary.waiting + summary.failed);
            let lost = (waiting > 0).then(|| words::sign_out_waiting(waiting));
            Wording {
                title: words::SIGN_OUT_TITLE.to_owned(),
                text: [lost.as_deref(), Some(words::SIGN_OUT_TEXT)]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join(" "),
                confirm: words::SIGN_OUT,
            }
        }
        Open::TakeInHanded(count) => Wording {
            title: words::take_in_handed_title(*count),
            text: words::TAKE_IN_HANDED.to_owned(),
            confirm: words::ADD_PHOTOS,
        },
        Open::RemoveDevice { name, .. } => Wording {
            title: words::sign_out_device_title(name),
            text: words::SIGN_OUT_DEVICE_TEXT.to_owned(),
            confirm: words::SIGN_OUT,
        },
        Open::Move(_)
        | Open::Shortcuts
        | Open::Conflict(_)
        | Open::AdjustPhotos(_)
        | Open::AddToAlbum(_)
        | Open::NameAlbum { .. }
        | Open::ImportPhotos
        | Open::ChangePassword => {
            Wording { title: String::new(), text: String::new(), confirm: words::CLOSE }
        }
    }
}

fn confirmed(ui: Ui, question: Open) {
    match question {
        Open::Purge(ids) => ui.purge(&ids),
        Open::EmptyTrash => {
            let ids: Vec<_> = ui.cloud().trash().iter().map(|item| item.item.id).collect();
            ui.purge(&ids);
        }
        Open::MassDelete { ids, .. } => ui.delete(&ids),
        Open::Discard { operation, .. } => ui.cloud().discard(operation),
        Open::TakeInHanded(_) => ui.cloud().take_in_handed(),
        Open::SignOut => {
            let leaving = ui.cloud().sign_out();
            spawn_local(async move {
                if let Err(error) = leaving.await {
                    say_error(ui, error);
                }
            });
        }
        Open::RemoveDevice { id, name } => {
            let removing = ui.cloud().remove_device(id);
            spawn_local(async move {
                match removing.await {
                    Ok(()) => ui.say(words::device_signed_out(&name)),
                    Err(error) => say_error(ui, error),
                }
                ui.cloud().refresh_account();
            });
        }
        Open::Move(_)
        | Open::Shortcuts
        | Open::Conflict(_)
        | Open::AdjustPhotos(_)
        | Open::AddToAlbum(_)
        | Open::NameAlbum { .. }
        | Open::ImportPhotos
        | Open::ChangePassword => {}
    }
}

/// Says why a call did not succeed.
pub fn say_error(ui: Ui, error: CallError) {
    ui.say(match error {
        CallError::Unreachable => words::UNREACHABLE.to_owned(),
        CallError::Refused(problem) => problem.detail,
    });
}

/// A yes or no; Cancel has the focus, since yes mostly takes something away.
#[component]
fn Question(question: Open) -> impl IntoView {
    let ui = use_ui();
    let Wording { title, text, confirm } = wording(ui, &question);
    let is_handed = matches!(question, Open::TakeInHanded(_));
    let close = move || {
        ui.dialog.set(None);
        ui.take_focus();
        if ui.place.with_untracked(Place::is_of_photos) {
            give_focus_back();
        }
    };
    let decline = move || {
        if is_handed {
            ui.cloud().forget_handed();
        }
        close();
    };
    view! {
        <Dialog title=title on_close=decline>
            <p class="dialog-text">{text}</p>
            <div class="dialog-actions">
                <button class="button" type="button" autofocus on:click=move |_| decline()>{words::CANCEL}</button>
                <button
                    class="button"
                    class:danger=!is_handed
                    class:primary=is_handed
                    type="button"
                    on:click=move |_| {
                        close();
                        confirmed(ui, question.clone());
                    }
                >
                    {confirm}
                </button>
            </div>
        </Dialog>
    }
}
