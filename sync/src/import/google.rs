//! Google Takeout: what its sidecars say, and which picture each is about. Its names are cut, numbered and translated,
//! so nothing here knows a language.

use std::collections::BTreeMap;

use serde::Deserialize;
use shared::Timestamp;
use shared::photo::Location;

use super::media::Media;

/// What is put between a picture's name and `.json`, cut anywhere.
const SUPPLEMENT: &str = ".supplemental-metadata";
/// Names are cut to 46 characters before `.json`; what is cut to fewer is another's.
const CUT_CHARS_MIN: usize = 45;

/// What one JSON file says.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Photo(Sidecar),
    /// The title of the album that its folder is.
    Album(String),
    Other,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sidecar {
    pub taken_at: Option<Timestamp>,
    pub location: Option<Location>,
    pub is_favorite: bool,
    pub archived: bool,
    pub trashed: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Document {
    title: String,
    /// Where albums of older exports have theirs.
    album_data: Option<AlbumData>,
    photo_taken_time: Option<Stamp>,
    geo_data: Option<Place>,
    geo_data_exif: Option<Place>,
    favorited: bool,
    archived: bool,
    trashed: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AlbumData {
    title: String,
}

#[derive(Deserialize)]
struct Stamp {
    /// Seconds since 1970, in digits.
    timestamp: String,
}

#[derive(Clone, Copy, Deserialize)]
struct Place {
    latitude: f64,
    longitude: f64,
}

impl Place {
    /// 0, 0 stands for none.
    fn location(self) -> Option<Location> {
        let is_known = self.latitude != 0.0 || self.longitude != 0.0;
        Location::new(self.latitude, self.longitude).ok().filter(|_| is_known)
    }
}

impl Json {
    pub fn read(text: &str) -> Self {
        let Ok(document) = serde_json::from_str::<Document>(text) else { return Self::Other };
        let Some(taken) = document.photo_taken_time else {
            let title = document.album_data.map_or(document.title, |album| album.title);
            let title = title.trim();
            return if title.is_empty() { Self::Other } else { Self::Album(title.to_owned()) };
        };
        let seconds: Option<i64> = taken.timestamp.parse().ok();
        Self::Photo(Sidecar {
            taken_at: seconds.map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1_000))),
            location: [document.geo_data, document.geo_data_exif]
                .into_iter()
                .flatten()
                .find_map(Place::location),
            is_favorite: document.favorited,
            archived: document.archived,
            trashed: document.trashed,
        })
    }
}

/// Whether a folder of this name holds a year rather than an album: "Photos from 2019". In older exports it has a title
/// all the same, which is its name.
pub fn is_year_folder(name: &str, title: &str) -> bool {
    const PHOTOS: [&str; 6] = ["photo", "foto", "zdj", "fotky", "фото", "снимки"];
    let words: Vec<&str> = name.split_whitespace().collect();
    let [first, .., last] = words[..] else { return false };
    let is_year = last.len() == 4 && last.bytes().all(|byte| byte.is_ascii_digit());
    let first = first.to_lowercase();
    title == name && words.len() > 2 && is_year && PHOTOS.iter().any(|photo| first.starts_with(photo))
}

/// The sidecars of one folder, by what they are about.
#[derive(Clone, Debug, Default)]
pub struct Sidecars {
    /// By the name without `.json` and its number, and by that number.
    by_subject: BTreeMap<(String, String), usize>,
}

impl Sidecars {
    pub fn add(&mut self, json_name: &str, entry: usize) {
        let stem = json_name.get(..json_name.len().saturating_sub(".json".len())).unwrap_or(json_name);
        let (subject, number) = split_number(stem);
        self.by_subject.insert((subject.to_owned(), number.to_owned()), entry);
    }

    /// The sidecar of a picture or film of this name in the folder.
    pub fn of(&self, name: &str) -> Option<Found> {
        let (stem, extension) = split_extension(name);
        let (unnumbered, number) = split_number(stem);
        let numbered = || self.about(&format!("{unnumbered}{extension}"), number);
        let own = if number.is_empty() { None } else { numbered() }.or_else(|| self.about(name, ""));
        if let Some(entry) = own {
            return Some(Found { entry, is_own: true });
        }
        // "IMG_1-edited.jpg", "IMG_1-bearbeitet(1).jpg": a word in any language.
        let (original, word) = unnumbered.rsplit_once('-').unwrap_or((unnumbered, ""));
        let is_word = !word.is_empty() && word.chars().all(|c| c.is_alphabetic() || c == ' ');
        let of_original = || self.about(&format!("{original}{extension}"), number);
        let entry = if is_word { of_original() } else { None };
        let of_picture =
            || self.beside(unnumbered, number).filter(|_| Media::of(name).is_some_and(Media::is_film));
        entry.or_else(of_picture).map(|entry| Found { entry, is_own: false })
    }

