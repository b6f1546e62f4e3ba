use leptos::prelude::*;

use crate::hooks::intl;
use crate::words;

/// Where the slider stands at first, in percent.
const MIDDLE: f64 = 50.0;

/// Two pictures in one place; a slider shows more of one or the other.
#[component]
pub fn ImageCompare(addresses: [String; 2], titles: [String; 2]) -> impl IntoView {
    let [left, right] = addresses;
    let [left_title, right_title] = titles;
    let split = RwSignal::new(MIDDLE);
    let sizes = [RwSignal::new(None), RwSignal::new(None)];
    let measure = |size: RwSignal<Option<(u32, u32)>>| {
        move |event: web_sys::Event| {
            let image: web_sys::HtmlImageElement = event_target(&event);
            size.set(Some((image.natural_width(), image.natural_height())));
        }
    };
    let pixels = |size: RwSignal<Option<(u32, u32)>>| {
        move || size.get().map(|(width, height)| words::pixels(width, height))
    };
    view! {
        <figure class="image-compare" style:--split=move || format!("{}%", split.get())>
            <div class="image-stage">
                <img class="image-left" src=left alt=left_title.clone() on:load=measure(sizes[0]) />
                <img class="image-right" src=right alt=right_title.clone() on:load=measure(sizes[1]) />
                <div class="image-line" aria-hidden="true" />
                <input
                    class="image-slider"
                    type="range"
                    min="0"
                    max="100"
                    step="1"
                    prop:value=move || split.get().to_string()
                    aria-label=words::COMPARE_PICTURES
                    aria-valuetext=move || words::share_of(&intl::percent(split.get() / 100.0))
                    on:input=move |event| split.set(event_target_value(&event).parse().unwrap_or(MIDDLE))
                />
            </div>
            <figcaption>
                <span>{left_title}<span class="quiet">{pixels(sizes[0])}</span></span>
                <span>{right_title}<span class="quiet">{pixels(sizes[1])}</span></span>
            </figcaption>
        </figure>
    }
    .into_any()
}
