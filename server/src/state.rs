//! What every handler shares: cheap to clone, no state of its own beyond caches and sockets.

use std::error::Error as _;
use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use shared::Timestamp;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::blobs::Blobs;
use crate::clock::{Env, Stamps};
use crate::config::{self, BlobPlace, Config, ConfigError, Database};
use crate::db::{Db, DbError, settings};
use crate::jobs;
use crate::ops::read::Prefetch;
use crate::ops::upload::ChunkBuffers;
use crate::passwords::{PasswordCost, Passwords};
use crate::rate_limit::RateLimit;
use crate::shared_counts::SharedCounts;
use crate::site::Site;
use crate::throttle::SignInThrottle;
use crate::tokens::TokenKey;
use crate::ws::Hub;

#[derive(Clone)]
pub struct App {
    pub config: Arc<Config>,
    pub env: Env,
    pub stamps: Arc<Stamps>,
    pub db: Db,
    pub blobs: Blobs,
    pub prefetch: Prefetch,
    pub chunk_buffers: ChunkBuffers,
    pub tokens: TokenKey,
    pub hub: Hub,
    /// Wakes whoever makes derivatives.
    pub photos_due: Arc<Notify>,
    pub site: Site,
    pub passwords: Passwords,
    pub throttle: Arc<SignInThrottle>,
    pub rate_limit: Arc<RateLimit>,
    pub installation: Arc<Installation>,
}

/// What all nodes of one installation have in common.
pub struct Installation {
    /// Signs what clients carry about and must not change: sync tokens, device cookies.
    pub signing_key: [u8; 32],
    /// Changes when the data is restored from a backup.
    pub epoch: Uuid,
}

impl App {
    /// Opens everything that the settings name. What cannot be opened is told by its setting.
    pub async fn open(config: Config, env: Env, cost: PasswordCost) -> Result<Self, ConfigError> {
        std::fs::create_dir_all(&config.data).map_err(|error| {
            let reason = format!(
                "the folder {} can't be made ({error}). Name one that can be written.",
                config.data.display()
            );
            ConfigError::new(config::DATA, reason)
        })?;
        let db = open_database(&config.database, &env).await?;
        let installation = Installation::load(&db, &env).await.map_err(|error| database_error(&error))?;
        let stamps = Stamps::new(jobs::earliest_stamp(&db).await.map_err(|error| database_error(&error))?);
        let passwords = Passwords::new(&env, cost).map_err(|error| {
            ConfigError::new("passwords", format!("can't be hashed here ({error}). Free some memory."))
        })?;
        let blobs = open_blobs(&config)?;
        let tokens = TokenKey::new(installation.signing_key, installation.epoch);
        let hub = Hub::new(
            db.clone(),
            env.clone(),
            tokens.clone(),
            config.valkey_url.as_deref(),
            installation.epoch,
        );
        let valkey = config.valkey_url.as_deref();
        let shared_counts = valkey.and_then(|url| SharedCounts::new(url, installation.epoch)).map(Arc::new);
        let rate_limit = RateLimit::new(config.requests_per_minute, shared_counts.clone());
        let site = Site::open(config.site.as_deref());
        Ok(Self {
            config: Arc::new(config),
            env,
            stamps: Arc::new(stamps),
            db,
            blobs,
            prefetch: Prefetch::default(),
            chunk_buffers: ChunkBuffers::default(),
            tokens,
            hub,
            photos_due: Arc::default(),
            site,
            passwords,
            throttle: Arc::new(SignInThrottle::new(shared_counts)),
            rate_limit: Arc::new(rate_limit),
            installation: Arc::new(installation),
        })
    }
}

async fn open_database(database: &Database, env: &Env) -> Result<Db, ConfigError> {
    match database {
        Database::Sqlite(file) => Db::open_sqlite(file, env).await,
        Database::Postgres(url) => Db::open_postgres(url, env).await,
    }
    .map_err(|error| database_error(&error))
}

pub fn open_blobs(config: &Config) -> Result<Blobs, ConfigError> {
    let opened = match &config.blobs {
        BlobPlace::Folder(folder) => Blobs::open_folder(folder),
        BlobPlace::S3(url) => Blobs::open_s3(url),
    };
    opened.map_err(|error| {
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        let reason = format!(
            "can't be opened ({error}{cause}). Name a folder that can be written, or s3://bucket/prefix."
        );
        ConfigError::new(config::BLOBS, reason)
    })
}

fn database_error(error: &DbError) -> ConfigError {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    let reason = format!(
        "can't be opened ({error}{cause}). Check the address, and that the database runs and lets you in."
    );
    ConfigError::new(config::DATABASE, reason)
}

impl App {
    /// The time that goes with what happens now, where something is over a while later.
    pub fn stamp(&self) -> Timestamp {
        self.stamps.at(self.env.now())
    }
}

impl Installation {
    /// HMAC-SHA-256 under the signing key, bound to one purpose.
    pub fn mac(&self, purpose: &str) -> Hmac<Sha256> {
        // RFC 2104: a key shorter than the block is filled up with zeros.
        let mut block = [0; 64];
        block[..self.signing_key.len()].copy_from_slice(&self.signing_key);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac
    }

    async fn load(db: &Db, env: &Env) -> Result<Self, DbError> {
        let fresh_key = env.secret();
        let fresh_epoch: Uuid = env.id();
        db.write(move |connection| {
            Box::pin(async move {
                let key = settings::get_or_insert(connection, "signing_key", &fresh_key).await?;
                let epoch = settings::get_or_insert(connection, "epoch", fresh_epoch.as_bytes()).await?;
                let wrong = |name: &str| DbError::Shape {
                    column: 0,
                    reason: format!("the setting {name} is damaged"),
                };
                Ok(Self {
                    signing_key: key.try_into().map_err(|_| wrong("signing_key"))?,
                    epoch: Uuid::from_slice(&epoch).map_err(|_| wrong("epoch"))?,
                })
            })
        })
        .await
    }
}
