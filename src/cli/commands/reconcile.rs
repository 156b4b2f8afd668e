//! `campaigner reconcile [RUN]`: polls statuses and sends nothing.

use crate::cli::commands::resume;
use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::cli::session::{Overrides, RunOptions};
use crate::cli::value_parsers::run_id;
use crate::engine::RunMode;
use crate::model::RunId;
use crate::store::Store;

/// The arguments of `reconcile`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The run, NAME-N; the newest if left out
    #[arg(value_parser = run_id)]
    run: Option<RunId>,
    /// Poll once for every message whose status is not final, then exit; for cron
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    overrides: Overrides,
}

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    let store = Store::open_existing(&global.db).await?;
    let run = store.run(args.run.as_ref()).await?;
    run.not_purged()?;
    let mode = if args.once { RunMode::ReconcileOnce } else { RunMode::Reconcile };
    resume::resume(store, run, RunOptions { mode, limit: None }, &args.overrides, global).await
}
