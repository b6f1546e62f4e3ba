//! What the server holds, and what the browser fetches.

use std::time::Duration;

use crate::report::Report;
use crate::server::Server;
use crate::{Arguments, Outcome};

/// After start and sign-in, until allocations of both have settled.
const SETTLE: Duration = Duration::from_secs(3);

pub async fn idle(server: &Server, report: &mut Report) -> Outcome {
    tokio::time::sleep(SETTLE).await;
    report.add("server's memory, idle", megabytes(server.memory()?), "under 60 MB");
    Ok(())
}

pub fn during_upload(server: &Server, report: &mut Report) -> Outcome {
    report.add(
        "server's memory, at most during the upload",
        megabytes(server.memory_peak()?),
        "under 150 MB",
    );
    Ok(())
}

/// The size of the WebAssembly as a browser fetches it.
pub fn site(arguments: &Arguments, report: &mut Report) -> Outcome {
    let packed = arguments.executable.site.join("pkg/cloudstead_bg.wasm.br");
    let size = std::fs::metadata(packed)?.len();
    report.add("WebAssembly after brotli", format!("{:.0} KB", size as f64 / 1e3), "under 450 KB");
    Ok(())
}

fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1e6)
}
