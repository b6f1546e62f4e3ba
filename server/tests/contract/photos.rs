//! The photo library: taken in once, looked at by a process of its own, listed, described, shown.

use std::collections::BTreeMap;

use image::{ExtendedColorType, ImageEncoder as _};
use reqwest::{Method, header};
use serde_json::{Value, json};
use server::jobs::collector::OrphanSweep;
use server::jobs::derivatives::make_due;
use shared::limits::PAGE_LIMIT_MAX;
use shared::photo::{Aspect, Derivatives, Photo, PhotoPage, PhotoStatus, PhotoUploaded, photo_path};
use shared::photo_index::{PhotoIndexPage, PhotoSegment, SEGMENT_PHOTOS_MAX, WallDay, segment_ends};
use shared::sync::{Outcome, PullResponse, ZoneKind};
use shared::upload::{UploadCompleted, UploadStarted};
use shared::{ErrorCode, FileItem, ItemId, Timestamp};

use crate::device::{Device, change, delete, file, fresh, present, purge};
use crate::plan::{Plan, noise};
use crate::support::{Client, Person, Reply, TestServer};

/// A JPEG of one colour.
pub fn jpeg(width: u32, height: u32, shade: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let pixels = vec![shade; (width * height * 3) as usize];
    let encoder = image::codecs::jpeg::JpegEncoder::new(&mut bytes);
    encoder.write_image(&pixels, width, height, ExtendedColorType::Rgb8).unwrap();
    bytes
}

/// Lying on its side (orientation 6), taken on a day in 2024.
pub fn with_exif(jpeg: &[u8]) -> Vec<u8> {
    let mut tiff = b"MM\0\x2A\0\0\0\x08".to_vec();
    let date = 8 + 2 + 2 * 12 + 4;
    tiff.extend(2_u16.to_be_bytes());
    for (tag, kind, count, value) in [(0x0112_u16, 3_u16, 1_u32, 6 << 16), (0x0132, 2, 20, date)] {
        tiff.extend([tag.to_be_bytes(), kind.to_be_bytes()].concat());
        tiff.extend([count.to_be_bytes(), u32::to_be_bytes(value)].concat());
    }
    tiff.extend([0; 4]);
    tiff.extend(b"2024:05:01 18:30:00\0");
    let mut bytes = jpeg[..2].to_vec();
    bytes.extend([0xFF, 0xE1]);
    bytes.extend((tiff.len() as u16 + 8).to_be_bytes());
    bytes.extend(b"Exif\0\0");
    bytes.extend(tiff);
    bytes.extend(&jpeg[2..]);
    bytes
}

