//! What there is to see in each state.

use std::sync::Arc;
use std::time::Duration;

use shared::account::{Device, SignedIn, User};
use shared::upload::FileVersion;
use shared::{
    ClientFileItem, ContentHash, DeviceId, ItemId, ItemKind, OperationId, SyncStatus, Timestamp, UserId,
    VersionId,
};
use sync::{QueueEntry, QueueState, SyncSummary};
use uuid::Uuid;

use super::tree::{Tree, new_item};
use super::{hours_before, id_of};
use crate::ports::{Account, Amount, DeviceStorage, LibraryHere, PhotoForms, UploadState, UploadView};

const ROOT: &str = "root";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    /// A person's usual files, all in step.
    Usual,
    /// A new account.
    Empty,
    /// Uploads in every state.
    Uploading,
    /// No network, changes waiting.
    Offline,
    /// Something was refused, something needs a choice.
    Trouble,
    /// The first sync is under way.
    FirstSync,
    /// 50,000 entries in one folder.
    Large,
    SignedOut,
}

impl Scene {
    pub fn named(name: &str) -> Self {
        match name {
            "empty" => Self::Empty,
            "uploading" => Self::Uploading,
            "offline" => Self::Offline,
            "trouble" => Self::Trouble,
            "first-sync" => Self::FirstSync,
            "large" => Self::Large,
            "signed-out" => Self::SignedOut,
            _ => Self::Usual,
        }
    }
}

pub fn account(scene: Scene, at: Timestamp) -> Account {
    if scene == Scene::SignedOut {
        return Account::SignedOut;
    }
    let used_bytes = if scene == Scene::Empty { 0 } else { 37_400_000_000 };
    let user = User {
        id: UserId(Uuid::from_u128(1)),
        username: "ann".to_owned(),
        display_name: "Ann Ferrer".to_owned(),
        is_admin: true,
        quota_bytes: 200_000_000_000,
        used_bytes,
        created_at: hours_before(at, 9_000),
    };
    let device = devices(at).swap_remove(0);
    Account::SignedIn(Arc::new(SignedIn { user, device, root_id: id_of(ROOT) }))
}

pub fn devices(at: Timestamp) -> Vec<Device> {
    let device = |n: u128, name: &str, platform: &str, hours: u64| Device {
        id: DeviceId(Uuid::from_u128(n)),
        name: name.to_owned(),
        platform: platform.to_owned(),
        created_at: hours_before(at, hours + 900),
        last_seen_at: hours_before(at, hours),
        is_current: n == 1,
        acknowledged_at: None,
        up_to_date: Some(n != 3),
    };
    vec![
        device(1, "Chrome on the study desk", "Linux", 0),
        device(2, "Ann's phone", "Android", 3),
        device(3, "Office laptop", "Windows", 120),
    ]
}

pub fn summary(scene: Scene, at: Timestamp) -> SyncSummary {
    let synced = SyncSummary { online: true, last_synced_at: Some(at), ..SyncSummary::default() };
    match scene {
        Scene::Uploading => SyncSummary { waiting: 12, active: true, ..synced },
        Scene::Offline => {
            let next_try = Some(at + std::time::Duration::from_secs(60));
            SyncSummary { online: false, waiting: 4, next_try, ..synced }
        }
        Scene::Trouble => SyncSummary { failed: 1, conflicts: 2, waiting: 1, ..synced },
        Scene::FirstSync => SyncSummary { first_sync: Some(1_240), last_synced_at: None, ..synced },
        _ => synced,
    }
}

