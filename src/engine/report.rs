//! Report: the rows of a run, from the store to whoever writes them. The same bytes for the same store.

use std::path::Path;

use super::EngineError;
use crate::model::{Campaign, Channel, ReportRow};
use crate::report::{Paths, ReportError, Reports, RunFacts};
use crate::store::{Run, Store};

/// Rows in one read of the store.
const PAGE: u32 = 2000;

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportingError {
    /// The store failed.
    #[error("{0}")]
    Read(#[source] EngineError),
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

/// Hands every row of a run to `each`, in input order, a page in memory at a time; with the rows' own cells if `cells`.
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
    let mut after = None;
    loop {
        let page = store
            .report_page(run, channel, cells, after, PAGE)
            .await
            .map_err(|error| ReportingError::Read(error.into()))?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.row);
        for row in &page {
            each(row).map_err(ReportingError::Write)?;
        }
    }
}

/// Writes the three reports of a run into `folder`, in one pass over its rows.
///
/// # Errors
/// Where the store cannot be read or a file cannot be written; then the files there are as they were.
pub async fn write_reports(
    store: &Store,
    run: &Run,
    campaign: &Campaign,
    folder: &Path,
) -> Result<Paths, ReportingError> {
    let mut reports = Reports::create(folder, facts(run, campaign)).map_err(ReportingError::Write)?;
    each_row(store, run, campaign.channel, false, |row| reports.add(row)).await?;
    reports.finish().map_err(ReportingError::Write)
}
