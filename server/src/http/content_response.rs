//! A content as an HTTP response: ranges, validators, names, and nothing that a browser would run.

use std::fmt::Write as _;
use std::ops::Range;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures::{StreamExt as _, TryStreamExt as _};
use shared::content::Manifest;
use shared::{ContentHash, ErrorCode, UserId};

use crate::db::manifests;
use crate::error::{ApiError, ApiResult};
use crate::ops::read;
use crate::state::App;

/// What is served, and as what.
pub struct Served<'a> {
    pub account: UserId,
    pub content: ContentHash,
    pub name: &'a str,
    pub mime_type: Option<&'a str>,
    /// Shown in the page rather than saved, where that is safe.
    pub inline: bool,
    /// Whether the address names this very content, and so never shows another.
    pub is_immutable: bool,
}

/// How a browser may keep what never changes under its address.
const IMMUTABLE: &str = "private, max-age=31536000, immutable, no-transform";
/// Others' caches get nothing; the browser's own asks each time whether it still holds.
const ASKED_FOR: &str = "private, no-cache, no-transform";

/// Answers a GET or HEAD for a content. The first chunk is read and proven before the status goes out.
pub async fn respond(
    app: &App,
    served: Served<'_>,
    method: &Method,
    headers: &HeaderMap,
) -> ApiResult<Response> {
    let etag = format!("\"{}\"", served.content);
    if matches_etag(headers, &etag) {
        return Ok(not_modified(&etag, served.is_immutable));
    }
    let mut reader = app.db.reader().await?;
    let manifest = manifests::load(&mut reader, served.account, served.content).await?;
    drop(reader);
    // Purged between the look-up of the file and here.
    let manifest = manifest.ok_or_else(ApiError::not_found)?;
    let size = manifest.size();
    // A range is for GET alone (RFC 9110 14.2).
    let range = if method == Method::HEAD { Ok(None) } else { wanted_range(headers, &etag, size) };
    let Ok(range) = range else { return Ok(range_error(size)) };
    let (status, sent) = match &range {
        Some(range) => (StatusCode::PARTIAL_CONTENT, range.clone()),
        None => (StatusCode::OK, 0..size),
    };
    let length = sent.end - sent.start;
    let content_range = range.map(|range| format!("bytes {}-{}/{size}", range.start, range.end - 1));
    let body =
        if method == Method::HEAD { Body::empty() } else { body(app, &served, &manifest, sent).await? };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    set_validators(headers, &etag, served.is_immutable);
    set_presentation(headers, &served);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if let Some(value) = content_range.and_then(|value| HeaderValue::from_str(&value).ok()) {
        headers.insert(header::CONTENT_RANGE, value);
    }
    Ok(response)
}

async fn body(app: &App, served: &Served<'_>, manifest: &Manifest, sent: Range<u64>) -> ApiResult<Body> {
    let mut stream = Box::pin(read::stream(app.clone(), served.account, manifest, sent));
    let Some(first) = stream.try_next().await? else { return Ok(Body::empty()) };
    let rest = stream.inspect_err(|error| {
        tracing::error!(%error, "a download was cut short: its bytes can't be read");
    });
    Ok(Body::from_stream(futures::stream::iter([Ok(first)]).chain(rest)))
}

fn range_error(size: u64) -> Response {
    let detail = format!("The file has {size} bytes. Ask for a range within them.");
    let error = ApiError::new(ErrorCode::RangeNotSatisfiable, detail).with("size", size);
    let mut response = error.into_response();
    if let Ok(value) = HeaderValue::from_str(&format!("bytes */{size}")) {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    response
}

/// What the answer is known by, and how it may be kept.
pub fn set_validators(headers: &mut HeaderMap, etag: &str, is_immutable: bool) {
    if let Ok(etag) = HeaderValue::from_str(etag) {
        headers.insert(header::ETAG, etag);
    }
    let caching = if is_immutable { IMMUTABLE } else { ASKED_FOR };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
}

/// What is asked for is what the browser holds.
pub fn not_modified(etag: &str, is_immutable: bool) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    set_validators(response.headers_mut(), etag, is_immutable);
    response
}

/// Whether `If-None-Match` names the present content (weak comparison, RFC 9110 13.1.2).
pub fn matches_etag(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

#[derive(Debug, PartialEq, Eq)]
struct Unsatisfiable;

/// The one range that is asked for; None is the whole: for several ranges, for what can't be read, and
/// where `If-Range` means another content (RFC 9110 14.2 allows each).
fn wanted_range(headers: &HeaderMap, etag: &str, size: u64) -> Result<Option<Range<u64>>, Unsatisfiable> {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let Some(asked) = text(header::RANGE) else { return Ok(None) };
    if text(header::IF_RANGE).is_some_and(|validator| validator.trim() != etag) {
        return Ok(None);
    }
    let Some((first, last)) = asked
        .strip_prefix("bytes=")
        .filter(|set| !set.contains(','))
        .and_then(|set| set.trim().split_once('-'))
    else {
        return Ok(None);
    };
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Ok(first), Err(_)) if last.is_empty() => first..size,
        (Err(_), Ok(suffix)) if first.is_empty() => size.saturating_sub(suffix)..size,
        _ => return Ok(None),
    };
    if range.start >= range.end { Err(Unsatisfiable) } else { Ok(Some(range)) }
}

