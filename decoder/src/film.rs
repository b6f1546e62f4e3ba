//! What a film says of itself: MP4 and QuickTime files (ISO/IEC 14496-12, and Apple's own metadata). Of these only
//! the description (`moov`) is read; what it describes may be left out.

use shared::photo::{Location, Taken, UtcOffset, WallTime};

use crate::taken::{camera, visible};

/// Bytes that tell where a box ends.
pub const HEADER_BYTES: usize = 16;
/// Boxes of one box that are looked at: films have a few tracks.
const BOXES_MAX: usize = 256;
/// Bytes of the longest text that is looked at.
const TEXT_BYTES_MAX: usize = 1_024;
/// From 1904-01-01, by which films count, to 1970-01-01, in seconds.
const EPOCH_SECONDS: i64 = 2_082_844_800;

/// By the first bytes, whether it is a film: what is a picture is none.
pub fn is_film(head: &[u8]) -> bool {
    matches!(head.get(4..8), Some(b"ftyp" | b"moov" | b"wide" | b"mdat"))
}

/// A part of a film's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub kind: [u8; 4],
    /// In bytes, this header included.
    pub length: u64,
    /// Of this header, in bytes.
    pub own_length: u64,
}

/// The header at the beginning of the bytes, of which `left` are left in the file.
pub fn header(bytes: &[u8], left: u64) -> Option<Header> {
    let (&[a, b, c, d, kind @ ..], rest) = bytes.split_first_chunk::<8>()?;
    let (length, own_length) = match u32::from_be_bytes([a, b, c, d]) {
        0 => (left, 8),
        1 => (u64::from_be_bytes(*rest.first_chunk()?), 16),
        length => (u64::from(length), 8),
    };
    (own_length..=left).contains(&length).then_some(Header { kind, length, own_length })
}

/// The boxes in a box, as far as they are whole.
fn boxes(bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let Header { kind, length, own_length } = header(rest, rest.len() as u64)?;
        let (whole, left) = rest.split_at(length as usize);
        rest = left;
        Some((kind, &whole[own_length as usize..]))
    })
    .take(BOXES_MAX)
}

/// The content of the first box of that kind.
pub(crate) fn find<'a>(bytes: &'a [u8], kind: &[u8]) -> Option<&'a [u8]> {
    boxes(bytes).find(|(found, _)| found == kind).map(|(_, content)| content)
}

