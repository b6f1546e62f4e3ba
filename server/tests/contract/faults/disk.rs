//! A disk that is really full: the program itself, over a small file system of its own.

use std::path::PathBuf;

use futures::StreamExt as _;
use shared::ErrorCode;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::device::{Device, fresh};
use crate::plan::{KIB, Plan, noise};
use crate::process::listening;
use crate::support::Client;

const MIB: usize = 1024 * KIB;
/// Room for the database, the ballast and a few chunks.
const DISK: &str = "size=24m";

/// The program with its data on a disk of that size, which goes with it.
struct SmallDisk {
    program: Child,
    address: String,
    /// The disk as others can see it.
    data: PathBuf,
    _folder: TempDir,
}

impl SmallDisk {
    /// None where this machine lets nobody mount anything.
    async fn start() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mount = format!("mount -t tmpfs -o {DISK} tmpfs \"$0\" && exec \"$@\"");
        let own_mounts = ["--map-root-user", "--mount", "sh", "-c"];
        let mut probe = Command::new("unshare");
        probe.args(own_mounts).arg(&mount).arg(folder.path()).arg("true");
        if !probe.status().await.is_ok_and(|status| status.success()) {
            eprintln!("no file system can be mounted here: a full disk is not tried");
            return None;
        }
        let mut command = Command::new("unshare");
        command.args(own_mounts).arg(mount).arg(folder.path());
        command.args([env!("CARGO_BIN_EXE_cloudstead"), "serve"]);
        command.env("CLOUDSTEAD_DATA", folder.path()).env("CLOUDSTEAD_LISTEN", "127.0.0.1:0");
        command.env("CLOUDSTEAD_REGISTRATION", "open").env_remove("DATABASE_URL");
        command.env_remove("CLOUDSTEAD_BLOB_URL").env_remove("VALKEY_URL").current_dir(folder.path());
        let (program, address) = listening(&mut command).await;
        let seen = format!("/proc/{}/root", program.id().expect("a running program"));
        let data = PathBuf::from(seen).join(folder.path().strip_prefix("/").expect("a full path"));
        Some(Self { program, address, data, _folder: folder })
    }

    /// Files in the middle of being written.
    fn partial_files(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.data.join("blobs")];
        let mut partial = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
                if entry.file_type().expect("a type").is_dir() {
                    folders.push(entry.path());
                } else if entry.file_name().to_string_lossy().contains('#') {
                    partial.push(entry.path());
                }
            }
        }
        partial
    }
}

#[tokio::test]
async fn on_a_full_disk_nothing_is_written_everything_is_read_and_it_heals() {
    let Some(mut disk) = SmallDisk::start().await else { return };
    let ann = Client::anonymous(disk.address.clone()).person("ann").await;
    let ballast = disk.data.join("ballast");
    std::fs::write(&ballast, vec![1; 6 * MIB]).expect("room for it");
    let kept = Plan::new(noise(60, 2 * MIB), MIB, true);
    kept.upload(&ann).await;

    // Chunks until no more goes into the folder.
    let large = Plan::new(noise(61, 40 * MIB), MIB, true);
    let started = large.init(&ann).await;
    let mut sent = 0;
    let refused = loop {
        let reply = large.put(&ann, &started, sent).await;
        if reply.status != 200 {
            break reply;
        }
        sent += 1;
    };
    assert!(refused.problem(ErrorCode::StorageFull).retry_after_ms.is_some());
    let partial = disk.partial_files();
    assert!(partial.is_empty(), "{partial:?}");

    // Small files until no more goes into the database.
    let mut device = Device { person: ann, token: None };
    let full = futures::stream::iter(0..1_000)
        .then(|n| {
            let change = crate::device::file(fresh(), device.root(), &n.to_string(), noise(n, 60 * KIB));
            let device = &device;
            async move { device.push_raw(&[change]).await }
        })
        .skip_while(|reply| futures::future::ready(reply.status == 200));
    let refused = Box::pin(full).next().await.expect("the database is full at some point");
    assert!(refused.problem(ErrorCode::StorageFull).retry_after_ms.is_some());

    let read = device.person.get(&format!("/files/{}/download", kept.file_id)).await.expect(200);
    assert_eq!(read.body, kept.bytes);
    device.person.get("/auth/me").await.expect(200);
    assert!(!device.pull().await.is_empty());

    std::fs::remove_file(&ballast).expect("it goes");
    large.put(&device.person, &started, sent).await.expect(200);
    device.done(crate::device::file(fresh(), device.root(), "after", "room again")).await;
    disk.program.kill().await.expect("it ends");
}
