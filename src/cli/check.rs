//! `campaigner check FILE`: everything that `run` would check, nothing sent.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::exit::{Exit, Failure};
use super::folded::{self, Folded};
use super::{Global, cannot_print, config, screen, session};
use crate::campaign_file;
use crate::engine::{Bad, PlanError, Warning};
use crate::model::Source;
use crate::report::{NewFile, ReportError};

/// What `check` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The campaign file
    file: PathBuf,
    /// Write the rows that cannot be sent as CSV, with the input's columns and a column `problem`
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Print every problem as a line of JSON, and the totals last
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let loaded = campaign_file::read(&args.file)?;
    let plan = folded::plan(&loaded)?;
    if let Some(target) = &args.rejects {
        let mut others = vec![args.file.as_path()];
        if let Source::Csv(list) = &loaded.campaign.recipients.source {
            others.push(list);
        }
        screen::refuse_to_overwrite(target, &others)?;
    }
    config::known(&loaded.campaign.provider, global)?;
    let mut rejects = args.rejects.as_deref().map(|path| Rejects::create(path, plan.columns())).transpose()?;
    let progress = session::progress(global);
    let mut folded = Folded::default();
    let each = |bad: Bad<'_>| {
        if args.json {
            screen::stream(&as_json(&bad).to_string()).map_err(PlanError::Tell)?;
        } else {
            folded.add(&bad);
        }
        if let (Some(rejects), Bad::Invalid { row, problem }) = (&mut rejects, &bad) {
            rejects.add(&row.cells, &problem.message).map_err(|error| PlanError::Tell(error.into()))?;
        }
        Ok(())
    };
    let checked = plan.check(each, &progress.events()).await;
    progress.finish();
    let checked = match checked {
        // `| head` has seen enough.
        Err(PlanError::Tell(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(Exit::Done),
        checked => checked?,
    };
    let rejects = rejects.map(Rejects::finish).transpose()?;
    let good = checked.rows - checked.invalid - checked.duplicates;
    if args.json {
        for warning in &checked.warnings {
            screen::data(&warning_as_json(warning).to_string()).map_err(cannot_print)?;
        }
        let totals = json!({
            "rows": checked.rows, "sendable": good, "invalid": checked.invalid, "duplicate": checked.duplicates,
        });
        screen::data(&totals.to_string()).map_err(cannot_print)?;
    } else {
        for line in folded.lines().into_iter().chain(checked.warnings.iter().map(folded::warning)) {
            screen::data(&line).map_err(cannot_print)?;
        }
        screen::data(&format!(
            "{}: {} can be sent, {} invalid, {}",
            screen::count(checked.rows, "row"),
            screen::grouped(good),
            screen::grouped(checked.invalid),
            screen::count(checked.duplicates, "duplicate"),
        ))
        .map_err(cannot_print)?;
    }
    if let Some(path) = rejects {
        screen::say(&format!("the rows that cannot be sent are in {}", path.display()));
    }
    Ok(if checked.invalid > 0 || good == 0 { Exit::Wrong } else { Exit::Done })
}

fn as_json(bad: &Bad<'_>) -> serde_json::Value {
    match bad {
        Bad::Invalid { row, problem } => json!({
            "row": row.row.0, "line": row.line, "code": problem.code, "message": problem.message,
        }),
        Bad::Duplicate { row, earlier } => json!({
            "row": row.0, "code": "duplicate", "message": format!("the same number as row {earlier}"),
        }),
    }
}

fn warning_as_json(warning: &Warning) -> serde_json::Value {
    json!({
        "severity": "warning", "code": warning.code, "path": warning.path, "message": warning.message,
        "rows": warning.rows,
    })
}

/// The rows that cannot be sent, as a CSV to mend and use again.
struct Rejects {
    csv: csv::Writer<NewFile>,
    columns: usize,
}

impl Rejects {
    fn create(path: &Path, columns: &[String]) -> Result<Self, Failure> {
        let file = NewFile::create(path).map_err(failed)?;
        let mut csv = csv::WriterBuilder::new().flexible(true).from_writer(file);
        csv.write_record(columns.iter().map(String::as_str).chain(["problem"]))
            .map_err(|error| Failure::of(Exit::Environment, &error))?;
        Ok(Self { csv, columns: columns.len() })
    }

    fn add(&mut self, cells: &str, problem: &str) -> csv::Result<()> {
        let mut cells: Vec<String> = serde_json::from_str(cells).unwrap_or_default();
        // A ragged row keeps what it has; the problem always stands in its own column.
        cells.resize(self.columns.max(cells.len()), String::new());
        cells.insert(self.columns, problem.to_owned());
        self.csv.write_record(&cells)
    }

    fn finish(self) -> Result<PathBuf, Failure> {
        let file = self.csv.into_inner().map_err(|error| {
            Failure::new(Exit::Environment, format!("the rejects could not be written: {}", error.error()))
        })?;
        file.replace().map_err(failed)
    }
}

fn failed(error: ReportError) -> Failure {
    Failure::of(Exit::Environment, &error)
}
