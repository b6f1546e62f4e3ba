use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use reqwest::header;
use serde_json::{Value, json};
use shared::account::DeviceList;
use shared::frames::{FileAction, ServerEvent};
use shared::limits::{FRAME_BYTES_MAX, SOCKETS_PER_USER_MAX};
use shared::sync::Outcome;
use shared::{ErrorCode, FileItem, ItemId, ItemKind, Timestamp, VersionVector, ZoneId};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::device::{Device, delete, file, folder, fresh, purge, restore};
use crate::plan::{KIB, Plan, present as uploaded};
use crate::support::{Credentials, Person, Reply, Socket, TestServer};

/// The first zone of the person, which is their files.
async fn files_zone(server: &TestServer, person: &Person) -> ZoneId {
    let mut connection = server.app.db.reader().await.unwrap();
    let signed_in: shared::account::SignedIn = person.get("/auth/me").await.json();
    server::access::grants_of(&mut connection, signed_in.user.id).await.unwrap()[0].zone_id
}

fn changed(zone_id: ZoneId) -> ServerEvent {
    let id = ItemId(uuid::Uuid::from_u128(7));
    let at = Timestamp::from_millis(0);
    let file = FileItem {
        id,
        zone_id,
        parent_id: id,
        name: "a".into(),
        path: "/a".into(),
        kind: ItemKind::Folder,
        size: 0,
        mime_type: None,
        content_hash: None,
        version: VersionVector::default(),
        is_deleted: false,
        created_at: at,
        modified_at: at,
        deleted_at: None,
        photo: None,
        encryption: None,
    };
    ServerEvent::FileChanged { file_id: id, action: FileAction::Created, file, sync_token: None }
}

#[tokio::test]
async fn news_reach_every_device_but_the_one_that_made_them() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let other = server.sign_in("ann").await;
        let ben = server.person("ben").await;
        let (mut here, mut there, mut foreign) =
            (server.socket(&ann).await, server.socket(&other).await, server.socket(&ben).await);
        for socket in [&mut here, &mut there, &mut foreign] {
            assert_eq!(socket.next().await["type"], "sync_complete");
        }
        let zone = files_zone(&server, &ann).await;
        server.app.hub.publish(zone, Some(ann.device_id), vec![changed(zone)], 0..0);
        let frame = there.next().await;
        assert_eq!((&frame["type"], &frame["action"]), (&json!("file_changed"), &json!("created")));
        assert_eq!(frame["sourceDeviceId"], json!(ann.device_id));
        // The next thing that the others hear is the answer to their own ping.
        for socket in [&mut here, &mut foreign] {
            socket.say(&json!({"type": "ping"})).await;
            assert_eq!(socket.next().await["type"], "pong");
        }
        let conflict_id = shared::ConflictId(uuid::Uuid::from_u128(8));
        server.app.hub.publish(
            zone,
            Some(ann.device_id),
            vec![ServerEvent::ConflictResolved { conflict_id }],
            0..0,
        );
        for socket in [&mut here, &mut there] {
            assert_eq!(socket.next().await["type"], "conflict_resolved");
        }
    }
}

#[tokio::test]
async fn a_device_hears_nothing_of_its_own_doing_whatever_it_was() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        a.done(file(fresh(), a.root(), "a.txt", "1")).await;
        let outer = a.done(folder(fresh(), a.root(), "Folder")).await;
        a.done(file(fresh(), outer.id, "x", "2")).await;
        let gone = a.done(file(fresh(), a.root(), "gone.txt", "3")).await;
        a.pull().await;
        let seen = a.token.clone();
        let gone = a.done(delete(gone.id, &gone.version, seen.as_deref())).await;
        b.pull().await;
        let mut socket = server.socket(&b.person).await;
        assert_eq!(socket.next().await["type"], "sync_complete");
        let (outcome, _) = b.outcome(file(fresh(), b.root(), "a.txt", "1")).await;
        assert_eq!(outcome, Outcome::Unchanged);
        let seen = b.token.clone();
        let deleted = b.done(delete(outer.id, &outer.version, seen.as_deref())).await;
        b.done(restore(outer.id, &deleted.version)).await;
        b.applied(&purge(gone.id, &gone.version)).await;
        socket.expect_silence().await;
    }
}

