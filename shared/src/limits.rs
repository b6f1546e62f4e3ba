//! Every bound that a client can meet, with its unit. The server enforces them; the OpenAPI document
//! publishes them; a test per limit shows its status and code.

use std::time::Duration;

/// The largest chunk, in bytes, and the size at which the server itself cuts.
pub const CHUNK_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Chunks up to this many bytes live in the database and ride its commit.
pub const CHUNK_INLINE_BYTES_MAX: usize = 64 * 1024;
/// The largest file, in bytes (256 GiB).
pub const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024 * 1024;
/// The most chunks of one file.
pub const FILE_CHUNKS_MAX: usize = 262_144;

/// The most changes of one push.
pub const PUSH_CHANGES_MAX: usize = 500;
/// The largest body of a push, in bytes.
pub const PUSH_BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// The most chunks a change of a push may name; larger manifests go through `upload/init`.
pub const PUSH_MANIFEST_CHUNKS_MAX: usize = 1_000;
/// The largest `data` of a change, in bytes before base64.
pub const PUSH_DATA_BYTES_MAX: usize = 256 * 1024;
/// The largest body of `upload/init`, in bytes.
pub const INIT_BODY_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The largest body of any other JSON request, in bytes.
pub const JSON_BODY_BYTES_MAX: usize = 64 * 1024;
/// How long a request's body may stand still, and how long a JSON body may take as a whole.
pub const BODY_IDLE_TIMEOUT: Duration = Duration::from_secs(30);
pub const JSON_BODY_TIMEOUT: Duration = Duration::from_mins(1);
/// The most header fields of a request, and the bytes of all of them.
pub const HEADERS_MAX: usize = 100;
pub const HEADER_BYTES_MAX: usize = 64 * 1024;

/// Entries of a pull's page: the least, the default and the most.
pub const PULL_LIMIT_DEFAULT: usize = 500;
pub const PULL_LIMIT_MAX: usize = 1_000;
/// Rows of any other list's page.
pub const PAGE_LIMIT_DEFAULT: usize = 100;
pub const PAGE_LIMIT_MAX: usize = 1_000;

/// The longest MIME type, in bytes.
pub const MIME_TYPE_BYTES_MAX: usize = 255;
/// The longest name, in bytes of UTF-8 after NFC.
pub const NAME_BYTES_MAX: usize = 255;
/// The deepest item below its root.
pub const TREE_DEPTH_MAX: usize = 128;
/// The most entries of a version vector.
pub const VERSION_VECTOR_ENTRIES_MAX: usize = 32;
/// The largest text, in bytes, that is merged line by line.
pub const TEXT_MERGE_BYTES_MAX: u64 = 1024 * 1024;

/// The shortest and the longest username, in bytes.
pub const USERNAME_BYTES_MIN: usize = 1;
pub const USERNAME_BYTES_MAX: usize = 64;
/// The shortest password, in characters, and the longest, in bytes.
pub const PASSWORD_CHARS_MIN: usize = 8;
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// The longest display or device name, in bytes.
pub const DISPLAY_NAME_BYTES_MAX: usize = 128;
/// The most devices of one account that are signed in.
pub const DEVICES_MAX: usize = 256;
/// The most sessions of one account.
pub const SESSIONS_MAX: usize = 512;
/// The most WebSockets of one account, on one node.
pub const SOCKETS_PER_USER_MAX: usize = 64;
/// Requests a minute of one account, unless configured.
pub const REQUESTS_PER_MINUTE_DEFAULT: u32 = 60_000;
/// An address without a session, and a device in what concerns only its account, have this part of it.
pub const ADDRESS_SHARE: u32 = 10;
/// The most uploads under way of one account.
pub const UPLOAD_SESSIONS_MAX: usize = 10_000;
/// The largest WebSocket frame that a client may send, in bytes.
pub const FRAME_BYTES_MAX: usize = 16 * 1024;
/// The pause between two pings of the server, and the most frames that a client may send between them.
pub const PING_INTERVAL: Duration = Duration::from_secs(20);
pub const CLIENT_FRAMES_MAX: u32 = 600;
/// The longest proposal that a frame about a conflict carries, in bytes.
pub const FRAME_PROPOSAL_BYTES_MAX: usize = 64 * 1024;
/// Frames waiting for a slow reader before it is told to pull instead.
pub const FRAME_QUEUE_MAX: usize = 256;

/// An upload session's life from its last chunk.
pub const UPLOAD_SESSION_TTL: Duration = Duration::from_hours(1);
/// How long a chunk that was sent, or announced as present, is safe from collection.
pub const CHUNK_LEASE: Duration = Duration::from_hours(7 * 24);
/// How long a recorded operation is replayed.
pub const OPERATION_RETENTION: Duration = Duration::from_hours(180 * 24);
/// How long tombstones and aliases are kept, and with them a sync token's life.
pub const TOMBSTONE_RETENTION: Duration = Duration::from_hours(180 * 24);
/// How long the trash keeps what was deleted.
pub const TRASH_RETENTION: Duration = Duration::from_hours(30 * 24);
/// How long earlier contents are kept, and how many at least.
pub const VERSION_RETENTION: Duration = Duration::from_hours(30 * 24);
pub const VERSIONS_KEPT_MIN: usize = 10;
/// A session's life from its last use.
pub const SESSION_TTL: Duration = Duration::from_hours(60 * 24);
/// Albums that one photo is in.
pub const ALBUMS_OF_PHOTO_MAX: usize = 256;
/// A new account's quota, in bytes, unless configured. Staged bytes have a cap of the same size.
pub const QUOTA_BYTES_DEFAULT: u64 = 1024 * 1024 * 1024 * 1024;
