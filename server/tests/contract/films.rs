//! Films: what they say of themselves, their posters; and Live Photos, of which they are a part.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use server::jobs;
use server::jobs::derivatives::make_due;
use shared::ItemId;
use shared::photo::{AlbumPage, Photo, PhotoInfo, PhotoStatus};
use shared::photo_index::PhotoIndexPage;
use shared::sync::TrashPage;

use crate::device::{Device, change, content, delete, folder, fresh, purge, rename, restore};
use crate::photos::{jpeg, library_root, listed, upload};
use crate::plan::noise;
use crate::support::TestServer;

fn boxed(kind: &[u8], content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32 + 8).to_be_bytes(), kind, content].concat()
}

fn numbers(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// A film of 1920 × 1080 pixels on its side, whose description comes last; `said` are keys and values.
fn film(length_ms: u32, seed: u64, said: &[(&str, &str)]) -> Vec<u8> {
    let mut header = numbers(&[0; 10]);
    header.extend(numbers(&[0, 1 << 16, 0, 0, 0, 0, 0, 0, 0, 1920 << 16, 1080 << 16]));
    let handler = [&[0; 8], b"vide".as_slice(), &[0; 12]].concat();
    let media = boxed(b"mdia", &boxed(b"hdlr", &handler));
    let track = boxed(b"trak", &[boxed(b"tkhd", &header), media].concat());
    let mut keys = numbers(&[0, said.len() as u32]);
    let mut list = Vec::new();
    for (n, (key, value)) in (1_u32..).zip(said) {
        keys.extend(boxed(b"mdta", format!("com.apple.quicktime.{key}").as_bytes()));
        let data = [numbers(&[1, 0]), value.as_bytes().to_vec()].concat();
        list.extend(boxed(&n.to_be_bytes(), &boxed(b"data", &data)));
    }
    let metadata = [boxed(b"hdlr", &[0; 25]), boxed(b"keys", &keys), boxed(b"ilst", &list)].concat();
    let movie = boxed(b"mvhd", &numbers(&[0, 0, 0, 1_000, length_ms, 0, 0]));
    let description = boxed(b"moov", &[movie, track, boxed(b"meta", &metadata)].concat());
    [boxed(b"ftyp", b"qt  \0\0\0\0"), boxed(b"mdat", &noise(seed, 5_000)), description].concat()
}

/// A photo that says when it was taken, and perhaps, as Apple's do, which film belongs to it.
fn still(shade: u8, taken_at: &str, identifier: Option<&str>) -> Vec<u8> {
    let mut note = b"Apple iOS\0\0\x01MM\0\x01\0\x11\0\x02".to_vec();
    let identifier = identifier.map(|text| format!("{text}\0")).unwrap_or_default();
    note.extend(numbers(&[identifier.len() as u32, 28]));
    note.extend(identifier.bytes());
    let mut tiff = b"MM\0\x2A\0\0\0\x08\0\x01".to_vec();
    let entry = |tag: u16, kind: u16, count: usize, value: u32| {
        [tag.to_be_bytes(), kind.to_be_bytes()].concat().into_iter().chain(numbers(&[count as u32, value]))
    };
    tiff.extend(entry(0x8769, 4, 1, 26));
    tiff.extend([0, 0, 0, 0, 0, 2]);
    tiff.extend(entry(0x9003, 2, 20, 56));
    tiff.extend(entry(0x927C, 7, note.len(), 76));
    tiff.extend([0; 4]);
    tiff.extend(format!("{taken_at}\0").bytes());
    tiff.extend(note);
    let jpeg = jpeg(60, 40, shade);
    let mut bytes = jpeg[..2].to_vec();
    bytes.extend([0xFF, 0xE1]);
    bytes.extend((tiff.len() as u16 + 8).to_be_bytes());
    bytes.extend(b"Exif\0\0");
    bytes.extend(tiff);
    bytes.extend(&jpeg[2..]);
    bytes
}

async fn photo(device: &Device, id: ItemId) -> Photo {
    device.person.get(&format!("/photos/{id}")).await.expect(200).json()
}

/// As the feed has it.
async fn fed(device: &mut Device, id: ItemId) -> PhotoInfo {
    device.token = None;
    let state = device.pull().await.into_iter().find(|state| state.id() == id).expect("in the feed");
    state.present().and_then(|item| item.photo.as_deref().cloned()).expect("a photo")
}

#[tokio::test]
async fn a_film_is_shown_by_what_it_says_of_itself() {
    for server in TestServer::each().await {
        let mut ann = Device { person: server.person("ann").await, token: None };
        let said = [
            ("make", "Apple"),
            ("model", "iPhone 12"),
            ("creationdate", "2019-05-12T18:30:00+0200"),
            ("location.ISO6709", "+48.1372+011.5755+519.000/"),
        ];
        let bytes = film(2_500, 1, &said);
        let id = upload(&ann.person, "IMG_0007.MOV", &bytes).await.id;
        make_due(&server.app).await.unwrap();
        let shown: Value = ann.person.get(&format!("/photos/{id}")).await.expect(200).json();
        assert_eq!(shown["status"], "ready");
        assert_eq!((&shown["width"], &shown["height"]), (&json!(1080), &json!(1920)));
        assert_eq!(
            (&shown["takenAt"], &shown["takenAtOffset"], &shown["duration"]),
            (&json!("2019-05-12T18:30:00.000"), &json!("+02:00"), &json!(2_500))
        );
        assert_eq!(
            (&shown["camera"], &shown["mimeType"]),
            (&json!("Apple iPhone 12"), &json!("video/quicktime"))
        );
        assert_eq!(shown["place"], "Munich, Bavaria, Germany");
        assert_eq!((&shown["livePhotoVideo"], &shown["thumbhash"]), (&Value::Null, &Value::Null));
        assert_eq!(shown["derivatives"], json!({"thumbnail": null, "preview": null, "display": null}));
        ann.person.get(&format!("/photos/{id}/thumbnail")).await.expect(404);
        for query in ["?query=video", "?query=mov%20munich", "?query=iphone"] {
            assert_eq!(listed(&ann.person, query).await, [id], "{query}");
        }
        assert_eq!(fed(&mut ann, id).await.duration, Some(2_500));
        assert_eq!(make_due(&server.app).await.unwrap(), 0);
        server.expect_sound().await;
    }
}

/// The films' own program, where it is installed.
fn ffmpeg() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("ffmpeg")).find(|file| file.is_file())
}

