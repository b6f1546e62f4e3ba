//! The settings: flags before environment before `cloudstead.toml`. A wrong one is one line that names it
//! and the remedy.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};

use axum::http::Uri;
use shared::limits::{ADDRESS_SHARE, QUOTA_BYTES_DEFAULT, REQUESTS_PER_MINUTE_DEFAULT};

/// Every setting: its name in the environment, and what it is for. Its flag is the name in lower case with
/// dashes and without the prefix (`--public-url`), its key in the file the same with underscores.
pub const SETTINGS: [(&str, &str); 16] = [
    (LISTEN, "Address and port to listen on [127.0.0.1:3000]"),
    (DATA, "Folder for everything that is not elsewhere [./data]"),
    (DATABASE, "postgres://… or sqlite:FILE [SQLite in the data folder]"),
    (BLOBS, "A folder, or s3://bucket/prefix with the usual AWS_* [a folder in the data folder]"),
    (VALKEY, "redis://… of a Valkey that several nodes share [none]"),
    (PUBLIC_URL, "The address that people type, https://cloud.example.com [whatever the request says]"),
    (REGISTRATION, "open, invite or closed [open until the first account exists, then invite]"),
    (QUOTA, "A new account's quota, such as 500GiB [1TiB]"),
    (LOG, "What is logged, such as info or server=debug [info]"),
    (LOG_FORMAT, "text or json [text]"),
    (SITE, "Folder of the built site [inside the executable, or target/site]"),
    (METRICS_LISTEN, "Address of its own for /metrics [none: administrators only]"),
    (TRUSTED_PROXIES, "Addresses whose X-Forwarded-* count, with commas [127.0.0.1,::1]"),
    (
        CONNECTIONS,
        "Connections open at once, a quarter of them from one address but for trusted proxies [8192]",
    ),
    (FFMPEG, "The ffmpeg that makes pictures of films, or none [the one on the PATH]"),
    (REQUESTS, "Requests a minute of one account; an address without one has a tenth [60000]"),
];

pub const LISTEN: &str = "CLOUDSTEAD_LISTEN";
pub const DATA: &str = "CLOUDSTEAD_DATA";
pub const DATABASE: &str = "DATABASE_URL";
pub const BLOBS: &str = "CLOUDSTEAD_BLOB_URL";
pub const VALKEY: &str = "VALKEY_URL";
pub const PUBLIC_URL: &str = "CLOUDSTEAD_PUBLIC_URL";
pub const REGISTRATION: &str = "CLOUDSTEAD_REGISTRATION";
pub const QUOTA: &str = "CLOUDSTEAD_QUOTA";
pub const LOG: &str = "RUST_LOG";
pub const LOG_FORMAT: &str = "CLOUDSTEAD_LOG_FORMAT";
pub const SITE: &str = "CLOUDSTEAD_SITE";
pub const METRICS_LISTEN: &str = "CLOUDSTEAD_METRICS_LISTEN";
pub const TRUSTED_PROXIES: &str = "CLOUDSTEAD_TRUSTED_PROXIES";
pub const CONNECTIONS: &str = "CLOUDSTEAD_CONNECTIONS";
pub const REQUESTS: &str = "CLOUDSTEAD_REQUESTS_PER_MINUTE";
pub const FFMPEG: &str = "CLOUDSTEAD_FFMPEG";
/// The file's own place is no setting of the file.
pub const CONFIG_FILE: &str = "CLOUDSTEAD_CONFIG";

const CONNECTIONS_DEFAULT: usize = 8_192;

/// A setting that cannot stand: its name, what is wrong, and the remedy. One line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {reason}")]
pub struct ConfigError {
    pub name: String,
    pub reason: String,
}

impl ConfigError {
    pub fn new(name: impl Into<String>, reason: impl Into<String>) -> Self {
        // A cause may bring several lines; people get one.
        let reason: String = reason.into();
        let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        Self { name: name.into(), reason }
    }
}

#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    Sqlite(PathBuf),
    /// The address, password included: never printed.
    Postgres(String),
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(file) => f.debug_tuple("Sqlite").field(file).finish(),
            Self::Postgres(_) => f.write_str("Postgres(…)"),
        }
    }
}