#[tokio::test]
async fn what_is_told_once_is_not_told_again() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        let outer = a.done(folder(fresh(), a.root(), "Folder")).await;
        a.done(file(fresh(), outer.id, "x", "1")).await;
        b.pull().await;
        let mut socket = server.socket(&b.person).await;
        assert_eq!(socket.next().await["type"], "sync_complete");
        a.pull().await;
        let seen = a.token.clone();
        let deleted = a.done(delete(outer.id, &outer.version, seen.as_deref())).await;
        a.done(restore(outer.id, &deleted.version)).await;
        for kind in ["file_deleted", "file_changed"] {
            let frame = socket.next().await;
            assert_eq!((&frame["type"], &frame["fileId"]), (&json!(kind), &json!(outer.id)));
        }
        socket.expect_silence().await;
    }
}

#[tokio::test]
async fn a_conflict_with_a_long_proposal_is_told_and_no_socket_ends_of_it() {
    for server in TestServer::each().await {
        let (a, b) = Device::two(&server).await;
        let text = |first: &str, last: &str| {
            let lines = (0..110_000).map(|n| format!("{n:08}\n")).collect::<Vec<_>>().concat();
            format!("{first}\n{lines}{last}\n").into_bytes()
        };
        let plan = Plan { name: "a.json".into(), ..Plan::new(text("1", "2"), 200 * KIB, true) };
        let base = json!(uploaded(&plan.upload(&a.person).await).version);
        let edit = |bytes| Plan { operation_id: fresh(), bytes, base: Some(base.clone()), ..plan.clone() };
        edit(text("A", "2")).upload(&a.person).await;
        let mut sockets = [server.socket(&a.person).await, server.socket(&b.person).await];
        for socket in &mut sockets {
            socket.next().await;
        }
        let conflict = edit(text("1", "B")).upload(&b.person).await.conflict.expect("a conflict");
        assert!(conflict.proposal.is_some());
        for socket in &mut sockets {
            let frame = socket.next().await;
            assert_eq!(
                (&frame["type"], &frame["conflict"]["id"]),
                (&json!("conflict_detected"), &json!(conflict.id))
            );
            assert_eq!(frame["conflict"].get("proposal"), None);
            socket.expect_silence().await;
        }
        assert_eq!(a.conflicts().await[0].proposal.as_ref().unwrap().text.as_bytes(), text("A", "B"));
    }
}

#[tokio::test]
async fn a_goodbye_is_answered() {
    let server = TestServer::start().await;
    let ann = server.person("ann").await;
    let mut socket = server.socket(&ann).await;
    socket.next().await;
    let goodbye = CloseFrame { code: CloseCode::Normal, reason: "bye".into() };
    socket.0.close(Some(goodbye)).await.unwrap();
    assert_eq!(socket.close_code().await, CloseCode::Normal);
}

#[tokio::test]
async fn what_is_no_frame_ends_the_socket_with_the_reason() {
    let server = TestServer::start().await;
    let ann = server.person("ann").await;
    let text = OpCode::Data(Data::Text);
    let no_text = Frame::message(vec![0xC3, 0x28], text, true);
    let mut reserved = Frame::message("{}", text, true);
    reserved.header_mut().rsv1 = true;
    for (frame, code) in [(no_text, CloseCode::Invalid), (reserved, CloseCode::Protocol)] {
        let mut socket = server.socket(&ann).await;
        socket.next().await;
        socket.0.send(Message::Frame(frame)).await.unwrap();
        assert_eq!(socket.close_code().await, code);
    }
}

#[tokio::test]
async fn a_socket_ends_with_its_session_or_device() {
    let server = TestServer::start().await;
    let ann = server.person("ann").await;
    let (second, third) = (server.sign_in("ann").await, server.sign_in("ann").await);
    let (mut kept, mut removed, mut left) =
        (server.socket(&ann).await, server.socket(&second).await, server.socket(&third).await);
    ann.delete(&format!("/devices/{}", second.device_id)).await.expect(204);
    third.post("/auth/logout", &json!({})).await.expect(204);
    assert_eq!(removed.close_code().await, CloseCode::Policy);
    assert_eq!(left.close_code().await, CloseCode::Policy);
    kept.next().await;
    kept.say(&json!({"type": "ping"})).await;
    assert_eq!(kept.next().await["type"], "pong");
}

#[tokio::test]
async fn a_session_that_another_process_ends_takes_its_socket_along() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let mut socket = server.socket(&ann).await;
        socket.next().await;
        // As the command line does, which has no part in this node's memory.
        server::ops::accounts::disable(&server.app, "ann").await.unwrap();
        assert_eq!(socket.close_code().await, CloseCode::Policy);
    }
}

