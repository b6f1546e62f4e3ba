//! A place on a picture of the earth that comes with the app: no server of maps hears of it.

use leptos::prelude::*;
use shared::photo::Location;

use super::icon::IconButton;
use crate::words;

/// Shows 72 degrees from west to east, for a start.
const NEAR: f64 = 5.0;

/// Along one side of the map: where the picture begins and where the place is, in percent of the window through which
/// it is seen. `share` is how far along the picture the place is.
fn along(share: f64, scale: f64) -> (f64, f64) {
    let whole = 100.0 * scale;
    let start = (50.0 - share * whole).clamp(100.0 - whole, 0.0);
    (start, start + share * whole)
}

#[component]
pub fn PlaceMap(location: Location) -> impl IntoView {
    let is_whole = RwSignal::new(false);
    let east = (f64::from(location.longitude) + 180.0) / 360.0;
    let south = (90.0 - f64::from(location.latitude)) / 180.0;
    let scale = move || if is_whole.get() { 1.0 } else { NEAR };
    let picture = move || {
        let (left, top) = (along(east, scale()).0, along(south, scale()).0);
        format!("left:{left}%;top:{top}%;width:{}%", 100.0 * scale())
    };
    let pin = move || format!("left:{}%;top:{}%", along(east, scale()).1, along(south, scale()).1);
    let label = Signal::derive(move || {
        let label = if is_whole.get() { words::MAP_NEARER } else { words::MAP_WHOLE };
        label.to_owned()
    });
    view! {
        <div class="place-map">
            <img src="/world.svg" alt=words::map_of(location) style=picture draggable="false" />
            <span class="place-pin" style=pin aria-hidden="true"></span>
            <IconButton
                icon=icondata::LuGlobe
                label=label
                on_press=move |_| is_whole.update(|is_whole| *is_whole = !*is_whole)
            />
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_in_the_middle_but_for_the_ends_of_the_earth() {
        let close = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).abs() < 1e-9 && (a.1 - b.1).abs() < 1e-9;
        assert!(close(along(0.5, 5.0), (-200.0, 50.0)));
        assert!(close(along(0.0, 5.0), (0.0, 0.0)));
        assert!(close(along(1.0, 5.0), (-400.0, 100.0)));
        assert!(close(along(0.3, 1.0), (0.0, 30.0)));
    }
}
