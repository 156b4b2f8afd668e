//! `campaigner completions SHELL`.

use crate::cli::error::{CliError, Exit, cannot_print};

/// The arguments of `completions`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The shell
    shell: clap_complete::Shell,
}

pub(in crate::cli) fn run(args: &Args, mut whole: clap::Command) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut whole, "campaigner", &mut script);
    std::io::Write::write_all(&mut std::io::stdout().lock(), &script).map_err(cannot_print)?;
    Ok(Exit::Done)
}
