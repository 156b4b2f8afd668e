//! `campaigner init [DIR]`: writes a campaign for a list and a template, and checks it.

use std::path::PathBuf;

use crate::cli::commands::check;
use crate::cli::commands::provider::pull;
use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::cli::init::{Draft, Options, gather, remove};
use crate::cli::output::console;
use crate::text::shell_word;

/// The arguments of `init`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "On a terminal, init asks for whatever the options leave open. Elsewhere it guesses what is safe to \
                  guess; for anything else, it fails and says which option to pass. Each guess is recorded in a \
                  comment in the file, and `check` shows the guess until the comment is removed. A template variable \
                  for which no column is found is marked `to do` in the file, for you to complete. The exit code is that of `check`."
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
    let written = draft.write(global)?;
    if let Some((provider, name)) = &draft.pull {
        // The campaign is checked against the template in the store.
        pull::pull(*provider, std::slice::from_ref(name), false, global).await.inspect_err(|_| remove(&written))?;
    }
    if !global.quiet {
        for file in &written {
            console::info(&format!("wrote {}", file.display()));
        }
    }
    let checked = check::run(&check::Args::of(&draft.file), global).await;
    if !global.quiet {
        next(&draft, global);
    }
    checked
}

/// Shows the next commands.
fn next(draft: &Draft, global: &Global) {
    let (path, command) = (draft.file.display().to_string(), global.command());
    let file = shell_word(&path);
    let mut lines = vec!["next steps:".to_owned()];
    let mut step = |what: &str, arguments: &str| {
        lines.push(format!("  {what}:"));
        lines.push(format!("    {command} {arguments}"));
    };
    let to_do =
        if draft.is_open { format!("complete every line marked `to do` in {path}; then ") } else { String::new() };
    step(&format!("{to_do}check the campaign, and check it again after each change"), &format!("check {file}"));
    let cost = if draft.is_real { " (it is charged like any other message)" } else { "" };
    step(&format!("send one message to your own number{cost}"), &format!("test {file} --to NUMBER"));
    if draft.is_scheduled {
        let folder = draft.file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.map_or_else(|| ".".to_owned(), |folder| folder.display().to_string());
        step("see when it starts", &format!("schedule explain {file}"));
        step("start it at that time", &format!("serve {}", shell_word(&folder)));
    } else {
        step("send to everyone on the list", &format!("run {file}"));
    }
    console::info(&lines.join("\n"));
}