/// Where the objects are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlobPlace {
    Folder(PathBuf),
    /// `s3://bucket/prefix`.
    S3(String),
}

/// Who may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    Open,
    Invite,
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Clone)]
pub struct Config {
    pub listen: SocketAddr,
    pub data: PathBuf,
    pub database: Database,
    pub blobs: BlobPlace,
    pub valkey_url: Option<String>,
    /// Scheme and authority, as an `Origin` header writes them.
    pub public_origin: Option<String>,
    /// None: open until the first account exists, then by invitation.
    pub registration: Option<Registration>,
    pub quota_bytes: u64,
    pub log: String,
    pub log_format: LogFormat,
    /// None: inside the executable, or where it is built.
    pub site: Option<PathBuf>,
    pub metrics_listen: Option<SocketAddr>,
    pub trusted_proxies: Vec<IpAddr>,
    pub connections_max: usize,
    /// Of one account.
    pub requests_per_minute: u32,
    /// What makes pictures of films. None: they are shown without.
    pub ffmpeg: Option<PathBuf>,
    /// The executable that decodes pictures: this one, as it was when it started.
    pub decoder: PathBuf,
}

/// Valkey's address, too, may hold a password.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}

/// Where a setting is looked up, in order of precedence.
pub struct Sources<'a> {
    pub flags: &'a BTreeMap<String, String>,
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    pub file: &'a BTreeMap<String, String>,
}

impl Sources<'_> {
    /// An empty value counts as none, and leaves the word to the next source.
    fn get(&self, name: &str) -> Option<String> {
        let sources = [self.flags.get(name).cloned(), (self.environment)(name), self.file.get(name).cloned()];
        sources.into_iter().flatten().find(|value| !value.trim().is_empty())
    }

    fn parse<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        let value = self.get(name);
        value.map(|value| parse(value.trim()).map_err(|reason| ConfigError::new(name, reason))).transpose()
    }
}

impl Config {
    pub fn resolve(sources: &Sources) -> Result<Self, ConfigError> {
        let data = sources.get(DATA).map_or_else(|| PathBuf::from("data"), PathBuf::from);
        let database = sources.parse(DATABASE, database)?;
        Ok(Self {
            listen: sources
                .parse(LISTEN, address)?
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 3000))),
            database: database.unwrap_or_else(|| Database::Sqlite(data.join("cloudstead.sqlite"))),
            blobs: sources.parse(BLOBS, blob_place)?.unwrap_or_else(|| BlobPlace::Folder(data.join("blobs"))),
            data,
            valkey_url: sources.parse(VALKEY, valkey)?,
            public_origin: sources.parse(PUBLIC_URL, origin)?,
            registration: sources.parse(REGISTRATION, registration)?,
            quota_bytes: sources.parse(QUOTA, bytes)?.unwrap_or(QUOTA_BYTES_DEFAULT),
            log: sources.parse(LOG, log_filter)?.unwrap_or_else(|| "info".to_owned()),
            log_format: sources.parse(LOG_FORMAT, log_format)?.unwrap_or(LogFormat::Text),
            site: sources.parse(SITE, site)?,
            metrics_listen: sources.parse(METRICS_LISTEN, address)?,
            trusted_proxies: sources
                .parse(TRUSTED_PROXIES, proxies)?
                .unwrap_or_else(|| vec![[127, 0, 0, 1].into(), std::net::Ipv6Addr::LOCALHOST.into()]),
            connections_max: sources.parse(CONNECTIONS, count)?.unwrap_or(CONNECTIONS_DEFAULT),
            requests_per_minute: sources.parse(REQUESTS, rate)?.unwrap_or(REQUESTS_PER_MINUTE_DEFAULT),
            ffmpeg: ffmpeg(sources)?,
            decoder: own_executable(),
        })
    }

    /// Whether people come by TLS for certain.
    pub fn is_https(&self) -> bool {
        self.public_origin.as_deref().is_some_and(|origin| origin.starts_with("https://"))
    }
}

