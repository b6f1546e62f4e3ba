use leptos::ev::{KeyboardEvent, PointerEvent};
use leptos::html::Div;
use leptos::prelude::*;

use super::{Gallery, Shown};
use crate::model::photos::month_of;

/// Year marks stand at least so far apart, of the whole.
const MARKS_APART: f64 = 0.035;
/// Days, or screens, that "Page Up" and "Page Down" go by.
const PAGE: isize = 30;

/// Which way a key leads.
#[derive(Clone, Copy)]
enum Leap {
    By(isize),
    First,
    Last,
}

impl Gallery {
    /// Goes to a group's heading; where there is but one group, from screen to screen.
    fn leap(self, leap: Leap) {
        let Some(stage) = self.stage() else { return };
        let here = self.drawn.with_untracked(|drawn| drawn.group);
        let top = self.shown.with_value(|shown| {
            let groups = shown.arrangement.groups().len();
            match leap {
                Leap::First => 0.0,
                Leap::By(screens) if groups < 2 => {
                    stage.position() + screens as f64 * f64::from(stage.size().1)
                }
                Leap::Last if groups < 2 => f64::from(shown.layout.height()),
                Leap::By(by) => {
                    f64::from(shown.layout.heading(here.saturating_add_signed(by).min(groups - 1)))
                }
                Leap::Last => f64::from(shown.layout.heading(groups - 1)),
            }
        });
        stage.go_to(top);
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
    let is_long = Memo::new(move |_| {
        gallery.arranged.track();
        let seen = gallery.stage().map(|stage| stage.size().1);
        seen.is_some_and(|seen| gallery.shown.with_value(|shown| shown.layout.is_long(seen)))
    });
    // The group of so many; of one alone, how many hundredths of it.
    let value = Memo::new(move |_| match groups.get() {
        0 | 1 => ((gallery.drawn.with(|drawn| drawn.share) * 100.0).round() as usize, 100),
        groups => (here.get(), groups - 1),
    });
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
    let go = move |event: &PointerEvent| {
        let Some(track) = track.get_untracked() else { return };
        let rect = track.get_bounding_client_rect();
        let share = ((f64::from(event.client_y()) - rect.top()) / rect.height()).clamp(0.0, 1.0);
        if let Some(stage) = gallery.stage() {
            let top = gallery.shown.with_value(|shown| shown.layout.landing(share, stage.size().1));
            stage.go_to(f64::from(top));
        }
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
        let leap = match event.key().as_str() {
            "ArrowUp" | "ArrowLeft" => Leap::By(-1),
            "ArrowDown" | "ArrowRight" => Leap::By(1),
            "PageUp" => Leap::By(-PAGE),
            "PageDown" => Leap::By(PAGE),
            "Home" => Leap::First,
            "End" => Leap::Last,
            _ => return,
        };
        event.prevent_default();
        gallery.leap(leap);
    };
    let top = move || format!("{}%", gallery.drawn.with(|drawn| drawn.share.clamp(0.0, 1.0)) * 100.0);
    view! {
        <div
            node_ref=track
            class="scrubber"
            class:is-held=move || is_held.get()
            class:is-moving=use_moving(gallery)
            hidden=move || !is_long.get()
            tabindex="0"
            role="slider"
            aria-orientation="vertical"
            aria-label=crate::words::SCRUBBER
            aria-valuemin="0"
            aria-valuemax=move || value.get().1.to_string()
            aria-valuenow=move || value.get().0.to_string()
            aria-valuetext=move || Some(date.get()).filter(|date| !date.is_empty())
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
