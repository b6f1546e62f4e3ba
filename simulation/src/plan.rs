//! A scenario before it is played: who does what, and what the world does to them, in order. Everything
//! follows from the seed; a plan from which steps were taken out plays as well as the whole.

mod library;
mod scenes;

use std::fmt;

use shared::ErrorCode;
use shared::photo::{AlbumChange, PhotoEdit};
use shared::sync::Resolution;

use crate::chance::Chance;
use scenes::{STEPS_TO_A_SCENE, Scene};

/// Seeds from here on have photos, copies and earlier contents in most of their scenarios. What was found before
/// has a seed below, and plays as it did then.
pub const LIBRARY_SEEDS: u64 = 10_000_000;
/// From here on what goes after a time comes often as well.
pub const AGE_SEEDS: u64 = 20_000_000;
/// Acts of people in one scenario.
pub const ACTS_MIN: usize = 100;
/// Devices, from …
const CLIENTS_MIN: u64 = 3;
/// … to.
const CLIENTS_MAX: u64 = 5;

/// What happens to a message that is picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Arrives,
    /// Nobody hears of it.
    Lost,
    /// A request is carried out, its answer is lost.
    AnswerLost,
    /// It arrives, and again some time later.
    Twice,
    /// The sender gives up waiting; the request is still on its way.
    TooLate,
    /// The server crashes while it is at work: no effect, no answer.
    ServerCrash,
}

/// Where in its list a step picks; taken modulo the length.
pub type Pick = u16;
/// Picks the item that was made last.
pub const LAST: Pick = Pick::MAX;
/// Picks the folder that was made last.
pub const LAST_FOLDER: Pick = Pick::MAX - 1;

/// What the content of a step is made like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// Nobody wrote it before.
    New(u8),
    /// One of a few, so that two write the same.
    Common(u8),
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    // People
    Folder(Pick, u8),
    File(Pick, u8, Words),
    Upload(Pick, u8, Words),
    Edit(Pick, Words),
    EditByUpload(Pick, Words),
    /// Opens an editor, which is saved later.
    Open(Pick),
    Save(Words),
    Rename(Pick, u8),
    Move(Pick, Pick),
    /// Of two folders the first goes into the second, or the second into the first.
    Nest(Pick, bool),
    Delete(Pick),
    Restore(Pick, Option<Pick>),
    Purge(Pick),
    Undo,
    Resolve(Pick, Resolution),
    Discard(Pick),
    Retry(Pick),
    // … with photos, copies and earlier contents
    Photo(u8, Words),
    PhotoUpload(u8, Words),
    Album(u8),
    Describe(Pick, PhotoEdit),
    InAlbum(Pick, Pick, AlbumChange),
    /// Into a folder, or a file into the library.
    Copy(Pick, Option<Pick>),
    RestoreVersion(Pick, Pick),
    // The device
    Offline,
    Online,
    Crash,
    /// Its store takes its time from now on, until it catches up with everything.
    SlowStore,
    StoreOne,
    CatchUp,
    /// The store refuses this many batches.
    FullStore(u8),
    /// Its database is gone: it begins anew, as another device.
    Wipe,
    /// Another device takes it off the account.
    Remove,
    SignIn,
    /// Everything of this device goes through, for as long as there is anything.
    Flow,
    /// What this device asks is carried out, and it hears of nothing.
    Deaf,
    /// Its uploads are carried out; their last answers are still on their way.
    Served,
    /// As `Flow`, those answers last.
    FlowLate,
    // The network: any message of anyone
    Deliver(Pick, Fate),
    // The server
    Restart,
    Backup,
    RestoreBackup,
    Jobs,
    Refuse(Pick, ErrorCode),
    /// More or less room, in bytes.
    Quota(u32),
    // Time
    Pass(u32),
    Days(u16),
    /// The server's clock is set, off the truth by this many hours.
    ServerClock(i32),
    ClientClock(i32),
}

