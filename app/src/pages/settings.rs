use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::account::Device;

use crate::components::choice::Choice;
use crate::components::device_storage::DeviceStorageCard;
use crate::components::icon::Glyph;
use crate::components::item_date::ItemDate;
use crate::components::shortcuts::ShortcutList;
use crate::components::storage_bar::StorageBar;
use crate::hooks::preferences::{Density, Theme};
use crate::ports::Account;
use crate::ui::{Dialog, Place, Ui, use_ui};
use crate::words;

/// `/settings`.
#[component]
pub fn SettingsPage() -> impl IntoView {
    let ui = use_ui();
    ui.enter(Place::Settings);
    ui.cloud().refresh_account();
    view! {
        <div class="settings">
            <section aria-labelledby="settings-account">
                <h2 id="settings-account">{words::ACCOUNT}</h2>
                <AccountCard ui=ui />
                <button
                    class="settings-link"
                    type="button"
                    on:click=move |_| ui.dialog.set(Some(Dialog::ChangePassword))
                >
                    <Glyph icon=icondata::LuKeyRound />
                    {words::CHANGE_PASSWORD}
                </button>
                <a class="settings-link" href="/activity">
                    <Glyph icon=icondata::LuHistory />
                    {words::ACTIVITY}
                </a>
                <button
                    class="settings-link"
                    type="button"
                    on:click=move |_| ui.dialog.set(Some(Dialog::ImportPhotos))
                >
                    <Glyph icon=icondata::LuImport />
                    {words::IMPORT_PHOTOS}
                </button>
            </section>
            <section aria-labelledby="settings-appearance">
                <h2 id="settings-appearance">{words::APPEARANCE}</h2>
                <div class="card">
                    <Choice
                        label=words::THEME
                        options=[
                            (Theme::System, words::THEME_SYSTEM),
                            (Theme::Light, words::THEME_LIGHT),
                            (Theme::Dark, words::THEME_DARK),
                        ].to_vec()
                        chosen=Signal::derive(move || ui.preferences.with(|it| it.theme))
                        on_choose=move |theme| ui.preferences.update(|it| it.theme = theme)
                    />
                    <Choice
                        label=words::ROWS
                        options=[(Density::Comfortable, words::COMFORTABLE), (Density::Compact, words::COMPACT)].to_vec()
                        chosen=Signal::derive(move || ui.preferences.with(|it| it.density))
                        on_choose=move |density| ui.preferences.update(|it| it.density = density)
                    />
                </div>
            </section>
            <section aria-labelledby="settings-storage">
                <h2 id="settings-storage">{words::STORAGE}</h2>
                <div class="card"><StorageBar /></div>
            </section>
            <section aria-labelledby="settings-device-storage">
                <h2 id="settings-device-storage">{words::DEVICE_STORAGE}</h2>
                <p class="quiet">{words::DEVICE_STORAGE_HINT}</p>
                <DeviceStorageCard />
            </section>
            <section aria-labelledby="settings-devices">
                <h2 id="settings-devices">{words::DEVICES}</h2>
                <p class="quiet">{words::DEVICES_HINT}</p>
                <Devices ui=ui />
            </section>
            <section aria-labelledby="settings-keys" class="wide-only">
                <h2 id="settings-keys">{words::SHORTCUTS}</h2>
                <div class="card"><ShortcutList /></div>
            </section>
        </div>
    }
    .into_any()
}

#[component]
fn AccountCard(ui: Ui) -> impl IntoView {
    let account = ui.cloud().account();
    let user = Memo::new(move |_| {
        account.with(|account| match account {
            Account::SignedIn(it) => Some(it.user.clone()),
            Account::Loading | Account::SignedOut | Account::Failed(_) => None,
        })
    });
    view! {
        <div class="card account">
            {move || user.get().map(|user| {
                let initial = user.display_name.chars().next().map(|c| c.to_uppercase().to_string());
                let about = if user.is_admin { format!("{} · {}", user.username, words::ADMINISTRATOR) } else { user.username };
                view! {
                    <span class="avatar large" aria-hidden="true">{initial}</span>
                    <div class="account-text"><strong>{user.display_name}</strong><span class="quiet">{about}</span></div>
                }
            })}
            <button class="button" type="button" on:click=move |_| ui.dialog.set(Some(Dialog::SignOut))>
                <Glyph icon=icondata::LuLogOut />
                {words::SIGN_OUT}
            </button>
        </div>
    }
}

#[component]
fn Devices(ui: Ui) -> impl IntoView {
    let devices = RwSignal::new(None::<Result<Vec<Device>, ()>>);
    let account = ui.cloud().account();
    Effect::new(move || {
        account.with(|_| ());
        let asked = ui.cloud().devices();
        spawn_local(async move {
            let answer = asked.await.map_err(|_| ());
            devices.try_set(Some(answer));
        });
    });
    let row = move |device: Device| {
        let Device { id, name, platform, last_seen_at, is_current, up_to_date, .. } = device;
        let phone = platform.to_lowercase();
        let is_phone = phone.contains("android") || phone.contains("ios") || phone.contains("iphone");
        let icon = if is_phone { icondata::LuSmartphone } else { icondata::LuLaptop };
        let label = words::sign_out_device(&name);
        let shown_name = name.clone();
        let ask = move |_| ui.dialog.set(Some(Dialog::RemoveDevice { id, name: name.clone() }));
        view! {
            <li class="device">
                <Glyph icon=icon />
                <div class="device-text">
                    <strong>{shown_name}</strong>
                    <span class="quiet">
                        {platform} " · "
                        {if is_current {
                            words::THIS_DEVICE.into_any()
                        } else {
                            view! { <ItemDate at=last_seen_at /> }.into_any()
                        }}
                        {(up_to_date == Some(false)).then(|| format!(" · {}", words::DEVICE_BEHIND))}
                    </span>
                </div>
                {(!is_current).then(|| view! {
                    <button class="button" type="button" aria-label=label on:click=ask>{words::SIGN_OUT}</button>
                })}
            </li>
        }
    };
    move || {
        devices.get().map(|answer| match answer {
            Ok(list) => {
                view! { <ul class="card devices">{list.into_iter().map(row).collect_view()}</ul> }.into_any()
            }
            Err(()) => view! { <p class="card quiet">{words::DEVICES_OFFLINE}</p> }.into_any(),
        })
    }
}
