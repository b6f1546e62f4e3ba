//! How a request came in: from which address, by which scheme, and whether its origin is ours.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use shared::ErrorCode;

use super::caller::session_cookie;
use crate::config::{Config, origin_of};
use crate::error::{ApiError, ApiResult};
use crate::state::App;

/// The other end of the connection, put into each request by the accept loop.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// What is known of a request before anyone looks at who asks.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The client's address; a trusted proxy's word counts.
    pub address: IpAddr,
    pub is_https: bool,
    /// The origin that pages of ours have.
    pub origin: String,
}

impl Arrival {
    pub fn of(config: &Config, peer: Option<Peer>, headers: &HeaderMap, uri: &Uri) -> Self {
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |Peer(address)| address.ip().to_canonical());
        let is_proxy = config.trusted_proxies.contains(&peer);
        let forwarded =
            |name: &str| headers.get(name).filter(|_| is_proxy).and_then(|value| value.to_str().ok());
        // The last entry is the one that the proxy itself wrote.
        let address = forwarded("x-forwarded-for")
            .and_then(|list| list.rsplit(',').next()?.trim().parse().ok())
            .unwrap_or(peer);
        let is_https = config.is_https() || forwarded("x-forwarded-proto") == Some("https");
        let origin = config.public_origin.clone().unwrap_or_else(|| {
            let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
            let host = host.or_else(|| uri.authority().map(axum::http::uri::Authority::as_str));
            origin_of(if is_https { "https" } else { "http" }, host.unwrap_or_default())
        });
        Self { address, is_https, origin }
    }

    /// Whether a page of ours sent it: its `Origin` must be ours. Some requests of our own pages have
    /// none, but none of those that change anything or open a socket.
    pub fn require_own_origin(&self, headers: &HeaderMap) -> ApiResult<()> {
        match headers.get(header::ORIGIN).map(|value| value.to_str()) {
            Some(Ok(origin)) if origin.eq_ignore_ascii_case(&self.origin) && !is_cross_site(headers) => {
                Ok(())
            }
            _ => Err(foreign_origin()),
        }
    }

    /// For what carries no credentials that a browser adds by itself: a foreign page is refused, a native
    /// client says nothing of where it comes from.
    fn refuse_foreign_page(&self, headers: &HeaderMap) -> ApiResult<()> {
        if headers.contains_key(header::ORIGIN) {
            self.require_own_origin(headers)
        } else if is_cross_site(headers) {
            Err(foreign_origin())
        } else {
            Ok(())
        }
    }
}

/// `Sec-Fetch-Site` is the browser's own word; `none` is a person who typed the address.
fn is_cross_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}

fn foreign_origin() -> ApiError {
    ApiError::new(
        ErrorCode::OriginMismatch,
        "This came from another site, or doesn't say from where. Use the address that CLOUDSTEAD_PUBLIC_URL names.",
    )
}

/// Notes the arrival, and turns away what another site's page sends.
pub async fn check_arrival(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let headers = request.headers();
    let arrival = Arrival::of(&app.config, peer, headers, request.uri());
    tracing::Span::current().record("address", tracing::field::display(arrival.address));
    let changes_nothing = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let verdict = if changes_nothing || headers.contains_key(header::AUTHORIZATION) {
        // A bearer token is never added by a browser itself, and where there is one the cookie is ignored.
        Ok(())
    } else if session_cookie(headers, arrival.is_https).is_some() {
        arrival.require_own_origin(headers)
    } else {
        arrival.refuse_foreign_page(headers)
    };
    if let Err(error) = verdict {
        return error.into_response();
    }
    request.extensions_mut().insert(arrival);
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|&(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn arrival(origin: &str) -> Arrival {
        Arrival { address: Ipv4Addr::LOCALHOST.into(), is_https: true, origin: origin.into() }
    }

    #[test]
    fn only_our_own_origin_will_do() {
        let ours = arrival("https://cloud.example.com");
        let verdict = |pairs| ours.require_own_origin(&headers(pairs)).is_ok();
        assert!(verdict(&[("origin", "https://cloud.example.com")]));
        assert!(verdict(&[("origin", "https://cloud.example.com"), ("sec-fetch-site", "same-origin")]));
        assert!(!verdict(&[("origin", "https://cloud.example.com"), ("sec-fetch-site", "same-site")]));
        assert!(!verdict(&[("origin", "http://cloud.example.com")]));
        assert!(!verdict(&[("origin", "https://cloud.example.com.evil.example")]));
        assert!(!verdict(&[("origin", "null")]));
        assert!(!verdict(&[]));
    }

    #[test]
    fn without_credentials_a_foreign_page_is_refused_and_a_native_client_is_not() {
        let ours = arrival("http://127.0.0.1:3000");
        let verdict = |pairs| ours.refuse_foreign_page(&headers(pairs)).is_ok();
        assert!(verdict(&[]));
        assert!(verdict(&[("origin", "http://127.0.0.1:3000")]));
        assert!(!verdict(&[("origin", "http://127.0.0.1:3001")]));
        assert!(!verdict(&[("sec-fetch-site", "cross-site")]));
    }
}
