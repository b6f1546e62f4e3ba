use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::choice::Choice;
use crate::hooks::intl;
use crate::ports::{Amount, DeviceStorage, KeptNote};
use crate::ui::{Ui, use_ui};
use crate::words;

const GIB: u64 = 1 << 30;
/// What a person may choose for files seen lately, in bytes.
const BUDGETS: [u64; 5] = [0, GIB / 4, GIB, 5 * GIB, 20 * GIB];
/// Changes that come within this time are read together.
const SETTLE: Duration = Duration::from_millis(400);

/// What the app takes of this device, by what it is for.
#[component]
pub fn DeviceStorageCard() -> impl IntoView {
    let ui = use_ui();
    let storage = RwSignal::new(None::<DeviceStorage>);
    let read = move || {
        let asked = ui.cloud().device_storage();
        spawn_local(async move {
            let answer = asked.await;
            storage.try_set(Some(answer));
        });
    };
    let waiting = StoredValue::new(false);
    Effect::new(move |known: Option<()>| {
        ui.cloud().keeping_revision().with(|_| ());
        ui.cloud().summary().with(|_| ());
        if known.is_none() {
            read();
        } else if !waiting.get_value() {
            waiting.set_value(true);
            set_timeout(
                move || {
                    if waiting.try_set_value(false).is_none() {
                        read();
                    }
                },
                SETTLE,
            );
        }
    });
    let budget = Signal::derive(move || storage.with(|it| it.map_or(GIB, |it| it.budget)));
    view! {
        <div class="card">
            {move || storage.get().map(|storage| view! { <Uses storage=storage /> })}
            <Choice
                label=words::SPACE_FOR_SEEN
                options=BUDGETS.map(|bytes| (bytes, budget_name(bytes))).to_vec()
                chosen=budget
                on_choose=move |bytes| ui.cloud().set_seen_budget(bytes)
            />
            <p class="quiet">{words::EVICTION_HINT}</p>
            {move || storage.get().map(|it| view! { <Persistence ui=ui is_persistent=it.is_persistent read=read /> })}
        </div>
    }
    .into_any()
}

const fn budget_name(bytes: u64) -> &'static str {
    match bytes {
        0 => words::SPACE_NONE,
        bytes if bytes < GIB => "256 MB",
        bytes if bytes < 2 * GIB => "1 GB",
        bytes if bytes < 10 * GIB => "5 GB",
        _ => "20 GB",
    }
}

#[component]
fn Uses(storage: DeviceStorage) -> impl IntoView {
    let text = |amount: Amount| words::amount(amount.count, &intl::size(amount.bytes));
    let fact = move |label: &'static str, amount: Amount| {
        view! { <div class="fact fact-wide"><dt>{label}</dt><dd>{text(amount)}</dd></div> }
    };
    let note = storage.note.map(|note| match note {
        KeptNote::Offline => words::KEEP_OFFLINE,
        KeptNote::Full => words::KEEP_FULL,
        KeptNote::NoStorage => words::KEEP_NO_STORAGE,
    });
    let to_come = (storage.to_come.count > 0).then(|| {
        let rest = words::to_come(storage.to_come.count, &intl::size(storage.to_come.bytes));
        view! { <p class="quiet" role="status">{rest} {note.map(|note| format!(". {note}"))}</p> }
    });
    let whole = storage
        .used
        .zip(storage.allowed)
        .map(|(used, allowed)| words::browser_storage(&intl::size(used), &intl::size(allowed)));
    view! {
        <dl class="facts">
            {fact(words::KEPT_HERE, storage.kept)}
            {fact(words::SEEN_LATELY, storage.lately)}
            {(storage.waiting.count > 0).then(|| fact(words::NOT_SENT_YET, storage.waiting))}
        </dl>
        {to_come}
        {whole.map(|text| view! { <p class="quiet">{text}</p> })}
    }
}

#[component]
fn Persistence(ui: Ui, is_persistent: bool, read: impl Fn() + Copy + 'static) -> impl IntoView {
    if is_persistent {
        return view! { <p class="quiet">{words::PERSISTENT}</p> }.into_any();
    }
    let ask = move |_| {
        let asked = ui.cloud().ask_to_persist();
        spawn_local(async move {
            if asked.await {
                read();
            } else {
                ui.say(words::PERSIST_REFUSED);
            }
        });
    };
    view! {
        <p class="quiet">{words::NOT_PERSISTENT}</p>
        <button class="button" type="button" on:click=ask>{words::ASK_TO_PERSIST}</button>
    }
    .into_any()
}
