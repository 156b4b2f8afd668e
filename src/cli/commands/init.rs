//! `campaigner init [DIR]`: writes a campaign for a list and a template, and checks it.

use std::path::PathBuf;

use crate::cli::commands::check;
use crate::cli::commands::provider::pull;
use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::cli::init::{Options, gather, write_skeleton};
use crate::cli::output::console;

/// The arguments of `init`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "On a terminal, init asks for what the flags leave open. Elsewhere it guesses what is safe to guess, and \
                  names the flag for everything else. Each guess is named on the screen and in a comment of the file. \
                  The exit code is that of `check`."
)]
pub(in crate::cli) struct Args {
    /// Write the campaign into this folder
    #[arg(default_value = ".")]
    dir: PathBuf,
    #[command(flatten)]
    options: Options,
}

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    let draft = gather(&args.dir, &args.options, global).await?;
    if let Some((provider, name)) = &draft.pull {
        // The campaign is checked against the template in the store.
        pull::pull(*provider, std::slice::from_ref(name), false, global).await?;
    }
    draft.write()?;
    let configuration = draft.file.with_file_name("campaigner.toml");
    let made = write_skeleton(&configuration)?;
    let (file, command) = (draft.file.display(), global.command());
    if !global.quiet {
        console::info(&format!("wrote {file}"));
        if made {
            console::info(&format!("wrote {}, in which everything is commented out", configuration.display()));
        }
    }
    let checked = check::run(&check::Args::of(&draft.file), global).await;
    if !global.quiet {
        let cost = if draft.is_real { "; it costs what a message costs" } else { "" };
        console::info(&format!(
            "what is next:\n  \
             {command} check {file}               after each change\n  \
             {command} test {file} --to NUMBER    one message to a number of your own{cost}\n  \
             {command} run {file}                 to everyone on the list"
        ));
    }
    checked
}
