use leptos::ev::KeyboardEvent;
use leptos::prelude::*;

use super::Gallery;
use super::acts::PhotoAct;

/// The keyboard in the photos.
pub fn pressed(gallery: Gallery, event: &KeyboardEvent) {
    let with_modifier = event.ctrl_key() || event.meta_key();
    let count = gallery.len();
    if count == 0 || event.alt_key() {
        return;
    }
    let active = gallery.selection.with_untracked(|selection| selection.active().min(count - 1));
    let mut key = event.key();
    if key.chars().count() == 1 {
        key.make_ascii_lowercase();
    }
    let stays = with_modifier && !event.shift_key();
    if let Some(place) = target(gallery, &key, active, count, stays) {
        event.prevent_default();
        return go(gallery, place, event.shift_key(), with_modifier);
    }
    match key.as_str() {
        "Enter" | " " if !with_modifier => gallery.open(active),
        "x" if !with_modifier => {
            let id = gallery.id_at(active);
            gallery.selection.update(|selection| selection.toggle(active, id));
        }
        "a" if with_modifier => gallery.select_all(),
        "f" if !with_modifier => gallery.act_on_chosen(PhotoAct::Favorite, active),
        "d" if !with_modifier => gallery.act_on_chosen(PhotoAct::Adjust, active),
        "l" if !with_modifier => gallery.act_on_chosen(PhotoAct::AddToAlbum, active),
        "Delete" | "Backspace" if !with_modifier => gallery.act_on_chosen(PhotoAct::Delete, active),
        "Escape" => gallery.selection.update(crate::model::photos::PhotoSelection::clear),
        _ => return,
    }
    event.prevent_default();
}

/// Where a key leads; with a modifier alone only to the ends.
fn target(gallery: Gallery, key: &str, active: usize, count: usize, stays: bool) -> Option<usize> {
    let last = count - 1;
    let rows = |rows: isize| {
        gallery.shown.with_value(|shown| shown.layout.neighbour(active, rows, shown.arrangement.aspects()))
    };
    Some(match key {
        _ if stays && !matches!(key, "Home" | "End") => return None,
        "ArrowLeft" => active.saturating_sub(1),
        "ArrowRight" => (active + 1).min(last),
        "ArrowUp" => rows(-1),
        "ArrowDown" => rows(1),
        "PageUp" | "PageDown" => {
            let by = gallery.rows_a_page() as isize;
            rows(if key == "PageUp" { -by } else { by })
        }
        "Home" => 0,
        "End" => last,
        _ => return None,
    })
}

fn go(gallery: Gallery, place: usize, extends: bool, adding: bool) {
    gallery.selection.update(|selection| {
        if extends {
            selection.extend_to(place, adding);
        } else {
            selection.stand_on(place);
        }
    });
    gallery.learn();
    if let Some(stage) = gallery.stage() {
        stage.reveal(place);
    }
}

impl Gallery {
    /// As many rows as are seen whole.
    fn rows_a_page(self) -> usize {
        let height = self.stage().map_or(0, |stage| stage.size().1);
        let row = self.shown.with_value(|shown| shown.layout.metrics().row);
        ((height / row.max(1)) as usize).max(1)
    }

    pub fn select_all(self) {
        let count = self.len();
        self.selection.update(|selection| selection.select_all(count));
        self.learn();
    }
}
