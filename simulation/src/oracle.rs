//! What must hold, whatever happens. The oracle keeps a small model of its own: what was acknowledged, who
//! had seen what when they acted, and when things truly happened. It never asks the code under test whether
//! two edits were concurrent.

mod commits;
mod contents;
mod devices;
mod photos;
mod places;
mod reads;
mod rest;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use shared::{ChunkHash, ContentHash, DeviceId, Dot, ItemId, OperationId, Timestamp, VersionId};
use sync::Command;

use crate::client::Client;

pub use devices::shown;
pub use photos::AlbumAct;
use photos::{Photo, State};
use reads::Reads;

/// What is checked, by its number and name in the project's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    Durable,
    NoLostUpdate,
    Convergence,
    Fixpoint,
    HonestStatus,
    Idempotence,
    Atomicity,
    NoGap,
    ReadYourWrites,
    Vectors,
    DeviceRemoval,
    TreeShape,
    References,
    Collection,
    ContentAddress,
    Quota,
    /// In the full tier only: its rules alone know one person …
    Isolation,
    /// … and no sessions.
    Revocation,
    Time,
    Inverse,
    MassDelete,
    Liveness,
    /// Equal contents of one library are one photo.
    OnePhoto,
    /// Of what is said of a photo the last to arrive counts, field by field; in an album, adding wins.
    PhotoAsSaid,
    /// Nobody is asked to choose between equal contents, or where one was made on the other.
    NoFalseConflict,
    /// The code under test gave up.
    NoPanic,
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Durable => "I01 Durable",
            Self::NoLostUpdate => "I02 No lost update",
            Self::Convergence => "I03 Convergence",
            Self::Fixpoint => "I04 Fixpoint",
            Self::HonestStatus => "I05 Honest status",
            Self::Idempotence => "I06 Idempotence",
            Self::Atomicity => "I07 Atomicity",
            Self::NoGap => "I08 No gap",
            Self::ReadYourWrites => "I09 Read your writes",
            Self::Vectors => "I10 Vectors",
            Self::DeviceRemoval => "I11 Device removal",
            Self::TreeShape => "I12 Tree shape",
            Self::References => "I13 References",
            Self::Collection => "I14 Collection",
            Self::ContentAddress => "I15 Content address",
            Self::Quota => "I16 Quota",
            Self::Isolation => "I17 Isolation",
            Self::Revocation => "I18 Revocation",
            Self::Time => "I19 Time",
            Self::Inverse => "I20 Inverse",
            Self::MassDelete => "I21 Mass delete",
            Self::Liveness => "I22 Liveness",
            Self::OnePhoto => "One photo",
            Self::PhotoAsSaid => "Photo as said",
            Self::NoFalseConflict => "No false conflict",
            Self::NoPanic => "No panic",
        })
    }
}

/// Something that must hold and did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub invariant: Invariant,
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.detail)
    }
}

/// How an operation was answered, as far as every later answer has to be the same.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answered {
    Applied(ItemId, shared::sync::Outcome),
    Conflict(shared::ConflictId),
    Failed(shared::ErrorCode),
}

/// What is true of the server's data: goes back with them to a backup.
#[derive(Clone, Default)]
pub struct Memory {
    /// Contents that a device was told are kept, by the operation that brought them.
    acknowledged: BTreeMap<OperationId, (ItemId, ContentHash)>,
    /// Contents that came in, acknowledged or not.
    inputs: BTreeMap<OperationId, (ItemId, ContentHash)>,
    answers: BTreeMap<OperationId, Answered>,
    /// Which content took each count of an item, also of one whose id came again.
    dots: BTreeMap<(ItemId, Dot), ContentHash>,
    /// When things truly happened: deletes, by their operations.
    deleted: BTreeMap<OperationId, Timestamp>,
    purged: BTreeMap<ItemId, Timestamp>,
    superseded: BTreeMap<VersionId, Timestamp>,
    recorded: BTreeMap<OperationId, Timestamp>,
    /// Chunks, when each was sent or announced as present the last time.
    promised: BTreeMap<ChunkHash, Timestamp>,
    /// Ids that a creation was accepted under, what each stands for, and since when.
    known: BTreeMap<ItemId, (ItemId, Timestamp)>,
    /// Contents of items whose time was over.
    expired: BTreeSet<(ItemId, ContentHash)>,
    photos: BTreeMap<ItemId, Photo>,
    /// Which operations put a photo into its albums, in each of its states.
    put_in: BTreeMap<(ItemId, State), BTreeSet<OperationId>>,
}

/// A content as somebody wrote it.
#[derive(Clone, Debug)]
struct Edit {
    client: usize,
}

/// What a device showed of an item's subtree when its person deleted it.
type DeleteView = BTreeMap<ItemId, Option<ContentHash>>;

