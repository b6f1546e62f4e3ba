//! The executable itself: its commands, its exit statuses, and how it ends.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::Value;
use shared::ErrorCode;
use shared::sync::PullResponse;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use crate::plan::{KIB, Plan, noise};
use crate::support::{Client, PASSWORD, fresh_schema, sign_in};

/// The program with a data folder of its own.
struct Program {
    folder: TempDir,
    settings: BTreeMap<String, String>,
}

/// The program while it serves.
struct Serving {
    program: Child,
    address: String,
}

impl Program {
    /// On SQLite.
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data").to_string_lossy().into_owned();
        let settings = [
            ("CLOUDSTEAD_DATA", data.as_str()),
            ("CLOUDSTEAD_LISTEN", "127.0.0.1:0"),
            ("CLOUDSTEAD_REGISTRATION", "open"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Self { folder, settings }
    }

    /// One on each database that is there.
    async fn each() -> Vec<Self> {
        let mut all = vec![Self::new()];
        if let Ok(url) = std::env::var("TEST_POSTGRES_URL") {
            let mut on_postgres = Self::new();
            on_postgres.settings.insert("DATABASE_URL".into(), fresh_schema(&url).await);
            all.push(on_postgres);
        }
        all
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cloudstead"));
        command.args(arguments).env_clear().envs(&self.settings).current_dir(self.folder.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    async fn run_with(&self, arguments: &[&str], input: &str) -> Output {
        let mut program = self.command(arguments).spawn().expect("the program starts");
        let mut stdin = program.stdin.take().expect("its input");
        // One that takes no input may have ended before.
        drop(stdin.write_all(input.as_bytes()).await);
        drop(stdin);
        program.wait_with_output().await.expect("it ends")
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, "").await
    }

    async fn serve(&self) -> Serving {
        let (program, address) = listening(self.command(&["serve"]).stderr(Stdio::null())).await;
        Serving { program, address }
    }

    fn objects(&self) -> PathBuf {
        self.folder.path().join("data").join("blobs")
    }
}

impl Serving {
    fn anonymous(&self) -> Client {
        Client::anonymous(self.address.clone())
    }

    async fn terminate(&self) {
        let id = self.program.id().expect("a running program").to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await.expect("kill is there");
        assert!(sent.success());
    }

    async fn stop(mut self) {
        self.terminate().await;
        assert_eq!(self.program.wait().await.expect("it ends").code(), Some(0));
    }
}

/// Starts the server; the address that it says it listens on.
pub async fn listening(command: &mut Command) -> (Child, String) {
    let mut program = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("the program starts");
    let mut lines = BufReader::new(program.stdout.take().expect("its output")).lines();
    let line = lines.next_line().await.expect("its output").expect("a line that says where it listens");
    (program, line.split_whitespace().last().expect("an address").to_owned())
}

/// Fails the test unless it ended with that status; what it answered, or why it did not.
#[track_caller]
fn ended(output: &Output, status: i32) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (answer, why) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(status), "{answer}{why}");
    if status == 0 { answer } else { why }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn what_is_set_wrong_is_one_line_and_exit_2() {
    for (name, value) in [
        ("CLOUDSTEAD_QUOTA", "much"),
        ("CLOUDSTEAD_BLOB_URL", "gs://bucket"),
        ("CLOUDSTEAD_SITE", "nowhere"),
        ("CLOUDSTEAD_FFMPEG", "nowhere"),
        ("CLOUDSTEAD_CONFIG", "nowhere.toml"),
        ("CLOUDSTEAD_DATA", "/dev/null/data"),
        ("DATABASE_URL", "mysql://u:secret@h/d"),
        ("DATABASE_URL", "sqlite:/dev/null/file"),
    ] {
        let mut program = Program::new();
        program.settings.insert(name.into(), value.into());
        let text = ended(&program.run(&["serve"]).await, 2);
        assert!(text.starts_with(&format!("cloudstead: {name}: ")) && text.lines().count() == 1, "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let mut program = Program::new();
    let address = taken.local_addr().expect("an address").to_string();
    program.settings.insert("CLOUDSTEAD_LISTEN".into(), address);
    let text = ended(&program.run(&["serve"]).await, 2);
    assert!(text.starts_with("cloudstead: CLOUDSTEAD_LISTEN: "), "{text}");
    for arguments in [&["fly"][..], &["backup"], &["verify", "--quota", "much"], &["serve", "--colour"]] {
        let text = ended(&Program::new().run(arguments).await, 2);
        assert!(text.starts_with("cloudstead: ") && text.lines().count() == 1, "{text}");
    }
}

#[tokio::test]
async fn people_are_managed_at_the_console() {
    for program in Program::each().await {
        let say = format!("{PASSWORD}\n");
        let text = ended(&program.run_with(&["user", "add", "ann"], &say).await, 0);
        assert_eq!(text, "Added ann, the administrator.\n");
        ended(&program.run_with(&["user", "add", "ben"], &say).await, 0);
        ended(&program.run_with(&["user", "add", "ANN"], &say).await, 1);
        ended(&program.run_with(&["user", "add", "cid"], "short\n").await, 1);
        ended(&program.run(&["user", "disable", "cid"]).await, 1);

        let serving = program.serve().await;
        let ben = serving.anonymous().sign_in("ben").await;
        ended(&program.run(&["user", "disable", "ben"]).await, 0);
        ben.get("/auth/me").await.problem(ErrorCode::Unauthenticated);
        let refused = serving.anonymous().post("/auth/token", &sign_in("ben", PASSWORD)).await;
        refused.problem(ErrorCode::InvalidCredentials);
        let list = ended(&program.run(&["user", "list"]).await, 0);
        let lines: Vec<Vec<&str>> = list.lines().map(|line| line.split('\t').take(3).collect()).collect();
        assert_eq!(lines, [["ann", "administrator", "active"], ["ben", "user", "disabled"]]);

        ended(&program.run_with(&["user", "passwd", "ben"], "another horse\n").await, 0);
        let refused = serving.anonymous().post("/auth/token", &sign_in("ben", PASSWORD)).await;
        refused.problem(ErrorCode::InvalidCredentials);
        serving.anonymous().post("/auth/token", &sign_in("ben", "another horse")).await.expect(200);
        serving.stop().await;
    }
}

#[tokio::test]
async fn verify_tells_by_its_status_and_gc_takes_what_nothing_names() {
    for program in Program::each().await {
        let serving = program.serve().await;
        let ann = serving.anonymous().person("ann").await;
        let plan = Plan::new(noise(70, 300 * KIB), 100 * KIB, true);
        plan.upload(&ann).await;
        serving.stop().await;
        let text = ended(&program.run(&["verify"]).await, 0);
        assert!(text.contains("3 chunks") && text.contains("All is as it should be."), "{text}");

        // Made long ago, by its name.
        let generation = "01000000-0000-7000-8000-000000000001".parse().expect("a UUID");
        let bytes = noise(71, 100);
        let orphan = server::blobs::BlobKey {
            account: server::clock::Env::system().id(),
            hash: shared::ChunkHash::of(&bytes),
            generation: server::blobs::Generation(generation),
        };
        let orphan = program.objects().join(orphan.path());
        std::fs::create_dir_all(orphan.parent().expect("a folder")).expect("a folder");
        std::fs::write(&orphan, bytes).expect("a file");
        let text = ended(&program.run(&["gc"]).await, 0);
        assert!(text.contains("1 objects") && !orphan.exists(), "{text}");
        assert_eq!(files(&program.objects()).len(), 3);

        let object = files(&program.objects()).pop().expect("an object");
        let mut bytes = std::fs::read(&object).expect("its bytes");
        bytes[0] ^= 1;
        std::fs::write(&object, &bytes).expect("other bytes");
        ended(&program.run(&["verify"]).await, 1);
        bytes[0] ^= 1;
        std::fs::write(&object, &bytes).expect("its own bytes");
        ended(&program.run(&["verify"]).await, 0);
        std::fs::remove_file(&object).expect("it goes");
        ended(&program.run(&["verify"]).await, 1);
    }
}

#[tokio::test]
async fn a_backup_is_restored_into_an_empty_place() {
    let program = Program::new();
    let serving = program.serve().await;
    let ann = serving.anonymous().person("ann").await;
    let plan = Plan::new(noise(72, 300 * KIB), 100 * KIB, true);
    plan.upload(&ann).await;
    let token = ann.get("/sync/pull").await.expect(200).json::<PullResponse>().sync_token;
    let place = program.folder.path().join("backup");
    let place = place.to_str().expect("a plain path");
    let text = ended(&program.run(&["backup", place]).await, 0);
    assert!(text.contains("3 objects"), "{text}");
    ended(&program.run(&["backup", place]).await, 1);
    serving.stop().await;

    let restored = Program::new();
    ended(&restored.run(&["restore", "/nowhere"]).await, 1);
    ended(&restored.run(&["restore", place]).await, 0);
    ended(&restored.run(&["restore", place]).await, 1);
    ended(&restored.run(&["verify"]).await, 0);
    let serving = restored.serve().await;
    let mut again = serving.anonymous();
    again.credentials = ann.credentials.clone();
    again.get("/auth/me").await.problem(ErrorCode::Unauthenticated);
    let ann = serving.anonymous().sign_in("ann").await;
    let expired = ann.get(&format!("/sync/pull?since={token}")).await;
    assert_eq!(expired.problem(ErrorCode::SyncTokenExpired).more["reason"], "epoch");
    let bytes = ann.get(&format!("/files/{}/download", plan.file_id)).await.expect(200).body;
    assert_eq!(bytes, plan.bytes);
    serving.stop().await;
}

#[tokio::test]
async fn data_that_other_tools_put_back_begins_a_new_epoch() {
    for program in Program::each().await {
        let serving = program.serve().await;
        let ann = serving.anonymous().person("ann").await;
        let token = ann.get("/sync/pull").await.expect(200).json::<PullResponse>().sync_token;
        serving.stop().await;
        ended(&program.run(&["restore"]).await, 0);
        let serving = program.serve().await;
        let ann = serving.anonymous().sign_in("ann").await;
        let expired = ann.get(&format!("/sync/pull?since={token}")).await;
        assert_eq!(expired.problem(ErrorCode::SyncTokenExpired).more["reason"], "epoch");
        serving.stop().await;
    }
}

#[tokio::test]
async fn what_is_under_way_when_it_is_told_to_end_is_answered() {
    let program = Program::new();
    let mut serving = program.serve().await;
    serving.anonymous().person("ann").await;
    let address = serving.address.trim_start_matches("http://").to_owned();
    let body = sign_in("ann", PASSWORD).to_string();
    let mut stream = TcpStream::connect(&address).await.expect("a connection");
    let head = format!(
        "POST /api/v1/auth/token HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nexpect: 100-continue\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("half a request");
    let mut reader = BufReader::new(&mut stream);
    let mut line = String::new();
    reader.read_line(&mut line).await.expect("a word");
    assert!(line.starts_with("HTTP/1.1 100"), "the body is waited for: {line}");
    serving.terminate().await;
    // It takes no more.
    while TcpStream::connect(&address).await.is_ok() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    stream.write_all(body.as_bytes()).await.expect("the other half");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let answer = answer.trim_start();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let granted = answer.rsplit("\r\n\r\n").next().expect("a body");
    assert!(serde_json::from_str::<Value>(granted).expect("JSON")["token"].is_string());
    assert_eq!(serving.program.wait().await.expect("it ends").code(), Some(0));
}
