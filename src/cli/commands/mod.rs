//! The commands, one file each.

mod cancel;
mod check;
mod completions;
mod find;
mod flows;
mod media;
mod pause;
mod preview;
mod pull;
mod reconcile;
mod replies;
pub(in crate::cli) mod report;
pub(in crate::cli) mod resume;
mod retry;
pub(in crate::cli) mod run;
mod schedule;
mod settle;
mod simulator;
mod status;
mod suppress;
mod templates;
mod verify;

use clap::Subcommand;

use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::cli::serve;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// Check everything that `run` would check; nothing is sent
    Check(check::Args),
    /// Print the exact JSON bodies that would be posted
    Preview(preview::Args),
    /// Import, send, reconcile, report; goes on by itself with an unfinished run of the same content
    Run(run::Args),
    /// Go on with a run from the store alone, and lift a pause
    Resume(resume::Args),
    /// Run what is due of a folder of campaigns, collect all statuses, and answer over HTTP
    Serve(serve::Args),
    /// When campaigns run, and why not
    Schedule(schedule::Args),
    /// Ask for statuses until all are final or the horizon is over
    Reconcile(reconcile::Args),
    /// Show what is where
    Status(status::Args),
    /// Find one person in all runs: what was sent, when, and what became of it
    Find(find::Args),
    /// Write a report, as often as wanted
    Report(report::Args),
    /// What people sent back, one line each (docs/webhooks.md)
    Replies(replies::Args),
    /// Put rows back to be sent again, after a person's yes, then go on
    Retry(retry::Args),
    /// Say what became of uncertain rows, once a person found out
    Settle(settle::Args),
    /// Stop sending for a while; `resume` goes on, whichever process is at work
    Pause(pause::Pause),
    /// Give a run another rate, also while it is at work
    Rate(pause::Change),
    /// No further sends; what is in flight ends
    Cancel(cancel::Args),
    /// Prove the books of a run
    Verify(verify::Args),
    /// The list of numbers that get nothing
    Suppress(suppress::Args),
    /// Templates at NXLink and Alibaba's CAMS
    Templates(templates::Args),
    /// WhatsApp flows at NXLink
    Flows(flows::Args),
    /// Files for the headers of templates, at NXLink
    Media(media::Args),
    /// The simulated provider on its own
    Simulator(simulator::Args),
    /// Print completions for a shell
    Completions(completions::Args),
}

impl Command {
    /// Runs the command and returns its exit code. `whole` is the command line that completions are for.
    pub(in crate::cli) async fn run(self, global: &Global, whole: clap::Command) -> Result<Exit, CliError> {
        match self {
            Self::Check(args) => check::run(&args, global).await,
            Self::Preview(args) => preview::run(&args, global).await,
            Self::Run(args) => run::run(&args, global).await,
            Self::Resume(args) => resume::run(&args, global).await,
            Self::Serve(args) => serve::run(&args, global).await,
            Self::Schedule(args) => schedule::run(&args, global).await,
            Self::Reconcile(args) => reconcile::run(&args, global).await,
            Self::Status(args) => status::run(&args, global).await,
            Self::Find(args) => find::run(&args, global).await,
            Self::Report(args) => report::run(&args, global).await,
            Self::Replies(args) => replies::run(&args, global).await,
            Self::Retry(args) => retry::run(&args, global).await,
            Self::Settle(args) => settle::run(&args, global).await,
            Self::Pause(args) => pause::pause(&args, global).await,
            Self::Rate(args) => pause::change(&args, global).await,
            Self::Cancel(args) => cancel::run(&args, global).await,
            Self::Verify(args) => verify::run(&args, global).await,
            Self::Suppress(args) => suppress::run(&args, global).await,
            Self::Templates(args) => templates::run(&args, global).await,
            Self::Flows(args) => flows::run(&args, global).await,
            Self::Media(args) => media::run(&args, global).await,
            Self::Simulator(args) => simulator::run(&args).await,
            Self::Completions(args) => completions::run(&args, whole),
        }
    }
}
