//! Every bound that a client can meet, as the document publishes it.

use std::fmt::Write as _;

use shared::ErrorCode;
use shared::limits as l;

struct Limit {
    what: &'static str,
    most: u64,
    unit: &'static str,
    code: ErrorCode,
}

const fn limit(what: &'static str, most: u64, unit: &'static str, code: ErrorCode) -> Limit {
    Limit { what, most, unit, code }
}

const LIMITS: [Limit; 27] = [
    limit("Body of a push", l::PUSH_BODY_BYTES_MAX as u64, "bytes", ErrorCode::PayloadTooLarge),
    limit("Changes of a push", l::PUSH_CHANGES_MAX as u64, "changes", ErrorCode::TooManyChanges),
    limit("`data` of a change", l::PUSH_DATA_BYTES_MAX as u64, "bytes", ErrorCode::PayloadTooLarge),
    limit("`chunks` of a change", l::PUSH_MANIFEST_CHUNKS_MAX as u64, "chunks", ErrorCode::TooManyChunks),
    limit("Body of `upload/init`", l::INIT_BODY_BYTES_MAX as u64, "bytes", ErrorCode::PayloadTooLarge),
    limit("Any other JSON body", l::JSON_BODY_BYTES_MAX as u64, "bytes", ErrorCode::PayloadTooLarge),
    limit("A file", l::FILE_BYTES_MAX, "bytes", ErrorCode::FileTooLarge),
    limit("Chunks of a file", l::FILE_CHUNKS_MAX as u64, "chunks", ErrorCode::TooManyChunks),
    limit("A chunk", l::CHUNK_BYTES_MAX as u64, "bytes", ErrorCode::InvalidManifest),
    limit(
        "Uploads under way of an account",
        l::UPLOAD_SESSIONS_MAX as u64,
        "uploads",
        ErrorCode::UploadLimit,
    ),
    limit(
        "A new account's quota, unless configured",
        l::QUOTA_BYTES_DEFAULT,
        "bytes",
        ErrorCode::QuotaExceeded,
    ),
    limit(
        "Staged chunks, beside the quota's free part",
        l::QUOTA_BYTES_DEFAULT,
        "bytes",
        ErrorCode::StagedLimit,
    ),
    limit("Entries of a pull's page", l::PULL_LIMIT_MAX as u64, "entries", ErrorCode::InvalidRequest),
    limit("A name, in UTF-8 after NFC", l::NAME_BYTES_MAX as u64, "bytes", ErrorCode::InvalidName),
    limit("Depth below the root", l::TREE_DEPTH_MAX as u64, "folders", ErrorCode::TooDeep),
    limit(
        "Entries of a version vector",
        l::VERSION_VECTOR_ENTRIES_MAX as u64,
        "devices",
        ErrorCode::InvalidBase,
    ),
    limit("A MIME type", l::MIME_TYPE_BYTES_MAX as u64, "bytes", ErrorCode::InvalidRequest),
    limit("A username", l::USERNAME_BYTES_MAX as u64, "bytes", ErrorCode::InvalidUsername),
    limit("A password", l::PASSWORD_BYTES_MAX as u64, "bytes", ErrorCode::PasswordTooWeak),
    limit("A display or device name", l::DISPLAY_NAME_BYTES_MAX as u64, "bytes", ErrorCode::InvalidRequest),
    limit(
        "Devices of an account that are signed in",
        l::DEVICES_MAX as u64,
        "devices",
        ErrorCode::DeviceLimit,
    ),
    limit("Sessions of an account", l::SESSIONS_MAX as u64, "sessions", ErrorCode::SessionLimit),
    limit(
        "Sockets of an account on a node",
        l::SOCKETS_PER_USER_MAX as u64,
        "sockets",
        ErrorCode::SocketLimit,
    ),
    limit(
        "Requests of an account, unless configured",
        l::REQUESTS_PER_MINUTE_DEFAULT as u64,
        "a minute",
        ErrorCode::RateLimited,
    ),
    limit(
        "Requests of an address without a session, unless configured (signing in has its own)",
        (l::REQUESTS_PER_MINUTE_DEFAULT / l::ADDRESS_SHARE) as u64,
        "a minute",
        ErrorCode::RateLimited,
    ),
    limit("A body's silence", l::BODY_IDLE_TIMEOUT.as_secs(), "seconds", ErrorCode::RequestTimeout),
    limit("A JSON body as a whole", l::JSON_BODY_TIMEOUT.as_secs(), "seconds", ErrorCode::RequestTimeout),
];

/// In Markdown.
pub fn table() -> String {
    let mut text = "| What | At most | Unit | Beyond it |\n| --- | --- | --- | --- |\n".to_owned();
    for Limit { what, most, unit, code } in &LIMITS {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {what} | {most} | {unit} | {} `{}` |", code.status(), code.as_str());
    }
    let _ = write!(
        text,
        "\nHeaders beyond {} fields or {} bytes are answered 431, without a body. A socket that sends a frame over {} bytes \
         is closed with 1009, one that sends over {} frames in {} seconds with 1008.",
        l::HEADERS_MAX,
        l::HEADER_BYTES_MAX,
        l::FRAME_BYTES_MAX,
        l::CLIENT_FRAMES_MAX,
        l::PING_INTERVAL.as_secs(),
    );
    text
}
