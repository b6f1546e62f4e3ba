//! Fills a person's library. The first photos go in as any client sends them, and the server makes their
//! derivatives; every further one is rows copied from theirs, with ids, a name and a day of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use shared::photo::PhotoStatus;
use shared::sync::ZoneKind;
use shared::{Timestamp, ZoneId};
use uuid::Uuid;

use super::pictures;
use crate::Outcome;
use crate::client::{Client, PASSWORD};
use crate::rows::{Database, Value};
use crate::server::{Executable, Folder, Server};

/// Whose library it is.
const USERNAME: &str = "photographer";
/// Photos of one push: some 1 MB.
const BATCH: usize = 100;
/// Copies of one commit.
const COPIES: usize = 20_000;
const POLL: Duration = Duration::from_millis(500);
/// Polls without one more derivative: the server makes none.
const POLLS_IDLE: usize = 120;
/// Photos in a page of the list.
const PAGE: usize = 1_000;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    executable: Executable,
    #[command(flatten)]
    size: Size,
    /// The data folder.
    #[arg(long, default_value = "data")]
    data: PathBuf,
    /// A database elsewhere.
    #[arg(long, env = "DATABASE_URL")]
    database: Option<String>,
}

#[derive(Args, Clone, Copy)]
pub struct Size {
    /// Photos in the library.
    #[arg(long, default_value_t = 10_000)]
    pub photos: usize,
    /// How many of them are really uploaded, with a picture each; the others show the same pictures.
    #[arg(long, default_value_t = 1_000)]
    pub uploaded: usize,
    /// Over how many days they were taken.
    #[arg(long, default_value_t = pictures::DAYS, value_parser = clap::value_parser!(u64).range(1..))]
    pub days: u64,
}

pub async fn seed(arguments: &Arguments) -> Outcome {
    std::fs::create_dir_all(&arguments.data)?;
    let folder = Folder::Kept(arguments.data.clone());
    fill(&arguments.executable, folder, arguments.database.as_deref(), arguments.size).await?;
    println!("{} photos are in the library of {USERNAME}, password “{PASSWORD}”.", arguments.size.photos);
    Ok(())
}

/// Makes the account and its library. Answers the folder, and with nothing running on it.
pub async fn fill(
    executable: &Executable,
    folder: Folder,
    database: Option<&str>,
    size: Size,
) -> Outcome<Folder> {
    let server = Server::start_in(executable, folder, database).await?;
    let client = Client::account(&server.url, USERNAME).await?;
    let zones = client.pull(None).await?.zones;
    let library = zones.into_iter().find(|zone| zone.kind == ZoneKind::Photos).ok_or("no library")?;
    let uploaded = size.uploaded.min(size.photos);
    for from in (0..uploaded).step_by(BATCH) {
        let photos = (from..uploaded.min(from + BATCH)).map(|n| {
            let name = format!("IMG_{n:07}.jpg");
            Ok(Client::create_photo(
                library.root_id,
                name,
                &pictures::jpeg(n)?,
                pictures::taken_at(n, size.days),
            ))
        });
        client.push(photos.collect::<Outcome<_>>()?).await?;
    }
    derivatives(&client, uploaded).await?;
    let folder = server.stop().await?;
    let database = Database::open(database, folder.path()).await?;
    copy(&database, library.zone_id, size).await?;
    database.settle().await?;
    database.close().await;
    Ok(folder)
}

/// The person's client.
pub async fn sign_in(server: &Server) -> Outcome<Client> {
    Client::sign_in(&server.url, USERNAME).await
}

