//! The scan: reads and validates all rows on all cores, and passes them on in chunks, in input order.
//!
//! Workers take turns reading a batch of rows, validate it while others read, and queue for output in the order of
//! reading. So the result does not depend on the number of workers, and memory stays flat.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::model::{Phone, RowNumber, RowProblem};
use crate::recipients::{Decoder, Duplicates, Reader, Record, Rows};
use crate::store::PlannedRow;

use crate::engine::plan::due_rows::DueRows;
use crate::engine::plan::error::PlanError;
use crate::engine::plan::media_links::{Links, Noted};
use crate::engine::plan::row_lines::RowLines;
use crate::engine::plan::validate::{Measure, Notes, RowValidator};
use crate::engine::plan::warnings::{self, Warning};

/// Rows in a chunk.
const CHUNK: usize = 1000;
/// Maximum number of chunks that wait for the consumer.
const MAX_CHUNKS_AHEAD: usize = 4;
/// Maximum number of workers. Reading is sequential, and takes more than an eighth of the work.
const MAX_WORKERS: usize = 8;

/// What a scan passes on.
pub(in crate::engine) enum Chunk {
    /// The wanted rows among those that were read.
    Rows {
        rows: Vec<PlannedRow>,
        /// The numbers of the rows that can be sent, duplicates included.
        numbers: Vec<(Phone, RowNumber)>,
        /// The lines of all rows that were read.
        lines: RowLines,
        read: u64,
        bytes: u64,
        total: Option<u64>,
    },
    /// Rows with the same number as an earlier row.
    Duplicates(Vec<(RowNumber, RowNumber)>),
    /// The end.
    End { digest: Option<String>, summary: ScanSummary },
}

/// Notes about the list and all valid rows.
#[derive(Default)]
pub(in crate::engine) struct ScanSummary {
    pub(in crate::engine) warnings: Vec<Warning>,
    pub(in crate::engine) links: Links,
    pub(in crate::engine) due: DueRows,
}

/// Which rows are passed on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Keep {
    /// All.
    Every,
    /// Rows that cannot become a message.
    Bad,
}

/// A batch of validated rows.
struct ValidatedBatch {
    rows: Vec<PlannedRow>,
    /// The numbers of the rows that can be sent.
    numbers: Vec<(Phone, RowNumber)>,
    lines: RowLines,
    notes: Notes,
    read: u64,
    bytes: u64,
    total: Option<u64>,
}

/// What the workers read from.
struct Source {
    reader: Reader,
    /// Where validated batches are expected, in the order of reading. `None` at the end.
    queue: Option<SyncSender<Receiver<Result<ValidatedBatch, PlanError>>>>,
}

/// Starts a scan. `folder` is for data that does not fit into memory. The scan ends early and without an error if the
/// consumer is gone.
pub(in crate::engine) fn start(
    reader: Reader,
    measure: Measure,
    folder: PathBuf,
    keep: Keep,
) -> (JoinHandle<Result<(), PlanError>>, mpsc::Receiver<Chunk>) {
    let (chunks, taken) = mpsc::channel(MAX_CHUNKS_AHEAD);
    let workers = std::thread::available_parallelism().map_or(1, NonZero::get).min(MAX_WORKERS);
    (tokio::task::spawn_blocking(move || scan(reader, &measure, &folder, keep, workers, &chunks)), taken)
}

fn scan(
    reader: Reader,
    measure: &Measure,
    folder: &Path,
    keep: Keep,
    workers: usize,
    chunks: &mpsc::Sender<Chunk>,
) -> Result<(), PlanError> {
    let decoder = reader.decoder();
    let (queue, validated) = sync_channel(workers);
    let source = Mutex::new(Source { reader, queue: Some(queue) });
    let whole = std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| work(&source, &decoder, RowValidator::new(measure), keep));
        }
        // When this ends, the workers lose their consumer and end too.
        collect(validated, folder, chunks)
    })?;
    if let Some(mut summary) = whole {
        let source = source.into_inner().unwrap_or_else(PoisonError::into_inner);
        let digest = source.reader.digest().map(str::to_owned);
        let of_list = source.reader.notes().into_iter().map(Warning::from);
        summary.warnings.splice(0..0, measure.warnings.iter().cloned().chain(of_list));
        let _ = chunks.blocking_send(Chunk::End { digest, summary });
    }
    Ok(())
}

