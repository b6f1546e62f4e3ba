use futures::stream::{FuturesUnordered, StreamExt as _};
use reqwest::{Method, header};
use serde_json::{Value, json};
use server::db::{DbError, users};
use server::passwords::{PasswordCost, Passwords};
use shared::account::{Device, DeviceList, Invite, Password, Registered, SignedIn, TokenGranted};
use shared::limits::SESSION_TTL;
use shared::{DeviceId, ErrorCode, UserId};
use std::time::Duration;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::device::fresh;
use crate::support::{Credentials, PASSWORD, Reply, TestServer, sign_in};

fn registration(username: &str) -> Value {
    json!({"username": username, "password": PASSWORD})
}

#[tokio::test]
async fn a_person_registers_signs_in_and_out() {
    for server in TestServer::each().await {
        let anonymous = server.anonymous();
        let body = json!({"username": "Ann", "password": PASSWORD, "displayName": "Ann A."});
        let registered: Registered = anonymous.post("/auth/register", &body).await.expect(201).json();
        assert!(registered.user.is_admin && registered.user.display_name == "Ann A.");
        anonymous.post("/auth/register", &registration("ANN")).await.problem(ErrorCode::UsernameTaken);
        let second: Registered =
            anonymous.post("/auth/register", &registration("ben")).await.expect(201).json();
        assert!(!second.user.is_admin);

        let reply = anonymous.post("/auth/login", &sign_in("ann", PASSWORD)).await.expect(200);
        let signed_in: SignedIn = reply.json();
        assert_eq!(signed_in.user.username, "Ann");
        let cookie = reply.headers[header::SET_COOKIE].to_str().unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && !cookie.contains("Secure"));

        let mut browser = server.anonymous();
        browser.credentials = Credentials::Cookie(reply.cookies());
        let me: SignedIn = browser.get("/auth/me").await.expect(200).json();
        assert_eq!(me, signed_in);
        browser.request(Method::POST, "/auth/logout").send().await.unwrap();
        browser.get("/auth/me").await.problem(ErrorCode::Unauthenticated);

        let native = server.sign_in("ann").await;
        let me: SignedIn = native.get("/auth/me").await.expect(200).json();
        assert_eq!((me.device.id, me.root_id), (native.device_id, signed_in.root_id));
    }
}

#[tokio::test]
async fn registration_is_open_once_and_by_invitation_then() {
    for server in TestServer::each_with(&[("CLOUDSTEAD_REGISTRATION", "")]).await {
        let ann = server.person("ann").await;
        let anonymous = server.anonymous();
        anonymous.post("/auth/register", &registration("ben")).await.problem(ErrorCode::RegistrationClosed);
        let invite: Invite = ann.post("/invites", &json!({})).await.expect(201).json();
        let with =
            |username: &str, code: &str| json!({"username": username, "password": PASSWORD, "invite": code});
        anonymous.post("/auth/register", &with("ben", "guess")).await.problem(ErrorCode::InvalidInvite);
        // A name that is taken does not use the invitation up.
        anonymous.post("/auth/register", &with("ann", &invite.code)).await.problem(ErrorCode::UsernameTaken);
        anonymous.post("/auth/register", &with("ben", &invite.code)).await.expect(201);
        anonymous.post("/auth/register", &with("cid", &invite.code)).await.problem(ErrorCode::InvalidInvite);
        let ben = server.sign_in("ben").await;
        ben.post("/invites", &json!({})).await.problem(ErrorCode::Forbidden);
        anonymous.post("/invites", &json!({})).await.problem(ErrorCode::Unauthenticated);
    }
}

#[tokio::test]
async fn closed_means_closed() {
    let server = TestServer::start_with(&[("CLOUDSTEAD_REGISTRATION", "closed")]).await;
    let reply = server.anonymous().post("/auth/register", &registration("ann")).await;
    reply.problem(ErrorCode::RegistrationClosed);
}

