//! `campaigner report [RUN]`: writes a report, or compares two runs. The same store always gives the same bytes.

use std::io::{IsTerminal as _, Write};
use std::path::{Component, Path, PathBuf};

use crate::campaign_file;
use crate::cli::error::{CliError, Exit, cannot_print};
use crate::cli::global::Global;
use crate::cli::output::console;
use crate::cli::value_parsers::{run_id, state};
use crate::engine;
use crate::model::{AttemptRow, Millis, ReportRow, RunId, State};
use crate::report::{
    AttemptsReport, Comparison, CsvDialect, CsvReport, JsonLines, NewFile, ReportError, ReportFormat, RunFacts,
    Summary, XlsxReport, html, summary_json,
};
use crate::store::{Run, Store, Wanted};
use crate::text::escaped;

/// Endings of files that people would not expect to hold CSV.
const UNSUPPORTED: [&str; 6] = ["pdf", "doc", "docx", "xls", "xlsm", "ods"];

/// The arguments of `report`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The run, NAME-N; the newest if left out
    #[arg(value_parser = run_id)]
    run: Option<RunId>,
    /// Write csv, jsonl or xlsx (one line per row), or json or html (the figures) [default: from the extension of
    /// --output, otherwise csv; with --compare, a table]
    #[arg(long)]
    format: Option<ReportFormat>,
    /// Short for --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Include only rows in these states, separated by commas
    #[arg(long, value_name = "STATES", value_delimiter = ',', value_parser = state)]
    state: Vec<State>,
    /// Include only rows with these error codes, separated by commas. Rows delivered despite the error are included
    /// only if --state names their state
    #[arg(long, value_name = "CODES", value_delimiter = ',')]
    error: Vec<String>,
    /// Include only rows that were attempted, accepted, delivered, read or failed since this time: 2026-03-23,
    /// 2026-03-23T07:12:01Z, or 2h for two hours ago
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Since>,
    /// Include only rows that the provider accepted before this time: 2026-03-23, or 2d for two days ago
    #[arg(long, value_name = "TIME", value_parser = since)]
    accepted_before: Option<Since>,
    /// Append the columns of your list, so a filtered report can be used as a recipient list (csv,
    /// jsonl, xlsx)
    #[arg(long)]
    input: bool,
    /// Write one line per attempt instead of one per row: every request with its message id and its result (csv,
    /// jsonl)
    #[arg(long, conflicts_with_all = ["state", "error", "since", "accepted_before", "input", "compare"])]
    attempts: bool,
    /// Compare two runs (table, csv or json)
    #[arg(long, num_args = 2, value_names = ["RUN", "RUN"], value_parser = run_id, conflicts_with_all = ["run", "input"])]
    compare: Vec<RunId>,
    /// Start CSV with a byte order mark, so that Excel recognises UTF-8
    #[arg(long)]
    bom: bool,
    /// Separate the cells of CSV with this character, or `tab` [default: `,`]
    #[arg(long, value_name = "CHAR", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// Write to this file instead of standard output (`-`)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The time that `--since` or `--accepted-before` names.
#[derive(Clone, Debug)]
struct Since(Millis);

fn since(text: &str) -> Result<Since, String> {
    if let Some(time) = Millis::written(text) {
        return Ok(Since(time));
    }
    let ago = campaign_file::parse_duration(text).map_err(|_| {
        format!("`{text}` is neither a time in UTC (2026-03-23, 2026-03-23T07:12:01Z) nor a duration (90m, 2h, 3d)")
    })?;
    Ok(Since(Millis::now().minus(ago)))
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" => Ok(b'\t'),
        [byte] if byte.is_ascii_punctuation() && *byte != b'"' || *byte == b'\t' => Ok(*byte),
        _ => Err(format!("`{}` cannot separate cells; use one character such as ; or |, or tab", escaped(text))),
    }
}

impl Args {
    /// Returns the format that the arguments name, or else that of the output file's extension.
    fn named_format(&self) -> Option<ReportFormat> {
        let by_ending = || self.output.as_deref()?.extension()?.to_str()?.to_ascii_lowercase().parse().ok();
        if self.json { Some(ReportFormat::Json) } else { self.format.or_else(by_ending) }
    }

    /// Returns the output file; `None` for standard output.
    fn file(&self) -> Option<&Path> {
        self.output.as_deref().filter(|path| *path != Path::new("-"))
    }

    fn format(&self) -> ReportFormat {
        self.named_format().unwrap_or(ReportFormat::Csv)
    }

    fn dialect(&self) -> CsvDialect {
        let default = CsvDialect::default();
        CsvDialect { delimiter: self.delimiter.unwrap_or(default.delimiter), bom: self.bom }
    }

