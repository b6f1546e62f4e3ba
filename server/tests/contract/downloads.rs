//! Downloads, archives, rot, and what keeps it all whole, seen from outside.

use reqwest::{Method, header};
use serde_json::json;
use server::blobs::Blobs;
use server::config::Database;
use server::ops::backup::{self, BackupError, Target};
use server::ops::verify::{Finding, verify};
use shared::ErrorCode;
use shared::sync::PushResponse;

use crate::plan::{KIB, Plan, id, noise, present};
use crate::support::{Person, Reply, TestServer};

#[tokio::test]
async fn ranges_and_validators_hold() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let plan =
            Plan { name: "Grüße \"1\".html".into(), ..Plan::new(noise(20, 250 * KIB), 100 * KIB, true) };
        plan.upload(&ann).await;
        let path = format!("/files/{}/download", plan.file_id);
        let etag = format!("\"{}\"", plan.content_hash());
        let ask = |name, value: &str| Reply::to(ann.request(Method::GET, &path).header(name, value));
        let whole = ann.get(&path).await.expect(200);
        assert_eq!(whole.body, plan.bytes);
        assert_eq!(whole.headers[header::ETAG], etag);
        assert_eq!(whole.headers[header::ACCEPT_RANGES], "bytes");
        assert_eq!(whole.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(
            whole.headers[header::CONTENT_DISPOSITION],
            "attachment; filename=\"Gr__e _1_.html\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%221%22.html"
        );
        let (start, end) = (99 * KIB, 201 * KIB);
        let part = ask(header::RANGE, &format!("bytes={start}-{}", end - 1)).await.expect(206);
        assert_eq!(part.body, plan.bytes[start..end]);
        assert_eq!(part.headers[header::CONTENT_RANGE], format!("bytes {start}-{}/{}", end - 1, 250 * KIB));
        assert_eq!(ask(header::RANGE, "bytes=-10").await.expect(206).body, plan.bytes[250 * KIB - 10..]);
        let beyond = ask(header::RANGE, "bytes=256000-").await;
        beyond.problem(ErrorCode::RangeNotSatisfiable);
        assert_eq!(beyond.headers[header::CONTENT_RANGE], "bytes */256000");
        assert_eq!(ask(header::RANGE, "bytes=0-1,5-6").await.expect(200).body.len(), 250 * KIB);
        let unchanged = ask(header::IF_NONE_MATCH, &format!("\"x\", W/{etag}")).await.expect(304);
        assert!(unchanged.body.is_empty());
        ask(header::IF_NONE_MATCH, "\"other\"").await.expect(200);
        let with = |validator: &str| {
            let request = ann.request(Method::GET, &path).header(header::RANGE, "bytes=0-9");
            Reply::to(request.header(header::IF_RANGE, validator))
        };
        with(&etag).await.expect(206);
        with("\"other\"").await.expect(200);
        let head = Reply::to(ann.request(Method::HEAD, &path)).await.expect(200);
        assert_eq!((head.headers[header::CONTENT_LENGTH].to_str().unwrap(), head.body.len()), ("256000", 0));
        let head = ann.request(Method::HEAD, &path).header(header::RANGE, "bytes=0-9");
        let head = Reply::to(head).await.expect(200);
        assert_eq!(head.headers[header::CONTENT_LENGTH], "256000", "a range is for GET alone");
        ann.get(&format!("/files/{}/download", ann.root_id)).await.problem(ErrorCode::NotAFile);
        ann.get(&format!("/files/{}/zip", plan.file_id)).await.problem(ErrorCode::NotAFolder);
        ann.get(&format!("{path}?version={}", id())).await.problem(ErrorCode::NotFound);
        ann.get(&format!("{path}?version=x")).await.problem(ErrorCode::InvalidRequest);
    }
}

async fn folder(ann: &Person, parent: impl serde::Serialize, name: &str) -> uuid::Uuid {
    let id = id();
    let change = json!({"operationId": crate::plan::id(), "fileId": id, "baseVersion": {},
        "kind": "createFolder", "parentId": parent, "name": name});
    let push = json!({"deviceId": ann.device_id, "lastSyncToken": null, "changes": [change]});
    let answer: PushResponse = ann.post("/sync/push", &push).await.expect(200).json();
    assert_eq!(answer.applied.len(), 1, "{answer:?}");
    id
}