/// The body of a form; a field with a file name is a file.
pub fn form(fields: &[(&str, Option<&str>, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file_name, value) in fields {
        body.extend(format!("--frontier\r\nContent-Disposition: form-data; name=\"{name}\"").bytes());
        if let Some(file_name) = file_name {
            body.extend(format!("; filename=\"{file_name}\"").bytes());
        }
        body.extend(b"\r\n\r\n");
        body.extend(*value);
        body.extend(b"\r\n");
    }
    body.extend(b"--frontier--\r\n");
    body
}

async fn send(client: &Client, fields: &[(&str, Option<&str>, &[u8])]) -> Reply {
    let request = client.request(Method::POST, "/photos/upload");
    let kind = "multipart/form-data; boundary=frontier";
    Reply::to(request.header(header::CONTENT_TYPE, kind).body(form(fields))).await
}

pub async fn upload(client: &Client, name: &str, bytes: &[u8]) -> Photo {
    send(client, &[("file", Some(name), bytes)]).await.expect(201).json::<PhotoUploaded>().photo
}

async fn photo(client: &Client, id: ItemId) -> Photo {
    client.get(&format!("/photos/{id}")).await.expect(200).json()
}

pub async fn listed(client: &Client, query: &str) -> Vec<ItemId> {
    let page: PhotoPage = client.get(&format!("/photos{query}")).await.expect(200).json();
    page.photos.iter().map(|photo| photo.id).collect()
}

pub async fn library_root(person: &Person) -> ItemId {
    let pull: PullResponse = person.get("/sync/pull").await.expect(200).json();
    pull.zones.iter().find(|zone| zone.kind == ZoneKind::Photos).expect("a library").root_id
}

fn without_api(url: &str) -> &str {
    url.strip_prefix("/api/v1").expect("an address of the API")
}

#[tokio::test]
async fn a_photo_is_taken_in_looked_at_and_shown() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let (mut near, mut far) =
            (server.socket(&ann).await, server.socket(&server.sign_in("ann").await).await);
        let (_, _) = (near.next().await, far.next().await);
        let bytes = with_exif(&jpeg(600, 300, 90));
        let modified_at = b"2023-02-03T04:05:06.789Z".as_slice();
        let fields = [("modifiedAt", None, modified_at), ("file", Some("IMG_1.JPG"), bytes.as_slice())];
        let new: Value = send(&ann, &fields).await.expect(201).json();
        let new = &new["photo"];
        assert_eq!(
            (&new["status"], &new["takenAt"]),
            (&json!("processing"), &json!("2023-02-03T04:05:06.789"))
        );
        let nothing = json!({"thumbnail": null, "preview": null, "display": null});
        assert_eq!(new["derivatives"], nothing);
        for field in [
            "width",
            "height",
            "takenAtOffset",
            "location",
            "place",
            "camera",
            "duration",
            "livePhotoVideo",
            "thumbhash",
        ] {
            assert_eq!(new.get(field), Some(&Value::Null), "{field}");
        }
        let id: ItemId = serde_json::from_value(new["id"].clone()).unwrap();
        ann.get(&format!("/photos/{id}/thumbnail")).await.expect(404);

        assert_eq!(make_due(&server.app).await.unwrap(), 1);
        let ready = photo(&ann, id).await;
        assert_eq!(
            (ready.info.status, ready.info.width, ready.info.height),
            (PhotoStatus::Ready, Some(300), Some(600))
        );
        assert_eq!(ready.info.taken_at.to_string(), "2024-05-01T18:30:00.000");
        assert_eq!((ready.file_name.as_str(), ready.mime_type.as_str()), ("IMG_1.JPG", "image/jpeg"));
        assert_eq!((ready.size, ready.file_id), (bytes.len() as u64, id));
        assert!(ready.info.thumbhash.is_some());
        let Derivatives { thumbnail, preview, display } = ready.derivatives.clone();
        for (derivative, height) in [(thumbnail, 200), (preview, 600), (display, 600)] {
            let derivative = derivative.expect("it was made");
            let reply = ann.get(without_api(&derivative.url)).await.expect(200);
            assert_eq!(reply.headers[header::CONTENT_TYPE], "image/jpeg");
            assert!(reply.headers[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
            let (address, _) = without_api(&derivative.url).split_once('?').unwrap();
            let of_another = ann.get(&format!("{address}?v=0123456789abcdef")).await.expect(200);
            assert!(!of_another.headers[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
            assert_eq!(reply.body.len() as u64, derivative.size);
            let shown = image::load_from_memory(&reply.body).unwrap();
            assert_eq!((shown.width(), shown.height()), (derivative.width, derivative.height));
            assert_eq!(shown.height(), height, "upright, and never enlarged");
            let known = reply.headers[header::ETAG].clone();
            let again = ann.request(Method::GET, without_api(&derivative.url));
            let unchanged = Reply::to(again.header(header::IF_NONE_MATCH, &known)).await.expect(304);
            for name in [header::ETAG, header::CACHE_CONTROL] {
                assert_eq!(unchanged.headers.get(&name), reply.headers.get(&name), "{name}");
            }
        }
        let original = ann.get(&format!("/photos/{id}/original")).await.expect(200);
        assert_eq!(original.body, bytes);
        assert!(!original.headers[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        let content = ann.get(&format!("/files/{id}")).await.expect(200).json::<FileItem>().content_hash;
        let versioned = photo_path(id, "original", content.unwrap());
        let versioned = ann.get(&versioned).await.expect(200);
        assert!(versioned.headers[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));

        let pull: PullResponse = ann.get("/sync/pull").await.expect(200).json();
        let pulled = pull.changes.iter().find(|state| state.id() == id).expect("it is in the feed");
        assert_eq!(present(pulled).photo.as_deref(), Some(&ready.info));
        for (socket, who) in [(&mut near, "its own device"), (&mut far, "another")] {
            let told = loop {
                let frame = socket.next().await;
                if frame["type"] == "photo_ready" {
                    break frame;
                }
            };
            assert_eq!(told["photo"], serde_json::to_value(&ready).unwrap(), "{who}");
        }
        assert_eq!(make_due(&server.app).await.unwrap(), 0, "that is settled");
        server.expect_sound().await;
    }
}

#[tokio::test]
async fn equal_content_in_one_library_is_one_photo() {
    for server in TestServer::each().await {
        let mut ann = Device { person: server.person("ann").await, token: None };
        let ben = server.person("ben").await;
        let bytes = jpeg(40, 30, 7);
        let first = upload(&ann.person, "one.jpg", &bytes).await;
        let again = send(&ann.person, &[("file", Some("two.jpg"), &bytes)]).await.expect(200);
        assert_eq!(again.json::<PhotoUploaded>().photo.id, first.id);
        let root = library_root(&ann.person).await;
        let (one, two) = (file(fresh(), root, "three.jpg", &bytes), file(fresh(), root, "four.jpg", "new"));
        let joined = ann.applied(&one).await;
        assert_eq!((joined.item.id(), joined.outcome), (first.id, Outcome::Unchanged));
        // In one batch too.
        let other = file(fresh(), root, "five.jpg", "new");
        let answer = ann.push(&[two, other]).await;
        assert_eq!(answer.applied[0].item.id(), answer.applied[1].item.id());
        assert_eq!(listed(&ann.person, "").await.len(), 2);
        assert_ne!(upload(&ben, "one.jpg", &bytes).await.id, first.id, "another's library is another");

        // A photo in the trash is none of the library.
        let item = ann.item(first.id).await;
        ann.done(delete(first.id, &item.version, ann.token.clone().as_deref())).await;
        assert_ne!(upload(&ann.person, "one.jpg", &bytes).await.id, first.id);
        server.expect_sound().await;
    }
}

/// Through the chunk routes, into the library.
async fn upload_in_chunks(person: &Person, plan: &Plan) -> UploadCompleted {
    let mut request = plan.request(person);
    let fields = request.as_object_mut().unwrap();
    fields.remove("parentId");
    fields.insert("library".into(), json!("photos"));
    let started = person.post(&format!("/files/{}/upload/init", plan.file_id), &request).await.expect(201);
    let started: UploadStarted = started.json();
    for &index in &started.missing_chunks {
        plan.put(person, &started, index).await.expect(200);
    }
    plan.try_complete(person, &started).await.expect(200).json()
}

#[tokio::test]
async fn large_photos_come_in_chunks_and_are_known_however_they_were_cut() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        // More than one chunk of the server's own, whatever the picture takes.
        let mut bytes = jpeg(60, 40, 9);
        bytes.extend(noise(7, 5 * 1024 * 1024));
        let plan = Plan { name: "large.jpg".into(), ..Plan::new(bytes.clone(), 1_000_000, true) };
        let first = upload_in_chunks(&ann, &plan).await.applied;
        assert_eq!((first.item.id(), first.outcome), (ItemId(plan.file_id), Outcome::Applied));
        assert_eq!(listed(&ann, "").await, [first.item.id()]);
        let whole = send(&ann, &[("file", Some("again.jpg"), &bytes)]).await.expect(200);
        assert_eq!(whole.json::<PhotoUploaded>().photo.id, first.item.id());
        let plan = Plan { chunk_size: 777_777, ..plan.again("another.jpg") };
        let again = upload_in_chunks(&ann, &plan).await.applied;
        assert_eq!((again.item.id(), again.outcome), (first.item.id(), Outcome::Unchanged));
        make_due(&server.app).await.unwrap();
        assert_eq!(photo(&ann, first.item.id()).await.info.status, PhotoStatus::Ready);
        server.expect_sound().await;
    }
}

#[tokio::test]
async fn a_photo_goes_into_the_library_whatever_folder_of_files_is_named() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let plan = Plan { name: "a.jpg".into(), ..Plan::new(jpeg(60, 40, 9), 1_000_000, true) };
        let mut request = plan.request(&ann);
        assert_eq!(request["parentId"], json!(ann.root_id));
        request["library"] = json!("photos");
        let path = format!("/files/{}/upload/init", plan.file_id);
        let started: UploadStarted = ann.post(&path, &request).await.expect(201).json();
        plan.put(&ann, &started, 0).await.expect(200);
        let done: UploadCompleted = plan.try_complete(&ann, &started).await.expect(200).json();
        assert_eq!(present(&done.applied.item).parent_id, library_root(&ann).await);
        assert_eq!(listed(&ann, "").await, [ItemId(plan.file_id)]);
        let again: UploadCompleted = plan.try_complete(&ann, &started).await.expect(200).json();
        assert_eq!(again.applied.outcome, done.applied.outcome);
    }
}

#[tokio::test]
async fn a_photo_for_which_there_is_no_room_leaves_nothing_behind() {
    let server = TestServer::start_with(&[("CLOUDSTEAD_QUOTA", "5000000")]).await;
    let ann = server.person("ann").await;
    let mut bytes = jpeg(60, 40, 9);
    bytes.extend(noise(7, 6_000_000));
    let refused = send(&ann, &[("file", Some("large.jpg"), &bytes)]).await.expect(507);
    refused.problem(ErrorCode::QuotaExceeded);
    assert_eq!(server.files(), Vec::<String>::new());
    upload(&ann, "small.jpg", &jpeg(60, 40, 9)).await;
    server.expect_sound().await;
}

#[tokio::test]
async fn an_upload_sent_again_is_answered_again() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let id = fresh::<ItemId>().to_string();
        let (one, other) = (jpeg(40, 30, 7), jpeg(40, 30, 8));
        let fields = |bytes| [("operationId", None, id.as_bytes()), ("file", Some("a.jpg"), bytes)];
        let first: PhotoUploaded = send(&ann, &fields(&one)).await.expect(201).json();
        let second: PhotoUploaded = send(&ann, &fields(&one)).await.expect(201).json();
        assert_eq!(first.photo.id, second.photo.id);
        send(&ann, &fields(&other)).await.expect(409).problem(ErrorCode::IdempotencyMismatch);
        assert_eq!(listed(&ann, "").await.len(), 1);
    }
}

