//! Registration, sign-in and sign-out.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use shared::Problem;
use shared::account::{ChangePassword, Invite, Register, Registered, SignIn, SignedIn, TokenGranted};
use std::time::Duration;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::arrival::Arrival;
use super::caller::{Admin, Session, cookie, session_cookie_name, set_cookie};
use super::extract::Json;
use crate::db::sessions::SessionKind;
use crate::error::ApiResult;
use crate::ops::accounts::{self, Door};
use crate::ops::sign_in::{self, Attempt, Opened};
use crate::rate_limit::Bucket;
use crate::state::App;
use axum::extract::State;

/// How long a browser keeps its cookies: as long as browsers do. The server ends a session much earlier.
const COOKIE_TTL: Duration = Duration::from_hours(400 * 24);

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(register))
        .routes(routes!(login))
        .routes(routes!(grant_token))
        .routes(routes!(logout))
        .routes(routes!(change_password))
        .routes(routes!(me))
        .routes(routes!(create_invite))
}

fn device_cookie_name(is_https: bool) -> &'static str {
    if is_https { "__Host-cloudstead-device" } else { "cloudstead-device" }
}

/// Makes an account
///
/// The first account is the administrator's.
#[utoipa::path(post, path = "/auth/register", tag = "accounts", request_body = Register, security(()),
    responses(
        (status = 201, body = Registered),
        (status = 403, body = Problem, description = "registration_closed, invalid_invite"),
        (status = 409, body = Problem, description = "username_taken"),
        (status = 422, body = Problem, description = "invalid_username, password_too_weak")))]
async fn register(
    State(app): State<App>,
    arrival: Arrival,
    Json(request): Json<Register>,
) -> ApiResult<(StatusCode, Json<Registered>)> {
    app.rate_limit.take(Bucket::address(arrival.address), app.env.now()).await?;
    let user = accounts::register(&app, request, Door::Public, Some(arrival.address.to_string())).await?;
    Ok((StatusCode::CREATED, Json(Registered { user })))
}

/// Signs in with a cookie
#[utoipa::path(post, path = "/auth/login", tag = "accounts", request_body = SignIn, security(()),
    responses(
        (status = 200, body = SignedIn),
        (status = 401, body = Problem, description = "invalid_credentials"),
        (status = 429, body = Problem, description = "rate_limited, device_limit, session_limit")))]
async fn login(
    State(app): State<App>,
    arrival: Arrival,
    headers: HeaderMap,
    former: Option<Session>,
    Json(request): Json<SignIn>,
) -> ApiResult<Response> {
    let is_https = arrival.is_https;
    let Opened { secret, signed_in } =
        open(&app, &arrival, &headers, former, request, SessionKind::Cookie).await?;
    let proof = sign_in::device_proof(&app, signed_in.user.id, signed_in.device.id);
    let cookies = [
        set_cookie(session_cookie_name(is_https), &secret, COOKIE_TTL, is_https),
        set_cookie(device_cookie_name(is_https), &proof, COOKIE_TTL, is_https),
    ];
    let cookies = cookies.into_iter().flatten().map(|value| (header::SET_COOKIE, value));
    Ok((AppendHeaders(cookies.collect::<Vec<_>>()), Json::<_>(signed_in)).into_response())
}

/// Signs in with a bearer token
///
/// For native clients: the token goes into `Authorization: Bearer`.
#[utoipa::path(post, path = "/auth/token", tag = "accounts", request_body = SignIn, security(()),
    responses(
        (status = 200, body = TokenGranted),
        (status = 401, body = Problem, description = "invalid_credentials"),
        (status = 429, body = Problem, description = "rate_limited, device_limit, session_limit")))]
async fn grant_token(
    State(app): State<App>,
    arrival: Arrival,
    headers: HeaderMap,
    Json(request): Json<SignIn>,
) -> ApiResult<Json<TokenGranted>> {
    let opened = open(&app, &arrival, &headers, None, request, SessionKind::Bearer).await?;
    Ok(Json(TokenGranted { token: opened.secret, signed_in: opened.signed_in }))
}

async fn open(
    app: &App,
    arrival: &Arrival,
    headers: &HeaderMap,
    former: Option<Session>,
    request: SignIn,
    kind: SessionKind,
) -> ApiResult<Opened> {
    let device_proof = cookie(headers, device_cookie_name(arrival.is_https)).map(str::to_owned);
    let former = former.map(|session| session.hash);
    sign_in::sign_in(app, Attempt { request, kind, address: arrival.address, device_proof, former }).await
}

/// Ends the session
#[utoipa::path(post, path = "/auth/logout", tag = "accounts", responses((status = 204)))]
async fn logout(State(app): State<App>, arrival: Arrival, session: Session) -> ApiResult<Response> {
    sign_in::sign_out(&app, session.caller, session.hash).await?;
    let gone = set_cookie(session_cookie_name(arrival.is_https), "", Duration::ZERO, arrival.is_https);
    let cookies: Vec<_> = gone.into_iter().map(|value| (header::SET_COOKIE, value)).collect();
    Ok((StatusCode::NO_CONTENT, AppendHeaders(cookies)).into_response())
}

/// Changes one's own password
///
/// The person's other sessions end, with their sockets; the caller's stays.
#[utoipa::path(post, path = "/auth/password", tag = "accounts", request_body = ChangePassword,
    responses(
        (status = 204),
        (status = 403, body = Problem, description = "wrong_password"),
        (status = 422, body = Problem, description = "password_too_weak"),
        (status = 429, body = Problem, description = "rate_limited")))]
async fn change_password(
    State(app): State<App>,
    arrival: Arrival,
    session: Session,
    Json(request): Json<ChangePassword>,
) -> ApiResult<StatusCode> {
    accounts::change_password(&app, session.caller, session.hash, request, arrival.address).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says who is signed in
#[utoipa::path(get, path = "/auth/me", tag = "accounts", responses((status = 200, body = SignedIn)))]
async fn me(State(app): State<App>, session: Session) -> ApiResult<Json<SignedIn>> {
    let caller = session.caller;
    let mut connection = app.db.reader().await?;
    Ok(Json(sign_in::describe(&mut connection, caller.user_id, caller.device_id).await?))
}

/// Makes an invitation to register
///
/// For administrators. The code is shown once, is good for one account and for 14 days.
#[utoipa::path(post, path = "/invites", tag = "accounts",
    responses((status = 201, body = Invite), (status = 403, body = Problem, description = "forbidden")))]
async fn create_invite(
    State(app): State<App>,
    arrival: Arrival,
    Admin(caller): Admin,
) -> ApiResult<(StatusCode, Json<Invite>)> {
    let invite = accounts::invite(&app, caller, arrival.address.to_string()).await?;
    Ok((StatusCode::CREATED, Json(invite)))
}
