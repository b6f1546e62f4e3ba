use std::rc::Rc;

use leptos::prelude::*;
use shared::photo::{Location, Photo};

use crate::hooks::intl;
use crate::words;

/// What is known of a photo.
#[component]
pub fn PhotoDetails(photo: Rc<Photo>) -> impl IntoView {
    let info = &photo.info;
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
        (words::PLACE, info.location.map(place)),
        (words::NAME, Some(photo.file_name.clone())),
        (words::SIZE, Some(size)),
        (words::NO_PREVIEW_LABEL, info.failure.clone()),
    ];
    let fact = |(label, value): (&'static str, Option<String>)| {
        value.map(|value| view! { <div class="viewer-fact"><dt>{label}</dt><dd>{value}</dd></div> })
    };
    view! {
        <aside class="viewer-facts" aria-label=words::DETAILS>
            <dl>{facts.into_iter().filter_map(fact).collect_view()}</dl>
        </aside>
    }
    .into_any()
}

/// "48.13715° N, 11.57612° E".
fn place(location: Location) -> String {
    let (latitude, longitude) = (f64::from(location.latitude), f64::from(location.longitude));
    let north = if latitude < 0.0 { words::SOUTH } else { words::NORTH };
    let east = if longitude < 0.0 { words::WEST } else { words::EAST };
    format!("{:.5}° {north}, {:.5}° {east}", latitude.abs(), longitude.abs())
}
