//! The load client: measures a server against bounds taken in the same run on the same machine, because
//! machines differ. Every figure that matters is a ratio.

// It measures real time and makes real ids.
#![allow(clippy::disallowed_methods)]

mod bounds;
mod client;
mod large_file;
mod latency;
mod memory;
mod peers;
mod photos;
mod pull;
mod push;
mod report;
mod rows;
mod server;
mod small_files;

use std::path::PathBuf;

use clap::{Args, Parser};

use crate::report::Report;
use crate::server::Executable;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Parser)]
#[command(about = "The load client. `cargo xtask bench` and `cargo xtask seed` build it and call this.")]
enum Command {
    /// Measures a server.
    Measure(Arguments),
    /// Fills a library of photos.
    Seed(photos::seed::Arguments),
}

#[derive(Args)]
struct Arguments {
    #[command(flatten)]
    executable: Executable,
    /// An empty PostgreSQL server, with the durability of production.
    #[arg(long)]
    postgres: String,
    /// Size of the large file, in MiB.
    #[arg(long, default_value_t = 1024)]
    file_mib: u64,
    /// Node packages and Python packages of the peers, installed here.
    #[arg(long)]
    peers: Option<PathBuf>,
    /// Real pictures, a folder for each package that they come from.
    #[arg(long)]
    pictures: PathBuf,
    /// Only what contains one of these words: large, small, push, pull, latency, memory, peers, library, photos, site.
    only: Vec<String>,
}

impl Arguments {
    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|word| name.contains(word.as_str()))
    }
}

#[tokio::main]
async fn main() -> Outcome {
    match Command::parse() {
        Command::Measure(arguments) => measure(&arguments).await,
        Command::Seed(arguments) => photos::seed::seed(&arguments).await,
    }
}

async fn measure(arguments: &Arguments) -> Outcome {
    let mut report = Report::default();
    if arguments.wants("large") || arguments.wants("peers") || arguments.wants("memory") {
        large_file::measure(arguments, &mut report).await?;
    }
    if arguments.wants("small") {
        small_files::measure(arguments, &mut report).await?;
    }
    if arguments.wants("push") {
        push::measure(arguments, &mut report).await?;
    }
    if arguments.wants("pull") {
        pull::measure(arguments, &mut report).await?;
    }
    if arguments.wants("latency") {
        latency::measure(arguments, &mut report).await?;
    }
    if arguments.wants("library") {
        photos::measure(arguments, &mut report).await?;
    }
    if arguments.wants("photos") {
        photos::derivatives::measure(arguments, &mut report)?;
    }
    if arguments.wants("site") {
        memory::site(arguments, &mut report)?;
    }
    report.print();
    Ok(())
}