/// The one that is named, unless that is `none`; otherwise the first on the PATH.
fn ffmpeg(sources: &Sources) -> Result<Option<PathBuf>, ConfigError> {
    let named = sources.parse(FFMPEG, |text| match text {
        "none" => Ok(None),
        file if Path::new(file).is_file() => Ok(Some(file.into())),
        file => Err(format!("\"{file}\" is no file. Name the program itself, or none to do without it.")),
    })?;
    Ok(named.unwrap_or_else(|| {
        let path = (sources.environment)("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join("ffmpeg")).find(|file| file.is_file())
    }))
}

/// On Linux by a name that stays this very file when another release takes its place.
fn own_executable() -> PathBuf {
    let proc = Path::new("/proc/self/exe");
    if proc.exists() { proc.to_owned() } else { std::env::current_exe().unwrap_or_default() }
}

/// Reads `cloudstead.toml`: one key a setting. Missing is empty, where nobody named it.
pub fn read_file(named: Option<&Path>) -> Result<BTreeMap<String, String>, ConfigError> {
    let path = named.unwrap_or_else(|| Path::new("cloudstead.toml"));
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(BTreeMap::new());
        }
        Err(error) => {
            return Err(ConfigError::new(
                CONFIG_FILE,
                format!("{} can't be read ({error}). Name a file that is there.", path.display()),
            ));
        }
    };
    parse_file(&text, path)
}

fn parse_file(text: &str, path: &Path) -> Result<BTreeMap<String, String>, ConfigError> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        ConfigError::new(
            path.display().to_string(),
            format!("not TOML: {}. Write one `key = \"value\"` a line.", error.message()),
        )
    })?;
    table
        .into_iter()
        .map(|(key, value)| {
            let (name, _) = SETTINGS.iter().find(|(name, _)| file_key(name) == key).ok_or_else(|| {
                let known: Vec<String> = SETTINGS.iter().map(|(name, _)| file_key(name)).collect();
                ConfigError::new(
                    &key,
                    format!("no such setting in {}. Known are: {}.", path.display(), known.join(", ")),
                )
            })?;
            let text = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                _ => {
                    return Err(ConfigError::new(
                        &key,
                        format!("must be text or a number in {}.", path.display()),
                    ));
                }
            };
            Ok(((*name).to_owned(), text))
        })
        .collect()
}

/// `CLOUDSTEAD_PUBLIC_URL` → `public_url`.
pub fn file_key(name: &str) -> String {
    if name == LOG { "log".to_owned() } else { name.trim_start_matches("CLOUDSTEAD_").to_lowercase() }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let found = text.to_socket_addrs().ok().and_then(|mut all| all.next());
    found.ok_or_else(|| format!("\"{text}\" is no address with a port. Write it like 127.0.0.1:3000."))
}

fn database(text: &str) -> Result<Database, String> {
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        Ok(Database::Postgres(text.to_owned()))
    } else if let Some(file) = text.strip_prefix("sqlite:") {
        let file = file.strip_prefix("//").unwrap_or(file);
        if file.is_empty() {
            Err("names no file. Write sqlite:FILE.".into())
        } else {
            Ok(Database::Sqlite(file.into()))
        }
    } else {
        // Not repeated: it may hold a password.
        Err("must begin with postgres:// or sqlite:. Leave it out for SQLite in the data folder.".into())
    }
}

/// A folder, unless it begins with a scheme.
fn blob_place(text: &str) -> Result<BlobPlace, String> {
    let is_scheme = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    };
    let Some((scheme, rest)) = text.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else {
        return Ok(BlobPlace::Folder(text.into()));
    };
    match (scheme, rest.strip_prefix("//")) {
        ("s3", Some(bucket)) if !bucket.is_empty() && !bucket.starts_with('/') => {
            Ok(BlobPlace::S3(text.to_owned()))
        }
        ("file", Some(folder)) if !folder.is_empty() => Ok(BlobPlace::Folder(folder.into())),
        // Not repeated: it may hold a password.
        _ => Err("must be a folder or s3://bucket/prefix. Begin a folder's name with / or ./.".into()),
    }
}

fn site(text: &str) -> Result<PathBuf, String> {
    let folder = Path::new(text);
    if folder.is_dir() {
        Ok(folder.to_owned())
    } else {
        Err(format!("\"{text}\" is no folder. Name that of the built site, or leave it out."))
    }
}

