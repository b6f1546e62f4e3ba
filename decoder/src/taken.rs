//! What the file says of when, where and how the picture was taken (Exif 2.32).

use std::io::Cursor;

use exif::{Exif, Field, In, Rational, Reader, Tag, Value};
use heifer::heifer_isobmff::HeifFile;
use shared::photo::{Location, Taken, UtcOffset, WallTime};

use crate::directory::{Part, rewrite};
use crate::film;
use crate::formats::{Format, format_of};
use crate::turn::Orientation;

/// Characters of a text that is kept.
const TEXT_CHARS_MAX: usize = 128;
/// A clock that says less was never set.
const YEAR_MIN: u16 = 1826;
/// Tags of pointers to directories, and types of these.
const EXIF_POINTER: u16 = 0x8769;
const GPS_POINTER: u16 = 0x8825;
const LONG: u16 = 4;
const IFD: u16 = 13;

/// What the picture says of itself, of all pictures in the file the one that is shown.
fn parse(bytes: &[u8]) -> Option<Exif> {
    let mut reader = Reader::new();
    reader.continue_on_error(true);
    let read = match block(bytes) {
        Some(block) => reader.read_raw(block),
        None => reader.read_from_container(&mut Cursor::new(bytes)),
    };
    read.or_else(|error| error.distill_partial_result(|_| {})).ok()
}

/// The Exif block, where it has to be looked for by other means than the reader's own.
fn block(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut block = match format_of(bytes)? {
        Format::Tiff => bytes.to_vec(),
        // The reader takes the first block of the file, which may be another picture's.
        Format::Heic | Format::Avif => {
            let file = HeifFile::parse(bytes).ok()?;
            file.exif(file.primary_id).ok()??
        }
        Format::WebP => after_header(webp_chunk(bytes, *b"EXIF")?)?.to_vec(),
        Format::Jpeg | Format::Png | Format::Gif => return None,
    };
    // Pointers to further directories may be of a type of their own (TIFF technical note 1), which the reader
    // does not know: it gets the plain one.
    for pointer in [EXIF_POINTER, GPS_POINTER] {
        rewrite(&mut block, pointer, Part::Type, IFD, LONG);
    }
    Some(block)
}

fn webp_chunk(bytes: &[u8], name: [u8; 4]) -> Option<&[u8]> {
    let mut rest = bytes.get(12..)?;
    while let Some((header, data)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, size @ ..] = *header;
        let size = u32::from_le_bytes(size) as usize;
        if [a, b, c, d] == name {
            return data.get(..size);
        }
        rest = data.get(size.checked_next_multiple_of(2)?..)?;
    }
    None
}

/// What JPEG has in front of the block, many writers have elsewhere, too.
fn after_header(block: &[u8]) -> Option<&[u8]> {
    let tiff = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
    (tiff.starts_with(b"II") || tiff.starts_with(b"MM")).then_some(tiff)
}

pub fn orientation(bytes: &[u8]) -> Option<Orientation> {
    Orientation::from_exif(number(bytes, Tag::Orientation)?)
}

/// A field of the picture's own directory.
pub fn number(bytes: &[u8], tag: Tag) -> Option<u32> {
    field(&parse(bytes)?, tag)?.value.get_uint(0)
}

/// `tiff:Orientation` of an XMP packet, where editors leave it that write no Exif.
pub fn xmp_orientation(packet: &[u8]) -> Option<Orientation> {
    let packet = String::from_utf8_lossy(packet);
    let (_, after) = packet.split_once("tiff:Orientation")?;
    let value = after.trim_start_matches(['=', '"', '\'', '>', ' ']).chars().next()?;
    Orientation::from_exif(value.to_digit(10)?)
}

pub fn read(bytes: &[u8]) -> Taken {
    if format_of(bytes).is_none() && film::is_film(bytes) {
        return film::read(bytes);
    }
    parse(bytes).map(|exif| taken(&exif)).unwrap_or_default()
}

fn taken(exif: &Exif) -> Taken {
    let (at, offset) = time(exif).map_or((None, None), |(at, offset)| (Some(at), offset));
    Taken {
        at,
        offset,
        location: location(exif),
        camera: camera(text(exif, Tag::Make), text(exif, Tag::Model)),
        lens: text(exif, Tag::LensModel),
        exposure: exposure(exif),
        content_identifier: content_identifier(exif),
        ..Taken::default()
    }
}

