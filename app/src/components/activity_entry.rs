use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::activity::{Activity, ActivityKind, FormerContent};
use shared::{ItemId, ItemName, VersionId};
use sync::{Command, NewContent};

use super::dialogs::say_error;
use super::icon::Glyph;
use super::item_date::ItemDate;
use crate::ui::Ui;
use crate::words;

/// One thing that happened: what and why, whose change it was, and the way back where there is one.
#[component]
pub fn ActivityEntry(ui: Ui, activity: Activity) -> impl IntoView {
    let sentence = words::happened(&activity)?;
    let by = made_by(ui, &activity);
    let at = activity.happened_at;
    let icon = icon_of(&activity.kind);
    let folder = ui
        .item_now(activity.item_id)
        .filter(|item| !item.item.is_deleted)
        .map(|item| ui.folder_address(item.item.parent_id));
    let way_back = move || {
        ui.cloud().revision().track();
        way_back(ui, &activity).map(|(label, way)| {
            view! {
                <button class="button small" type="button" on:click=move |_| take(ui, &way)>{label}</button>
            }
        })
    };
    Some(
        view! {
            <li class="activity-entry">
                <Glyph icon=icon />
                <div class="activity-text">
                    <p>{sentence}</p>
                    <p class="quiet">
                        {by.map(|by| format!("{by} · "))}
                        <ItemDate at=at />
                        {folder.map(|href| view! { " · "<a href=href>{words::SHOW_IN_FOLDER}</a> })}
                    </p>
                </div>
                {way_back}
            </li>
        }
        .into_any(),
    )
}

fn made_by(ui: Ui, activity: &Activity) -> Option<String> {
    let by = activity.by.clone()?;
    let viewer = untrack(|| ui.viewer())?;
    Some(if by.device_id == viewer.device {
        words::THIS_DEVICE.to_owned()
    } else if by.user_id == viewer.user {
        by.device_name
    } else {
        format!("{} · {}", by.user_name, by.device_name)
    })
}

const fn icon_of(kind: &ActivityKind) -> icondata::Icon {
    match kind {
        ActivityKind::MoveLost { .. } | ActivityKind::Renamed { .. } => icondata::LuPencil,
        ActivityKind::DeleteLost | ActivityKind::DeletePartly | ActivityKind::CameBack => icondata::LuUndo2,
        ActivityKind::Merged { .. } | ActivityKind::FoldersJoined => icondata::LuMerge,
        ActivityKind::Conflict { .. } | ActivityKind::Resolved { .. } | ActivityKind::Unknown => {
            icondata::LuSplit
        }
    }
}

/// What takes it back.
enum Way {
    Commands(Vec<Command>, String),
    Version(ItemId, VersionId),
    Review(shared::ConflictId),
}

fn way_back(ui: Ui, activity: &Activity) -> Option<(String, Way)> {
    let item = ui.item_now(activity.item_id).filter(|item| !item.item.is_deleted)?;
    let (id, name) = (item.item.id, item.item.name.clone());
    let delete = |label: &str| {
        let way = Way::Commands(vec![Command::Delete { id }], words::deleted(Some(&name), 1));
        Some((label.to_owned(), way))
    };
    match &activity.kind {
        ActivityKind::DeleteLost | ActivityKind::CameBack => delete(words::DELETE),
        ActivityKind::DeletePartly => delete(words::DELETE_ALL_OF_IT),
        ActivityKind::MoveLost { name: asked, .. } if *asked != name && *asked != activity.item_name => {
            Some(rename(id, ItemName::parse(asked).ok()?))
        }
        ActivityKind::MoveLost { parent_id, .. } if ui.can_move(&[id], *parent_id) => {
            let is_there = *parent_id == ui.root
                || ui.item_now(*parent_id).is_some_and(|folder| !folder.item.is_deleted);
            let folder = is_there.then(|| ui.folder_name(*parent_id))?;
            let commands = vec![Command::Move { id, parent: *parent_id }];
            let way = Way::Commands(commands, words::moved(Some(&name), 1, &folder));
            Some((words::move_to_folder(&folder), way))
        }
        ActivityKind::Renamed { asked } if name == activity.item_name => {
            let new = ItemName::parse(asked).ok()?;
            let holder = ui.cloud().child_named(item.item.parent_id, &new);
            holder.is_none_or(|holder| holder == id).then(|| rename(id, new))
        }
        ActivityKind::Merged { former_content: Some(former), .. }
        | ActivityKind::Resolved { former_content: Some(former), .. } => {
            let FormerContent { content_hash, size } = *former;
            let content = NewContent::Held { of: id, size, hash: content_hash };
            let commands = vec![Command::SetContent { id, content, modified_at: None, base: None }];
            let way = Way::Commands(commands, words::VERSION_RESTORED.to_owned());
            (item.item.content_hash != Some(content_hash)).then(|| (words::UNDO.to_owned(), way))
        }
        // What an older server told has no name for the content: only the server finds it.
        ActivityKind::Merged { former_version_id: Some(version), .. }
        | ActivityKind::Resolved { former_version_id: Some(version), .. } => {
            let is_online = ui.cloud().summary().with(|summary| summary.online);
            is_online.then(|| (words::UNDO.to_owned(), Way::Version(id, *version)))
        }
        ActivityKind::Resolved { copy_id: Some(copy), .. } => {
            let copy = ui.item_now(*copy).filter(|copy| !copy.item.is_deleted)?;
            let commands = vec![Command::Delete { id: copy.item.id }];
            let way = Way::Commands(commands, words::deleted(Some(&copy.item.name), 1));
            Some((words::DELETE_COPY.to_owned(), way))
        }
        ActivityKind::Conflict { conflict_id } => {
            let is_open = ui.cloud().conflicts().iter().any(|open| open.id == *conflict_id);
            is_open.then(|| (words::REVIEW.to_owned(), Way::Review(*conflict_id)))
        }
        _ => None,
    }
}

fn rename(id: ItemId, name: ItemName) -> (String, Way) {
    let (label, said) = (words::rename_to(name.as_str()), words::renamed(name.as_str()));
    (label, Way::Commands(vec![Command::Rename { id, name }], said))
}

fn take(ui: Ui, way: &Way) {
    match way {
        Way::Commands(commands, said) => ui.run(commands.clone(), Some(said.clone())),
        Way::Review(conflict) => ui.review(*conflict),
        Way::Version(item, version) => {
            let asked = ui.cloud().restore_version(*item, *version);
            spawn_local(async move {
                match asked.await {
                    Ok(()) => ui.say(words::VERSION_RESTORED),
                    Err(error) => say_error(ui, error),
                }
            });
        }
    }
}
