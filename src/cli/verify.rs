//! `campaigner verify [RUN]`: proves the books.

use super::exit::{Exit, Failure};
use super::{Global, cannot_print, run_id, screen};
use crate::model::RunId;
use crate::store::Store;

/// What `verify` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run, NAME-N; the newest if left out
    #[arg(value_parser = run_id)]
    run: Option<RunId>,
}

pub(super) async fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let store = Store::open_existing(&global.db).await?;
    let run = store.run(args.run.as_ref()).await?;
    let findings = store.verify(&run).await?;
    let mut broken = 0;
    for finding in &findings {
        let line = if finding.broken == 0 {
            format!("holds   {}", finding.rule)
        } else {
            broken += 1;
            format!("BROKEN  {} ({})", finding.rule, screen::count(finding.broken, "time"))
        };
        if !global.quiet || finding.broken > 0 {
            screen::line(&line).map_err(cannot_print)?;
        }
    }
    if broken == 0 {
        if !global.quiet {
            let rows = screen::count(store.tally(&run).await?.rows(), "row");
            screen::line(&format!("the books of {} are right: {rows}, each in one state", run.id))
                .map_err(cannot_print)?;
        }
        return Ok(Exit::Done);
    }
    Err(Failure::new(
        Exit::Environment,
        format!("the books of {} are wrong: {broken} of {} rules are broken", run.id, findings.len()),
    ))
}