fn field(exif: &Exif, tag: Tag) -> Option<&Field> {
    exif.get_field(tag, In::PRIMARY)
}

/// The text of an ASCII field, if there is anything to read in it.
fn text(exif: &Exif, tag: Tag) -> Option<String> {
    let Value::Ascii(lines) = &field(exif, tag)?.value else { return None };
    visible(&String::from_utf8_lossy(lines.first()?))
}

/// What of a text is to be read by people, if anything is.
pub fn visible(text: &str) -> Option<String> {
    let visible: String = text.chars().filter(|c| !c.is_control()).take(TEXT_CHARS_MAX).collect();
    Some(visible.trim().to_owned()).filter(|text| !text.is_empty())
}

/// When it was taken; else when it was made into a file; else when that was last changed.
fn time(exif: &Exif) -> Option<(WallTime, Option<UtcOffset>)> {
    let clocks = [
        (Tag::DateTimeOriginal, Tag::SubSecTimeOriginal, Tag::OffsetTimeOriginal),
        (Tag::DateTimeDigitized, Tag::SubSecTimeDigitized, Tag::OffsetTimeDigitized),
        (Tag::DateTime, Tag::SubSecTime, Tag::OffsetTime),
    ];
    clocks.into_iter().find_map(|(at, part, offset)| {
        let at = wall_time(&text(exif, at)?, text(exif, part).as_deref())?;
        let offset = [offset, Tag::OffsetTime].into_iter().find_map(|tag| text(exif, tag)?.parse().ok());
        Some((at, offset))
    })
}

/// `YYYY:MM:DD HH:MM:SS`, and the digits of a fraction of a second.
fn wall_time(text: &str, part: Option<&str>) -> Option<WallTime> {
    let time = exif::DateTime::from_ascii(text.as_bytes()).ok()?;
    let digits = part.unwrap_or_default().bytes().take_while(u8::is_ascii_digit).take(3);
    let mut ms = 0;
    let mut unit = 100;
    for digit in digits {
        ms += u32::from(digit - b'0') * unit;
        unit /= 10;
    }
    let exif::DateTime { year, month, day, hour, minute, second, .. } = time;
    if year < YEAR_MIN {
        return None;
    }
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}").parse().ok()
}

fn rational(value: Rational) -> Option<f64> {
    (value.denom != 0).then(|| value.to_f64())
}

/// Degrees, minutes and seconds; the minutes or seconds may be left out.
fn angle(exif: &Exif, tag: Tag, reference: Tag, negative: u8) -> Option<f64> {
    let Value::Rational(parts) = &field(exif, tag)?.value else { return None };
    let mut degrees = rational(*parts.first()?)?;
    for (part, unit) in parts.iter().skip(1).take(2).zip([60.0, 3600.0]) {
        degrees += rational(*part)? / unit;
    }
    let Value::Ascii(lines) = &field(exif, reference)?.value else { return None };
    let side = lines.first()?.first()?.to_ascii_uppercase();
    Some(if side == negative { -degrees } else { degrees })
}

fn location(exif: &Exif) -> Option<Location> {
    let latitude = angle(exif, Tag::GPSLatitude, Tag::GPSLatitudeRef, b'S')?;
    let longitude = angle(exif, Tag::GPSLongitude, Tag::GPSLongitudeRef, b'W')?;
    // Receivers without a fix write zeros: nobody photographs the open sea there.
    if latitude == 0.0 && longitude == 0.0 {
        return None;
    }
    Location::new(latitude, longitude).ok()
}

/// The model, with its maker's name before it where it does not say so itself.
pub fn camera(make: Option<String>, model: Option<String>) -> Option<String> {
    match (make, model) {
        (Some(make), Some(model)) => {
            let first = make.split_whitespace().next().unwrap_or_default().to_lowercase();
            let says_so = model.to_lowercase().starts_with(&first);
            Some(if says_so { model } else { format!("{make} {model}") })
        }
        (make, model) => model.or(make),
    }
}

/// What a Live Photo's picture has in common with its film.
fn content_identifier(exif: &Exif) -> Option<String> {
    let Value::Undefined(note, _) = &field(exif, Tag::MakerNote)?.value else { return None };
    apple_identifier(note)
}

