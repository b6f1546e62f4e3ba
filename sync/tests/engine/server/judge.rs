//! What happens to each change, after the contract's table.

use shared::limits::OPERATION_RETENTION;
use shared::photo::{AlbumChange, PhotoInfo};

use super::*;

impl Server {
    pub(super) fn change(&mut self, device: DeviceId, change: &Change, now: Timestamp) -> Verdict {
        let payload = serde_json::to_string(change).expect("a change is JSON");
        self.judge_once(device, change, payload, now)
    }

    /// Judges an operation, or answers as the first time.
    pub(super) fn judge_once(
        &mut self,
        device: DeviceId,
        change: &Change,
        payload: String,
        now: Timestamp,
    ) -> Verdict {
        if let Some(record) = self.records.get(&change.operation_id) {
            if record.payload != payload {
                return Verdict::Refused(ErrorCode::IdempotencyMismatch);
            }
            return match (&record.result, record.conflict) {
                (_, Some(id)) if self.conflicts.contains_key(&id) => Verdict::Conflict(id),
                (Ok((id, outcome)), _) => Verdict::Applied(*id, *outcome),
                (Err(code), _) => Verdict::Refused(*code),
            };
        }
        // As earlier servers did, which a device may still meet.
        let made_at = change.operation_id.0.get_timestamp().map(|at| {
            let (seconds, _) = at.to_unix();
            Timestamp::from_millis(seconds as i64 * 1_000)
        });
        if made_at.is_some_and(|made_at| (now + self.ahead).since(made_at) > OPERATION_RETENTION) {
            return Verdict::Refused(ErrorCode::OperationExpired);
        }
        if let Some((code, times)) = self.refuse.get_mut(&change.file_id)
            && *times > 0
        {
            *times -= 1;
            let code = *code;
            if !code.retryable() {
                self.record(change, payload, &Verdict::Refused(code), Seen::default(), Seen::default());
            }
            return Verdict::Refused(code);
        }
        let (content, place, conflict) = match self.seen(&change.base) {
            Ok(seen) => seen,
            Err(code) => {
                let verdict = Verdict::Refused(code);
                self.record(change, payload, &verdict, Seen::default(), Seen::default());
                return verdict;
            }
        };
        let id = self.resolve(change.file_id);
        let before = self.items.get(&id).map(|entry| (entry.content, entry.place));
        let verdict = self.judge(device, change, &content, &place, conflict, now);
        let (mut content, mut place) = (content, place);
        if let Verdict::Applied(id, _) = &verdict {
            let entry = &self.items[&self.resolve(*id)];
            let is_content = matches!(change.kind, ChangeKind::Create { .. } | ChangeKind::Content { .. });
            let is_place = !matches!(change.kind, ChangeKind::Content { .. });
            if is_content {
                content.inputs.push(entry.content);
            }
            if is_place && before.is_none_or(|(_, before)| before != entry.place) {
                place.inputs.push(entry.place);
            }
        }
        if let (ChangeKind::Create { content, .. } | ChangeKind::Content { content, .. }, false) =
            (&change.kind, matches!(verdict, Verdict::Refused(_)))
        {
            self.held.insert(content_hash(content));
        }
        self.record(change, payload, &verdict, content, place);
        verdict
    }

    fn record(&mut self, change: &Change, payload: String, verdict: &Verdict, content: Seen, place: Seen) {
        let (result, conflict) = match verdict {
            Verdict::Applied(id, outcome) => (Ok((*id, *outcome)), None),
            Verdict::Conflict(id) => (Ok((change.file_id, Outcome::Unchanged)), Some(*id)),
            Verdict::Refused(code) => (Err(*code), None),
        };
        self.records.insert(change.operation_id, Record { payload, result, conflict, content, place });
    }

