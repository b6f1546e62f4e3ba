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

/// A photo, when and where it was taken.
type Taken = (ItemId, WallTime, Option<Location>);

/// What is known of the photos before.
#[derive(Clone)]
struct Before {
    photos: Vec<Taken>,
    taken: Vec<(ItemId, WallTime)>,
    /// The earliest, as the field has it.
    date: String,
    /// The place that all of them have, as the field has it.
    place: String,
    places_differ: bool,
}

impl Before {
    fn of(photos: Vec<Taken>) -> Self {
        let taken: Vec<(ItemId, WallTime)> = photos.iter().map(|&(id, at, _)| (id, at)).collect();
        let earliest = taken.iter().map(|(_, at)| *at).min();
        let place = photos.first().and_then(|(.., place)| *place);
        let places_differ = photos.iter().any(|(.., other)| *other != place);
        let place = place.filter(|_| !places_differ);
        Self {
            photos,
            taken,
            date: earliest.map(date_for_input).unwrap_or_default(),
            place: place.map(words::coordinates).unwrap_or_default(),
            places_differ,
        }
    }

    /// As it is with what was adjusted.
    fn after(&self, adjustment: Adjustment) -> Self {
        let edited = adjustment.edits(&self.taken).zip(&self.photos);
        let photos = edited.map(|((_, edit), &(id, at, place))| {
            (id, edit.taken_at.flatten().unwrap_or(at), edit.location.unwrap_or(place))
        });
        Self::of(photos.collect())
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

/// What is typed is saved as soon as its field is left, and can be undone; Escape drops it.
#[component]
pub fn AdjustPhotos(ids: Vec<ItemId>) -> impl IntoView {
    let ui = use_ui();
    let cloud = ui.cloud();
    let photos: Vec<Taken> = ids
        .iter()
        .filter_map(|id| cloud.photo_info(*id).map(|info| (*id, info.taken_at, info.location)))
        .collect();
    let count = photos.len();
    let before = RwSignal::new(Before::of(photos));
    let (date, place) = before.with_untracked(|before| (before.date.clone(), before.place.clone()));
    let (date, place, is_touched) = (RwSignal::new(date), RwSignal::new(place), RwSignal::new(false));
    let adjustment = Memo::new(move |_| {
        let (date, place) = (date.get(), place.get());
        before.with(|before| before.adjustment(&date, &place, is_touched.get()))
    });
    let is_dropped = StoredValue::new(false);
    let save = move || {
        let adjustment = adjustment.get_untracked().unwrap_or_default();
        if adjustment.is_nothing() || is_dropped.get_value() {
            return;
        }
        let edits = before.with_untracked(|before| adjustment.edits(&before.taken).collect::<Vec<_>>());
        before.update(|before| *before = before.after(adjustment));
        is_touched.set(false);
        let commands = edits.into_iter().map(|(id, edit)| Command::DescribePhoto { id, edit }).collect();
        ui.try_run(commands, words::photos_adjusted(count), || {});
    };
    let close = move || {
        save();
        is_dropped.set_value(true);
        ui.dialog.set(None);
        // Behind a dialog that is still open nothing takes the focus.
        request_animation_frame(give_focus_back);
    };
    let is_wrong = move || adjustment.get().is_err();
    view! {
        <Dialog title=words::ADJUST.to_owned() on_close=close>
            <form
                class="adjust"
                on:keydown=move |event| {
                    if event.key() == "Escape" {
                        is_dropped.set_value(true);
                    }
                }
                on:focusout=move |_| save()
                on:submit=move |event| {
                    event.prevent_default();
                    if !is_wrong() {
                        close();
                    }
                }
            >
                <DateField date=date count=count adjustment=adjustment />
                <PlaceField
                    place=place
                    is_touched=is_touched
                    places_differ=Signal::derive(move || before.with(|before| before.places_differ))
                    adjustment=adjustment
                />
                <div class="dialog-actions">
                    <button class="button primary" type="submit" disabled=is_wrong>{words::DONE}</button>
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
    places_differ: Signal<bool>,
    adjustment: Adjusted,
) -> impl IntoView {
    let is_wrong = Memo::new(move |_| adjustment.get() == Err(words::WRONG_PLACE));
    let hint = move || match (is_wrong.get(), places_differ.get() && !is_touched.get()) {
        (true, _) => words::WRONG_PLACE,
        (false, true) => words::PLACES_DIFFER,
        (false, false) => words::PLACE_HINT,
    };
    let location = Memo::new(move |_| parse_coordinates(&place.get()));
    let can_remove = move || places_differ.get() && !is_touched.get() || !place.with(String::is_empty);
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
        let one = Before::of(vec![photo(1, "2024-05-01T18:30:00", Some((48.137_154_3, 11.5)))]);
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
        let many = Before::of(vec![photo(1, at, Some((1.0, 2.0))), photo(2, at, None)]);
        assert!(many.places_differ && many.place.is_empty());
        assert_eq!(many.adjustment(&many.date, "", false), Ok(Adjustment::default()));
        assert_eq!(many.adjustment(&many.date, "", true).unwrap().location, Some(None), "taken away");
    }

    #[test]
    fn what_was_saved_is_what_further_changes_are_made_on() {
        let before = Before::of(vec![
            photo(1, "2024-05-01T18:30:00", Some((1.0, 2.0))),
            photo(2, "2024-05-01T19:30:00", None),
        ]);
        let saved = before.adjustment("2024-05-02T18:30:00", "3, 4", true).unwrap();
        let after = before.after(saved);
        assert_eq!((&*after.date, &*after.place), ("2024-05-02T18:30:00", "3, 4"));
        assert_eq!(after.taken[1].1, "2024-05-02T19:30:00".parse().unwrap());
        assert_eq!(after.adjustment(&after.date, &after.place, false), Ok(Adjustment::default()));
    }
}
