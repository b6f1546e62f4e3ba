//! What is known of photos: found by it, in any list; and which of them look the same.

use image::{ExtendedColorType, ImageEncoder as _};
use serde_json::{Value, json};
use server::jobs::derivatives::make_due;
use shared::photo::{DuplicatePage, Photo, PhotoPage};
use shared::photo_index::{PhotoIndexPage, PhotoSegment};
use shared::{ErrorCode, ItemId, VersionVector};

use crate::device::{Device, change, delete, folder, fresh};
use crate::photos::{jpeg, library_root, listed, upload, with_exif};
use crate::support::{Person, TestServer};

fn query(text: &str) -> String {
    text.replace('%', "%25").replace(' ', "%20").replace('#', "%23")
}

async fn found(person: &Person, text: &str) -> Vec<ItemId> {
    listed(person, &format!("?query={}", query(text))).await
}

fn say(photo: &Photo, mut fields: Value) -> Value {
    fields["baseVersion"] = json!({});
    change(photo.id, "photo", fields)
}

#[tokio::test]
async fn photos_are_found_by_what_is_known_of_them() {
    for server in TestServer::each().await {
        let mut ann = Device { person: server.person("ann").await, token: None };
        let lake = upload(&ann.person, "Lake at Dusk.jpg", &with_exif(&jpeg(400, 300, 1))).await;
        let wide = upload(&ann.person, "IMG_0042.jpg", &jpeg(400, 100, 2)).await;
        make_due(&server.app).await.unwrap();
        let munich = json!({"latitude": 48.1372, "longitude": 11.5755});
        ann.done(say(&wide, json!({"takenAt": "2019-05-12T23:59:59.999", "location": munich}))).await;
        for (text, expected) in [
            ("", &[lake.id, wide.id][..]),
            ("  ", &[lake.id, wide.id]),
            ("jpeg", &[lake.id, wide.id]),
            ("2024", &[lake.id]),
            ("2024-05-01", &[lake.id]),
            ("may", &[lake.id, wide.id]),
            ("may 2019", &[wide.id]),
            ("12 May 2019", &[wide.id]),
            ("13 May 2019", &[]),
            ("munich", &[wide.id]),
            ("bavaria germany 2019", &[wide.id]),
            ("germany 2020", &[]),
            ("img_0042", &[wide.id]),
            ("DUSK lake", &[lake.id]),
            ("usk", &[]),
            ("panorama", &[wide.id]),
            ("video", &[]),
            ("%", &[]),
            ("lake_at", &[lake.id]),
        ] {
            assert_eq!(found(&ann.person, text).await, expected, "{text}");
        }
        assert_eq!(photo(&ann, &wide).await["place"], "Munich, Bavaria, Germany");

        // It follows an edited place, and a name.
        let paris = json!({"latitude": 48.8584, "longitude": 2.2945});
        ann.done(say(&wide, json!({"location": paris}))).await;
        assert!(found(&ann.person, "munich").await.is_empty());
        assert_eq!(found(&ann.person, "paris").await, [wide.id]);
        ann.done(say(&wide, json!({"location": null}))).await;
        assert!(found(&ann.person, "france").await.is_empty());
        assert_eq!(photo(&ann, &wide).await["place"], Value::Null);
        let seen = ann.item(lake.id).await.version;
        ann.done(crate::device::rename(lake.id, &seen, "Morning.jpg")).await;
        assert!(found(&ann.person, "dusk").await.is_empty());
        assert_eq!(found(&ann.person, "morning").await, [lake.id]);

        let long = "a".repeat(201);
        let refused = ann.person.get(&format!("/photos?query={long}")).await.expect(400);
        refused.problem(ErrorCode::InvalidRequest);
        let ben = server.person("ben").await;
        assert!(found(&ben, "morning").await.is_empty(), "another's library is another");
    }
}

async fn photo(device: &Device, photo: &Photo) -> Value {
    device.person.get(&format!("/photos/{}", photo.id)).await.expect(200).json()
}

#[tokio::test]
async fn what_is_found_is_a_list_like_any_other() {
    for server in TestServer::each().await {
        let mut ann = Device { person: server.person("ann").await, token: None };
        let root = library_root(&ann.person).await;
        let album = ann.done(folder(fresh(), root, "Summer")).await;
        let mut photos = Vec::new();
        for n in 0..6_u8 {
            let name = format!("{} {n}.jpg", if n % 2 == 0 { "lake" } else { "hill" });
            let photo = upload(&ann.person, &name, &jpeg(40, 30, n)).await;
            ann.done(say(&photo, json!({"takenAt": format!("2019-05-1{n}T12:00:00.000")}))).await;
            photos.push(photo);
        }
        let lakes = [photos[4].id, photos[2].id, photos[0].id];
        let first: PhotoPage = ann.person.get("/photos?query=lake&limit=2").await.expect(200).json();
        let cursor = first.next_cursor.expect("there is more");
        let rest = listed(&ann.person, &format!("?query=lake&limit=2&cursor={cursor}")).await;
        let ids: Vec<ItemId> = first.photos.iter().map(|photo| photo.id).chain(rest).collect();
        assert_eq!(ids, lakes);
        let index: PhotoIndexPage = ann.person.get("/photos/index?query=lake").await.expect(200).json();
        let days: Vec<u32> =
            index.segments.iter().flat_map(PhotoSegment::days).map(|(_, count)| *count).collect();
        assert_eq!(days, [1, 1, 1]);

        ann.done(say(&photos[0], json!({"isFavorite": true}))).await;
        ann.done(say(&photos[2], json!({"archived": true}))).await;
        for photo in &photos[..3] {
            let base = VersionVector::new();
            let fields = json!({"baseVersion": base, "albumId": album.id});
            ann.done(change(photo.id, "albumAdd", fields)).await;
        }
        assert_eq!(listed(&ann.person, "?query=lake&favorite=true").await, [photos[0].id]);
        assert_eq!(listed(&ann.person, "?query=lake&shelf=archived").await, [photos[2].id]);
        let in_album = format!("?query=lake&album={}", album.id);
        assert_eq!(listed(&ann.person, &in_album).await, [photos[2].id, photos[0].id]);
        let in_album = format!("?query=lake%202019-05-10&album={}", album.id);
        assert_eq!(listed(&ann.person, &in_album).await, [photos[0].id]);
        let seen = ann.item(photos[4].id).await.version;
        ann.done(delete(photos[4].id, &seen, None)).await;
        assert_eq!(found(&ann.person, "lake").await, [photos[0].id]);
    }
}