    /// The sidecar whose name is made of exactly this picture's.
    fn about(&self, picture: &str, number: &str) -> Option<usize> {
        let at = |subject: &str| self.by_subject.get(&(subject.to_owned(), number.to_owned())).copied();
        let supplemented = |name: &str, least: usize| {
            (least..=SUPPLEMENT.len()).rev().find_map(|end| at(&format!("{name}{}", &SUPPLEMENT[..end])))
        };
        let cut = || {
            let ends: Vec<usize> = picture.char_indices().skip(CUT_CHARS_MIN).map(|(end, _)| end).collect();
            ends.into_iter().rev().find_map(|end| at(&picture[..end]))
        };
        let (stem, _) = split_extension(picture);
        supplemented(picture, 0).or_else(cut).or_else(|| supplemented(stem, 2)).or_else(|| at(stem))
    }

    /// The sidecar of the picture that a film of this stem moves: `PXL_1.MP` beside `PXL_1.MP.jpg`.
    fn beside(&self, stem: &str, number: &str) -> Option<usize> {
        let start = format!("{stem}.");
        let later = self.by_subject.range((start.clone(), String::new())..);
        let mut of_stem = later.take_while(|((subject, _), _)| subject.starts_with(&start));
        of_stem.find(|((_, of), _)| of == number).map(|(_, entry)| *entry)
    }
}

/// A sidecar, and whether it is about this very picture rather than the one that it was made of or belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub entry: usize,
    pub is_own: bool,
}

/// The name without its last extension, and that with its dot.
pub fn split_extension(name: &str) -> (&str, &str) {
    name.rfind('.').filter(|dot| *dot > 0).map_or((name, ""), |dot| name.split_at(dot))
}