fn valkey(text: &str) -> Result<String, String> {
    match redis::Client::open(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("is no Valkey address. Write it like redis://127.0.0.1:6379.".into()),
    }
}

fn origin(text: &str) -> Result<String, String> {
    let wrong = || format!("\"{text}\" is no address of a site. Write it like https://cloud.example.com.");
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(wrong());
    };
    if !matches!(uri.path(), "" | "/") || uri.query().is_some() || authority.as_str().contains('@') {
        return Err(format!(
            "\"{text}\" says more than scheme, host and port. Write it like https://cloud.example.com."
        ));
    }
    Ok(origin_of(scheme, authority.as_str()))
}

/// Scheme and authority as browsers write an origin: lower case, without the scheme's own port.
pub fn origin_of(scheme: &str, authority: &str) -> String {
    let authority = authority.to_lowercase();
    let own_port = if scheme == "https" { ":443" } else { ":80" };
    format!("{scheme}://{}", authority.strip_suffix(own_port).unwrap_or(&authority))
}

fn registration(text: &str) -> Result<Registration, String> {
    match text {
        "open" => Ok(Registration::Open),
        "invite" => Ok(Registration::Invite),
        "closed" => Ok(Registration::Closed),
        _ => Err(format!("\"{text}\" is not known. Use open, invite or closed.")),
    }
}

/// A number of bytes, with a unit or without.
pub fn bytes(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u32); 9] = [
        ("TiB", 40),
        ("GiB", 30),
        ("MiB", 20),
        ("KiB", 10),
        ("T", 40),
        ("G", 30),
        ("M", 20),
        ("K", 10),
        ("B", 0),
    ];
    let (number, shift) = UNITS
        .into_iter()
        .find_map(|(unit, shift)| text.strip_suffix(unit).map(|number| (number, shift)))
        .unwrap_or((text, 0));
    let number: Option<u64> = number.trim().parse().ok();
    number
        .and_then(|number| number.checked_mul(1 << shift))
        .filter(|&bytes| i64::try_from(bytes).is_ok())
        .ok_or_else(|| format!("\"{text}\" is no size. Write it like 500GiB."))
}

fn log_filter(text: &str) -> Result<String, String> {
    match text.parse::<tracing_subscriber::filter::EnvFilter>() {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("\"{text}\" is no filter ({error}). Write it like info or server=debug.")),
    }
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("\"{text}\" is not known. Use text or json.")),
    }
}

fn proxies(text: &str) -> Result<Vec<IpAddr>, String> {
    text.split(',')
        .map(|one| {
            one.trim()
                .parse()
                .map_err(|_| format!("\"{}\" is no IP address. Write it like 10.0.0.2,10.0.0.3.", one.trim()))
        })
        .collect()
}

fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(format!("\"{text}\" is no number above 0. Write it like 4096.")),
    }
}

/// Few enough that microseconds tell them apart.
const REQUESTS_MAX: u32 = 6_000_000;

