//! Whether a picture itself says when and where it was taken, by its first bytes. Where these do not tell (an Exif block
//! further behind), it counts as silent.

/// Exif's block in JPEG and HEIF, and PNG's chunk, in front of what a TIFF file is as a whole.
const MARKS: [&[u8]; 2] = [b"Exif\0\0", b"eXIf"];
/// Directories have fewer entries.
const ENTRIES_MAX: usize = 1_024;

const DATE_TIME: u16 = 0x0132;
const EXIF_DIRECTORY: u16 = 0x8769;
const GPS_DIRECTORY: u16 = 0x8825;
const DATE_TIME_ORIGINAL: u16 = 0x9003;
const DATE_TIME_DIGITIZED: u16 = 0x9004;
const GPS_LATITUDE: u16 = 2;
const GPS_LONGITUDE: u16 = 4;

/// What a picture says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Says {
    pub date: bool,
    pub place: bool,
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
        let has = |tag| gps.iter().any(|field| field.tag == tag && field.count == 3);
        let is_date =
            |field: &&Field| matches!(field.tag, DATE_TIME | DATE_TIME_ORIGINAL | DATE_TIME_DIGITIZED);
        let mut dates = top.iter().chain(&exif).filter(is_date);
        Says {
            date: dates.any(|field| self.is_date(field.value)),
            place: has(GPS_LATITUDE) && has(GPS_LONGITUDE),
        }
    }

    fn directory(&self, at: u32) -> Vec<Field> {
        let at = at as usize;
        let count = usize::from(self.u16(at).unwrap_or(0)).min(ENTRIES_MAX);
        (0..count)
            .map_while(|index| {
                let at = at + 2 + index * 12;
                Some(Field { tag: self.u16(at)?, count: self.u32(at + 4)?, value: self.u32(at + 8)? })
            })
            .collect()
    }

    /// "2019:05:04 10:15:00"; cameras without a clock write zeros or spaces.
    fn is_date(&self, at: u32) -> bool {
        let text = self.bytes.get(at as usize..).and_then(|text| text.get(..10));
        text.is_some_and(|text| text[..4].iter().all(u8::is_ascii_digit) && text[..4] != *b"0000")
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

    /// A little-endian TIFF: fields of the first directory, of Exif's and of the place's, as (tag, count, value).
    fn tiff(
        top: &[(u16, u32, u32)],
        exif: &[(u16, u32, u32)],
        gps: &[(u16, u32, u32)],
        date: &[u8],
    ) -> Vec<u8> {
        let size = |fields: usize| 2 + 12 * fields as u32;
        let top_fields = top.len() + 2;
        let (exif_at, gps_at) = (8 + size(top_fields), 8 + size(top_fields) + size(exif.len()));
        let date_at = gps_at + size(gps.len());
        let mut bytes = b"II*\0\x08\0\0\0".to_vec();
        let links = [(EXIF_DIRECTORY, 1, exif_at), (GPS_DIRECTORY, 1, gps_at)];
        for fields in [&[top, &links].concat()[..], exif, gps] {
            bytes.extend((fields.len() as u16).to_le_bytes());
            for &(tag, count, value) in fields {
                bytes.extend(tag.to_le_bytes());
                bytes.extend([2, 0]);
                bytes.extend(count.to_le_bytes());
                bytes.extend(if value == u32::MAX { date_at } else { value }.to_le_bytes());
            }
        }
        bytes.extend(date);
        bytes
    }

    const AT_DATE: u32 = u32::MAX;
    const PLACE: [(u16, u32, u32); 2] = [(GPS_LATITUDE, 3, 0), (GPS_LONGITUDE, 3, 0)];

    #[test]
    fn dates_and_places_are_found_in_every_wrapping() {
        let whole = tiff(&[], &[(DATE_TIME_ORIGINAL, 20, AT_DATE)], &PLACE, b"2019:05:04 10:15:00\0");
        let both = Says { date: true, place: true };
        assert_eq!(says(&whole), both);
        assert_eq!(says(&[b"\xff\xd8\xff\xe1..Exif\0\0".as_slice(), &whole].concat()), both);
        assert_eq!(says(&[b"\x89PNG....eXIf".as_slice(), &whole].concat()), both);
        let dated = tiff(&[(DATE_TIME, 20, AT_DATE)], &[], &[], b"2019:05:04 10:15:00\0");
        assert_eq!(says(&dated), Says { date: true, place: false });
    }

    #[test]
    fn a_clock_that_was_never_set_says_nothing() {
        for date in [b"0000:00:00 00:00:00\0", b"    :  :     :  :  \0"] {
            let silent = tiff(&[(DATE_TIME, 20, AT_DATE)], &[], &PLACE[..1], date);
            assert_eq!(says(&silent), Says::default());
        }
    }

    #[test]
    fn nothing_is_read_that_is_not_there() {
        let whole = tiff(&[], &[(DATE_TIME_ORIGINAL, 20, AT_DATE)], &PLACE, b"2019:05:04 10:15:00\0");
        for end in 0..whole.len() {
            says(&whole[..end]);
        }
        assert_eq!(says(b"II*\0\xff\xff\xff\xff"), Says::default());
        assert_eq!(says(b""), Says::default());
    }
}
