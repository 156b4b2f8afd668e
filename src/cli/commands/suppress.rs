//! `campaigner suppress`: manages the suppression list, the numbers that no run sends to.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use encoding_rs::Encoding;
use serde_json::json;

use crate::campaign_file::parse_encoding;
use crate::cli::error::{CliError, Exit, cannot_print, in_old_spelling, number_in_words};
use crate::cli::global::Global;
use crate::cli::output::console;
use crate::cli::session::load;
use crate::model::{CellProblem, Flaw, Millis, Phone, Reading, Recipients, RowProblem, Source};
use crate::recipients::{self, Numbers, Record};
use crate::store::{PossibleOptOut, Store};
use crate::text;
use crate::text::{escape_formula, escaped_lines, find_column, redact_numbers, unescape_formula};

/// The arguments of `suppress`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add numbers, with immediate effect, even for runs in progress
    Add {
        /// Numbers with country code
        #[arg(required = true)]
        numbers: Vec<String>,
        /// Record this reason; it appears in reports
        #[arg(long)]
        reason: Option<String>,
        /// Read national numbers as numbers of this region, such as HK
        #[arg(long)]
        region: Option<String>,
    },
    /// Remove numbers
    Remove {
        /// Numbers with country code
        #[arg(required = true)]
        numbers: Vec<String>,
        /// Read national numbers as numbers of this region, such as HK
        #[arg(long)]
        region: Option<String>,
    },
    /// Print the list as CSV
    List,
    /// List the replies that may be opt-outs, each with the command that suppresses the number
    #[command(after_help = REVIEW_HELP)]
    Review {
        /// Print one JSON object per line instead of CSV
        #[arg(long)]
        json: bool,
    },
    /// Remove people's replies from the `review` list; these people still receive messages
    Dismiss {
        /// Numbers with country code
        #[arg(required = true)]
        numbers: Vec<String>,
        /// Read national numbers as numbers of this region, such as HK
        #[arg(long)]
        region: Option<String>,
    },
    /// Add every number in a CSV or a spreadsheet, with the reason in its column `reason`, if there is one
    Import {
        /// A CSV file, a pipe that carries CSV, such as /dev/stdin, or a spreadsheet (.xlsx, .xlsm, .xls, .ods)
        file: PathBuf,
        /// Read the number from this column
        #[arg(long, default_value = "phone", value_parser = clap::builder::NonEmptyStringValueParser::new())]
        column: String,
        /// Read this sheet of the spreadsheet
        #[arg(long, value_name = "NAME")]
        sheet: Option<String>,
        /// Record this reason instead of those in the file; it appears in reports
        #[arg(long)]
        reason: Option<String>,
        /// Read national numbers as numbers of this region, such as HK
        #[arg(long)]
        region: Option<String>,
        /// Read the file in this encoding, such as gbk; the encoding is detected for a file, but not for a pipe
        #[arg(long, value_parser = parse_encoding)]
        encoding: Option<&'static Encoding>,
    },
}

/// The hint for numbers without a country code.
const REGION_HINT: &str = "for national numbers, set the region with --region (for example --region DE)";

const REVIEW_HELP: &str = "A reply is listed if it is a short text with a stop word, or with a phrase such as \
    \"don't message\"; docs/webhooks.md has the rule. Nobody is suppressed until you decide. `suppress add` and `suppress dismiss` \
    take a number off this list. After `dismiss`, later replies from that number are listed again.";

/// The columns of `review`.
const REVIEW_COLUMNS: [&str; 6] = ["phone", "run", "row", "time", "text", "command"];

/// The reason that the commands of `review` give.
const REVIEW_REASON: &str = "asked for no more messages";

