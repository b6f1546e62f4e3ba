//! Why something waits or was refused, in words for people.

use shared::ErrorCode;

/// One sentence, or what the server said where there is nothing better to say.
pub(super) fn refused(code: ErrorCode, message: &str) -> String {
    let text = match code {
        ErrorCode::WouldCycle => "A folder cannot be put into itself, and the other was moved in here first",
        ErrorCode::Gone => {
            "This was deleted for good or is no longer shared with you. Your change is kept here"
        }
        ErrorCode::NotFound => "The server does not know this item any more",
        ErrorCode::ParentNotFound => "The folder it belongs into is no longer there",
        ErrorCode::ReadOnly | ErrorCode::Forbidden => "You can only view this folder",
        ErrorCode::InvalidName => "The server does not accept this name",
        ErrorCode::TooDeep => "Folders cannot be nested this deep",
        ErrorCode::FileTooLarge | ErrorCode::TooManyChunks => "This file is too large",
        ErrorCode::DependsOnFailed => "An earlier change to it was refused",
        _ if message.is_empty() => "The server refused this change",
        _ => message,
    };
    text.to_owned()
}

/// Why it is tried again later.
pub(super) fn waiting(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::QuotaExceeded => "Your storage is full",
        ErrorCode::StagedLimit | ErrorCode::UploadLimit => "Too many uploads at once",
        ErrorCode::StorageFull => "The server's storage is full",
        ErrorCode::RateLimited => "The server asks to slow down",
        ErrorCode::ChunksMissing => "Parts of the file have to be sent again",
        _ => "The server cannot take it right now",
    }
}
