//! What a library can be searched by, from what this device knows of its photos.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use app::ports::{PhotoHints, PhotoList, PhotoMarks};
use shared::sync::ZoneKind;

use crate::replica::Replica;

/// Of each kind, at most.
const HINTS_MAX: usize = 12;

impl Replica {
    pub fn photo_hints(&self) -> PhotoHints {
        let (mut years, mut places, mut cameras) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        self.read(|engine| {
            let library = engine.root_of(ZoneKind::Photos);
            for item in library.into_iter().flat_map(|library| engine.children(library)) {
                let Some(info) = item.photo().filter(|info| PhotoList::Library.has(PhotoMarks::of(info)))
                else {
                    continue;
                };
                let year: String = info.taken_at.to_string().chars().take(4).collect();
                *years.entry(year).or_insert(0_usize) += 1;
                // The town alone: its country is as good as none to choose by.
                if let Some(town) = info.place.as_deref().and_then(|place| place.split(',').next()) {
                    *places.entry(town.to_owned()).or_insert(0_usize) += 1;
                }
                if let Some(camera) = &info.camera {
                    *cameras.entry(camera.clone()).or_insert(0_usize) += 1;
                }
            }
        });
        let years = years.into_keys().rev().take(HINTS_MAX).collect();
        PhotoHints { years, places: most(places), cameras: most(cameras) }
    }
}

fn most(counted: BTreeMap<String, usize>) -> Vec<String> {
    let mut counted: Vec<(String, usize)> = counted.into_iter().collect();
    counted.sort_by_key(|(_, count)| Reverse(*count));
    counted.into_iter().take(HINTS_MAX).map(|(name, _)| name).collect()
}
