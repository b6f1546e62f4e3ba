//! Cuts a file and names its chunks, holding one window of it in memory.

use std::ops::ControlFlow;

use js_sys::Uint8Array;
use shared::chunking::first_cut;
use shared::limits::CHUNK_BYTES_MAX;
use shared::{ChunkHash, ChunkRef};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, SubtleCrypto};

use crate::browser;

/// What is held in memory at most, in bytes: a chunk and the bytes that follow it.
const WINDOW_BYTES: usize = 2 * CHUNK_BYTES_MAX;

/// Where a file is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cuts {
    /// As this client does.
    ByContent,
    /// After every [`CHUNK_BYTES_MAX`] bytes, as the server and simple clients do.
    EverySize,
}

impl Cuts {
    /// The length of the first chunk of `window`, which holds a whole chunk or the end of the file.
    fn first(self, window: &[u8]) -> usize {
        match self {
            Self::ByContent => first_cut(window),
            Self::EverySize => window.len().min(CHUNK_BYTES_MAX),
        }
    }
}

/// Why a file could not be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutError {
    /// It is gone, was changed while it was read, or may not be read.
    Unreadable,
    Cancelled,
}

/// The chunks of `file`, in order. `on_read` hears of every window, in bytes, and may stop it.
pub async fn cut(
    file: &Blob,
    cuts: Cuts,
    mut on_read: impl FnMut(u64) -> ControlFlow<()>,
) -> Result<Vec<ChunkRef>, CutError> {
    let size = file.size() as u64;
    let mut window: Vec<u8> = Vec::with_capacity(WINDOW_BYTES.min(size as usize));
    let mut chunks = Vec::new();
    let mut read = 0;
    let mut incoming = Incoming::read(file, read, WINDOW_BYTES);
    loop {
        read += incoming.append_to(&mut window).await?;
        let is_last = read == size;
        let mut cut = 0;
        let mut digests = Vec::new();
        while cut < window.len() && (is_last || window.len() - cut >= CHUNK_BYTES_MAX) {
            let chunk = &window[cut..cut + cuts.first(&window[cut..])];
            digests.push((chunk.len(), Digest::start(chunk)));
            cut += chunk.len();
        }
        // The next window is read while this one is hashed.
        incoming = Incoming::read(file, read, WINDOW_BYTES - (window.len() - cut));
        let cut_bytes = cut as u64;
        for (size, digest) in digests {
            chunks.push(ChunkRef { hash: digest.finish().await?, size: size as u32 });
        }
        window.drain(..cut);
        if on_read(cut_bytes).is_break() {
            return Err(CutError::Cancelled);
        }
        if is_last && window.is_empty() {
            return Ok(chunks);
        }
    }
}

/// A piece of the file on its way into memory.
struct Incoming(Option<(JsFuture, u32)>);

impl Incoming {
    fn read(file: &Blob, from: u64, bytes_max: usize) -> Self {
        let to = (file.size() as u64).min(from + bytes_max as u64);
        if to == from {
            return Self(None);
        }
        let piece = file.slice_with_f64_and_f64(from as f64, to as f64);
        Self(piece.ok().map(|piece| (JsFuture::from(piece.array_buffer()), (to - from) as u32)))
    }

    /// How many bytes came.
    async fn append_to(self, window: &mut Vec<u8>) -> Result<u64, CutError> {
        let Some((bytes, expected)) = self.0 else { return Ok(0) };
        let bytes = Uint8Array::new(&bytes.await.map_err(|_| CutError::Unreadable)?);
        if bytes.length() != expected {
            return Err(CutError::Unreadable);
        }
        let from = window.len();
        window.resize(from + expected as usize, 0);
        bytes.copy_to(&mut window[from..]);
        Ok(u64::from(expected))
    }
}

enum Digest {
    /// WebCrypto: four times as fast as WASM, off this thread.
    Running(JsFuture),
    Done(ChunkHash),
}

impl Digest {
    /// WebCrypto takes its own copy of the bytes before it returns.
    fn start(bytes: &[u8]) -> Self {
        match subtle().map(|subtle| subtle.digest_with_str_and_u8_array("SHA-256", bytes)) {
            Some(Ok(running)) => Self::Running(JsFuture::from(running.unchecked_into::<js_sys::Promise>())),
            _ => Self::Done(ChunkHash::of(bytes)),
        }
    }

    async fn finish(self) -> Result<ChunkHash, CutError> {
        match self {
            Self::Running(digest) => {
                let digest = digest.await.map_err(|_| CutError::Unreadable)?;
                ChunkHash::from_slice(&Uint8Array::new(&digest).to_vec()).map_err(|_| CutError::Unreadable)
            }
            Self::Done(hash) => Ok(hash),
        }
    }
}

/// None where the page came over plain HTTP from another machine: browsers keep it for secure origins.
fn subtle() -> Option<SubtleCrypto> {
    browser::property(&browser::crypto(), "subtle").map(JsCast::unchecked_into)
}