impl Step {
    /// Whether a person does it.
    pub fn is_act(self) -> bool {
        matches!(
            self,
            Self::Folder(..)
                | Self::File(..)
                | Self::Upload(..)
                | Self::Edit(..)
                | Self::EditByUpload(..)
                | Self::Save(..)
                | Self::Rename(..)
                | Self::Move(..)
                | Self::Nest(..)
                | Self::Delete(..)
                | Self::Restore(..)
                | Self::Purge(..)
                | Self::Undo
                | Self::Resolve(..)
                | Self::Photo(..)
                | Self::PhotoUpload(..)
                | Self::Album(..)
                | Self::Describe(..)
                | Self::InAlbum(..)
                | Self::Copy(..)
                | Self::RestoreVersion(..)
        )
    }
}

/// One scenario.
#[derive(Clone, PartialEq, Eq)]
pub struct Plan {
    pub seed: u64,
    pub clients: usize,
    pub quota_bytes: u64,
    /// Entries of a page of the feed.
    pub page: usize,
    /// How many names people choose from.
    pub names: u8,
    /// Each with the device whose turn it is.
    pub steps: Vec<(u8, Step)>,
}

/// Names that people give; some are equal to each other in the eyes of the product.
pub const NAMES: [&str; 12] = [
    "a",
    "b.txt",
    "A",
    "notes.md",
    "B.TXT",
    "c",
    "é",
    "e\u{301}",
    "data.json",
    "p.bin",
    "straße.txt",
    "STRASSE.txt",
];

/// How often each kind of step comes. Every scenario leaves some out and has more of others (Groce et al.,
/// "Swarm Testing", 2012).
struct Weights([u32; KINDS]);

const KINDS: usize = 37;
/// Of each kind, in the order of `step`.
const USUAL: [u32; KINDS] = [
    30, 40, 10, 50, 5, 8, 12, 25, 30, 25, 15, 6, 6, 12, 3, 3, // people
    5, 10, 4, 3, 12, 4, 2, 1, 1, 4, 40,  // the device
    150, // the network
    2, 2, 2, 3, 3, 2, // the server
    12, 2, 2, // time
];
/// Kinds from this one on are the world's, not people's.
const WORLD: usize = 16;
/// A scenario that expects nothing bad has these only.
const DELIVER: usize = 27;
const FLOW: usize = 26;

impl Weights {
    fn new(chance: &mut Chance) -> Self {
        let mut weights = USUAL;
        for (kind, weight) in weights.iter_mut().enumerate() {
            *weight = match chance.below(8) {
                0 if kind != DELIVER && kind != FLOW && kind > 1 => 0,
                1 => *weight * 4,
                2 => *weight / 2,
                _ => *weight,
            };
        }
        // Most scenarios have no restored server, no removed devices and no years going by: they hide much.
        let rare = [23, 24, 29, 30, 35, 36];
        for kind in rare {
            if !chance.one_in(3) {
                weights[kind] = 0;
            }
        }
        if chance.one_in(4) {
            weights[WORLD..].iter_mut().enumerate().for_each(|(at, weight)| {
                if ![DELIVER - WORLD, FLOW - WORLD, 16 - WORLD, 17 - WORLD].contains(&at) {
                    *weight = 0;
                }
            });
        }
        Self(weights)
    }
}

impl Plan {
    pub fn of(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let clients = CLIENTS_MIN + chance.below(CLIENTS_MAX - CLIENTS_MIN + 1);
        let weights = Weights::new(&mut chance);
        let faults = *chance.pick(&[0, 1, 1, 2, 4]);
        let names = 2 + chance.below(NAMES.len() as u64 - 1) as u8;
        let mut plan = Self {
            seed,
            clients: clients as usize,
            quota_bytes: *chance.pick(&[1 << 20, 1 << 20, 1 << 20, 2_000]),
            page: *chance.pick(&[1, 3, 7, 1_000]),
            names,
            steps: Vec::new(),
        };
        let scenes = Scene::of(&mut chance);
        let mut acts = 0;
        while acts < ACTS_MIN {
            let steps = match scenes[..] {
                [_, ..] if chance.one_in(STEPS_TO_A_SCENE) => {
                    chance.pick(&scenes).steps(&mut chance, clients)
                }
                _ => {
                    let step = step(&mut chance, &weights, faults);
                    vec![(chance.below(clients) as u8, step)]
                }
            };
            acts += steps.iter().filter(|(_, step)| step.is_act()).count();
            plan.steps.extend(steps);
        }
        if seed >= LIBRARY_SEEDS {
            plan.add_library();
        }
        if seed >= AGE_SEEDS {
            plan.add_ages();
        }
        plan
    }
}

