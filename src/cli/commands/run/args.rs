//! The arguments of `campaigner run`.

use std::path::PathBuf;

use crate::cli::confirm::Confirm;
use crate::cli::session::{Overrides, Sending};
use crate::store::Repeat;

/// The arguments of `run`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The campaign file
    pub(super) file: PathBuf,
    /// Send only to people not reached by an earlier run of this campaign
    #[arg(long, conflicts_with = "again")]
    pub(super) only_new: bool,
    /// Send to everyone, including people reached by earlier runs
    #[arg(long)]
    pub(super) again: bool,
    /// Send through this provider instead of the campaign's `provider`, as if the file named it
    #[arg(long, value_name = "NAME")]
    pub(super) provider: Option<String>,
    /// Check everything and print what would happen; store and send nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print the result (dry run, refusal or final summary) as one line of JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) confirm: Confirm,
    #[command(flatten)]
    pub(super) sending: Sending,
    #[command(flatten)]
    pub(super) overrides: Overrides,
}

impl Args {
    pub(super) fn repeat(&self) -> Repeat {
        match (self.only_new, self.again) {
            (true, _) => Repeat::OnlyNew,
            (_, true) => Repeat::Again,
            _ => Repeat::Unsaid,
        }
    }
}
