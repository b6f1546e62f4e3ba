//! Registration, invitations, and what an administrator does to accounts.

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use shared::account::{ChangePassword, Invite, Password, Register, User};
use shared::limits::{
    DISPLAY_NAME_BYTES_MAX, PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN, USERNAME_BYTES_MAX, USERNAME_BYTES_MIN,
};
use shared::sync::ZoneKind;
use shared::{ErrorCode, ItemName, Timestamp, UserId};

use super::sign_in::{note_failure, too_many_tries};
use crate::auth::Caller;
use crate::config::Registration;
use crate::db::audit::{self, AuditEntry};
use crate::db::invites;
use crate::db::sessions::{self, TokenHash};
use crate::db::users::{self, NewUser, NewZone};
use crate::error::{ApiError, ApiResult};
use crate::state::App;
use crate::throttle::Trier;

/// How long an invitation is good.
const INVITE_TTL: Duration = Duration::from_hours(14 * 24);

/// By which way a person comes to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// The page or the API, under the settings for registration.
    Public,
    /// An administrator at the machine.
    Console,
}

/// The form under which names of people are compared.
pub fn username_key(username: &str) -> Option<String> {
    let is_valid = (USERNAME_BYTES_MIN..=USERNAME_BYTES_MAX).contains(&username.len())
        && username.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+'));
    ItemName::parse(username).ok().filter(|_| is_valid).map(|name| name.folded().as_str().to_owned())
}

fn valid_username(username: &str) -> ApiResult<String> {
    username_key(username).ok_or_else(|| {
        let detail = format!("A username has 1 to {USERNAME_BYTES_MAX} letters, digits, dots, dashes, underscores, plus or at signs.");
        ApiError::new(ErrorCode::InvalidUsername, detail)
    })
}

fn check_password(password: &Password) -> ApiResult<()> {
    if password.0.chars().count() >= PASSWORD_CHARS_MIN && password.0.len() <= PASSWORD_BYTES_MAX {
        return Ok(());
    }
    let detail = format!(
        "Choose a password of at least {PASSWORD_CHARS_MIN} characters, {PASSWORD_BYTES_MAX} bytes at most."
    );
    Err(ApiError::new(ErrorCode::PasswordTooWeak, detail))
}

/// A name for display: bounded, on one line.
pub fn check_label(what: &str, label: &str) -> ApiResult<()> {
    if label.len() <= DISPLAY_NAME_BYTES_MAX && !label.chars().any(char::is_control) {
        return Ok(());
    }
    let detail =
        format!("The {what} may have {DISPLAY_NAME_BYTES_MAX} bytes and no control characters. Shorten it.");
    Err(ApiError::new(ErrorCode::InvalidRequest, detail))
}

