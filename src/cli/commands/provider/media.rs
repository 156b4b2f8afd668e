//! `campaigner media`: uploads sample files for template headers to NXLink.

use clap::Subcommand;
use serde_json::json;

use crate::cli::config::template_accounts::{self, failure};
use crate::cli::error::{CliError, Exit, cannot_print};
use crate::cli::global::Global;
use crate::cli::output::console;

/// The arguments of `media`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Have NXLink fetch a file, and print the values for a definition's header
    Upload {
        /// The public URL of the file
        url: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    let Action::Upload { url, json } = &args.action;
    if !(url.starts_with("https://") || url.starts_with("http://")) || url.chars().any(char::is_control) {
        return Err(CliError::new(Exit::Wrong, format!("`{}` is not an http:// or https:// URL", url.escape_debug())));
    }
    let media = template_accounts::nxlink(global).await?.upload(url).await.map_err(failure)?;
    let print = |line: &str| console::line(line).map_err(cannot_print);
    if *json {
        console::data(&json!(media)).map_err(cannot_print)?;
        return Ok(Exit::Done);
    }
    print(&format!("media_id: {}", json!(media.media_id)))?;
    for (key, value) in [("file_name", &media.file_name), ("format", &media.media_type), ("handle", &media.handle)] {
        if let Some(value) = value {
            print(&format!("{key}: {}", json!(value)))?;
        }
    }
    Ok(Exit::Done)
}
