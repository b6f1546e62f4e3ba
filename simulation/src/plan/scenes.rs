//! A few steps each that seldom come in this order by chance.

use shared::limits::VERSIONS_KEPT_MIN;

use super::{LAST, LAST_FOLDER, Pick, Plan, Step, Words};
use crate::chance::Chance;

/// Steps between two scenes, about.
pub(super) const STEPS_TO_A_SCENE: u64 = 60;

/// Days after which a content that another took the place of is gone, whatever a clock may be off.
const VERSIONS_GONE_DAYS: u16 = 40;
/// Days within which a lease ends: some looks of the jobs come before, some after.
const LEASE_ENDS_DAYS: u16 = 12;
/// One scenario in so many has a scene with what goes after a time.
const AGE_ONE_IN: u64 = 4;

/// A few steps that seldom come in this order by chance, played among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scene {
    /// Two devices put two folders into each other.
    Nested,
    /// What was created is renamed after a restart, before the answer came.
    Unanswered,
    /// A folder is deleted in part, and a piece of it comes back.
    Pieces,
    /// A restored server comes as far as it was before a device hears of it.
    Restored,
    /// Tombstones go while a device is away whose token looks young.
    Forgotten,
    /// An upload ends, and its answer comes after a later edit of the file.
    Overtaken,
    /// A file is written so often that its first contents go.
    Overwritten,
    /// What nothing refers to any longer waits for its lease to end.
    Released,
}

impl Scene {
    /// Those of one scenario. The last hide much, so they are rare.
    pub(super) fn of(chance: &mut Chance) -> Vec<Self> {
        let often = [Self::Nested, Self::Unanswered, Self::Pieces, Self::Overtaken];
        let mut scenes: Vec<Self> = often.into_iter().filter(|_| chance.one_in(3)).collect();
        scenes.extend([Self::Restored, Self::Forgotten].into_iter().filter(|_| chance.one_in(8)));
        scenes
    }

    pub(super) fn steps(self, chance: &mut Chance, clients: u64) -> Vec<(u8, Step)> {
        let a = chance.below(clients) as u8;
        let b = ((u64::from(a) + 1 + chance.below(clients - 1)) % clients) as u8;
        let (at, name) = (chance.next() as Pick, chance.next() as u8);
        let mut new = |by: u8, parent: Pick| (by, Step::File(parent, chance.next() as u8, Words::New(name)));
        match self {
            Self::Nested => {
                vec![(a, Step::Flow), (b, Step::Flow), (a, Step::Nest(at, true)), (b, Step::Nest(at, false))]
            }
            Self::Unanswered => vec![
                (a, Step::Folder(at, name)),
                (a, Step::Deaf),
                (a, Step::Crash),
                (a, Step::Rename(LAST, name.wrapping_add(1))),
            ],
            Self::Pieces => vec![
                (a, Step::Folder(0, name)),
                new(a, LAST_FOLDER),
                new(a, LAST_FOLDER),
                (a, Step::Flow),
                (b, Step::Flow),
                (a, Step::Offline),
                new(b, LAST_FOLDER),
                (b, Step::Flow),
                (a, Step::Delete(LAST_FOLDER)),
                (a, Step::Online),
                (a, Step::Flow),
                (b, Step::Flow),
                (b, Step::Restore(LAST, None)),
                (b, Step::Flow),
            ],
            Self::Restored => vec![
                (a, Step::Backup),
                new(a, at),
                (a, Step::Flow),
                (b, Step::Flow),
                (b, Step::Offline),
                (a, Step::RestoreBackup),
                new(a, at),
                new(a, at),
                new(a, at),
                (a, Step::Flow),
                (b, Step::Online),
                (b, Step::Flow),
            ],
            // The token was given out under a date that was ahead.
            Self::Forgotten if name.is_multiple_of(2) => vec![
                new(a, at),
                (a, Step::Flow),
                (a, Step::ServerClock(9_600)),
                (b, Step::Flow),
                (b, Step::Offline),
                (a, Step::ServerClock(0)),
                (a, Step::Flow),
                (a, Step::Delete(LAST)),
                (a, Step::Purge(LAST)),
                (a, Step::Flow),
                (a, Step::Days(185)),
                (a, Step::Days(8)),
                (b, Step::Online),
                (b, Step::Flow),
            ],
            Self::Forgotten => vec![
                new(a, at),
                (a, Step::Flow),
                (b, Step::Flow),
                (b, Step::Offline),
                (a, Step::ServerClock(-9_600)),
                (a, Step::Days(8)),
                (a, Step::Delete(LAST)),
                (a, Step::Purge(LAST)),
                (a, Step::Flow),
                (a, Step::ServerClock(0)),
                (a, Step::Days(8)),
                (a, Step::Days(8)),
                (b, Step::Online),
                (b, Step::Flow),
            ],
            Self::Overtaken => vec![
                (a, Step::Upload(at, name, Words::New(name))),
                (a, Step::Flow),
                (b, Step::Flow),
                (a, Step::EditByUpload(LAST, Words::New(name))),
                (a, Step::Served),
                (b, Step::Flow),
                (b, Step::Edit(LAST, Words::New(name.wrapping_add(3)))),
                (b, Step::Flow),
                (a, Step::FlowLate),
            ],
            Self::Overwritten => {
                let mut steps = vec![(a, Step::Online), new(a, at), (a, Step::Flow)];
                for edit in 0..=VERSIONS_KEPT_MIN as u8 + 1 {
                    steps.extend([(a, Step::Edit(LAST, Words::New(edit))), (a, Step::Flow)]);
                }
                steps.push((a, Step::Days(VERSIONS_GONE_DAYS)));
                steps
            }
            Self::Released => vec![
                (a, Step::Online),
                (a, Step::Upload(at, name, Words::New(name))),
                (a, Step::Flow),
                (a, Step::Delete(LAST)),
                (a, Step::Purge(LAST)),
                (a, Step::Flow),
                (a, Step::Days(LEASE_ENDS_DAYS)),
            ],
        }
    }
}

impl Plan {
    /// Puts a scene with what goes after a time somewhere between the steps, by a chance of its own.
    pub(super) fn add_ages(&mut self) {
        let mut chance = Chance::new(!self.seed.rotate_left(1));
        if !chance.one_in(AGE_ONE_IN) {
            return;
        }
        let scene = *chance.pick(&[Scene::Forgotten, Scene::Overwritten, Scene::Released]);
        let steps = scene.steps(&mut chance, self.clients as u64);
        let at = chance.below(self.steps.len() as u64 + 1) as usize;
        self.steps.splice(at..at, steps);
    }
}
