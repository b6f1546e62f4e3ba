//! Who is asking: the session behind a cookie or a bearer token.

use axum::extract::{FromRequestParts, MatchedPath, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use shared::limits::SESSION_TTL;
use shared::{ErrorCode, Timestamp};
use std::time::Duration;

use super::arrival::Arrival;
use crate::auth::Caller;
use crate::db::DbError;
use crate::db::devices;
use crate::db::sessions::{self, SessionKind, TokenHash};
use crate::error::{ApiError, ApiResult};
use crate::rate_limit::Bucket;
use crate::state::App;

/// A use of a session is written down once in this while.
const TOUCH_INTERVAL: Duration = Duration::from_hours(1);

/// The name that browsers guard: `__Host-` cookies come from this host, by TLS only.
pub fn session_cookie_name(is_https: bool) -> &'static str {
    if is_https { "__Host-cloudstead" } else { "cloudstead" }
}

/// The session's secret in the request's cookies.
pub fn session_cookie(headers: &HeaderMap, is_https: bool) -> Option<&str> {
    cookie(headers, session_cookie_name(is_https))
}

/// The first cookie of that name.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value))
}

/// A cookie that scripts and other sites don't get. `max_age` zero takes it away.
pub fn set_cookie(name: &str, value: &str, max_age: Duration, is_https: bool) -> Option<HeaderValue> {
    let secure = if is_https { "; Secure" } else { "" };
    let text =
        format!("{name}={value}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}", max_age.as_secs());
    HeaderValue::from_str(&text).ok()
}

/// What the table keeps of a secret; None where it is none of ours.
pub fn hash_secret(secret: &str) -> Option<TokenHash> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(secret).ok().filter(|bytes| bytes.len() == 32)?;
    Some(Sha256::digest(bytes).into())
}

/// A live session.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    pub caller: Caller,
    pub hash: TokenHash,
    pub kind: SessionKind,
}

/// The secret that a request shows. A bearer token stands before a cookie.
fn presented(headers: &HeaderMap, is_https: bool) -> Option<(TokenHash, SessionKind)> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        let hash = Some(token)
            .filter(|_| scheme.eq_ignore_ascii_case("bearer"))
            .and_then(|token| hash_secret(token.trim()))?;
        return Some((hash, SessionKind::Bearer));
    }
    Some((hash_secret(session_cookie(headers, is_https)?)?, SessionKind::Cookie))
}

fn unauthenticated() -> ApiError {
    ApiError::new(ErrorCode::Unauthenticated, "Sign in first.")
}

async fn load(parts: &Parts, app: &App) -> ApiResult<Option<Session>> {
    let is_https = parts.extensions.get::<Arrival>().is_some_and(|arrival| arrival.is_https);
    let Some((hash, kind)) = presented(&parts.headers, is_https) else { return Ok(None) };
    let now = app.env.now();
    let Some(row) = sessions::load(&mut app.db.reader().await?, &hash, kind, now).await? else {
        return Ok(None);
    };
    let caller = Caller { user_id: row.user_id, device_id: row.device_id, is_admin: row.is_admin };
    if now.since(row.last_used_at) >= TOUCH_INTERVAL {
        touch(app, caller, hash, now);
    }
    Ok(Some(Session { caller, hash, kind }))
}

/// Beside the request: nothing waits for it, and nothing is lost without it.
fn touch(app: &App, caller: Caller, hash: TokenHash, now: Timestamp) {
    let db = app.db.clone();
    tokio::spawn(async move {
        let written = db.write::<_, DbError, _>(move |connection| {
            Box::pin(async move {
                sessions::touch(connection, &hash, now, now + SESSION_TTL).await?;
                devices::seen(connection, caller.user_id, caller.device_id, now).await
            })
        });
        if let Err(error) = written.await {
            tracing::warn!(%error, "the use of a session could not be written down");
        }
    });
}

/// What an account needs to rid itself of a runaway device: counted by device.
const OF_THE_ACCOUNT: [&str; 2] = ["/api/v1/auth/", "/api/v1/devices"];

/// Whose request it is to the rate limit.
fn bucket(parts: &Parts, caller: Caller) -> Bucket {
    let path = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    if OF_THE_ACCOUNT.iter().any(|prefix| path.starts_with(prefix)) {
        Bucket::Device(caller.device_id)
    } else {
        Bucket::Account(caller.user_id)
    }
}

impl FromRequestParts<App> for Session {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> ApiResult<Self> {
        let session = load(parts, app).await?;
        let bucket = match &session {
            Some(session) => bucket(parts, session.caller),
            None => Bucket::address(Arrival::from_request_parts(parts, app).await?.address),
        };
        app.rate_limit.take(bucket, app.env.now()).await?;
        session.ok_or_else(unauthenticated)
    }
}

impl OptionalFromRequestParts<App> for Session {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> ApiResult<Option<Self>> {
        load(parts, app).await
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> ApiResult<Self> {
        let session = <Session as FromRequestParts<App>>::from_request_parts(parts, app).await?;
        Ok(session.caller)
    }
}

/// An administrator: others are told that it is not theirs to do.
pub struct Admin(pub Caller);

impl FromRequestParts<App> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> ApiResult<Self> {
        let caller = Caller::from_request_parts(parts, app).await?;
        if caller.is_admin {
            Ok(Self(caller))
        } else {
            Err(ApiError::new(ErrorCode::Forbidden, "Only an administrator can do this. Ask one."))
        }
    }
}

impl FromRequestParts<App> for Arrival {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> ApiResult<Self> {
        let known = parts.extensions.get::<Self>().cloned();
        Ok(known.unwrap_or_else(|| Self::of(&app.config, None, &parts.headers, &parts.uri)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_stands_before_the_cookie_and_alone() {
        let secret = BASE64_URL_SAFE_NO_PAD.encode([7; 32]);
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, format!("other=1; cloudstead={secret}").parse().unwrap());
        assert!(matches!(presented(&headers, false), Some((_, SessionKind::Cookie))));
        assert!(presented(&headers, true).is_none(), "by TLS only the guarded cookie counts");
        headers.insert(header::AUTHORIZATION, "Bearer nonsense".parse().unwrap());
        assert!(presented(&headers, false).is_none());
        headers.insert(header::AUTHORIZATION, format!("bearer {secret}").parse().unwrap());
        assert!(matches!(presented(&headers, false), Some((_, SessionKind::Bearer))));
    }
}
