use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use shared::album_order::Move;

use super::Gallery;
use super::acts::PhotoAct;
use crate::model::photos::PhotoSelection;

/// The keyboard in the photos.
pub fn pressed(gallery: Gallery, event: &KeyboardEvent) {
    let with_modifier = event.ctrl_key() || event.meta_key();
    let count = gallery.len();
    if count == 0 {
        return;
    }
    let active = gallery.selection.with_untracked(|selection| selection.active().min(count - 1));
    let mut key = event.key();
    if event.alt_key() {
        if let Some(to) = moves(&key).filter(|_| gallery.is_arranging() && !with_modifier) {
            event.prevent_default();
            gallery.move_chosen(to, active);
        }
        return;
    }
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
        "Delete" | "Backspace" if !with_modifier => {
            gallery.act_on_chosen(PhotoAct::deleting(gallery.list), active);
        }
        "Escape" if gallery.give_up_carrying() => {}
        "Escape" if gallery.is_arranging() && gallery.selection.with_untracked(PhotoSelection::is_empty) => {
            gallery.arrange_by_hand(false);
        }
        "Escape" => gallery.selection.update(PhotoSelection::clear),
        _ => return,
    }
    event.prevent_default();
}

/// Where a key moves photos while they are arranged.
fn moves(key: &str) -> Option<Move> {
    Some(match key {
        "ArrowLeft" => Move::Back,
        "ArrowRight" => Move::On,
        "Home" => Move::First,
        "End" => Move::Last,
        _ => return None,
    })
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
