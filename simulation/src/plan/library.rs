//! Photos, albums, copies and earlier contents, put among the other acts.

use shared::photo::{AlbumChange, Location, PhotoEdit, WallTime};

use super::scenes::STEPS_TO_A_SCENE;
use super::{LAST, LAST_FOLDER, Pick, Plan, Step, Words, words};
use crate::chance::Chance;

/// How often each act of `library_step` comes.
const LIBRARY_USUAL: [u32; 7] = [20, 6, 8, 30, 30, 8, 8];

impl Plan {
    /// Puts acts with photos, copies and earlier contents between the steps, by a chance of their own: but for them the
    /// plan is the same.
    pub(super) fn add_library(&mut self) {
        let mut chance = Chance::new(!self.seed);
        let one_in = *chance.pick(&[0, 2, 3, 3, 6]);
        if one_in == 0 {
            return;
        }
        let weights = LIBRARY_USUAL.map(|weight| match chance.below(6) {
            0 => 0,
            1 => weight * 4,
            _ => weight,
        });
        let weights = if weights[0] == 0 { LIBRARY_USUAL } else { weights };
        let clients = self.clients as u64;
        for step in std::mem::take(&mut self.steps) {
            self.steps.push(step);
            if chance.one_in(STEPS_TO_A_SCENE) {
                self.steps.extend(library_scene(&mut chance, clients));
            } else if chance.one_in(one_in) {
                self.steps.push((chance.below(clients) as u8, library_step(&mut chance, &weights)));
            }
        }
    }
}

fn library_step(chance: &mut Chance, weights: &[u32]) -> Step {
    let (at, other, name) = (chance.next() as Pick, chance.next() as Pick, chance.next() as u8);
    match chance.weighted(weights) {
        0 => Step::Photo(name, words(chance)),
        1 => Step::PhotoUpload(name, words(chance)),
        2 => Step::Album(name),
        3 => Step::Describe(at, said(chance)),
        4 => Step::InAlbum(at, other, album_change(chance)),
        5 => Step::Copy(at, chance.one_in(2).then_some(other)),
        _ => Step::RestoreVersion(at, other),
    }
}

/// One field, or two.
fn said(chance: &mut Chance) -> PhotoEdit {
    let mut edit = PhotoEdit::default();
    for _ in 0..=chance.below(2) {
        let yes = chance.one_in(2);
        let part = chance.below(8) as i16;
        match chance.below(5) {
            0 => edit.is_favorite = Some(yes),
            1 => edit.hidden = Some(yes),
            2 => edit.archived = Some(yes),
            3 => edit.taken_at = Some(yes.then_some(WallTime::from_millis(i64::from(part) * 1_000))),
            _ => edit.location = Some(Location::new(f64::from(part), 0.0).ok().filter(|_| yes)),
        }
    }
    edit
}

fn album_change(chance: &mut Chance) -> AlbumChange {
    match chance.below(8) {
        0..3 => AlbumChange::Add,
        3..6 => AlbumChange::Remove,
        6 => AlbumChange::Cover,
        _ => AlbumChange::Place(chance.one_in(3).then(|| WallTime::from_millis(chance.below(9) as i64))),
    }
}

/// What is said, added or taken in at the same time on two devices.
fn library_scene(chance: &mut Chance, clients: u64) -> Vec<(u8, Step)> {
    let a = chance.below(clients) as u8;
    let b = ((u64::from(a) + 1 + chance.below(clients - 1)) % clients) as u8;
    let (name, change) = (chance.next() as u8, album_change(chance));
    let in_album = |by: u8, change: AlbumChange| (by, Step::InAlbum(LAST, LAST_FOLDER, change));
    match chance.below(3) {
        0 => vec![
            (a, Step::Photo(name, Words::New(name))),
            (a, Step::Album(name)),
            in_album(a, AlbumChange::Add),
            (a, Step::Flow),
            (b, Step::Flow),
            (b, Step::Offline),
            in_album(b, AlbumChange::Remove),
            in_album(a, change),
            (a, Step::Flow),
            (b, Step::Online),
            (b, Step::Flow),
        ],
        1 => vec![
            (a, Step::Photo(name, Words::Common(name))),
            (b, Step::Photo(name / 2, Words::Common(name))),
            (b, Step::Describe(LAST, said(chance))),
            (a, Step::Flow),
            (b, Step::Flow),
        ],
        _ => vec![
            (a, Step::Photo(name, Words::New(name))),
            (a, Step::Flow),
            (b, Step::Flow),
            (b, Step::Describe(LAST, said(chance))),
            (a, Step::Describe(LAST, said(chance))),
            (b, Step::Flow),
            (a, Step::Flow),
        ],
    }
}
