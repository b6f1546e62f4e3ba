use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use leptos::prelude::*;
use shared::ItemId;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, Node};

use super::stage::Stage;
use super::tile::{Sharpness, Tile};
use super::{Gallery, Shown};

/// Placeholders that are drawn in one frame: each takes a fraction of a millisecond.
const HASHES_A_FRAME: usize = 10;

pub fn px(length: f64) -> String {
    format!("{length}px")
}

/// What the tiles are filled for.
pub struct Sight {
    /// The rows that are seen; the others are near.
    pub visible: Range<usize>,
    pub sharpness: Sharpness,
    pub is_dirty: bool,
}

/// The elements, used again and again.
#[derive(Default)]
pub struct Pool {
    rows: Vec<Row>,
    by_row: HashMap<usize, usize>,
    free_rows: Vec<usize>,
    tiles: Vec<Tile>,
    by_place: HashMap<usize, usize>,
    free_tiles: Vec<usize>,
    headings: Vec<HtmlElement>,
    by_group: HashMap<usize, usize>,
    free_headings: Vec<usize>,
    base: f64,
}

/// What stays while everything is arranged anew.
#[derive(Default)]
struct Kept {
    /// By the photo that they show.
    tiles: HashMap<ItemId, usize>,
    /// By the photo that they begin with.
    rows: HashMap<ItemId, usize>,
}

struct Row {
    element: HtmlElement,
    tiles: Vec<usize>,
    is_new: bool,
}

pub fn element(tag: &str, class: &str, role: Option<&str>) -> HtmlElement {
    let element =
        document().create_element(tag).unwrap_or_else(|_| unreachable!("{tag} is an element's name"));
    element.set_class_name(class);
    if let Some(role) = role {
        element.set_attribute("role", role).ok();
    }
    element.unchecked_into()
}

impl Pool {
    /// Has a row's elements for each of these rows, and no others.
    pub fn place_rows(
        &mut self,
        gallery: &Gallery,
        space: &HtmlElement,
        shown: &Shown,
        rows: Range<usize>,
        base: f64,
        is_new: bool,
    ) {
        // Photos that stay in sight keep their elements, wherever they stand now.
        let mut kept = if is_new { self.keep_tiles() } else { Kept::default() };
        let leaving: Vec<usize> =
            self.by_row.keys().copied().filter(|row| is_new || !rows.contains(row)).collect();
        for row in leaving {
            self.release_row(row);
        }
        let is_shifted = (self.base - base).abs() >= 1.0;
        self.base = base;
        for row in rows {
            match self.by_row.get(&row) {
                Some(number) if is_shifted => {
                    move_to(&self.rows[*number].element, f64::from(shown.layout.row_top(row)) - base);
                }
                Some(_) => {}
                None => self.place_row(gallery, space, shown, row, &mut kept),
            }
        }
        for tile in kept.tiles.into_values() {
            self.tiles[tile].empty();
            self.free_tiles.push(tile);
        }
        for number in &self.free_rows {
            let element = &self.rows[*number].element;
            if !element.hidden() {
                element.set_hidden(true);
            }
        }
    }

    /// Takes the tiles that show a photo out of their rows.
    fn keep_tiles(&mut self) -> Kept {
        let Kept { tiles: mut kept, mut rows } = Kept::default();
        for row in self.by_row.values() {
            let first = self.rows[*row].tiles.first().and_then(|tile| self.tiles[*tile].photo());
            rows.extend(first.map(|first| (first, *row)));
            self.rows[*row].tiles.retain(|tile| {
                let Some(id) = self.tiles[*tile].photo().filter(|id| !kept.contains_key(id)) else {
                    return true;
                };
                kept.insert(id, *tile);
                false
            });
        }
        self.by_place.clear();
        Kept { tiles: kept, rows }
    }

    fn release_row(&mut self, row: usize) {
        let Some(number) = self.by_row.remove(&row) else { return };
        for tile in std::mem::take(&mut self.rows[number].tiles) {
            let place = self.tiles[tile].place();
            self.tiles[tile].empty();
            if self.by_place.get(&place) == Some(&tile) {
                self.by_place.remove(&place);
            }
            self.free_tiles.push(tile);
        }
        self.free_rows.push(number);
    }

    fn place_row(
        &mut self,
        gallery: &Gallery,
        space: &HtmlElement,
        shown: &Shown,
        row: usize,
        kept: &mut Kept,
    ) {
        let photo = |place: usize| {
            let is_kept = !kept.tiles.is_empty();
            is_kept.then(|| gallery.at(shown, place).id()).flatten()
        };
        let photos: Vec<Option<ItemId>> = shown.layout.row(row).map(photo).collect();
        // The row that begins alike: what need not be moved is not.
        let same = photos.first().copied().flatten().and_then(|first| kept.rows.remove(&first));
        let same = same.and_then(|row| self.free_rows.iter().position(|free| *free == row));
        let free = same.map(|place| self.free_rows.swap_remove(place)).or_else(|| self.free_rows.pop());
        let number = free.unwrap_or_else(|| {
            let element = element("div", "photo-row", Some("row"));
            space.append_child(&element).ok();
            self.rows.push(Row { element, tiles: Vec::new(), is_new: true });
            self.rows.len() - 1
        });
        self.by_row.insert(row, number);
        let element = self.rows[number].element.clone();
        element.set_hidden(false);
        element.set_attribute("aria-rowindex", &(row + 1).to_string()).ok();
        element.style().set_property("height", &px(f64::from(shown.layout.row_height(row)))).ok();
        move_to(&element, f64::from(shown.layout.row_top(row)) - self.base);
        for (column, place) in shown.layout.tiles(row, shown.arrangement.aspects()).enumerate() {
            let same = photos[column].and_then(|id| kept.tiles.remove(&id));
            let tile = same.or_else(|| self.free_tiles.pop()).unwrap_or_else(|| {
                self.tiles.push(Tile::new());
                self.tiles.len() - 1
            });
            self.tiles[tile].put(&element, place, column);
            self.by_place.insert(place.place, tile);
            self.rows[number].tiles.push(tile);
        }
        self.rows[number].is_new = true;
    }

