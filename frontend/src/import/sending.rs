//! The plan carried out: one photo after the other is unpacked, known or not by its content, and queued; no more of them
//! wait to be sent than there is room for.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::rc::Rc;

use app::ports::{Described, ImportProgress, ImportStage, PickedFile};
use leptos::prelude::*;
use shared::photo::AlbumChange;
use shared::{ContentHash, ItemId, SyncStatus};
use sync::Command;
use sync::import::{Plan, PlannedPhoto, Skip, Skipped};
use web_sys::File;

use super::Importer;
use super::source::Source;
use crate::browser;
use crate::hashing::{Cuts, Hasher};
use crate::intake;

/// Photos that wait to be sent, and the bytes of them.
const WAITING_MAX: usize = 200;
const WAITING_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Between two looks at what waits, in milliseconds.
const LOOK_AGAIN_MS: u64 = 100;
/// The line of the upload panel.
const GROUP: &str = "Import";

struct Sending<'a> {
    importer: &'a Importer,
    library: ItemId,
    plan: &'a Plan,
    /// Photos of the library, and of this import, by their content.
    known: HashMap<ContentHash, ItemId>,
    albums: Vec<Option<ItemId>>,
    waiting: Vec<(ItemId, u64)>,
    progress: ImportProgress,
    hasher: Rc<Hasher>,
}

impl Importer {
    pub(super) fn library(&self) -> Option<ItemId> {
        self.cloud.with_seat(|seat| seat.replica().photo_library()).flatten()
    }

    pub(super) async fn send(&self, plan: &Plan, sources: &[Source]) {
        // The page of photos is not shown before there is one.
        let Some(library) = self.library() else { return };
        let children = self.cloud.read(|replica| replica.children(library));
        let known = children.iter().filter_map(|item| Some((item.item.content_hash?, item.item.id)));
        let mut sending = Sending {
            importer: self,
            library,
            plan,
            known: known.collect(),
            albums: vec![None; plan.albums.len()],
            waiting: Vec::new(),
            progress: ImportProgress { total: plan.photos.len(), ..ImportProgress::default() },
            hasher: Hasher::start(),
        };
        for photo in &plan.photos {
            sending.make_room(photo.size).await;
            if self.is_stopped.get() {
                break;
            }
            if let Err(why) = sending.take(photo, &sources[photo.entry]).await {
                sending.progress.failed.push(Skipped { path: photo.path.clone(), why });
            }
            sending.progress.done += 1;
        }
        sending.make_room(u64::MAX).await;
        sending.progress.is_stopped = self.is_stopped.get();
        self.stage.set(ImportStage::Done(sending.progress));
    }
}

impl Sending<'_> {
    /// Waits until so many more bytes may wait to be sent, or nothing does.
    async fn make_room(&mut self, bytes: u64) {
        loop {
            let cloud = &self.importer.cloud;
            let is_waiting = |id| {
                let status = cloud.read(|replica| replica.item(id).map(|item| item.sync_status));
                matches!(status, Some(SyncStatus::Pending | SyncStatus::Syncing))
            };
            self.waiting.retain(|(id, _)| is_waiting(*id));
            self.progress.is_offline = cloud.with_seat(|seat| !seat.replica().summary().online) == Some(true);
            self.importer.stage.set(ImportStage::Sending(self.progress.clone()));
            let waiting_bytes: u64 = self.waiting.iter().map(|(_, bytes)| bytes).sum();
            let has_room =
                self.waiting.len() < WAITING_MAX && bytes.saturating_add(waiting_bytes) <= WAITING_BYTES_MAX;
            if has_room || self.waiting.is_empty() || self.importer.is_stopped.get() {
                return;
            }
            browser::sleep(LOOK_AGAIN_MS).await;
        }
    }

    async fn take(&mut self, photo: &PlannedPhoto, source: &Source) -> Result<(), Skip> {
        let file = source.file(photo).await?;
        let hash = self.hash(&file).await?;
        let albums: Vec<ItemId> = photo.albums.iter().filter_map(|album| self.album(*album)).collect();
        if let Some(&id) = self.known.get(&hash) {
            self.progress.already_here += 1;
            self.add_to_albums(id, &albums);
            return Ok(());
        }
        let id = self.importer.cloud.with_seat(|seat| seat.replica().new_item_id()).ok_or(Skip::Damaged)?;
        let described = Described {
            id,
            group: GROUP.to_owned(),
            modified_at: photo.file_time,
            edit: photo.edit(),
            albums,
        };
        let picked =
            PickedFile { file, folders: Vec::new(), handle: None, described: Some(Box::new(described)) };
        intake::take_in_one(&self.importer.cloud, self.library, id, picked).await;
        let is_queued = self.importer.cloud.with_seat(|seat| seat.replica().item(id).is_some());
        if is_queued != Some(true) {
            return Err(Skip::NotQueued);
        }
        self.known.insert(hash, id);
        self.waiting.push((id, photo.size));
        self.progress.queued += 1;
        Ok(())
    }

    async fn hash(&self, file: &File) -> Result<ContentHash, Skip> {
        let manifest = self.hasher.manifest(file, Cuts::ByContent, |_| ControlFlow::Continue(())).await;
        manifest.map(|manifest| manifest.content_hash()).map_err(|_| Skip::Damaged)
    }

    /// The album of the library that one of the plan is; made where there is none of its name.
    fn album(&mut self, number: usize) -> Option<ItemId> {
        if let Some(id) = self.albums[number] {
            return Some(id);
        }
        let name = &self.plan.albums[number].name;
        let seat = self.importer.cloud.seat()?;
        let id = seat.replica().child_folder(self.library, name).unwrap_or_else(|| {
            let id = seat.replica().new_item_id();
            let (parent, name) = (self.library, name.clone());
            // A folder in a library that is there is never refused.
            let _ = seat.run(vec![Command::CreateFolder { id, parent, name }]);
            id
        });
        self.albums[number] = Some(id);
        Some(id)
    }

    /// What is in an album stays there once.
    fn add_to_albums(&self, photo: ItemId, albums: &[ItemId]) {
        let Some(seat) = self.importer.cloud.seat() else { return };
        let add = |&album: &ItemId| Command::ChangeAlbum { photo, album, change: AlbumChange::Add };
        let commands: Vec<Command> = albums.iter().map(add).collect();
        if !commands.is_empty() {
            // What was removed meanwhile is not put into an album.
            let _ = seat.run(commands);
        }
    }
}