    fn seen(&self, base: &Base) -> Result<(Seen, Seen, Option<ConflictId>), ErrorCode> {
        let Some(operation) = base.base_operation_id else {
            let vector = base.base_version.clone().unwrap_or_default();
            let seen = Seen { vector, inputs: Vec::new() };
            return Ok((seen.clone(), seen, None));
        };
        match self.records.get(&operation) {
            Some(record) if record.result.is_ok() => {
                Ok((record.content.clone(), record.place.clone(), record.conflict))
            }
            _ => Err(ErrorCode::DependsOnFailed),
        }
    }

    fn judge(
        &mut self,
        device: DeviceId,
        change: &Change,
        content: &Seen,
        place: &Seen,
        conflict: Option<ConflictId>,
        now: Timestamp,
    ) -> Verdict {
        let id = self.resolve(change.file_id);
        match &change.kind {
            ChangeKind::CreateFolder { parent_id, name, .. } => {
                self.create(device, id, *parent_id, name, None, now)
            }
            ChangeKind::Create { parent_id, name, content, .. } => {
                self.create(device, id, *parent_id, name, Some(content), now)
            }
            _ if !self.items.contains_key(&id) => Verdict::Refused(ErrorCode::NotFound),
            _ if self.items[&id].purged => Verdict::Refused(ErrorCode::Gone),
            _ if [content, place]
                .iter()
                .any(|seen| seen.vector.iter().any(|dot| dot.count > self.items[&id].count)) =>
            {
                Verdict::Refused(ErrorCode::InvalidBase)
            }
            ChangeKind::Content { content: input, .. } => {
                self.set_content(device, id, input, content, conflict)
            }
            ChangeKind::Move { parent_id, name } => {
                self.place(device, id, *parent_id, name.as_deref(), place)
            }
            ChangeKind::Delete { seen_token } => {
                self.delete(device, id, seen_token.as_deref(), (content, place), now)
            }
            ChangeKind::Restore { parent_id } => {
                if self.is_live(id) {
                    return Verdict::Applied(id, Outcome::Unchanged);
                }
                if let Some(parent) = parent_id {
                    self.items.get_mut(&id).expect("it is there").item.parent_id = self.resolve(*parent);
                }
                let name = self.items[&id].item.name.clone();
                self.revive(id, device);
                let renamed = self.items[&id].item.name != name;
                Verdict::Applied(id, if renamed { Outcome::Renamed } else { Outcome::Applied })
            }
            ChangeKind::Photo(edit) => {
                self.input(id, device, false, false);
                let item = &mut self.items.get_mut(&id).expect("it is there").item;
                match &mut item.photo {
                    Some(photo) => photo.apply(edit),
                    None => return Verdict::Refused(ErrorCode::NotAPhoto),
                }
                Verdict::Applied(id, Outcome::Applied)
            }
            ChangeKind::AlbumAdd { album_id }
            | ChangeKind::AlbumRemove { album_id }
            | ChangeKind::AlbumCover { album_id }
            | ChangeKind::AlbumPlace { album_id, .. } => {
                let album = self.resolve(*album_id);
                let change = match &change.kind {
                    ChangeKind::AlbumAdd { .. } => AlbumChange::Add,
                    ChangeKind::AlbumCover { .. } => AlbumChange::Cover,
                    ChangeKind::AlbumPlace { sort_at, .. } => AlbumChange::Place(*sort_at),
                    _ => AlbumChange::Remove,
                };
                match self.items.get(&album) {
                    None => return Verdict::Refused(ErrorCode::ParentNotFound),
                    Some(album) if album.purged => return Verdict::Refused(ErrorCode::Gone),
                    Some(_) => {}
                }
                self.input(id, device, false, false);
                let item = &mut self.items.get_mut(&id).expect("it is there").item;
                match &mut item.photo {
                    Some(photo) => photo.apply_album(album, change, now),
                    None => return Verdict::Refused(ErrorCode::NotAPhoto),
                }
                Verdict::Applied(id, Outcome::Applied)
            }
            ChangeKind::Purge {} => {
                if self.is_live(id) {
                    return Verdict::Refused(ErrorCode::NotDeleted);
                }
                let mut all = self.below(id);
                all.push(id);
                for id in all {
                    self.input(id, device, false, true);
                    self.items.get_mut(&id).expect("it is there").purged = true;
                }
                Verdict::Applied(id, Outcome::Applied)
            }
        }
    }