#[tokio::test]
async fn what_people_say_of_a_photo_stands_field_by_field() {
    for server in TestServer::each().await {
        let (mut near, mut far) = Device::two(&server).await;
        let first = upload(&near.person, "a.jpg", &with_exif(&jpeg(40, 30, 1))).await;
        let second = upload(&near.person, "b.jpg", &jpeg(40, 30, 2)).await;
        make_due(&server.app).await.unwrap();
        let base = near.item(first.id).await.version;
        let say = |fields: Value| {
            let mut fields = fields;
            fields["baseVersion"] = json!(base);
            change(first.id, "photo", fields)
        };
        let place = json!({"latitude": 48.1, "longitude": 11.5});
        let moved = json!({"isFavorite": true, "takenAt": "1999-12-31T23:59:59.000", "location": place});
        near.done(say(moved)).await;
        // Made on the same state, and later: it says nothing of the other fields.
        far.done(say(json!({"isFavorite": false, "takenAtOffset": "+02:00"}))).await;
        let now = photo(&near.person, first.id).await.info;
        assert!(!now.is_favorite);
        assert_eq!(now.taken_at.to_string(), "1999-12-31T23:59:59.000");
        assert_eq!(now.taken_at_offset.unwrap().to_string(), "+02:00");
        assert_eq!(serde_json::to_value(now.location).unwrap(), place);
        assert_eq!(listed(&near.person, "").await, [second.id, first.id], "in their order now");

        near.done(say(json!({"takenAt": null, "location": null, "isFavorite": true}))).await;
        let now = photo(&near.person, first.id).await.info;
        assert_eq!((now.taken_at.to_string().as_str(), now.location), ("2024-05-01T18:30:00.000", None));
        assert_eq!(listed(&near.person, "?favorite=true").await, [first.id]);
        for shelf in ["hidden", "archived"] {
            near.done(say(json!({shelf: true}))).await;
            assert_eq!(listed(&near.person, "").await, [second.id], "{shelf}");
            assert!(listed(&near.person, "?favorite=true").await.is_empty(), "{shelf}");
            near.done(say(json!({shelf: false}))).await;
        }
        let note = near.done(file(fresh(), near.root(), "a.txt", "a")).await;
        let refused =
            near.push(&[change(note.id, "photo", json!({"baseVersion": {}, "hidden": true}))]).await;
        assert_eq!(refused.errors[0].code, ErrorCode::NotAPhoto);
        let empty = near.push(&[say(json!({}))]).await;
        assert_eq!(empty.errors[0].code, ErrorCode::InvalidRequest);
    }
}

