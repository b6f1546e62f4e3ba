use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use shared::ItemId;
use shared::photo::{Aspect, Photo};

use super::{Moved, PhotoCache, PhotoIndex};

/// What this device knows better than an index: which photos left the list, and which stand elsewhere. Brought up
/// to date by what changed, never by looking at everything.
#[derive(Clone, Debug, Default)]
pub struct OwnPhotos {
    /// With their ordinals.
    gone: HashMap<ItemId, u32>,
    /// As they are now, with their ordinals.
    moved: HashMap<ItemId, (u32, Rc<Photo>)>,
    /// None where something changed since.
    laid: Option<Rc<Overlay>>,
}

/// What is laid over an index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlay {
    /// Ordinals that are not shown where they are, ascending.
    pub gone: Vec<u32>,
    /// Photos that stand elsewhere, in their order, and what each is.
    pub moved: Vec<Moved>,
    pub photos: Vec<Rc<Photo>>,
    /// Whether a person put any of them where it is.
    pub is_arranged: bool,
}

/// How a photo stands.
#[derive(Clone, Debug)]
pub enum Stand {
    /// As the index has it, as far as this device knows.
    Listed,
    Gone,
    /// Elsewhere than the index has it.
    Moved(Rc<Photo>),
}

impl OwnPhotos {
    /// How a photo stands, and where it is in the index, if that is known. Answers whether anything is otherwise
    /// than before.
    pub fn note(&mut self, id: ItemId, ordinal: Option<usize>, stand: Stand) -> bool {
        let ordinal = ordinal.map(|ordinal| ordinal as u32);
        let is_other = match (stand, ordinal) {
            (Stand::Listed, _) => self.gone.remove(&id).is_some() | self.moved.remove(&id).is_some(),
            (Stand::Gone, Some(ordinal)) => {
                self.moved.remove(&id).is_some() | (self.gone.insert(id, ordinal) != Some(ordinal))
            }
            (Stand::Moved(photo), Some(ordinal)) => {
                let is_same = self.moved.get(&id).is_some_and(|(_, known)| **known == *photo);
                self.moved.insert(id, (ordinal, photo));
                let was_gone = self.gone.remove(&id).is_some();
                was_gone || !is_same
            }
            (Stand::Gone | Stand::Moved(_), None) => false,
        };
        if is_other {
            self.laid = None;
        }
        is_other
    }

    /// Photos came for some ordinals: what was thought to be there and is not, is forgotten.
    pub fn came(&mut self, ordinals: &Range<usize>, cache: &PhotoCache, index: &PhotoIndex) {
        let before = self.gone.len() + self.moved.len();
        let is_there = |id: ItemId, ordinal: u32| {
            let ordinal = ordinal as usize;
            !ordinals.contains(&ordinal) || cache.find(index, id) == Some(ordinal)
        };
        self.gone.retain(|id, ordinal| is_there(*id, *ordinal));
        self.moved.retain(|id, (ordinal, _)| is_there(*id, *ordinal));
        // Where others stand is told by what is known around them.
        if self.gone.len() + self.moved.len() != before || !self.moved.is_empty() {
            self.laid = None;
        }
    }

    /// Those of which something is known that the index does not have.
    pub fn ids(&self) -> Vec<ItemId> {
        self.gone.keys().chain(self.moved.keys()).copied().collect()
    }

    /// Photos that stand elsewhere, as they are now.
    pub fn moved(&self) -> Vec<Rc<Photo>> {
        self.moved.values().map(|(_, photo)| photo.clone()).collect()
    }