/// Numbers added in one statement, and listed in one query.
const PAGE: usize = 1000;

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    let store = match &args.action {
        // Listing does not create a store.
        Action::List | Action::Review { .. } => Store::open_if_there(&global.db).await?,
        _ => Some(Store::open(&global.db).await?),
    };
    let Some(store) = store else {
        match &args.action {
            Action::Review { json: true } => {}
            Action::Review { .. } => console::line(&REVIEW_COLUMNS.join(",")).map_err(cannot_print)?,
            _ => console::line("phone,reason,added_at").map_err(cannot_print)?,
        }
        return Ok(Exit::Done);
    };
    match &args.action {
        Action::Add { numbers, reason, region } => {
            let phones = read(&store, numbers, region.as_deref()).await?;
            let new = store.suppress(&phones, reason.as_deref(), Millis::now()).await?;
            store.close().await?;
            let known = (phones.len() as u64).saturating_sub(new);
            let already =
                if known > 0 { format!("; {} already on it", text::count_are(known, "number")) } else { String::new() };
            info(global, &format!("{} added to the suppression list{already}", text::count(new, "number")));
            Ok(Exit::Done)
        }
        Action::Remove { numbers, region } => {
            let phones = read(&store, numbers, region.as_deref()).await?;
            let gone = store.unsuppress(&phones).await?;
            store.close().await?;
            let unknown = (phones.len() as u64).saturating_sub(gone);
            let words = match (gone, unknown) {
                (0, _) => {
                    format!("nothing removed: {} not on the suppression list", text::count_are(unknown, "number"))
                }
                (_, 0) => format!("{} removed from the suppression list", text::count(gone, "number")),
                _ => format!(
                    "{} removed from the suppression list; {} not on it",
                    text::count(gone, "number"),
                    text::count_are(unknown, "number")
                ),
            };
            info(global, &words);
            Ok(Exit::Done)
        }
        Action::List => list(&store).await,
        Action::Review { json } => review(&store, *json, &global.command()).await,
        Action::Dismiss { numbers, region } => {
            let phones = read(&store, numbers, region.as_deref()).await?;
            let replies = store.dismiss_possible_opt_outs(&phones).await?;
            store.close().await?;
            info(global, &format!("{} dismissed", text::count(replies, "possible opt-out")));
            Ok(Exit::Done)
        }
        Action::Import { file, column, sheet, reason, region, encoding } => {
            let recipients = Recipients {
                region: region.clone(),
                reading: Reading { encoding: *encoding, ..Reading::default() },
                ..Recipients::new(source(file, sheet.as_deref())?, column)
            };
            if store.is_file(file) {
                return Err(load::is_the_store(file));
            }
            let exit = import(&store, &recipients, reason.as_deref(), global).await?;
            store.close().await?;
            Ok(exit)
        }
    }
}

fn info(global: &Global, sentence: &str) {
    if !global.quiet {
        console::info(sentence);
    }
}

/// Reads the numbers; fails if one of them is wrong. A number that a reply came from is taken as it is: some providers
/// still write the numbers of some countries in an old way.
async fn read(store: &Store, numbers: &[String], region: Option<&str>) -> Result<Vec<Phone>, CliError> {
    let reader = Numbers::new(region).map_err(|error| CliError::of(Exit::Wrong, &error))?;
    let mut phones = Vec::with_capacity(numbers.len());
    for (at, text) in numbers.iter().enumerate() {
        let problem = match reader.normalise(text).or_else(|problem| in_old_spelling(text).ok_or(problem)) {
            Ok(phone) => {
                if !phones.contains(&phone) {
                    phones.push(phone);
                }
                continue;
            }
            Err(problem) => problem,
        };
        match Phone::from_digits(text.strip_prefix('+').unwrap_or(text)) {
            Some(phone) if store.has_replied(phone).await? => phones.push(phone),
            _ => return Err(wrong_number(at, numbers, region, &problem)),
        }
    }
    Ok(phones)
}

/// Whether it may be a national number.
fn lacks_region(problem: &RowProblem) -> bool {
    problem.to_string().contains("`recipients.region`")
}

