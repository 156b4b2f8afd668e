//! The scan: all rows read and judged, on all cores, and handed on in the order of the input in chunks.
//!
//! Workers take turns at reading a stretch of rows, judge it while others read on, and queue up for being heard when
//! they read. So what comes out is the same whatever the number of workers, and memory stays flat.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::model::{Phone, RowNumber, RowProblem};
use crate::recipients::{Decoder, Duplicates, Reader, Record, Rows};
use crate::store::PlannedRow;

use crate::engine::plan::error::PlanError;
use crate::engine::plan::media_links::{Links, Noted};
use crate::engine::plan::validate::{self, Measure, Notes, RowValidator, Times, Warning};

/// Rows in a chunk.
const CHUNK: usize = 1000;
/// Chunks ahead of whoever takes them.
const AHEAD: usize = 4;
/// Workers at most. Reading is one thing after the other, and takes more than an eighth of the work.
const MOST_WORKERS: usize = 8;

/// What a scan hands on.
pub(in crate::engine) enum Chunk {
    /// Rows, as many of those that were read as are wanted.
    Rows {
        rows: Vec<PlannedRow>,
        /// The numbers of those that can be sent, duplicates among them.
        numbers: Vec<(Phone, RowNumber)>,
        read: u64,
        bytes: u64,
        total: Option<u64>,
    },
    /// Rows with the number of an earlier one.
    Duplicates(Vec<(RowNumber, RowNumber)>),
    /// The end.
    End { digest: Option<String>, told: ScanSummary },
}

/// What there is to tell of all rows that were found good.
#[derive(Default)]
pub(in crate::engine) struct ScanSummary {
    pub(in crate::engine) warnings: Vec<Warning>,
    pub(in crate::engine) links: Links,
    pub(in crate::engine) times: Option<Times>,
}

/// Which rows are handed on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Keep {
    /// All.
    Every,
    /// Those that cannot become a message.
    Bad,
}

/// A stretch of rows, judged.
struct Judged {
    rows: Vec<PlannedRow>,
    /// The numbers of those that can be sent.
    numbers: Vec<(Phone, RowNumber)>,
    notes: Notes,
    read: u64,
    bytes: u64,
    total: Option<u64>,
}

/// Where the workers read.
struct Source {
    reader: Reader,
    /// Where the judged stretches are awaited, in the order in which they were read. None at the end.
    queue: Option<SyncSender<Receiver<Result<Judged, PlanError>>>>,
}

/// Begins a scan. `folder` is for what does not fit into memory. It ends early, without an error, if nobody takes the
/// chunks any more.
pub(in crate::engine) fn start(
    reader: Reader,
    measure: Measure,
    folder: PathBuf,
    keep: Keep,
) -> (JoinHandle<Result<(), PlanError>>, mpsc::Receiver<Chunk>) {
    let (chunks, taken) = mpsc::channel(AHEAD);
    let workers = std::thread::available_parallelism().map_or(1, NonZero::get).min(MOST_WORKERS);
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
    let (queue, judged) = sync_channel(workers);
    let source = Mutex::new(Source { reader, queue: Some(queue) });
    let whole = std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| work(&source, &decoder, RowValidator::new(measure), keep));
        }
        // Whenever this ends, the workers have nobody left to hear them, and end too.
        collect(judged, folder, chunks)
    })?;
    if let Some(told) = whole {
        let source = source.into_inner().unwrap_or_else(PoisonError::into_inner);
        let digest = source.reader.digest().map(str::to_owned);
        let _ = chunks.blocking_send(Chunk::End { digest, told });
    }
    Ok(())
}

/// Reads and judges stretch by stretch, up to the end or until nobody wants more.
fn work(source: &Mutex<Source>, decoder: &Decoder, mut judge: RowValidator<'_>, keep: Keep) {
    let mut rows = Rows::default();
    let mut record = Record::default();
    while let Some((answer, judged)) = read(source, &mut rows) {
        let judged = judged.map(|judged| judge_all(judged, &rows, decoder, &mut record, &mut judge, keep));
        // If nobody awaits it any more, nobody awaits the next one either.
        let _ = answer.send(judged);
    }
}

type Answer = SyncSender<Result<Judged, PlanError>>;

/// Reads the next rows and queues up with them: gives where to answer, and what is to be filled in. `None` at the end.
fn read(source: &Mutex<Source>, rows: &mut Rows) -> Option<(Answer, Result<Judged, PlanError>)> {
    // A worker that failed is told of when all are awaited.
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
    let blank = Judged { rows: kept, numbers: Vec::new(), notes: Notes::default(), read, bytes, total };
    Some((answer, more.map(|_| blank).map_err(PlanError::Read)))
}

fn judge_all(
    mut judged: Judged,
    rows: &Rows,
    decoder: &Decoder,
    record: &mut Record,
    judge: &mut RowValidator<'_>,
    keep: Keep,
) -> Judged {
    judged.numbers.reserve(rows.len());
    for index in 0..rows.len() {
        decoder.decode(rows, index, record);
        let problems = match judge.row(record) {
            Ok(phone) => {
                judged.numbers.push((phone, record.row));
                Vec::new()
            }
            Err(problems) => problems,
        };
        if keep == Keep::Every || !problems.is_empty() {
            judged.rows.push(planned(record, problems));
        }
    }
    judged.notes = judge.take_notes();
    judged
}

