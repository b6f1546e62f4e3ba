//! When and where photos were taken, corrected: one, or many at once.

use std::time::Duration;

use leptos::prelude::*;
use shared::ItemId;
use shared::photo::{Location, WallTime};
use sync::Command;
use wasm_bindgen::JsCast;

use super::dialog::Dialog;
use super::icon::IconButton;
use super::place_map::PlaceMap;
use crate::model::coordinates::parse_coordinates;
use crate::model::photos::{Adjustment, date_for_input, later_by};
use crate::ui::use_ui;
use crate::words;

/// What is known of the photos before.
struct Before {
    taken: Vec<(ItemId, WallTime)>,
    /// The earliest, as the field has it.
    date: String,
    /// The place that all of them have, as the field has it.
    place: String,
    places_differ: bool,
}

impl Before {
    fn of(photos: &[(ItemId, WallTime, Option<Location>)]) -> Self {
        let taken: Vec<(ItemId, WallTime)> = photos.iter().map(|&(id, at, _)| (id, at)).collect();
        let earliest = taken.iter().map(|(_, at)| *at).min();
        let place = photos.first().and_then(|(.., place)| *place);
        let places_differ = photos.iter().any(|(.., other)| *other != place);
        let place = place.filter(|_| !places_differ);
        Self {
            taken,
            date: earliest.map(date_for_input).unwrap_or_default(),
            place: place.map(words::coordinates).unwrap_or_default(),
            places_differ,
        }
    }

    /// What the fields say, or what is wrong with it.
    fn adjustment(&self, date: &str, place: &str, is_touched: bool) -> Result<Adjustment, &'static str> {
        let later = later_by(date, &self.taken).map_err(|_| words::WRONG_DATE)?;
        let location = match place.trim() {
            same if same == self.place && !is_touched => None,
            same if same == self.place && !self.places_differ => None,
            "" => Some(None),
            text => Some(Some(parse_coordinates(text).ok_or(words::WRONG_PLACE)?)),
        };
        Ok(Adjustment { later, location })
    }
}

#[component]
pub fn AdjustPhotos(ids: Vec<ItemId>) -> impl IntoView {
    let ui = use_ui();
    let cloud = ui.cloud();
    let photos: Vec<_> = ids
        .iter()
        .filter_map(|id| cloud.photo_info(*id).map(|info| (*id, info.taken_at, info.location)))
        .collect();
    let count = photos.len();
    let before = StoredValue::new(Before::of(&photos));
    let (date, place) = before.with_value(|before| (before.date.clone(), before.place.clone()));
    let (date, place, is_touched) = (RwSignal::new(date), RwSignal::new(place), RwSignal::new(false));
    let adjustment = Memo::new(move |_| {
        let (date, place) = (date.get(), place.get());
        before.with_value(|before| before.adjustment(&date, &place, is_touched.get()))
    });
    let close = move || {
        ui.dialog.set(None);
        // Behind a dialog that is still open nothing takes the focus.
        request_animation_frame(give_focus_back);
    };
    let save = move || {
        let Ok(adjustment) = adjustment.get_untracked() else { return };
        close();
        if !adjustment.is_nothing() {
            let edits = before.with_value(|before| adjustment.edits(&before.taken).collect::<Vec<_>>());
            let commands = edits.into_iter().map(|(id, edit)| Command::DescribePhoto { id, edit }).collect();
            ui.try_run(commands, words::photos_adjusted(count), || {});
        }
    };
    let is_idle = move || adjustment.get().map_or(true, |adjustment| adjustment.is_nothing());
    view! {
        <Dialog title=words::ADJUST.to_owned() on_close=close>
            <form
                class="adjust"
                on:submit=move |event| {
                    event.prevent_default();
                    save();
                }
            >
                <DateField date=date count=count adjustment=adjustment />
                <PlaceField
                    place=place
                    is_touched=is_touched
                    places_differ=before.with_value(|before| before.places_differ)
                    adjustment=adjustment
                />
                <div class="dialog-actions">
                    <button class="button" type="button" on:click=move |_| close()>{words::CANCEL}</button>
                    <button class="button primary" type="submit" disabled=is_idle>{words::SAVE}</button>
                </div>
            </form>
        </Dialog>
    }
    .into_any()
}

type Adjusted = Memo<Result<Adjustment, &'static str>>;