async fn put(ann: &Person, parent: impl serde::Serialize, name: &str, bytes: &[u8]) {
    let plan = Plan { name: name.into(), ..Plan::new(bytes.to_vec(), 100 * KIB, true) };
    let mut request = plan.request(ann);
    request["parentId"] = serde_json::to_value(parent).unwrap();
    let started: shared::upload::UploadStarted =
        ann.post(&format!("/files/{}/upload/init", plan.file_id), &request).await.expect(201).json();
    for &index in &started.missing_chunks {
        plan.put(ann, &started, index).await.expect(200);
    }
    plan.try_complete(ann, &started).await.expect(200);
}

#[tokio::test]
#[expect(deprecated, reason = "its successor reads no central directory")]
async fn a_folder_comes_as_an_archive() {
    use async_zip::base::read::mem::ZipFileReader;

    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let top = folder(&ann, ann.root_id, "Ausflüge").await;
        let deep = folder(&ann, top, "2026").await;
        folder(&ann, top, "leer").await;
        let large = noise(21, 300 * KIB);
        put(&ann, top, "notes.txt", b"hello").await;
        put(&ann, deep, "large.bin", &large).await;
        put(&ann, deep, "empty", b"").await;
        put(&ann, deep, r"..\up.txt", b"").await;
        put(&ann, deep, ".._up.txt", b"").await;
        folder(&ann, deep, r"..\..").await;
        let reply = ann.get(&format!("/files/{top}/zip")).await.expect(200);
        assert_eq!(reply.headers[header::CONTENT_TYPE], "application/zip");
        let asked = ann.request(Method::HEAD, &format!("/files/{top}/zip"));
        let head = Reply::to(asked).await.expect(200);
        assert_eq!(head.headers[header::CONTENT_TYPE], "application/zip");
        assert_eq!(head.headers.get(header::CONTENT_LENGTH), None, "nobody knows yet");
        let zip = ZipFileReader::new(reply.body.to_vec()).await.expect("an archive");
        let mut names: Vec<String> =
            zip.file().entries().iter().map(|entry| entry.filename().as_str().unwrap().to_owned()).collect();
        names.sort();
        assert_eq!(
            names,
            [
                "Ausflüge/",
                "Ausflüge/2026/",
                "Ausflüge/2026/.._../",
                "Ausflüge/2026/.._up (2).txt",
                "Ausflüge/2026/.._up.txt",
                "Ausflüge/2026/empty",
                "Ausflüge/2026/large.bin",
                "Ausflüge/leer/",
                "Ausflüge/notes.txt"
            ]
        );
        for (index, entry) in zip.file().entries().iter().enumerate() {
            let mut bytes = Vec::new();
            zip.reader_with_entry(index)
                .await
                .unwrap()
                .read_to_end_checked(&mut bytes)
                .await
                .expect("its CRC");
            match entry.filename().as_str().unwrap() {
                "Ausflüge/notes.txt" => assert_eq!(bytes, b"hello"),
                "Ausflüge/2026/large.bin" => assert_eq!(bytes, large),
                _ => assert!(bytes.is_empty()),
            }
        }
        ann.get(&format!("/files/{}/zip", ann.root_id)).await.expect(200);
    }
}

