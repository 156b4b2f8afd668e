//! `campaigner workers`: lists the processes that send runs, if several share a store on a server.

use std::time::Duration;

use crate::cli::error::{CliError, Exit, cannot_print};
use crate::cli::global::Global;
use crate::cli::output::{console, table};
use crate::engine;
use crate::store::{Store, WorkerAtWork};
use crate::text;

/// The arguments of `workers`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Print one JSON line per worker
    #[arg(long)]
    json: bool,
}

/// A worker is marked if it has been silent for longer than this: the others will soon consider it dead.
const SILENT: Duration = Duration::from_secs(3);

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    let store = Store::open_existing(&global.db).await?;
    if !store.can_be_joined() {
        return Err(CliError::new(
            Exit::Wrong,
            "the store is a file, so only one process sends each run; `campaigner status` shows what is happening",
        ));
    }
    if args.json {
        for worker in engine::workers(&store, None).await? {
            console::data(&worker).map_err(cannot_print)?;
        }
        return Ok(Exit::Done);
    }
    let workers = store.workers().await?;
    if workers.is_empty() {
        console::line("no process is sending").map_err(cannot_print)?;
        return Ok(Exit::Done);
    }
    let head = ["RUN", "WORKER", "PROCESS", "SINCE", "LAST HEARD", "IN FLIGHT", "SENT", "SHARE"].map(str::to_owned);
    let row = |worker: &WorkerAtWork| {
        let role = if worker.is_joined { "joined" } else { "owner" };
        let silent = if worker.silent_for > SILENT { " (silent)" } else { "" };
        [
            worker.run.to_string(),
            format!("{} ({role})", worker.worker),
            format!("{} on {}", worker.pid, worker.host),
            worker.since.to_string(),
            format!("{:.1} s ago{silent}", worker.silent_for.as_secs_f64()),
            text::grouped(worker.in_flight),
            text::grouped(worker.claimed),
            worker.share(&workers).map_or_else(String::new, |share| format!("{share:.0}%")),
        ]
    };
    let rows: Vec<_> = std::iter::once(head).chain(workers.iter().map(row)).collect();
    table::print(&rows)?;
    Ok(Exit::Done)
}