/// `IMG_1` and `(2)` of `IMG_1(2)`.
fn split_number(stem: &str) -> (&str, &str) {
    let digits = stem.strip_suffix(')').and_then(|rest| rest.rsplit_once('('));
    match digits {
        Some((before, digits))
            if !before.is_empty() && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) =>
        {
            stem.split_at(before.len())
        }
        _ => (stem, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sidecars(names: &[&str]) -> Sidecars {
        let mut sidecars = Sidecars::default();
        for (entry, name) in names.iter().enumerate() {
            sidecars.add(name, entry);
        }
        sidecars
    }

    /// Each picture's sidecar by its name, and whether it is the picture's own.
    fn finds(names: &[&str], picture: &str) -> Option<(String, bool)> {
        let found = sidecars(names).of(picture)?;
        Some((names[found.entry].to_owned(), found.is_own))
    }

    fn own(name: &str) -> (String, bool) {
        (name.to_owned(), true)
    }

    fn shared(name: &str) -> (String, bool) {
        (name.to_owned(), false)
    }

    #[test]
    fn a_sidecar_is_found_by_every_form_of_its_name() {
        for json in [
            "IMG_1.jpg.json",
            "IMG_1.jpg.supplemental-metadata.json",
            "IMG_1.jpg.supplemental-me.json",
            "IMG_1.jpg.s.json",
            "IMG_1.jpg..json",
            "IMG_1.supplemental-metadata.json",
            "IMG_1.json",
        ] {
            assert_eq!(finds(&[json], "IMG_1.jpg"), Some(own(json)));
            assert_eq!(finds(&[json], "IMG_2.jpg"), None, "{json}");
            assert_eq!(finds(&[json], "IMG_1(1).jpg"), None, "{json}");
        }
    }

    #[test]
    fn numbers_stand_elsewhere_in_sidecars() {
        let old = ["IMG_1.jpg.json", "IMG_1.jpg(1).json", "IMG_1.jpg(2).json"];
        assert_eq!(finds(&old, "IMG_1.jpg"), Some(own(old[0])));
        assert_eq!(finds(&old, "IMG_1(2).jpg"), Some(own(old[2])));
        let new = ["IMG_1.jpg.supplemental-metadata.json", "IMG_1.jpg.supplemental-metadata(1).json"];
        assert_eq!(finds(&new, "IMG_1(1).jpg"), Some(own(new[1])));
        assert_eq!(
            finds(&["IMG_1(1).jpg.json"], "IMG_1(1).jpg"),
            Some(own("IMG_1(1).jpg.json")),
            "its own name"
        );
    }

    #[test]
    fn long_names_are_cut() {
        let picture = "123456789123456789123456789123456789_DSCN0091.JPG";
        let cut = "123456789123456789123456789123456789_DSCN0091..json";
        assert_eq!(
            finds(&["123456789123456789123456789123456789_DSCN0091.json"], picture),
            Some(own("123456789123456789123456789123456789_DSCN0091.json"))
        );
        assert_eq!(finds(&[cut], picture), Some(own(cut)));
        let numbered = "123456789123456789123456789123456789_DSCN0091.(1).json";
        assert_eq!(
            finds(&[cut, numbered], "123456789123456789123456789123456789_DSCN0091(1).JPG"),
            Some(own(numbered))
        );
        assert_eq!(finds(&["1234567891234567.json"], picture), None, "this is no cut");
        let cyrillic = "Очень длинное имя фотографии, которое не помещается.jpg";
        let json = format!("{}.json", cyrillic.chars().take(46).collect::<String>());
        assert_eq!(finds(&[&json], cyrillic), Some(own(&json)));
    }

    #[test]
    fn what_was_edited_shares_the_original_s_in_every_language() {
        let names = ["IMG_1.jpg.json", "IMG_1.jpg(1).json", "a-b.jpg.json"];
        for word in ["edited", "bearbeitet", "modifié", "ha editado", "編集済み", "COLLAGE"] {
            assert_eq!(finds(&names, &format!("IMG_1-{word}.jpg")), Some(shared(names[0])));
            assert_eq!(finds(&names, &format!("IMG_1-{word}(1).jpg")), Some(shared(names[1])));
        }
        assert_eq!(finds(&names, "a-b.jpg"), Some(own(names[2])));
        assert_eq!(finds(&names, "IMG_1-2.jpg"), None, "a number is no edit");
    }

    #[test]
    fn a_moving_picture_s_film_shares_the_picture_s() {
        let names = ["PXL_1.MP.jpg.supplemental-metadata.json", "IMG_2.HEIC.json", "IMG_2.HEIC(1).json"];
        assert_eq!(finds(&names, "PXL_1.MP"), Some(shared(names[0])));
        assert_eq!(finds(&names, "IMG_2.MOV"), Some(shared(names[1])));
        assert_eq!(finds(&names, "IMG_2(1).MOV"), Some(shared(names[2])));
        assert_eq!(finds(&names, "IMG_20.MOV"), None);
        assert_eq!(finds(&names, "IMG_2.png"), None, "another picture");
    }

    #[test]
    fn sidecars_say_when_where_and_how_liked() {
        let text = r#"{"title": "IMG_1.jpg", "description": "", "creationTime": {"timestamp": "1460229348"},
            "photoTakenTime": {"timestamp": "1409598797", "formatted": "Sep 1, 2014"},
            "geoData": {"latitude": 48.1, "longitude": 11.5, "altitude": 0.0},
            "geoDataExif": {"latitude": 0.0, "longitude": 0.0}, "favorited": true}"#;
        let Json::Photo(sidecar) = Json::read(text) else { panic!("a photo's") };
        assert_eq!(sidecar.taken_at, Some(Timestamp::from_millis(1_409_598_797_000)));
        assert_eq!(sidecar.location, Location::new(48.1, 11.5).ok());
        assert!(sidecar.is_favorite && !sidecar.archived && !sidecar.trashed);
        let nowhere =
            r#"{"photoTakenTime": {"timestamp": "-86400"}, "geoData": {"latitude": 0, "longitude": 0}}"#;
        let Json::Photo(sidecar) = Json::read(nowhere) else { panic!("a photo's") };
        assert_eq!((sidecar.location, sidecar.taken_at), (None, Some(Timestamp::from_millis(-86_400_000))));
    }

    #[test]
    fn albums_have_a_title_and_no_date() {
        assert_eq!(
            Json::read(r#"{"title": "Lake", "date": {"timestamp": "1"}}"#),
            Json::Album("Lake".to_owned())
        );
        assert_eq!(Json::read(r#"{"albumData": {"title": "Lake"}}"#), Json::Album("Lake".to_owned()));
        for other in ["{}", r#"{"title": " "}"#, "[1]", "no json", r#"{"title": 3}"#] {
            assert_eq!(Json::read(other), Json::Other, "{other}");
        }
    }

    #[test]
    fn years_are_no_albums() {
        for name in ["Photos from 2019", "Fotos von 2019", "Photos de 2019", "Фото за 2019", "Zdjęcia z 2019"]
        {
            assert!(is_year_folder(name, name), "{name}");
        }
        assert!(!is_year_folder("Summer 2019", "Summer 2019"));
        assert!(!is_year_folder("Photos from 2019", "Our best year"));
        assert!(!is_year_folder("Photos 2019", "Photos 2019"));
        assert!(!is_year_folder("Photos", "Photos"));
    }
}
