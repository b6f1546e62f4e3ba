use super::*;

const YEAR: &str = "Takeout/Google Photos/Photos from 2019";

fn entry(path: &str) -> Entry {
    Entry { path: path.to_owned(), size: 1_000, crc32: Some(7), ..Entry::default() }
}

fn sidecar(more: &str) -> String {
    format!(r#"{{"title": "x", "photoTakenTime": {{"timestamp": "1556964900"}}{more}}}"#)
}

/// The plan of files, some of them with a text.
fn plan_of(files: &[(&str, &str)]) -> Plan {
    survey_of(files).plan(|_, _| false)
}

fn survey_of(files: &[(&str, &str)]) -> Survey {
    let mut survey = Survey::new(files.iter().map(|(path, _)| entry(path)).collect());
    for index in survey.texts() {
        survey.take_text(index, files[index].1);
    }
    survey
}

fn photo<'a>(plan: &'a Plan, path: &str) -> &'a PlannedPhoto {
    plan.photos.iter().find(|photo| photo.path == path).unwrap()
}

fn albums_of<'a>(plan: &'a Plan, path: &str) -> Vec<&'a str> {
    photo(plan, path).albums.iter().map(|album| plan.albums[*album].name.as_str()).collect()
}

#[test]
fn a_takeout_s_photo_gets_what_its_sidecar_says() {
    let more = r#", "favorited": true, "archived": true, "geoData": {"latitude": 48.1, "longitude": 11.5}"#;
    let (path, json) = (format!("{YEAR}/a.jpg"), format!("{YEAR}/a.jpg.supplemental-metadata.json"));
    let plan = plan_of(&[(&path, ""), (&json, &sidecar(more)), ("Takeout/archive_browser.html", "")]);
    let photo = photo(&plan, &path);
    assert_eq!(photo.file_time, Some(Timestamp::from_millis(1_556_964_900_000)));
    assert_eq!(photo.date_from, DateFrom::Sidecar);
    let edit = photo.edit();
    assert_eq!((edit.is_favorite, edit.archived, edit.hidden), (Some(true), Some(true), None));
    assert!(
        edit.location.flatten().is_some() && edit.taken_at.is_none(),
        "its date is no word of a person's"
    );
    assert_eq!(plan.skipped, [Skipped { path: "Takeout/archive_browser.html".into(), why: Skip::NotAPhoto }]);
    assert!(plan.lonely_sidecars.is_empty() && plan.albums.is_empty());
}

#[test]
fn what_the_picture_says_itself_counts() {
    let more = r#", "geoData": {"latitude": 48.1, "longitude": 11.5}"#;
    let exif_too = r#", "geoData": {"latitude": 47.0, "longitude": 11.5}, "geoDataExif": {"latitude": 48.1, "longitude": 11.5}"#;
    let files = [
        ("a.jpg", String::new()),
        ("a.jpg.json", sidecar(more)),
        ("b.jpg", String::new()),
        ("b.jpg.json", sidecar(exif_too)),
    ];
    let mut survey = survey_of(&files.each_ref().map(|(path, text)| (*path, text.as_str())));
    assert_eq!(survey.pictures(), [0, 2]);
    let place = Location::new(48.1002, 11.5).ok();
    survey.heads.insert(0, Says { date: "2019-05-04T10:15:00".parse().ok(), place });
    survey.heads.insert(2, Says { date: "2024-01-01T10:15:00".parse().ok(), place });
    let plan = survey.plan(|_, _| false);
    assert_eq!((photo(&plan, "a.jpg").location, photo(&plan, "a.jpg").date_from), (None, DateFrom::Picture));
    let other = photo(&plan, "b.jpg");
    assert_eq!(other.location, Location::new(47.0, 11.5).ok(), "somebody moved it");
    assert_eq!(other.date_from, DateFrom::Sidecar, "somebody corrected it");
    let edit = other.edit();
    assert_eq!(edit.taken_at.flatten().map(|at| at.to_string()).as_deref(), Some("2019-05-04T10:15:00.000"));
    assert_eq!(edit.taken_at_offset, Some(Some(shared::photo::UtcOffset::UTC)));
}

