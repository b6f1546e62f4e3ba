//! Albums that a person arranges. An album is sorted by when its photos were taken, the latest first; what a person
//! puts elsewhere gets another time, which stands in for that there.

use std::collections::BTreeSet;

use crate::ids::ItemId;
use crate::photo::WallTime;

/// How far from its end something is put beyond it, in milliseconds.
const STEP_MS: i64 = 60_000;
/// Where others have to make room, they get so much that it lasts for a while, in milliseconds.
const SPACE_MS: i64 = 32;

/// A photo and the time that it is sorted by.
pub type Sorted = (ItemId, WallTime);

/// Where photos are moved to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Before so many of those that stay where they are.
    After(usize),
    /// One place back, one place on, or to one of the ends.
    Back,
    On,
    First,
    Last,
}

/// What it takes to move photos.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The place of the first of them then.
    pub place: usize,
    /// The times that they get, and those others that have to make room; none where all stay where they are.
    pub times: Vec<Sorted>,
}

/// Moves some photos of an album, which stay in their order and come together. None where it has none of them.
pub fn arrange(album: &[Sorted], moving: &BTreeSet<ItemId>, to: Move) -> Option<Moved> {
    let is_moving = |photo: &Sorted| moving.contains(&photo.0);
    let first = album.iter().position(is_moving)?;
    let last = album.iter().rposition(is_moving)?;
    let (moved, others): (Vec<Sorted>, Vec<Sorted>) = album.iter().copied().partition(is_moving);
    let place = match to {
        Move::After(others_before) => others_before.min(others.len()),
        Move::Back => first.saturating_sub(1),
        Move::On => (last + 2 - moved.len()).min(others.len()),
        Move::First => 0,
        Move::Last => others.len(),
    };
    let stays = place == first && last + 1 - first == moved.len();
    let times = if stays { Vec::new() } else { times(&others, &moved, place) };
    Some(Moved { place, times })
}

/// The times for what comes between others. Where there is no room, as few of them as possible move aside.
fn times(others: &[Sorted], moved: &[Sorted], place: usize) -> Vec<Sorted> {
    let between = |from: usize, until: usize, space: i64| {
        let photos = others[from..place].iter().chain(moved).chain(&others[place..until]);
        let count = (until - from + moved.len()) as i64;
        let above = from.checked_sub(1).map(|above| others[above].1);
        let below = others.get(until).map(|below| below.1);
        let (top, step) = Some(step(above, below, count)).filter(|(_, step)| *step >= space)?;
        let at = |number: i64| WallTime::from_millis(top - step * number);
        Some(photos.zip(1..).map(|(photo, number)| (photo.0, at(number))).collect::<Vec<_>>())
    };
    // Beyond an end there is room: one of them is reached.
    let mut aside = (1..=others.len()).flat_map(|count| {
        let up = (count <= place).then(|| (place - count, place));
        let down = (count <= others.len() - place).then(|| (place, place + count));
        up.into_iter().chain(down)
    });
    let spread = || aside.find_map(|(from, until)| between(from, until, SPACE_MS));
    between(place, place, 1).or_else(spread).unwrap_or_default()
}

