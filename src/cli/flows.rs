//! `campaigner flows`: the WhatsApp flows that a button may open.

use clap::Subcommand;
use serde_json::json;

use super::desks::{self, failure};
use super::exit::{Exit, Failure};
use super::{Global, cannot_print, screen};

/// What `flows` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// All flows of the NXLink account
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let Action::List { json } = &args.action;
    let flows = desks::nxlink(global).await?.flows().await.map_err(failure)?;
    if *json {
        screen::data(&json!(flows)).map_err(cannot_print)?;
        return Ok(Exit::Done);
    }
    for flow in flows {
        let line = format!("{:<20}  {:<12}  {}  {}", flow.id, flow.status, flow.name, flow.categories.join(", "));
        screen::line(&line).map_err(cannot_print)?;
    }
    Ok(Exit::Done)
}