#[tokio::test]
async fn the_library_is_listed_newest_first_page_by_page() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let mut expected = Vec::new();
        for n in 0..7_u8 {
            let bytes = jpeg(20, 20, n * 9);
            // Two of them at one instant.
            let taken_at = format!("20{:02}-01-01T00:00:00", 10 + n / 2);
            let fields = [("takenAt", None, taken_at.as_bytes()), ("file", Some("a.jpg"), bytes.as_slice())];
            let photo = send(&ann, &fields).await.expect(201).json::<PhotoUploaded>().photo;
            expected.push((photo.info.taken_at, photo.id));
        }
        expected.sort();
        expected.reverse();
        let expected: Vec<ItemId> = expected.into_iter().map(|(_, id)| id).collect();
        let (mut seen, mut query) = (Vec::new(), "?limit=3".to_owned());
        loop {
            let page: PhotoPage = ann.get(&format!("/photos{query}")).await.expect(200).json();
            assert!(page.photos.len() <= 3);
            seen.extend(page.photos.iter().map(|photo| photo.id));
            let Some(cursor) = page.next_cursor else { break };
            query = format!("?limit=3&cursor={cursor}");
        }
        assert_eq!(seen, expected);
        let whole: PhotoPage = ann.get("/photos?limit=7").await.expect(200).json();
        assert_eq!((whole.photos.len(), whole.next_cursor), (7, None), "nothing comes after them");
        for wrong in
            ["cursor=nonsense".to_owned(), "limit=0".to_owned(), format!("limit={}", PAGE_LIMIT_MAX + 1)]
        {
            ann.get(&format!("/photos?{wrong}")).await.expect(400).problem(ErrorCode::InvalidRequest);
        }
        ann.get(&format!("/photos?album={}", fresh::<ItemId>())).await.expect(404);
    }
}

