use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::choice::Choice;
use crate::hooks::intl;
use crate::ports::{Amount, DeviceStorage, KeptNote, LibraryHere, LocalFuture, PhotoForms};
use crate::ui::{Ui, use_ui};
use crate::words;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
/// What a person may choose for files seen lately, in bytes.
const BUDGETS: [u64; 5] = [0, GIB / 4, GIB, 5 * GIB, 20 * GIB];
/// And for what is shown of photos.
const FORMS_BUDGETS: [u64; 4] = [GIB / 8, GIB / 2, 2 * GIB, 10 * GIB];
/// Changes that come within this time are read together.
const SETTLE: Duration = Duration::from_millis(400);
/// While thumbnails come, it is read again after this time.
const PACE: Duration = Duration::from_secs(2);

/// What the app takes of this device, by what it is for.
#[component]
pub fn DeviceStorageCard() -> impl IntoView {
    let ui = use_ui();
    let storage = RwSignal::new(None::<DeviceStorage>);
    let is_due = StoredValue::new(false);
    let read = move || {
        let asked = ui.cloud().device_storage();
        spawn_local(async move {
            let answer = asked.await;
            storage.try_set(Some(answer));
        });
    };
    let read_after = move |pause| {
        if is_due.try_get_value() == Some(false) {
            is_due.set_value(true);
            set_timeout(
                move || {
                    if is_due.try_set_value(false).is_none() {
                        read();
                    }
                },
                pause,
            );
        }
    };
    Effect::new(move |known: Option<()>| {
        ui.cloud().keeping_revision().with(|_| ());
        ui.cloud().summary().with(|_| ());
        if known.is_none() {
            read();
        } else {
            read_after(SETTLE);
        }
    });
    Effect::new(move || {
        if storage.with(|it| it.and_then(|it| it.forms).is_some_and(|forms| forms.is_coming())) {
            read_after(PACE);
        }
    });
    let budget = Signal::derive(move || storage.with(|it| it.map_or(GIB, |it| it.budget)));
    let has_forms = Memo::new(move |_| storage.with(|it| it.is_some_and(|it| it.forms.is_some())));
    let forms_budget = Signal::derive(move || {
        storage.with(|it| it.and_then(|it| it.forms).map_or(GIB / 2, |forms| forms.budget))
    });
    let is_ahead = Signal::derive(move || {
        storage.with(|it| it.and_then(|it| it.forms).is_none_or(|forms| forms.is_ahead))
    });
    let choose = move |chosen: LocalFuture<()>| {
        spawn_local(async move {
            chosen.await;
            read();
        });
    };
    let forget = move |_| {
        let forgetting = ui.cloud().forget_seen();
        spawn_local(async move {
            forgetting.await;
            ui.say(words::SEEN_FORGOTTEN);
            read();
        });
    };
    view! {
        <div class="card">
            {move || storage.get().map(|storage| view! { <Uses storage=storage /> })}
            <button class="button" type="button" on:click=forget>{words::FORGET_SEEN}</button>
            <p class="quiet">{words::FORGET_SEEN_HINT}</p>
        </div>
        <div class="card">
            <Choice
                label=words::SPACE_FOR_SEEN
                options=BUDGETS.map(|bytes| (bytes, budget_name(bytes))).to_vec()
                chosen=budget
                on_choose=move |bytes| ui.cloud().set_seen_budget(bytes)
            />
            <Show when=move || has_forms.get()>
                <Choice
                    label=words::SPACE_FOR_FORMS
                    options=FORMS_BUDGETS.map(|bytes| (bytes, budget_name(bytes))).to_vec()
                    chosen=forms_budget
                    on_choose=move |bytes| choose(ui.cloud().set_forms_budget(bytes))
                />
                <Choice
                    label=words::THUMBNAILS_FETCHED
                    options=vec![(true, words::THUMBNAILS_OF_ALL), (false, words::THUMBNAILS_OF_SEEN)]
                    chosen=is_ahead
                    on_choose=move |is_ahead| choose(ui.cloud().set_forms_ahead(is_ahead))
                />
                <p class="quiet">{words::THUMBNAILS_HINT}</p>
            </Show>
            <p class="quiet">{words::EVICTION_HINT}</p>
            {move || storage.get().map(|it| view! { <Persistence ui=ui is_persistent=it.is_persistent read=read /> })}
        </div>
    }
    .into_any()
}

