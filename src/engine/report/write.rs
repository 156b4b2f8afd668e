//! Reports: passes a run's rows from the store to a writer. The same store always gives the same bytes.

use std::path::Path;
use std::time::Duration;

use crate::crash_point::Point;
use crate::engine::error::{EngineError, PANICKED};
use crate::engine::report::message_text;
use crate::engine::report::notify::Notifier;
use crate::engine::stop::StopHandle;
use crate::model::{AttemptRow, Campaign, Channel, Millis, ProviderApi, ReportRow, RunId, Source, WhenUncertain, Zone};
use crate::provider;
use crate::report::{Paths, ReportError, Reports, RunFacts};
use crate::store::{ReportPage, Run, Stage, Store, StoreError, Wanted};
use crate::text;

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportingError {
    /// The store failed.
    #[error("{0}")]
    Store(#[source] EngineError),
    /// The report failed.
    #[error("{0}")]
    Write(#[source] ReportError),
    /// The run was stopped, and writing its reports then took too long.
    #[error("stopped before the reports of {0} were written; `resume` writes them")]
    Stopped(RunId),
}

/// How long writing files may take after a stop. A blocked file system must not keep the process alive.
const MAX_WRITE_AFTER_STOP: Duration = Duration::from_secs(10);

/// Returns what a report says about the run as a whole.
///
/// # Errors
/// When the store cannot be read.
pub async fn facts(store: &Store, run: &Run, campaign: &Campaign) -> Result<RunFacts, StoreError> {
    Ok(RunFacts {
        run: run.id.clone(),
        provider: campaign.provider.clone(),
        channel: campaign.channel,
        rate_limit: text::rate((campaign.dispatch.rate, campaign.dispatch.per)),
        zone: Zone::named(campaign.timing.timezone.as_deref()),
        started_at: run.started_at.unwrap_or(run.created_at),
        finished_at: run.finished_at,
        horizon: campaign.reconcile.horizon,
        polls: run.polls,
        message: message_text::of(&campaign.message, run.template.as_deref()),
        settings: settings(campaign),
        advice: match campaign.api {
            ProviderApi::Incs => |code| provider::advice(ProviderApi::Incs, code),
            ProviderApi::Meta => |code| provider::advice(ProviderApi::Meta, code),
        },
        only: None,
        replies: Some(store.replies_counted(run).await?),
        double_sends: store.double_sends(run).await?,
    })
}

/// Returns a campaign's settings as in its file, with the defaults filled in. Only the file name of the list is
/// included.
fn settings(campaign: &Campaign) -> Vec<(&'static str, String)> {
    let Campaign { recipients, message, dispatch, reconcile, .. } = campaign;
    let list = match recipients.source.path() {
        Some(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        None => "inline".to_owned(),
    };
    let sheet = match &recipients.source {
        Source::Sheet { name, .. } => name.clone(),
        Source::Csv(_) | Source::Inline(_) => None,
    };
    let word = |pointer: &str| message.pointer(pointer).and_then(|word| word.as_str()).map(str::to_owned);
    let uncertain = match dispatch.uncertain {
        WhenUncertain::Hold => "hold",
        WhenUncertain::Resend => "resend",
    };
    let halt = dispatch.halt.map_or_else(
        || "off".to_owned(),
        |halt| {
            let alike = text::count(u64::from(halt.same_error), "identical error");
            format!("{}% of {} rows, or {alike}", halt.share, halt.over)
        },
    );
    let all = [
        ("recipients", Some(list)),
        ("recipients.sheet", sheet),
        ("recipients.to", Some(recipients.to.clone())),
        ("recipients.region", recipients.region.clone()),
        ("message.type", word("/type")),
        ("message.template.name", word("/template/name")),
        ("message.template.language", word("/template/language/code").or_else(|| word("/template/language"))),
        ("dispatch.rate", Some(text::rate((campaign.dispatch.rate, campaign.dispatch.per)))),
        ("dispatch.concurrency", Some(dispatch.concurrency.map_or_else(|| "auto".to_owned(), |most| most.to_string()))),
        ("dispatch.timeout", Some(written(dispatch.timeout))),
        ("dispatch.attempts", Some(dispatch.attempts.to_string())),
        ("dispatch.uncertain", Some(uncertain.to_owned())),
        ("dispatch.halt", Some(halt)),
        ("reconcile.after", Some(written(reconcile.after))),
        ("reconcile.every", Some(written(reconcile.every))),
        ("reconcile.for", Some(written(reconcile.horizon))),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// Formats a duration as in a campaign file: `30s`, `72h`, `1500ms`.
fn written(duration: Duration) -> String {
    match (duration.as_millis(), duration.as_secs()) {
        (ms, _) if ms % 1000 > 0 || ms == 0 => format!("{ms}ms"),
        (_, s) if s % 3_600 == 0 => format!("{}h", s / 3_600),
        (_, s) if s % 60 == 0 => format!("{}m", s / 60),
        (_, s) => format!("{s}s"),
    }
}

/// Passes the rows of a run to `each`, in input order, with two pages in memory at a time.
///
/// # Errors
/// When the store cannot be read, or `each` fails.
pub async fn each_row(
    store: &Store,
    run: &Run,
    channel: Channel,
    wanted: Wanted,
    each: impl FnMut(&ReportRow) -> Result<(), ReportError>,
) -> Result<(), ReportingError> {
    let work = async |mut each, mut page| rows_of(&mut page, &mut each).map(|()| each);
    each_page(store, run, channel, wanted, each, work).await.map(drop)
}

/// Passes the pages of a run's rows to `work` along with its previous result. Returns the last result.
async fn each_page<T>(
    store: &Store,
    run: &Run,
    channel: Channel,
    wanted: Wanted,
    mut made: T,
    work: impl AsyncFn(T, ReportPage) -> Result<T, ReportingError>,
) -> Result<T, ReportingError> {
    let mut pages = store.report_rows(run, channel, wanted).await.map_err(in_the_store)?;
    let mut next = pages.page().await.map_err(in_the_store)?;
    while let Some(page) = next {
        // SQLite's thread prepares the next page while this one is processed.
        let (read, worked) = tokio::join!(pages.page(), work(made, page));
        made = worked?;
        next = read.map_err(in_the_store)?;
    }
    Ok(made)
}

/// Number of rows whose attempts are read at a time.
const ROWS_PER_READ: u64 = 1000;

/// Passes every attempt of a run to `each`, row by row in input order.
///
/// # Errors
/// When the store cannot be read, or `each` fails.
pub async fn each_attempt(
    store: &Store,
    run: &Run,
    mut each: impl FnMut(&AttemptRow) -> Result<(), ReportError>,
) -> Result<(), ReportingError> {
    let rows = store.last_row(run).await.map_err(in_the_store)?;
    let mut first = 1;
    while first <= rows.0 {
        let last = first + ROWS_PER_READ - 1;
        for attempt in store.attempts(run, first..=last).await.map_err(in_the_store)? {
            each(&attempt).map_err(ReportingError::Write)?;
        }
        first = last + 1;
    }
    Ok(())
}

fn rows_of(
    page: &mut ReportPage,
    each: &mut impl FnMut(&ReportRow) -> Result<(), ReportError>,
) -> Result<(), ReportingError> {
    while let Some(row) = page.next_row().map_err(in_the_store)? {
        each(row).map_err(ReportingError::Write)?;
    }
    Ok(())
}

/// Works on files in a separate thread, so that a disk or network share that hangs blocks nothing else.
async fn on_files<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ReportingError> + Send + 'static,
) -> Result<T, ReportingError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| ReportingError::Store(EngineError::Defect(PANICKED.to_owned())))?
}

/// Writes the three reports of a run into `folder` in one pass over its rows. If the run is `finished`, it then
/// notifies `done` and marks the run finished. After a crash in between, the run is resumed, and its reports and
/// notification are repeated. The caller must hold the run's lock.
///
/// # Errors
/// When the store cannot be used, a file cannot be written, or the run is stopped and writing takes too long. Existing
/// files are then unchanged.
pub async fn write_reports(
    store: &Store,
    run: &Run,
    campaign: &Campaign,
    folder: &Path,
    finished: bool,
    done: Option<&Notifier>,
    stop: &StopHandle,
) -> Result<Paths, ReportingError> {
    let end = finished.then(|| run.finished_at.unwrap_or_else(Millis::now));
    let facts = RunFacts { finished_at: end, ..facts(store, run, campaign).await.map_err(in_the_store)? };
    let paths = tokio::select! {
        written = write_files(store, run, campaign.channel, folder, facts) => written?,
        () = stop.all_ended_for(MAX_WRITE_AFTER_STOP) => return Err(ReportingError::Stopped(run.id.clone())),
    };
    let notified = match done.filter(|_| finished) {
        Some(done) => done.notify(run, &paths.json).await,
        None => true,
    };
    if let Some(end) = end.filter(|_| notified) {
        store.reach(run.key, Stage::Finished, end).await.map_err(in_the_store)?;
        Point::EndRecorded.pass();
    }
    Ok(paths)
}

async fn write_files(
    store: &Store,
    run: &Run,
    channel: Channel,
    folder: &Path,
    facts: RunFacts,
) -> Result<Paths, ReportingError> {
    let folder = folder.to_owned();
    let reports = on_files(move || Reports::create(folder, facts).map_err(ReportingError::Write)).await?;
    let wanted = Wanted { cells: false, since: None };
    let add = async |mut reports: Reports, mut page| {
        on_files(move || rows_of(&mut page, &mut |row| reports.add(row)).map(|()| reports)).await
    };
    let reports = each_page(store, run, channel, wanted, reports, add).await?;
    on_files(move || reports.finish().map_err(ReportingError::Write)).await
}

fn in_the_store(error: StoreError) -> ReportingError {
    ReportingError::Store(error.into())
}