    fn create(
        &mut self,
        device: DeviceId,
        id: ItemId,
        parent: ItemId,
        name: &str,
        content: Option<&ContentInput>,
        now: Timestamp,
    ) -> Verdict {
        let parent = self.resolve(parent);
        if self.items.contains_key(&id) || self.aliases.contains_key(&id) {
            return Verdict::Refused(ErrorCode::AlreadyExists);
        }
        if parent != self.root {
            match self.items.get(&parent) {
                None => return Verdict::Refused(ErrorCode::ParentNotFound),
                Some(entry) if entry.purged => return Verdict::Refused(ErrorCode::Gone),
                Some(_) => self.revive(parent, device),
            }
        }
        // Every content of an item that it once held is still there for a copy.
        if content
            .and_then(|content| content.copy_of)
            .is_some_and(|copy| !self.held.contains(&copy.content_hash))
        {
            return Verdict::Refused(ErrorCode::Gone);
        }
        let hash = content.map(content_hash);
        if let Some(holder) = self.holder(parent, name, id) {
            let other = self.items[&holder].item.clone();
            let same = match hash {
                None => other.kind == ItemKind::Folder,
                Some(_) => other.kind == ItemKind::File && other.content_hash == hash,
            };
            if same {
                self.aliases.insert(id, holder);
                self.input(holder, device, false, false);
                let outcome = if hash.is_none() { Outcome::Merged } else { Outcome::Unchanged };
                return Verdict::Applied(holder, outcome);
            }
        }
        let given = self.free_name(parent, name, id);
        let dot = Dot { device, count: 0 };
        let item = FileItem {
            id,
            zone_id: self.zone,
            parent_id: parent,
            name: given.clone(),
            path: String::new(),
            kind: if hash.is_some() { ItemKind::File } else { ItemKind::Folder },
            size: content.map_or(0, |content| content.size),
            mime_type: None,
            content_hash: hash,
            version: VersionVector::new(),
            is_deleted: false,
            created_at: now,
            modified_at: now,
            deleted_at: None,
            // The extension stands for the library: this server has one zone.
            photo: given.contains(".jpg").then(|| Box::new(PhotoInfo::unknown(now))),
            encryption: None,
        };
        let entry = Entry { item, count: 0, content: dot, place: dot, purged: false, fed: 0, by: device };
        self.items.insert(id, entry);
        self.input(id, device, true, true);
        Verdict::Applied(id, if given == name { Outcome::Applied } else { Outcome::Renamed })
    }

    fn set_content(
        &mut self,
        device: DeviceId,
        id: ItemId,
        input: &ContentInput,
        seen: &Seen,
        conflict: Option<ConflictId>,
    ) -> Verdict {
        let hash = content_hash(input);
        if let Some(open) = conflict.and_then(|id| self.conflicts.get_mut(&id)) {
            open.local_content_hash = hash;
            return Verdict::Conflict(open.id);
        }
        let entry = &self.items[&id];
        let dot = entry.content;
        if entry.item.content_hash == Some(hash) {
            return Verdict::Applied(id, Outcome::Unchanged);
        }
        if seen.covers(dot) {
            self.revive(id, device);
            self.input(id, device, true, false);
            let entry = self.items.get_mut(&id).expect("it is there");
            entry.item.content_hash = Some(hash);
            entry.item.size = input.size;
            return Verdict::Applied(id, Outcome::Applied);
        }
        let local = self.dot(id, device);
        self.ids += 1;
        let conflict = ConflictId(Uuid::from_u128(self.ids));
        let mut local_version = seen.vector.clone();
        local_version.insert(local);
        let item = self.items[&id].item.clone();
        let info = ConflictInfo {
            id: conflict,
            file_id: id,
            file_name: item.name,
            local_version,
            server_version: item.version,
            local_modified_by: device,
            server_modified_by: dot.device,
            local_content_hash: hash,
            server_content_hash: item.content_hash.expect("a file has a content"),
            local_side: None,
            server_side: None,
            proposal: None,
            created_at: Timestamp::default(),
            operation_id: None,
        };
        self.conflicts.insert(conflict, info);
        Verdict::Conflict(conflict)
    }