/// The most characters of an argument that is probably a part of a number with spaces.
const MAX_PART: usize = 5;

fn wrong_number(at: usize, numbers: &[String], region: Option<&str>, problem: &RowProblem) -> CliError {
    let text = numbers[at].as_str();
    let next = match (Path::new(text).is_file(), region) {
        (true, _) => {
            ". This is the name of a file; only `suppress import` reads files, and it adds their numbers".to_owned()
        }
        (false, _) if numbers.len() > 1 && text.chars().count() <= MAX_PART => {
            ". Put a number that contains spaces in quotes".to_owned()
        }
        (false, None) if lacks_region(problem) => format!("\n  {REGION_HINT}"),
        (false, _) => String::new(),
    };
    let hint = format!("; nothing was changed{next}");
    let shown = format!("`{}`: {}{hint}", redact_numbers(text), number_in_words(problem));
    CliError::of_number(&format!("NUMBER {}", at + 1), problem, &hint).shown(escaped_lines(&shown).into_owned())
}

async fn list(store: &Store) -> Result<Exit, CliError> {
    let mut csv = csv::Writer::from_writer(console::data_of_others());
    let failed = |error: csv::Error| CliError::of(Exit::Environment, &error);
    csv.write_record(["phone", "reason", "added_at"]).map_err(failed)?;
    let mut after = None;
    loop {
        let page = store.suppressions(after, PAGE as u32).await?;
        let Some((last, ..)) = page.last() else { break };
        after = Some(*last);
        for (phone, reason, at) in &page {
            let reason = escape_formula(reason.as_deref().unwrap_or_default());
            csv.write_record([phone.digits().as_str(), &reason, &at.to_string()]).map_err(failed)?;
        }
    }
    csv.flush().map_err(cannot_print)?;
    Ok(Exit::Done)
}

/// Lists the replies that may be opt-outs, oldest first. `program` is how the commands start.
async fn review(store: &Store, as_json: bool, program: &str) -> Result<Exit, CliError> {
    let mut out = console::data_of_others();
    if !as_json {
        writeln!(out, "{}", REVIEW_COLUMNS.join(",")).map_err(cannot_print)?;
    }
    let mut after = 0;
    loop {
        let page = store.possible_opt_outs(after, PAGE as u32).await?;
        let Some(last) = page.last() else { break };
        after = last.place;
        for found in &page {
            let line = review_line(found, as_json, program).map_err(cannot_print)?;
            out.write_all(&line).map_err(cannot_print)?;
        }
    }
    out.flush().map_err(cannot_print)?;
    Ok(Exit::Done)
}

fn review_line(found: &PossibleOptOut, as_json: bool, program: &str) -> std::io::Result<Vec<u8>> {
    let PossibleOptOut { phones, answered, reply, .. } = found;
    let phone = phones.first().map(|phone| phone.digits()).unwrap_or_default();
    let text = reply.text.as_deref().unwrap_or_default();
    // Some countries write one number in two ways, so the sender's may differ from that of the message.
    let numbers: String = phones.iter().map(|phone| format!(" +{}", phone.digits())).collect();
    let command = format!("{program} suppress add{numbers} --reason {}", text::shell_word(REVIEW_REASON));
    let (run, row) = (answered.as_ref().map(|(run, _)| run.to_string()), answered.as_ref().map(|(_, row)| row.0));
    let time = reply.at.to_string();
    if as_json {
        let line = json!({"phone": phone, "run": run, "row": row, "time": time, "text": text, "command": command});
        return Ok(format!("{line}\n").into_bytes());
    }
    let row = row.map(|row| row.to_string()).unwrap_or_default();
    let cells = [phone, run.unwrap_or_default(), row, time, text.to_owned(), command];
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(cells.iter().map(|cell| escape_formula(cell).into_owned()))?;
    csv.into_inner().map_err(|error| error.into_error())
}