/// From where on, and how far apart, so many stand between two times, or beyond one, which they do not take; in
/// milliseconds.
fn step(above: Option<WallTime>, below: Option<WallTime>, count: i64) -> (i64, i64) {
    let [least, most] = [i64::MIN, i64::MAX].map(|end| WallTime::from_millis(end).as_millis());
    let beyond = STEP_MS * (count + 1);
    let [above, below] = [above, below].map(|at| at.map(WallTime::as_millis));
    let (top, bottom) = match (above, below) {
        (Some(above), Some(below)) => (above, below),
        (Some(above), None) => (above, (above - beyond).max(least - 1)),
        (None, Some(below)) => ((below + beyond).min(most + 1), below),
        (None, None) => (beyond, 0),
    };
    (top, (top - bottom) / (count + 1))
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn id(n: u128) -> ItemId {
        ItemId(Uuid::from_u128(n))
    }

    fn sorted(mut photos: Vec<Sorted>) -> Vec<Sorted> {
        photos.sort_unstable_by_key(|&(id, at)| Reverse((at, id)));
        photos
    }

    /// An album of photos of these milliseconds, by descending ids.
    fn album(ms: &[i64]) -> Vec<Sorted> {
        let photos = ms.iter().zip(1..).map(|(ms, n)| (id(1_000 - n), WallTime::from_millis(*ms)));
        sorted(photos.collect())
    }

    fn with(album: &[Sorted], times: &[Sorted]) -> Vec<Sorted> {
        let times: BTreeMap<ItemId, WallTime> = times.iter().copied().collect();
        sorted(album.iter().map(|&(id, at)| (id, times.get(&id).copied().unwrap_or(at))).collect())
    }

    fn ids(album: &[Sorted]) -> Vec<ItemId> {
        album.iter().map(|photo| photo.0).collect()
    }

    fn only(id: ItemId) -> BTreeSet<ItemId> {
        BTreeSet::from([id])
    }

    #[test]
    fn one_that_is_put_between_two_has_the_time_between_theirs() {
        let photos = album(&[9_000, 5_000, 1_000]);
        let [first, second, third] = ids(&photos)[..] else { panic!("three") };
        let to = |id, to| arrange(&photos, &only(id), to).unwrap();
        let at = |id, ms| vec![(id, WallTime::from_millis(ms))];
        assert_eq!(to(third, Move::After(1)), Moved { place: 1, times: at(third, 7_000) });
        assert_eq!(to(third, Move::Back), to(third, Move::After(1)));
        assert_eq!(to(third, Move::First), Moved { place: 0, times: at(third, 69_000) });
        assert_eq!(to(first, Move::On), Moved { place: 1, times: at(first, 3_000) });
        assert_eq!(to(first, Move::Last), Moved { place: 2, times: at(first, -59_000) });
        assert_eq!(to(second, Move::After(1)), Moved { place: 1, times: Vec::new() });
        assert_eq!(to(first, Move::Back), Moved { place: 0, times: Vec::new() });
        assert_eq!(to(third, Move::On), Moved { place: 2, times: Vec::new() });
        assert_eq!(arrange(&photos, &only(id(7)), Move::First), None);
    }

    #[test]
    fn the_shorter_side_of_photos_of_one_time_makes_room() {
        let photos = album(&[90_000, 5_000, 5_000, 5_000, 5_000, 5_000, 5_000, 1_000]);
        let moved = arrange(&photos, &only(photos[7].0), Move::After(3)).unwrap();
        let others: Vec<ItemId> = moved.times.iter().map(|photo| photo.0).collect();
        assert_eq!(others, [photos[1].0, photos[2].0, photos[7].0]);
        assert_eq!(ids(&with(&photos, &moved.times))[3], photos[7].0);
    }

    #[test]
    fn what_is_put_into_one_gap_again_and_again_moves_few_others() {
        let mut photos = album(&(0..60).map(|n| n * 1_000).collect::<Vec<_>>());
        let mut others = 0;
        for _ in 0..200 {
            let last = photos.last().unwrap().0;
            let Moved { place, times } = arrange(&photos, &only(last), Move::After(20)).unwrap();
            others += times.len() - 1;
            photos = with(&photos, &times);
            assert_eq!((place, photos[20].0), (20, last));
        }
        assert!(others < 1_000, "{others} others");
    }

    proptest! {
        #[test]
        fn photos_come_where_they_are_put_and_nothing_else_changes(
            ms in proptest::collection::vec(prop_oneof![
                0_i64..4, 0_i64..1_000_000, Just(i64::MIN), Just(i64::MAX), Just(i64::MAX - 1)
            ], 1..40),
            moving in proptest::collection::vec(any::<prop::sample::Index>(), 1..6),
            to in any::<prop::sample::Index>(), way in 0..5,
        ) {
            let photos = album(&ms);
            let moving: BTreeSet<ItemId> = moving.iter().map(|index| index.get(&photos).0).collect();
            let others: Vec<ItemId> = ids(&photos).into_iter().filter(|id| !moving.contains(id)).collect();
            let to = match way {
                0 => Move::Back,
                1 => Move::On,
                2 => Move::First,
                3 => Move::Last,
                _ => Move::After(to.index(others.len() + 1)),
            };
            let Moved { place, times } = arrange(&photos, &moving, to).unwrap();
            let together = ids(&photos).into_iter().filter(|id| moving.contains(id));
            let mut expected = others.clone();
            expected.splice(place..place, together);
            if times.is_empty() {
                prop_assert_eq!(ids(&photos), expected);
            } else {
                prop_assert_eq!(ids(&with(&photos, &times)), expected);
            }
            if let Move::After(before) = to {
                prop_assert_eq!(place, before);
            }
        }
    }
}
