//! `campaigner verify [RUN]`: checks a run's records for consistency.

use crate::cli::error::{CliError, Exit, cannot_print};
use crate::cli::global::Global;
use crate::cli::output::console;
use crate::cli::value_parsers::run_id;
use crate::model::RunId;
use crate::store::Store;
use crate::text;

/// The arguments of `verify`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The run, NAME-N; the newest if left out
    #[arg(value_parser = run_id)]
    run: Option<RunId>,
}

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    let store = Store::open_existing(&global.db).await?;
    let run = store.run(args.run.as_ref()).await?;
    let findings = store.verify(&run).await?;
    let mut broken = 0;
    for finding in &findings {
        let line = if finding.broken == 0 {
            format!("ok      {}", finding.rule)
        } else {
            broken += 1;
            format!("FAILED  {} ({})", finding.rule, text::count(finding.broken, "fault"))
        };
        if !global.quiet || finding.broken > 0 {
            console::line(&line).map_err(cannot_print)?;
        }
    }
    if let Err(error) = store.may_send(false).await
        && error.is_out_of_date()
    {
        console::info(&format!("warning: {error}"));
    }
    if broken == 0 {
        if !global.quiet {
            let rows = text::count(store.tally(&run).await?.rows(), "row");
            console::line(&format!("{} is consistent: {rows}, each in exactly one state", run.id))
                .map_err(cannot_print)?;
        }
        return Ok(Exit::Done);
    }
    let advice = match run.purged_at {
        Some(_) => "",
        None if findings.iter().all(|finding| finding.broken == 0 || finding.is_the_providers()) => {
            "; the provider gave several messages the same id, so their statuses may belong to other rows. Report this to the \
             provider, and do not `retry` these rows as `failed`"
        }
        None if findings.iter().all(|finding| finding.broken == 0 || finding.is_the_marks()) => {
            "; before you send again, see \"Backups, and after a restore\" in docs/operations.md"
        }
        None => {
            "; send nothing from this store until you have restored a backup (\"Backups, and after a restore\" in \
             docs/operations.md)"
        }
    };
    Err(CliError::new(
        Exit::Environment,
        format!("{} is inconsistent: {broken} of {} checks failed{advice}", run.id, findings.len()),
    ))
}
