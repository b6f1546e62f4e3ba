use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::ItemId;
use shared::upload::FileVersion;

use super::dialogs::say_error;
use super::icon::{Glyph, IconButton};
use super::item_date::ItemDate;
use crate::hooks::intl;
use crate::ui::use_ui;
use crate::words;

/// What a file was before, with the way back to it.
#[component]
pub fn Versions(id: ItemId) -> impl IntoView {
    let ui = use_ui();
    let versions = RwSignal::new(None::<Result<Vec<FileVersion>, ()>>);
    let load = move || {
        let asked = ui.cloud().versions(id);
        spawn_local(async move {
            let answer = asked.await.map_err(|_| ());
            versions.try_set(Some(answer));
        });
    };
    // A new content is a new version.
    let content = Memo::new(move |_| ui.item(id).and_then(|item| item.item.content_hash));
    Effect::new(move || {
        content.with(|_| ());
        load();
    });
    let restore = move |version: shared::VersionId| {
        let asked = ui.cloud().restore_version(id, version);
        spawn_local(async move {
            match asked.await {
                Ok(()) => {
                    ui.say(words::VERSION_RESTORED);
                    load();
                }
                Err(error) => say_error(ui, error),
            }
        });
    };
    let row = move |version: FileVersion| {
        let device = version.device_name.unwrap_or_else(|| words::UNKNOWN_DEVICE.to_owned());
        let address = ui.cloud().version_url(id, version.id);
        view! {
            <li class="version">
                <div class="version-text">
                    <span><ItemDate at=version.created_at /></span>
                    <span class="quiet">{format!("{device} · {}", intl::size(version.size))}</span>
                </div>
                {if version.is_current {
                    view! { <span class="badge">{words::CURRENT_VERSION}</span> }.into_any()
                } else {
                    view! {
                        <a
                            class="icon-button"
                            href=address
                            download=""
                            aria-label=words::DOWNLOAD_VERSION
                            title=words::DOWNLOAD_VERSION
                        >
                            <Glyph icon=icondata::LuDownload />
                        </a>
                        <IconButton
                            icon=icondata::LuRotateCcw
                            label=words::RESTORE_VERSION.to_owned()
                            on_press=move |_| restore(version.id)
                        />
                    }.into_any()
                }}
            </li>
        }
    };
    move || {
        versions.get().map(|answer| match answer {
            Ok(list) => {
                view! { <ul class="versions">{list.into_iter().map(row).collect_view()}</ul> }.into_any()
            }
            Err(()) => view! { <p class="quiet">{words::NO_VERSIONS_OFFLINE}</p> }.into_any(),
        })
    }
}
