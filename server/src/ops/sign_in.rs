//! Sign-in: a password for a session on a device.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use shared::account::{Device, DeviceClaim, SignIn, SignedIn};
use shared::limits::{DEVICES_MAX, PASSWORD_BYTES_MAX, SESSION_TTL, SESSIONS_MAX};
use shared::sync::ZoneKind;
use shared::{DeviceId, ErrorCode, Timestamp, UserId};
use std::net::IpAddr;
use std::time::Duration;

use super::accounts::{check_label, username_key};
use super::push::NO_DEVICE;
use crate::access;
use crate::auth::Caller;
use crate::db::audit::{self, AuditEntry};
use crate::db::devices::{self, DeviceRow};
use crate::db::sessions::{self, NewSession, SessionKind, TokenHash};
use crate::db::users::{self, Credentials};
use crate::db::{Connection, DbError};
use crate::error::{ApiError, ApiResult};
use crate::state::App;
use crate::throttle::{Trier, household};

/// How someone comes to sign in.
pub struct Attempt {
    pub request: SignIn,
    pub kind: SessionKind,
    pub address: IpAddr,
    /// What proves that this device signed in before, if it shows something.
    pub device_proof: Option<String>,
    /// The session that the request came with: it ends, so that no secret outlives a sign-in.
    pub former: Option<TokenHash>,
}

/// A new session. The secret exists only here and at the client.
pub struct Opened {
    pub secret: String,
    pub signed_in: SignedIn,
}

pub async fn sign_in(app: &App, attempt: Attempt) -> ApiResult<Opened> {
    let Attempt { request, kind, address, device_proof, former } = attempt;
    check_label("device's name", &request.device.name)?;
    check_label("device's platform", &request.device.platform)?;
    let name_key = username_key(&request.username).unwrap_or_default();
    let known = find(app, &name_key, &request.device, device_proof.as_deref()).await?;
    let triers = triers(&known, &name_key, address);
    let trying = app.throttle.begin(triers, &app.env).await.map_err(too_many_tries)?;
    let kept = known.credentials.as_ref().map(|found| found.password_hash.clone());
    let fits = request.password.0.len() <= PASSWORD_BYTES_MAX
        && app.passwords.verify(request.password, kept).await?;
    let judged = match known.credentials {
        Some(found) if fits && !found.disabled => found,
        found => {
            trying.failed(app.env.now()).await;
            if let Some(found) = found {
                note_failure(app, found.user_id, "sign_in_failed", address).await?;
            }
            return Err(invalid_credentials());
        }
    };
    trying.succeeded().await;
    open_session(app, judged, request.device, kind, former, address).await
}

fn invalid_credentials() -> ApiError {
    let detail = "The username or the password isn't right. Check both.";
    ApiError::new(ErrorCode::InvalidCredentials, detail)
}

/// What somebody is told who has to wait before the next try.
pub fn too_many_tries(wait: Duration) -> ApiError {
    ApiError::new(ErrorCode::RateLimited, "Too many tries. Wait a little, then try again.").retry_after(wait)
}

