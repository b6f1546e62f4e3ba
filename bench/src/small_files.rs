//! Files of 10 KiB, by push with their bytes inside and by the upload routes.

use std::time::Instant;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use uuid::Uuid;

use crate::bounds::Noise;
use crate::client::{Client, Plan};
use crate::report::{Report, per_second};
use crate::server::Server;
use crate::{Arguments, Outcome};

const FILE_BYTES: usize = 10 * 1024;
const FILES: usize = 6_000;
/// Base64 of a batch stays under a push's 2 MiB.
const BATCH: usize = 140;
const PUSHES_IN_FLIGHT: usize = 3;
const UPLOADS_IN_FLIGHT: usize = 16;

pub async fn measure(arguments: &Arguments, report: &mut Report) -> Outcome {
    let mut noise = Noise::new(2);
    let files: Vec<Vec<u8>> = (0..FILES).map(|_| noise.bytes(FILE_BYTES)).collect();

    let server = Server::start(arguments, None).await?;
    let client = Client::first_account(&server.url).await?;
    let batches: Vec<Vec<_>> = files
        .chunks(BATCH)
        .enumerate()
        .map(|(batch, part)| {
            let named = part.iter().enumerate();
            named.map(|(index, bytes)| client.create_file(format!("{batch}-{index}.bin"), bytes)).collect()
        })
        .collect();
    let start = Instant::now();
    stream::iter(batches)
        .map(Ok)
        .try_for_each_concurrent(PUSHES_IN_FLIGHT, |batch| client.push(batch))
        .await?;
    let rate = per_second(FILES, start.elapsed());
    report.add("10 KiB files by push with data", format!("{rate:.0} a second"), "3,000");
    drop(server);

    let server = Server::start(arguments, None).await?;
    let client = Client::first_account(&server.url).await?;
    let start = Instant::now();
    stream::iter(files.into_iter().enumerate())
        .map(Ok)
        .try_for_each_concurrent(UPLOADS_IN_FLIGHT, |(index, bytes)| {
            let client = &client;
            async move {
                let id = Uuid::now_v7().into();
                let name = format!("{index}.bin");
                let size = bytes.len();
                let plan = Plan {
                    name,
                    total_size: size as u64,
                    chunk_size: size as u32,
                    total_chunks: 1,
                    chunks: None,
                };
                let upload = client.begin(id, plan).await?;
                client.send_chunk(id, &upload, 0, bytes.into()).await?;
                client.complete(id, &upload).await.map(drop)
            }
        })
        .await?;
    let rate = per_second(FILES, start.elapsed());
    report.add("10 KiB files by upload", format!("{rate:.0} a second"), "");
    Ok(())
}
