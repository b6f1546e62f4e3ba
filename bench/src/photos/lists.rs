//! Pages of a library of a million photos.

use std::time::{Duration, Instant};

use super::pictures;
use super::seed::{self, Size};
use crate::client::Client;
use crate::report::{Report, p50_p95};
use crate::server::{Folder, Server};
use crate::{Arguments, Outcome};

const SIZE: Size = Size { photos: 1_000_000, uploaded: 1_000, days: pictures::DAYS };
/// Of the list, at places all over the library.
const PAGES: usize = 200;
const PAGE_PHOTOS: usize = 100;

pub async fn measure(arguments: &Arguments, report: &mut Report) -> Outcome {
    for (name, database) in [("SQLite", None), ("PostgreSQL", Some("bench_library"))] {
        let url = match database {
            Some(database) => Some(crate::rows::create_database(&arguments.postgres, database).await?),
            None => None,
        };
        let url = url.as_deref();
        let folder = seed::fill(&arguments.executable, Folder::temporary()?, url, SIZE).await?;
        let server = Server::start_in(&arguments.executable, folder, url).await?;
        let client = seed::sign_in(&server).await?;

        let (mut times, mut cursors, mut bytes, mut photos) = (Vec::new(), Vec::new(), 0, 0);
        let (begun, mut cursor) = (Instant::now(), None);
        loop {
            let start = Instant::now();
            let answer = client.photo_index(cursor.as_deref()).await?;
            times.push(start.elapsed());
            bytes += answer.bytes;
            for segment in &answer.page.segments {
                photos += segment.aspects().len();
                cursors.extend(segment.cursor().map(str::to_owned));
            }
            cursor = answer.page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        if photos != SIZE.photos {
            return Err(format!("the index has {photos} of {} photos", SIZE.photos).into());
        }
        let whole = begun.elapsed().as_secs_f64();
        report.add(format!("index of 1,000,000 photos, its slowest pages, {name}"), slowest(&times), "");
        report.add(format!("index of 1,000,000 photos, a page, {name}"), shown(times), "p95 ≤ 20 ms");
        report.add(format!("index of 1,000,000 photos, whole, {name}"), format!("{whole:.2} s"), "");
        let megabytes = format!("{:.2} MB", bytes as f64 / 1e6);
        report.add(format!("index of 1,000,000 photos, on the wire, {name}"), megabytes, "≤ 1 MB");

        let mut times = Vec::with_capacity(PAGES);
        for cursor in cursors.iter().step_by((cursors.len() / PAGES).max(1)) {
            let start = Instant::now();
            client.photos(Some(cursor), PAGE_PHOTOS).await?;
            times.push(start.elapsed());
        }
        report.add(format!("page of 100 of 1,000,000 photos, {name}"), shown(times), "p95 ≤ 20 ms");
        search(&client, name, report).await?;
    }
    Ok(())
}

/// Searches that find everything, much, one in a thousand, and nothing.
const SEARCHES: [(&str, &str); 5] = [
    ("everything", "country"),
    ("one in twenty", "region7"),
    ("one in a thousand", "town777"),
    ("one day", "12 may"),
    ("nothing", "nowhere"),
];
/// Of each search.
const TRIES: usize = 20;

async fn search(client: &Client, name: &str, report: &mut Report) -> Outcome {
    for (what, query) in SEARCHES {
        let (mut pages, mut indexes) = (Vec::with_capacity(TRIES), Vec::with_capacity(TRIES));
        for _ in 0..TRIES {
            let start = Instant::now();
            client.photos_found(query, PAGE_PHOTOS).await?;
            pages.push(start.elapsed());
            let start = Instant::now();
            client.photos_found_index(query).await?;
            indexes.push(start.elapsed());
        }
        report.add(format!("search of 1,000,000 photos for {what}, a page, {name}"), shown(pages), "");
        report.add(format!("search of 1,000,000 photos for {what}, its index, {name}"), shown(indexes), "");
    }
    let mut times = Vec::with_capacity(TRIES);
    for _ in 0..TRIES {
        let start = Instant::now();
        client.duplicates().await?;
        times.push(start.elapsed());
    }
    report.add(format!("photos that look the same among 1,000,000, a page, {name}"), shown(times), "");
    Ok(())
}

/// Which requests took longest, by their numbers: the first ones of a connection, or all over.
fn slowest(times: &[Duration]) -> String {
    let mut all: Vec<(usize, Duration)> = times.iter().copied().enumerate().collect();
    all.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
    let one = |(number, time): &(usize, Duration)| format!("{number}: {:.1} ms", time.as_secs_f64() * 1e3);
    all.iter().take(10).map(one).collect::<Vec<_>>().join(", ")
}

fn shown(times: Vec<Duration>) -> String {
    let (p50, p95) = p50_p95(times);
    format!("p50 {:.1}, p95 {:.1} ms", p50.as_secs_f64() * 1e3, p95.as_secs_f64() * 1e3)
}