#[tokio::test]
async fn names_and_passwords_have_bounds() {
    let server = TestServer::start().await;
    let anonymous = server.anonymous();
    for username in ["", "a b", "a/b", &"x".repeat(65)] {
        anonymous.post("/auth/register", &registration(username)).await.problem(ErrorCode::InvalidUsername);
    }
    for password in ["short", &"x".repeat(1025)] {
        let body = json!({"username": "ann", "password": password});
        anonymous.post("/auth/register", &body).await.problem(ErrorCode::PasswordTooWeak);
    }
    let body = json!({"username": "ann", "password": PASSWORD, "displayName": "x".repeat(129)});
    anonymous.post("/auth/register", &body).await.problem(ErrorCode::InvalidRequest);
}

#[tokio::test]
async fn guessing_slows_down_only_the_guesser() {
    let server = TestServer::start_with(&[("CLOUDSTEAD_TRUSTED_PROXIES", "127.0.0.1")]).await;
    let ann = server.person("ann").await;
    let browser = server.browser("ann").await;
    server.stop_clock();
    let unknown = server.anonymous().post("/auth/login", &sign_in("nobody", "wrong password")).await;
    let known = server.anonymous().post("/auth/login", &sign_in("ann", "wrong password")).await;
    unknown.problem(ErrorCode::InvalidCredentials);
    assert_eq!(unknown.body, known.body, "an unknown name is told as a wrong password");
    let mut refused = known;
    for _ in 0..10 {
        refused = server.anonymous().post("/auth/login", &sign_in("ann", "wrong password")).await;
    }
    let wait = refused.problem(ErrorCode::RateLimited).retry_after_ms.unwrap();
    // Not even with the right password, or guessing would show.
    server.anonymous().post("/auth/login", &sign_in("ann", PASSWORD)).await.problem(ErrorCode::RateLimited);
    // The owner comes in from elsewhere, from a browser that was here before, and from a known device.
    let elsewhere =
        server.anonymous().request(Method::POST, "/auth/login").header("x-forwarded-for", "192.0.2.7");
    Reply::to(elsewhere.json(&sign_in("ann", PASSWORD))).await.expect(200);
    browser.post("/auth/login", &sign_in("ann", PASSWORD)).await.expect(200);
    let device = json!({"id": ann.device_id, "name": "Test", "platform": "test"});
    let body = json!({"username": "ann", "password": PASSWORD, "device": device});
    server.anonymous().post("/auth/token", &body).await.expect(200);
    server.advance(Duration::from_millis(wait + 1));
    server.anonymous().post("/auth/login", &sign_in("ann", PASSWORD)).await.expect(200);
}

#[tokio::test]
async fn right_passwords_side_by_side_all_come_in_and_guesses_gain_nothing_by_it() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let me: SignedIn = ann.get("/auth/me").await.expect(200).json();
        hash_slowly(&server, me.user.id).await;
        server.stop_clock();
        let all_at_once = async |password: &str| {
            let body = sign_in("ann", password);
            let tries = (0..12).map(async |_| server.anonymous().post("/auth/token", &body).await.status);
            futures::future::join_all(tries).await
        };
        assert_eq!(all_at_once(PASSWORD).await, [200; 12]);
        let guesses = all_at_once("wrong password").await;
        assert_eq!(guesses.iter().filter(|status| **status == 401).count(), 5, "{guesses:?}");
    }
}

/// Makes the person's password take its time, as it does outside of tests.
async fn hash_slowly(server: &TestServer, user: UserId) {
    let env = &server.app.env;
    let passwords = Passwords::new(env, PasswordCost::STANDARD).unwrap();
    let hash = passwords.hash(env, Password(PASSWORD.into())).await.unwrap();
    let written = server.app.db.write::<_, DbError, _>(move |connection| {
        let hash = hash.clone();
        Box::pin(async move { users::set_password(connection, user, &hash).await })
    });
    written.await.unwrap();
}

