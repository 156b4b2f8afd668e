//! What reports and the status display read: the counts are here, the rows in `rows`.

use std::collections::BTreeMap;

use tokio::task::JoinSet;

use super::rows::{LAST_ROW, ReportRows, state};
use crate::model::{Channel, Known, Millis, ReportRow, RowNumber, State, Tally};
use crate::store::Store;
use crate::store::error::doing;
use crate::store::sql::{DbConnection, JsonText, query_as, query_scalar};
use crate::store::{ProblemCount, RowKey, Run, StoreError, Wanted};

/// Number of row keys whose problems are counted at a time.
const PAGE: i64 = 20_000;

/// The problems of a range of rows, equal ones in one line. Rows in a good state have none, see below.
const PROBLEMS: &str = "WITH problem AS ( \
      SELECT id + iif(error_message = '', 4611686018427387904, 0) AS place, error_code AS code, error_message AS message, \
      error_values AS parts, 0 AS of_list FROM delivery \
      WHERE id BETWEEN $1 AND $2 AND error_code IS NOT NULL AND state NOT IN (3, 4, 5) \
      UNION ALL SELECT id + iif(error_message = '', 4611686018427387904, 0), error_code, error_message, error_values, 1 \
      FROM recipient WHERE id BETWEEN $1 AND $2 AND error_code IS NOT NULL) \
    SELECT g.code, g.parts, g.rows, min(p.message), g.of_list > 0, g.first FROM ( \
      SELECT code, parts, count(*) AS rows, max(of_list) AS of_list, min(place) AS first FROM problem GROUP BY code, parts) g \
    CROSS JOIN problem p ON p.place = g.first AND p.code = g.code AND p.parts IS NOT DISTINCT FROM g.parts \
    GROUP BY g.code, g.parts, g.rows, g.of_list, g.first";

impl Store {
    /// Reads the rows of a run for a report, in input order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn report_rows(&self, run: &Run, channel: Channel, wanted: Wanted) -> Result<ReportRows, StoreError> {
        ReportRows::open(self.reader().await?, run, channel, wanted).await.map_err(doing("read the report"))
    }

    /// Returns one row of a run, if it exists, with its cells if `cells` says so.
    ///
    /// # Errors
    /// When the store cannot be read or is inconsistent.
    pub async fn report_row(
        &self,
        run: &Run,
        channel: Channel,
        row: RowNumber,
        cells: bool,
    ) -> Result<Option<ReportRow>, StoreError> {
        let mut rows = self.report_rows(run, channel, Wanted { cells, since: None }).await?.only(row);
        let Some(mut page) = rows.page().await? else { return Ok(None) };
        Ok(page.next_row()?.cloned())
    }

    /// Counts the rows in each state.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn tally(&self, run: &Run) -> Result<Tally, StoreError> {
        let mut reader = self.scanner.acquire().await.map_err(doing("count the rows"))?;
        let counted = tally(&mut reader, run).await;
        match self.kept(run.key).await? {
            Some(kept) => Ok(kept.tally()),
            None => counted,
        }
    }

    /// Starts to count the rows in each state, which takes seconds for millions of rows.
    #[must_use]
    pub fn begin_tally(&self, run: &Run) -> Counting {
        let (store, run) = (self.clone(), run.clone());
        let mut task = JoinSet::new();
        task.spawn(async move { store.tally(&run).await });
        Counting(task)
    }

    /// Counts the attempts of a run that have ended since then and settled their rows.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn settled_since(&self, run: &Run, since: Millis) -> Result<u64, StoreError> {
        let rows: i64 = query_scalar(
            "SELECT CAST(coalesce(sum(accepted + uncertain + refused), 0) AS BIGINT) FROM timeline WHERE run = $1 AND second >= $2",
        )
        .bind(run.key)
        .bind(since.0.div_euclid(1000))
        .fetch_one(&self.readers)
        .await
        .map_err(doing("count the last attempts"))?;
        Ok(rows.unsigned_abs())
    }

    /// Returns the problems of a run by code, most frequent first. Failures of messages that were delivered after all
    /// are left out, because they need no action: [`Store::contradicted`] counts those.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn problems(&self, run: &Run, limit: u32) -> Result<Vec<ProblemCount>, StoreError> {
        let failed = || doing("count the problems");
        let mut tx = self.scanner.snapshot().await.map_err(failed())?;
        let last = query_scalar(LAST_ROW)
            .bind(RowKey::first(run.key))
            .bind(RowKey::last(run.key))
            .fetch_one(&mut tx)
            .await
            .map_err(failed())?;
        // For each code its rows, and the sample with the key of its row: the first row with words, as in the reports.
        let mut counts: BTreeMap<String, (ProblemCount, i64)> = BTreeMap::new();
        let mut after: i64 = RowKey::first(run.key);
        while after <= last {
            let end = after + PAGE;
            /// Code, values, rows, message, whether it is a problem of an input row, and the key of the first row.
            type Found = (String, Option<JsonText>, i64, Option<String>, bool, i64);
            let page: Vec<Found> =
                query_as(PROBLEMS).bind(after).bind(end - 1).fetch_all(&mut tx).await.map_err(failed())?;
            after = end;
            for (code, values, rows, message, of_list, first) in page {
                let words = Known::in_words(Some(&code), message, values.as_deref()).unwrap_or_default();
                let (count, least) = counts
                    .entry(code.clone())
                    .or_insert_with(|| (ProblemCount { code, rows: 0, sample: words.as_str().into(), of_list }, first));
                (count.rows, count.of_list) = (count.rows + rows.unsigned_abs(), count.of_list || of_list);
                if first < *least {
                    (count.sample, *least) = (words.into(), first);
                }
            }
        }
        let mut counts: Vec<ProblemCount> = counts.into_values().map(|(count, _)| count).collect();
        counts.sort_by(|a, b| (b.rows, &a.code).cmp(&(a.rows, &b.code)));
        counts.truncate(limit as usize);
        Ok(match self.kept(run.key).await? {
            Some(kept) => kept.problems(limit),
            None => counts,
        })
    }

    /// Counts the messages of a run that were reported both as failed and as delivered.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn contradicted(&self, run: &Run) -> Result<u64, StoreError> {
        let rows: i64 = query_scalar(
            "SELECT count(*) FROM delivery WHERE id BETWEEN $1 AND $2 AND state IN (4, 5) AND error_code IS NOT NULL",
        )
        .bind(RowKey::first(run.key))
        .bind(RowKey::last(run.key))
        .fetch_one(&self.scanner)
        .await
        .map_err(doing("count contradictions"))?;
        Ok(self.kept(run.key).await?.map_or(rows.unsigned_abs(), |kept| kept.contradicted))
    }
}

