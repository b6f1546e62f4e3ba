//! What a ZIP archive holds, read from its end: the directory, with ZIP64. Nothing here trusts a number: what does not fit
//! the file or the bounds is damage.

use shared::Timestamp;

/// Bytes of the end of an archive in which its directory is told: the record, the longest comment, and ZIP64's locator.
pub const TAIL_BYTES: u64 = END_BYTES as u64 + 65_535 + LOCATOR_BYTES as u64;
/// Bytes of ZIP64's record of the directory.
pub const ZIP64_END_BYTES: u64 = 56;
/// Bytes in front of an entry's name and data.
pub const HEADER_BYTES: u64 = 30;
/// The most files of an archive.
pub const ENTRIES_MAX: usize = 1_000_000;
/// The largest directory that is read, in bytes.
const DIRECTORY_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Deflate makes nothing smaller than a thousandth; what promises to be more is a bomb.
const RATIO_MAX: u64 = 1_032;
/// Longer names are cut there, in bytes.
const NAME_BYTES_MAX: usize = 4_096;

const END_BYTES: usize = 22;
const LOCATOR_BYTES: usize = 20;
const ENTRY_BYTES: usize = 46;
const END: u32 = 0x0605_4b50;
const LOCATOR: u32 = 0x0706_4b50;
const ZIP64_END: u32 = 0x0606_4b50;
const ENTRY: u32 = 0x0201_4b50;
const HEADER: u32 = 0x0403_4b50;
/// Extra fields: sizes of ZIP64, and the time in UTC.
const EXTRA_ZIP64: u16 = 1;
const EXTRA_TIME: u16 = 0x5455;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZipError {
    #[error("it is no ZIP archive, or its end is missing")]
    NoArchive,
    #[error("it is one part of a split archive")]
    Split,
    #[error("its list of files is damaged")]
    Damaged,
    #[error("it holds too many files")]
    TooMany,
}