#[tokio::test]
async fn a_film_gets_a_poster_where_ffmpeg_is_installed() {
    let Some(ffmpeg) = ffmpeg() else {
        println!("skipped: ffmpeg is not installed (cargo xtask setup --tests installs it)");
        return;
    };
    let server = TestServer::start_with(&[("CLOUDSTEAD_FFMPEG", ffmpeg.to_str().unwrap())]).await;
    let ann = server.person("ann").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("film.mp4");
    // Red on the left, blue on the right; its matrix turns it a quarter to the right.
    let picture = "color=red:s=320x240:d=1,drawbox=x=160:w=160:h=240:color=blue:t=fill";
    let made = Command::new(&ffmpeg)
        .args([
            "-v", "error", "-f", "lavfi", "-i", picture, "-pix_fmt", "yuv420p", "-c:v", "mpeg4", "-q:v", "2",
        ])
        .arg(&file)
        .status()
        .unwrap();
    assert!(made.success());
    let mut bytes = std::fs::read(&file).unwrap();
    let matrix = bytes.windows(4).position(|kind| kind == b"tkhd").expect("a track") + 4 + 40;
    let turn = numbers(&[0, 1 << 16, 0, 0xFFFF_0000, 0, 0, 240 << 16, 0, 1 << 30]);
    bytes[matrix..matrix + turn.len()].copy_from_slice(&turn);
    let id = upload(&ann, "film.mp4", &bytes).await.id;
    make_due(&server.app).await.unwrap();
    let shown: Photo = ann.get(&format!("/photos/{id}")).await.expect(200).json();
    assert_eq!(shown.info.status, PhotoStatus::Ready);
    assert_eq!(
        (shown.info.width, shown.info.height, shown.info.duration),
        (Some(240), Some(320), Some(1_000))
    );
    let preview = shown.derivatives.preview.expect("a poster");
    assert_eq!((preview.width, preview.height), (240, 320));
    assert!(shown.info.thumbhash.is_some());
    let bytes = ann.get(preview.url.strip_prefix("/api/v1").unwrap()).await.expect(200).body;
    let poster = image::load_from_memory(&bytes).unwrap().into_rgb8();
    let (above, below) = (poster.get_pixel(120, 60).0, poster.get_pixel(120, 260).0);
    assert!(above[0] > 200 && above[2] < 60, "red above: {above:?}");
    assert!(below[2] > 200 && below[0] < 60, "blue below: {below:?}");
    let left: Vec<_> = std::fs::read_dir(server.app.config.data.join("posters")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");

    // What only says that it is a film costs its poster and nothing else.
    let id = upload(&ann, "broken.mov", &film(2_500, 1, &[])).await.id;
    make_due(&server.app).await.unwrap();
    let broken: Photo = ann.get(&format!("/photos/{id}")).await.expect(200).json();
    assert_eq!((broken.info.status, broken.derivatives.preview), (PhotoStatus::Ready, None));
}

/// The two files of a Live Photo, in that order, each looked at before the next comes.
async fn live(server: &TestServer, ann: &Device, first: (&str, &[u8]), second: (&str, &[u8])) -> [ItemId; 2] {
    let mut ids = Vec::new();
    for (name, bytes) in [first, second] {
        ids.push(upload(&ann.person, name, bytes).await.id);
        make_due(&server.app).await.unwrap();
    }
    [ids[0], ids[1]]
}

#[tokio::test]
async fn a_live_photo_is_one_photo_whichever_part_comes_first() {
    for server in TestServer::each().await {
        let mut ann = Device { person: server.person("ann").await, token: None };
        let of = |n: u8| {
            let identifier = format!("8D1C-{n}");
            let taken_at = format!("2019:05:1{n} 12:00:00");
            let film = film(2_500, n.into(), &[("content.identifier", &identifier)]);
            (still(n, &taken_at, Some(&identifier)), film)
        };
        let ((picture, moving), (other_picture, other_moving)) = (of(1), of(2));
        let [one, film] = live(&server, &ann, ("a.heic.jpg", &picture), ("b.mov", &moving)).await;
        let [other_film, other] =
            live(&server, &ann, ("c.mov", &other_moving), ("d.jpg", &other_picture)).await;
        assert_eq!(listed(&ann.person, "").await, [other, one]);
        let index: PhotoIndexPage = ann.person.get("/photos/index").await.expect(200).json();
        assert_eq!(index.segments.iter().map(|segment| segment.aspects().len()).sum::<usize>(), 2);
        assert_eq!(listed(&ann.person, "?query=live").await, [other, one]);
        assert!(listed(&ann.person, "?query=video").await.is_empty());
        for (still, film, bytes) in [(one, film, &moving), (other, other_film, &other_moving)] {
            let video = photo(&ann, still).await.info.live_photo_video.expect("it moves");
            assert_eq!((video.file_id, video.duration), (film, Some(2_500)));
            assert_eq!((video.mime_type.as_str(), video.size), ("video/quicktime", bytes.len() as u64));
            let got = ann.person.get(video.url.strip_prefix("/api/v1").unwrap()).await.expect(200);
            assert_eq!(&got.body, bytes);
            assert_eq!(photo(&ann, film).await.info.live_photo_of, Some(still));
            assert_eq!(fed(&mut ann, film).await.live_photo_of, Some(still));
            assert_eq!(fed(&mut ann, still).await.live_photo_video.expect("it moves").file_id, film);
        }
        // The film is known all the same, and is in no album by itself.
        let root = library_root(&ann.person).await;
        let album = ann.done(folder(fresh(), root, "Summer")).await.id;
        for id in [one, film] {
            ann.done(change(id, "albumAdd", json!({"baseVersion": {}, "albumId": album}))).await;
        }
        let albums: AlbumPage = ann.person.get("/photos/albums").await.expect(200).json();
        assert_eq!(albums.albums[0].count, 1);
        server.expect_sound().await;
    }
}

#[tokio::test]
async fn the_film_of_a_live_photo_goes_where_its_photo_goes() {
    for server in TestServer::each().await {
        let mut ann = Device { person: server.person("ann").await, token: None };
        let (picture, moving) = (
            still(1, "2019:05:12 12:00:00", Some("8D1C")),
            film(2_500, 1, &[("content.identifier", "8D1C")]),
        );
        let [one, film] = live(&server, &ann, ("a.jpg", &picture), ("a.mov", &moving)).await;
        ann.done(change(one, "photo", json!({"baseVersion": {}, "hidden": true}))).await;
        assert!(listed(&ann.person, "").await.is_empty());
        assert_eq!(listed(&ann.person, "?shelf=hidden").await, [one]);
        ann.done(change(one, "photo", json!({"baseVersion": {}, "hidden": false}))).await;

        let seen = ann.item(one).await.version;
        let deleted = ann.done(delete(one, &seen, None)).await;
        assert!(ann.item(film).await.is_deleted && listed(&ann.person, "").await.is_empty());
        let back = ann.done(restore(one, &deleted.version)).await;
        assert!(!ann.item(film).await.is_deleted);
        assert_eq!(listed(&ann.person, "").await, [one]);
        assert!(photo(&ann, one).await.info.live_photo_video.is_some());

        // Without the film it is a photo like any other, and with it again a Live Photo.
        let seen = ann.item(film).await.version;
        let gone = ann.done(delete(film, &seen, None)).await;
        assert_eq!(listed(&ann.person, "").await, [one]);
        assert!(photo(&ann, one).await.info.live_photo_video.is_none());
        ann.done(restore(film, &gone.version)).await;
        assert_eq!(listed(&ann.person, "").await, [one]);
        assert!(photo(&ann, one).await.info.live_photo_video.is_some());

        // Removed for good, both are.
        let seen = ann.item(one).await.version;
        assert_ne!(seen, back.version);
        let deleted = ann.done(delete(one, &seen, None)).await;
        ann.applied(&purge(one, &deleted.version)).await;
        ann.person.get(&format!("/photos/{film}")).await.expect(404);
        server.expect_sound().await;
    }
}

#[tokio::test]
async fn a_film_that_was_taken_in_once_stays_with_the_photo_that_is_left() {
    for server in TestServer::each().await {
        let mut ann = Device { person: server.person("ann").await, token: None };
        // Told apart by their dates alone: the same picture, from two exports.
        let (picture, again) =
            (still(1, "2019:05:12 12:00:00", Some("8D1C")), still(1, "2019:05:12 12:00:09", Some("8D1C")));
        let moving = film(2_500, 1, &[("content.identifier", "8D1C")]);
        let [one, film] = live(&server, &ann, ("a.jpg", &picture), ("a.mov", &moving)).await;
        let other = upload(&ann.person, "b.jpg", &again).await.id;
        make_due(&server.app).await.unwrap();
        assert!(photo(&ann, other).await.info.live_photo_video.is_none());

        let seen = ann.item(one).await.version;
        let deleted = ann.done(delete(one, &seen, None)).await;
        assert!(!ann.item(film).await.is_deleted, "the only film");
        let video = photo(&ann, other).await.info.live_photo_video.expect("it moves now");
        assert_eq!(video.file_id, film);
        assert_eq!(listed(&ann.person, "").await, [other]);
        ann.done(restore(one, &deleted.version)).await;
        assert!(photo(&ann, one).await.info.live_photo_video.is_none(), "one film, one photo");
        assert_eq!(photo(&ann, film).await.info.live_photo_of, Some(other));

        // With the last of them, it goes.
        for still in [one, other] {
            let seen = ann.item(still).await.version;
            ann.done(delete(still, &seen, None)).await;
        }
        assert!(ann.item(film).await.is_deleted);
        server.expect_sound().await;
    }
}

#[tokio::test]
async fn what_people_change_takes_no_live_photo_apart() {
    for server in TestServer::each().await {
        let mut ann = Device { person: server.person("ann").await, token: None };
        let moving = film(2_500, 1, &[("creationdate", "2019-05-12T12:00:01+0200")]);
        let picture = still(1, "2019:05:12 12:00:00", None);
        let [one, film] = live(&server, &ann, ("a.jpg", &picture), ("a.mov", &moving)).await;
        let said = json!({"baseVersion": {}, "hidden": true, "takenAt": "2001-01-01T00:00:00.000"});
        ann.done(change(one, "photo", said)).await;
        let seen = ann.item(one).await.version;
        let named = ann.done(rename(one, &seen, "Birthday.jpg")).await;
        let deleted = ann.done(delete(one, &named.version, None)).await;
        ann.done(restore(one, &deleted.version)).await;
        assert_eq!(photo(&ann, film).await.info.live_photo_of, Some(one));
        assert!(photo(&ann, one).await.info.live_photo_video.is_some());
        assert!(listed(&ann.person, "").await.is_empty(), "what is hidden does not move in sight");
        server.expect_sound().await;
    }
}

#[tokio::test]
async fn what_a_person_says_of_its_time_makes_no_live_photo() {
    let server = TestServer::start().await;
    let mut ann = Device { person: server.person("ann").await, token: None };
    let picture = upload(&ann.person, "a.jpg", &still(1, "2019:05:12 12:00:00", None)).await.id;
    make_due(&server.app).await.unwrap();
    let said = json!({"baseVersion": {}, "takenAt": "2019-05-13T08:00:00.000"});
    ann.done(change(picture, "photo", said)).await;
    let moving = film(2_500, 1, &[("creationdate", "2019-05-13T08:00:00+0200")]);
    upload(&ann.person, "a.mov", &moving).await;
    make_due(&server.app).await.unwrap();
    assert_eq!(listed(&ann.person, "").await.len(), 2);
}

#[tokio::test]
async fn a_file_s_own_time_makes_no_live_photo() {
    let server = TestServer::start().await;
    let ann = Device { person: server.person("ann").await, token: None };
    // Neither says when it was taken, and both arrive in one moment, as a copied folder does.
    live(&server, &ann, ("clip.jpg", &jpeg(60, 40, 1)), ("clip.mov", &film(2_500, 1, &[]))).await;
    assert_eq!(listed(&ann.person, "").await.len(), 2);
    // The film says it, the picture does not.
    let moving = film(2_500, 2, &[("creationdate", "2019-05-12T12:00:00+0000")]);
    live(&server, &ann, ("other.jpg", &jpeg(60, 40, 2)), ("other.mov", &moving)).await;
    assert_eq!(listed(&ann.person, "").await.len(), 4);
}

#[tokio::test]
async fn films_find_their_photos_by_google_s_names() {
    for server in TestServer::each().await {
        let ann = Device { person: server.person("ann").await, token: None };
        let at = "2019-05-12T12:00:00+0200";
        let pairs = [
            ("IMG_1.HEIC.jpg", Some("8D1C"), "img_1.heic.MP4"),
            ("PXL_2.MP.jpg", None, "PXL_2.MP.mp4"),
            ("PXL_3.MP.jpg", None, "PXL_3.MP"),
        ];
        for (n, (name, identifier, name_of_film)) in (1_u8..).zip(pairs) {
            let picture = still(n, "2019:05:12 12:00:00", identifier);
            let moving = film(2_500, n.into(), &[("creationdate", at)]);
            let (first, second) = ((name, &picture[..]), (name_of_film, &moving[..]));
            // Whichever comes first.
            let [one, film] = if n == 2 {
                let [film, one] = live(&server, &ann, second, first).await;
                [one, film]
            } else {
                live(&server, &ann, first, second).await
            };
            assert_eq!(photo(&ann, film).await.info.live_photo_of, Some(one), "{name_of_film}");
        }
        let reversed = (still(4, "2019:05:12 12:00:00", None), film(2_500, 4, &[("creationdate", at)]));
        let [film, one] = live(&server, &ann, ("PXL_4.MP", &reversed.1), ("PXL_4.MP.jpg", &reversed.0)).await;
        assert_eq!(photo(&ann, film).await.info.live_photo_of, Some(one));
        assert_eq!(listed(&ann.person, "").await.len(), 4);
        server.expect_sound().await;
    }
}

#[tokio::test]
async fn the_trash_lists_a_live_photo_once() {
    for server in TestServer::each().await {
        let mut ann = Device { person: server.person("ann").await, token: None };
        let picture = still(1, "2019:05:12 12:00:00", Some("8D1C"));
        let moving = film(2_500, 1, &[("content.identifier", "8D1C")]);
        let [one, film] = live(&server, &ann, ("a.jpg", &picture), ("a.mov", &moving)).await;
        let trashed = async |ann: &Device| -> Vec<ItemId> {
            let page: TrashPage = ann.person.get("/trash").await.expect(200).json();
            page.items.iter().map(|item| item.id).collect()
        };
        let seen = ann.item(one).await.version;
        let deleted = ann.done(delete(one, &seen, None)).await;
        assert_eq!(trashed(&ann).await, [one]);
        ann.done(restore(one, &deleted.version)).await;
        assert!(trashed(&ann).await.is_empty());

        // A film that went alone is a thing of its own.
        let seen = ann.item(film).await.version;
        ann.done(delete(film, &seen, None)).await;
        let seen = ann.item(one).await.version;
        server.advance(Duration::from_secs(1));
        ann.done(delete(one, &seen, None)).await;
        assert_eq!(trashed(&ann).await, [one, film]);
    }
}

#[tokio::test]
async fn only_a_person_ends_the_conflict_of_a_live_photo_s_film() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        let picture = still(1, "2019:05:12 12:00:00", Some("8D1C"));
        let moving = |n| film(2_500, n, &[("content.identifier", "8D1C")]);
        let [one, film] = live(&server, &a, ("a.jpg", &picture), ("a.mov", &moving(1))).await;
        a.pull().await;
        b.pull().await;
        let seen = a.item(film).await.version;
        a.done(content(film, &seen, moving(2))).await;
        let conflict = b.conflicted(content(film, &seen, moving(3))).await;
        make_due(&server.app).await.unwrap();
        let seen = a.item(one).await.version;
        let deleted = a.done(delete(one, &seen, None)).await;
        server.advance(31 * Duration::from_hours(24));
        jobs::purge(&server.app, server.app.env.now()).await.unwrap();
        let open: Vec<_> = a.conflicts().await.iter().map(|open| open.id).collect();
        assert_eq!(open, [conflict.id], "no person has chosen");
        assert_eq!(photo(&a, film).await.info.live_photo_of, Some(one));

        // A person may, and everyone is told of both.
        let mut far = server.socket(&b.person).await;
        a.applied(&purge(one, &deleted.version)).await;
        assert!(a.conflicts().await.is_empty());
        let mut gone = Vec::new();
        while gone.len() < 2 {
            let frame = far.next().await;
            if frame["type"] == "file_deleted" {
                gone.push(frame["fileId"].clone());
            }
        }
        assert_eq!(gone, [json!(one), json!(film)]);
        server.expect_sound().await;
    }
}