    /// Refuses options that the format does not have.
    fn verify(&self) -> Result<(), CliError> {
        use ReportFormat::{Csv, Html, Jsonl, Xlsx};
        let ending = self.file().and_then(Path::extension).map(|ending| ending.to_string_lossy().to_lowercase());
        if let (None, Some(ending)) =
            (self.named_format(), ending.filter(|ending| UNSUPPORTED.contains(&ending.as_str())))
        {
            let words = format!("campaigner cannot write .{ending} files; use .xlsx or .html, or pass --format");
            return Err(CliError::new(Exit::Wrong, words));
        }
        let format = self.format();
        let is_table = !self.compare.is_empty() && self.named_format().is_none();
        let words = if self.input && !matches!(format, Csv | Jsonl | Xlsx) {
            "--input needs --format csv, jsonl or xlsx, which have one line per row"
        } else if self.attempts && !matches!(format, Csv | Jsonl) {
            "--attempts needs --format csv or jsonl, which have one line per attempt"
        } else if !self.compare.is_empty() && matches!(format, Html | Jsonl | Xlsx) {
            "--compare needs --format csv or json; without --format, it prints a table"
        } else if (self.bom || self.delimiter.is_some()) && (format != Csv || is_table) {
            "--bom and --delimiter need --format csv"
        } else if format == Xlsx && self.file().is_none() && std::io::stdout().is_terminal() {
            "an xlsx report cannot be shown on a terminal; add -o FILE.xlsx"
        } else {
            return Ok(());
        };
        Err(CliError::new(Exit::Wrong, words))
    }

    fn wanted(&self) -> Wanted {
        Wanted { cells: self.input, since: self.since.as_ref().map(|since| since.0) }
    }

    /// Returns whether a row is wanted. A row that was delivered despite its error matches `--error` only if `--state`
    /// names its state, because rows selected by `--error` are often sent again.
    fn wants(&self, row: &ReportRow) -> bool {
        if self.accepted_before.as_ref().is_some_and(|end| row.accepted_at.is_none_or(|at| at >= end.0)) {
            return false;
        }
        let code = row.error_code.as_deref();
        let has_error = || self.error.iter().any(|error| Some(error.as_str()) == code);
        if self.state.is_empty() {
            self.error.is_empty() || (has_error() && !row.is_contradicted())
        } else {
            self.state.contains(&row.state) && (self.error.is_empty() || has_error())
        }
    }

    fn not_written(&self, source: std::io::Error) -> ReportError {
        ReportError::Write { path: self.output.clone().unwrap_or_else(|| "-".into()), source }
    }

    /// Returns which rows these are, in words; `None` if all rows are wanted.
    fn only(&self) -> Option<String> {
        let states: Vec<&str> = self.state.iter().map(|state| state.as_str()).collect();
        let mut words = Vec::new();
        if !states.is_empty() {
            words.push(format!("in state {}", states.join(" or ")));
        }
        if !self.error.is_empty() {
            words.push(format!("with error {}", self.error.join(" or ")));
        }
        words.extend(self.since.as_ref().map(|since| format!("changed since {}", since.0)));
        words.extend(self.accepted_before.as_ref().map(|end| format!("accepted before {}", end.0)));
        (!words.is_empty()).then(|| words.join(", "))
    }
}

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    args.verify()?;
    let store = Store::open_existing(&global.db).await?;
    match args.file() {
        Some(path) => {
            let runs: Vec<_> =
                if args.compare.is_empty() { vec![args.run.as_ref()] } else { args.compare.iter().map(Some).collect() };
            refuse_the_lists(&store, &runs, path).await?;
            let mut file = new_file(path, global)?;
            write(args, &store, &mut file).await?;
            file.replace().map_err(|error| CliError::of(Exit::Environment, &error))?;
            if !global.quiet {
                console::info(&format!("{}", path.display()));
            }
        }
        None => {
            let mut out = console::data_of_others();
            write(args, &store, &mut out).await?;
            out.flush().map_err(cannot_print)?;
        }
    }
    Ok(Exit::Done)
}

/// Refuses to overwrite the lists that runs were made from.
pub(in crate::cli) async fn refuse_the_lists(
    store: &Store,
    runs: &[Option<&RunId>],
    target: &Path,
) -> Result<(), CliError> {
    let Ok(whole) = target.canonicalize() else { return Ok(()) };
    for id in runs {
        let recipients = engine::thaw(&store.run(*id).await?)?.recipients;
        let Some(list) = recipients.source.path() else { continue };
        // A relative path starts in the folder where the run was started, which may be another one.
        let is_up = |part: &Component<'_>| matches!(part, Component::CurDir | Component::ParentDir);
        let below: PathBuf = list.components().skip_while(is_up).collect();
        if whole.ends_with(below) || list.canonicalize().is_ok_and(|list| list == whole) {
            let words = format!(
                "{} is the list of a run and would be overwritten; choose another output file",
                target.display()
            );
            return Err(CliError::new(Exit::Wrong, words));
        }
    }
    Ok(())
}