#[test]
fn a_photo_in_a_year_and_in_albums_is_one_in_these_albums() {
    let year = format!("{YEAR}/a.jpg");
    let album = "Takeout/Google Photos/Lake";
    let in_album = format!("{album}/a.jpg");
    let plan = plan_of(&[
        (&in_album, ""),
        (&format!("{album}/Metadaten.json"), r#"{"title": "Lake / 2019"}"#),
        (&year, ""),
        (&format!("{YEAR}/a.jpg.json"), &sidecar("")),
        (&format!("{YEAR}/metadata.json"), r#"{"title": "Photos from 2019"}"#),
    ]);
    assert_eq!(plan.albums, [PlannedAlbum { name: ItemName::parse("Lake   2019").unwrap(), count: 1 }]);
    assert_eq!(albums_of(&plan, &in_album), ["Lake   2019"]);
    assert_eq!(photo(&plan, &in_album).date_from, DateFrom::Sidecar, "of the other one's");
    assert_eq!(photo(&plan, &year).copy_of, Some(0));
    let numbers = plan.numbers();
    assert_eq!((numbers.pictures, numbers.copies, numbers.bytes), (1, 1, 1_000));
}

#[test]
fn another_content_of_the_same_name_is_another_photo() {
    let mut survey = Survey::new(vec![entry("a/x.jpg"), Entry { crc32: Some(8), ..entry("b/x.jpg") }]);
    assert!(survey.plan(|_, _| false).photos.iter().all(|photo| photo.copy_of.is_none()));
    survey.entries[1] = Entry { size: 999, ..entry("b/x.jpg") };
    assert!(survey.plan(|_, _| false).photos.iter().all(|photo| photo.copy_of.is_none()));
}

#[test]
fn parts_of_a_takeout_are_one() {
    let (path, json) = (format!("takeout-1/{YEAR}/a.jpg"), format!("takeout-2/{YEAR}/a.jpg.json"));
    let mut survey = Survey::new(vec![entry(&path), Entry { source: 1, ..entry(&json) }]);
    survey.take_text(1, &sidecar(""));
    assert!(survey.plan(|_, _| false).photos[0].has_sidecar);
}

#[test]
fn other_products_and_the_trash_are_left_out_and_said() {
    let plan = plan_of(&[
        (&format!("{YEAR}/a.jpg"), ""),
        (&format!("{YEAR}/a.jpg.json"), &sidecar(r#", "trashed": true"#)),
        ("Takeout/Google Chat/Groups/b.jpg", ""),
        ("Takeout/Google Photos/.DS_Store", ""),
        ("Takeout/Google Photos/more.zip", ""),
    ]);
    let why: Vec<Skip> = plan.skipped.iter().map(|skipped| skipped.why).collect();
    assert_eq!(why, [Skip::Trashed, Skip::OtherProduct, Skip::NotAPhoto, Skip::Archive]);
    assert!(plan.photos.is_empty() && plan.lonely_sidecars.is_empty());
}

#[test]
fn who_has_no_match_is_told() {
    let plan = plan_of(&[("a.jpg", ""), ("b.jpg.json", &sidecar("")), ("c.json", "{}")]);
    assert_eq!(plan.lonely_sidecars, ["b.jpg.json"]);
    assert_eq!(plan.numbers().without_sidecar, 1);
    assert_eq!(plan.skipped, [Skipped { path: "c.json".into(), why: Skip::NotAPhoto }]);
    let plain = plan_of(&[("a.jpg", "")]);
    assert_eq!(plain.numbers().without_sidecar, 0, "in a plain folder that is no news");
}

#[test]
fn moving_pictures_share_date_and_albums_but_not_the_heart() {
    let file = |name: &str| format!("{YEAR}/{name}");
    let plan = plan_of(&[
        (&file("PXL_1.MP.jpg"), ""),
        (&file("PXL_1.MP"), ""),
        (&file("PXL_1.MP.jpg.json"), &sidecar(r#", "favorited": true"#)),
    ]);
    let film = photo(&plan, &file("PXL_1.MP"));
    assert_eq!((film.name.as_str(), film.media.mime_type()), ("PXL_1.MP.mp4", "video/mp4"));
    assert!(film.has_sidecar && !film.is_favorite && film.date_from == DateFrom::Sidecar);
    assert!(photo(&plan, &file("PXL_1.MP.jpg")).is_favorite);
}

const DETAILS_HEAD: &str =
    "imgName,fileChecksum,favorite,hidden,deleted,originalCreationDate,viewCount,importDate\n";

#[test]
fn an_icloud_export_has_its_dates_hearts_and_albums() {
    let details = format!(
        "{DETAILS_HEAD}IMG_1.HEIC,x,yes,no,no,\"Saturday June 4,2022 12:11 PM GMT\",1,\n\
         IMG_2.JPG,x,no,yes,no,\"Saturday June 4,2022 1:11 PM GMT\",1,\n\
         IMG_3.JPG,x,no,no,yes,\"Saturday June 4,2022 2:11 PM GMT\",1,\n"
    );
    let plan = plan_of(&[
        ("Part 1/Photos/IMG_1.HEIC", ""),
        ("Part 1/Photos/IMG_1.MOV", ""),
        ("Part 1/Photos/IMG_2.JPG", ""),
        ("Part 1/Photos/IMG_3.JPG", ""),
        ("Part 1/Photos/Photo Details-1.csv", &details),
        ("Part 1/Albums/Goa 2021.csv", "Images\nIMG_1.HEIC\nIMG_9.JPG\n"),
        ("Part 1/Albums/Hidden.csv", "imgName\nIMG_2.JPG\n"),
        ("Part 1/Memories/Summer.csv", "imageName\nIMG_1.HEIC\n"),
        ("Part 1/Recently Deleted/IMG_4.JPG", ""),
    ]);
    let live = photo(&plan, "Part 1/Photos/IMG_1.HEIC");
    assert_eq!(live.file_time, "2022-06-04T12:11:00Z".parse().ok());
    assert!(live.is_favorite && !live.hidden);
    for path in ["Part 1/Photos/IMG_1.HEIC", "Part 1/Photos/IMG_1.MOV"] {
        assert_eq!(albums_of(&plan, path), ["Goa 2021"]);
    }
    assert!(photo(&plan, "Part 1/Photos/IMG_2.JPG").hidden);
    assert_eq!(plan.albums.len(), 1);
    let trashed: Vec<_> =
        plan.skipped.iter().filter(|it| it.why == Skip::Trashed).map(|it| &*it.path).collect();
    assert_eq!(trashed, ["Part 1/Photos/IMG_3.JPG", "Part 1/Recently Deleted/IMG_4.JPG"]);
    assert_eq!(plan.skipped.len(), 3, "and the memory's table");
}

#[test]
fn names_are_not_unique_over_the_parts_of_an_icloud_export() {
    let rows = |date: &str| format!("{DETAILS_HEAD}IMG_1.JPG,x,no,no,no,\"{date}\",1,\n");
    let part = |source: usize, path: &str| Entry { source, crc32: Some(source as u32), ..entry(path) };
    let mut survey = Survey::new(vec![
        part(0, "Photos/IMG_1.JPG"),
        part(0, "Photos/Photo Details.csv"),
        part(0, "Albums/Goa.csv"),
        part(1, "Photos/IMG_1.JPG"),
        part(1, "Photos/Photo Details.csv"),
        part(1, "Photos/IMG_2.JPG"),
    ]);
    survey.take_text(1, &rows("Saturday June 4,2022 12:11 PM GMT"));
    survey.take_text(2, "Images\nIMG_1.JPG\nIMG_2.JPG\n");
    survey.take_text(4, &rows("Saturday June 4,2016 12:11 PM GMT"));
    let plan = survey.plan(|_, _| false);
    let years: Vec<_> =
        plan.photos[..2].iter().map(|it| it.file_time.unwrap().to_string()[..4].to_owned()).collect();
    assert_eq!(years, ["2022", "2016"]);
    let in_album: Vec<bool> = plan.photos.iter().map(|photo| !photo.albums.is_empty()).collect();
    assert_eq!(in_album, [true, false, true]);
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_goes_on() {
    let mut survey = Survey::new(vec![entry("a.jpg"), entry("b.jpg"), entry("a.jpg.json")]);
    survey.entries[1].unreadable = Some(Unreadable::Encrypted);
    survey.cannot_read(2, Unreadable::Damaged);
    let plan = survey.plan(|name, size| name.as_str() == "a.jpg" && size == 1_000);
    assert_eq!(plan.photos.len(), 1);
    assert!(plan.photos[0].is_probably_here);
    assert_eq!(plan.numbers().bytes, 0);
    let why: Vec<Skip> = plan.skipped.iter().map(|skipped| skipped.why).collect();
    assert_eq!(why, [Skip::Encrypted, Skip::Damaged]);
}