fn step(chance: &mut Chance, weights: &Weights, faults: u32) -> Step {
    let pick = |chance: &mut Chance| chance.next() as Pick;
    let name = |chance: &mut Chance| chance.next() as u8;
    match chance.weighted(&weights.0) {
        0 => Step::Folder(pick(chance), name(chance)),
        1 => Step::File(pick(chance), name(chance), words(chance)),
        2 => Step::Upload(pick(chance), name(chance), words(chance)),
        3 => Step::Edit(pick(chance), words(chance)),
        4 => Step::EditByUpload(pick(chance), words(chance)),
        5 => Step::Open(pick(chance)),
        6 => Step::Save(words(chance)),
        7 => Step::Rename(pick(chance), name(chance)),
        8 => Step::Move(pick(chance), pick(chance)),
        9 => Step::Delete(pick(chance)),
        10 => {
            let elsewhere = chance.one_in(4);
            Step::Restore(pick(chance), elsewhere.then(|| pick(chance)))
        }
        11 => Step::Purge(pick(chance)),
        12 => Step::Undo,
        13 => {
            let choices = [Resolution::Local, Resolution::Server, Resolution::Both, Resolution::Proposal];
            Step::Resolve(pick(chance), *chance.pick(&choices))
        }
        14 => Step::Discard(pick(chance)),
        15 => Step::Retry(pick(chance)),
        16 => Step::Offline,
        17 => Step::Online,
        18 => Step::Crash,
        19 => Step::SlowStore,
        20 => Step::StoreOne,
        21 => Step::CatchUp,
        22 => Step::FullStore(1 + chance.below(3) as u8),
        23 => Step::Wipe,
        24 => Step::Remove,
        25 => Step::SignIn,
        26 => Step::Flow,
        27 => Step::Deliver(pick(chance), fate(chance, faults)),
        28 => Step::Restart,
        29 => Step::Backup,
        30 => Step::RestoreBackup,
        31 => Step::Jobs,
        32 => {
            let codes = [
                ErrorCode::QuotaExceeded,
                ErrorCode::Unavailable,
                ErrorCode::ReadOnly,
                ErrorCode::InvalidName,
            ];
            Step::Refuse(pick(chance), *chance.pick(&codes))
        }
        33 => Step::Quota(*chance.pick(&[500, 2_000, 1 << 20])),
        34 => Step::Pass(chance.below(20_000) as u32),
        35 => Step::Days(*chance.pick(&[1, 8, 32, 100, 185])),
        _ if chance.one_in(2) => Step::ServerClock(*chance.pick(&[0, 0, 1, -1, 960, -960, 9_600])),
        _ => Step::ClientClock(*chance.pick(&[0, 1, -30, 800, -9_600])),
    }
}

fn fate(chance: &mut Chance, faults: u32) -> Fate {
    match chance.weighted(&[12, faults, faults, faults, faults, faults / 2]) {
        0 => Fate::Arrives,
        1 => Fate::Lost,
        2 => Fate::AnswerLost,
        3 => Fate::Twice,
        4 => Fate::TooLate,
        _ => Fate::ServerCrash,
    }
}

fn words(chance: &mut Chance) -> Words {
    match chance.below(12) {
        0 => Words::Common(chance.below(3) as u8),
        1 if chance.one_in(2) => Words::Nothing,
        _ => Words::New(chance.next() as u8),
    }
}

impl fmt::Debug for Plan {
    /// In Rust, on as few lines as it takes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "seed {}: {} devices, {} bytes of room, pages of {}, {} names",
            self.seed, self.clients, self.quota_bytes, self.page, self.names
        )?;
        for (client, step) in &self.steps {
            write!(f, "({client}, {step:?}) ")?;
        }
        Ok(())
    }
}