/// What an editor showed of a content, where there was one.
struct Shown(Option<ContentHash>);

#[derive(Default)]
pub struct Oracle {
    /// The first that was found.
    pub violation: Option<Violation>,
    pub memory: Memory,
    /// Changes that devices have sent.
    pub pushes: u64,
    /// The one form of contents that were cut differently.
    same: BTreeMap<ContentHash, ContentHash>,
    edits: BTreeMap<ContentHash, Edit>,
    /// Contents that were written more than once: nothing is said of who had seen which.
    ambiguous: BTreeSet<ContentHash>,
    /// What whoever wrote a content had seen before.
    parents: BTreeMap<ContentHash, BTreeSet<ContentHash>>,
    /// The content that the next command writes, and what its editor showed.
    writing: Option<ContentHash>,
    editor: Option<Shown>,
    /// Every content that the server ever took in.
    ever_held: BTreeSet<ContentHash>,
    /// What people gave up on a device.
    given_up: BTreeSet<(usize, ContentHash)>,
    /// What people deleted on a device, and what they saw of it.
    deletes: BTreeMap<(usize, ItemId), Vec<DeleteView>>,
    /// Who brought an item back from the trash, with what content.
    risen: BTreeMap<ItemId, (usize, Option<ContentHash>)>,
    /// Where what was deleted stood for whoever did, if nothing of theirs was under way.
    deleted_from: BTreeMap<(usize, ItemId), (ItemId, String)>,
    /// Where an item stood for whoever moved it, if nothing of theirs was under way.
    moves: BTreeMap<(usize, ItemId), (ItemId, String)>,
    creators: BTreeMap<ItemId, usize>,
    devices: BTreeMap<DeviceId, usize>,
    /// The server was put back from a backup: from then on bases count as unknown.
    restored: bool,
    /// The server's clock: how far off, since when, and whether for so long that it must be believed.
    clock: Option<(i32, Timestamp)>,
    clock_lied: bool,
    begun: Option<Timestamp>,
    /// So much time has passed that the server may have forgotten what edits were made on.
    aged: bool,
    /// Devices whose token was too old. What such a one edited and nobody names to it any more, neither the
    /// pull nor the trash, counts for gone, though it be in a folder of the trash: then a person is asked.
    pulled_anew: BTreeSet<usize>,
    looked: BTreeMap<DeviceId, Option<String>>,
    /// Changes in albums, and what whoever made them had seen.
    in_albums: BTreeMap<OperationId, AlbumAct>,
    reads: Reads,
}

impl Oracle {
    pub fn fail(&mut self, invariant: Invariant, detail: impl FnOnce() -> String) {
        if self.violation.is_none() {
            self.violation = Some(Violation { invariant, detail: detail() });
        }
    }

    fn check(&mut self, invariant: Invariant, holds: bool, detail: impl FnOnce() -> String) {
        if !holds {
            self.fail(invariant, detail);
        }
    }

    /// The one form of a content, however it is cut.
    fn form(&self, content: ContentHash) -> ContentHash {
        self.same.get(&content).copied().unwrap_or(content)
    }

    /// A clock that is wrong for a week is believed; before, nothing may go early because of it.
    pub fn clock_set(&mut self, now: Timestamp, off_hours: i32) {
        self.look_at_clock(now);
        self.clock = Some((off_hours, now));
    }

    fn look_at_clock(&mut self, now: Timestamp) {
        const FORGOTTEN_AFTER: std::time::Duration = std::time::Duration::from_hours(24 * 150);
        const BELIEVED_AFTER: std::time::Duration = std::time::Duration::from_hours(6 * 24);
        let begun = *self.begun.get_or_insert(now);
        self.aged |= now.since(begun) > FORGOTTEN_AFTER;
        if let Some((off, since)) = self.clock
            && off.abs() >= 24
            && now.since(since) >= BELIEVED_AFTER
        {
            self.clock_lied = true;
        }
    }

    /// The server is back where it was.
    pub fn restored(&mut self, memory: Memory) {
        self.memory = memory;
        self.restored = true;
        self.reads = Reads::default();
        self.looked.clear();
    }

    pub fn pulls_anew(&mut self, n: usize) {
        self.pulled_anew.insert(n);
    }

    /// A restored server is sent this again.
    pub fn sends_again(&mut self, content: ContentHash) {
        let form = self.form(content);
        self.ambiguous.insert(form);
    }

    // What people do

    /// Somebody is about to write a content.
    pub fn writes(&mut self, content: ContentHash, bytes: &[u8]) {
        let chunk = (!bytes.is_empty()).then(|| shared::ChunkHash::of(bytes));
        let whole = ContentHash::of_chunks(chunk.as_ref());
        self.same.insert(content, whole);
        self.writing = Some(whole);
    }