    fn place(
        &mut self,
        device: DeviceId,
        id: ItemId,
        parent: Option<ItemId>,
        name: Option<&str>,
        seen: &Seen,
    ) -> Verdict {
        let entry = self.items[&id].clone();
        let parent = parent.map_or(entry.item.parent_id, |parent| self.resolve(parent));
        let name = name.unwrap_or(&entry.item.name);
        if parent == entry.item.parent_id && name == entry.item.name && self.is_live(id) {
            return Verdict::Applied(id, Outcome::Unchanged);
        }
        if parent != self.root {
            match self.items.get(&parent) {
                None => return Verdict::Refused(ErrorCode::ParentNotFound),
                Some(entry) if entry.purged => return Verdict::Refused(ErrorCode::Gone),
                Some(_) if parent == id || self.above(parent).contains(&id) => {
                    return Verdict::Refused(ErrorCode::WouldCycle);
                }
                Some(_) => {}
            }
        }
        if !seen.covers(entry.place) && self.is_live(id) {
            return Verdict::Applied(id, Outcome::Unchanged);
        }
        if parent != self.root {
            self.revive(parent, device);
        }
        let was_live = self.is_live(id);
        let given = self.free_name(parent, name, id);
        let entry = self.items.get_mut(&id).expect("it is there");
        entry.item.parent_id = parent;
        entry.item.name.clone_from(&given);
        entry.item.deleted_at = None;
        self.input(id, device, false, true);
        if !was_live {
            for below in self.below(id) {
                self.feed(below, device);
            }
        }
        Verdict::Applied(id, if given == name { Outcome::Applied } else { Outcome::Renamed })
    }

    fn delete(
        &mut self,
        device: DeviceId,
        id: ItemId,
        seen_token: Option<&str>,
        (content, place): (&Seen, &Seen),
        now: Timestamp,
    ) -> Verdict {
        if !self.is_live(id) {
            return Verdict::Applied(id, Outcome::Unchanged);
        }
        let entry = &self.items[&id];
        if !content.covers(entry.content) && entry.item.kind == ItemKind::File || !place.covers(entry.place) {
            return Verdict::Applied(id, Outcome::Unchanged);
        }
        let seen = seen_token.and_then(|token| self.position(Some(token)).ok()).unwrap_or(0);
        // A folder of theirs joined it, and they did not know that yet.
        let own = Dot { device, count: entry.item.version.get(device) };
        let is_joined = entry.item.kind == ItemKind::Folder && !place.covers(own);
        let by_others = |id: &ItemId| is_joined || self.items[id].by != device;
        let news = |id: &ItemId| self.items[id].fed > seen && by_others(id) && self.is_live(*id);
        let later: Vec<ItemId> = self.below(id).into_iter().filter(news).collect();
        if later.is_empty() && !is_joined {
            self.items.get_mut(&id).expect("it is there").item.deleted_at = Some(now);
            self.input(id, device, false, true);
            return Verdict::Applied(id, Outcome::Applied);
        }
        // What came in after the deleter looked lives, with the folders that it needs.
        let mut kept: Ids = later.iter().flat_map(|id| self.above(*id)).chain([id]).collect();
        for survivor in &later {
            kept.extend([*survivor]);
            kept.extend(self.below(*survivor));
        }
        for below in self.below(id) {
            let topmost = !kept.contains(&below) && kept.contains(&self.items[&below].item.parent_id);
            if topmost && self.is_live(below) {
                self.items.get_mut(&below).expect("it is there").item.deleted_at = Some(now);
                self.feed(below, device);
            }
        }
        self.feed(id, device);
        Verdict::Applied(id, Outcome::Merged)
    }
}