/// Hands on what was judged, in order, and at last the duplicates. Gives what there is to tell of all rows; `None` if
/// nobody takes it any more.
fn collect(
    queue: Receiver<Receiver<Result<Judged, PlanError>>>,
    folder: &Path,
    chunks: &mpsc::Sender<Chunk>,
) -> Result<Option<ScanSummary>, PlanError> {
    let mut duplicates = Duplicates::new(folder);
    let mut warnings = Vec::new();
    let mut links = Noted::default();
    let mut times: Option<Times> = None;
    for awaited in queue {
        // Nothing comes from a worker that failed.
        let Ok(judged) = awaited.recv() else { return Ok(None) };
        let Judged { rows, numbers, notes, read, bytes, total } = judged?;
        for (phone, row) in &numbers {
            duplicates.push(*phone, *row).map_err(PlanError::Spill)?;
        }
        validate::add(&mut warnings, notes.warnings);
        notes.links.into_iter().for_each(|seen| links.add(seen));
        times = match (times, notes.times) {
            (Some(so_far), Some(more)) => Some(so_far.and(more)),
            (so_far, more) => so_far.or(more),
        };
        if chunks.blocking_send(Chunk::Rows { rows, numbers, read, bytes, total }).is_err() {
            return Ok(None);
        }
    }
    // If nobody takes it any more the rest is for nobody.
    let mut pairs = Vec::with_capacity(CHUNK);
    for duplicate in duplicates.finish().map_err(PlanError::Spill)? {
        let duplicate = duplicate.map_err(PlanError::Spill)?;
        pairs.push((duplicate.row, duplicate.of));
        if pairs.len() == CHUNK {
            let _ = chunks.blocking_send(Chunk::Duplicates(std::mem::take(&mut pairs)));
        }
    }
    let _ = chunks.blocking_send(Chunk::Duplicates(pairs));
    Ok(Some(ScanSummary { warnings, links: links.into_links(), times }))
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

    use serde_json::json;

    use super::*;
    use crate::model::{Channel, Recipients, Source};
    use crate::recipients;
    use crate::render::Renderer;

    /// All that a scan hands on, in words.
    fn scanned(folder: &Path, keep: Keep, workers: usize) -> String {
        let source = Source::Csv(folder.join("list.csv"));
        let reader =
            recipients::open(&Recipients { source, to: "phone".to_owned(), region: None, skip_sent_within: None })
                .unwrap();
        let message = json!({"type": "image", "image": {"link": "https://example.com/{{ n | trim }}"}, "odd": 1});
        let renderer = Renderer::compile(&message, reader.columns()).unwrap();
        let mut measure = Measure::new(Channel::Viber, &message, renderer);
        measure.links = keep == Keep::Bad;
        let (chunks, mut taken) = mpsc::channel(1);
        std::thread::scope(|scope| {
            let scan = scope.spawn(move || scan(reader, &measure, folder, keep, workers, &chunks));
            let mut told = String::new();
            while let Some(chunk) = taken.blocking_recv() {
                match chunk {
                    Chunk::Rows { rows, read, .. } => {
                        let rows =
                            rows.iter().map(|row| format!("{} {} {} {:?}", row.row, row.line, row.cells, row.problems));
                        writeln!(told, "{read}: {:?}", rows.collect::<Vec<_>>()).unwrap();
                    }
                    Chunk::Duplicates(pairs) => writeln!(told, "{pairs:?}").unwrap(),
                    Chunk::End { digest, told: ScanSummary { warnings, links, .. } } => {
                        let links =
                            links.list.iter().map(|link| (link.shown(), &link.first, link.rows)).collect::<Vec<_>>();
                        writeln!(told, "{digest:?} {warnings:?} {links:?}").unwrap();
                    }
                }
            }
            scan.join().unwrap().unwrap();
            told
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
            for workers in [2, 3, MOST_WORKERS] {
                assert!(scanned(folder.path(), keep, workers) == alone, "{workers} workers");
            }
        }
    }

    #[test]
    fn a_scan_whose_rows_nobody_takes_ends() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("list.csv"), "phone\n".to_owned() + &"85268411234\n".repeat(50_000)).unwrap();
        let source = Source::Csv(folder.path().join("list.csv"));
        let reader =
            recipients::open(&Recipients { source, to: "phone".to_owned(), region: None, skip_sent_within: None })
                .unwrap();
        let message = json!({"type": "text", "text": "Hi"});
        let renderer = Renderer::compile(&message, reader.columns()).unwrap();
        let measure = Measure::new(Channel::Viber, &message, renderer);
        let (chunks, taken) = mpsc::channel(1);
        drop(taken);
        scan(reader, &measure, folder.path(), Keep::Bad, 3, &chunks).unwrap();
    }
}
