//! Content addressing: chunks by SHA-256, files by the hash over their chunks' hashes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

use crate::ids::ItemId;
use crate::limits::{CHUNK_BYTES_MAX, FILE_BYTES_MAX, FILE_CHUNKS_MAX};

/// Describes a newtype that travels as a string in the OpenAPI document.
#[cfg(feature = "openapi")]
macro_rules! string_schema {
    ($name:ident, $description:literal) => {
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .description(Some($description))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}
#[cfg(feature = "openapi")]
pub(crate) use string_schema;

/// Not 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 64 lower-case hexadecimal digits")]
pub struct InvalidHash;

macro_rules! hashes {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 32]);

        impl $name {
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// From 32 raw bytes, as a database returns them.
            pub fn from_slice(bytes: &[u8]) -> Result<Self, InvalidHash> {
                bytes.try_into().map(Self).map_err(|_| InvalidHash)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidHash;

            fn from_str(text: &str) -> Result<Self, InvalidHash> {
                let digit = |byte: u8| match byte {
                    b'0'..=b'9' => Ok(byte - b'0'),
                    b'a'..=b'f' => Ok(byte - b'a' + 10),
                    _ => Err(InvalidHash),
                };
                let text: &[u8; 64] = text.as_bytes().try_into().map_err(|_| InvalidHash)?;
                let mut hash = [0; 32];
                for (byte, pair) in hash.iter_mut().zip(text.chunks_exact(2)) {
                    *byte = digit(pair[0])? << 4 | digit(pair[1])?;
                }
                Ok(Self(hash))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }

        #[cfg(feature = "openapi")]
        string_schema!($name, "SHA-256, 64 lower-case hexadecimal digits");
    )+};
}

hashes! {
    /// SHA-256 of one chunk's bytes.
    ChunkHash,
    /// SHA-256 over the concatenated raw SHA-256 digests of a file's chunks, in order: it identifies a
    /// manifest. An empty file has no chunks, and the hash of nothing.
    ContentHash,
}

impl ChunkHash {
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl ContentHash {
    pub fn of_chunks<'a>(hashes: impl IntoIterator<Item = &'a ChunkHash>) -> Self {
        let mut over = Sha256::new();
        for hash in hashes {
            over.update(hash.0);
        }
        Self(over.finalize().into())
    }
}

/// A chunk by name: what a manifest lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChunkRef {
    pub hash: ChunkHash,
    /// In bytes, at most [`CHUNK_BYTES_MAX`].
    pub size: u32,
}

/// A chunk of an upload, and whether the server has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChunkInfo {
    pub index: u32,
    /// None for a chunk that was neither announced nor sent.
    pub hash: Option<ChunkHash>,
    pub size: u32,
    pub uploaded: bool,
}

/// The seed's wire form of an upload's plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChunkManifest {
    pub file_id: ItemId,
    pub total_size: u64,
    pub chunk_size: u32,
    pub chunks: Vec<ChunkInfo>,
}

/// The chunks of a content, in order, proven to be within the limits.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Manifest {
    chunks: Vec<ChunkRef>,
    size: u64,
}

/// Why a list of chunks is no manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidManifest {
    #[error("chunk {index} has {size} bytes; a chunk has 1 to {CHUNK_BYTES_MAX}")]
    ChunkSize { index: usize, size: u32 },
    #[error("{count} chunks; a file has at most {FILE_CHUNKS_MAX}")]
    TooManyChunks { count: usize },
    #[error("{size} bytes; a file has at most {FILE_BYTES_MAX}")]
    TooLarge { size: u64 },
    #[error("the chunks add up to {sum} bytes, but the size was given as {size}")]
    SizeMismatch { sum: u64, size: u64 },
}

/// Bytes of one packed entry: the digest and the size, little endian.
const PACKED_ENTRY_BYTES: usize = 32 + 4;