#[tokio::test]
async fn the_index_has_every_photo_s_day_and_shape_and_lists_begin_at_its_segments() {
    /// More than a segment, on three days, the first of them before 1970.
    const PHOTOS: usize = 600;
    const _: () = assert!(PHOTOS > SEGMENT_PHOTOS_MAX);
    const DAY_MS: i64 = 86_400_000;
    for server in TestServer::each().await {
        let mut ann = Device { person: server.person("ann").await, token: None };
        let root = library_root(&ann.person).await;
        let tall = upload(&ann.person, "tall.jpg", &with_exif(&jpeg(40, 20, 1))).await;
        make_due(&server.app).await.unwrap();
        let tall = photo(&ann.person, tall.id).await;
        let days = |n: usize| (n % 3) as i64 - 1;
        let at = |n: usize| Timestamp::from_millis(days(n) * DAY_MS + n as i64);
        let creates: Vec<Value> = (0..PHOTOS)
            .map(|n| {
                let mut create = file(fresh(), root, &format!("{n}.jpg"), vec![b'.'; n + 1]);
                create["modifiedAt"] = json!(at(n));
                create
            })
            .collect();
        for creates in creates.chunks(100) {
            assert_eq!(ann.push(creates).await.errors, []);
        }

        let index: PhotoIndexPage = ann.person.get("/photos/index").await.expect(200).json();
        assert_eq!(index.next_cursor, None);
        let all = listed(&ann.person, "?limit=1000").await;
        let mut ends = segment_ends(all.iter().copied());
        ends.extend((ends.last() != Some(&all.len())).then_some(all.len()));
        let mut end = 0;
        let told = index.segments.iter().map(|segment| {
            end += segment.aspects().len();
            end
        });
        assert_eq!(told.collect::<Vec<_>>(), ends);
        let mut count = BTreeMap::new();
        for &(day, photos) in index.segments.iter().flat_map(PhotoSegment::days) {
            *count.entry(day).or_insert(0) += photos;
        }
        let taken = WallDay::from(tall.info.taken_at);
        assert_eq!(count, [(WallDay(-1), 200), (WallDay(0), 200), (WallDay(1), 200), (taken, 1)].into());
        let shapes = [Aspect::of(20, 40), Aspect::of(0, 0)].map(Aspect::code);
        assert_eq!(index.segments[0].aspects()[..2], shapes, "not known yet is square");

        // A segment's cursor begins the list with its first photo, and the index with itself.
        let cursor = index.segments[1].cursor().unwrap();
        assert_eq!(index.segments[0].cursor(), None);
        assert_eq!(listed(&ann.person, &format!("?limit=1&cursor={cursor}")).await, [all[ends[0]]]);
        let rest: PhotoIndexPage =
            ann.person.get(&format!("/photos/index?cursor={cursor}")).await.expect(200).json();
        assert_eq!(rest.segments, index.segments[1..]);

        for (id, said) in [(all[0], "archived"), (all[1], "hidden"), (all[2], "isFavorite")] {
            ann.done(change(id, "photo", json!({"baseVersion": {}, said: true}))).await;
        }
        ann.done(delete(all[3], &ann.item(all[3]).await.version, None)).await;
        for (query, photos) in [
            ("", PHOTOS + 1 - 3),
            ("?shelf=archived", 1),
            ("?shelf=hidden", 1),
            ("?favorite=true", 1),
            ("?shelf=hidden&favorite=true", 0),
        ] {
            let index: PhotoIndexPage =
                ann.person.get(&format!("/photos/index{query}")).await.expect(200).json();
            assert_eq!(index.segments.iter().map(|s| s.aspects().len()).sum::<usize>(), photos, "{query}");
        }
        assert_eq!(listed(&ann.person, "?shelf=archived").await, [all[0]]);
        for wrong in ["cursor=nonsense", "shelf=trash"] {
            ann.person
                .get(&format!("/photos/index?{wrong}"))
                .await
                .expect(400)
                .problem(ErrorCode::InvalidRequest);
        }
    }
}

