//! What people search photos by: days, kinds of photos, and words of file names, cameras, lenses and places.

use std::fmt::Write as _;

use time::{Date, Month};

use crate::photo::{PhotoInfo, WallTime};
use crate::photo_index::WallDay;
use crate::unicode::{case_folded, unaccented};

/// The longest query, in characters.
pub const QUERY_CHARS_MAX: usize = 200;
/// The most terms of a query.
pub const QUERY_TERMS_MAX: usize = 16;
/// The longest text that a photo is searched in, in bytes.
const TEXT_BYTES_MAX: usize = 1_000;
/// What four digits are a year of.
const YEARS: std::ops::RangeInclusive<i32> = 1800..=2199;
/// A picture of so many widths to a height is a panorama.
const PANORAMA_RATIO_MIN: f64 = 2.5;
/// Julian day of 1970-01-01.
const EPOCH: i32 = 2_440_588;
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Why a text is no query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPhotoQuery {
    #[error("a search has at most {QUERY_CHARS_MAX} characters")]
    TooLong,
    #[error("a search has at most {QUERY_TERMS_MAX} words")]
    TooManyTerms,
}

/// What a photo can be, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhotoKind {
    Photo,
    Video,
    LivePhoto,
    Panorama,
    Jpeg,
    Png,
    Gif,
    Heic,
    WebP,
    Avif,
    Tiff,
    Mov,
    Mp4,
}

impl PhotoKind {
    /// What people call it; the first is its name.
    const NAMES: [(Self, &[&str]); 13] = [
        (Self::Photo, &["photo", "photos", "picture", "pictures", "image", "images"]),
        (Self::Video, &["video", "videos", "film", "films", "movie", "movies"]),
        (Self::LivePhoto, &["live"]),
        (Self::Panorama, &["panorama", "panoramas", "pano", "panos"]),
        (Self::Jpeg, &["jpeg", "jpg", "jpegs"]),
        (Self::Png, &["png", "pngs"]),
        (Self::Gif, &["gif", "gifs"]),
        (Self::Heic, &["heic", "heif"]),
        (Self::WebP, &["webp"]),
        (Self::Avif, &["avif"]),
        (Self::Tiff, &["tiff", "tif"]),
        (Self::Mov, &["mov", "quicktime"]),
        (Self::Mp4, &["mp4"]),
    ];

    fn called(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(_, names)| names.contains(&name)).map(|(kind, _)| kind)
    }

    fn name(self) -> &'static str {
        Self::NAMES.into_iter().find(|&(kind, _)| kind == self).map_or("", |(_, names)| names[0])
    }

    /// All that a photo is.
    fn of(mime_type: &str, info: &PhotoInfo) -> Vec<Self> {
        let is_video = mime_type.starts_with("video/");
        let mut kinds = vec![if is_video { Self::Video } else { Self::Photo }];
        kinds.extend(match mime_type {
            "image/jpeg" => Some(Self::Jpeg),
            "image/png" => Some(Self::Png),
            "image/gif" => Some(Self::Gif),
            "image/heic" | "image/heif" => Some(Self::Heic),
            "image/webp" => Some(Self::WebP),
            "image/avif" => Some(Self::Avif),
            "image/tiff" => Some(Self::Tiff),
            "video/quicktime" => Some(Self::Mov),
            "video/mp4" => Some(Self::Mp4),
            _ => None,
        });
        kinds.extend(info.live_photo_video.is_some().then_some(Self::LivePhoto));
        let ratio = info.width.zip(info.height).map(|(width, height)| f64::from(width) / f64::from(height));
        let is_wide = !is_video && ratio.is_some_and(|ratio| ratio >= PANORAMA_RATIO_MIN);
        kinds.extend(is_wide.then_some(Self::Panorama));
        kinds
    }
}

/// What a photo's text says of it beside words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Kind(PhotoKind),
    /// Taken in that month of whatever year, on that day of it.
    Month {
        month: u8,
        day: Option<u8>,
    },
}

/// What has to hold of a photo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// Taken from the first day on, before the second.
    Days(WallDay, WallDay),
    /// Or a word begins so.
    Mark(Mark, Option<String>),
    /// A word begins so.
    Word(String),
}

impl Term {
    /// The photo's text has one of these; of days it says nothing.
    fn needles(&self) -> Vec<String> {
        let beginning = |word: &String| format!(" {word}");
        match self {
            Self::Days(..) => Vec::new(),
            Self::Word(word) => vec![beginning(word)],
            Self::Mark(mark, word) => {
                let mark = match *mark {
                    Mark::Kind(kind) => format!(" #{} ", kind.name()),
                    Mark::Month { month, day: None } => format!(" #{month:02}-"),
                    Mark::Month { month, day: Some(day) } => format!(" #{month:02}-{day:02} "),
                };
                std::iter::once(mark).chain(word.as_ref().map(beginning)).collect()
            }
        }
    }
}