impl Manifest {
    pub fn new(chunks: Vec<ChunkRef>) -> Result<Self, InvalidManifest> {
        if chunks.len() > FILE_CHUNKS_MAX {
            return Err(InvalidManifest::TooManyChunks { count: chunks.len() });
        }
        if let Some((index, chunk)) =
            chunks.iter().enumerate().find(|(_, c)| c.size == 0 || c.size as usize > CHUNK_BYTES_MAX)
        {
            return Err(InvalidManifest::ChunkSize { index, size: chunk.size });
        }
        let size = chunks.iter().map(|chunk| u64::from(chunk.size)).sum();
        if size > FILE_BYTES_MAX {
            return Err(InvalidManifest::TooLarge { size });
        }
        Ok(Self { chunks, size })
    }

    /// As [`Self::new`], and the sizes must add up to `size`.
    pub fn with_size(chunks: Vec<ChunkRef>, size: u64) -> Result<Self, InvalidManifest> {
        let manifest = Self::new(chunks)?;
        if manifest.size != size {
            return Err(InvalidManifest::SizeMismatch { sum: manifest.size, size });
        }
        Ok(manifest)
    }

    pub fn chunks(&self) -> &[ChunkRef] {
        &self.chunks
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn content_hash(&self) -> ContentHash {
        ContentHash::of_chunks(self.chunks.iter().map(|chunk| &chunk.hash))
    }

    /// 36 bytes a chunk: the raw digest, then the size as a little-endian `u32`.
    pub fn pack(&self) -> Vec<u8> {
        let mut packed = Vec::with_capacity(self.chunks.len() * PACKED_ENTRY_BYTES);
        for chunk in &self.chunks {
            packed.extend_from_slice(&chunk.hash.0);
            packed.extend_from_slice(&chunk.size.to_le_bytes());
        }
        packed
    }

    /// The inverse of [`Self::pack`]; `None` if the bytes are not a packed manifest.
    pub fn unpack(packed: &[u8]) -> Option<Self> {
        let (entries, rest) = packed.as_chunks::<PACKED_ENTRY_BYTES>();
        if !rest.is_empty() {
            return None;
        }
        let chunks = entries
            .iter()
            .map(|entry| {
                let (hash, size) = entry.split_first_chunk::<32>()?;
                let size = u32::from_le_bytes(size.try_into().ok()?);
                Some(ChunkRef { hash: ChunkHash(*hash), size })
            })
            .collect::<Option<Vec<_>>>()?;
        Self::new(chunks).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_content_is_the_hash_of_nothing() {
        let empty = Manifest::default().content_hash().to_string();
        assert_eq!(empty, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn hashes_are_lower_case_hex_only() {
        let hash = ChunkHash::of(b"abc");
        assert_eq!(hash.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert!(hash.to_string().to_uppercase().parse::<ChunkHash>().is_err());
        assert!("ba78".parse::<ChunkHash>().is_err());
    }

    #[test]
    fn a_manifest_packs_and_guards_its_shape() {
        let chunk = ChunkRef { hash: ChunkHash::of(b"x"), size: 1 };
        let manifest = Manifest::with_size(vec![chunk; 3], 3).unwrap();
        assert_eq!(Manifest::unpack(&manifest.pack()), Some(manifest.clone()));
        assert_eq!(Manifest::unpack(&manifest.pack()[1..]), None);
        assert_eq!(
            Manifest::with_size(vec![chunk], 2),
            Err(InvalidManifest::SizeMismatch { sum: 1, size: 2 })
        );
        let empty_chunk = ChunkRef { size: 0, ..chunk };
        assert!(matches!(Manifest::new(vec![empty_chunk]), Err(InvalidManifest::ChunkSize { .. })));
        let oversized = ChunkRef { size: CHUNK_BYTES_MAX as u32 + 1, ..chunk };
        assert!(matches!(Manifest::new(vec![oversized]), Err(InvalidManifest::ChunkSize { .. })));
        assert!(matches!(
            Manifest::new(vec![chunk; FILE_CHUNKS_MAX + 1]),
            Err(InvalidManifest::TooManyChunks { .. })
        ));
    }
}
