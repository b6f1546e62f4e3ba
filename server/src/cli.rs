//! The commands of the executable.

mod maintain;

use std::collections::BTreeMap;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};
use shared::account::{Password, Register};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::clock::Env;
use crate::config::{self, CONFIG_FILE, Config, ConfigError, LogFormat, SETTINGS, Sources};
use crate::db::users;
use crate::error::ApiError;
use crate::jobs::derivatives::DECODE;
use crate::jobs::derivatives::film::POSTER;
use crate::ops::accounts::{self, Door};
use crate::passwords::PasswordCost;
use crate::serve::Bounds;
use crate::state::App;
use crate::{http, jobs, serve};

/// The exit status of a wrong setting or command line.
const EXIT_USAGE: u8 = 2;
const EXIT_FAILED: u8 = 1;
const METRICS_CONNECTIONS_MAX: usize = 16;
/// Threads that wait for blocking work (files, passwords); they end when idle.
const BLOCKING_THREADS_MAX: usize = 64;

/// Why a command did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Setting(#[from] ConfigError),
    #[error("{}", .0.problem.detail)]
    Refused(#[from] ApiError),
    #[error("{0}")]
    Failed(String),
}

impl Failure {
    fn exit_code(&self) -> ExitCode {
        ExitCode::from(if matches!(self, Self::Setting(_)) { EXIT_USAGE } else { EXIT_FAILED })
    }
}

/// Runs the command line; answers the exit status.
pub fn run() -> ExitCode {
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) if error.use_stderr() => {
            let text = error.to_string();
            // What is missing comes after the line that says so.
            let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            let mut line = lines.next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            if line.ends_with(':') {
                line = format!("{line} {}", lines.next().unwrap_or_default());
            }
            complain(&format!("{}. See `cloudstead --help`.", line.trim_end_matches('.')));
            return ExitCode::from(EXIT_USAGE);
        }
        Err(help) => help.exit(),
    };
    if matches.subcommand_name() == Some(DECODE) {
        return match decoder::worker::serve(std::io::stdin().lock(), std::io::stdout().lock()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::from(EXIT_FAILED),
        };
    }
    if let Some((POSTER, matches)) = matches.subcommand() {
        let path = |name| matches.get_one::<PathBuf>(name).map_or(Path::new(""), PathBuf::as_path);
        complain(&decoder::worker::become_ffmpeg(path("ffmpeg"), path("film")).to_string());
        return ExitCode::from(EXIT_FAILED);
    }
    match dispatch(&matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&failure.to_string());
            failure.exit_code()
        }
    }
}

fn complain(line: &str) {
    // Where nobody reads standard error there is nobody to tell.
    drop(writeln!(std::io::stderr(), "cloudstead: {line}"));
}

fn say(line: &str) {
    drop(writeln!(std::io::stdout(), "{line}"));
}

fn command() -> Command {
    let settings = SETTINGS.iter().map(|&(name, help)| {
        let flag = config::file_key(name).replace('_', "-");
        Arg::new(name).long(flag).help(format!("{help} ({name})")).action(ArgAction::Set).global(true)
    });
    let username = || Arg::new("username").required(true);
    let folder = || Arg::new("folder").required(true).value_parser(clap::value_parser!(PathBuf));
    Command::new("cloudstead")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Your own cloud: files in step on every device")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(
            Arg::new(CONFIG_FILE)
                .long("config")
                .help("File of settings [./cloudstead.toml]")
                .value_parser(clap::value_parser!(PathBuf))
                .global(true),
        )
        .args(settings)
        .subcommand(Command::new(DECODE).about("Decodes one picture, within limits").hide(true))
        .subcommand(
            Command::new(POSTER)
                .about("Lets ffmpeg make a picture of a film, within limits")
                .hide(true)
                .args(
                    ["ffmpeg", "film"]
                        .map(|name| Arg::new(name).required(true).value_parser(clap::value_parser!(PathBuf))),
                ),
        )
        .subcommand(Command::new("serve").about("Serves the site and its API"))
        .subcommand(
            Command::new("verify")
                .about("Holds the database against the objects, every byte; exits 1 if anything is wrong"),
        )
        .subcommand(
            Command::new("gc")
                .about("Deletes what is over: unreferenced chunks, and objects that nothing names"),
        )
        .subcommand(Command::new("backup").about("Copies everything into a new folder").arg(folder()))
        .subcommand(
            Command::new("restore")
                .about(
                    "Brings a backup back, where there is no data yet. Without a folder: the data was put back by \
                     other tools; has clients notice that it is older than what they saw",
                )
                .arg(folder().required(false)),
        )
        .subcommand(
            Command::new("user")
                .about("Manages people")
                .subcommand_required(true)
                .arg_required_else_help(true)
                .subcommand(
                    Command::new("add")
                        .about("Adds a person; the password comes from standard input")
                        .arg(username()),
                )
                .subcommand(Command::new("list").about("Lists everyone"))
                .subcommand(
                    Command::new("disable").about("Shuts an account and ends its sessions").arg(username()),
                )
                .subcommand(
                    Command::new("passwd")
                        .about("Sets a password, read from standard input, and ends all sessions")
                        .arg(username()),
                ),
        )
}

fn dispatch(matches: &ArgMatches) -> Result<(), Failure> {
    let config = settings(matches)?;
    init_tracing(&config);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .build()
        .map_err(|error| Failure::Failed(format!("no threads to work with: {error}")))?;
    runtime.block_on(async {
        match matches.subcommand() {
            Some(("user", matches)) => manage_users(config, matches).await,
            Some(("verify", _)) => maintain::verify(config).await,
            Some(("gc", _)) => maintain::collect(config).await,
            Some(("backup", matches)) => {
                maintain::backup(config, folder(matches).unwrap_or(Path::new(""))).await
            }
            Some(("restore", matches)) => match folder(matches) {
                Some(folder) => maintain::restore(config, folder).await,
                None => maintain::begin_epoch(config).await,
            },
            _ => serve_site(config).await,
        }
    })
}

