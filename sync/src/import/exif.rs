//! What a picture itself says of when and where it was taken, by its first bytes. Where these do not tell (an Exif block
//! further behind), it counts as silent.

use shared::photo::{Location, WallTime};

/// Exif's block in JPEG and HEIF, and PNG's chunk, in front of what a TIFF file is as a whole.
const MARKS: [&[u8]; 2] = [b"Exif\0\0", b"eXIf"];
/// Directories have fewer entries.
const ENTRIES_MAX: usize = 1_024;

const DATE_TIME: u16 = 0x0132;
const EXIF_DIRECTORY: u16 = 0x8769;
const GPS_DIRECTORY: u16 = 0x8825;
const DATE_TIME_ORIGINAL: u16 = 0x9003;
const DATE_TIME_DIGITIZED: u16 = 0x9004;
const GPS_LATITUDE_REFERENCE: u16 = 1;
const GPS_LATITUDE: u16 = 2;
const GPS_LONGITUDE_REFERENCE: u16 = 3;
const GPS_LONGITUDE: u16 = 4;

/// What a picture says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Says {
    pub date: Option<WallTime>,
    pub place: Option<Location>,
}

pub fn says(head: &[u8]) -> Says {
    let after_mark = |mark: &&[u8]| {
        let at = head.windows(mark.len()).position(|bytes| bytes == *mark)?;
        Tiff::read(&head[at + mark.len()..])
    };
    let tiff = Tiff::read(head).or_else(|| MARKS.iter().find_map(after_mark));
    tiff.map(|tiff| tiff.says()).unwrap_or_default()
}

struct Tiff<'a> {
    bytes: &'a [u8],
    is_big_endian: bool,
}

struct Field {
    tag: u16,
    count: u32,
    value: u32,
    /// Where the value stands.
    at: usize,
}

