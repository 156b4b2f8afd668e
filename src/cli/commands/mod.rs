//! The commands, one file each.

mod cancel;
mod check;
mod completions;
mod doctor;
mod find;
mod init;
mod pause;
mod preview;
mod provider;
mod purge;
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
mod test_message;
mod verify;
mod workers;

use clap::Subcommand;

use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::cli::serve;
use provider::{flows, media, templates};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// Write a campaign for a list and a template, and check it
    Init(init::Args),
    /// Check everything that `run` would check; nothing is sent
    Check(check::Args),
    /// Print the exact JSON bodies that would be posted
    Preview(preview::Args),
    /// Send one row's message to your own number
    Test(test_message::Args),
    /// Import, send, collect statuses and report; continue an unfinished run with the same content
    Run(run::Args),
    /// Continue a run without its campaign file and list, and lift a pause
    Resume(resume::Args),
    /// Run the campaigns in a folder when they are due, collect statuses, and serve HTTP
    Serve(serve::Args),
    /// Send and finish every unfinished run in the store, together with other processes if the store is on a server
    Work(serve::WorkArgs),
    /// List the processes that send runs, if the store is on a server
    Workers(workers::Args),
    /// Show when campaigns run, or why they do not
    Schedule(schedule::Args),
    /// Poll statuses until all are final or the campaign's `reconcile.for` has passed
    Reconcile(reconcile::Args),
    /// Show the state of a run
    Status(status::Args),
    /// Show what was sent to one person across all runs, when, and with what result
    Find(find::Args),
    /// Write a report on a run
    Report(report::Args),
    /// List replies, one per line (docs/webhooks.md)
    Replies(replies::Args),
    /// Send rows again, after asking for confirmation
    Retry(retry::Args),
    /// Record what happened to uncertain rows
    Settle(settle::Args),
    /// Pause sending until `resume`, whichever process is working on the run
    Pause(pause::PauseArgs),
    /// Change the rate of a run, even while it is being sent
    Rate(pause::RateArgs),
    /// Stop sending for good; requests in flight finish
    Cancel(cancel::Args),
    /// Delete the recipients and replies of finished runs; keep their counts
    Purge(purge::Args),
    /// Check a run's records for consistency
    Verify(verify::Args),
    /// Manage the suppression list
    Suppress(suppress::Args),
    /// Manage templates in NXLink and Alibaba Cloud CAMS, and pull Meta's
    Templates(templates::Args),
    /// List WhatsApp flows in NXLink
    Flows(flows::Args),
    /// Upload files for template headers to NXLink
    Media(media::Args),
    /// Run the simulated provider as a server
    Simulator(simulator::Args),
    /// Check configuration, store, clock, network and accounts, and say how to fix problems
    Doctor(doctor::Args),
    /// Print completions for a shell
    Completions(completions::Args),
    /// Print the man page, or write one page per command to a folder
    Man(completions::ManArgs),
}

impl Command {
    /// Runs the command and returns its exit code. `whole` is the command line that completions are generated for.
    pub(in crate::cli) async fn run(self, global: &Global, whole: clap::Command) -> Result<Exit, CliError> {
        match self {
            Self::Init(args) => init::run(&args, global).await,
            Self::Check(args) => check::run(&args, global).await,
            Self::Preview(args) => preview::run(&args, global).await,
            Self::Test(args) => test_message::run(&args, global).await,
            Self::Run(args) => run::run(&args, global).await,
            Self::Resume(args) => resume::run(&args, global).await,
            Self::Serve(args) => serve::run(&args, global).await,
            Self::Work(args) => serve::work(&args, global).await,
            Self::Workers(args) => workers::run(&args, global).await,
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
            Self::Purge(args) => purge::run(&args, global).await,
            Self::Verify(args) => verify::run(&args, global).await,
            Self::Suppress(args) => suppress::run(&args, global).await,
            Self::Templates(args) => templates::run(&args, global).await,
            Self::Flows(args) => flows::run(&args, global).await,
            Self::Media(args) => media::run(&args, global).await,
            Self::Simulator(args) => simulator::run(&args).await,
            Self::Doctor(args) => doctor::run(&args, global).await,
            Self::Completions(args) => completions::run(&args, whole),
            Self::Man(args) => completions::man(&args, whole),
        }
    }
}