fn folder(matches: &ArgMatches) -> Option<&Path> {
    matches.get_one::<PathBuf>("folder").map(PathBuf::as_path)
}

fn settings(matches: &ArgMatches) -> Result<Config, ConfigError> {
    // Flags are global, so the innermost command holds them.
    let mut innermost = matches;
    while let Some((_, deeper)) = innermost.subcommand() {
        innermost = deeper;
    }
    let flags: BTreeMap<String, String> = SETTINGS
        .iter()
        .filter_map(|(name, _)| {
            innermost.get_one::<String>(name).map(|value| ((*name).to_owned(), value.clone()))
        })
        .collect();
    let flag = innermost.get_one::<PathBuf>(CONFIG_FILE).cloned();
    let variable = std::env::var_os(CONFIG_FILE).map(PathBuf::from);
    let named = [flag, variable].into_iter().flatten().find(|path| !path.as_os_str().is_empty());
    let file = config::read_file(named.as_deref())?;
    Config::resolve(&Sources { flags: &flags, environment: &|name| std::env::var(name).ok(), file: &file })
}

fn init_tracing(config: &Config) {
    let filter = tracing_subscriber::EnvFilter::new(&config.log);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => builder.json().init(),
    }
}

async fn serve_site(config: Config) -> Result<(), Failure> {
    let stop = stop_signal()?;
    let app = App::open(config, Env::system(), PasswordCost::STANDARD).await?;
    let listener = listen(config::LISTEN, app.config.listen).await?;
    let address = listener.local_addr().unwrap_or(app.config.listen);
    say(&format!("Cloudstead listens on http://{address}"));
    let metrics = match app.config.metrics_listen {
        None => None,
        Some(address) => Some(listen(config::METRICS_LISTEN, address).await?),
    };
    if let Some(listener) = metrics {
        let bounds =
            Bounds { connections_max: METRICS_CONNECTIONS_MAX, proxies: app.config.trusted_proxies.clone() };
        tokio::spawn(serve::serve(listener, http::metrics::open_router(app.clone()), bounds, stop.clone()));
    }
    let working = tokio::spawn(jobs::run(app.clone(), stop.clone()));
    let deriving = tokio::spawn(jobs::derivatives::run(app.clone(), stop.clone()));
    serve::run(app, listener, stop).await;
    // Every job can be stopped anywhere and begun again.
    working.abort();
    deriving.abort();
    tracing::info!("stopped");
    Ok(())
}

async fn listen(setting: &str, address: SocketAddr) -> Result<TcpListener, ConfigError> {
    TcpListener::bind(address).await.map_err(|error| {
        let reason =
            format!("can't listen on {address} ({error}). Choose another port, or stop what uses it.");
        ConfigError::new(setting, reason)
    })
}

/// Cancelled by SIGTERM or Ctrl-C.
fn stop_signal() -> Result<CancellationToken, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen =
        |kind| signal(kind).map_err(|error| Failure::Failed(format!("can't listen for signals: {error}")));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stopped.cancel();
    });
    Ok(stop)
}

async fn manage_users(config: Config, matches: &ArgMatches) -> Result<(), Failure> {
    let app = App::open(config, Env::system(), PasswordCost::STANDARD).await?;
    let username = |matches: &ArgMatches| matches.get_one::<String>("username").cloned().unwrap_or_default();
    match matches.subcommand() {
        Some(("add", matches)) => {
            let request = Register {
                username: username(matches),
                password: read_password()?,
                display_name: None,
                invite: None,
            };
            let user = accounts::register(&app, request, Door::Console, None).await?;
            say(&format!(
                "Added {}{}.",
                user.username,
                if user.is_admin { ", the administrator" } else { "" }
            ));
        }
        Some(("disable", matches)) => {
            accounts::disable(&app, &username(matches)).await?;
            say("Disabled. Setting a password opens the account again.");
        }
        Some(("passwd", matches)) => {
            accounts::set_password(&app, &username(matches), read_password()?).await?;
            say("The password is set, and all sessions have ended.");
        }
        _ => list_users(&app).await?,
    }
    Ok(())
}

async fn list_users(app: &App) -> Result<(), Failure> {
    let mut connection = app.db.reader().await.map_err(ApiError::from)?;
    for (user, is_disabled) in users::list(&mut connection).await.map_err(ApiError::from)? {
        let role = if user.is_admin { "administrator" } else { "user" };
        let state = if is_disabled { "disabled" } else { "active" };
        say(&format!(
            "{}\t{role}\t{state}\t{} of {} bytes\tsince {}",
            user.username, user.used_bytes, user.quota_bytes, user.created_at
        ));
    }
    Ok(())
}

/// One line of standard input; a terminal does not show it.
fn read_password() -> Result<Password, Failure> {
    let stdin = std::io::stdin();
    let is_terminal = stdin.is_terminal();
    let echo = |wanted: &str| {
        if is_terminal {
            // Without `stty` the password can be seen, which is the person's to judge.
            drop(std::process::Command::new("stty").arg(wanted).status());
        }
    };
    if is_terminal {
        drop(write!(std::io::stderr(), "Password: "));
    }
    echo("-echo");
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    echo("echo");
    if is_terminal {
        drop(writeln!(std::io::stderr()));
    }
    read.map_err(|error| {
        Failure::Failed(format!("no password could be read ({error}). Give it on standard input."))
    })?;
    Ok(Password(line.trim_end_matches(['\r', '\n']).to_owned()))
}
