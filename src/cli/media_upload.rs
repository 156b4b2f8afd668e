//! `campaigner media`: files that NXLink fetches to be the samples of headers.

use clap::Subcommand;
use serde_json::json;

use super::desks::{self, failure};
use super::exit::{Exit, Failure};
use super::{Global, cannot_print, screen};

/// What `media` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Have NXLink fetch a file; prints what a header of a definition needs
    Upload {
        /// A public address
        url: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let Action::Upload { url, json } = &args.action;
    if !(url.starts_with("https://") || url.starts_with("http://")) || url.chars().any(char::is_control) {
        return Err(Failure::new(Exit::Wrong, format!("`{}` is not the address of a file", url.escape_debug())));
    }
    let media = desks::nxlink(global).await?.upload(url).await.map_err(failure)?;
    let print = |line: &str| screen::line(line).map_err(cannot_print);
    if *json {
        screen::data(&json!(media)).map_err(cannot_print)?;
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
