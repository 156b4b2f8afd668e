//! `campaigner completions SHELL` and `campaigner man`: files for the system, made from the same definitions as the
//! command line.

use std::io::Write as _;
use std::path::PathBuf;

use crate::cli::error::{CliError, Exit, cannot_print};

/// The arguments of `completions`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The shell
    shell: clap_complete::Shell,
}

/// The arguments of `man`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ManArgs {
    /// Write one page per command to this folder; without it, print the main page
    dir: Option<PathBuf>,
}

pub(in crate::cli) fn run(args: &Args, mut whole: clap::Command) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut whole, "campaigner", &mut script);
    std::io::stdout().lock().write_all(&script).map_err(cannot_print)?;
    Ok(Exit::Done)
}

pub(in crate::cli) fn man(args: &ManArgs, whole: clap::Command) -> Result<Exit, CliError> {
    match &args.dir {
        None => clap_mangen::Man::new(whole).render(&mut std::io::stdout().lock()).map_err(cannot_print)?,
        Some(folder) => {
            std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(whole, folder)).map_err(
                |error| {
                    CliError::new(Exit::Environment, format!("cannot write man pages to {}: {error}", folder.display()))
                },
            )?;
        }
    }
    Ok(Exit::Done)
}
