//! `campaigner completions SHELL`.

use clap::CommandFactory;

use super::exit::{Exit, Failure};
use super::{Cli, cannot_print};

/// What `completions` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    shell: clap_complete::Shell,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "campaigner", &mut script);
    std::io::Write::write_all(&mut std::io::stdout().lock(), &script).map_err(cannot_print)?;
    Ok(Exit::Done)
}