/// Creates an output file; refuses to overwrite the configuration, a campaign or the store.
pub(in crate::cli) fn new_file(path: &Path, global: &Global) -> Result<NewFile, CliError> {
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    if path.exists() && extension.is_some_and(|extension| ["yaml", "yml", "toml"].iter().any(|own| extension == *own)) {
        let words = format!(
            "{} exists and may be a campaign or a configuration; choose an output file with another extension",
            path.display()
        );
        return Err(CliError::new(Exit::Wrong, words));
    }
    refuse_the_stores_files(path, global)?;
    NewFile::create(path).map_err(|error| CliError::of(Exit::Environment, &error))
}

/// Refuses to write to a file that belongs to the store, such as the lock of a running run.
pub(in crate::cli) fn refuse_the_stores_files(path: &Path, global: &Global) -> Result<(), CliError> {
    match Store::owns(&global.db, path) {
        true => {
            let words = format!("{} belongs to the store; choose another output file", path.display());
            Err(CliError::new(Exit::Wrong, words))
        }
        false => Ok(()),
    }
}

async fn write(args: &Args, store: &Store, out: &mut impl Write) -> Result<(), CliError> {
    if let [first, second] = args.compare.as_slice() {
        let (first, second) = (store.run(Some(first)).await?, store.run(Some(second)).await?);
        first.not_purged()?;
        second.not_purged()?;
        let compared = Comparison::new(&summary(args, store, &first).await?, &summary(args, store, &second).await?);
        return match args.named_format() {
            None => out.write_all(compared.text().as_bytes()),
            Some(ReportFormat::Csv) => compared.csv(out, args.dialect()),
            _ => writeln!(out, "{:#}", compared.json()),
        }
        .map_err(cannot_print);
    }
    let run = store.run(args.run.as_ref()).await?;
    run.not_purged()?;
    if args.attempts {
        let mut report = AttemptsReport::new(out, args.format(), args.dialect()).map_err(cannot_print)?;
        let write = |attempt: &AttemptRow| report.write(attempt).map_err(|source| args.not_written(source));
        engine::each_attempt(store, &run, write).await?;
        return report.finish().map_err(cannot_print);
    }
    let columns = if args.input { run.columns.as_slice() } else { &[] };
    let text = match args.format() {
        ReportFormat::Csv => {
            let mut csv = CsvReport::new(out, args.dialect(), columns).map_err(cannot_print)?;
            rows(args, store, &run, |row| csv.write(row)).await?;
            csv.finish().map_err(cannot_print)?;
            return Ok(());
        }
        ReportFormat::Jsonl => {
            let mut lines = JsonLines::new(out, columns);
            rows(args, store, &run, |row| lines.write(row)).await?;
            return lines.finish().map_err(cannot_print);
        }
        ReportFormat::Xlsx => {
            let mut summary = empty_summary(args, store, &run).await?;
            let mut xlsx = XlsxReport::new(out, summary.zone().clone(), columns).map_err(cannot_print)?;
            rows(args, store, &run, |row| {
                summary.add(row);
                xlsx.write(row)
            })
            .await?;
            xlsx.finish(&summary).map_err(cannot_print)?;
            return Ok(());
        }
        ReportFormat::Json => summary_json(&summary(args, store, &run).await?),
        ReportFormat::Html => {
            html(&summary(args, store, &run).await?).map_err(|error| CliError::of(Exit::Environment, &error))?
        }
    };
    out.write_all(text.as_bytes()).map_err(cannot_print)
}

/// Calls `each` with every wanted row.
async fn rows(
    args: &Args,
    store: &Store,
    run: &Run,
    mut each: impl FnMut(&ReportRow) -> std::io::Result<()>,
) -> Result<(), CliError> {
    let channel = engine::thaw(run)?.channel;
    let each =
        |row: &ReportRow| if args.wants(row) { each(row).map_err(|source| args.not_written(source)) } else { Ok(()) };
    Ok(engine::each_row(store, run, channel, args.wanted(), each).await?)
}

/// Returns the figures of the wanted rows.
async fn summary(args: &Args, store: &Store, run: &Run) -> Result<Summary, CliError> {
    let mut summary = empty_summary(args, store, run).await?;
    rows(args, store, run, |row| {
        summary.add(row);
        Ok(())
    })
    .await?;
    Ok(summary)
}

/// Returns figures without rows.
async fn empty_summary(args: &Args, store: &Store, run: &Run) -> Result<Summary, CliError> {
    let facts = engine::facts(store, run, &engine::thaw(run)?).await?;
    let only = args.only();
    // Replies are counted only for the whole run.
    let replies = facts.replies.filter(|_| only.is_none());
    Ok(Summary::new(RunFacts { only, replies, ..facts }))
}