struct Known {
    credentials: Option<Credentials>,
    device: DeviceStanding,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum DeviceStanding {
    Proved(DeviceId),
    Claimed(DeviceId),
    New,
}

async fn find(app: &App, name_key: &str, claim: &DeviceClaim, proof: Option<&str>) -> ApiResult<Known> {
    let mut connection = app.db.reader().await?;
    let credentials = users::credentials(&mut connection, name_key).await?;
    let mut device = DeviceStanding::New;
    if let Some(found) = &credentials {
        if let Some(proved) = proof.and_then(|proof| check_device_proof(app, found.user_id, proof)) {
            device = DeviceStanding::Proved(proved);
        } else if let Some(id) = claim.id
            && devices::load(&mut connection, found.user_id, id).await?.is_some()
        {
            device = DeviceStanding::Claimed(id);
        }
    }
    Ok(Known { credentials, device })
}

fn triers(known: &Known, name_key: &str, address: IpAddr) -> Vec<Trier> {
    let address = household(address);
    match known.device {
        DeviceStanding::Proved(id) => vec![Trier::KnownDevice(id)],
        DeviceStanding::Claimed(id) => vec![Trier::ClaimedDevice(id, address), Trier::Address(address)],
        DeviceStanding::New => vec![Trier::Stranger(name_key.to_owned(), address), Trier::Address(address)],
    }
}

/// Writes down that somebody did not know the password.
pub async fn note_failure(
    app: &App,
    user_id: UserId,
    action: &'static str,
    address: IpAddr,
) -> ApiResult<()> {
    let entry = AuditEntry {
        id: app.env.id(),
        user_id,
        device_id: None,
        at: app.env.now(),
        action,
        subject: String::new(),
        address: Some(address.to_string()),
    };
    app.db
        .write(move |connection| {
            let entry = entry.clone();
            Box::pin(async move { Ok(audit::record(connection, &entry).await?) })
        })
        .await
}

/// `judged`: what the password was found to fit. Replaced in the meantime, it opens nothing.
async fn open_session(
    app: &App,
    judged: Credentials,
    claim: DeviceClaim,
    kind: SessionKind,
    former: Option<TokenHash>,
    address: IpAddr,
) -> ApiResult<Opened> {
    let secret = app.env.secret();
    let hash: TokenHash = Sha256::digest(secret).into();
    let now = app.env.now();
    let fresh_id: DeviceId = app.env.id();
    let audit_id = app.env.id();
    let address = address.to_string();
    let signed_in = app
        .db
        .write(move |connection| {
            let (claim, address) = (claim.clone(), address.clone());
            let Credentials { user_id, password_hash, .. } = judged.clone();
            Box::pin(async move {
                if !users::hold_password(connection, user_id, &password_hash).await? {
                    return Err(invalid_credentials());
                }
                if let Some(former) = &former {
                    sessions::delete(connection, former).await?;
                }
                let device_id = settle_device(connection, user_id, &claim, fresh_id, now).await?;
                let new = NewSession { hash, user_id, device_id, kind, now, expires_at: now + SESSION_TTL };
                sessions::insert(connection, &new).await?;
                let action = "sign_in";
                let subject = device_id.to_string();
                let entry = AuditEntry {
                    id: audit_id,
                    user_id,
                    device_id: Some(device_id),
                    at: now,
                    action,
                    subject,
                    address: Some(address),
                };
                audit::record(connection, &entry).await?;
                describe(connection, user_id, device_id).await
            })
        })
        .await?;
    if let Some(former) = &former {
        app.hub.end_session(former);
    }
    Ok(Opened { secret: BASE64_URL_SAFE_NO_PAD.encode(secret), signed_in })
}

/// The device that the claim names, if it is this person's and not removed; otherwise a new one, under the claimed id
/// where no device ever had that.
async fn settle_device(
    connection: &mut Connection,
    user_id: UserId,
    claim: &DeviceClaim,
    fresh_id: DeviceId,
    now: Timestamp,
) -> ApiResult<DeviceId> {
    let (sessions, devices) = sessions::count(connection, user_id, now).await?;
    let full = |code, what: &str| {
        let detail = format!("This account is signed in on too many {what}. Remove some under Devices.");
        Err(ApiError::new(code, detail))
    };
    if sessions >= SESSIONS_MAX {
        return full(ErrorCode::SessionLimit, "sessions");
    }
    if let Some(id) = claim.id
        && devices::load(connection, user_id, id).await?.is_some()
    {
        devices::rename(connection, user_id, id, (&claim.name, &claim.platform), now).await?;
        return Ok(id);
    }
    if devices >= DEVICES_MAX {
        return full(ErrorCode::DeviceLimit, "devices");
    }
    let device_id = match claim.id {
        Some(id) if id != NO_DEVICE && !devices::is_taken(connection, id).await? => id,
        _ => fresh_id,
    };
    let new = DeviceRow {
        device_id,
        name: claim.name.clone(),
        platform: claim.platform.clone(),
        created_at: now,
        last_seen_at: now,
        acknowledged: None,
    };
    devices::insert(connection, user_id, &new).await?;
    Ok(device_id)
}

/// Who is signed in, on what, and where their files begin.
pub async fn describe(
    connection: &mut Connection,
    user_id: UserId,
    device_id: DeviceId,
) -> ApiResult<SignedIn> {
    let user = users::load(connection, user_id).await?.ok_or_else(ApiError::not_found)?;
    let device = devices::load(connection, user_id, device_id).await?.ok_or_else(ApiError::not_found)?;
    let files =
        access::own_grant(connection, user_id, ZoneKind::Files).await?.ok_or_else(ApiError::not_found)?;
    Ok(SignedIn { user, device: wire_device(&device, device_id), root_id: files.root_id })
}

/// The device as the wire has it, for a caller on device `current`.
pub fn wire_device(row: &DeviceRow, current: DeviceId) -> Device {
    Device {
        id: row.device_id,
        name: row.name.clone(),
        platform: row.platform.clone(),
        created_at: row.created_at,
        last_seen_at: row.last_seen_at,
        is_current: row.device_id == current,
        acknowledged_at: row.acknowledged.as_ref().map(|(_, at)| *at),
        up_to_date: None,
    }
}

/// Ends the session.
pub async fn sign_out(app: &App, caller: Caller, hash: TokenHash) -> ApiResult<()> {
    app.db
        .write::<_, DbError, _>(move |connection| {
            Box::pin(async move { sessions::delete(connection, &hash).await })
        })
        .await?;
    tracing::debug!(user = %caller.user_id, device = %caller.device_id, "signed out");
    app.hub.end_session(&hash);
    Ok(())
}

/// Removes a device: its sessions and sockets end, its id is never used again. Its changes stay.
pub async fn remove_device(app: &App, caller: Caller, device_id: DeviceId, address: IpAddr) -> ApiResult<()> {
    if shared::faults::Fault::RemovedDeviceStays.is_planted() {
        return Ok(());
    }
    let now = app.env.now();
    let entry = AuditEntry {
        id: app.env.id(),
        user_id: caller.user_id,
        device_id: Some(caller.device_id),
        at: now,
        action: "remove_device",
        subject: device_id.to_string(),
        address: Some(address.to_string()),
    };
    app.db
        .write(move |connection| {
            let entry = entry.clone();
            Box::pin(async move {
                if !devices::remove(connection, caller.user_id, device_id, now).await? {
                    // Removed before: asked again, it is answered alike.
                    let known = devices::is_known(connection, caller.user_id, device_id).await?;
                    return if known { Ok(()) } else { Err(ApiError::not_found()) };
                }
                sessions::delete_of_device(connection, caller.user_id, device_id).await?;
                Ok(audit::record(connection, &entry).await?)
            })
        })
        .await?;
    app.hub.end_device(caller.user_id, device_id);
    Ok(())
}

/// What a device keeps, beyond its session, to show that it signed in before.
pub fn device_proof(app: &App, user_id: UserId, device_id: DeviceId) -> String {
    let tag = device_tag(app, user_id, device_id).finalize().into_bytes();
    format!("{device_id}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag))
}

fn check_device_proof(app: &App, user_id: UserId, proof: &str) -> Option<DeviceId> {
    let (device_id, tag) = proof.split_once('.')?;
    let device_id = device_id.parse().ok()?;
    let tag = BASE64_URL_SAFE_NO_PAD.decode(tag).ok()?;
    device_tag(app, user_id, device_id).verify_slice(&tag).ok()?;
    Some(device_id)
}

fn device_tag(app: &App, user_id: UserId, device_id: DeviceId) -> Hmac<Sha256> {
    let mut mac = app.installation.mac("device");
    mac.update(user_id.0.as_bytes());
    mac.update(device_id.0.as_bytes());
    mac
}