    /// The same one as long as nothing changed.
    pub fn overlay(&mut self, cache: &PhotoCache, index: &PhotoIndex) -> Rc<Overlay> {
        if let Some(laid) = &self.laid {
            return laid.clone();
        }
        let mut gone: Vec<u32> =
            self.gone.values().copied().chain(self.moved.values().map(|(ordinal, _)| *ordinal)).collect();
        gone.sort_unstable();
        gone.dedup();
        let mut photos = self.moved();
        photos.sort_by_key(|photo| Reverse(index.rank(photo)));
        let place = |photo: &Rc<Photo>| Moved {
            before: cache.place_for(index, photo) as u32,
            day: index.day_of(photo),
            aspect: Aspect::of(photo.info.width.unwrap_or(0), photo.info.height.unwrap_or(0)),
        };
        let mut moved: Vec<Moved> = photos.iter().map(place).collect();
        // What is not known between them may not turn their order round.
        let mut least = 0;
        for moved in &mut moved {
            moved.before = moved.before.max(least);
            least = moved.before;
        }
        let is_arranged = photos.iter().any(|photo| index.is_placed(photo));
        self.laid.insert(Rc::new(Overlay { gone, moved, photos, is_arranged })).clone()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::cache::tests::photo;
    use super::super::index::tests::named;
    use super::*;

    fn id(n: u128) -> ItemId {
        ItemId(Uuid::from_u128(n))
    }

    #[test]
    fn what_is_taken_away_is_gone_until_it_is_back_or_the_index_knows() {
        let (mut own, cache, index) = (OwnPhotos::default(), PhotoCache::default(), PhotoIndex::default());
        assert!(!own.note(id(1), Some(7), Stand::Listed) && !own.note(id(1), None, Stand::Gone));
        assert!(own.note(id(1), Some(7), Stand::Gone) && own.note(id(2), Some(3), Stand::Gone));
        assert!(!own.note(id(2), Some(3), Stand::Gone));
        let both = own.overlay(&cache, &index);
        assert_eq!(both.gone, [3, 7]);
        assert!(Rc::ptr_eq(&both, &own.overlay(&cache, &index)));
        assert!(!own.note(id(2), None, Stand::Gone), "still, wherever it is");
        assert!(own.note(id(2), None, Stand::Listed));
        assert_eq!(own.overlay(&cache, &index).gone, [7]);

        let index = named(&[("", vec![1, 1, 1])], 5);
        let mut cache = PhotoCache::default();
        own.note(id(1), Some(1), Stand::Gone);
        cache.put(0, vec![photo(4, 5), photo(1, 5), photo(6, 5)], true);
        own.came(&(0..3), &cache, &index);
        assert_eq!(own.overlay(&cache, &index).gone, [1]);
        cache.put(0, vec![photo(4, 5), photo(7, 5), photo(6, 5)], true);
        own.came(&(0..3), &cache, &index);
        assert_eq!(*own.overlay(&cache, &index), Overlay::default(), "another photo is there");
    }

    #[test]
    fn what_has_another_date_stands_there() {
        let index = named(&[("", vec![128, 128, 128])], 5);
        let mut cache = PhotoCache::default();
        cache.put(0, vec![photo(10, 5), photo(20, 5), photo(30, 5)], true);
        let mut own = OwnPhotos::default();
        assert!(own.note(id(10), Some(0), Stand::Moved(photo(25, 5))));
        assert!(!own.note(id(10), Some(0), Stand::Moved(photo(25, 5))));
        assert!(own.note(id(20), Some(1), Stand::Moved(photo(1, 9))));
        let laid = own.overlay(&cache, &index);
        assert_eq!(laid.gone, [0, 1]);
        let moved: Vec<_> = laid.moved.iter().map(|moved| (moved.before, moved.day.0)).collect();
        assert_eq!(moved, [(0, 9), (2, 5)]);
        assert_eq!(laid.photos[0].file_name, "1.jpg");
        assert!(own.note(id(10), Some(0), Stand::Gone) && own.note(id(20), Some(1), Stand::Listed));
        let laid = own.overlay(&cache, &index);
        assert_eq!((&laid.gone[..], laid.moved.len()), (&[0][..], 0));
    }
}