/// A search: all of its terms hold. Without any, it finds everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PhotoQuery {
    terms: Vec<Term>,
}

impl PhotoQuery {
    /// Reads what a person typed.
    ///
    /// # Errors
    ///
    /// Where it is too long, or has too many terms.
    pub fn parse(text: &str) -> Result<Self, InvalidPhotoQuery> {
        if text.chars().count() > QUERY_CHARS_MAX {
            return Err(InvalidPhotoQuery::TooLong);
        }
        let text = folded(text);
        let pieces: Vec<&str> =
            text.split(|c: char| c.is_whitespace() || c == ',').filter(|piece| !piece.is_empty()).collect();
        let (mut terms, mut rest) = (Vec::new(), pieces.as_slice());
        while !rest.is_empty() {
            let (term, taken) = match longest(rest) {
                Some((term, taken)) => (vec![term], taken),
                None => (words(rest[0]).map(|word| Term::Word(word.to_owned())).collect(), 1),
            };
            terms.extend(term);
            rest = &rest[taken..];
        }
        if terms.is_empty() && !pieces.is_empty() {
            // Signs alone are in no photo: of no day.
            terms.push(Term::Days(WallDay(0), WallDay(0)));
        }
        if terms.len() > QUERY_TERMS_MAX {
            return Err(InvalidPhotoQuery::TooManyTerms);
        }
        Ok(Self { terms })
    }

    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// It only finds photos of these days, from the first on, before the second.
    pub fn days(&self) -> Option<(WallDay, WallDay)> {
        let days = self.terms.iter().filter_map(|term| match term {
            Term::Days(from, until) => Some((*from, *until)),
            _ => None,
        });
        days.reduce(|(from, until), (next, end)| (from.max(next), until.min(end)))
    }

    /// Of each of these, a photo's [`SearchText`] has one.
    pub fn needles(&self) -> Vec<Vec<String>> {
        self.terms.iter().map(Term::needles).filter(|needles| !needles.is_empty()).collect()
    }

    pub fn matches(&self, text: &SearchText, taken_at: WallTime) -> bool {
        let day = WallDay::from(taken_at);
        self.days().is_none_or(|(from, until)| from <= day && day < until)
            && self.needles().iter().all(|any| any.iter().any(|needle| text.0.contains(needle.as_str())))
    }
}

/// What a photo is searched in: words and marks, each between spaces, without case and accents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchText(String);

