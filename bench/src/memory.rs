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
    let listing: serde_json::Value =
        serde_json::from_slice(&std::fs::read(arguments.executable.site.join("site.json"))?)?;
    let code = listing["code"].as_str().unwrap_or("/pkg/").trim_start_matches('/');
    let [mut first, mut later] = [0, 0];
    for entry in std::fs::read_dir(arguments.executable.site.join(code))? {
        let entry = entry?;
        let name = entry.file_name();
        let size = entry.metadata()?.len();
        match name.to_string_lossy().strip_suffix(".wasm.br") {
            Some("cloudstead_bg") => first += size,
            Some(_) => later += size,
            None => {}
        }
    }
    report.add(
        "WebAssembly after brotli, for the first list",
        format!("{:.0} KB", first as f64 / 1e3),
        "under 450 KB",
    );
    report.add("WebAssembly after brotli, what comes later", format!("{:.0} KB", later as f64 / 1e3), "");
    Ok(())
}

fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1e6)
}