/// Nothing of what is no film.
pub fn read(bytes: &[u8]) -> Taken {
    let Some(film) = find(bytes, b"moov") else { return Taken::default() };
    let said = Said::of(film);
    let header = find(film, b"mvhd").and_then(MovieHeader::of);
    let created = said.created.or_else(|| {
        // Where it was is not told: this is the time in UTC.
        let at = header.as_ref()?.created?;
        Some((at, "+00:00".parse().ok()))
    });
    Taken {
        at: created.map(|(at, _)| at),
        offset: created.and_then(|(_, offset)| offset),
        location: said.location,
        camera: camera(said.make, said.model),
        duration: header.and_then(|header| header.duration_ms),
        frame: boxes(film).filter(|(kind, _)| kind == b"trak").find_map(|(_, track)| frame(track)),
        content_identifier: said.content_identifier,
        ..Taken::default()
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

struct MovieHeader {
    created: Option<WallTime>,
    duration_ms: Option<u64>,
}

impl MovieHeader {
    fn of(content: &[u8]) -> Option<Self> {
        let (created, scale, duration) = match content.first()? {
            0 => {
                let duration = u32_at(content, 16)?;
                let duration = (duration != u32::MAX).then_some(u64::from(duration));
                (u64::from(u32_at(content, 4)?), u32_at(content, 12)?, duration)
            }
            1 => {
                let duration = u64_at(content, 24)?;
                (u64_at(content, 4)?, u32_at(content, 20)?, (duration != u64::MAX).then_some(duration))
            }
            _ => return None,
        };
        let duration = duration.filter(|&duration| duration > 0 && scale > 0);
        let duration_ms = duration.map(|duration| u128::from(duration) * 1_000 / u128::from(scale));
        // Clocks that were never set begin then, or in 1970.
        let seconds = i64::try_from(created).ok()? - EPOCH_SECONDS;
        let created = (seconds > 86_400).then(|| WallTime::from_millis(seconds.saturating_mul(1_000)));
        Some(Self { created, duration_ms: duration_ms.and_then(|ms| u64::try_from(ms).ok()) })
    }
}

/// Width and height in pixels of a track of pictures, as it is shown: turned by its matrix.
fn frame(track: &[u8]) -> Option<(u32, u32)> {
    let media = find(track, b"mdia")?;
    if find(media, b"hdlr")?.get(8..12)? != b"vide" {
        return None;
    }
    let header = find(track, b"tkhd")?;
    let matrix = match header.first()? {
        0 => 40,
        1 => 52,
        _ => return None,
    };
    // Of the nine numbers the first is how far what is right goes right, the second how far down.
    let (across, down) = (u32_at(header, matrix)?, u32_at(header, matrix + 4)?);
    let (width, height) = (u32_at(header, matrix + 36)? >> 16, u32_at(header, matrix + 40)? >> 16);
    let is_turned = across == 0 && down != 0;
    let (width, height) = if is_turned { (height, width) } else { (width, height) };
    (width > 0 && height > 0).then_some((width, height))
}

/// What stands in a film's metadata.
#[derive(Default)]
struct Said {
    created: Option<(WallTime, Option<UtcOffset>)>,
    location: Option<Location>,
    make: Option<String>,
    model: Option<String>,
    content_identifier: Option<String>,
}

impl Said {
    /// Apple's keys count before what stands in the older list.
    fn of(film: &[u8]) -> Self {
        let mut said = Self::default();
        for (key, text) in find(film, b"meta").map(keyed).unwrap_or_default() {
            said.note(key, text);
        }
        let older = find(film, b"udta").unwrap_or_default();
        for (kind, content) in boxes(older) {
            let key = match &kind {
                b"\xA9day" => "com.apple.quicktime.creationdate",
                b"\xA9xyz" => "com.apple.quicktime.location.ISO6709",
                b"\xA9mak" => "com.apple.quicktime.make",
                b"\xA9mod" => "com.apple.quicktime.model",
                _ => continue,
            };
            // Its length, and its language, come first.
            let length = content.first_chunk().map_or(0, |length| usize::from(u16::from_be_bytes(*length)));
            said.note(key, content.get(4..).and_then(|text| text.get(..length)).unwrap_or_default());
        }
        said
    }

    /// The first to say something counts.
    fn note(&mut self, key: &str, text: &[u8]) {
        let Ok(text) = str::from_utf8(&text[..text.len().min(TEXT_BYTES_MAX)]) else { return };
        let text = text.trim_matches(['\0', ' ']);
        match key {
            "com.apple.quicktime.creationdate" => self.created = self.created.or_else(|| instant(text)),
            "com.apple.quicktime.location.ISO6709" => {
                self.location = self.location.or_else(|| iso_6709(text));
            }
            "com.apple.quicktime.make" | "com.android.manufacturer" => {
                self.make = self.make.take().or_else(|| visible(text));
            }
            "com.apple.quicktime.model" | "com.android.model" => {
                self.model = self.model.take().or_else(|| visible(text));
            }
            "com.apple.quicktime.content.identifier" => {
                self.content_identifier = self.content_identifier.take().or_else(|| visible(text));
            }
            _ => {}
        }
    }
}

/// Keys and values of a `meta` box whose keys have names.
fn keyed(meta: &[u8]) -> Vec<(&str, &[u8])> {
    // QuickTime's has no version, MP4's has one.
    let content = if meta.get(4..8) == Some(b"hdlr") { meta } else { meta.get(4..).unwrap_or_default() };
    let (Some(keys), Some(list)) = (find(content, b"keys"), find(content, b"ilst")) else {
        return Vec::new();
    };
    let names: Vec<&str> = boxes(keys.get(8..).unwrap_or_default())
        .map(|(_, name)| str::from_utf8(name).unwrap_or_default())
        .collect();
    let value = |(number, item): ([u8; 4], _)| {
        let name = names.get(usize::try_from(u32::from_be_bytes(number)).ok()?.checked_sub(1)?)?;
        // What kind of value it is, and its language, come first.
        Some((*name, find(item, b"data")?.get(8..)?))
    };
    boxes(list).filter_map(value).collect()
}

/// `2019-05-12T18:30:00+0200`, the colon or the whole offset perhaps left out.
fn instant(text: &str) -> Option<(WallTime, Option<UtcOffset>)> {
    let (wall, zone) = text.split_at_checked(19)?;
    let at: WallTime = wall.parse().ok()?;
    let zone = zone.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let offset = match zone {
        "Z" => "+00:00".parse().ok(),
        _ if zone.len() == 5 && zone.is_ascii() => format!("{}:{}", &zone[..3], &zone[3..]).parse().ok(),
        _ => zone.parse().ok(),
    };
    Some((at, offset))
}

/// `+48.1372+011.5755+519.000/`: degrees; or these and minutes, or seconds, too, told by the number of digits.
fn iso_6709(text: &str) -> Option<Location> {
    let body = text.split(['/', 'C']).next()?;
    let second = body.get(1..)?.find(['+', '-'])? + 1;
    let third = body[second + 1..].find(['+', '-']).map_or(body.len(), |at| second + 1 + at);
    let latitude = angle(&body[..second], 2)?;
    let longitude = angle(&body[second..third], 3)?;
    // Receivers without a fix write zeros: nobody films the open sea there.
    if latitude == 0.0 && longitude == 0.0 {
        return None;
    }
    Location::new(latitude, longitude).ok()
}

fn angle(text: &str, degree_digits: usize) -> Option<f64> {
    let (sign, number) = match text.split_at_checked(1)? {
        ("+", number) => (1.0, number),
        ("-", number) => (-1.0, number),
        _ => return None,
    };
    if !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let whole = number.find('.').unwrap_or(number.len());
    let part = |range: std::ops::Range<usize>| number.get(range)?.parse::<f64>().ok();
    let (minutes, seconds) = (degree_digits + 2, degree_digits + 4);
    let degrees = match whole {
        _ if whole <= degree_digits => number.parse().ok()?,
        _ if whole == minutes => part(0..degree_digits)? + part(degree_digits..number.len())? / 60.0,
        _ if whole == seconds => {
            part(0..degree_digits)?
                + part(degree_digits..minutes)? / 60.0
                + part(minutes..number.len())? / 3_600.0
        }
        _ => return None,
    };
    Some(sign * degrees)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8], content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32 + 8).to_be_bytes(), kind, content].concat()
    }

    fn numbers(numbers: &[u32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
    }

    /// A track of pictures of 1920 × 1080, with the first line of its matrix.
    fn track(across: u32, down: u32) -> Vec<u8> {
        let mut header = numbers(&[0; 10]);
        header.extend(numbers(&[across, down, 0, 0, 0, 0, 0, 0, 0, 1920 << 16, 1080 << 16]));
        let handler = [&[0; 8], b"vide".as_slice(), &[0; 12]].concat();
        let media = boxed(b"mdia", &boxed(b"hdlr", &handler));
        boxed(b"trak", &[boxed(b"tkhd", &header), media].concat())
    }

    fn metadata(entries: &[(&str, &str)]) -> Vec<u8> {
        let mut keys = numbers(&[0, entries.len() as u32]);
        let mut list = Vec::new();
        for (n, (key, value)) in (1_u32..).zip(entries) {
            keys.extend(boxed(b"mdta", key.as_bytes()));
            let data = [numbers(&[1, 0]), value.as_bytes().to_vec()].concat();
            list.extend(boxed(&n.to_be_bytes(), &boxed(b"data", &data)));
        }
        let handler = boxed(b"hdlr", &[0; 25]);
        boxed(b"meta", &[handler, boxed(b"keys", &keys), boxed(b"ilst", &list)].concat())
    }

    fn film(parts: &[Vec<u8>]) -> Vec<u8> {
        [boxed(b"ftyp", b"qt  \0\0\0\0"), boxed(b"moov", &parts.concat())].concat()
    }

    fn movie_header(created: u32) -> Vec<u8> {
        boxed(b"mvhd", &numbers(&[0, created, 0, 600, 1_500, 0, 0]))
    }

    #[test]
    fn a_film_is_read_with_its_length_frame_time_and_place() {
        let entries = [
            ("com.apple.quicktime.make", "Apple"),
            ("com.apple.quicktime.model", "iPhone 12"),
            ("com.apple.quicktime.creationdate", "2019-05-12T18:30:00+0200"),
            ("com.apple.quicktime.location.ISO6709", "+48.1372+011.5755+519.000/"),
            ("com.apple.quicktime.content.identifier", "8D1C-42"),
        ];
        let bytes = film(&[movie_header(3_600_000_000), track(0, 1 << 16), metadata(&entries)]);
        let taken = read(&bytes);
        assert_eq!(taken.at.unwrap().to_string(), "2019-05-12T18:30:00.000");
        assert_eq!(taken.offset.unwrap().to_string(), "+02:00");
        assert_eq!(taken.location, Location::new(48.1372, 11.5755).ok());
        assert_eq!(taken.camera.as_deref(), Some("Apple iPhone 12"));
        assert_eq!((taken.duration, taken.frame), (Some(2_500), Some((1080, 1920))));
        assert_eq!(taken.content_identifier.as_deref(), Some("8D1C-42"));
        for length in 0..bytes.len() {
            read(&bytes[..length]);
        }
    }

    #[test]
    fn what_it_does_not_say_is_taken_from_its_header() {
        let place = boxed(b"\xA9xyz", b"\0\x12\x15\xC7+40.4461-079.9489/");
        let taken = read(&film(&[movie_header(3_640_012_200), track(1 << 16, 0), boxed(b"udta", &place)]));
        assert_eq!(taken.at.unwrap().to_string(), "2019-05-06T18:30:00.000");
        assert_eq!(taken.offset.unwrap().to_string(), "+00:00");
        assert_eq!(taken.frame, Some((1920, 1080)));
        assert_eq!(taken.location, Location::new(40.4461, -79.9489).ok());
        assert_eq!(read(&film(&[movie_header(0)])).at, None, "its clock was never set");
        assert_eq!(read(b"\0\0\0\x08ftyp"), Taken::default());
    }

    #[test]
    fn headers_say_where_a_box_ends() {
        let header = |bytes: &[u8], left| header(bytes, left).map(|header| header.length);
        assert_eq!(header(b"\0\0\0\x14moov", 20), Some(20));
        assert_eq!(header(b"\0\0\0\x14moov", 19), None, "it is cut off");
        assert_eq!(header(b"\0\0\0\0mdat", 900), Some(900), "to the end");
        assert_eq!(header(b"\0\0\0\x01mdat\0\0\0\x01\0\0\0\0", 1 << 33), Some(1 << 32));
        assert_eq!(header(b"\0\0\0\x07moov", 20), None, "less than a header");
        assert_eq!(header(b"\0\0\0\x01mdat\0\0\0", 100), None);
    }

    #[test]
    fn places_are_read_in_all_their_forms() {
        let degrees = |text| iso_6709(text).map(|at| (f64::from(at.latitude), f64::from(at.longitude)));
        assert_eq!(degrees("+27.5916+086.5640+8850/"), Some((27.5916, 86.564)));
        assert_eq!(degrees("-3352.30+15112.60/"), Some((-33.871_666_7, 151.21)));
        assert_eq!(degrees("+401212-0750015/"), Some((40.203_333_3, -75.004_166_7)));
        for wrong in ["", "+", "+48.1", "48.1+011.5/", "+95.0+011.5/", "+00.0000+000.0000/", "+4é.1+011/"] {
            assert_eq!(degrees(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn offsets_are_read_with_and_without_a_colon() {
        let offset = |text| instant(text).and_then(|(_, offset)| offset).map(|offset| offset.to_string());
        assert_eq!(offset("2019-05-12T18:30:00+0200").as_deref(), Some("+02:00"));
        assert_eq!(offset("2019-05-12T18:30:00-03:30").as_deref(), Some("-03:30"));
        assert_eq!(offset("2019-05-12T18:30:00.123Z").as_deref(), Some("+00:00"));
        assert_eq!(offset("2019-05-12T18:30:00"), None);
        assert_eq!(instant("2019"), None);
    }
}
