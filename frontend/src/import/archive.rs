//! A ZIP archive as it lies on a person's disk: read entry by entry, never as a whole.

use js_sys::{Array, Function, Reflect, Uint8Array};
use sync::import::Crc32;
use sync::import::zip::{
    self, End, HEADER_BYTES, Method, TAIL_BYTES, Unreadable, ZIP64_END_BYTES, ZipEntry, ZipError,
};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File, ReadableStream};

use crate::browser;

/// What is unpacked before it is handed to the browser, which keeps it outside of the page's memory, in bytes.
const PART_BYTES: u32 = 8 * 1024 * 1024;

pub struct Archive {
    file: File,
}

impl Archive {
    /// The archive, and what it holds.
    pub async fn open(file: File) -> Result<(Self, Vec<ZipEntry>), ZipError> {
        let size = file.size() as u64;
        let bytes = async |at: u64, length: u64| read(&file, at, length).await.map_err(|_| ZipError::Damaged);
        let tail_bytes = size.min(TAIL_BYTES);
        let directory = match zip::find_end(&bytes(size - tail_bytes, tail_bytes).await?, size)? {
            End::Directory(directory) => directory,
            End::Zip64At(at) => zip::zip64_directory(&bytes(at, ZIP64_END_BYTES).await?, size)?,
        };
        let entries = zip::entries(&bytes(directory.offset, directory.size).await?, directory)?;
        Ok((Self { file }, entries))
    }

    /// The first bytes of an entry's content: `bytes_max`, or all of it.
    pub async fn head(&self, entry: &ZipEntry, bytes_max: u64) -> Result<Vec<u8>, Unreadable> {
        let mut pieces = Pieces::of(&self.packed(entry).await?, entry.method?)?;
        let mut head = Vec::new();
        while (head.len() as u64) < bytes_max.min(entry.size)
            && let Some(piece) = pieces.next().await?
        {
            head.extend(piece.to_vec());
        }
        pieces.end().await;
        head.truncate(bytes_max.min(entry.size) as usize);
        Ok(head)
    }

    /// An entry's content, of which every byte was proven by its checksum. What is not packed stays where it is.
    pub async fn extract(&self, entry: &ZipEntry) -> Result<Blob, Unreadable> {
        let packed = self.packed(entry).await?;
        let method = entry.method?;
        let mut pieces = Pieces::of(&packed, method)?;
        let mut content = Content::default();
        let (mut size, mut crc, mut buffer) = (0, Crc32::default(), Vec::new());
        while let Some(piece) = pieces.next().await? {
            size += u64::from(piece.length());
            // Whatever it promised, it gets no more.
            if size > entry.size {
                pieces.end().await;
                return Err(Unreadable::Damaged);
            }
            buffer.resize(piece.length() as usize, 0);
            piece.copy_to(&mut buffer);
            crc.update(&buffer);
            if method == Method::Deflated {
                content.add(&piece)?;
            }
        }
        if size != entry.size || crc.finish() != entry.crc32 {
            return Err(Unreadable::Damaged);
        }
        match method {
            Method::Stored => Ok(packed),
            Method::Deflated => content.whole(),
        }
    }

    /// An entry's bytes as they lie in the archive.
    async fn packed(&self, entry: &ZipEntry) -> Result<Blob, Unreadable> {
        let header = read(&self.file, entry.header_at, HEADER_BYTES).await?;
        let start = entry.header_at + zip::data_offset(&header).ok_or(Unreadable::Damaged)?;
        let end = start + entry.packed;
        if end > self.file.size() as u64 {
            return Err(Unreadable::Damaged);
        }
        slice(&self.file, start, end)
    }
}

fn slice(file: &Blob, start: u64, end: u64) -> Result<Blob, Unreadable> {
    file.slice_with_f64_and_f64(start as f64, end as f64).map_err(|_| Unreadable::Damaged)
}

/// Bytes of a file, all of them or none.
pub async fn read(file: &Blob, at: u64, length: u64) -> Result<Vec<u8>, Unreadable> {
    let bytes = JsFuture::from(slice(file, at, at + length)?.array_buffer()).await;
    let bytes = Uint8Array::new(&bytes.map_err(|_| Unreadable::Damaged)?).to_vec();
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(Unreadable::Damaged) }
}

/// A content piece by piece, unpacked on the way.
struct Pieces {
    reader: JsValue,
}

impl Pieces {
    fn of(packed: &Blob, method: Method) -> Result<Self, Unreadable> {
        let stream = match method {
            Method::Stored => packed.stream(),
            Method::Deflated => inflated(&packed.stream()).ok_or(Unreadable::UnknownMethod)?,
        };
        let get_reader = Reflect::get(&stream, &"getReader".into()).ok().and_then(|get| get.dyn_into().ok());
        let reader = get_reader.and_then(|get: Function| get.call0(&stream).ok());
        Ok(Self { reader: reader.ok_or(Unreadable::Damaged)? })
    }

    async fn next(&mut self) -> Result<Option<Uint8Array>, Unreadable> {
        let step = browser::attempt(&self.reader, "read", &JsValue::UNDEFINED).await;
        // A stream that breaks off, or bytes that nobody packed so.
        let step = step.map_err(|_| Unreadable::Damaged)?;
        Ok(browser::property(&step, "value").map(JsCast::unchecked_into))
    }

    /// The rest is not wanted.
    async fn end(self) {
        browser::call(&self.reader, "cancel", &JsValue::UNDEFINED).await;
    }
}

/// None where the browser cannot unpack.
fn inflated(packed: &ReadableStream) -> Option<ReadableStream> {
    let class: Function = browser::property(&js_sys::global(), "DecompressionStream")?.dyn_into().ok()?;
    let inflater = Reflect::construct(&class, &Array::of1(&"deflate-raw".into())).ok()?;
    let pipe: Function = browser::property(packed, "pipeThrough")?.dyn_into().ok()?;
    pipe.call1(packed, &inflater).ok()?.dyn_into().ok()
}

/// What was unpacked: a part is handed to the browser while the next one comes.
#[derive(Default)]
struct Content {
    parts: Vec<Blob>,
    pieces: Vec<Uint8Array>,
    bytes: u32,
}

impl Content {
    fn add(&mut self, piece: &Uint8Array) -> Result<(), Unreadable> {
        self.pieces.push(piece.clone());
        self.bytes += piece.length();
        if self.bytes >= PART_BYTES {
            self.hand_over()?;
        }
        Ok(())
    }

    fn hand_over(&mut self) -> Result<(), Unreadable> {
        let pieces: Array = std::mem::take(&mut self.pieces).iter().collect();
        self.bytes = 0;
        self.parts.push(Blob::new_with_u8_array_sequence(&pieces).map_err(|_| Unreadable::Damaged)?);
        Ok(())
    }

    fn whole(mut self) -> Result<Blob, Unreadable> {
        self.hand_over()?;
        let parts: Array = self.parts.iter().collect();
        Blob::new_with_blob_sequence(&parts).map_err(|_| Unreadable::Damaged)
    }
}