impl SearchText {
    pub fn of(file_name: &str, mime_type: &str, info: &PhotoInfo) -> Self {
        let mut text = String::from(" ");
        for kind in PhotoKind::of(mime_type, info) {
            let _ = write!(text, "#{} ", kind.name());
        }
        if let Some(date) = date_of(info.taken_at.into()) {
            let _ = write!(text, "#{:02}-{:02} ", u8::from(date.month()), date.day());
        }
        let parts = [Some(file_name), info.place.as_deref(), info.camera.as_deref(), info.lens.as_deref()];
        for part in parts.into_iter().flatten().map(folded) {
            for word in words(&part) {
                if text.len() + word.len() < TEXT_BYTES_MAX && !text.contains(&format!(" {word} ")) {
                    text.push_str(word);
                    text.push(' ');
                }
            }
        }
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn folded(text: &str) -> String {
    unaccented(&case_folded(text))
}

fn words(folded: &str) -> impl Iterator<Item = &str> {
    folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// The term that the most of the first pieces make, and how many that are.
fn longest(pieces: &[&str]) -> Option<(Term, usize)> {
    let three = || match pieces {
        [a, b, c, ..] => written(day_of_month(a), month(b), year(c))
            .or_else(|| written(day_of_month(b), month(a), year(c)))
            .or_else(|| written(day_of_month(c), month(b), year(a))),
        _ => None,
    };
    let two = || match pieces {
        ["live", "photo" | "photos", ..] => Some(Term::Mark(Mark::Kind(PhotoKind::LivePhoto), None)),
        [a, b, ..] => month(a)
            .zip(year(b))
            .or_else(|| month(b).zip(year(a)))
            .and_then(|(month, year)| days_of(year, Some(month), None))
            .or_else(|| every_year(month(a)?, day_of_month(b)?))
            .or_else(|| every_year(month(b)?, day_of_month(a)?)),
        _ => None,
    };
    let three = three().map(|term| (term, 3));
    three.or_else(|| two().map(|term| (term, 2))).or_else(|| one(pieces.first()?).map(|term| (term, 1)))
}

fn written(day: Option<u8>, month: Option<u8>, year: Option<i32>) -> Option<Term> {
    days_of(year?, Some(month?), Some(day?))
}

fn every_year(month: u8, day: u8) -> Option<Term> {
    /// It has a 29th of February.
    const LEAP_YEAR: i32 = 2000;
    Date::from_calendar_date(LEAP_YEAR, Month::try_from(month).ok()?, day).ok()?;
    Some(Term::Mark(Mark::Month { month, day: Some(day) }, None))
}

fn one(piece: &str) -> Option<Term> {
    if let Some(kind) = PhotoKind::called(piece) {
        return Some(Term::Mark(Mark::Kind(kind), Some(piece.to_owned())));
    }
    if let Some(month) = month(piece) {
        return Some(Term::Mark(Mark::Month { month, day: None }, Some(piece.to_owned())));
    }
    let number = |text: &str| digits(text, 1..=2).and_then(|number| u8::try_from(number).ok());
    match *piece.split(['-', '/', '.']).collect::<Vec<_>>() {
        [year_] => days_of(year(year_)?, None, None),
        [year_, month] => days_of(year(year_)?, Some(number(month)?), None),
        [a, month, b] => year(a)
            .zip(number(b))
            .or_else(|| year(b).zip(number(a)).filter(|_| piece.contains('.')))
            .and_then(|(year, day)| days_of(year, Some(number(month)?), Some(day))),
        _ => None,
    }
}

fn days_of(year: i32, month: Option<u8>, day: Option<u8>) -> Option<Term> {
    let at = |year, month, day| Date::from_calendar_date(year, Month::try_from(month).ok()?, day).ok();
    let begins = at(year, month.unwrap_or(1), day.unwrap_or(1))?;
    let ends = match (month, day) {
        (None, _) | (Some(12), None) => at(year + 1, 1, 1)?,
        (Some(month), None) => at(year, month + 1, 1)?,
        (Some(_), Some(_)) => begins.next_day()?,
    };
    let day = |date: Date| WallDay(date.to_julian_day() - EPOCH);
    Some(Term::Days(day(begins), day(ends)))
}

fn date_of(day: WallDay) -> Option<Date> {
    Date::from_julian_day(day.0.checked_add(EPOCH)?).ok()
}

fn digits(text: &str, lengths: std::ops::RangeInclusive<usize>) -> Option<i32> {
    let is_number = lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

fn year(text: &str) -> Option<i32> {
    digits(text, 4..=4).filter(|year| YEARS.contains(year))
}

/// By its name, or the first three letters of it, or four.
fn month(text: &str) -> Option<u8> {
    let text = text.trim_end_matches('.');
    let is_short = (3..=4).contains(&text.len());
    let found = MONTHS.iter().position(|name| *name == text || is_short && name.starts_with(text))?;
    Some(found as u8 + 1)
}

/// `12`, `12.` or `12th`.
fn day_of_month(text: &str) -> Option<u8> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let is_day = matches!(&text[end..], "" | "." | "st" | "nd" | "rd" | "th");
    digits(&text[..end], 1..=2).filter(|_| is_day).and_then(|day| u8::try_from(day).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::Timestamp;

    fn info(taken_at: &str) -> PhotoInfo {
        PhotoInfo { taken_at: taken_at.parse().unwrap(), ..PhotoInfo::unknown(Timestamp::from_millis(0)) }
    }

    fn days(query: &str) -> Option<(String, String)> {
        let query = PhotoQuery::parse(query).unwrap();
        assert!(query.needles().is_empty(), "{query:?}");
        let text = |day: WallDay| day.start().to_string()[..10].to_owned();
        query.days().map(|(from, until)| (text(from), text(until)))
    }

    #[test]
    fn signs_alone_find_nothing() {
        let photo = info("1970-01-01T00:00:00");
        let text = SearchText::of("a.jpg", "image/jpeg", &photo);
        for signs in ["🎉", "!!!", "- 🎉"] {
            let query = PhotoQuery::parse(signs).unwrap();
            assert!(!query.is_empty() && !query.matches(&text, photo.taken_at), "{signs}");
        }
        assert!(PhotoQuery::parse(" ").unwrap().is_empty());
        assert!(PhotoQuery::parse("🎉 a").unwrap().matches(&text, photo.taken_at));
    }

    #[test]
    fn dates_are_read_as_people_write_them() {
        for (query, from, until) in [
            ("2019", "2019-01-01", "2020-01-01"),
            ("2019-05", "2019-05-01", "2019-06-01"),
            ("2019-12", "2019-12-01", "2020-01-01"),
            ("may 2019", "2019-05-01", "2019-06-01"),
            ("2019 May", "2019-05-01", "2019-06-01"),
            ("Dec 2019", "2019-12-01", "2020-01-01"),
            ("Sept. 2019", "2019-09-01", "2019-10-01"),
            ("2019-05-12", "2019-05-12", "2019-05-13"),
            ("2019/05/12", "2019-05-12", "2019-05-13"),
            ("12.5.2019", "2019-05-12", "2019-05-13"),
            ("12 May 2019", "2019-05-12", "2019-05-13"),
            ("12th may 2019", "2019-05-12", "2019-05-13"),
            ("May 12, 2019", "2019-05-12", "2019-05-13"),
            ("2019 may 31", "2019-05-31", "2019-06-01"),
            ("29 February 2020", "2020-02-29", "2020-03-01"),
            ("2019 2019-05", "2019-05-01", "2019-06-01"),
        ] {
            assert_eq!(days(query), Some((from.to_owned(), until.to_owned())), "{query}");
        }
    }

    #[test]
    fn what_is_no_date_is_words() {
        for query in ["IMG_2019", "30 February 2019", "2019-13", "5/12/2019", "0042", "12345", "9999"] {
            let query = PhotoQuery::parse(query).unwrap();
            assert!(query.terms().iter().any(|term| matches!(term, Term::Word(_))), "{query:?}");
        }
        let query = PhotoQuery::parse("IMG_2019").unwrap();
        assert_eq!(query.terms(), [Term::Word("img".into()), Term::Word("2019".into())]);
    }

    #[test]
    fn a_photo_is_found_by_what_is_known_of_it() {
        let photo = PhotoInfo {
            place: Some("Zürich, Zurich, Switzerland".into()),
            camera: Some("Apple iPhone 12 Pro".into()),
            width: Some(8_000),
            height: Some(2_000),
            ..info("2019-05-12T23:59:59.999")
        };
        let text = SearchText::of("IMG_0042.HEIC", "image/heic", &photo);
        let finds = |query: &str| PhotoQuery::parse(query).unwrap().matches(&text, photo.taken_at);
        for query in [
            "",
            " , ",
            "2019",
            "may",
            "may 2019",
            "12 may",
            "May 12th",
            "12.05.2019",
            "zürich",
            "ZURI switz",
            "iphone 12",
            "img_0042",
            "IMG_0042.heic",
            "0042",
            "heic",
            "photos",
            "pano",
            "panorama zurich 2019",
        ] {
            assert!(finds(query), "{query}: {text:?}");
        }
        for query in [
            "2020",
            "june",
            "13 may",
            "uerich",
            "hone",
            "video",
            "jpeg",
            "live photo",
            "zurich 2018",
            "2019 2020",
        ] {
            assert!(!finds(query), "{query}: {text:?}");
        }
    }

    #[test]
    fn kinds_are_found_and_so_are_names_that_begin_so() {
        let finds = |query: &str, name: &str, mime_type: &str| {
            let info = info("2019-05-12T00:00:00.000");
            let query = PhotoQuery::parse(query).unwrap();
            query.matches(&SearchText::of(name, mime_type, &info), info.taken_at)
        };
        assert!(finds("films", "a.mov", "video/quicktime"));
        assert!(finds("mov", "a", "video/quicktime"));
        assert!(!finds("photo", "a.mov", "video/quicktime"));
        assert!(finds("video", "Video call.png", "image/png"));
        assert!(finds("march", "Marching band.png", "image/png"));
        assert!(!finds("march", "a.png", "image/png"));
        assert!(finds("live", "live.png", "image/png"));
        assert!(!finds("live photos", "live.png", "image/png"));
    }

    #[test]
    fn queries_and_texts_are_bounded() {
        let long = "a".repeat(QUERY_CHARS_MAX + 1);
        assert_eq!(PhotoQuery::parse(&long), Err(InvalidPhotoQuery::TooLong));
        let many = "a ".repeat(QUERY_TERMS_MAX + 1);
        assert_eq!(PhotoQuery::parse(&many), Err(InvalidPhotoQuery::TooManyTerms));
        let name = (0..1_000).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        assert!(SearchText::of(&name, "image/png", &info("2019-05-12T00:00:00.000")).as_str().len() <= 1_000);
        assert_eq!(PhotoQuery::parse("%_\\' --").unwrap().needles(), Vec::<Vec<String>>::new());
    }
}