    /// … in an editor that showed this.
    pub fn saves_editor(&mut self, seen: Option<ContentHash>) {
        self.editor = Some(Shown(seen));
    }

    pub fn commands(&mut self, n: usize, client: &Client, command: &Command) {
        self.devices.insert(client.device, n);
        let writing = self.writing.take();
        let editor = self.editor.take();
        match command {
            Command::CreateFolder { id, .. } | Command::Copy { id, .. } => drop(self.creators.insert(*id, n)),
            Command::CreateFile { id, .. } => {
                self.creators.insert(*id, n);
                if let Some(content) = writing {
                    self.edit(n, content, None);
                }
            }
            Command::SetContent { id, .. } => {
                if let Some(content) = writing {
                    let seen = editor.map_or_else(|| shown(client, *id), |Shown(seen)| seen);
                    self.edit(n, content, seen);
                }
                // It may take the place of one that was never sent.
                self.give_up_pending(n, client, Some(*id));
            }
            Command::Delete { id } => {
                let id = client.engine.canonical_id(*id);
                // One that was made before and is not answered yet saw what it saw.
                let waits = client.engine.queue().iter().any(|entry| entry.item_id == id);
                let earlier = self.deletes.remove(&(n, id)).filter(|_| waits).into_iter().flatten();
                let views = std::iter::once(devices::subtree(client, id)).chain(earlier).collect();
                self.deletes.insert((n, id), views);
                match place_seen(client, id) {
                    Some(place) => drop(self.deleted_from.insert((n, id), place)),
                    None => drop(self.deleted_from.remove(&(n, id))),
                }
                self.give_up_pending(n, client, Some(id));
            }
            Command::Purge { id } => {
                let id = client.engine.canonical_id(*id);
                self.deletes.entry((n, id)).or_insert_with(|| vec![devices::subtree(client, id)]);
                self.give_up_pending(n, client, None);
            }
            Command::Rename { id, .. } | Command::Move { id, .. } => {
                let id = client.engine.canonical_id(*id);
                match place_seen(client, id) {
                    Some(place) => drop(self.moves.insert((n, id), place)),
                    None => drop(self.moves.remove(&(n, id))),
                }
            }
            Command::Restore { .. }
            | Command::Resolve { .. }
            | Command::DescribePhoto { .. }
            | Command::ChangeAlbum { .. } => {}
        }
    }

    fn edit(&mut self, client: usize, content: ContentHash, seen: Option<ContentHash>) {
        let seen = seen.map(|seen| self.form(seen));
        if seen == Some(content) {
            // Nothing new, and yet written: where it stands beside others, what it says was theirs already.
            self.ambiguous.insert(content);
            return;
        }
        if self.edits.insert(content, Edit { client }).is_some() {
            self.ambiguous.insert(content);
        }
        self.parents.entry(content).or_default().extend(seen);
    }

    pub fn gives_up(&mut self, n: usize, client: &Client) {
        self.give_up_pending(n, client, None);
    }

    /// The device begins anew, with nothing.
    pub fn wiped(&mut self, n: usize) {
        self.deletes.retain(|(of, _), _| *of != n);
        self.moves.retain(|(of, _), _| *of != n);
        self.deleted_from.retain(|(of, _), _| *of != n);
    }

    /// What the writer of a content had seen before it.
    fn all_seen(&self, content: ContentHash) -> BTreeSet<ContentHash> {
        let mut met = BTreeSet::new();
        let mut next = vec![content];
        while let Some(at) = next.pop() {
            let before = self.parents.get(&at).into_iter().flatten().copied();
            next.extend(before.filter(|seen| met.insert(*seen)));
        }
        met.remove(&content);
        met
    }

    /// Whether whoever had seen `seen` had seen `content`. None: that cannot be told.
    fn had_seen(&self, seen: ContentHash, content: ContentHash) -> Option<bool> {
        let mut met = BTreeSet::new();
        let mut next = vec![seen];
        let mut doubtful = false;
        while let Some(at) = next.pop() {
            doubtful |= self.ambiguous.contains(&at);
            if at == content {
                return (!doubtful).then_some(true);
            }
            if met.insert(at) {
                next.extend(self.parents.get(&at).into_iter().flatten().copied());
            }
        }
        (!doubtful && !self.ambiguous.contains(&content)).then_some(false)
    }
}

/// Where the device shows an item, unless that is its own doing.
fn place_seen(client: &Client, id: ItemId) -> Option<(ItemId, String)> {
    let pending = client.engine.queue().iter().any(|entry| entry.item_id == id);
    let view = client.engine.item(id).filter(|_| !pending)?;
    Some((view.parent_id(), view.name().to_owned()))
}
