//! Opens the list and reads its first rows.

use std::fs;
use std::path::{Path, PathBuf};

use crate::campaign_file::parse_encoding;
use crate::cli::error::{CliError, Exit};
use crate::cli::init::asker::{Asker, missing, not_empty, wrong};
use crate::cli::init::options::Options;
use crate::model::{Header, NO_HEADER, Reading, Source};
use crate::recipients::{self, OpenError, Reader, Record, UnclearSheet};
use crate::text::{find_column, list, nearest, shown_column};

/// Rows that guesses are made from.
const SAMPLE: usize = 1_000;

/// The file extensions of lists, in lower case.
const CSV: [&str; 2] = ["csv", "tsv"];
const SHEETS: [&str; 5] = ["xlsx", "xlsm", "xlsb", "xls", "ods"];

/// A list, and its first rows.
pub(super) struct SampledList {
    pub(super) source: Source,
    pub(super) reading: Reading,
    pub(super) columns: Vec<String>,
    /// The cells of the first rows that can be read.
    pub(super) rows: Vec<Vec<String>>,
}

impl SampledList {
    /// Returns the name of the column that a person named.
    pub(super) fn column(&self, named: &str) -> Result<String, String> {
        self.position(named).map(|at| self.name(at).to_owned())
    }

    /// Returns the name of the column with this index.
    pub(super) fn name(&self, at: usize) -> &str {
        self.columns.get(at).map(String::as_str).unwrap_or_default()
    }

    /// Returns the index of the column that a person named.
    pub(super) fn position(&self, named: &str) -> Result<usize, String> {
        find_column(&self.columns, named).ok_or_else(|| {
            let names: Vec<&str> = self.columns.iter().map(String::as_str).collect();
            let hint = match nearest(named, &names) {
                Some(near) => format!("did you mean `{}`?", shown_column(near)),
                None => format!("the columns are {}", self.names()),
            };
            format!("the list has no column `{}`; {hint}", shown_column(named))
        })
    }

    /// Returns the names of the columns for a sentence.
    pub(super) fn names(&self) -> String {
        let names: Vec<String> = self.columns.iter().map(|name| shown_column(name)).collect();
        list(&names.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Returns the filled cells of the column at this position.
    pub(super) fn cells(&self, at: usize) -> impl Iterator<Item = &str> {
        self.rows.iter().filter_map(move |row| row.get(at)).map(String::as_str).filter(|cell| !cell.trim().is_empty())
    }
}

/// Opens the list. `folder` is that of the campaign, whose only list is the default.
pub(super) fn open(options: &Options, folder: &Path, asker: Asker) -> Result<SampledList, CliError> {
    let path = match &options.list {
        Some(path) => path.clone(),
        None if asker.can_ask() => {
            let default = only_list(folder).map(|path| path.display().to_string()).unwrap_or_default();
            let read = |answer: &str| {
                let path = as_typed(&not_empty(answer)?);
                match path.is_file() {
                    true => Ok(path),
                    false if path.exists() => Err(format!("{} is not a file", path.display())),
                    false => Err(format!("there is no file {}", path.display())),
                }
            };
            asker.ask("the list (CSV or spreadsheet)", &default, read)?
        }
        None => return Err(missing("no list was given", "--list FILE")),
    };
    let is_sheet = has_extension(&path, &SHEETS);
    if !is_sheet && options.sheet.is_some() {
        return Err(wrong("--sheet is for spreadsheets, whose names end in .xlsx, .xlsm, .xls or .ods"));
    }
    if is_sheet && options.encoding.is_some() {
        return Err(wrong("--encoding is for CSV files; leave it out"));
    }
    let mut sheet = options.sheet.clone();
    let mut reading = Reading { encoding: options.encoding, ..Reading::default() };
    loop {
        let source = match is_sheet {
            true => Source::Sheet { path: path.clone(), name: sheet.clone() },
            false => Source::Csv(path.clone()),
        };
        match recipients::open_any(source.clone(), reading.clone()) {
            Ok(reader) => return sample(reader, source, reading),
            Err(OpenError::UnclearSheet { from, unclear }) => {
                let UnclearSheet { problem, sheets, .. } = unclear;
                if !asker.can_ask() {
                    return Err(missing(
                        &format!("{from} {problem}"),
                        &format!("--sheet with one of these names: {sheets}"),
                    ));
                }
                asker.show(&format!("{from} {problem}; choose one of {sheets}"));
                sheet = Some(asker.ask("the sheet", "", not_empty)?);
            }
            Err(error @ OpenError::UnclearEncoding { .. }) if asker.can_ask() => {
                asker.show(&error.to_person());
                let read = |answer: &str| parse_encoding(answer).map_err(|error| error.to_string());
                reading.encoding = Some(asker.ask("the encoding", "", read)?);
            }
            Err(error @ OpenError::UnclearEncoding { .. }) => {
                let failure = CliError::from(error);
                let words = format!("{}\n  for this command, pass --encoding with the right encoding", failure.words);
                let shown = failure
                    .shown
                    .as_ref()
                    .map(|shown| format!("{shown}\n  for this command, pass --encoding with the right encoding"));
                return Err(CliError { words, shown, ..failure });
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Returns the path that a person typed: a terminal quotes a file that is dropped onto it, and no shell expands `~`.
fn as_typed(answer: &str) -> PathBuf {
    let is_quoted = |quote: char| answer.len() > 1 && answer.starts_with(quote) && answer.ends_with(quote);
    let path = match is_quoted('\'') || is_quoted('"') {
        true => &answer[1..answer.len() - 1],
        false => answer,
    };
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(below), Some(home)) => Path::new(&home).join(below),
        _ => PathBuf::from(path),
    }
}

fn sample(mut reader: Reader, source: Source, reading: Reading) -> Result<SampledList, CliError> {
    let columns = reader.columns().to_vec();
    if Header::new(&columns).is_person() {
        return Err(wrong(NO_HEADER));
    }
    let (mut rows, mut record) = (Vec::new(), Record::default());
    while rows.len() < SAMPLE && reader.read(&mut record).map_err(|error| CliError::of(Exit::Wrong, &error))? {
        if record.problem.is_none() {
            rows.push(record.cells.clone());
        }
    }
    if rows.is_empty() {
        return Err(wrong("the list has no rows after its header"));
    }
    Ok(SampledList { source, reading, columns, rows })
}

/// Returns the list in a folder, if there is exactly one.
fn only_list(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    let mut lists =
        entries.filter(|path| path.is_file() && (has_extension(path, &SHEETS) || has_extension(path, &CSV)));
    let only = lists.next()?;
    lists.next().is_none().then_some(only.strip_prefix("./").map(Path::to_owned).unwrap_or(only))
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let found = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    found.is_some_and(|found| extensions.contains(&found.as_str()))
}