pub fn queue(scene: Scene, at: Timestamp) -> Vec<QueueEntry> {
    let entry = |n: u128, name: &str, action: &'static str, state: QueueState| QueueEntry {
        operation_id: OperationId(Uuid::from_u128(n)),
        item_id: id_of(name),
        item_name: name.to_owned(),
        action,
        state,
    };
    let waiting = |seconds: u64| QueueState::Waiting {
        reason: Some("No connection".to_owned()),
        next_try: Some(at + Duration::from_secs(seconds)),
    };
    match scene {
        Scene::Offline => vec![
            entry(1, "Budget 2026.xlsx", "Rename", waiting(20)),
            entry(2, "Garden plan.pdf", "Move", waiting(20)),
            entry(3, "Letters", "Create", waiting(20)),
            entry(4, "old-notes.txt", "Delete", waiting(20)),
        ],
        Scene::Trouble => vec![
            entry(
                1,
                "Film, uncut.mov",
                "Upload",
                QueueState::Refused {
                    reason: "The storage is full. Free some space, then try again.".to_owned(),
                },
            ),
            entry(2, "Travel diary.md", "Rename", QueueState::Sending),
        ],
        Scene::Uploading => vec![entry(1, "Letters", "Create", QueueState::Sending)],
        _ => Vec::new(),
    }
}

pub fn uploads(scene: Scene, at: Timestamp) -> Vec<UploadView> {
    if scene != Scene::Uploading {
        return Vec::new();
    }
    let upload = |n: u128, name: &str, total: u64, sent: u64, state: UploadState| UploadView {
        operation_id: OperationId(Uuid::from_u128(n)),
        name: name.to_owned(),
        parent_id: id_of(ROOT),
        group: None,
        total_bytes: total,
        sent_bytes: sent,
        skipped_bytes: 0,
        bytes_per_second: (state == UploadState::Uploading).then_some(8_400_000.0),
        seconds_left: (state == UploadState::Uploading).then_some((total - sent) / 8_400_000),
        state,
    };
    let mut uploads = vec![
        upload(1, "Summer film.mov", 2_310_000_000, 1_430_000_000, UploadState::Uploading),
        upload(2, "Interview.wav", 184_000_000, 0, UploadState::Hashing),
        upload(3, "Backup.tar.zst", 9_100_000_000, 2_000_000_000, UploadState::Paused),
        upload(
            4,
            "Scans.zip",
            420_000_000,
            96_000_000,
            UploadState::Failed { reason: "The storage is full.".to_owned() },
        ),
        upload(5, "Lecture.mp4", 820_000_000, 400_000_000, UploadState::NeedsFile),
        upload(
            6,
            "Plan.pdf",
            2_400_000,
            0,
            UploadState::Waiting {
                reason: "No connection".to_owned(),
                next_try: Some(at + Duration::from_secs(12)),
            },
        ),
        upload(7, "Receipt.pdf", 140_000, 140_000, UploadState::Done),
    ];
    uploads.extend((0..240).map(|n| {
        let done = n < 133;
        let state = if done { UploadState::Done } else { UploadState::Queued };
        let sent = if done { 3_000_000 } else { 0 };
        UploadView {
            group: Some("Holiday in Norway".to_owned()),
            ..upload(100 + n, &format!("DSC_{n:04}.jpg"), 3_000_000, sent, state)
        }
    }));
    uploads
}

pub fn tree(scene: Scene, at: Timestamp) -> Tree {
    match scene {
        Scene::Empty | Scene::FirstSync | Scene::SignedOut => Tree::of(Vec::new()),
        Scene::Large => Tree::of(large(at)),
        _ => Tree::of(usual(scene, at)),
    }
}

fn large(at: Timestamp) -> Vec<ClientFileItem> {
    const ENTRIES: u64 = 50_000;
    (0..ENTRIES)
        .map(|n| {
            let name = format!("Measurement {}.csv", n * 7 % ENTRIES);
            let id = ItemId(Uuid::from_u128(u128::from(n) + 10_000));
            new_item(id, id_of(ROOT), &name, ItemKind::File, n * 37 % 9_000_000, hours_before(at, n % 20_000))
        })
        .collect()
}