/// Where the directory is, or where that is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Directory(Directory),
    /// [`ZIP64_END_BYTES`] bytes here tell it.
    Zip64At(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Directory {
    pub offset: u64,
    pub size: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Stored,
    Deflated,
}

/// Why an entry cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    Encrypted,
    /// Packed by a method that browsers do not know.
    UnknownMethod,
    Damaged,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZipEntry {
    /// A relative path with `/`, made safe.
    pub path: String,
    pub method: Result<Method, Unreadable>,
    /// In bytes, packed and whole.
    pub packed: u64,
    pub size: u64,
    pub crc32: u32,
    /// Where its header is.
    pub header_at: u64,
    pub modified: Option<Timestamp>,
}

/// Finds the end record in the last bytes of a file of `file_size` bytes: [`TAIL_BYTES`], or all of it.
pub fn find_end(tail: &[u8], file_size: u64) -> Result<End, ZipError> {
    let tail_at = file_size - tail.len() as u64;
    let last = tail.len().checked_sub(END_BYTES).ok_or(ZipError::NoArchive)?;
    let is_end = |at: &usize| {
        let comment = u16_at(tail, at + 20).map(usize::from);
        u32_at(tail, *at) == Some(END) && comment.is_some_and(|length| at + END_BYTES + length <= tail.len())
    };
    let at = (0..=last).rev().find(is_end).ok_or(ZipError::NoArchive)?;
    let read = || {
        let (disk, size, offset) = (u16_at(tail, at + 4)?, u32_at(tail, at + 12)?, u32_at(tail, at + 16)?);
        Some((disk, u64::from(size), u64::from(offset), u16_at(tail, at + 10)?))
    };
    let (disk, size, offset, count) = read().ok_or(ZipError::NoArchive)?;
    let locator = at.checked_sub(LOCATOR_BYTES).filter(|at| u32_at(tail, *at) == Some(LOCATOR));
    let is_zip64 = size == u64::from(u32::MAX) || offset == u64::from(u32::MAX) || count == u16::MAX;
    if let Some(locator) = locator.filter(|_| is_zip64) {
        let record = u64_at(tail, locator + 8).ok_or(ZipError::Damaged)?;
        let fits = record.checked_add(ZIP64_END_BYTES).is_some_and(|end| end <= tail_at + locator as u64);
        return if fits { Ok(End::Zip64At(record)) } else { Err(ZipError::Damaged) };
    }
    if disk != 0 && disk != u16::MAX {
        return Err(ZipError::Split);
    }
    directory(offset, size, tail_at + at as u64).map(End::Directory)
}

/// What stands at [`End::Zip64At`].
pub fn zip64_directory(record: &[u8], file_size: u64) -> Result<Directory, ZipError> {
    let is_record = u32_at(record, 0) == Some(ZIP64_END);
    let place = u64_at(record, 48).zip(u64_at(record, 40)).filter(|_| is_record);
    let (offset, size) = place.ok_or(ZipError::Damaged)?;
    directory(offset, size, file_size)
}

fn directory(offset: u64, size: u64, end: u64) -> Result<Directory, ZipError> {
    if size > DIRECTORY_BYTES_MAX {
        return Err(ZipError::TooMany);
    }
    let fits = offset.checked_add(size).is_some_and(|directory_end| directory_end <= end);
    if fits { Ok(Directory { offset, size }) } else { Err(ZipError::Damaged) }
}

/// The files of a directory, without its folders. What cannot be read is among them; where the directory itself breaks off,
/// nothing is.
pub fn entries(directory: &[u8], at: Directory) -> Result<Vec<ZipEntry>, ZipError> {
    let mut entries = Vec::new();
    let mut rest = directory;
    while u32_at(rest, 0) == Some(ENTRY) {
        let (entry, length) = entry(rest, at.offset).ok_or(ZipError::Damaged)?;
        entries.extend(entry);
        if entries.len() > ENTRIES_MAX {
            return Err(ZipError::TooMany);
        }
        rest = rest.get(length..).ok_or(ZipError::Damaged)?;
    }
    if rest.is_empty() { Ok(entries) } else { Err(ZipError::Damaged) }
}

/// The entry at the start of `bytes`, none for a folder, and how long it is.
fn entry(bytes: &[u8], directory_at: u64) -> Option<(Option<ZipEntry>, usize)> {
    let (flags, method) = (u16_at(bytes, 8)?, u16_at(bytes, 10)?);
    let (time, date) = (u16_at(bytes, 12)?, u16_at(bytes, 14)?);
    let crc32 = u32_at(bytes, 16)?;
    let mut numbers =
        [u64::from(u32_at(bytes, 24)?), u64::from(u32_at(bytes, 20)?), u64::from(u32_at(bytes, 42)?)];
    let [name_length, extra_length, comment_length] =
        [u16_at(bytes, 28)?, u16_at(bytes, 30)?, u16_at(bytes, 32)?].map(usize::from);
    let name = bytes.get(ENTRY_BYTES..ENTRY_BYTES + name_length)?;
    let extra = bytes.get(ENTRY_BYTES + name_length..ENTRY_BYTES + name_length + extra_length)?;
    let length = ENTRY_BYTES + name_length + extra_length + comment_length;
    let mut modified = dos_time(date, time);
    for (id, field) in extra_fields(extra) {
        match id {
            EXTRA_ZIP64 => {
                // It holds those numbers, in this order, for which there was no room.
                let mut at = 0;
                for number in numbers.iter_mut().filter(|number| **number == u64::from(u32::MAX)) {
                    *number = u64_at(field, at)?;
                    at += 8;
                }
            }
            EXTRA_TIME if field.first().is_some_and(|flags| flags & 1 == 1) => {
                let seconds = u32_at(field, 1).map(|seconds| i64::from(seconds as i32));
                modified = seconds.map(|seconds| Timestamp::from_millis(seconds * 1_000)).or(modified);
            }
            _ => {}
        }
    }
    let [size, packed, header_at] = numbers;
    if name.last() == Some(&b'/') {
        return Some((None, length));
    }
    let path = safe_path(&String::from_utf8_lossy(&name[..name.len().min(NAME_BYTES_MAX)]));
    let fits = header_at.checked_add(HEADER_BYTES).and_then(|start| start.checked_add(packed));
    let is_sound = fits.is_some_and(|end| end <= directory_at) && size <= packed.saturating_mul(RATIO_MAX);
    let method = match method {
        // Bit 0: encrypted; bit 6: strongly; bit 13: the directory as well.
        _ if flags & 0x2041 != 0 => Err(Unreadable::Encrypted),
        _ if !is_sound => Err(Unreadable::Damaged),
        0 if size == packed => Ok(Method::Stored),
        0 => Err(Unreadable::Damaged),
        8 => Ok(Method::Deflated),
        _ => Err(Unreadable::UnknownMethod),
    };
    Some((Some(ZipEntry { path, method, packed, size, crc32, header_at, modified }), length))
}

/// Where an entry's data begins, counted from its header: [`HEADER_BYTES`] bytes tell it.
pub fn data_offset(header: &[u8]) -> Option<u64> {
    let is_header = u32_at(header, 0) == Some(HEADER);
    let lengths = u16_at(header, 26).zip(u16_at(header, 28)).filter(|_| is_header);
    lengths.map(|(name, extra)| HEADER_BYTES + u64::from(name) + u64::from(extra))
}

/// A path that stays below where it is put: no empty parts, no `..`, no control characters.
fn safe_path(path: &str) -> String {
    let is_part = |part: &&str| !part.is_empty() && *part != "." && *part != "..";
    let parts: Vec<&str> = path.split(['/', '\\']).filter(is_part).collect();
    parts.join("/").chars().map(|c| if c.is_control() { '_' } else { c }).collect()
}

fn extra_fields(mut extra: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (id, length) = (u16_at(extra, 0)?, usize::from(u16_at(extra, 2)?));
        let field = extra.get(4..4 + length)?;
        extra = &extra[4 + length..];
        Some((id, field))
    })
}