#[tokio::test]
async fn rot_is_never_served_and_verify_finds_it() {
    let server = TestServer::start().await;
    let ann = server.person("ann").await;
    let plan = Plan::new(noise(22, 250 * KIB), 100 * KIB, true);
    plan.upload(&ann).await;
    let report = verify(&server.app).await.unwrap();
    assert_eq!((report.findings.len(), report.chunks, report.bytes), (0, 3, 250 * KIB as u64));
    let objects = walk(&server.app.config.data.join("blobs"));
    let object = objects.iter().find(|path| std::fs::read(path).unwrap() == plan.bytes[..100 * KIB]).unwrap();
    let mut bytes = std::fs::read(object).unwrap();
    bytes[1234] ^= 0x10;
    std::fs::write(object, &bytes).unwrap();
    let path = format!("/files/{}/download", plan.file_id);
    ann.get(&path).await.problem(ErrorCode::Internal);
    let sound = Reply::to(ann.request(Method::GET, &path).header(header::RANGE, "bytes=102400-")).await;
    assert_eq!(sound.expect(206).body, plan.bytes[100 * KIB..]);
    assert!(matches!(verify(&server.app).await.unwrap().findings[..], [Finding::Rotten(_)]));
    std::fs::remove_file(object).unwrap();
    assert!(matches!(verify(&server.app).await.unwrap().findings[..], [Finding::Missing(_)]));
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn a_backup_brings_everything_back_under_a_new_epoch() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let plan = Plan::new(noise(23, 300 * KIB), 100 * KIB, true);
        let item = present(&plan.upload(&ann).await).clone();
        let token = ann.get("/sync/pull").await.expect(200).json::<shared::sync::PullResponse>().sync_token;
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("backup");
        let copied = backup::backup(&server.app, &place).await.unwrap();
        assert_eq!((copied.objects, copied.with_database), (3, !server.app.db.is_postgres()));
        assert!(matches!(backup::backup(&server.app, &place).await, Err(BackupError::NotEmpty(_))));

        let data = folder.path().join("data");
        std::fs::create_dir_all(&data).unwrap();
        let blobs = Blobs::open_folder(&data.join("blobs")).unwrap();
        let (database, url) = match &server.app.config.database {
            Database::Sqlite(file) => {
                let file = data.join(file.file_name().unwrap());
                (Database::Sqlite(file.clone()), format!("sqlite:{}", file.display()))
            }
            // As if its own tools had put it back.
            Database::Postgres(url) => (Database::Postgres(url.clone()), url.clone()),
        };
        let restore = || {
            let target = Target { database: &database, blobs: &blobs, env: &server.app.env };
            backup::restore(target, &place)
        };
        assert_eq!(restore().await.unwrap().objects, 3);
        if !server.app.db.is_postgres() {
            assert!(matches!(restore().await, Err(BackupError::InTheWay(_))), "nothing is written over");
        }

        let data = data.to_string_lossy().into_owned();
        let settings = [("CLOUDSTEAD_DATA", data.as_str()), ("DATABASE_URL", &url)];
        let restored = TestServer::start_with(&settings).await;
        assert_eq!(verify(&restored.app).await.unwrap().findings, []);
        let mut again = restored.anonymous();
        again.credentials = ann.credentials.clone();
        again.get("/auth/me").await.problem(ErrorCode::Unauthenticated);
        let ann = restored.sign_in("ann").await;
        let reply = ann.get(&format!("/sync/pull?since={token}")).await;
        assert_eq!(reply.problem(ErrorCode::SyncTokenExpired).more["reason"], "epoch");
        let downloaded = ann.get(&format!("/files/{}/download", item.id)).await.expect(200);
        assert_eq!(downloaded.body, plan.bytes);
    }
}

#[tokio::test]
async fn orphans_go_and_writes_under_way_stay() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let plan = Plan::new(noise(24, 100 * KIB), 100 * KIB, true);
        plan.upload(&ann).await;
        let bytes = bytes::Bytes::from(noise(25, 100));
        let orphan = server::blobs::BlobKey {
            account: server.app.env.id(),
            hash: shared::ChunkHash::of(&bytes),
            generation: server.app.env.id(),
        };
        server.app.blobs.put(&orphan, bytes).await.unwrap();
        let mut sweep = server::jobs::collector::OrphanSweep::default();
        for _ in 0..3 {
            assert_eq!(sweep.sweep(&server.app).await.unwrap(), 0, "too young");
        }
        server.advance(std::time::Duration::from_hours(49));
        let mut fresh = server::jobs::collector::OrphanSweep::default();
        assert_eq!(fresh.sweep(&server.app).await.unwrap(), 0, "seen once");
        assert_eq!(fresh.sweep(&server.app).await.unwrap(), 1);
        assert_eq!(verify(&server.app).await.unwrap().orphans, 0);
        ann.get(&format!("/files/{}/download", plan.file_id)).await.expect(200);
    }
}

#[tokio::test]
async fn orphans_of_a_clock_that_was_set_back_go_too() {
    let server = TestServer::start().await;
    let env = &server.app.env;
    let made_in = |hours: u64| {
        let at = env.now() + std::time::Duration::from_hours(hours);
        server::blobs::Generation(env.chance.id(at))
    };
    let bytes = bytes::Bytes::from(noise(26, 100));
    let (account, hash) = (env.id(), shared::ChunkHash::of(&bytes));
    // A node whose clock is a day ahead is at work; another was forty days ahead, once.
    let [under_way, orphan] =
        [24, 40 * 24].map(|hours| server::blobs::BlobKey { account, hash, generation: made_in(hours) });
    for key in [under_way, orphan] {
        server.app.blobs.put(&key, bytes.clone()).await.unwrap();
    }
    let mut sweep = server::jobs::collector::OrphanSweep::default();
    assert_eq!(sweep.sweep(&server.app).await.unwrap(), 0, "seen once");
    assert_eq!(sweep.sweep(&server.app).await.unwrap(), 1);
    server.app.blobs.get(&under_way).await.unwrap();
    assert!(server.app.blobs.get(&orphan).await.is_err());
}
