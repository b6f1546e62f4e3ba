//! Photos: what people say of them, and what their pictures tell.

use shared::faults::Fault;
use shared::frames::{FileAction, ServerEvent};
use shared::photo::{Photo, PhotoEdit};
use shared::sync::{Outcome, ZoneKind};
use shared::{ContentHash, ErrorCode, ItemId};

use super::PushContext;
use super::change::{Done, End, Judged, NewItem, PreparedContent};
use super::judge::{Basis, Judge, News, refuse};
use super::overlay::{Overlay, Write};
use super::store::{SqlStore, ZoneStore};
use crate::access::Grant;
use crate::db::DbError;
use crate::db::items::ItemRow;
use crate::db::photos::{Found, PhotoRecord, Place};
use crate::error::ApiResult;
use crate::places;
use crate::state::App;

impl<S: ZoneStore> Judge<'_, '_, S> {
    /// What is known of a new file in a library of photos.
    pub(super) fn new_photo(&self, new: &NewItem) -> Option<Box<PhotoRecord>> {
        let said = PhotoEdit { taken_at: new.taken_at.map(Some), ..PhotoEdit::default() };
        let is_library = self.context.grant.kind == ZoneKind::Photos;
        is_library.then(|| Box::new(PhotoRecord { said, ..PhotoRecord::default() }))
    }

    /// The photo of the library that has this content already.
    pub(super) async fn equal_photo(
        &mut self,
        content: &PreparedContent,
    ) -> Result<Option<ItemRow>, DbError> {
        if self.context.grant.kind != ZoneKind::Photos || Fault::EqualPhotosAreTwo.is_planted() {
            return Ok(None);
        }
        for photo in self.zone.photos_of_size(content.size(), content.hash).await? {
            if self.equal_to_item(&photo, content) && !self.zone.is_deleted(photo.id).await? {
                return Ok(Some(photo));
            }
        }
        Ok(None)
    }

    /// The last to arrive wins, field by field, whatever it was made on.
    pub(super) fn say_of_photo(
        &mut self,
        mut item: ItemRow,
        mut basis: Basis,
        edit: &PhotoEdit,
    ) -> Judged<Done> {
        let Some(photo) = &mut item.photo else {
            return refuse(
                ErrorCode::NotAPhoto,
                "Only what is in the photo library can be described so. Put it there first.",
            );
        };
        photo.said = if Fault::LastWordIsAll.is_planted() { *edit } else { photo.said.followed_by(edit) };
        name_place(&mut item);
        let dot = self.zone.issue(&mut item);
        basis.content.learn(dot);
        basis.place.learn(dot);
        let id = item.id;
        self.zone.put(item, if Fault::PhotoIsUntold.is_planted() { Write::Quiet } else { Write::Bump });
        self.news.push(News::File(id, FileAction::Updated));
        Ok(Done { item_id: id, end: End::Applied(Outcome::Applied), chain: basis.chain(id) })
    }

    /// What the picture told; None makes it be looked at again. Nothing, where the photo has another content by
    /// now.
    async fn note_found(
        &mut self,
        id: ItemId,
        content: ContentHash,
        found: Option<Found>,
    ) -> Result<Option<Photo>, DbError> {
        let Some(mut item) = self.zone.item(id).await? else { return Ok(None) };
        let Some(photo) = item.photo.as_mut().filter(|_| item.content_hash == Some(content)) else {
            return Ok(None);
        };
        let was_looked_at = found.is_some();
        photo.found = found;
        name_place(&mut item);
        self.zone.issue(&mut item);
        self.zone.put(item, Write::Bump);
        if was_looked_at {
            self.pair(id).await?;
        }
        Ok(self.zone.item(id).await?.and_then(|item| item.to_photo()))
    }
}

/// Keeps what the place is called with the location that counts.
fn name_place(item: &mut ItemRow) {
    let location = item.photo_info().and_then(|info| info.location);
    let Some(photo) = &mut item.photo else { return };
    if photo.place.as_ref().map(|place| place.at) != location {
        photo.place = location.and_then(|at| Some(Place { at, name: places::name_of(at)? }));
    }
}

/// Writes down what was found of the photo's content, in nobody's name, and tells every device. Answers
/// whether the photo still had that content.
pub async fn write_found(
    app: &App,
    grant: Grant,
    item: ItemId,
    content: ContentHash,
    found: Option<Found>,
) -> ApiResult<bool> {
    let context = PushContext::of_nobody(app, grant);
    let written = app.db.write::<_, DbError, _>(move |connection| {
        let (context, found) = (context.clone(), found.clone());
        Box::pin(async move {
            let mut store = SqlStore::new(connection, grant.zone_id, grant.user_id, grant.account_id);
            let zone = Overlay::open(&mut store, grant.root_id, context.device, context.now).await?;
            let mut judge = Judge::new(zone, &context);
            let photo = judge.note_found(item, content, found).await?;
            judge.zone.save().await?;
            Ok((photo, judge.events().await?, judge.zone.fed()))
        })
    });
    let (photo, mut events, fed) = written.await?;
    let is_current = photo.is_some();
    events.extend(photo.map(|photo| ServerEvent::PhotoReady { photo: Box::new(photo) }));
    app.hub.publish(grant.zone_id, None, events, fed);
    Ok(is_current)
}