// A person's decision is not a problem of a sent row, nor is the failure of a message that was delivered after all.
const _: () = assert!(
    State::Sent as i64 == 3 && State::Delivered as i64 == 4 && State::Read as i64 == 5,
    "they stand in the statements"
);

/// A running count of a run's rows.
#[derive(Debug)]
pub struct Counting(JoinSet<Result<Tally, StoreError>>);

impl Counting {
    /// Returns the count once it is complete. May be cancelled and called again, but not after it returned the count.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn done(&mut self) -> Result<Tally, StoreError> {
        match self.0.join_next().await {
            Some(Ok(counted)) => counted,
            _ => Err(doing("count the rows")(sqlx::Error::WorkerCrashed)),
        }
    }
}

async fn tally(store: &mut DbConnection<'_>, run: &Run) -> Result<Tally, StoreError> {
    let rows: Vec<(i64, i64)> = query_as(
        "WITH claimed AS MATERIALIZED (SELECT state, count(*) AS n FROM delivery WHERE id BETWEEN $2 AND $3 GROUP BY state), \
         plan AS (SELECT rows, invalid, duplicate, suppressed, cancelled_at FROM run WHERE id = $1) \
         SELECT state, n FROM claimed \
         UNION ALL SELECT $4, invalid FROM plan \
         UNION ALL SELECT $5, duplicate FROM plan \
         UNION ALL SELECT $6, suppressed FROM plan \
         UNION ALL SELECT iif(cancelled_at IS NULL, $7, $8), \
             rows - invalid - duplicate - suppressed - CAST(coalesce((SELECT sum(n) FROM claimed), 0) AS BIGINT) FROM plan",
    )
    .bind(run.key)
    .bind(RowKey::first(run.key))
    .bind(RowKey::last(run.key))
    .bind(State::Invalid.code())
    .bind(State::Duplicate.code())
    .bind(State::Suppressed.code())
    .bind(State::Pending.code())
    .bind(State::Cancelled.code())
    .fetch_all(store)
    .await
    .map_err(doing("count the rows"))?;
    let mut tally = Tally::default();
    for (code, rows) in rows {
        let rows = u64::try_from(rows);
        tally.add(state(code)?, rows.map_err(|_| StoreError::Damaged("more rows were claimed than exist".to_owned()))?);
    }
    Ok(tally)
}
