use shared::ItemId;
use shared::photo::{Location, PhotoEdit, WallTime};

/// The first and the last wall time that can be written: the years 0 to 9999.
const FIRST: i64 = -62_167_219_200_000;
const LAST: i64 = 253_402_300_799_999;

/// What a person changes of when and where some photos were taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Adjustment {
    /// Milliseconds by which all of them were later.
    pub later: i64,
    /// Another place, or none; nothing where each keeps its own.
    #[expect(clippy::option_option, reason = "as in the edit that it becomes")]
    pub location: Option<Option<Location>>,
}

/// A date that some of the photos cannot have, or none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidDate;

impl Adjustment {
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// What is said of each photo, given when it was taken.
    pub fn edits(self, photos: &[(ItemId, WallTime)]) -> impl Iterator<Item = (ItemId, PhotoEdit)> {
        photos.iter().map(move |&(id, taken_at)| {
            let taken_at = (self.later != 0).then(|| Some(shifted(taken_at, self.later)));
            (id, PhotoEdit { taken_at, location: self.location, ..PhotoEdit::default() })
        })
    }
}

fn shifted(at: WallTime, by: i64) -> WallTime {
    WallTime::from_millis(at.as_millis() + by)
}

/// As `<input type="datetime-local">` has it: to the second.
pub fn date_for_input(at: WallTime) -> String {
    at.to_string().chars().take(19).collect()
}

/// How much later all of them were, where the earliest was taken at what was entered.
pub fn later_by(entered: &str, photos: &[(ItemId, WallTime)]) -> Result<i64, InvalidDate> {
    let times = || photos.iter().map(|(_, at)| *at);
    let (Some(earliest), Some(latest)) = (times().min(), times().max()) else { return Ok(0) };
    if entered == date_for_input(earliest) {
        return Ok(0);
    }
    // Without seconds where they are none.
    let full = if entered.len() == 16 { format!("{entered}:00") } else { entered.to_owned() };
    let entered: WallTime = full.parse().map_err(|_| InvalidDate)?;
    // What is less than a second stays.
    let whole = earliest.as_millis() - earliest.as_millis().rem_euclid(1_000);
    let later = entered.as_millis() - whole;
    let is_possible = |at: WallTime| (FIRST..=LAST).contains(&(at.as_millis() + later));
    (is_possible(earliest) && is_possible(latest)).then_some(later).ok_or(InvalidDate)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn photos(times: &[&str]) -> Vec<(ItemId, WallTime)> {
        let id = |n: usize| ItemId(Uuid::from_u128(n as u128));
        times.iter().enumerate().map(|(n, at)| (id(n), at.parse().unwrap())).collect()
    }

    fn after(photos: &[(ItemId, WallTime)], entered: &str) -> Vec<String> {
        let later = later_by(entered, photos).unwrap();
        let edits = Adjustment { later, location: None }.edits(photos);
        edits.map(|(_, edit)| edit.taken_at.unwrap().unwrap().to_string()).collect()
    }

    #[test]
    fn one_gets_the_date_and_many_keep_what_is_between_them() {
        let one = photos(&["2024-05-01T18:30:00.250"]);
        assert_eq!(date_for_input(one[0].1), "2024-05-01T18:30:00");
        assert_eq!(later_by("2024-05-01T18:30:00", &one), Ok(0));
        assert_eq!(after(&one, "2023-01-02T03:04:05"), ["2023-01-02T03:04:05.250"]);
        assert_eq!(after(&one, "2025-01-02T03:04"), ["2025-01-02T03:04:00.250"]);
        let many = photos(&["2024-05-01T18:30:00", "2024-04-30T10:00:00", "2024-05-03T00:00:00.001"]);
        let expected = ["2024-05-02T18:30:01.000", "2024-05-01T10:00:01.000", "2024-05-04T00:00:01.001"];
        assert_eq!(after(&many, "2024-05-01T10:00:01"), expected);
        assert_eq!(later_by("2024-05-01T10:00", &[]), Ok(0));
    }

    #[test]
    fn dates_that_cannot_be_written_are_none() {
        let many = photos(&["0001-01-01T00:00:00", "2024-01-01T00:00:00"]);
        for wrong in ["", "yesterday", "2024-02-30T00:00", "2024-05-01T10:00:00Z", "9000-01-01T00:00"] {
            assert_eq!(later_by(wrong, &many), Err(InvalidDate), "{wrong}");
        }
        assert!(later_by("9999-12-31T23:59:59", &many[1..]).is_ok());
        assert!(later_by("0000-01-01T00:00", &many).is_ok());
    }

    #[test]
    fn what_is_not_changed_is_not_said() {
        let one = photos(&["2024-05-01T18:30:00"]);
        let removed = Adjustment { later: 0, location: Some(None) };
        let edits: Vec<_> = removed.edits(&one).map(|(_, edit)| edit).collect();
        assert_eq!(edits, [PhotoEdit { location: Some(None), ..PhotoEdit::default() }]);
        assert!(Adjustment::default().is_nothing() && !removed.is_nothing());
    }
}