impl<'a> Tiff<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let is_big_endian = match bytes.get(..4)? {
            b"MM\0*" => true,
            b"II*\0" => false,
            _ => return None,
        };
        Some(Self { bytes, is_big_endian })
    }

    fn says(&self) -> Says {
        let top = self.u32(4).map(|at| self.directory(at)).unwrap_or_default();
        let below = |tag| {
            let field = top.iter().find(|field| field.tag == tag);
            field.map(|field| self.directory(field.value)).unwrap_or_default()
        };
        let (exif, gps) = (below(EXIF_DIRECTORY), below(GPS_DIRECTORY));
        let date = |tag| {
            let mut fields = exif.iter().chain(&top).filter(|field| field.tag == tag);
            fields.find_map(|field| self.date(field.value as usize))
        };
        let latitude = self.angle(&gps, GPS_LATITUDE, GPS_LATITUDE_REFERENCE, b'S');
        let longitude = self.angle(&gps, GPS_LONGITUDE, GPS_LONGITUDE_REFERENCE, b'W');
        // Receivers without a fix write zeros.
        let place = latitude.zip(longitude).filter(|place| *place != (0.0, 0.0));
        Says {
            date: [DATE_TIME_ORIGINAL, DATE_TIME_DIGITIZED, DATE_TIME].into_iter().find_map(date),
            place: place.and_then(|(latitude, longitude)| Location::new(latitude, longitude).ok()),
        }
    }

    /// Degrees, minutes and seconds; the minutes or seconds may be left out.
    fn angle(&self, gps: &[Field], tag: u16, reference: u16, negative: u8) -> Option<f64> {
        let find = |tag| gps.iter().find(|field| field.tag == tag);
        let parts = find(tag)?;
        let mut degrees = 0.0;
        for (index, unit) in (0..parts.count).zip([1.0, 60.0, 3_600.0]) {
            let at = parts.value as usize + 8 * index as usize;
            let (number, of) = (self.u32(at)?, self.u32(at + 4)?);
            if of == 0 {
                return None;
            }
            degrees += f64::from(number) / f64::from(of) / unit;
        }
        let side = self.bytes.get(find(reference)?.at)?.to_ascii_uppercase();
        Some(if side == negative { -degrees } else { degrees })
    }

    fn directory(&self, at: u32) -> Vec<Field> {
        let at = at as usize;
        let count = usize::from(self.u16(at).unwrap_or(0)).min(ENTRIES_MAX);
        (0..count)
            .map_while(|index| {
                let at = at + 2 + index * 12;
                let value = self.u32(at + 8)?;
                Some(Field { tag: self.u16(at)?, count: self.u32(at + 4)?, value, at: at + 8 })
            })
            .collect()
    }

    /// "2019:05:04 10:15:00"; cameras without a clock write zeros or spaces.
    fn date(&self, at: usize) -> Option<WallTime> {
        let text = std::str::from_utf8(self.bytes.get(at..at.checked_add(19)?)?).ok()?;
        let (date, time) = text.split_once(' ').filter(|(date, _)| !date.starts_with("0000"))?;
        format!("{}T{time}", date.replace(':', "-")).parse().ok()
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.is_big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.is_big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A little-endian TIFF: fields of the first directory, of Exif's and of the place's, as (tag, count, value), and what
    /// values of [`AT_DATA`] and more point into.
    fn tiff(
        top: &[(u16, u32, u32)],
        exif: &[(u16, u32, u32)],
        gps: &[(u16, u32, u32)],
        data: &[u8],
    ) -> Vec<u8> {
        let size = |fields: usize| 2 + 12 * fields as u32;
        let top_fields = top.len() + 2;
        let (exif_at, gps_at) = (8 + size(top_fields), 8 + size(top_fields) + size(exif.len()));
        let data_at = gps_at + size(gps.len());
        let mut bytes = b"II*\0\x08\0\0\0".to_vec();
        let links = [(EXIF_DIRECTORY, 1, exif_at), (GPS_DIRECTORY, 1, gps_at)];
        for fields in [&[top, &links].concat()[..], exif, gps] {
            bytes.extend((fields.len() as u16).to_le_bytes());
            for &(tag, count, value) in fields {
                bytes.extend(tag.to_le_bytes());
                bytes.extend([2, 0]);
                bytes.extend(count.to_le_bytes());
                bytes.extend(value.checked_sub(AT_DATA).map_or(value, |at| data_at + at).to_le_bytes());
            }
        }
        bytes.extend(data);
        bytes
    }

    const AT_DATA: u32 = 1 << 30;
    /// Behind a date.
    const PLACE: [(u16, u32, u32); 4] = [
        (GPS_LATITUDE_REFERENCE, 2, b'S' as u32),
        (GPS_LATITUDE, 3, AT_DATA + 20),
        (GPS_LONGITUDE_REFERENCE, 2, b'E' as u32),
        (GPS_LONGITUDE, 3, AT_DATA + 44),
    ];

    fn data(date: &str, numbers: [u32; 12]) -> Vec<u8> {
        let numbers = numbers.iter().flat_map(|number| number.to_le_bytes());
        format!("{date}\0").into_bytes().into_iter().chain(numbers).collect()
    }

    const NUMBERS: [u32; 12] = [33, 1, 30, 1, 36, 1, 151, 1, 1230, 100, 0, 1];

    #[test]
    fn dates_and_places_are_found_in_every_wrapping() {
        let data = data("2019:05:04 10:15:00", NUMBERS);
        let whole = tiff(&[], &[(DATE_TIME_ORIGINAL, 20, AT_DATA)], &PLACE, &data);
        let date = "2019-05-04T10:15:00".parse().ok();
        let both = Says { date, place: Location::new(-33.51, 151.205).ok() };
        assert_eq!(says(&whole), both);
        assert_eq!(says(&[b"\xff\xd8\xff\xe1..Exif\0\0".as_slice(), &whole].concat()), both);
        assert_eq!(says(&[b"\x89PNG....eXIf".as_slice(), &whole].concat()), both);
        let dated = tiff(&[(DATE_TIME, 20, AT_DATA)], &[], &[], &data);
        assert_eq!(says(&dated), Says { date, place: None });
    }

    #[test]
    fn a_clock_or_receiver_that_was_never_set_says_nothing() {
        for date in ["0000:00:00 00:00:00", "    :  :     :  :  "] {
            for numbers in [[0; 12], [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]] {
                let silent = tiff(&[(DATE_TIME, 20, AT_DATA)], &[], &PLACE, &data(date, numbers));
                assert_eq!(says(&silent), Says::default());
            }
        }
        let sideless = [PLACE[1], PLACE[2], PLACE[3]];
        let data = data("0000:00:00 00:00:00", NUMBERS);
        assert_eq!(says(&tiff(&[], &[], &sideless, &data)), Says::default());
    }

    #[test]
    fn nothing_is_read_that_is_not_there() {
        let data = data("2019:05:04 10:15:00", NUMBERS);
        let whole = tiff(&[], &[(DATE_TIME_ORIGINAL, 20, AT_DATA)], &PLACE, &data);
        for end in 0..whole.len() {
            says(&whole[..end]);
        }
        assert_eq!(says(b"II*\0\xff\xff\xff\xff"), Says::default());
        assert_eq!(says(b""), Says::default());
    }
}
