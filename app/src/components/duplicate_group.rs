//! Photos that look the same, side by side: one is chosen to stay.

use leptos::html::Section;
use leptos::prelude::*;
use shared::ItemId;
use shared::photo::Photo;
use wasm_bindgen::JsCast;

use super::icon::Glyph;
use crate::hooks::intl;
use crate::model::photos::duplicates::{best, details_len, keep_one};
use crate::ports::Cloud;
use crate::ui::use_ui;
use crate::words;

/// As wide as a candidate is, in CSS pixels.
const CANDIDATE_SIZES: &str = "240px";

/// Whether the photo is there to be compared with others, as this device has it.
pub fn is_compared(cloud: &dyn Cloud, id: ItemId) -> bool {
    cloud.photo_marks(id).is_some_and(|marks| !marks.is_deleted && !marks.hidden)
}

#[component]
pub fn Alike(photos: Vec<Photo>, on_skip: impl Fn() + Copy + 'static) -> impl IntoView {
    let ui = use_ui();
    let section = NodeRef::<Section>::new();
    let best = best(&photos);
    let chosen = RwSignal::new(best);
    let name = photos.first().map(|photo| photo.id.to_string()).unwrap_or_default();
    let count = photos.len();
    let cards: Vec<_> = photos
        .iter()
        .map(|photo| view! { <Candidate photo=photo.clone() group=name.clone() chosen=chosen is_best=best == Some(photo.id) /> })
        .collect();
    let photos = StoredValue::new(photos);
    let keep = move |_| {
        let Some(kept) = chosen.get_untracked() else { return };
        // As they are by now: only what is still there can be kept, or has to go.
        let cloud = ui.cloud();
        let now = |photo: &Photo| {
            let info = cloud.photo_info(photo.id).filter(|_| is_compared(&*cloud, photo.id))?;
            Some(Photo { info, ..photo.clone() })
        };
        let photos: Vec<Photo> = photos.with_value(|photos| photos.iter().filter_map(now).collect());
        let Some(kept) = photos.iter().find(|photo| photo.id == kept) else { return };
        let others: Vec<&Photo> = photos.iter().filter(|photo| photo.id != kept.id).collect();
        leave(section);
        ui.run(keep_one(kept, &others), Some(words::duplicates_deleted(others.len())));
    };
    let skip = move |_| {
        leave(section);
        on_skip();
    };
    view! {
        <section node_ref=section class="duplicate" role="group" aria-label=words::alike(count)>
            <div class="duplicate-photos" role="radiogroup" aria-label=words::WHICH_STAYS>{cards}</div>
            <div class="duplicate-acts">
                <button class="button primary" type="button" on:click=keep>{words::keep_this(count - 1)}</button>
                <button class="button" type="button" on:click=skip>{words::KEEP_ALL}</button>
            </div>
        </section>
    }
    .into_any()
}

/// Takes the keyboard to the next group: this one goes.
fn leave(section: NodeRef<Section>) {
    let Some(section) = section.get_untracked() else { return };
    let next = section.next_element_sibling().filter(|next| next.class_name() == "duplicate");
    let next = next.or_else(|| section.previous_element_sibling());
    let choice = next.and_then(|next| next.query_selector("input:checked").ok().flatten());
    if let Some(choice) = choice.and_then(|choice| choice.dyn_into::<web_sys::HtmlElement>().ok()) {
        choice.focus().ok();
    }
}

#[component]
fn Candidate(photo: Photo, group: String, chosen: RwSignal<Option<ItemId>>, is_best: bool) -> impl IntoView {
    let id = photo.id;
    let picture = photo.derivatives.thumbnail.as_ref().zip(photo.derivatives.preview.as_ref());
    let picture = picture.map(|(small, large)| {
        let set = format!("{} {}w, {} {}w", small.url, small.width, large.url, large.width);
        view! { <img src=small.url.clone() srcset=set sizes=CANDIDATE_SIZES alt="" loading="lazy" decoding="async" /> }
    });
    let size = photo.info.width.zip(photo.info.height).map(|(width, height)| format!("{width} × {height}"));
    let facts = [
        photo.info.live_photo_video.is_some().then(|| words::LIVE_PHOTO.to_owned()),
        size,
        Some(intl::size(photo.size)),
        Some(intl::wall_day_and_time(photo.info.taken_at)),
        Some(words::details_of(details_len(&photo.info))),
    ];
    let facts =
        facts.into_iter().flatten().map(|fact| view! { <span class="quiet">{fact}</span> }).collect_view();
    view! {
        <label class="candidate" class:is-chosen=move || chosen.get() == Some(id)>
            <span class="candidate-picture">{picture}</span>
            <span class="candidate-name">
                <input
                    type="radio"
                    name=group
                    prop:checked=move || chosen.get() == Some(id)
                    on:change=move |_| chosen.set(Some(id))
                />
                <span class="name">{photo.file_name.clone()}</span>
                {photo.info.is_favorite.then(|| view! { <Glyph icon=icondata::LuHeart /> })}
            </span>
            {facts}
            {is_best.then(|| view! { <span class="candidate-best">{words::BEST_OF_THEM}</span> })}
        </label>
    }
    .into_any()
}
