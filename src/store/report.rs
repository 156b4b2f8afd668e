//! What the report and the status display read: counts here, the rows in `report_rows`.

use sqlx::SqliteConnection;
use tokio::task::JoinSet;

use super::error::doing;
use super::report_rows::{ReportRows, Wanted};
use super::{RowKey, Run, Store, StoreError, reading};
use crate::model::{Channel, Millis, ProviderText, ReportRow, RowNo, State, Tally};

/// Lines of the ledger that are looked at for the rate now: some milliseconds' work.
const LATEST: i64 = 50_000;

impl Store {
    /// Reads the rows of a run for a report, in input order.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn report_rows(&self, run: &Run, channel: Channel, wanted: Wanted) -> Result<ReportRows, StoreError> {
        ReportRows::open(reading(&self.path), run, channel, wanted).await.map_err(doing("read the report"))
    }

    /// One row of a run, if it has such a one.
    ///
    /// # Errors
    /// Where the store cannot be read or contradicts itself.
    pub async fn report_row(&self, run: &Run, channel: Channel, row: RowNo) -> Result<Option<ReportRow>, StoreError> {
        let mut rows = self.report_rows(run, channel, Wanted { ids: true, cells: false, since: None }).await?.from(row);
        let Some(mut page) = rows.page().await? else { return Ok(None) };
        Ok(page.next_row()?.filter(|found| found.row == row).cloned())
    }

    /// How many rows are in each state, read in one go.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn tally(&self, run: &Run) -> Result<Tally, StoreError> {
        let mut reader = self.readers.acquire().await.map_err(doing("count the rows"))?;
        tally(&mut reader, run).await
    }

    /// Begins to count how many rows are in each state as they stand now, beside whatever is written from now on: of
    /// millions of rows it takes seconds.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn begin_tally(&self, run: &Run) -> Result<Counting, StoreError> {
        let mut read = self.readers.begin().await.map_err(doing("count the rows"))?;
        // The first read says what all of them see.
        sqlx::query("SELECT id FROM run LIMIT 1").fetch_optional(&mut *read).await.map_err(doing("count the rows"))?;
        let run = run.clone();
        let mut task = JoinSet::new();
        task.spawn(async move { tally(&mut read, &run).await });
        Ok(Counting(task))
    }

    /// Rows of a run that an attempt settled since then, and since when that is known: what is looked at are the attempts
    /// recorded last, and of these no more than a fixed number.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn settled_lately(&self, run: &Run, since: Millis) -> Result<(u64, Millis), StoreError> {
        let (rows, seen, oldest): (i64, i64, Option<i64>) = sqlx::query_as(
            "SELECT coalesce(sum(last - first + 1) FILTER ( \
               WHERE first BETWEEN ?1 AND ?2 AND outcome <> ?3 AND ended_at >= ?4), 0), \
             count(*), min(ended_at) FROM (SELECT * FROM attempt ORDER BY id DESC LIMIT ?5)",
        )
        .bind(RowKey::first(run.key))
        .bind(RowKey::last(run.key))
        .bind(State::Pending.code())
        .bind(since.0)
        .bind(LATEST)
        .fetch_one(&self.readers)
        .await
        .map_err(doing("count the last attempts"))?;
        let whole = seen < LATEST;
        let since = oldest.filter(|_| !whole).map_or(since, |oldest| since.max(Millis(oldest)));
        Ok((rows.unsigned_abs(), since))
    }

    /// The problems of a run by code, with a count, a sample of the words, and whether these are of a row of the list and may
    /// quote it; the most frequent first. A failure of a message that was delivered all the same is not among them, since
    /// nothing has to be done about it: [`Store::contradicted`] counts those.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn problems(&self, run: &Run, limit: u32) -> Result<Vec<(String, u64, ProviderText, bool)>, StoreError> {
        let rows: Vec<(String, i64, String, bool)> = sqlx::query_as(
            "SELECT code, count(*) AS n, min(message), max(of_list) FROM ( \
               SELECT code, message, 0 AS of_list FROM delivery WHERE id BETWEEN ?1 AND ?2 AND code IS NOT NULL \
                 AND state NOT IN (?4, ?5, ?6) \
               UNION ALL SELECT code, message, 1 FROM recipient WHERE id BETWEEN ?1 AND ?2 AND code IS NOT NULL) \
             GROUP BY code ORDER BY n DESC, code LIMIT ?3",
        )
        .bind(RowKey::first(run.key))
        .bind(RowKey::last(run.key))
        .bind(i64::from(limit))
        // What a person said of a row that stands well is no problem.
        .bind(State::Sent.code())
        .bind(State::Delivered.code())
        .bind(State::Read.code())
        .fetch_all(&self.readers)
        .await
        .map_err(doing("count the problems"))?;
        Ok(rows
            .into_iter()
            .map(|(code, n, sample, of_list)| (code, n.unsigned_abs(), sample.into(), of_list))
            .collect())
    }

    /// Returns how many messages of a run were reported both as failed and as delivered.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn contradicted(&self, run: &Run) -> Result<u64, StoreError> {
        let rows: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM delivery WHERE id BETWEEN ?1 AND ?2 AND state IN (?3, ?4) AND code IS NOT NULL",
        )
        .bind(RowKey::first(run.key))
        .bind(RowKey::last(run.key))
        .bind(State::Delivered.code())
        .bind(State::Read.code())
        .fetch_one(&self.readers)
        .await
        .map_err(doing("count contradictions"))?;
        Ok(rows.unsigned_abs())
    }
}