/// The pixels of a JPEG file in another file.
fn as_png(jpeg: &[u8]) -> Vec<u8> {
    let picture = image::load_from_memory(jpeg).unwrap().into_rgb8();
    let mut bytes = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
    encoder.write_image(&picture, picture.width(), picture.height(), ExtendedColorType::Rgb8).unwrap();
    bytes
}

async fn groups(person: &Person, query: &str) -> (Vec<Vec<ItemId>>, Option<String>) {
    let page: DuplicatePage = person.get(&format!("/photos/duplicates{query}")).await.expect(200).json();
    let groups = page.groups.iter().map(|group| group.photos.iter().map(|photo| photo.id).collect());
    (groups.collect(), page.next_cursor)
}

#[tokio::test]
async fn photos_that_look_the_same_are_told() {
    for server in TestServer::each().await {
        let mut ann = Device { person: server.person("ann").await, token: None };
        let mut photos = Vec::new();
        for (n, (name, bytes)) in [
            ("a.jpg", jpeg(40, 30, 100)),
            ("a.png", as_png(&jpeg(40, 30, 100))),
            ("a.turned.jpg", with_exif(&jpeg(40, 30, 100))),
            ("other.jpg", jpeg(40, 30, 200)),
            ("b.png", as_png(&jpeg(60, 30, 9))),
            ("b.jpg", jpeg(60, 30, 9)),
        ]
        .into_iter()
        .enumerate()
        {
            let photo = upload(&ann.person, name, &bytes).await;
            ann.done(say(&photo, json!({"takenAt": format!("2019-05-1{n}T12:00:00.000")}))).await;
            photos.push(photo.id);
        }
        assert!(groups(&ann.person, "").await.0.is_empty(), "nothing is known of them yet");
        make_due(&server.app).await.unwrap();
        let (a, b) = (vec![photos[1], photos[0]], vec![photos[5], photos[4]]);
        assert_eq!(groups(&ann.person, "").await, (vec![b.clone(), a.clone()], None));
        assert_eq!(groups(&ann.person, "?limit=2").await, (vec![b.clone(), a.clone()], None));
        let (first, cursor) = groups(&ann.person, "?limit=1").await;
        assert_eq!(first, std::slice::from_ref(&b));
        let rest = groups(&ann.person, &format!("?limit=1&cursor={}", cursor.unwrap())).await;
        assert_eq!(rest.0, std::slice::from_ref(&a));

        let ben = server.person("ben").await;
        upload(&ben, "a.jpg", &jpeg(40, 30, 100)).await;
        make_due(&server.app).await.unwrap();
        assert!(groups(&ben, "").await.0.is_empty(), "another's library is another");
        ann.done(change(photos[5], "photo", json!({"baseVersion": {}, "archived": true}))).await;
        ann.done(change(photos[0], "photo", json!({"baseVersion": {}, "hidden": true}))).await;
        assert_eq!(groups(&ann.person, "").await.0, [b]);
        let seen = ann.item(photos[4]).await.version;
        ann.done(delete(photos[4], &seen, None)).await;
        assert!(groups(&ann.person, "").await.0.is_empty());
        ann.person.get("/photos/duplicates?limit=101").await.expect(400).problem(ErrorCode::InvalidRequest);
    }
}

/// Pictures of one shade each, one after another.
fn animation(shades: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
    let frames = shades.iter().map(|&shade| {
        let pixel = image::Rgba([shade, shade, shade, 255]);
        image::Frame::new(image::RgbaImage::from_pixel(40, 30, pixel))
    });
    encoder.encode_frames(frames).unwrap();
    drop(encoder);
    bytes
}

fn clear_png(level: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
    // White on white, as clear as that.
    encoder.write_image(&[255, 255, 255, level].repeat(40 * 30), 40, 30, ExtendedColorType::Rgba8).unwrap();
    bytes
}

#[tokio::test]
async fn pictures_that_differ_in_what_is_not_shown_are_no_duplicates() {
    let server = TestServer::start().await;
    let ann = server.person("ann").await;
    let mut ids = Vec::new();
    for (name, bytes) in [
        ("one.gif", animation(&[9, 99])),
        ("other.gif", animation(&[9, 200])),
        ("clear.png", clear_png(0)),
        ("half.png", clear_png(128)),
        ("white.png", clear_png(255)),
        ("still.gif", animation(&[255])),
    ] {
        ids.push(upload(&ann, name, &bytes).await.id);
    }
    make_due(&server.app).await.unwrap();
    let mut alike = groups(&ann, "").await.0;
    for group in &mut alike {
        group.sort();
    }
    let mut white = ids[4..].to_vec();
    white.sort();
    assert_eq!(alike, [white]);
}
