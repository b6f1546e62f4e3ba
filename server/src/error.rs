//! The error that a handler answers with. Lower layers have their own (`DbError`, `BlobError`); they turn
//! into this one here, and only here is decided what a caller learns. A 5xx says nothing of the inside: its
//! source goes to the log, once, when the answer is made.

use std::error::Error;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use shared::{ErrorCode, Problem};

use crate::blobs::BlobError;
use crate::db::DbError;

/// When to come back after what passes by itself.
const PASSING_RETRY_AFTER: Duration = Duration::from_secs(2);
/// When to come back after what passes once somebody makes room.
const FULL_RETRY_AFTER: Duration = Duration::from_mins(1);

/// When to try again, where the reason does not say. Every retryable code has its pause, but for the one that asks
/// for something to be sent first.
const fn retry_after(code: ErrorCode) -> Option<Duration> {
    match code {
        ErrorCode::RateLimited | ErrorCode::RequestTimeout | ErrorCode::Unavailable | ErrorCode::Internal => {
            Some(PASSING_RETRY_AFTER)
        }
        ErrorCode::DeviceLimit
        | ErrorCode::SessionLimit
        | ErrorCode::SocketLimit
        | ErrorCode::UploadLimit
        | ErrorCode::StagedLimit
        | ErrorCode::QuotaExceeded
        | ErrorCode::StorageFull => Some(FULL_RETRY_AFTER),
        _ => None,
    }
}

pub type ApiResult<T> = Result<T, ApiError>;

/// A problem for the caller, and its cause for the log.
#[derive(Debug, thiserror::Error)]
#[error("{}: {}", problem.title, problem.detail)]
pub struct ApiError {
    pub problem: Box<Problem>,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl ApiError {
    /// `detail` says what to do.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        let error = Self { problem: Box::new(Problem::new(code, detail)), source: None };
        match retry_after(code) {
            Some(pause) => error.retry_after(pause),
            None => error,
        }
    }

    /// The one answer for what is missing and for what the caller may not see.
    pub fn not_found() -> Self {
        Self::new(ErrorCode::NotFound, "There is nothing here that you can see. Check the address.")
    }

    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let error = Self::new(ErrorCode::Internal, "Something went wrong on the server. Try again later.");
        error.because(source)
    }

    pub fn unavailable() -> Self {
        Self::new(ErrorCode::Unavailable, "The server can't reach its storage right now. Try again soon.")
    }

    pub fn storage_full() -> Self {
        Self::new(ErrorCode::StorageFull, "The server's disk is full. Nothing was changed; reading goes on.")
    }

    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    #[must_use]
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.problem.retry_after_ms = Some(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// Adds what the code promises beside it (`missingChunks`, `reason` …).
    #[must_use]
    pub fn with(mut self, name: &str, value: impl serde::Serialize) -> Self {
        self.problem.more.insert(name.to_owned(), serde_json::to_value(value).unwrap_or_default());
        self
    }

    pub fn code(&self) -> ErrorCode {
        self.problem.code
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Full(_) => Self::storage_full().because(error),
            DbError::Unavailable(_) | DbError::Serialization(_) => Self::unavailable().because(error),
            DbError::Shape { .. } | DbError::Other(_) => Self::internal(error),
        }
    }
}

impl From<BlobError> for ApiError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Full(_) => Self::storage_full().because(error),
            BlobError::Unavailable(_) => Self::unavailable().because(error),
            BlobError::Missing(_) | BlobError::Rotten(_) => Self::internal(error),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Some(source) = &self.source {
            tracing::error!(code = %self.problem.code.as_str(), cause = %Chain(&**source), "a request failed");
        }
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(&self.problem)).into_response();
        // For whoever writes down how the request went.
        response.extensions_mut().insert(self.problem.code);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(ms) = self.problem.retry_after_ms {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1000)));
        }
        response
    }
}

/// An error with all its causes on one line.
struct Chain<'a>(&'a (dyn Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            write!(f, ": {cause}")?;
            next = cause.source();
        }
        Ok(())
    }
}