/// How a browser may take the bytes.
enum Presentation {
    /// Saved to disk.
    Attachment,
    /// Shown as it is: pictures, sound and film can't act.
    Media,
    /// Shown as plain text, whatever it is.
    Text,
    /// Shown by the browser's own viewer, which a sandbox would keep from working.
    Pdf,
}

fn presentation(mime_type: &str, inline: bool) -> Presentation {
    let essence = mime_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (kind, subtype) = essence.split_once('/').unwrap_or_default();
    match (kind, subtype) {
        _ if !inline => Presentation::Attachment,
        ("image", "png" | "jpeg" | "gif" | "webp" | "avif" | "bmp") | ("audio" | "video", _) => {
            Presentation::Media
        }
        ("application", "pdf") => Presentation::Pdf,
        ("text", _)
        | ("application", "json" | "javascript" | "xml" | "toml" | "yaml" | "x-yaml" | "x-sh" | "sql") => {
            Presentation::Text
        }
        _ => Presentation::Attachment,
    }
}

fn set_presentation(headers: &mut HeaderMap, served: &Served<'_>) {
    let guessed = mime_guess::from_path(served.name).first_raw();
    let mime_type = served.mime_type.or(guessed).unwrap_or("application/octet-stream");
    let presentation = presentation(mime_type, served.inline);
    let (mime_type, policy) = match presentation {
        Presentation::Text => ("text/plain; charset=utf-8", "default-src 'none'; sandbox"),
        Presentation::Pdf => {
            ("application/pdf", "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'")
        }
        Presentation::Media => (
            mime_type,
            "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox",
        ),
        Presentation::Attachment => (mime_type, "default-src 'none'; sandbox"),
    };
    let disposition = match presentation {
        Presentation::Attachment => "attachment",
        Presentation::Media | Presentation::Text | Presentation::Pdf => {
            headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
            "inline"
        }
    };
    let octets = HeaderValue::from_static("application/octet-stream");
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(mime_type).unwrap_or(octets));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_DISPOSITION, content_disposition(disposition, served.name));
}

/// RFC 6266: the name in ASCII for old readers, and as it is (RFC 8187) for the rest.
pub fn content_disposition(disposition: &str, name: &str) -> HeaderValue {
    let fallback: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' { c } else { '_' })
        .collect();
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    let value = format!("{disposition}; filename=\"{fallback}\"; filename*=UTF-8''{encoded}");
    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(asked: &str, size: u64) -> Result<Option<Range<u64>>, Unsatisfiable> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, asked.parse().unwrap());
        wanted_range(&headers, "\"tag\"", size)
    }

    #[test]
    fn ranges_are_read_as_the_rfc_writes_them() {
        assert_eq!(range("bytes=0-0", 10), Ok(Some(0..1)));
        assert_eq!(range("bytes=2-", 10), Ok(Some(2..10)));
        assert_eq!(range("bytes=-3", 10), Ok(Some(7..10)));
        assert_eq!(range("bytes=-30", 10), Ok(Some(0..10)));
        assert_eq!(range("bytes=5-99", 10), Ok(Some(5..10)));
        assert_eq!(range("bytes=0-18446744073709551615", 10), Ok(Some(0..10)));
        for unsatisfiable in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            assert_eq!(range(unsatisfiable, 10), Err(Unsatisfiable), "{unsatisfiable}");
        }
        assert_eq!(range("bytes=0-", 0), Err(Unsatisfiable));
        for whole in ["bytes=0-1,4-5", "bytes=5-2", "bytes=a-b", "bytes=-", "lines=0-1", "bytes"] {
            assert_eq!(range(whole, 10), Ok(None), "{whole}");
        }
    }

    #[test]
    fn a_range_of_another_content_is_the_whole() {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, "bytes=1-2".parse().unwrap());
        for (validator, wanted) in [("\"tag\"", Some(1..3)), ("\"other\"", None), ("W/\"tag\"", None)] {
            headers.insert(header::IF_RANGE, validator.parse().unwrap());
            assert_eq!(wanted_range(&headers, "\"tag\"", 10), Ok(wanted), "{validator}");
        }
    }

    #[test]
    fn names_of_any_script_survive() {
        let value = content_disposition("attachment", "Überblick \"Ω\".txt");
        assert_eq!(
            value.to_str().unwrap(),
            "attachment; filename=\"_berblick ___.txt\"; \
             filename*=UTF-8''%C3%9Cberblick%20%22%CE%A9%22.txt"
        );
    }

    #[test]
    fn what_could_act_is_never_shown_as_itself() {
        for (mime, name) in
            [("text/html", "a.html"), ("image/svg+xml", "a.svg"), ("application/xhtml+xml", "a.xhtml")]
        {
            let mut headers = HeaderMap::new();
            let content = ContentHash([0; 32]);
            let account = UserId(uuid::Uuid::nil());
            let mime_type = Some(mime);
            let served = Served { account, content, name, mime_type, inline: true, is_immutable: false };
            set_presentation(&mut headers, &served);
            let is_plain = headers[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/plain");
            let is_saved = headers[header::CONTENT_DISPOSITION].to_str().unwrap().starts_with("attachment");
            assert!(is_plain || is_saved, "{mime}");
            assert!(headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("sandbox"));
            assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        }
    }
}
