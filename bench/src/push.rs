//! Pushed changes a second, against writing exactly the rows that those pushes wrote, multi-row, with the
//! same number of commits and the same durability.

use std::time::Instant;

use crate::client::Client;
use crate::report::{Report, per_second};
use crate::rows::{self, Database};
use crate::server::Server;
use crate::{Arguments, Outcome};

/// Changes of one push, and how many pushes are measured.
const SHAPES: [(usize, usize); 3] = [(1, 400), (50, 100), (500, 30)];

pub async fn measure(arguments: &Arguments, report: &mut Report) -> Outcome {
    for (batch, pushes) in SHAPES {
        for kind in ["SQLite", "PostgreSQL"] {
            let (pushed, raw) = one(arguments, kind, batch, pushes).await?;
            let value = format!("{:.2} ({pushed:.0} : {raw:.0})", pushed / raw);
            let aim = if batch == 500 { "0.25 of the raw rows" } else { "" };
            report.add(format!("pushed changes a second, {batch} at a time, {kind}"), value, aim);
        }
    }
    Ok(())
}

async fn one(arguments: &Arguments, kind: &str, batch: usize, pushes: usize) -> Outcome<(f64, f64)> {
    let url = |name: String| async move { rows::create_database(&arguments.postgres, &name).await };
    let is_sqlite = kind == "SQLite";
    let (source, target) = if is_sqlite {
        (None, None)
    } else {
        (Some(url(format!("bench_push_{batch}")).await?), Some(url(format!("bench_raw_{batch}")).await?))
    };

    let server = Server::start(arguments, source.as_deref()).await?;
    let client = Client::first_account(&server.url).await?;
    let database = Database::open(source.as_deref(), server.folder()).await?;
    let before = database.counts().await?;
    let batches: Vec<Vec<_>> = (0..pushes)
        .map(|push| {
            let name = |index| format!("{push}-{index}.txt");
            (0..batch).map(|index| client.create_file(name(index), name(index).as_bytes())).collect()
        })
        .collect();
    let start = Instant::now();
    for changes in batches {
        client.push(changes).await?;
    }
    let pushed = per_second(batch * pushes, start.elapsed());
    let written = database.written_since(&before).await?;
    database.close().await;
    let _source_folder = server.stop().await?;

    // A server that migrates and stops leaves an empty database of the same schema.
    let empty = Server::start(arguments, target.as_deref()).await?;
    let folder = empty.stop().await?;
    let database = Database::open(target.as_deref(), folder.path()).await?;
    let time = database.write(&written, pushes).await?;
    database.close().await;
    Ok((pushed, per_second(batch * pushes, time)))
}