fn usual(scene: Scene, at: Timestamp) -> Vec<ClientFileItem> {
    const FOLDERS: [(&str, &str); 10] = [
        ("Documents", ROOT),
        ("Pictures", ROOT),
        ("Music", ROOT),
        ("Projects", ROOT),
        ("Letters", ROOT),
        ("Taxes", "Documents"),
        ("Contracts", "Documents"),
        ("Garden house", "Projects"),
        ("Website", "Projects"),
        ("Norway", "Pictures"),
    ];
    const FILES: [(&str, &str, u64, u64); 27] = [
        ("Budget 2026.xlsx", ROOT, 48_200, 2),
        ("Travel diary.md", ROOT, 12_400, 5),
        ("Garden plan.pdf", ROOT, 2_840_000, 27),
        ("Fjord at dawn.jpg", ROOT, 3_420_000, 50),
        ("Kitchen.png", ROOT, 1_120_000, 70),
        ("Interview with Grandma.m4a", ROOT, 48_700_000, 120),
        ("Film, uncut.mov", ROOT, 1_840_000_000, 170),
        ("main.rs", ROOT, 4_210, 210),
        ("Talk about bees.pptx", ROOT, 8_900_000, 300),
        ("Application letter.docx", ROOT, 86_000, 700),
        ("old-notes.txt", ROOT, 930, 2_900),
        ("Backup 2025-12.zip", ROOT, 912_000_000, 5_000),
        ("license", ROOT, 11_300, 9_100),
        ("chapter 1.txt", "Documents", 23_000, 30),
        ("chapter 2.txt", "Documents", 21_000, 31),
        ("chapter 10.txt", "Documents", 26_000, 32),
        ("Assessment 2025.pdf", "Taxes", 640_000, 2_000),
        ("Rent.pdf", "Contracts", 410_000, 9_500),
        ("DSC_0001.jpg", "Norway", 3_100_000, 400),
        ("DSC_0002.jpg", "Norway", 2_900_000, 400),
        ("DSC_0003.jpg", "Norway", 3_400_000, 399),
        ("DSC_0004.jpg", "Norway", 3_700_000, 399),
        ("DSC_0005.jpg", "Norway", 2_500_000, 398),
        ("Evening in the harbour.jpg", "Pictures", 2_500_000, 398),
        ("index.html", "Website", 8_000, 60),
        ("style.css", "Website", 6_000, 61),
        ("Sketch.svg", "Garden house", 16_000, 64),
    ];
    let mut items: Vec<ClientFileItem> = Vec::new();
    for (n, (name, parent)) in FOLDERS.into_iter().enumerate() {
        let modified = hours_before(at, 20 + 90 * n as u64);
        items.push(new_item(id_of(name), id_of(parent), name, ItemKind::Folder, 0, modified));
    }
    for (name, parent, size, hours) in FILES {
        items.push(new_item(id_of(name), id_of(parent), name, ItemKind::File, size, hours_before(at, hours)));
    }
    for (name, hours) in [("Draft.docx", 3), ("Screenshots", 30), ("notes copy.txt", 200)] {
        let kind = if name == "Screenshots" { ItemKind::Folder } else { ItemKind::File };
        let mut item =
            new_item(id_of(name), id_of("Documents"), name, kind, 40_000, hours_before(at, hours + 100));
        item.item.is_deleted = true;
        item.item.deleted_at = Some(hours_before(at, hours));
        items.push(item);
    }
    let states: &[(&str, SyncStatus)] = match scene {
        Scene::Offline => &[
            ("Budget 2026.xlsx", SyncStatus::Pending),
            ("Garden plan.pdf", SyncStatus::Pending),
            ("Letters", SyncStatus::Pending),
        ],
        Scene::Trouble => &[
            ("Budget 2026.xlsx", SyncStatus::Conflict),
            ("Garden plan.pdf", SyncStatus::Conflict),
            ("Film, uncut.mov", SyncStatus::Error),
            ("Travel diary.md", SyncStatus::Syncing),
        ],
        Scene::Uploading => &[("Letters", SyncStatus::Syncing)],
        _ => &[],
    };
    for (name, status) in states {
        if let Some(item) = items.iter_mut().find(|item| item.item.name == *name) {
            item.sync_status = *status;
        }
    }
    items
}