    /// Fills the tiles that are new or may look otherwise. Answers whether some placeholders are left for the
    /// next frame.
    pub fn fill(&mut self, stage: &Rc<Stage>, shown: &Shown, sight: &Sight) -> bool {
        let mut hashes = HASHES_A_FRAME;
        let gallery = stage.gallery();
        let selection = gallery.selection.read_untracked();
        let mut rows: Vec<(usize, usize)> = self.by_row.iter().map(|(row, number)| (*row, *number)).collect();
        // What is seen comes first.
        rows.sort_unstable_by_key(|(row, _)| (!sight.visible.contains(row), *row));
        for (row, number) in rows {
            if !sight.is_dirty && !self.rows[number].is_new {
                continue;
            }
            self.rows[number].is_new = false;
            let is_seen = sight.visible.contains(&row);
            let sharpness = if is_seen { sight.sharpness } else { sight.sharpness.min(Sharpness::Small) };
            for place in 0..self.rows[number].tiles.len() {
                let tile = self.rows[number].tiles[place];
                self.tiles[tile].fill(stage, shown, &selection, sharpness, &mut hashes);
            }
        }
        hashes == 0
    }

    /// Has rows and photos stand in the document as they do on the screen: those who hear it hear them so.
    pub fn put_in_order(&self, space: &HtmlElement) {
        let mut rows: Vec<(usize, usize)> = self.by_row.iter().map(|(row, number)| (*row, *number)).collect();
        rows.sort_unstable();
        let rows: Vec<&Row> = rows.into_iter().map(|(_, number)| &self.rows[number]).collect();
        order(space, &rows.iter().map(|row| &row.element).collect::<Vec<_>>());
        for row in rows {
            let tiles: Vec<&HtmlElement> = row.tiles.iter().map(|tile| self.tiles[*tile].element()).collect();
            order(&row.element, &tiles);
        }
    }

    fn place_heading(&mut self, space: &HtmlElement, text: &str) -> usize {
        let number = self.free_headings.pop().unwrap_or_else(|| {
            // The photos' own names tell their dates.
            let heading = element("div", "photo-heading", None);
            heading.set_attribute("aria-hidden", "true").ok();
            space.append_child(&heading).ok();
            self.headings.push(heading);
            self.headings.len() - 1
        });
        self.headings[number].set_hidden(false);
        self.headings[number].set_text_content(Some(text));
        number
    }

    pub fn place_headings(
        &mut self,
        space: &HtmlElement,
        shown: &Shown,
        groups: Range<usize>,
        base: f64,
        is_new: bool,
    ) {
        let leaving: Vec<usize> =
            self.by_group.keys().copied().filter(|it| is_new || !groups.contains(it)).collect();
        for group in leaving {
            self.free_headings.extend(self.by_group.remove(&group));
        }
        for group in groups {
            let known = self.by_group.get(&group).copied();
            let number = known.unwrap_or_else(|| self.place_heading(space, &shown.heading(group)));
            self.by_group.insert(group, number);
            move_to(&self.headings[number], f64::from(shown.layout.heading(group)) - base);
        }
        for number in &self.free_headings {
            self.headings[*number].set_hidden(true);
        }
    }

    pub fn tile_element(&self, place: usize) -> Option<&HtmlElement> {
        self.by_place.get(&place).map(|tile| self.tiles[*tile].element())
    }

    pub fn photo_seen(&self, place: usize) -> Option<ItemId> {
        self.by_place.get(&place).and_then(|tile| self.tiles[*tile].photo())
    }

    /// Shows a picture in the tile of a place, if that still shows the photo.
    pub fn show_own(&mut self, place: usize, id: shared::ItemId, address: &str) {
        if let Some(tile) = self.by_place.get(&place) {
            self.tiles[*tile].show_own(id, address);
        }
    }

    pub fn forget_failures(&mut self) {
        for tile in &mut self.tiles {
            tile.forget();
        }
    }
}

fn move_to(element: &HtmlElement, top: f64) {
    element.style().set_property("transform", &format!("translateY({top}px)")).ok();
}

/// Has these children follow each other.
fn order(parent: &HtmlElement, children: &[&HtmlElement]) {
    let follows = |pair: &[&HtmlElement]| {
        pair[0].compare_document_position(pair[1]) & Node::DOCUMENT_POSITION_FOLLOWING != 0
    };
    if !children.windows(2).all(follows) {
        for child in children {
            parent.append_child(child).ok();
        }
    }
}
