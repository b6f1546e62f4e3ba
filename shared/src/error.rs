//! Errors on the wire: RFC 9457 problem details with a closed set of codes.

use serde::{Deserialize, Serialize};

/// The stable code of an error. A client decides by it; people read `detail`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ErrorCode {
    // requests
    InvalidRequest,
    PayloadTooLarge,
    TooManyChanges,
    RateLimited,
    OriginMismatch,
    MethodNotAllowed,
    UnsupportedMediaType,
    RequestTimeout,
    // accounts
    Unauthenticated,
    InvalidCredentials,
    /// Of somebody who is signed in: the session stays.
    WrongPassword,
    Forbidden,
    RegistrationClosed,
    InvalidInvite,
    UsernameTaken,
    InvalidUsername,
    PasswordTooWeak,
    DeviceMismatch,
    DeviceLimit,
    SessionLimit,
    SocketLimit,
    // sync
    InvalidSyncToken,
    SyncTokenExpired,
    IdempotencyMismatch,
    OperationExpired,
    DependsOnFailed,
    InvalidBase,
    // items
    NotFound,
    AlreadyExists,
    InvalidName,
    NotAFolder,
    NotAFile,
    ParentNotFound,
    WouldCycle,
    TooDeep,
    RootImmutable,
    NotDeleted,
    Gone,
    ReadOnly,
    // content
    FileTooLarge,
    TooManyChunks,
    InvalidManifest,
    ChunkMismatch,
    ChunksMissing,
    UploadNotFound,
    UploadExpired,
    UploadLimit,
    StagedLimit,
    QuotaExceeded,
    RangeNotSatisfiable,
    // conflicts
    ConflictChanged,
    ConflictResolved,
    NoProposal,
    // photos
    UnsupportedPhoto,
    NotAPhoto,
    TooManyAlbums,
    // the server
    StorageFull,
    Unavailable,
    Internal,
}

impl ErrorCode {
    /// The HTTP status that carries this code.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidRequest | Self::InvalidSyncToken => 400,
            Self::Unauthenticated | Self::InvalidCredentials => 401,
            Self::Forbidden
            | Self::WrongPassword
            | Self::RegistrationClosed
            | Self::InvalidInvite
            | Self::OriginMismatch
            | Self::DeviceMismatch
            | Self::ReadOnly => 403,
            Self::NotFound | Self::UploadNotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::RequestTimeout => 408,
            Self::UsernameTaken
            | Self::IdempotencyMismatch
            | Self::OperationExpired
            | Self::DependsOnFailed
            | Self::AlreadyExists
            | Self::WouldCycle
            | Self::NotDeleted
            | Self::ChunksMissing
            | Self::ConflictChanged
            | Self::ConflictResolved => 409,
            Self::SyncTokenExpired | Self::Gone | Self::UploadExpired => 410,
            Self::PayloadTooLarge | Self::TooManyChanges | Self::FileTooLarge | Self::TooManyChunks => 413,
            Self::UnsupportedMediaType | Self::UnsupportedPhoto => 415,
            Self::RangeNotSatisfiable => 416,
            Self::InvalidUsername
            | Self::PasswordTooWeak
            | Self::InvalidBase
            | Self::InvalidName
            | Self::NotAFolder
            | Self::NotAFile
            | Self::ParentNotFound
            | Self::TooDeep
            | Self::RootImmutable
            | Self::InvalidManifest
            | Self::ChunkMismatch
            | Self::NoProposal
            | Self::NotAPhoto
            | Self::TooManyAlbums => 422,
            Self::RateLimited
            | Self::DeviceLimit
            | Self::SessionLimit
            | Self::SocketLimit
            | Self::UploadLimit => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
            Self::StagedLimit | Self::QuotaExceeded | Self::StorageFull => 507,
        }
    }

    /// Whether the same request may succeed later without the person changing anything. Retryable errors
    /// are never recorded against an operation id.
    pub const fn retryable(self) -> bool {
        matches!(
            self,
            Self::RateLimited
                | Self::RequestTimeout
                | Self::DeviceLimit
                | Self::SessionLimit
                | Self::SocketLimit
                | Self::UploadLimit
                | Self::StagedLimit
                | Self::QuotaExceeded
                | Self::ChunksMissing
                | Self::StorageFull
                | Self::Unavailable
                | Self::Internal
        )
    }

    /// The code as it stands on the wire.
    pub fn as_str(self) -> String {
        serde_json::to_value(self).ok().and_then(|code| code.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// RFC 9457 problem details: the body of every 4xx and 5xx.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    pub detail: String,
    pub code: ErrorCode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// What else the code promises (`missingChunks`, `reason`, `conflict` …).
    #[serde(flatten)]
    pub more: serde_json::Map<String, serde_json::Value>,
}

impl Problem {
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        let words = code.as_str().replace('_', " ");
        let mut letters = words.chars();
        let title =
            letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
        Self {
            kind: format!("urn:cloudstead:error:{}", code.as_str()),
            title,
            status: code.status(),
            detail: detail.into(),
            code,
            retry_after_ms: None,
            more: serde_json::Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_keeps_its_wire_form() {
        let mut problem =
            Problem::new(ErrorCode::ChunksMissing, "Send the missing chunks, then complete again.");
        problem.more.insert("missingChunks".into(), serde_json::json!([1, 2]));
        let wire = serde_json::to_value(&problem).unwrap();
        assert_eq!(
            wire,
            serde_json::json!({
                "type": "urn:cloudstead:error:chunks_missing", "title": "Chunks missing", "status": 409,
                "detail": "Send the missing chunks, then complete again.", "code": "chunks_missing",
                "missingChunks": [1, 2],
            })
        );
        assert_eq!(serde_json::from_value::<Problem>(wire).unwrap(), problem);
    }
}
