//! What lives, what is in the trash, and where things are.

use std::collections::{BTreeMap, BTreeSet};

use server::db::items::ItemRow;
use server::ops::push::{Answer, PreparedChange, PreparedKind};
use shared::{ContentHash, DeviceId, ErrorCode, ItemId, ItemKind, Timestamp};

use super::commits::{Changed, kind, undone};
use super::{DeleteView, Invariant, Oracle};

impl Oracle {
    /// What went into the trash by this write.
    fn died<'a>(changed: &Changed<'a>) -> Vec<&'a ItemRow> {
        let moved = |(old, row): &(Option<&ItemRow>, &ItemRow)| {
            old.is_some_and(|old| old.holds_name() != row.holds_name() || old.parent_id != row.parent_id)
        };
        if !changed.items.iter().any(moved) {
            return Vec::new();
        }
        let died = |row: &&ItemRow| changed.before.is_live(row.id) && !changed.after.is_live(row.id);
        changed.before.items.values().map(|row| &**row).filter(died).collect()
    }

    /// A delete takes what its maker had seen, and their own; nothing else.
    pub(super) fn deaths(
        &mut self,
        changed: &Changed<'_>,
        client: Option<usize>,
        device: DeviceId,
        fresh: &[(&PreparedChange, &Answer)],
    ) {
        let died = Self::died(changed);
        if died.is_empty() {
            return;
        }
        let deletes: BTreeSet<ItemId> = fresh
            .iter()
            .filter(|(change, answer)| {
                matches!(kind(change), Some(PreparedKind::Delete { .. } | PreparedKind::Purge))
                    && !matches!(answer, Answer::Failed(_))
            })
            .map(|(change, _)| changed.after.resolve(change.file_id))
            .collect();
        for row in died {
            let by = changed.after.chain(row.id).map(|above| above.id).find(|id| deletes.contains(id));
            let by =
                by.or_else(|| changed.before.chain(row.id).map(|a| a.id).find(|id| deletes.contains(id)));
            let Some(by) = by else {
                self.fail(Invariant::DeviceRemoval, || format!("{} went into the trash, unasked", row.id));
                return;
            };
            // It may have known the item by more ids than one.
            let views: Vec<&DeleteView> = self
                .deletes
                .iter()
                .filter(|((of, id), _)| Some(*of) == client && changed.after.resolve(*id) == by)
                .flat_map(|(_, views)| views)
                .collect();
            if views.is_empty() {
                continue;
            }
            let own_content = row.content_hash.is_some_and(|content| {
                let edit = self.edits.get(&self.form(content));
                edit.is_some_and(|edit| Some(edit.client) == client)
            });
            let own = own_content
                || client.is_some_and(|client| self.risen.get(&row.id) == Some(&(client, row.content_hash)))
                || self.creators.get(&row.id).copied() == client
                || row.content_dot.device == device;
            let seen_so = |seen: &Option<ContentHash>| match (row.kind, seen, row.content_hash) {
                (ItemKind::File, Some(seen), Some(content)) => {
                    self.had_seen(self.form(*seen), self.form(content)) != Some(false)
                }
                _ => true,
            };
            // What they deleted by itself, too: refused, it stays until this takes it.
            let by_itself = self
                .deletes
                .iter()
                .filter(|((of, id), _)| Some(*of) == client && changed.after.resolve(*id) == row.id);
            let by_itself = by_itself.flat_map(|(_, views)| views);
            let mut seen_in = views.iter().copied().chain(by_itself);
            let seen = seen_in.any(|view| view.get(&row.id).is_some_and(seen_so));
            // An alias may have been what the device knew it by, be it since this very write.
            let aliased =
                changed.after.aliases.iter().any(|(alias, to)| {
                    to.item == row.id && views.iter().any(|view| view.contains_key(alias))
                });
            // Both sides of an open conflict outlive the delete, and somebody is asked.
            let asked =
                changed.after.conflicts.values().any(|conflict| {
                    conflict.item_id == row.id && conflict.resolved_at.is_none() && row.id != by
                });
            let named = fresh.iter().filter(|(change, _)| {
                matches!(kind(change), Some(PreparedKind::Delete { .. } | PreparedKind::Purge))
                    && changed.after.resolve(change.file_id) == by
            });
            let named: Vec<ItemId> = named.map(|(change, _)| change.file_id).collect();
            let moved = row.id == by && self.moved_unseen(changed, client, device, (row, &named));
            self.check(Invariant::NoLostUpdate, !moved, || {
                format!(
                    "{} was moved and went into the trash by a delete whose maker had not seen that",
                    row.id
                )
            });
            self.check(Invariant::NoLostUpdate, own || seen || aliased || asked, || {
                format!("{} went into the trash by a delete of {by} whose maker had not seen it so", row.id)
            });
        }
    }

    /// Whether the item that somebody deleted is no longer where they saw it.
    fn moved_unseen(
        &self,
        changed: &Changed<'_>,
        client: Option<usize>,
        device: DeviceId,
        (row, named): (&ItemRow, &[ItemId]),
    ) -> bool {
        let noted = |client: usize| named.iter().find_map(|id| self.deleted_from.get(&(client, *id)));
        let Some((parent, name)) = client.and_then(noted) else {
            return false;
        };
        let seen = (changed.before.resolve(*parent), name.as_str()) == (row.parent_id, row.name.as_str());
        !seen && !self.restored && row.place_dot.device != device
    }

    /// Where something stood when it was deleted says nothing of a later delete.
    pub(super) fn forget_judged_deletes(
        &mut self,
        client: Option<usize>,
        fresh: &[(&PreparedChange, &Answer)],
    ) {
        let Some(client) = client else { return };
        for (change, _) in fresh {
            if matches!(kind(change), Some(PreparedKind::Delete { .. })) {
                self.deleted_from.remove(&(client, change.file_id));
            }
        }
    }

    /// Whatever was put, moved, edited or restored lives.
    pub(super) fn accepted_lives(&mut self, changed: &Changed<'_>, fresh: &[(&PreparedChange, &Answer)]) {
        let takes = |change: &PreparedChange| {
            matches!(kind(change), Some(PreparedKind::Delete { .. } | PreparedKind::Purge))
        };
        if fresh.iter().any(|(change, _)| takes(change)) {
            return;
        }
        for (change, answer) in fresh {
            // What is said of a photo is said of it in the trash, too.
            let lives =
                |kind: &PreparedKind| !matches!(kind, PreparedKind::Photo(_) | PreparedKind::Album(..));
            if matches!(answer, Answer::Failed(_)) || !kind(change).is_some_and(lives) {
                continue;
            }
            let id = changed.after.resolve(change.file_id);
            let lives = changed.after.is_live(id);
            self.check(Invariant::NoLostUpdate, lives, || format!("{id} was changed and is not there"));
        }
    }

    /// A restore brings back everything that went with the same delete.
    pub(super) fn pieces_restored(&mut self, changed: &Changed<'_>, fresh: &[(&PreparedChange, &Answer)]) {
        let takes = |(change, answer): &(&PreparedChange, &Answer)| {
            matches!(answer, Answer::Failed(_))
                || matches!(kind(change), Some(PreparedKind::Delete { .. } | PreparedKind::Purge))
        };
        if fresh.iter().any(takes) {
            return;
        }
        let undone = undone(fresh, changed.before);
        let is_undone = |row: &ItemRow| row.deleted.is_some_and(|by| undone.contains(&by));
        // Its folder may be in the trash by another delete, which leaves it there.
        let stayed = changed.after.items.values().find(|row| is_undone(row)).map(|row| row.id);
        self.check(Invariant::Inverse, stayed.is_none(), || {
            format!("{stayed:?} stayed in the trash when its delete was undone")
        });
    }

    /// Nobody is told that something is not there that is.
    pub(super) fn refusals(
        &mut self,
        changed: &Changed<'_>,
        fresh: &[(&PreparedChange, &Answer)],
        answers: &[Answer],
        now: Timestamp,
    ) {
        for answer in answers {
            self.check(Invariant::Idempotence, !answer.is_of_another(), || {
                format!("two changes share an id: {answer:?}")
            });
        }
        for (change, answer) in fresh {
            match answer {
                Answer::Applied(applied)
                    if matches!(
                        kind(change),
                        Some(PreparedKind::CreateFolder(_) | PreparedKind::Create(..))
                    ) =>
                {
                    self.memory.known.insert(change.file_id, (applied.item.id(), now));
                }
                Answer::Failed(error) => {
                    let missing = match error.code {
                        ErrorCode::NotFound => Some(change.file_id),
                        ErrorCode::ParentNotFound => kind(change).and_then(|kind| match kind {
                            PreparedKind::CreateFolder(new) | PreparedKind::Create(new, _) => {
                                Some(new.parent_id)
                            }
                            PreparedKind::Move { parent_id, .. } | PreparedKind::Restore { parent_id } => {
                                *parent_id
                            }
                            PreparedKind::Album(album, _) => Some(*album),
                            _ => None,
                        }),
                        _ => None,
                    };
                    let invalid = error.code == ErrorCode::InvalidBase && !self.restored;
                    self.check(Invariant::Vectors, !invalid, || {
                        format!("a base of {} was refused", change.file_id)
                    });
                    let known = missing.is_some_and(|id| self.is_known(changed, id, now));
                    self.check(Invariant::Durable, !known, || format!("{missing:?} is said not to be there"));
                }
                _ => {}
            }
        }
    }

    /// Whether the server has to know this id still.
    fn is_known(&self, changed: &Changed<'_>, id: ItemId, now: Timestamp) -> bool {
        const REMEMBERED: std::time::Duration = std::time::Duration::from_hours(24 * 150);
        let Some(&(target, since)) = self.memory.known.get(&id) else { return false };
        let purged = |id: ItemId| {
            self.memory.purged.contains_key(&id)
                || changed.after.items.get(&id).is_some_and(|row| row.purged_at.is_some())
        };
        now.since(since) < REMEMBERED && !self.clock_lied && !purged(id) && !purged(target)
    }

    /// What came out of the trash by this write was meant to.
    pub(super) fn revivals(
        &mut self,
        changed: &Changed<'_>,
        (targets, folders): (&BTreeSet<ItemId>, &BTreeSet<ItemId>),
        along: &BTreeSet<ItemId>,
    ) {
        let rose = |(old, row): &&(Option<&ItemRow>, &ItemRow)| {
            old.is_some() && !changed.before.is_live(row.id) && changed.after.is_live(row.id)
        };
        let rose: Vec<ItemId> = changed.items.iter().filter(rose).map(|(_, row)| row.id).collect();
        if rose.is_empty() {
            return;
        }
        // A batch may change something where it was, then move it away.
        let needed: BTreeSet<ItemId> = targets
            .iter()
            .chain(folders)
            .flat_map(|id| changed.after.chain(*id).chain(changed.before.chain(*id)))
            .map(|row| row.id)
            .collect();
        for id in rose {
            let below =
                changed.after.chain(id).any(|above| targets.contains(&above.id) || along.contains(&above.id));
            let along_needs =
                || along.iter().any(|&along| changed.after.chain(along).any(|above| above.id == id));
            let meant = needed.contains(&id) || below || along_needs();
            self.check(Invariant::DeviceRemoval, meant, || format!("{id} came back, unasked"));
        }
    }

    /// Of two moves that did not know of each other the first stands.
    pub(super) fn first_move_stands(
        &mut self,
        changed: &Changed<'_>,
        client: Option<usize>,
        device: DeviceId,
        fresh: &[(&PreparedChange, &Answer)],
    ) {
        let mut times: BTreeMap<ItemId, usize> = BTreeMap::new();
        for (change, _) in fresh {
            *times.entry(changed.after.resolve(change.file_id)).or_default() += 1;
        }
        for (change, _) in fresh {
            let Some(PreparedKind::Move { .. }) = kind(change) else { continue };
            let id = change.file_id;
            let (Some(before), Some(after)) = (changed.before.items.get(&id), changed.after.items.get(&id))
            else {
                continue;
            };
            let Some((parent, name)) = client.and_then(|client| self.moves.get(&(client, id))) else {
                continue;
            };
            let seen =
                (changed.before.resolve(*parent), name.as_str()) == (before.parent_id, before.name.as_str());
            let moved = (after.parent_id, &after.name) != (before.parent_id, &before.name);
            // What was noted of an earlier move says nothing of one that builds on an operation.
            let builds = change.body.as_ref().is_ok_and(|body| body.base.base_operation_id.is_some());
            let fine = seen
                || builds
                || !moved
                || self.restored
                || times[&changed.after.resolve(id)] > 1
                || before.place_dot.device == device
                || !changed.before.is_live(id);
            self.check(Invariant::NoLostUpdate, fine, || {
                format!("{id} was moved from where its mover had not seen it")
            });
        }
    }
}