#[tokio::test]
async fn who_comes_in_and_what_is_taken_away_leaves_a_line_in_the_audit_trail() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let second = server.sign_in("ann").await;
        for name in ["ann", "nobody"] {
            server.anonymous().post("/auth/login", &sign_in(name, "wrong password")).await.expect(401);
        }
        ann.post("/invites", &json!({})).await.expect(201);
        for _ in 0..2 {
            ann.delete(&format!("/devices/{}", second.device_id)).await.expect(204);
        }
        let new = "another horse";
        ann.post("/auth/password", &change("wrong password", new)).await.expect(403);
        ann.post("/auth/password", &change(PASSWORD, new)).await.expect(204);
        let me: SignedIn = ann.get("/auth/me").await.expect(200).json();
        server::ops::accounts::disable(&server.app, "ann").await.unwrap();
        let password = Password("a third horse".into());
        server::ops::accounts::set_password(&server.app, "ann", password).await.unwrap();

        let sql = "SELECT action, subject, device_id, address FROM audit WHERE user_id = $1";
        let rows =
            server.app.db.reader().await.unwrap().fetch_all(sql, vec![me.user.id.into()]).await.unwrap();
        let mut lines: Vec<(String, String, Option<DeviceId>, Option<String>)> = rows
            .iter()
            .map(|row| (row.get(0).unwrap(), row.get(1).unwrap(), row.get(2).unwrap(), row.get(3).unwrap()))
            .collect();
        lines.sort();
        let (first, second, user) = (ann.device_id, second.device_id, me.user.id.to_string());
        let line = |action: &str, subject: &str, device, address: Option<&str>| {
            (action.to_owned(), subject.to_owned(), device, address.map(str::to_owned))
        };
        let from = Some("127.0.0.1");
        let mut expected = [
            line("disable", &user, None, None),
            line("invite", "", Some(first), from),
            line("password", &user, Some(first), from),
            line("password", &user, None, None),
            line("password_failed", "", None, from),
            line("register", "ann", None, from),
            line("remove_device", &second.to_string(), Some(first), from),
            line("sign_in", &first.to_string(), Some(first), from),
            line("sign_in", &second.to_string(), Some(second), from),
            line("sign_in_failed", "", None, from),
        ];
        expected.sort();
        assert_eq!(lines, expected, "once each, and nothing of a name that nobody has");
    }
}

fn change(current: &str, new: &str) -> Value {
    json!({"currentPassword": current, "newPassword": new})
}

#[tokio::test]
async fn a_new_password_ends_the_persons_other_sessions() {
    for server in TestServer::each().await {
        let (ann, ben) = (server.person("ann").await, server.person("ben").await);
        let (second, browser) = (server.sign_in("ann").await, server.browser("ann").await);
        let mut socket = server.socket(&second).await;
        socket.next().await;
        let new = "another horse";
        ann.post("/auth/password", &change("wrong password", new)).await.problem(ErrorCode::WrongPassword);
        ann.post("/auth/password", &change(PASSWORD, "short")).await.problem(ErrorCode::PasswordTooWeak);
        for person in [&ann, &second, &ben] {
            person.get("/auth/me").await.expect(200);
        }
        ann.post("/auth/password", &change(PASSWORD, new)).await.expect(204);
        for person in [&ann, &ben] {
            person.get("/auth/me").await.expect(200);
        }
        for ended in [&*second, &browser] {
            ended.get("/auth/me").await.problem(ErrorCode::Unauthenticated);
        }
        assert_eq!(socket.close_code().await, CloseCode::Policy);
        let former = server.anonymous().post("/auth/login", &sign_in("ann", PASSWORD)).await;
        former.problem(ErrorCode::InvalidCredentials);
        server.anonymous().post("/auth/login", &sign_in("ann", new)).await.expect(200);
        ann.post("/auth/password", &change(PASSWORD, "a third horse"))
            .await
            .problem(ErrorCode::WrongPassword);
    }
}

#[tokio::test]
async fn no_session_outlives_the_password_that_opened_it() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let me: SignedIn = ann.get("/auth/me").await.expect(200).json();
        hash_slowly(&server, me.user.id).await;
        let body = sign_in("ann", PASSWORD);
        let tries = (0..5).map(async |_| server.anonymous().post("/auth/token", &body).await);
        let mut tries: FuturesUnordered<_> = tries.collect();
        let first = tries.next().await.unwrap().expect(200);
        // The others are still judged by what is the former password now.
        let new = Password("another horse".into());
        let replaced = server::ops::accounts::set_password(&server.app, "ann", new);
        let (replaced, others) = tokio::join!(replaced, tries.collect::<Vec<_>>());
        replaced.unwrap();
        for reply in std::iter::once(first).chain(others) {
            if reply.status == 200 {
                let mut client = server.anonymous();
                client.credentials = Credentials::Bearer(reply.json::<TokenGranted>().token);
                client.get("/auth/me").await.problem(ErrorCode::Unauthenticated);
            } else {
                reply.problem(ErrorCode::InvalidCredentials);
            }
        }
    }
}