/// The clock on some wall: taken as UTC.
fn dos_time(date: u16, time: u16) -> Option<Timestamp> {
    let (year, month, day) = (1980 + (date >> 9), date >> 5 & 15, date & 31);
    let (hour, minute, second) = (time >> 11, time >> 5 & 63, (time & 31) * 2);
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z").parse().ok()
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array_at(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array_at(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array_at(bytes, at).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder, a stored and a deflated file, as Python's zipfile writes them.
    const PLAIN: &str = "
        504b0304140000000000ef51a44e0000000000000000000000000800000054616b656f75742f504b0304140000080000
        ef51a44e86a6103605000000050000000e00000054616b656f75742fc3a92e74787468656c6c6f504b03041400000008
        00ef51a44e2c2ff45d07000000640000000d00000054616b656f75742f622e7478744b4c4aa4390400504b0102140314
        0000000000ef51a44e00000000000000000000000008000000000000000000000080010000000054616b656f75742f50
        4b01021403140000080000ef51a44e86a6103605000000050000000e000000000000000000000080012600000054616b
        656f75742fc3a92e747874504b01021403140000000800ef51a44e2c2ff45d07000000640000000d0000000000000000
        00000080015700000054616b656f75742f622e747874504b05060000000003000300ad000000890000000000";
    /// The same, with its places and its directory in ZIP64's records.
    const ZIP64: &str = "
        504b0304140000000000ef51a44e0000000000000000000000000800000054616b656f75742f504b03042d0000080000
        ef51a44e86a61036ffffffffffffffff0e00140054616b656f75742fc3a92e7478740100100005000000000000000500
        00000000000068656c6c6f504b03042d0000000800ef51a44e2c2ff45dffffffffffffffff0d00140054616b656f7574
        2f622e74787401001000640000000000000007000000000000004b4c4aa4390400504b01021403140000000000ef51a4
        4e00000000000000000000000008000000000000000000000080010000000054616b656f75742f504b01022d032d0000
        080000ef51a44e86a6103605000000050000000e000c0000000000000000008001ffffffff54616b656f75742fc3a92e
        747874010008002600000000000000504b01022d032d0000000800ef51a44e2c2ff45dffffffffffffffff0d001c0000
        000000000000008001ffffffff54616b656f75742f622e74787401001800640000000000000007000000000000006b00
        000000000000504b06062c000000000000002d002d00000000000000000003000000000000000300000000000000d500
        000000000000b100000000000000504b060700000000860100000000000001000000504b050600000000ffffffffffff
        ffffffffffff0000";

    /// As whoever reads a file does it.
    fn read(file: &[u8]) -> Result<Vec<ZipEntry>, ZipError> {
        let size = file.len() as u64;
        let tail = &file[file.len().saturating_sub(TAIL_BYTES as usize)..];
        let directory = match find_end(tail, size)? {
            End::Directory(directory) => directory,
            End::Zip64At(at) => zip64_directory(&file[at as usize..], size)?,
        };
        let Directory { offset, size } = directory;
        entries(&file[offset as usize..(offset + size) as usize], directory)
    }

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.chunks(2).map(byte).collect()
    }

    #[test]
    fn archives_of_others_are_read() {
        for (file, extra) in [(bytes(PLAIN), false), (bytes(ZIP64), true)] {
            let entries = read(&file).unwrap();
            assert_eq!(entries.len(), 2, "the folder is none");
            let [stored, deflated] = &entries[..] else { unreachable!() };
            assert_eq!((&*stored.path, stored.method), ("Takeout/é.txt", Ok(Method::Stored)));
            assert_eq!((&*deflated.path, deflated.method), ("Takeout/b.txt", Ok(Method::Deflated)));
            assert_eq!((stored.size, deflated.size), (5, 100));
            assert_eq!(stored.modified.unwrap().to_string(), "2019-05-04T10:15:30.000Z");
            let at = stored.header_at as usize;
            let data = at + data_offset(&file[at..]).unwrap() as usize;
            assert_eq!(&file[data..data + 5], b"hello");
            let mut crc = super::super::Crc32::default();
            crc.update(b"hello");
            assert_eq!(stored.crc32, crc.finish());
            assert_eq!(extra, file.len() > bytes(PLAIN).len());
        }
    }

    #[test]
    fn a_file_that_is_cut_or_changed_is_refused_and_never_read_beyond() {
        for file in [bytes(PLAIN), bytes(ZIP64)] {
            for end in 0..file.len() {
                assert!(read(&file[..end]).is_err(), "cut at {end}");
            }
            for at in 0..file.len() {
                let mut changed = file.clone();
                changed[at] ^= 0xff;
                // It may well be read; what comes of it lies within the file.
                for entry in read(&changed).unwrap_or_default() {
                    assert!(entry.method.is_err() || entry.header_at + entry.packed <= file.len() as u64);
                }
            }
        }
        assert_eq!(read(b"no archive at all, but long enough"), Err(ZipError::NoArchive));
    }

    #[test]
    fn bombs_and_encrypted_entries_are_told_by_name() {
        let file = bytes(PLAIN);
        let directory = file.windows(4).position(|bytes| bytes == ENTRY.to_le_bytes()).unwrap();
        let with = |at: usize, value: u8| {
            let mut changed = file.clone();
            changed[directory + at] = value;
            let entries = read(&changed).unwrap();
            let [.., _, _] = &entries[..] else { panic!("the rest is there") };
            entries[0].clone()
        };
        // The folder comes first, of 46 bytes and its name.
        let first = ENTRY_BYTES + "Takeout/".len();
        assert_eq!(with(first + 8, 1).method, Err(Unreadable::Encrypted));
        assert_eq!(with(first + 10, 12).method, Err(Unreadable::UnknownMethod));
        assert_eq!(with(first + 26, 255).method, Err(Unreadable::Damaged), "16 MB out of 5 bytes");
        assert_eq!(with(first + 8, 1).path, "Takeout/é.txt");
    }

    #[test]
    fn paths_stay_below() {
        assert_eq!(safe_path("../../etc/./passwd"), "etc/passwd");
        assert_eq!(safe_path("C:\\photos\\a\u{1}.jpg"), "C:/photos/a_.jpg");
        assert_eq!(safe_path("//"), "");
    }

    #[test]
    fn an_empty_archive_is_one() {
        let mut end = END.to_le_bytes().to_vec();
        end.resize(END_BYTES, 0);
        assert_eq!(read(&end), Ok(Vec::new()));
    }
}
