use leptos::ev::{KeyboardEvent, PointerEvent};
use leptos::html::Div;
use leptos::prelude::*;

use super::{Gallery, Shown};
use crate::model::photos::month_of;

/// Year marks stand at least so far apart, of the whole.
const MARKS_APART: f64 = 0.035;
/// Days that "Page Up" and "Page Down" go by.
const PAGE: usize = 30;

impl Gallery {
    /// Goes to a group's heading.
    fn go_to_group(self, group: usize) {
        let top = self.shown.with_value(|shown| shown.layout.heading(group));
        if let Some(stage) = self.stage() {
            stage.go_to(f64::from(top));
        }
    }
}

/// The years, and how far down each begins: 0 to 1.
fn marks(shown: &Shown) -> Vec<(i32, f64)> {
    let height = f64::from(shown.layout.height().max(1));
    let mut marks: Vec<(i32, f64)> = Vec::new();
    let mut last = None;
    for (number, group) in shown.arrangement.groups().iter().enumerate() {
        let Some(year) = group.day.map(|day| month_of(day).year) else { continue };
        if last.replace(year) == Some(year) {
            continue;
        }
        let share = f64::from(shown.layout.heading(number)) / height;
        if marks.last().is_none_or(|(_, before)| share - before >= MARKS_APART) {
            marks.push((year, share));
        }
    }
    marks
}

/// Dates along the edge: where one is, and the way to any other day.
#[component]
pub fn Scrubber(gallery: Gallery) -> impl IntoView {
    let track = NodeRef::<Div>::new();
    let is_held = RwSignal::new(false);
    let groups = Memo::new(move |_| {
        gallery.arranged.track();
        gallery.shown.with_value(|shown| shown.arrangement.groups().len())
    });
    let here = Memo::new(move |_| gallery.drawn.with(|drawn| drawn.group));
    let date = Memo::new(move |_| {
        gallery.arranged.track();
        let here = here.get();
        gallery.shown.with_value(|shown| shown.heading(here))
    });
    let years = move || {
        gallery.arranged.track();
        let marks = gallery.shown.with_value(|shown| marks(shown));
        marks
            .into_iter()
            .map(|(year, share)| {
                view! { <span class="scrubber-year" style:top=format!("{}%", share * 100.0)>{year}</span> }
            })
            .collect_view()
    };
    // The day under the pointer, to its heading.
    let go = move |event: &PointerEvent| {
        let Some(track) = track.get_untracked() else { return };
        let rect = track.get_bounding_client_rect();
        let share = ((f64::from(event.client_y()) - rect.top()) / rect.height()).clamp(0.0, 1.0);
        let group = gallery
            .shown
            .with_value(|shown| shown.layout.group_at((share * f64::from(shown.layout.height())) as u32));
        gallery.go_to_group(group);
    };
    // The press gives it the keyboard, and no ring that would keep it on the screen.
    let down = move |event: PointerEvent| {
        if let Some(track) = track.get_untracked() {
            track.set_pointer_capture(event.pointer_id()).ok();
        }
        is_held.set(true);
        go(&event);
    };
    let keys = move |event: KeyboardEvent| {
        let (here, last) = (here.get_untracked(), groups.get_untracked().saturating_sub(1));
        let group = match event.key().as_str() {
            "ArrowUp" | "ArrowLeft" => here.saturating_sub(1),
            "ArrowDown" | "ArrowRight" => here + 1,
            "PageUp" => here.saturating_sub(PAGE),
            "PageDown" => here + PAGE,
            "Home" => 0,
            "End" => last,
            _ => return,
        };
        event.prevent_default();
        gallery.go_to_group(group.min(last));
    };
    let top = move || format!("{}%", gallery.drawn.with(|drawn| drawn.share.clamp(0.0, 1.0)) * 100.0);
    view! {
        <div
            node_ref=track
            class="scrubber"
            class:is-held=move || is_held.get()
            class:is-moving=use_moving(gallery)
            hidden=move || groups.get() < 2
            tabindex="0"
            role="slider"
            aria-orientation="vertical"
            aria-label=crate::words::SCRUBBER
            aria-valuemin="0"
            aria-valuemax=move || groups.get().saturating_sub(1).to_string()
            aria-valuenow=move || here.get().to_string()
            aria-valuetext=date
            on:pointerdown=down
            on:pointermove=move |event| if is_held.get_untracked() { go(&event) }
            on:pointerup=move |_| is_held.set(false)
            on:pointercancel=move |_| is_held.set(false)
            on:keydown=keys
        >
            <div class="scrubber-years" aria-hidden="true">{years}</div>
            <div class="scrubber-here" style:top=top aria-hidden="true">
                <span class="scrubber-date">{date}</span>
            </div>
        </div>
    }
    .into_any()
}

/// Whether one scrolled within the last second.
fn use_moving(gallery: Gallery) -> impl Fn() -> bool + Clone + Send + Sync + 'static {
    let is_moving = RwSignal::new(false);
    let moves = StoredValue::new(0_u64);
    Effect::new(move |before: Option<f64>| {
        let share = gallery.drawn.with(|drawn| drawn.share);
        if before.is_none() || before == Some(share) {
            return share;
        }
        is_moving.set(true);
        moves.update_value(|moves| *moves += 1);
        let number = moves.get_value();
        set_timeout(
            move || {
                if moves.try_get_value() == Some(number) {
                    is_moving.set(false);
                }
            },
            std::time::Duration::from_secs(1),
        );
        share
    });
    move || is_moving.get()
}
