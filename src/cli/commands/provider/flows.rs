//! `campaigner flows`: lists the WhatsApp flows that a button can open.

use clap::Subcommand;
use serde_json::json;

use crate::cli::config::template_accounts::{self, failure};
use crate::cli::error::{CliError, Exit, cannot_print};
use crate::cli::global::Global;
use crate::cli::output::console;

/// The arguments of `flows`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the flows of the NXLink account
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    let Action::List { json } = &args.action;
    let flows = template_accounts::nxlink(global).await?.flows().await.map_err(failure)?;
    if *json {
        console::data(&json!(flows)).map_err(cannot_print)?;
        return Ok(Exit::Done);
    }
    for flow in flows {
        let line = format!("{:<20}  {:<12}  {}  {}", flow.id, flow.status, flow.name, flow.categories.join(", "));
        console::line(&line).map_err(cannot_print)?;
    }
    Ok(Exit::Done)
}
