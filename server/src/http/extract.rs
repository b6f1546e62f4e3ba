//! How requests are taken apart: bodies, paths and queries within their bounds, refused as problem details.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::ErrorCode;
use shared::limits::{JSON_BODY_BYTES_MAX, JSON_BODY_TIMEOUT};

use crate::error::{ApiError, ApiResult};
use crate::state::App;

/// A JSON body of at most `BYTES_MAX` bytes, and a JSON answer.
pub struct Json<T, const BYTES_MAX: usize = JSON_BODY_BYTES_MAX>(pub T);

impl<T: DeserializeOwned, const BYTES_MAX: usize> FromRequest<App> for Json<T, BYTES_MAX> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &App) -> ApiResult<Self> {
        if !is_json(request.headers()) {
            return Err(ApiError::new(
                ErrorCode::UnsupportedMediaType,
                "Send JSON, with the header Content-Type: application/json.",
            ));
        }
        let body = read_body(request, BYTES_MAX).await?;
        serde_json::from_slice(&body).map(Self).map_err(|error| {
            ApiError::new(
                ErrorCode::InvalidRequest,
                format!("The body isn't what belongs here: {error}. See /api/v1/openapi.json."),
            )
        })
    }
}

impl<T: Serialize, const BYTES_MAX: usize> IntoResponse for Json<T, BYTES_MAX> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// The whole body, if it has at most `bytes_max` bytes and arrives in time.
pub async fn read_body(request: Request, bytes_max: usize) -> ApiResult<Bytes> {
    let too_large = || {
        ApiError::new(
            ErrorCode::PayloadTooLarge,
            format!("The body may have at most {bytes_max} bytes. Send less at once."),
        )
        .with("limit", bytes_max)
    };
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > bytes_max as u64) {
        return Err(too_large());
    }
    let collecting = Limited::new(request.into_body(), bytes_max).collect();
    let collected = tokio::time::timeout(JSON_BODY_TIMEOUT, collecting).await.map_err(|_| timed_out())?;
    match collected {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(error) => Err(broken_body(error)),
    }
}

/// The error for a body that stopped in the middle.
pub fn broken_body(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ApiError {
    let error = error.into();
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&*error);
    while let Some(one) = cause {
        if one.is::<tower_http::timeout::TimeoutError>() {
            return timed_out();
        }
        cause = one.source();
    }
    ApiError::new(ErrorCode::InvalidRequest, "The body was cut short. Send the request again.")
}

fn timed_out() -> ApiError {
    ApiError::new(ErrorCode::RequestTimeout, "The body came too slowly. Send the request again.")
}

/// The path's parameters. An id that is none names nothing: 404.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> ApiResult<Self> {
        let path = axum::extract::Path::from_request_parts(parts, app).await;
        path.map(|axum::extract::Path(value)| Self(value)).map_err(|_| ApiError::not_found())
    }
}

/// The query's parameters.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> ApiResult<Self> {
        let query = axum::extract::Query::from_request_parts(parts, app).await;
        query.map(|axum::extract::Query(value)| Self(value)).map_err(|rejection| {
            let reason = rejection.body_text();
            ApiError::new(
                ErrorCode::InvalidRequest,
                format!("The address's query isn't what belongs here: {reason}. See /api/v1/openapi.json."),
            )
        })
    }
}
