//! Report: the rows of a run, from the store to whoever writes them. The same bytes for the same store.

use std::path::Path;

use super::{Done, EngineError};
use crate::crash::Point;
use crate::model::{Campaign, Channel, Millis, ReportRow};
use crate::report::{Paths, ReportError, Reports, RunFacts};
use crate::store::{Run, Stage, Store, StoreError};

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportingError {
    /// The store failed.
    #[error("{0}")]
    Store(#[source] EngineError),
    /// The report failed.
    #[error("{0}")]
    Write(#[source] ReportError),
}

/// What a report says of a run as a whole.
#[must_use]
pub fn facts(run: &Run, campaign: &Campaign) -> RunFacts {
    let per = if campaign.dispatch.per.as_secs() == 60 { "min" } else { "s" };
    RunFacts {
        run: run.id.clone(),
        provider: campaign.provider.clone(),
        channel: campaign.channel,
        rate_limit: format!("{}/{per}", campaign.dispatch.rate),
        started_at: run.started_at.unwrap_or(run.created_at),
        finished_at: run.finished_at,
        polls: run.polls,
    }
}

/// Hands every row of a run to `each`, in input order, two pages in memory at a time; with the rows' own cells if `cells`.
///
/// # Errors
/// Where the store cannot be read, or `each` fails.
pub async fn each_row(
    store: &Store,
    run: &Run,
    channel: Channel,
    cells: bool,
    mut each: impl FnMut(&ReportRow) -> Result<(), ReportError>,
) -> Result<(), ReportingError> {
    let mut pages = store.report_rows(run, channel, cells).await.map_err(in_the_store)?;
    let mut next = pages.page().await.map_err(in_the_store)?;
    while let Some(mut page) = next {
        // SQLite's thread puts the next page together while this one is worked through.
        let (read, worked) = tokio::join!(pages.page(), async {
            while let Some(row) = page.next_row().map_err(in_the_store)? {
                each(row).map_err(ReportingError::Write)?;
            }
            Ok(())
        });
        worked?;
        next = read.map_err(in_the_store)?;
    }
    Ok(())
}

/// Writes the three reports of a run into `folder`, in one pass over its rows, and then, if it is `finished`, tells its end to
/// `done` and notes it. In this order: a crash before leaves a run that is taken up again, gets its reports, and is told.
/// Only for the holder of the run's lock.
///
/// # Errors
/// Where the store cannot be used or a file cannot be written; then the files there are as they were.
pub async fn write_reports(
    store: &Store,
    run: &Run,
    campaign: &Campaign,
    folder: &Path,
    finished: bool,
    done: Option<&Done>,
) -> Result<Paths, ReportingError> {
    let end = finished.then(|| run.finished_at.unwrap_or_else(Millis::now));
    let facts = RunFacts { finished_at: end, ..facts(run, campaign) };
    let mut reports = Reports::create(folder, facts).map_err(ReportingError::Write)?;
    each_row(store, run, campaign.channel, false, |row| reports.add(row)).await?;
    let paths = reports.finish().map_err(ReportingError::Write)?;
    let told = match done.filter(|_| finished) {
        Some(done) => done.tell(run, &paths.json).await,
        None => true,
    };
    if let Some(end) = end.filter(|_| told) {
        let mut writer = store.writer().await.map_err(in_the_store)?;
        writer.reach(run.key, Stage::Finished, end).await.map_err(in_the_store)?;
        Point::EndNoted.pass();
        writer.close().await.map_err(in_the_store)?;
    }
    Ok(paths)
}

fn in_the_store(error: StoreError) -> ReportingError {
    ReportingError::Store(error.into())
}