#[tokio::test]
async fn what_is_no_photo_leaves_nothing_behind() {
    let server = TestServer::start().await;
    let ann = server.person("ann").await;
    let text = vec![b'a'; 5 * 1024 * 1024];
    let refused = send(&ann, &[("file", Some("a.jpg"), &text)]).await.expect(415);
    refused.problem(ErrorCode::UnsupportedPhoto);
    send(&ann, &[("file", Some("a.jpg"), b"")]).await.expect(415).problem(ErrorCode::UnsupportedPhoto);
    let picture = jpeg(8, 8, 1);
    for (name, value) in [
        ("takenAt", "2024-05-01T18:30:00Z"),
        ("takenAt", "2024-05-01T18:30:0é.000"),
        ("operationId", "seven"),
        ("modifiedAt", "today"),
    ] {
        let fields = [(name, None, value.as_bytes()), ("file", Some("a.jpg"), picture.as_slice())];
        send(&ann, &fields).await.expect(400).problem(ErrorCode::InvalidRequest);
    }
    let long = vec![b'7'; 2_000];
    send(&ann, &[("takenAt", None, &long)]).await.expect(400).problem(ErrorCode::InvalidRequest);
    send(&ann, &[("title", None, b"no file")]).await.expect(400).problem(ErrorCode::InvalidRequest);
    send(&ann, &[("file", Some("a/b.jpg"), &picture)]).await.expect(422).problem(ErrorCode::InvalidName);
    // Stored by then, and named by nothing.
    let mut large = picture.clone();
    large.extend(noise(7, 5_000_000));
    let late = [("file", Some("a.jpg"), large.as_slice()), ("takenAt", None, b"today".as_slice())];
    send(&ann, &late).await.expect(400).problem(ErrorCode::InvalidRequest);
    let two = [("file", Some("a.jpg"), large.as_slice()), ("file", Some("b.jpg"), picture.as_slice())];
    send(&ann, &two).await.expect(400).problem(ErrorCode::InvalidRequest);
    let json = ann.post("/photos/upload", &json!({})).await.expect(415);
    json.problem(ErrorCode::UnsupportedMediaType);
    let request = ann.request(Method::POST, "/photos/upload");
    let half = form(&[("file", Some("a.jpg"), &picture)])[..200].to_vec();
    let kind = "multipart/form-data; boundary=frontier";
    let cut = Reply::to(request.header(header::CONTENT_TYPE, kind).body(half)).await.expect(400);
    cut.problem(ErrorCode::InvalidRequest);
    assert!(listed(&ann, "").await.is_empty());
    assert_eq!(server.files(), Vec::<String>::new());
    server.expect_sound().await;
}

