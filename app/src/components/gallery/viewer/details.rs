#![allow(
    clippy::large_types_passed_by_value,
    reason = "a viewer is handles of what lives elsewhere, given to a view once"
)]

use std::rc::Rc;

use leptos::prelude::*;
use shared::photo::{Photo, PhotoInfo};

use super::Viewing;
use super::again::{LookAgain, failure};
use crate::components::gallery::PhotoAct;
use crate::components::icon::Glyph;
use crate::components::place_map::PlaceMap;
use crate::hooks::intl;
use crate::words;

/// What is known of a photo.
#[component]
pub fn PhotoDetails(viewing: Viewing, photo: Rc<Photo>) -> impl IntoView {
    let (gallery, id) = (viewing.gallery, photo.id);
    let look_again = failure(&photo).map(|_| view! { <LookAgain viewing=viewing /> });
    let photo = StoredValue::new_local(photo);
    let info = Memo::new(move |_| photo.with_value(|photo| gallery.follow_info(photo)));
    let map =
        move || info.with(|info| info.location).map(|location| view! { <PlaceMap location=location /> });
    let adjust = viewing.offers(PhotoAct::Adjust).then(|| {
        view! {
            <button class="button" type="button" on:click=move |_| gallery.act(PhotoAct::Adjust, vec![id])>
                <Glyph icon=PhotoAct::Adjust.icon() />
                {PhotoAct::Adjust.label()}
            </button>
        }
    });
    view! {
        <aside class="viewer-facts" aria-label=words::DETAILS>
            {move || view! { <Facts photo=photo.get_value() info=info.get() /> }}
            {look_again}
            {map}
            {adjust}
        </aside>
    }
    .into_any()
}

#[component]
fn Facts(photo: Rc<Photo>, info: PhotoInfo) -> impl IntoView {
    let taken = match info.taken_at_offset {
        Some(offset) => format!("{} ({offset})", intl::wall_exact(info.taken_at)),
        None => intl::wall_exact(info.taken_at),
    };
    let size = match info.width.zip(info.height) {
        Some((width, height)) => format!("{width} × {height}, {}", intl::size(photo.size)),
        None => intl::size(photo.size),
    };
    let facts = [
        (words::TAKEN, Some(taken)),
        (words::CAMERA, info.camera.clone()),
        (words::LENS, info.lens.clone()),
        (words::EXPOSURE, info.exposure.clone()),
        (words::LENGTH, info.duration.map(words::film_length)),
        (words::PLACE, info.place.clone().or_else(|| info.location.map(words::place))),
        (words::NAME, Some(photo.file_name.clone())),
        (words::SIZE, Some(size)),
        (words::NO_PREVIEW_LABEL, info.failure.clone()),
    ];
    let fact = |(label, value): (&'static str, Option<String>)| {
        value.map(|value| view! { <div class="viewer-fact"><dt>{label}</dt><dd>{value}</dd></div> })
    };
    view! { <dl>{facts.into_iter().filter_map(fact).collect_view()}</dl> }.into_any()
}
