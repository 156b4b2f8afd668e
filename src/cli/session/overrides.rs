//! The options that `run`, `resume`, `reconcile` and `retry` share.

use std::path::PathBuf;

use crate::campaign_file;
use crate::cli::confirmed::Confirmed;
use crate::cli::error::{CliError, Exit};
use crate::engine::RunMode;
use crate::model::Campaign;
use crate::store::Run;

/// What a command does with a run.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct RunOptions {
    pub(in crate::cli) mode: RunMode,
    /// The most messages that it sends.
    pub(in crate::cli) limit: Option<u64>,
}

/// When a command that sends stops.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Sending {
    /// Exit when the last message is sent; do not wait for statuses
    #[arg(long)]
    no_wait: bool,
    /// Send at most N more messages, then exit with code 4; to continue, use `campaigner resume`
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    #[command(flatten)]
    pub(in crate::cli) confirmed: Confirmed,
}

impl Sending {
    pub(in crate::cli) fn options(&self) -> RunOptions {
        let mode = if self.no_wait { RunMode::Send } else { RunMode::SendAndReconcile };
        RunOptions { mode, limit: self.limit }
    }
}

/// What the command line changes for this process only; it is not stored with the run.
#[derive(Clone, Debug, Default, clap::Args)]
pub(in crate::cli) struct Overrides {
    /// Override the campaign's rate for this command: 80/s or 1000/min
    #[arg(long, value_name = "RATE")]
    rate: Option<String>,
    /// Override the maximum number of requests in flight for this command: a number, or `auto`
    #[arg(long, value_name = "N")]
    concurrency: Option<String>,
    /// Write the reports to DIR/RUN/
    #[arg(long, value_name = "DIR", default_value = "reports")]
    report_dir: PathBuf,
}

impl Overrides {
    /// Applies them to the campaign.
    pub(in crate::cli) fn apply(&self, campaign: &mut Campaign) -> Result<(), CliError> {
        if let Some(rate) = &self.rate {
            let (rate, per) = campaign_file::parse_rate(rate)
                .map_err(|error| CliError::new(Exit::Wrong, format!("--rate {rate}: {error}")))?;
            campaign.dispatch.rate = rate;
            campaign.dispatch.per = per;
        }
        if let Some(concurrency) = &self.concurrency {
            campaign.dispatch.concurrency = campaign_file::parse_concurrency(concurrency)
                .map_err(|error| CliError::new(Exit::Wrong, format!("--concurrency {concurrency}: {error}")))?;
        }
        Ok(())
    }

    /// Returns the folder for the reports of one run.
    pub(super) fn folder(&self, run: &Run) -> PathBuf {
        self.report_dir.join(run.id.to_string())
    }
}