#[tokio::test]
async fn what_a_device_has_applied_is_shown() {
    let server = TestServer::start().await;
    let ann = server.person("ann").await;
    let mut socket = server.socket(&ann).await;
    let token = socket.next().await["syncToken"].clone();
    socket.say(&json!({"type": "ack", "syncToken": "not a token"})).await;
    socket.say(&json!({"type": "ack", "syncToken": token})).await;
    let mut tries = 0;
    loop {
        let list: DeviceList = ann.get("/devices").await.json();
        if list.devices[0].acknowledged_at.is_some() {
            assert_eq!(list.devices[0].up_to_date, Some(true));
            break;
        }
        tries += 1;
        assert!(tries < 200, "the acknowledgement never showed");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn with_a_cookie_the_origin_must_be_ours() {
    let server = TestServer::start().await;
    server.person("ann").await;
    let browser = server.browser("ann").await;
    let Credentials::Cookie(cookies) = &browser.credentials else { unreachable!("a browser has cookies") };
    let connect = |origin: Option<String>| {
        let mut request = server.socket_url().into_client_request().unwrap();
        request.headers_mut().insert(header::COOKIE, cookies.parse().unwrap());
        if let Some(origin) = origin {
            request.headers_mut().insert(header::ORIGIN, origin.parse().unwrap());
        }
        tokio_tungstenite::connect_async(request)
    };
    for origin in [None, Some("http://evil.example".to_owned())] {
        let refused = connect(origin).await.unwrap_err();
        assert!(matches!(refused, Error::Http(response) if response.status() == 403));
    }
    connect(Some(server.origin())).await.unwrap();
    server.anonymous().get("/ws").await.problem(ErrorCode::Unauthenticated);
    Reply::to(browser.request(reqwest::Method::GET, "/ws").header(header::ORIGIN, server.origin()))
        .await
        .problem(ErrorCode::InvalidRequest);
}

#[tokio::test]
async fn sockets_and_frames_have_bounds() {
    let server = TestServer::start().await;
    let ann = server.person("ann").await;
    let mut sockets = Vec::new();
    for _ in 0..SOCKETS_PER_USER_MAX {
        let mut socket = server.socket(&ann).await;
        socket.next().await;
        sockets.push(socket);
    }
    let mut request = server.socket_url().into_client_request().unwrap();
    request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {}", ann.token).parse().unwrap());
    let refused = tokio_tungstenite::connect_async(request).await.unwrap_err();
    let Error::Http(response) = refused else { panic!("{refused}") };
    assert_eq!(response.status(), ErrorCode::SocketLimit.status());
    assert!(response.headers().contains_key(header::RETRY_AFTER));

    // The reason arrives even where most of the frame is never read: the end is no reset.
    for length in [FRAME_BYTES_MAX, 12 * FRAME_BYTES_MAX] {
        let mut socket = sockets.pop().unwrap();
        let large: Value = json!({"type": "ack", "syncToken": "x".repeat(length)});
        socket.say(&large).await;
        assert_eq!(socket.close_code().await, CloseCode::Size);
        let end = socket.0.next().await;
        assert!(end.is_none(), "{end:?}");
    }
}

#[tokio::test]
async fn at_the_end_sockets_are_told_to_go_elsewhere() {
    let server = TestServer::start().await;
    let ann = server.person("ann").await;
    let mut socket = server.socket(&ann).await;
    socket.next().await;
    drop(server);
    assert_eq!(socket.close_code().await, CloseCode::Away);
}

impl Socket {
    /// Fails the test where anything is told within the time of two looks at the database.
    pub async fn expect_silence(&mut self) {
        tokio::time::sleep(Duration::from_millis(1_300)).await;
        self.say(&json!({"type": "ping"})).await;
        let frame = self.next().await;
        assert_eq!(frame["type"], "pong", "{frame}");
    }

    /// The next text frame; the test fails where none comes.
    pub async fn next(&mut self) -> Value {
        loop {
            match self.receive().await {
                Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
                Message::Close(frame) => panic!("closed: {frame:?}"),
                _ => {}
            }
        }
    }

    pub async fn close_code(&mut self) -> CloseCode {
        loop {
            if let Message::Close(frame) = self.receive().await {
                return frame.expect("a reason").code;
            }
        }
    }

    async fn receive(&mut self) -> Message {
        let next = tokio::time::timeout(Duration::from_secs(10), self.0.next());
        next.await.expect("a frame in time").expect("an open socket").expect("a frame")
    }

    pub async fn say(&mut self, frame: &Value) {
        self.0.send(Message::text(frame.to_string())).await.expect("an open socket");
    }
}