/// A count of a run's rows as they stood when it was begun, however long it takes.
#[derive(Debug)]
pub struct Counting(JoinSet<Result<Tally, StoreError>>);

impl Counting {
    /// The count, once it is made. May be given up and asked again; not after it was given.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn done(&mut self) -> Result<Tally, StoreError> {
        match self.0.join_next().await {
            Some(Ok(counted)) => counted,
            _ => Err(doing("count the rows")(sqlx::Error::WorkerCrashed)),
        }
    }

    /// One that fails.
    #[cfg(test)]
    pub(crate) fn failing() -> Self {
        let mut task = JoinSet::new();
        task.spawn(async { Err(StoreError::Damaged("as a test wants it".to_owned())) });
        Self(task)
    }

    /// The count, if it is made.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn if_done(&mut self) -> Result<Option<Tally>, StoreError> {
        match self.0.try_join_next() {
            None => Ok(None),
            Some(Ok(counted)) => counted.map(Some),
            Some(Err(_)) => Err(doing("count the rows")(sqlx::Error::WorkerCrashed)),
        }
    }
}

async fn tally(store: &mut SqliteConnection, run: &Run) -> Result<Tally, StoreError> {
    let rows: Vec<(i64, i64)> = sqlx::query_as(
        "WITH tried AS (SELECT state, count(*) AS n FROM delivery WHERE id BETWEEN ?2 AND ?3 GROUP BY state), \
         fresh AS (SELECT count(*) AS n FROM air WHERE id BETWEEN ?2 AND ?3 AND NOT again), \
         plan AS (SELECT rows, invalid, duplicate, suppressed, cancelled_at FROM run WHERE id = ?1) \
         SELECT state, n FROM tried \
         UNION ALL SELECT ?4, n FROM fresh \
         UNION ALL SELECT ?5, invalid FROM plan \
         UNION ALL SELECT ?6, duplicate FROM plan \
         UNION ALL SELECT ?7, suppressed FROM plan \
         UNION ALL SELECT CASE WHEN cancelled_at IS NULL THEN ?8 ELSE ?9 END, \
             rows - invalid - duplicate - suppressed - coalesce((SELECT sum(n) FROM tried), 0) \
             - (SELECT n FROM fresh) FROM plan",
    )
    .bind(run.key)
    .bind(RowKey::first(run.key))
    .bind(RowKey::last(run.key))
    .bind(State::Sending.code())
    .bind(State::Invalid.code())
    .bind(State::Duplicate.code())
    .bind(State::Suppressed.code())
    .bind(State::Pending.code())
    .bind(State::Cancelled.code())
    .fetch_all(&mut *store)
    .await
    .map_err(doing("count the rows"))?;
    let mut tally = Tally::default();
    for (code, rows) in rows {
        tally.add(state(code)?, u64::try_from(rows).map_err(|_| negative())?);
    }
    Ok(tally)
}

fn negative() -> StoreError {
    StoreError::Damaged("more rows were tried than there are".to_owned())
}

pub(super) fn state(code: i64) -> Result<State, StoreError> {
    State::from_code(code).ok_or_else(|| StoreError::Damaged(format!("there is no state number {code}")))
}