#[component]
fn DateField(date: RwSignal<String>, count: usize, adjustment: Adjusted) -> impl IntoView {
    let hint = move || match adjustment.get() {
        Err(words::WRONG_DATE) => words::WRONG_DATE.to_owned(),
        Ok(Adjustment { later, .. }) if count > 1 && later != 0 => words::all_moved(count, later),
        _ if count > 1 => words::ALL_KEEP_DISTANCE.to_owned(),
        _ => String::new(),
    };
    view! {
        <div class="field">
            <label for="adjust-date">{if count > 1 { words::EARLIEST_TAKEN } else { words::TAKEN }}</label>
            <input
                id="adjust-date"
                type="datetime-local"
                step="1"
                max="9999-12-31T23:59:59"
                aria-describedby="adjust-date-hint"
                prop:value=date
                on:input=move |event| date.set(event_target_value(&event))
            />
            <p class="field-hint" id="adjust-date-hint" aria-live="polite">{hint}</p>
        </div>
    }
    .into_any()
}

#[component]
fn PlaceField(
    place: RwSignal<String>,
    is_touched: RwSignal<bool>,
    places_differ: bool,
    adjustment: Adjusted,
) -> impl IntoView {
    let is_wrong = Memo::new(move |_| adjustment.get() == Err(words::WRONG_PLACE));
    let hint = move || match (is_wrong.get(), places_differ && !is_touched.get()) {
        (true, _) => words::WRONG_PLACE,
        (false, true) => words::PLACES_DIFFER,
        (false, false) => words::PLACE_HINT,
    };
    let location = Memo::new(move |_| parse_coordinates(&place.get()));
    let can_remove = move || places_differ && !is_touched.get() || !place.with(String::is_empty);
    view! {
        <div class="field">
            <label for="adjust-place">{words::PLACE}</label>
            <div class="field-with-button">
                <input
                    id="adjust-place"
                    type="text"
                    autocomplete="off"
                    spellcheck="false"
                    aria-describedby="adjust-place-hint"
                    aria-invalid=move || is_wrong.get().to_string()
                    prop:value=place
                    on:input=move |event| {
                        is_touched.set(true);
                        place.set(event_target_value(&event));
                    }
                />
                <Show when=can_remove>
                    <IconButton
                        icon=icondata::LuX
                        label=words::REMOVE_PLACE.to_owned()
                        on_press=move |_| {
                            is_touched.set(true);
                            place.set(String::new());
                        }
                    />
                </Show>
            </div>
            <p class="field-hint" id="adjust-place-hint" aria-live="polite">{hint}</p>
        </div>
        {move || location.get().map(|location| view! { <PlaceMap location=location /> })}
    }
    .into_any()
}

/// To the photo that is open, or to the photos, once the dialog is gone: until then nothing else can have it.
pub fn give_focus_back() {
    let there = |selector: &str| document().query_selector(selector).ok().flatten();
    let give = move || {
        let element = there("dialog.viewer").or_else(|| there(".gallery-scroller"));
        if let Some(element) = element.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()) {
            element.focus().ok();
        }
    };
    set_timeout(give, Duration::ZERO);
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn photo(n: u128, at: &str, place: Option<(f64, f64)>) -> (ItemId, WallTime, Option<Location>) {
        let place = place.map(|(latitude, longitude)| Location::new(latitude, longitude).unwrap());
        (ItemId(Uuid::from_u128(n)), at.parse().unwrap(), place)
    }

    #[test]
    fn what_is_left_as_it_is_changes_nothing() {
        let one = Before::of(&[photo(1, "2024-05-01T18:30:00", Some((48.137_154_3, 11.5)))]);
        assert_eq!((&*one.date, &*one.place), ("2024-05-01T18:30:00", "48.1371543, 11.5"));
        assert_eq!(one.adjustment(&one.date, &one.place, true), Ok(Adjustment::default()));
        assert_eq!(one.adjustment(&one.date, "", true).unwrap().location, Some(None));
        let there = Location::new(1.0, 2.0).unwrap();
        assert_eq!(one.adjustment(&one.date, "1, 2", true).unwrap().location, Some(Some(there)));
        assert_eq!(one.adjustment(&one.date, "1", true), Err(words::WRONG_PLACE));
        assert_eq!(one.adjustment("", &one.place, false), Err(words::WRONG_DATE));
    }

    #[test]
    fn places_that_differ_stay_until_one_says_otherwise() {
        let at = "2024-05-01T18:30:00";
        let many = Before::of(&[photo(1, at, Some((1.0, 2.0))), photo(2, at, None)]);
        assert!(many.places_differ && many.place.is_empty());
        assert_eq!(many.adjustment(&many.date, "", false), Ok(Adjustment::default()));
        assert_eq!(many.adjustment(&many.date, "", true).unwrap().location, Some(None), "taken away");
    }
}