/// What is kept on the device: a folder, where there is one.
pub fn kept(scene: Scene) -> Vec<ItemId> {
    match scene {
        Scene::Empty | Scene::FirstSync | Scene::SignedOut | Scene::Large => Vec::new(),
        _ => vec![id_of("Letters")],
    }
}

pub fn device_storage(scene: Scene) -> DeviceStorage {
    let (mut kept, mut lately, mut waiting) = (Amount::default(), Amount::default(), Amount::default());
    let (mut originals, mut forms) =
        (Amount::default(), PhotoForms { budget: 1 << 29, is_ahead: true, ..PhotoForms::default() });
    if scene != Scene::Empty {
        kept.add(1_400_000_000);
        lately.add(310_000_000);
        originals = Amount { count: 212, bytes: 890_000_000 };
        forms.thumbnails = Amount { count: 2_400, bytes: 19_000_000 };
        forms.previews = Amount { count: 610, bytes: 71_000_000 };
        forms.library = Some(LibraryHere { here: 2_400, all: 10_000, is_full: false });
    }
    if scene == Scene::Offline {
        waiting.add(4_200_000);
    }
    DeviceStorage {
        kept,
        originals,
        forms: Some(forms),
        app: 3_100_000,
        lately,
        waiting,
        used: Some(2_760_000_000),
        allowed: Some(60_000_000_000),
        is_persistent: scene != Scene::Trouble,
        ..DeviceStorage::default()
    }
}

pub fn versions(item: Option<&ClientFileItem>, at: Timestamp) -> Vec<FileVersion> {
    let size = item.map_or(0, |item| item.item.size);
    let version = |n: u64| FileVersion {
        id: VersionId(Uuid::from_u128(u128::from(n) + 1)),
        content_hash: ContentHash::of_chunks([]),
        size: size.saturating_sub(n * 900),
        modified_at: hours_before(at, n * 30),
        created_at: hours_before(at, 2 + n * 30),
        device_id: DeviceId(Uuid::from_u128(1)),
        device_name: Some(if n.is_multiple_of(2) { "Office laptop" } else { "Ann's phone" }.to_owned()),
        is_current: n == 0,
    };
    (0..4).map(version).collect()
}

/// A drawn landscape, different for each name.
pub fn picture_address(name: &str) -> String {
    let hue = name.bytes().fold(0_u32, |sum, byte| sum * 31 % 360 + u32::from(byte)) % 360;
    let far = (hue + 40) % 360;
    format!(
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1200 800'%3E%3Cdefs%3E%3ClinearGradient id='s' x2='0' y2='1'%3E\
         %3Cstop stop-color='hsl({hue} 55%25 62%25)'/%3E%3Cstop offset='1' stop-color='hsl({far} 70%25 86%25)'/%3E%3C/linearGradient%3E%3C/defs%3E\
         %3Crect width='1200' height='800' fill='url(%23s)'/%3E%3Ccircle cx='880' cy='250' r='70' fill='white' opacity='.8'/%3E\
         %3Cpath d='M0 560 260 330 470 520 700 280 1200 610V800H0z' fill='hsl({hue} 32%25 42%25)'/%3E\
         %3Cpath d='M0 680 300 520 640 690 900 560 1200 700V800H0z' fill='hsl({hue} 38%25 28%25)'/%3E%3C/svg%3E"
    )
}

pub fn text_of(name: &str) -> String {
    if name.ends_with(".md") {
        return "# Travel diary\n\nThe ferry left at six. **Nobody spoke**, and the fjord was a mirror.\n\n## What to bring\n\n- [x] Warm socks\n- [ ] The good camera\n- [ ] Map of the [Hardangervidda](https://example.org)\n\n> Bad weather always looks worse through a window.\n\n| Day | Distance | Hut |\n|-----|---------:|-----|\n| 1 | 14 km | Finse |\n| 2 | 19 km | Krækkja |\n\n```\nleave 06:10, arrive 14:40\n```\n".to_owned();
    }
    let line = "    let total = entries.iter().map(|entry| entry.size).sum::<u64>();\n";
    format!("fn main() {{\n{}}}\n", line.repeat(24))
}