/// Waits until every photo has its derivatives.
async fn derivatives(client: &Client, photos: usize) -> Outcome {
    let (mut cursor, mut listed, mut made_before, mut idle) = (None, 0, 0, 0);
    loop {
        let page = client.photos(cursor.as_deref(), PAGE).await?.page;
        let mut made = 0;
        for photo in &page.photos {
            match photo.info.status {
                PhotoStatus::Ready => made += 1,
                PhotoStatus::Processing => {}
                PhotoStatus::Failed => {
                    return Err(format!("{}: {:?}", photo.file_name, photo.info.failure).into());
                }
            }
        }
        if made == page.photos.len() {
            // These need not be looked at again.
            listed += made;
            (cursor, made_before, idle) = (page.next_cursor, 0, 0);
            if cursor.is_some() {
                continue;
            }
            return if listed == photos { Ok(()) } else { Err(format!("{listed} photos are listed").into()) };
        }
        idle = if made > made_before { 0 } else { idle + 1 };
        if idle > POLLS_IDLE {
            return Err(format!("{} photos got no derivatives", page.photos.len() - made).into());
        }
        made_before = made;
        tokio::time::sleep(POLL).await;
    }
}

/// Copies rows until the library has its size.
async fn copy(database: &Database, zone: ZoneId, size: Size) -> Outcome {
    let zone = zone.0.as_bytes().to_vec();
    let items = database.table("items", &zone, "item_id").await?;
    let listed = database.table("photos", &zone, "item_id").await?;
    let versions = database.table("versions", &zone, "item_id").await?;
    let there = items.len();
    if listed.len() != there || versions.len() != there {
        return Err("a photo was changed since it was uploaded".into());
    }
    let contents = items.bytes("content_hash")?;
    // Rows count in the feed from here on.
    let mut feed = database.integer("SELECT counter FROM zones WHERE zone_id = $1", &zone).await?;
    let mut references: BTreeMap<&[u8], i64> = BTreeMap::new();
    for from in (there..size.photos).step_by(COPIES) {
        let copies: Vec<Copy> = (from..size.photos.min(from + COPIES))
            .map(|n| {
                feed += 1;
                Copy {
                    n,
                    of: n % there,
                    taken_at: pictures::taken_at(n, size.days),
                    id: id(),
                    version: id(),
                    feed,
                }
            })
            .collect();
        for copy in &copies {
            *references.entry(&contents[copy.of]).or_default() += 1;
        }
        let tables = [
            items.copies(copies.iter().map(|copy| (copy.of, copy.item())))?,
            listed.copies(copies.iter().map(|copy| (copy.of, copy.listed())))?,
            versions.copies(copies.iter().map(|copy| (copy.of, copy.version())))?,
        ];
        database.write(&tables, 1).await?;
        let sql = "UPDATE zones SET counter = $1 WHERE zone_id = $2";
        database.execute(sql, feed, &zone).await?;
    }
    for (content, count) in references {
        let sql = "UPDATE manifests SET refs = refs + $1 WHERE content_hash = $2";
        database.execute(sql, count, content).await?;
    }
    Ok(())
}

fn id() -> Vec<u8> {
    Uuid::new_v4().as_bytes().to_vec()
}

/// A photo that is copied.
struct Copy {
    n: usize,
    /// Row of its original.
    of: usize,
    taken_at: Timestamp,
    id: Vec<u8>,
    version: Vec<u8>,
    feed: i64,
}

impl Copy {
    fn taken_at(&self) -> Value {
        self.taken_at.as_millis().into()
    }

    fn item(&self) -> Vec<(&'static str, Value)> {
        let name = format!("IMG_{:07}.jpg", self.n);
        vec![
            ("item_id", self.id.clone().into()),
            ("version_id", self.version.clone().into()),
            ("name_key", name.to_lowercase().into()),
            ("name", name.into()),
            ("modified_at", self.taken_at()),
            ("feed", self.feed.into()),
            ("changed_feed", self.feed.into()),
        ]
    }

    fn listed(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("item_id", self.id.clone().into()),
            ("taken_at", self.taken_at()),
            ("words", self.words().into()),
            ("picture_id", self.version.clone().into()),
        ]
    }

    /// What it is searched in: each has one of many places.
    fn words(&self) -> String {
        let day = &self.taken_at.to_string()[5..10];
        let (town, region) = (self.n % 1_000, self.n % 20);
        format!(" #photo #jpeg #{day} img {:07} jpg town{town} region{region} country ", self.n)
    }

    fn version(&self) -> Vec<(&'static str, Value)> {
        vec![("item_id", self.id.clone().into()), ("version_id", self.version.clone().into())]
    }
}