/// So many that an address's part of it is something.
fn rate(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(rate) if (ADDRESS_SHARE..=REQUESTS_MAX).contains(&rate) => Ok(rate),
        _ => Err(format!(
            "\"{text}\" is no number from {ADDRESS_SHARE} to {REQUESTS_MAX}. Write it like 60000."
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(
        flags: &[(&str, &str)],
        environment: &[(&str, &str)],
        file: &str,
    ) -> Result<Config, ConfigError> {
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let environment = map(environment);
        let file = parse_file(file, Path::new("cloudstead.toml"))?;
        let lookup = |name: &str| environment.get(name).cloned();
        Config::resolve(&Sources { flags: &map(flags), environment: &lookup, file: &file })
    }

    #[test]
    fn flags_come_before_environment_before_file() {
        let file = "listen = \"127.0.0.1:1\"\ndata = \"file\"\nquota = 5";
        let config =
            resolve(&[(LISTEN, "127.0.0.1:3")], &[(LISTEN, "127.0.0.1:2"), (DATA, "environment")], file)
                .unwrap();
        assert_eq!(config.listen.port(), 3);
        assert_eq!(config.data, Path::new("environment"));
        assert_eq!(config.quota_bytes, 5);
        assert_eq!(config.database, Database::Sqlite("environment/cloudstead.sqlite".into()));
        assert_eq!(config.blobs, BlobPlace::Folder("environment/blobs".into()));
    }

    #[test]
    fn an_empty_value_hides_no_other() {
        let config =
            resolve(&[(QUOTA, "")], &[(QUOTA, " "), (DATA, "")], "quota = 5\ndata = \"file\"").unwrap();
        assert_eq!((config.quota_bytes, &*config.data), (5, Path::new("file")));
    }

    #[test]
    fn objects_are_in_a_folder_or_a_bucket() {
        let blobs = |value| resolve(&[], &[(BLOBS, value)], "").unwrap().blobs;
        for bucket in ["s3://b", "s3://b/", "s3://b/some/prefix"] {
            assert_eq!(blobs(bucket), BlobPlace::S3(bucket.into()));
        }
        for (value, folder) in
            [("/data/b", "/data/b"), ("b", "b"), ("./a:b", "./a:b"), ("/a:b", "/a:b"), ("file:///b", "/b")]
        {
            assert_eq!(blobs(value), BlobPlace::Folder(folder.into()));
        }
    }

    #[test]
    fn what_is_named_has_to_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ffmpeg");
        std::fs::write(&file, "").unwrap();
        let (folder, file) = (folder.path().to_str().unwrap(), file.to_str().unwrap());
        let config = resolve(&[], &[(SITE, folder), (FFMPEG, file)], "").unwrap();
        assert_eq!(
            (config.site.as_deref(), config.ffmpeg.as_deref()),
            (Some(folder.as_ref()), Some(file.as_ref()))
        );
        assert_eq!(resolve(&[], &[(FFMPEG, "none"), ("PATH", folder)], "").unwrap().ffmpeg, None);
        assert_eq!(resolve(&[], &[("PATH", folder)], "").unwrap().ffmpeg.as_deref(), Some(file.as_ref()));
    }

    #[test]
    fn every_wrong_setting_is_one_line_that_names_it() {
        let wrong = [
            (LISTEN, "here"),
            (DATABASE, "mysql://u:secret@h/d"),
            (VALKEY, "nothing"),
            (PUBLIC_URL, "https://a/b"),
            (PUBLIC_URL, "cloud"),
            (REGISTRATION, "maybe"),
            (QUOTA, "much"),
            (QUOTA, "99999999TiB"),
            (LOG, "a=b=c"),
            (LOG_FORMAT, "xml"),
            (METRICS_LISTEN, "9"),
            (TRUSTED_PROXIES, "proxy"),
            (CONNECTIONS, "0"),
            (REQUESTS, "9"),
            (BLOBS, "gs://u:secret@b"),
            (BLOBS, "S3://b"),
            (BLOBS, "s3:b"),
            (BLOBS, "s3://"),
            (BLOBS, "s3:///prefix"),
            (BLOBS, "file://"),
            (SITE, "/nowhere"),
            (FFMPEG, "/nowhere"),
        ];
        for (name, value) in wrong {
            let line = resolve(&[], &[(name, value)], "").unwrap_err().to_string();
            assert!(line.starts_with(name) && !line.contains('\n') && !line.contains("secret"), "{line}");
        }
        for file in ["colour = \"red\"", "listen = [1]", "listen"] {
            assert!(!resolve(&[], &[], file).unwrap_err().to_string().contains('\n'));
        }
    }

    #[test]
    fn passwords_are_not_printed() {
        let settings = [(DATABASE, "postgres://u:secret@h/d"), (VALKEY, "redis://:secret@h")];
        let config = resolve(&[], &settings, "").unwrap();
        assert!(!format!("{config:?}{:?}", config.database).contains("secret"));
    }

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        let config = resolve(&[], &[(PUBLIC_URL, "https://Cloud.Example.com:443/")], "").unwrap();
        assert_eq!(config.public_origin.as_deref(), Some("https://cloud.example.com"));
        assert!(config.is_https());
    }
}
