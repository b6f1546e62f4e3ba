//! A whole library of 100,000 items, pulled by a new device.

use std::time::Instant;

use crate::client::Client;
use crate::report::Report;
use crate::server::Server;
use crate::{Arguments, Outcome};

const ITEMS: usize = 100_000;
const BATCH: usize = 500;

pub async fn measure(arguments: &Arguments, report: &mut Report) -> Outcome {
    for (name, database) in [("SQLite", None), ("PostgreSQL", Some("bench_pull"))] {
        let url = match database {
            Some(database) => Some(crate::rows::create_database(&arguments.postgres, database).await?),
            None => None,
        };
        let server = Server::start(arguments, url.as_deref()).await?;
        let client = Client::first_account(&server.url).await?;
        for batch in 0..ITEMS / BATCH {
            let changes = (0..BATCH).map(|index| client.create_folder(format!("{batch}-{index}"))).collect();
            client.push(changes).await?;
        }
        let start = Instant::now();
        let (mut token, mut count) = (None::<String>, 0);
        loop {
            let page = client.pull(token.as_deref()).await?;
            count += page.changes.len();
            token = Some(page.sync_token);
            if !page.has_more {
                break;
            }
        }
        if count < ITEMS {
            return Err(format!("the pull gave {count} of {ITEMS} items").into());
        }
        report.add(
            format!("pull of 100,000 items, {name}"),
            format!("{:.2} s", start.elapsed().as_secs_f64()),
            "",
        );
    }
    Ok(())
}
