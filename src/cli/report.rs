//! `campaigner report [RUN]`: any report, as often as wanted, the same bytes for the same store.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::exit::{Exit, Failure};
use super::{Global, run_id, screen, state};
use crate::engine;
use crate::model::{Campaign, RunId, State};
use crate::report::{CsvReport, Format, NewFile, ReportError, Summary, html, summary_json};
use crate::store::{Run, Store};

/// What `report` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run, NAME-N; the newest if left out
    #[arg(value_parser = run_id)]
    run: Option<RunId>,
    /// csv: one line a row; json and html: the figures
    #[arg(long, default_value_t = Format::Csv)]
    format: Format,
    /// Only rows in these states; several with commas
    #[arg(long, value_name = "STATES", value_delimiter = ',', value_parser = state)]
    state: Vec<State>,
    /// Append the row's own columns, so that a filtered report is a ready recipient list (csv)
    #[arg(long)]
    input: bool,
    /// Into this file instead of standard output (`-`)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) async fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    if args.input && args.format != Format::Csv {
        return Err(Failure::new(Exit::Wrong, "--input goes with --format csv: only there has each row a line"));
    }
    let store = Store::open_existing(&global.db).await?;
    let run = store.run(args.run.as_ref()).await?;
    let campaign = engine::thaw(&run)?;
    match args.output.as_deref().filter(|path| *path != Path::new("-")) {
        Some(path) => {
            let beside = |ending: &str| PathBuf::from(format!("{}{ending}", global.db.display()));
            let (log, index, config) = (beside("-wal"), beside("-shm"), Path::new("campaigner.toml"));
            screen::refuse_to_overwrite(path, &[&global.db, &log, &index, config])?;
            let mut file = NewFile::create(path).map_err(|error| Failure::of(Exit::Environment, &error))?;
            write(args, &store, &run, &campaign, &mut file).await?;
            file.replace().map_err(|error| Failure::of(Exit::Environment, &error))?;
            if !global.quiet {
                screen::say(&format!("{}", path.display()));
            }
        }
        None => {
            let mut out = BufWriter::new(std::io::stdout());
            write(args, &store, &run, &campaign, &mut out).await?;
            out.flush().map_err(super::cannot_print)?;
        }
    }
    Ok(Exit::Done)
}

async fn write(
    args: &Args,
    store: &Store,
    run: &Run,
    campaign: &Campaign,
    mut out: &mut (impl Write + ?Sized),
) -> Result<(), Failure> {
    let failed = |source| ReportError::Write { path: args.output.clone().unwrap_or_else(|| "-".into()), source };
    let wanted = |state: State| args.state.is_empty() || args.state.contains(&state);
    if args.format == Format::Csv {
        let columns = if args.input { run.columns.as_slice() } else { &[] };
        let mut csv = CsvReport::new(&mut out, columns).map_err(super::cannot_print)?;
        engine::each_row(store, run, campaign.channel, args.input, |row| {
            if wanted(row.state) { csv.write(row).map_err(failed) } else { Ok(()) }
        })
        .await?;
        csv.finish().map_err(super::cannot_print)?;
        return Ok(());
    }
    let mut summary = Summary::new(engine::facts(run, campaign));
    engine::each_row(store, run, campaign.channel, false, |row| {
        if wanted(row.state) {
            summary.add(row);
        }
        Ok(())
    })
    .await?;
    let text = match args.format {
        Format::Html => html(&summary).map_err(|error| Failure::of(Exit::Environment, &error))?,
        Format::Json | Format::Csv => summary_json(&summary),
    };
    out.write_all(text.as_bytes()).map_err(super::cannot_print)
}