#[tokio::test]
async fn names_times_and_lengths_tell_where_files_say_nothing() {
    let server = TestServer::start().await;
    let mut ann = Device { person: server.person("ann").await, token: None };
    let at = |second: u32| format!("2019-05-12T12:00:{second:02}+0200");
    let films = [
        ("one.MOV", film(2_500, 1, &[("creationdate", &at(3))])),
        ("two.mov", film(2_500, 2, &[("creationdate", &at(4))])),
        ("three.mov", film(6_001, 3, &[("creationdate", &at(0))])),
        ("four.mov", film(2_500, 4, &[("creationdate", &at(0)), ("content.identifier", "8D1C")])),
        ("five.mov", film(2_500, 5, &[("creationdate", &at(0))])),
    ];
    let mut ids = Vec::new();
    for (n, (name, moving)) in (1_u8..).zip(&films) {
        let stem = if *name == "five.mov" { "six" } else { name.split('.').next().unwrap() };
        let picture = still(n, "2019:05:12 12:00:00", None);
        let name_of_still = format!("{stem}.jpg");
        ids.push(live(&server, &ann, (&name_of_still, &picture), (name, moving)).await);
    }
    let pairs: Vec<bool> = {
        let mut pairs = Vec::new();
        for [still, film] in &ids {
            let video = photo(&ann, *still).await.info.live_photo_video;
            assert_eq!(video.as_ref().map(|video| video.file_id), video.as_ref().map(|_| *film));
            pairs.push(video.is_some());
        }
        pairs
    };
    assert_eq!(pairs, [true, false, false, false, false]);
    assert_eq!(listed(&ann.person, "").await.len(), 9);
    // Once they are a pair, a name does not take them apart.
    let seen = ann.item(ids[0][0]).await.version;
    ann.done(rename(ids[0][0], &seen, "Birthday.jpg")).await;
    assert!(photo(&ann, ids[0][0]).await.info.live_photo_video.is_some());
}
