//! `campaigner work`: the service without a folder of campaigns and without HTTP. It sends and finishes every
//! unfinished run of the store.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::LocalSet;

use super::MAX_IN_FLIGHT;
use super::accounts::Accounts;
use super::campaign_folder::Folder;
use super::common::{aborted, checkpoint, logged};
use super::state::{Service, ServiceContext, Takes};

use crate::cli::confirmed::Confirmed;
use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::cli::{file_limit, session};
use crate::engine::StopHandle;
use crate::store::Store;

/// The arguments of `work`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct WorkArgs {
    /// Exit when nothing is left to send and no status is being polled
    #[arg(long)]
    until_idle: bool,
    /// Write the reports to DIR/RUN/
    #[arg(long, value_name = "DIR", default_value = "reports")]
    report_dir: PathBuf,
    #[command(flatten)]
    confirmed: Confirmed,
}

/// Sends and finishes every unfinished run of the store.
pub(in crate::cli) async fn work(args: &WorkArgs, global: &Global) -> Result<Exit, CliError> {
    let store = Store::open(&global.db).await?;
    args.confirmed.check(&store).await?;
    let serving = store.lock_service().await?;
    let takes = Takes::All { until_idle: args.until_idle };
    let (accounts, board) = (Accounts::new(global.clone()), Arc::default());
    let to_checkpoint = store.clone();
    let context = ServiceContext { store, global: global.clone(), reports: args.report_dir.clone(), accounts, board };
    let service = Service::new(serving, context, Folder::none(), takes, file_limit::enough_for(MAX_IN_FLIGHT));
    let stop = StopHandle::default();
    let (_nobody, resume_requests) = mpsc::channel(1);
    tracing::info!(store = %global.db, "worker started");
    let tasks = LocalSet::new();
    let whole = tasks.run_until(service.work(resume_requests, &stop));
    let worked = session::unless_aborted_on(&to_checkpoint, &stop, &logged(), whole).await;
    let Some(worked) = worked else { return Err(aborted("work")) };
    worked?;
    checkpoint(&to_checkpoint).await;
    tracing::info!("worker stopped; nothing is in flight");
    Ok(Exit::Done)
}