/// Makes an account with its zones. The first is the administrator's.
pub async fn register(app: &App, request: Register, door: Door, address: Option<String>) -> ApiResult<User> {
    let username_key = valid_username(&request.username)?;
    check_password(&request.password)?;
    let display_name = request
        .display_name
        .filter(|name| !name.trim().is_empty())
        .unwrap_or_else(|| request.username.clone());
    check_label("display name", &display_name)?;
    let invite = request.invite.as_deref().map(invite_hash);
    let configured = app.config.registration;
    // Told before the costly hash, judged again in the transaction.
    let is_first = !users::any(&mut app.db.reader().await?).await?;
    admit(configured, is_first, invite.is_some(), door)?;
    let password_hash = app.passwords.hash(&app.env, request.password).await?;
    let now = app.env.now();
    let new = NewUser {
        user_id: app.env.id(),
        username: request.username,
        username_key,
        display_name,
        password_hash,
        quota_bytes: app.config.quota_bytes,
        now,
    };
    let zones = [ZoneKind::Files, ZoneKind::Photos].map(|kind| NewZone {
        zone_id: app.env.id(),
        root_id: app.env.id(),
        kind,
    });
    let entry = AuditEntry {
        id: app.env.id(),
        user_id: new.user_id,
        device_id: None,
        at: now,
        action: "register",
        subject: new.username.clone(),
        address,
    };
    let new = std::sync::Arc::new((new, zones, entry));
    app.db
        .write(move |connection| {
            let new = std::sync::Arc::clone(&new);
            Box::pin(async move {
                let (user, zones, entry) = &*new;
                let is_first = users::begin_registration(connection, user.user_id).await?;
                if admit(configured, is_first, invite.is_some(), door)? == Admission::ByInvite
                    && let Some(hash) = &invite
                    && !invites::redeem(connection, hash, user.user_id, now).await?
                {
                    let detail = "This invitation isn't good any more. Ask for a new one.";
                    return Err(ApiError::new(ErrorCode::InvalidInvite, detail));
                }
                if !users::insert(connection, user, is_first, zones).await? {
                    let detail = "Someone has this username already. Choose another.";
                    return Err(ApiError::new(ErrorCode::UsernameTaken, detail));
                }
                audit::record(connection, entry).await?;
                users::load(connection, user.user_id).await?.ok_or_else(ApiError::not_found)
            })
        })
        .await
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Admission {
    Free,
    ByInvite,
}

fn admit(
    configured: Option<Registration>,
    is_first: bool,
    has_invite: bool,
    door: Door,
) -> ApiResult<Admission> {
    let policy = configured.unwrap_or(if is_first { Registration::Open } else { Registration::Invite });
    match policy {
        _ if door == Door::Console => Ok(Admission::Free),
        Registration::Open => Ok(Admission::Free),
        Registration::Invite if has_invite => Ok(Admission::ByInvite),
        Registration::Invite => {
            let detail = "Registration is by invitation. Ask the administrator for one.";
            Err(ApiError::new(ErrorCode::RegistrationClosed, detail))
        }
        Registration::Closed => {
            let detail = "Registration is closed. Ask the administrator for an account.";
            Err(ApiError::new(ErrorCode::RegistrationClosed, detail))
        }
    }
}

fn invite_hash(code: &str) -> [u8; 32] {
    Sha256::digest(code.trim().as_bytes()).into()
}

/// An invitation for one person.
pub async fn invite(app: &App, caller: Caller, address: String) -> ApiResult<Invite> {
    let code = BASE64_URL_SAFE_NO_PAD.encode(&app.env.secret()[..18]);
    let hash = invite_hash(&code);
    let now = app.env.now();
    let expires_at = now + INVITE_TTL;
    let entry = AuditEntry {
        id: app.env.id(),
        user_id: caller.user_id,
        device_id: Some(caller.device_id),
        at: now,
        action: "invite",
        subject: String::new(),
        address: Some(address),
    };
    app.db
        .write::<_, ApiError, _>(move |connection| {
            let entry = entry.clone();
            Box::pin(async move {
                invites::insert(connection, &hash, caller.user_id, now, expires_at).await?;
                Ok(audit::record(connection, &entry).await?)
            })
        })
        .await?;
    Ok(Invite { code, expires_at })
}

/// The person by name, for the console.
async fn by_name(app: &App, username: &str) -> ApiResult<UserId> {
    let key = username_key(username).unwrap_or_default();
    let found = users::credentials(&mut app.db.reader().await?, &key).await?;
    found.map(|found| found.user_id).ok_or_else(|| {
        ApiError::new(
            ErrorCode::NotFound,
            format!("There is no user \"{username}\". See `cloudstead user list`."),
        )
    })
}

fn console_entry(app: &App, user_id: UserId, action: &'static str, now: Timestamp) -> AuditEntry {
    let subject = user_id.to_string();
    AuditEntry { id: app.env.id(), user_id, device_id: None, at: now, action, subject, address: None }
}

/// Shuts the account: nothing of it is deleted, its sessions end.
pub async fn disable(app: &App, username: &str) -> ApiResult<()> {
    let user_id = by_name(app, username).await?;
    let now = app.env.now();
    let entry = console_entry(app, user_id, "disable", now);
    app.db
        .write(move |connection| {
            let entry = entry.clone();
            Box::pin(async move {
                users::disable(connection, user_id, now).await?;
                sessions::delete_of_user(connection, user_id).await?;
                Ok(audit::record(connection, &entry).await?)
            })
        })
        .await
}

/// Sets a new password, opens a disabled account again, and ends all of its sessions.
pub async fn set_password(app: &App, username: &str, password: Password) -> ApiResult<()> {
    let user_id = by_name(app, username).await?;
    check_password(&password)?;
    let hash = app.passwords.hash(&app.env, password).await?;
    let entry = console_entry(app, user_id, "password", app.env.now());
    app.db
        .write(move |connection| {
            let (hash, entry) = (hash.clone(), entry.clone());
            Box::pin(async move {
                users::set_password(connection, user_id, &hash).await?;
                sessions::delete_of_user(connection, user_id).await?;
                Ok(audit::record(connection, &entry).await?)
            })
        })
        .await
}

/// Puts a new password in the place of the caller's own, and ends the person's other sessions: whoever else knew the
/// former one is out.
pub async fn change_password(
    app: &App,
    caller: Caller,
    own_session: TokenHash,
    request: ChangePassword,
    address: IpAddr,
) -> ApiResult<()> {
    let ChangePassword { current_password, new_password } = request;
    check_password(&new_password)?;
    let trier = Trier::KnownDevice(caller.device_id);
    let trying = app.throttle.begin(vec![trier], &app.env).await.map_err(too_many_tries)?;
    let former = users::password_hash(&mut app.db.reader().await?, caller.user_id).await?;
    let fits = current_password.0.len() <= PASSWORD_BYTES_MAX
        && app.passwords.verify(current_password, former.clone()).await?;
    let wrong =
        || ApiError::new(ErrorCode::WrongPassword, "That isn't your current password. Type it again.");
    let Some(former) = former.filter(|_| fits) else {
        trying.failed(app.env.now()).await;
        note_failure(app, caller.user_id, "password_failed", address).await?;
        return Err(wrong());
    };
    trying.succeeded().await;
    let hash = app.passwords.hash(&app.env, new_password).await?;
    let entry = AuditEntry {
        id: app.env.id(),
        user_id: caller.user_id,
        device_id: Some(caller.device_id),
        at: app.env.now(),
        action: "password",
        subject: caller.user_id.to_string(),
        address: Some(address.to_string()),
    };
    let ended = app
        .db
        .write(move |connection| {
            let (former, hash, entry) = (former.clone(), hash.clone(), entry.clone());
            Box::pin(async move {
                if !users::replace_password(connection, caller.user_id, &former, &hash).await? {
                    return Err(wrong());
                }
                let ended = sessions::delete_others(connection, caller.user_id, &own_session).await?;
                audit::record(connection, &entry).await?;
                Ok(ended)
            })
        })
        .await?;
    for session in &ended {
        app.hub.end_session(session);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registration_is_open_until_the_first_account_exists() {
        let verdict =
            |configured, is_first, has_invite| admit(configured, is_first, has_invite, Door::Public).ok();
        assert_eq!(verdict(None, true, false), Some(Admission::Free));
        assert_eq!(verdict(None, false, false), None);
        assert_eq!(verdict(None, false, true), Some(Admission::ByInvite));
        assert_eq!(verdict(Some(Registration::Open), false, false), Some(Admission::Free));
        assert_eq!(verdict(Some(Registration::Closed), true, true), None);
        assert!(admit(Some(Registration::Closed), false, false, Door::Console).is_ok());
    }

    #[test]
    fn usernames_are_compared_folded() {
        assert_eq!(username_key("Ann"), username_key("ANN"));
        assert_eq!(username_key("ann@example.com").as_deref(), Some("ann@example.com"));
        for wrong in ["", "a b", "a/b", "a\n", &"x".repeat(65)] {
            assert_eq!(username_key(wrong), None, "{wrong}");
        }
    }
}