#[tokio::test]
async fn a_session_is_no_way_to_guess_the_password() {
    let server = TestServer::start().await;
    let (ann, second) = (server.person("ann").await, server.sign_in("ann").await);
    server.stop_clock();
    for _ in 0..5 {
        ann.post("/auth/password", &change("wrong password", "another horse"))
            .await
            .problem(ErrorCode::WrongPassword);
    }
    let refused = ann.post("/auth/password", &change(PASSWORD, "another horse")).await;
    let wait = refused.problem(ErrorCode::RateLimited).retry_after_ms.unwrap();
    let elsewhere = second.post("/auth/password", &change("wrong password", "another horse")).await;
    elsewhere.problem(ErrorCode::WrongPassword);
    server.advance(Duration::from_millis(wait + 1));
    ann.post("/auth/password", &change(PASSWORD, "another horse")).await.expect(204);
}

#[tokio::test]
async fn a_sign_in_ends_the_session_it_came_with() {
    let server = TestServer::start().await;
    server.person("ann").await;
    let before = server.browser("ann").await;
    before.post("/auth/login", &sign_in("ann", PASSWORD)).await.expect(200);
    before.get("/auth/me").await.problem(ErrorCode::Unauthenticated);
}

#[tokio::test]
async fn sessions_run_out_unless_used() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        server.advance(SESSION_TTL + Duration::from_secs(1));
        ann.get("/auth/me").await.problem(ErrorCode::Unauthenticated);
    }
}

#[tokio::test]
async fn a_device_is_known_again_until_it_is_removed() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let second = server.sign_in("ann").await;
        let list: DeviceList = ann.get("/devices").await.expect(200).json();
        let ids: Vec<_> = list.devices.iter().map(|device| (device.id, device.is_current)).collect();
        assert!(
            ids.contains(&(ann.device_id, true))
                && ids.contains(&(second.device_id, false))
                && ids.len() == 2
        );

        let claim = |id| json!({"username": "ann", "password": PASSWORD, "device": {"id": id, "name": "Renamed", "platform": "test"}});
        let again: SignedIn =
            server.anonymous().post("/auth/login", &claim(second.device_id)).await.expect(200).json();
        assert_eq!((again.device.id, again.device.name.as_str()), (second.device_id, "Renamed"));

        ann.delete(&format!("/devices/{}", second.device_id)).await.expect(204);
        second.get("/auth/me").await.problem(ErrorCode::Unauthenticated);
        ann.delete(&format!("/devices/{}", second.device_id)).await.expect(204);
        let anew: SignedIn =
            server.anonymous().post("/auth/login", &claim(second.device_id)).await.expect(200).json();
        assert_ne!(anew.device.id, second.device_id);

        let ben = server.person("ben").await;
        let foreign = ben.delete(&format!("/devices/{}", ann.device_id)).await;
        let missing = ben.delete(&format!("/devices/{}", shared::DeviceId(uuid::Uuid::nil()))).await;
        foreign.problem(ErrorCode::NotFound);
        assert_eq!(foreign.body, missing.body);
        let stolen: SignedIn = server.anonymous()
            .post("/auth/login", &json!({"username": "ben", "password": PASSWORD, "device": {"id": ann.device_id, "name": "x", "platform": "y"}}))
            .await.expect(200).json();
        assert_ne!(stolen.device.id, ann.device_id);
        // An id of its own that no device ever had is the device's.
        let own: DeviceId = fresh();
        let with_own: SignedIn = server.anonymous().post("/auth/login", &claim(own)).await.expect(200).json();
        assert_eq!(with_own.device.id, own);
        let none = DeviceId(uuid::Uuid::nil());
        let with_none: SignedIn =
            server.anonymous().post("/auth/login", &claim(none)).await.expect(200).json();
        assert_ne!(with_none.device.id, none);
        let _: Device = stolen.device;
    }
}