/// Returns the type of a file, by its extension.
fn source(file: &Path, sheet: Option<&str>) -> Result<Source, CliError> {
    let extension = file.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some("xlsx" | "xlsm" | "xlsb" | "xls" | "ods") => {
            Ok(Source::Sheet { path: file.to_owned(), name: sheet.map(str::to_owned) })
        }
        _ if sheet.is_some() => Err(CliError::new(
            Exit::Wrong,
            "--sheet is for spreadsheets, whose names end in .xlsx, .xlsm, .xls or .ods",
        )),
        _ => Ok(Source::Csv(file.to_owned())),
    }
}

/// Whether a cell of the row cannot be decoded. The cells are still in the right columns.
fn is_undecodable(problem: &RowProblem) -> bool {
    matches!(problem.what, Flaw::Cell(CellProblem::NotUtf8 | CellProblem::NotInEncoding(_)))
}

/// Adds every number of a file to the list; reports and skips rows without one.
async fn import(
    store: &Store,
    recipients: &Recipients,
    reason: Option<&str>,
    global: &Global,
) -> Result<Exit, CliError> {
    let mut reader = recipients::open_once(recipients)?;
    let mut record = Record::default();
    let reasons = find_column(reader.columns(), "reason").filter(|_| reason.is_none());
    // As `suppress list` writes it.
    let times = find_column(reader.columns(), "added_at");
    let now = Millis::now();
    let mut phones = Vec::with_capacity(PAGE);
    let (mut read, mut new, mut bad) = (0_u64, 0, 0_u64);
    let mut is_without_region = false;
    loop {
        let more = reader.read(&mut record).map_err(|error| CliError::of(Exit::Wrong, &error))?;
        if more {
            read += 1;
            let in_file = reasons
                .and_then(|at| record.cells.get(at))
                .map(|text| unescape_formula(text))
                .filter(|text| !text.is_empty());
            let in_file_at = times.and_then(|at| record.cells.get(at)?.parse::<jiff::Timestamp>().ok());
            let at = in_file_at.map_or(now, |at| Millis(at.as_millisecond()).min(now));
            let mut add = |phone: Phone| phones.push((phone, reason.or(in_file).map(str::to_owned), at));
            match (&record.problem, &record.to) {
                (None, Ok(phone)) => add(*phone),
                (None, Err(_)) if let Some(phone) = in_old_spelling(&record.raw_to) => add(phone),
                // The number is good; what cannot be decoded is in another cell.
                (Some(problem), Ok(phone)) if is_undecodable(problem) => {
                    add(*phone);
                    let place = format!("warning: row {}, line {}", record.row, record.line);
                    let words = format!("{place}: {problem}; its number is added anyway");
                    console::info_to_person(&words, &format!("{place}: {}", problem.code()));
                }
                (Some(problem), _) | (None, Err(problem)) => {
                    bad += 1;
                    is_without_region |= lacks_region(problem);
                    let place = format!("row {}, line {}", record.row, record.line);
                    let words = format!("{place}: {}", number_in_words(problem));
                    console::info_to_person(&words, &format!("{place}: {}", problem.code()));
                }
            }
        }
        if phones.len() == PAGE || !more {
            new += store.suppress_each(&phones).await?;
            phones.clear();
        }
        if !more {
            break;
        }
    }
    for note in reader.notes() {
        console::info_to_person(&format!("warning: {}", note.message), &format!("warning: {}", note.code));
    }
    if is_without_region && recipients.region.is_none() {
        console::info(REGION_HINT);
    }
    let words = format!(
        "{} read: {} added to the suppression list, {} already on it, {} skipped because of a problem",
        text::count(read, "row"),
        text::grouped(new),
        text::grouped(read - bad - new),
        text::grouped(bad)
    );
    info(global, &words);
    Ok(if bad > 0 { Exit::Wrong } else { Exit::Done })
}