/// By the round number that people read.
fn budget_name(bytes: u64) -> String {
    match round(bytes) {
        0 => words::SPACE_NONE.to_owned(),
        bytes => intl::size(bytes),
    }
}

/// As many decimal units as a budget has binary ones.
const fn round(bytes: u64) -> u64 {
    if bytes < GIB { bytes / MIB * 1_000_000 } else { bytes / GIB * 1_000_000_000 }
}

/// What is here of one kind.
struct Part {
    class: &'static str,
    name: &'static str,
    explanation: &'static str,
    bytes: u64,
    text: String,
}

fn parts(storage: &DeviceStorage) -> Vec<Part> {
    let part = |class, (name, explanation): (&'static str, &'static str), amount: Amount, of| {
        let text = words::amount(amount.count, of, &intl::size(amount.bytes));
        Part { class, name, explanation, bytes: amount.bytes, text }
    };
    let whole = |class, (name, explanation): (&'static str, &'static str), bytes| Part {
        class,
        name,
        explanation,
        bytes,
        text: intl::size(bytes),
    };
    let mut parts = vec![
        part("kept", words::KEPT_HERE, storage.kept, words::Counted::Files),
        part("lately", words::SEEN_LATELY, storage.lately, words::Counted::Files),
        part("originals", words::ORIGINALS_HERE, storage.originals, words::Counted::Photos),
    ];
    if let Some(PhotoForms { thumbnails, previews, .. }) = storage.forms {
        parts.push(part("thumbnails", words::THUMBNAILS_HERE, thumbnails, words::Counted::Pictures));
        parts.push(part("previews", words::PREVIEWS_HERE, previews, words::Counted::Pictures));
    }
    if storage.waiting.count > 0 {
        parts.push(part("waiting", words::NOT_SENT_YET, storage.waiting, words::Counted::Files));
    }
    if storage.used.is_some() {
        parts.push(whole("lists", words::LISTS_HERE, storage.lists()));
    }
    if storage.app > 0 {
        parts.push(whole("app", words::APP_HERE, storage.app));
    }
    parts
}

#[component]
fn Uses(storage: DeviceStorage) -> impl IntoView {
    let parts = parts(&storage);
    let total = parts.iter().map(|part| part.bytes).sum::<u64>().max(1);
    let stretch = |part: &Part| {
        let share = part.bytes as f64 * 100.0 / total as f64;
        (part.bytes > 0).then(
            || view! { <span class=format!("use-{}", part.class) style:width=format!("{share:.2}%")></span> },
        )
    };
    let bar = parts.iter().map(stretch).collect_view();
    let fact = |part: Part| {
        view! {
            <div class="use">
                <dt><span class=format!("use-swatch use-{}", part.class) aria-hidden="true"></span>{part.name}</dt>
                <dd class="use-amount">{part.text}</dd>
                <dd class="quiet">{part.explanation}</dd>
            </div>
        }
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
    let library = storage.forms.and_then(|forms| forms.library).filter(|library| library.all > 0);
    let library = library.map(|LibraryHere { here, all, is_full }| {
        view! { <p class="quiet" role="status">{words::thumbnails_here(here, all, is_full)}</p> }
    });
    let whole = storage
        .used
        .zip(storage.allowed)
        .map(|(used, allowed)| words::browser_storage(&intl::size(used), &intl::size(allowed)));
    view! {
        <div class="uses-bar" aria-hidden="true">{bar}</div>
        <dl class="uses">{parts.into_iter().map(fact).collect_view()}</dl>
        {to_come}
        {library}
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_chosen_has_a_round_name() {
        assert_eq!(BUDGETS.map(round), [0, 256_000_000, 1_000_000_000, 5_000_000_000, 20_000_000_000]);
        assert_eq!(FORMS_BUDGETS.map(round), [128_000_000, 512_000_000, 2_000_000_000, 10_000_000_000]);
    }
}
