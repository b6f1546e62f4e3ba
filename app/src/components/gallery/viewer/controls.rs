//! The buttons over a photo.

#![allow(
    clippy::large_types_passed_by_value,
    reason = "a viewer is handles of what lives elsewhere, given to a view once"
)]

use leptos::prelude::*;

use super::super::acts::PhotoAct;
use super::Viewing;
use crate::components::icon::{Glyph, IconButton};
use crate::components::popover::Popover;
use crate::words;

/// What stands over the photo: its date, what can be done with it, the ways to the next and back.
#[component]
pub fn Controls(viewing: Viewing) -> impl IntoView {
    let is_favorite = move || {
        viewing
            .photo
            .with(|photo| photo.as_ref().is_some_and(|photo| viewing.gallery.follow_marks(photo).is_favorite))
    };
    let date = move || {
        viewing.photo.with(|photo| {
            let info = viewing.gallery.follow_info(photo.as_ref()?);
            Some(crate::hooks::intl::wall_day_and_time(info.taken_at))
        })
    };
    let has = move |by: isize| viewing.neighbour(by).is_some();
    let button = move |act: PhotoAct| {
        let press = move |_| viewing.act(act);
        let button = || view! { <IconButton icon=act.icon() label=act.label().to_owned() on_press=press /> };
        viewing.offers(act).then(button)
    };
    view! {
        <header class="viewer-head">
            <IconButton icon=icondata::LuArrowLeft label=words::CLOSE.to_owned() on_press=move |_| viewing.close() />
            <h2 class="viewer-date">{date}</h2>
            <Show when=move || viewing.is_live()>
                <LiveButton is_moving=viewing.is_moving />
            </Show>
            {viewing.offers(PhotoAct::Favorite).then(|| view! {
                <IconButton
                    icon=icondata::LuHeart
                    label=words::FAVORITE.to_owned()
                    class="icon-button viewer-favorite"
                    pressed=Signal::derive(is_favorite)
                    on_press=move |_| viewing.act(PhotoAct::Favorite)
                />
            })}
            <IconButton
                icon=icondata::LuPlay
                label=words::SLIDESHOW.to_owned()
                pressed=viewing.is_playing
                class="icon-button wide-only"
                on_press=move |_| viewing.toggle_slides()
            />
            {button(PhotoAct::Download)}
            <IconButton
                icon=icondata::LuInfo
                label=words::DETAILS.to_owned()
                pressed=viewing.has_details
                on_press=move |_| viewing.has_details.update(|has| *has = !*has)
            />
            {button(PhotoAct::Restore)}
            {button(PhotoAct::deleting(viewing.gallery.list))}
            <More viewing=viewing />
        </header>
        <button
            class="viewer-turn viewer-previous"
            type="button"
            aria-label=words::PREVIOUS
            disabled=move || !has(-1)
            on:click=move |_| viewing.turn(-1)
        >
            <Glyph icon=icondata::LuArrowLeft />
        </button>
        <button
            class="viewer-turn viewer-next"
            type="button"
            aria-label=words::NEXT
            disabled=move || !has(1)
            on:click=move |_| viewing.turn(1)
        >
            <Glyph icon=icondata::LuArrowRight />
        </button>
    }
    .into_any()
}

/// What a phone has no room for.
#[component]
fn More(viewing: Viewing) -> impl IntoView {
    view! {
        <div class="anchor narrow-only">
            <button
                class="icon-button"
                type="button"
                aria-label=words::MORE
                aria-haspopup="dialog"
                aria-expanded=move || viewing.has_menu.get().to_string()
                on:click=move |_| viewing.has_menu.update(|has| *has = !*has)
            >
                <Glyph icon=icondata::LuEllipsis />
            </button>
            <Popover open=viewing.has_menu label=words::MORE class="popover menu-popover popover-end">
                <button
                    class="menu-entry"
                    type="button"
                    aria-pressed=move || viewing.is_playing.get().to_string()
                    on:click=move |_| {
                        viewing.has_menu.set(false);
                        viewing.toggle_slides();
                        viewing.take_focus();
                    }
                >
                    <Glyph icon=icondata::LuPlay />
                    <span class="menu-label">{words::SLIDESHOW}</span>
                </button>
            </Popover>
        </div>
    }
    .into_any()
}

/// Has a Live Photo move: while a mouse is over it, or until it is pressed again.
#[component]
fn LiveButton(is_moving: RwSignal<bool>) -> impl IntoView {
    let hovered = move |is_over: bool| {
        move |event: web_sys::PointerEvent| {
            if event.pointer_type() == "mouse" {
                is_moving.set(is_over);
            }
        }
    };
    view! {
        <button
            class="viewer-live"
            type="button"
            aria-label=words::PLAY_LIVE
            title=words::PLAY_LIVE
            aria-pressed=move || is_moving.get().to_string()
            on:pointerenter=hovered(true)
            on:pointerleave=hovered(false)
            on:click=move |_| is_moving.update(|is_moving| *is_moving = !*is_moving)
        >
            <Glyph icon=icondata::LuCirclePlay />
            {words::LIVE}
        </button>
    }
    .into_any()
}
