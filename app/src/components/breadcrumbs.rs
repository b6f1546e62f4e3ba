use leptos::prelude::*;
use shared::ItemId;

use super::icon::Glyph;
use crate::ui::{Place, use_ui};
use crate::words;

/// Where one is, from the root down. Each folder takes drops.
#[component]
pub fn Breadcrumbs() -> impl IntoView {
    let ui = use_ui();
    let steps = Memo::new(move |_| {
        let cloud = ui.cloud();
        cloud.revision().with(|_| ());
        match ui.place.get() {
            Place::Folder(folder) if folder == ui.root => vec![(ui.root, words::FILES.to_owned())],
            Place::Folder(folder) => {
                let mut steps = vec![(ui.root, words::FILES.to_owned())];
                steps.extend(cloud.ancestors(folder).iter().map(|it| (it.item.id, it.item.name.clone())));
                steps.extend(cloud.item(folder).map(|it| (folder, it.item.name.clone())));
                steps
            }
            Place::Photos(_)
            | Place::Albums
            | Place::Duplicates
            | Place::Trash
            | Place::Search(_)
            | Place::Editor(_)
            | Place::Activity
            | Place::Settings
            | Place::Elsewhere => Vec::new(),
        }
    });
    let title = move || match ui.place.get() {
        Place::Photos(_) | Place::Albums | Place::Duplicates => words::PHOTOS,
        Place::Trash => words::TRASH,
        Place::Search(_) => words::SEARCH,
        Place::Activity => words::ACTIVITY,
        Place::Settings => words::SETTINGS,
        Place::Folder(_) | Place::Editor(_) | Place::Elsewhere => words::APP,
    };
    let crumbs = move || {
        let steps = steps.get();
        let last = steps.len().saturating_sub(1);
        if steps.is_empty() {
            return view! { <li class="crumb crumb-here"><h1>{title()}</h1></li> }.into_any();
        }
        steps
            .into_iter()
            .enumerate()
            .map(|(place, (id, name))| view! { <Crumb id=id name=name is_last=place == last /> })
            .collect_view()
            .into_any()
    };
    view! {
        <nav class="breadcrumbs" aria-label=words::WHERE_YOU_ARE>
            <ol>{crumbs}</ol>
        </nav>
    }
}

#[component]
fn Crumb(id: ItemId, name: String, is_last: bool) -> impl IntoView {
    let ui = use_ui();
    let drop_into = move || ui.drop_target.get() == Some(id) && !is_last;
    if is_last {
        return view! { <li class="crumb crumb-here" aria-current="page"><h1 title=name.clone()>{name.clone()}</h1></li> }
            .into_any();
    }
    view! {
        <li class="crumb" class:drop-into=drop_into data-drop=id.to_string()>
            <a href=ui.folder_address(id) title=name.clone()>{name.clone()}</a>
            <Glyph icon=icondata::LuChevronRight />
        </li>
    }
    .into_any()
}