/// Reads and validates batch by batch, to the end or until the consumer is gone.
fn work(source: &Mutex<Source>, decoder: &Decoder, mut validator: RowValidator<'_>, keep: Keep) {
    let mut rows = Rows::default();
    let mut record = Record::default();
    while let Some((answer, validated)) = read(source, &mut rows) {
        let validated =
            validated.map(|validated| validate_all(validated, &rows, decoder, &mut record, &mut validator, keep));
        // If this batch is no longer expected, the next one is not either.
        let _ = answer.send(validated);
    }
}

type Answer = SyncSender<Result<ValidatedBatch, PlanError>>;

/// Reads the next rows and queues for output. Returns where to send the result, and the rows to validate. `None` at the
/// end.
fn read(source: &Mutex<Source>, rows: &mut Rows) -> Option<(Answer, Result<ValidatedBatch, PlanError>)> {
    // A worker's failure is reported when all workers are joined.
    let mut source = source.lock().unwrap_or_else(PoisonError::into_inner);
    let queue = source.queue.take()?;
    let more = source.reader.read_rows(rows, CHUNK);
    let (answer, awaited) = sync_channel(1);
    queue.send(awaited).ok()?;
    if matches!(more, Ok(true)) {
        source.queue = Some(queue);
    }
    let (bytes, total) = (source.reader.bytes_read(), source.reader.total_bytes());
    let (read, kept) = (rows.len() as u64, Vec::new());
    let (numbers, lines, notes) = (Vec::new(), RowLines::default(), Notes::default());
    let blank = ValidatedBatch { rows: kept, numbers, lines, notes, read, bytes, total };
    Some((answer, more.map(|_| blank).map_err(PlanError::Read)))
}

fn validate_all(
    mut validated: ValidatedBatch,
    rows: &Rows,
    decoder: &Decoder,
    record: &mut Record,
    validator: &mut RowValidator<'_>,
    keep: Keep,
) -> ValidatedBatch {
    validated.numbers.reserve(rows.len());
    for index in 0..rows.len() {
        decoder.decode(rows, index, record);
        if keep == Keep::Bad {
            validated.lines.add(record.row, record.line);
        }
        let problems = match validator.row(record) {
            Ok(phone) => {
                validated.numbers.push((phone, record.row));
                Vec::new()
            }
            Err(problems) => problems,
        };
        if keep == Keep::Every || !problems.is_empty() {
            validated.rows.push(planned(record, problems));
        }
    }
    validated.notes = validator.take_notes();
    validated
}

/// Passes on validated rows in order, and then the duplicates. Returns the notes about all rows; `None` if the consumer
/// is gone.
fn collect(
    queue: Receiver<Receiver<Result<ValidatedBatch, PlanError>>>,
    folder: &Path,
    chunks: &mpsc::Sender<Chunk>,
) -> Result<Option<ScanSummary>, PlanError> {
    let mut duplicates = Duplicates::new(folder);
    let mut warnings = Vec::new();
    let mut links = Noted::default();
    let mut due = DueRows::default();
    for awaited in queue {
        // A failed worker sends nothing.
        let Ok(validated) = awaited.recv() else { return Ok(None) };
        let ValidatedBatch { rows, numbers, lines, notes, read, bytes, total } = validated?;
        for (phone, row) in &numbers {
            duplicates.push(phone.line(), *row).map_err(PlanError::Spill)?;
        }
        warnings::add(&mut warnings, notes.warnings);
        notes.links.into_iter().for_each(|seen| links.add(seen));
        due.merge(&notes.due);
        if chunks.blocking_send(Chunk::Rows { rows, numbers, lines, read, bytes, total }).is_err() {
            return Ok(None);
        }
    }
    // Once the consumer is gone, the rest is not needed.
    let mut pairs = Vec::with_capacity(CHUNK);
    for duplicate in duplicates.finish().map_err(PlanError::Spill)? {
        let duplicate = duplicate.map_err(PlanError::Spill)?;
        pairs.push((duplicate.row, duplicate.of));
        if pairs.len() == CHUNK {
            let _ = chunks.blocking_send(Chunk::Duplicates(std::mem::take(&mut pairs)));
        }
    }
    let _ = chunks.blocking_send(Chunk::Duplicates(pairs));
    Ok(Some(ScanSummary { warnings, links: links.into_links(), due }))
}