/// Of Apple's own notes: a directory of numbers whose highest byte comes first, from the fourteenth byte on.
fn apple_identifier(note: &[u8]) -> Option<String> {
    const CONTENT_IDENTIFIER: [u8; 4] = [0x00, 0x11, 0x00, 0x02];
    let (count, entries) = note.strip_prefix(b"Apple iOS\0\0\x01MM")?.split_first_chunk::<2>()?;
    let mut entries = entries.as_chunks::<12>().0.iter().take(usize::from(u16::from_be_bytes(*count)));
    let entry = entries.find(|entry| entry.starts_with(&CONTENT_IDENTIFIER))?;
    let number = |at: usize| Some(u32::from_be_bytes(*entry[at..].first_chunk()?) as usize);
    let (length, from) = (number(4)?, number(8)?);
    let text = note.get(from..)?.get(..length.min(TEXT_CHARS_MAX))?;
    visible(str::from_utf8(text).ok()?)
}

fn exposure(exif: &Exif) -> Option<String> {
    let number = |tag| match &field(exif, tag)?.value {
        Value::Rational(values) => rational(*values.first()?).filter(|value| *value > 0.0),
        value => value.get_uint(0).filter(|value| *value > 0).map(f64::from),
    };
    let short = |value: f64| {
        let text = format!("{value:.1}");
        text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
    };
    let time = number(Tag::ExposureTime).map(|seconds| {
        if seconds < 0.3 { format!("1/{:.0} s", 1.0 / seconds) } else { format!("{} s", short(seconds)) }
    });
    let parts = [
        time,
        number(Tag::FNumber).map(|f| format!("f/{}", short(f))),
        number(Tag::PhotographicSensitivity).map(|iso| format!("ISO {iso:.0}")),
        number(Tag::FocalLength).map(|length| format!("{} mm", short(length))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_live_photo_says_which_film_is_its_own() {
        let mut note = b"Apple iOS\0\0\x01MM\0\x02".to_vec();
        note.extend(b"\0\x01\0\x09\0\0\0\x01\0\0\0\x09");
        note.extend(b"\0\x11\0\x02\0\0\0\x05\0\0\0\x28");
        note.extend(b"8D1C\0");
        assert_eq!(apple_identifier(&note).as_deref(), Some("8D1C"));
        for length in 0..note.len() {
            assert_eq!(apple_identifier(&note[..length]), None, "{length}");
        }
    }

    /// When it was taken, and these offsets: in general, and of that time.
    fn with_offsets(general: [u8; 7], original: [u8; 7]) -> Exif {
        let mut tiff = b"MM\0\x2A\0\0\0\x08".to_vec();
        tiff.extend(b"\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x1A\0\0\0\0");
        tiff.extend(b"\0\x03\x90\x03\0\x02\0\0\0\x14\0\0\0\x44");
        tiff.extend(b"\x90\x10\0\x02\0\0\0\x07\0\0\0\x58\x90\x11\0\x02\0\0\0\x07\0\0\0\x5F\0\0\0\0");
        tiff.extend(b"2024:05:01 18:30:00\0");
        tiff.extend([general, original].concat());
        exif::Reader::new().read_raw(tiff).unwrap()
    }

    #[test]
    fn an_offset_that_cant_be_read_gives_way_to_the_general_one() {
        let offset = |general: &[u8; 7], original: &[u8; 7]| {
            Some(time(&with_offsets(*general, *original))?.1?.to_string())
        };
        assert_eq!(offset(b"+02:00\0", b"+01:00\0").as_deref(), Some("+01:00"));
        for unread in [b"      \0", b"   :  \0", b"summer\0"] {
            assert_eq!(offset(b"+02:00\0", unread).as_deref(), Some("+02:00"));
        }
        assert_eq!(offset(b"   :  \0", b"   :  \0"), None);
    }

    #[test]
    fn clocks_are_read_with_their_fraction() {
        let at = |text, part| wall_time(text, part).map(|at| at.to_string());
        assert_eq!(at("2024:05:01 18:30:00", Some("25")).as_deref(), Some("2024-05-01T18:30:00.250"));
        assert_eq!(at("2024:05:01 18:30:00", Some("123456")).as_deref(), Some("2024-05-01T18:30:00.123"));
        assert_eq!(at("2024:05:01 18:30:00", None).as_deref(), Some("2024-05-01T18:30:00.000"));
        for unset in ["0000:00:00 00:00:00", "    :  :     :  :  ", "2024:13:01 00:00:00", ""] {
            assert_eq!(at(unset, None), None, "{unset}");
        }
    }
}
