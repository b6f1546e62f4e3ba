//! `verify`, `gc`, `backup` and `restore`.

use std::path::Path;
use std::time::Duration;

use super::{Failure, say};
use crate::clock::Env;
use crate::config::Config;
use crate::jobs::collector::{Collected, OrphanSweep};
use crate::jobs::{self, JobError};
use crate::ops::backup::{self, BackupError, Target};
use crate::ops::verify;
use crate::passwords::PasswordCost;
use crate::state::{App, open_blobs};

impl From<JobError> for Failure {
    fn from(error: JobError) -> Self {
        Self::Failed(format!("The work was not finished: {error}."))
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        Self::Failed(error.to_string())
    }
}

async fn open(config: Config) -> Result<App, Failure> {
    Ok(App::open(config, Env::system(), PasswordCost::STANDARD).await?)
}

pub(super) async fn verify(config: Config) -> Result<(), Failure> {
    let app = open(config).await?;
    let report = verify::verify(&app).await?;
    for finding in &report.findings {
        say(&finding.to_string());
    }
    let verify::Report { findings, chunks, bytes, orphans } = &report;
    say(&format!("{chunks} chunks with {bytes} bytes read; {orphans} objects that nothing names."));
    if findings.is_empty() {
        say("All is as it should be.");
        return Ok(());
    }
    Err(Failure::Failed(format!("{} things are wrong. Restore them from a backup.", findings.len())))
}

pub(super) async fn collect(config: Config) -> Result<(), Failure> {
    let app = open(config).await?;
    let Some(over) = jobs::trusted_now(&app, Duration::ZERO).await? else {
        say(
            "The clock has jumped by more than a day: nothing is deleted until it has run steadily for a week.",
        );
        return Ok(());
    };
    let Collected { chunks, bytes } = jobs::purge(&app, over).await?;
    let mut sweep = OrphanSweep::default();
    sweep.sweep(&app).await?;
    let orphans = sweep.sweep(&app).await?;
    say(&format!("Deleted {chunks} chunks with {bytes} bytes, and {orphans} objects that nothing named."));
    Ok(())
}

pub(super) async fn backup(config: Config, folder: &Path) -> Result<(), Failure> {
    let app = open(config).await?;
    let copied = backup::backup(&app, folder).await?;
    say(&format!("Copied {} objects into {}.", copied.objects, folder.display()));
    if !copied.with_database {
        say("The database is PostgreSQL: before each copy of the objects, dump it with pg_dump.");
    }
    Ok(())
}

pub(super) async fn restore(config: Config, folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(&config.data)
        .map_err(|error| Failure::Failed(format!("{} can't be made: {error}.", config.data.display())))?;
    let blobs = open_blobs(&config)?;
    let env = Env::system();
    let target = Target { database: &config.database, blobs: &blobs, env: &env };
    let copied = backup::restore(target, folder).await?;
    say(&format!("Restored {} objects. Everyone signs in again.", copied.objects));
    Ok(())
}

/// For data that was put back by other tools.
pub(super) async fn begin_epoch(config: Config) -> Result<(), Failure> {
    let app = open(config).await?;
    backup::begin_epoch(&app.db, &app.env).await.map_err(BackupError::from)?;
    say("A new epoch begins: clients compare what they hold, and everyone signs in again.");
    Ok(())
}