fn planned(record: &Record, problems: Vec<RowProblem>) -> PlannedRow {
    PlannedRow {
        row: record.row,
        line: record.line,
        to: record.to.as_ref().map(|phone| *phone).map_err(|_| record.raw_to.clone()),
        cells: serde_json::to_string(&record.cells).unwrap_or_default(),
        problems,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use serde_json::{Value, json};

    use super::*;
    use crate::message::Translation;
    use crate::model::{Channel, ProviderApi, Recipients, Source};
    use crate::recipients;
    use crate::render::Renderer;

    fn measure(message: &Value, columns: &[String]) -> Measure {
        let on = (ProviderApi::Incs, Channel::Viber);
        let renderer = Renderer::compile(on.0, message, columns).unwrap();
        Measure::new(on, Translation::new(on.0, on.1, message), renderer)
    }

    /// Everything that a scan passes on, as text.
    fn scanned(folder: &Path, keep: Keep, workers: usize) -> String {
        let source = Source::Csv(folder.join("list.csv"));
        let reader = recipients::open(&Recipients::new(source, "phone")).unwrap();
        let message = json!({"type": "image", "image": {"link": "https://example.com/{{ n | trim }}"}, "odd": 1});
        let mut measure = measure(&message, reader.columns());
        measure.links = keep == Keep::Bad;
        let (chunks, mut taken) = mpsc::channel(1);
        std::thread::scope(|scope| {
            let scan = scope.spawn(move || scan(reader, &measure, folder, keep, workers, &chunks));
            let mut summary = String::new();
            while let Some(chunk) = taken.blocking_recv() {
                match chunk {
                    Chunk::Rows { rows, read, .. } => {
                        let rows =
                            rows.iter().map(|row| format!("{} {} {} {:?}", row.row, row.line, row.cells, row.problems));
                        writeln!(summary, "{read}: {:?}", rows.collect::<Vec<_>>()).unwrap();
                    }
                    Chunk::Duplicates(pairs) => writeln!(summary, "{pairs:?}").unwrap(),
                    Chunk::End { digest, summary: ScanSummary { warnings, links, .. } } => {
                        let links =
                            links.list.iter().map(|link| (link.shown(), &link.first, link.rows)).collect::<Vec<_>>();
                        writeln!(summary, "{digest:?} {warnings:?} {links:?}").unwrap();
                    }
                }
            }
            scan.join().unwrap().unwrap();
            summary
        })
    }

    #[test]
    fn what_comes_out_is_the_same_whatever_the_number_of_workers() {
        let folder = tempfile::tempdir().unwrap();
        let mut list = "phone,n\n".to_owned();
        for row in 0..20_000_u32 {
            let name = match row % 97 {
                13 => "\"open".to_owned(),
                14 => String::new(),
                15 => "a.pdf".to_owned(),
                n => format!("{n}"),
            };
            let number = if row % 89 == 5 { "12".to_owned() } else { format!("8526{:07}", row % 19_000) };
            writeln!(list, "{number},{name}").unwrap();
        }
        std::fs::write(folder.path().join("list.csv"), list).unwrap();
        for keep in [Keep::Every, Keep::Bad] {
            let alone = scanned(folder.path(), keep, 1);
            assert!(alone.contains("bad_quotes") && alone.contains("bad_number") && alone.contains("unknown_field"));
            for workers in [2, 3, MAX_WORKERS] {
                assert!(scanned(folder.path(), keep, workers) == alone, "{workers} workers");
            }
        }
    }

    #[test]
    fn a_scan_whose_rows_nobody_takes_ends() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("list.csv"), "phone\n".to_owned() + &"85268411234\n".repeat(50_000)).unwrap();
        let source = Source::Csv(folder.path().join("list.csv"));
        let reader = recipients::open(&Recipients::new(source, "phone")).unwrap();
        let message = json!({"type": "text", "text": "Hi"});
        let measure = measure(&message, reader.columns());
        let (chunks, taken) = mpsc::channel(1);
        drop(taken);
        scan(reader, &measure, folder.path(), Keep::Bad, 3, &chunks).unwrap();
    }
}