#[tokio::test]
async fn a_picture_that_does_harm_costs_its_preview_and_nothing_else() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let mut half = jpeg(400, 300, 1);
        half.truncate(300);
        let damaged = upload(&ann, "damaged.jpg", &half).await;
        let film = upload(&ann, "film.mp4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom and then a film").await;
        let sound = upload(&ann, "sound.jpg", &jpeg(40, 30, 1)).await;
        assert_eq!(make_due(&server.app).await.unwrap(), 3);
        for id in [damaged.id, film.id] {
            let failed = photo(&ann, id).await;
            assert_eq!(failed.info.status, PhotoStatus::Failed);
            assert!(!failed.info.failure.expect("a reason").is_empty());
            ann.get(&format!("/photos/{id}/preview")).await.expect(404);
        }
        let original = ann.get(&format!("/photos/{}/original", damaged.id)).await.expect(200);
        assert_eq!(original.body, half, "the file is as safe as any");
        assert_eq!(photo(&ann, sound.id).await.info.status, PhotoStatus::Ready);

        let again: Photo = ann.post(&format!("/photos/{}/retry", damaged.id), &()).await.expect(200).json();
        assert_eq!(again.info.status, PhotoStatus::Processing);
        let same: Photo = ann.post(&format!("/photos/{}/retry", sound.id), &()).await.expect(200).json();
        assert_eq!(same.info.status, PhotoStatus::Ready, "nothing to try again");
        assert_eq!(make_due(&server.app).await.unwrap(), 1);
        assert_eq!(photo(&ann, damaged.id).await.info.status, PhotoStatus::Failed);
    }
}

#[tokio::test]
async fn derivatives_that_are_lost_are_made_again_and_go_with_their_picture() {
    let server = TestServer::start().await;
    let mut ann = Device { person: server.person("ann").await, token: None };
    let id = upload(&ann.person, "a.jpg", &jpeg(900, 600, 60)).await.id;
    make_due(&server.app).await.unwrap();
    let thumbnail = format!("/photos/{id}/thumbnail");
    let whole = ann.person.get(&thumbnail).await.expect(200).body;
    let of = |kind: &str| server.files().into_iter().find(|file| file.ends_with(kind)).expect("its object");
    std::fs::remove_file(of("thumbnail")).unwrap();
    ann.person.get(&thumbnail).await.expect(404);
    make_due(&server.app).await.unwrap();
    assert_eq!(ann.person.get(&thumbnail).await.expect(200).body, whole);
    std::fs::write(of("thumbnail"), b"rotten").unwrap();
    ann.person.get(&thumbnail).await.expect(404);
    make_due(&server.app).await.unwrap();
    assert_eq!(ann.person.get(&thumbnail).await.expect(200).body, whole);

    let used = |files: Vec<String>| files.into_iter().filter(|file| file.ends_with("thumbnail")).count();
    let mut sweep = OrphanSweep::default();
    assert_eq!(sweep.sweep(&server.app).await.unwrap(), 0);
    assert_eq!(used(server.files()), 1);
    let version = ann.item(id).await.version;
    let deleted = ann.done(delete(id, &version, ann.token.clone().as_deref())).await;
    ann.applied(&purge(id, &deleted.version)).await;
    ann.person.get(&thumbnail).await.expect(404);
    assert_eq!(sweep.sweep(&server.app).await.unwrap(), 3, "one of each kind");
    assert_eq!(used(server.files()), 0);
}

#[tokio::test]
async fn a_library_is_its_owner_s_alone() {
    let server = TestServer::start().await;
    let (ann, ben) = (server.person("ann").await, server.person("ben").await);
    let id = upload(&ann, "a.jpg", &jpeg(40, 30, 1)).await.id;
    make_due(&server.app).await.unwrap();
    for path in ["", "/thumbnail", "/original"] {
        ben.get(&format!("/photos/{id}{path}")).await.expect(404).problem(ErrorCode::NotFound);
        server.anonymous().get(&format!("/photos/{id}{path}")).await.expect(401);
    }
    ben.post(&format!("/photos/{id}/retry"), &()).await.expect(404);
    assert!(listed(&ben, "").await.is_empty());
}
