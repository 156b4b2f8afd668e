//! Compares a list of numbers with the store before there is a run: who would be skipped, and whom earlier runs
//! reached.

use crate::model::{Millis, Phone, RowCause, RowNumber, RunId};
use crate::store::Store;
use crate::store::error::doing;
use crate::store::plan::reached::{Purged, clear, collect};
use crate::store::sql::{DbConnection, JsonText, json, query, query_as, query_scalar, script};
use crate::store::{LeaveOut, LeftOut, Reached, ReachedBy, ReasonsByPhone, RowKey, StoreError};

/// The numbers of a list, to compare with the store. They are kept on disk, so a list of any length fits.
#[derive(Debug)]
pub struct Listing {
    connection: DbConnection<'static>,
    /// The campaign's name.
    name: String,
    /// The code of people who were reached.
    code: &'static str,
}

/// Maximum number of rows shown of each kind.
const SHOWN: u32 = 3;
/// Maximum number of uncertain rows shown.
const UNCERTAIN_SHOWN: u32 = 10;

const REACHED: [&str; 2] = [
    "SELECT count(*) FROM listed JOIN reached USING (phone)",
    "SELECT row, CAST(json_array(run, at, waits) AS TEXT) FROM listed JOIN reached USING (phone) ORDER BY row LIMIT $1",
];
/// Suppressed numbers that were not reached before.
const SUPPRESSED: [&str; 2] = [
    "SELECT count(*) FROM listed JOIN suppression USING (phone) \
     WHERE phone NOT IN (SELECT phone FROM reached)",
    "SELECT row, CAST(json_array(reason) AS TEXT) FROM listed JOIN suppression USING (phone) \
     WHERE phone NOT IN (SELECT phone FROM reached) ORDER BY row LIMIT $1",
];

impl Store {
    /// Creates an empty listing for a campaign of this name; `None` if the store has no one to skip.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn listing(&self, name: &str) -> Result<Option<Listing>, StoreError> {
        let failed = || doing("find the people to leave out");
        let anyone: bool = query_scalar(
            "SELECT EXISTS (SELECT 1 FROM suppression) \
             OR EXISTS (SELECT 1 FROM run WHERE name = $1 AND started_at IS NOT NULL)",
        )
        .bind(name)
        .fetch_one(&self.readers)
        .await
        .map_err(failed())?;
        if !anyone {
            return Ok(None);
        }
        let mut connection = self.separate().await?;
        script(
            "CREATE TEMP TABLE listed (phone BIGINT PRIMARY KEY, row BIGINT NOT NULL, line BIGINT NOT NULL UNIQUE)",
            &mut connection,
        )
        .await
        .map_err(failed())?;
        Ok(Some(Listing { connection, name: name.to_owned(), code: "" }))
    }
}

impl Listing {
    /// Adds numbers with their rows, in list order; the first row of a number counts, in whichever spelling.
    ///
    /// # Errors
    /// When there is no space for them.
    pub async fn add(&mut self, numbers: &[(Phone, RowNumber)]) -> Result<(), StoreError> {
        let numbers: Vec<(u64, u64, u64)> =
            numbers.iter().map(|(phone, row)| (phone.as_u64(), row.0, phone.line().as_u64())).collect();
        query(
            "INSERT INTO listed SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), CAST(value ->> 2 AS BIGINT) \
             FROM jsonb_each($1) WHERE true ON CONFLICT DO NOTHING",
        )
            .bind(json(&numbers))
            .execute(&mut self.connection)
            .await
            .map(drop)
            .map_err(doing("save the recipients' numbers"))
    }

    /// Returns which rows a run of this name would skip now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn leave_out(&mut self, which: Option<LeaveOut>) -> Result<LeftOut, StoreError> {
        let failed = || doing("find the rows that the run skips");
        self.prepare(which).await?;
        let mut left_out = LeftOut::default();
        if let Some(which) = which {
            left_out.reached_code = which.code();
            left_out.reached = self.count(&REACHED, which.code(), &mut left_out.first).await.map_err(failed())?;
        }
        left_out.suppressed = self.count(&SUPPRESSED, "suppressed", &mut left_out.first).await.map_err(failed())?;
        Ok(left_out)
    }

    /// Counts the skipped rows and collects the first ones, with two statements over the same rows.
    async fn count(
        &mut self,
        [count, first]: &'static [&'static str; 2],
        code: &'static str,
        rows: &mut Vec<(RowNumber, &'static str, String)>,
    ) -> Result<u64, sqlx::Error> {
        let number: i64 = query_scalar(*count).fetch_one(&mut self.connection).await?;
        let shown: Vec<(i64, JsonText)> = query_as(*first).bind(SHOWN).fetch_all(&mut self.connection).await?;
        rows.extend(shown.into_iter().map(|(row, values)| (RowNumber(row.unsigned_abs()), code, words(code, &values))));
        Ok(number.unsigned_abs())
    }

    /// Returns whom earlier runs of this name reached.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn reached(&mut self) -> Result<Reached, StoreError> {
        let failed = || doing("find the numbers that earlier runs reached");
        let Self { connection, name, .. } = self;
        let Purged(purged) = collect(connection, name, None, Millis(i64::MIN)).await?;
        let of: i64 = query_scalar("SELECT count(*) FROM listed").fetch_one(&mut *connection).await.map_err(failed())?;
        let new: i64 = query_scalar(
            "SELECT count(*) FROM listed WHERE phone NOT IN (SELECT phone FROM reached) \
             AND phone NOT IN (SELECT phone FROM suppression)",
        )
        .fetch_one(&mut *connection)
        .await
        .map_err(failed())?;
        let runs: Vec<(i64, i64, i64, i64)> = query_as(
            "SELECT run.number, count(*), min(r.at), max(r.at) FROM listed JOIN reached r USING (phone) \
             JOIN run ON run.id = r.id >> 40 GROUP BY run.number ORDER BY run.number DESC",
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed())?;
        let id = |number: i64| RunId::new(name.as_str(), u32::try_from(number).unwrap_or(u32::MAX));
        let runs: Vec<ReachedBy> = runs
            .into_iter()
            .map(|(number, people, first, last)| ReachedBy {
                run: id(number),
                people: people.unsigned_abs(),
                first: Millis(first),
                last: Millis(last),
            })
            .collect();
        let uncertain: i64 = query_scalar("SELECT count(*) FROM listed JOIN reached r USING (phone) WHERE r.uncertain")
            .fetch_one(&mut *connection)
            .await
            .map_err(failed())?;
        let first: Vec<(i64, i64)> = query_as(
            "SELECT (SELECT number FROM run WHERE id = r.id >> 40), r.id FROM listed JOIN reached r USING (phone) \
             WHERE r.uncertain ORDER BY r.id LIMIT $1",
        )
        .bind(UNCERTAIN_SHOWN)
        .fetch_all(&mut *connection)
        .await
        .map_err(failed())?;
        Ok(Reached {
            of: of.unsigned_abs(),
            people: runs.iter().map(|run| run.people).sum(),
            new: new.unsigned_abs(),
            runs,
            uncertain: uncertain.unsigned_abs(),
            first_uncertain: first.into_iter().map(|(number, key)| (id(number), RowKey(key).row())).collect(),
            purged,
        })
    }

    /// Prepares for calls of [`Listing::of`].
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn prepare(&mut self, which: Option<LeaveOut>) -> Result<(), StoreError> {
        let failed = || doing("find the rows that the run skips");
        clear(&mut self.connection).await.map_err(failed())?;
        if let Some(which) = which {
            self.code = which.code();
            collect(&mut self.connection, &self.name, None, which.since()).await?.all(which.way_out())?;
        }
        Ok(())
    }

    /// Returns which of these numbers a run would skip, each with the code and the reason.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn of(&mut self, phones: &[Phone]) -> Result<ReasonsByPhone, StoreError> {
        let failed = || doing("find the rows that the run skips");
        let phones: Vec<u64> = phones.iter().map(|phone| phone.as_u64()).collect();
        let rows: Vec<(i64, JsonText, bool)> = query_as(
            "SELECT s.phone, CAST(json_array(s.reason) AS TEXT), false FROM json_each($1) JOIN suppression s ON s.phone = CAST(atom AS BIGINT) \
             UNION ALL SELECT r.phone, CAST(json_array(r.run, r.at, r.waits) AS TEXT), true FROM json_each($1) \
             JOIN reached r ON r.phone = CAST(atom AS BIGINT)",
        )
        .bind(json(&phones))
        .fetch_all(&mut self.connection)
        .await
        .map_err(failed())?;
        let read = |(phone, values, reached): (i64, JsonText, bool)| {
            let code = if reached { self.code } else { "suppressed" };
            (Phone::from_u64(phone.unsigned_abs()), (code, words(code, &values)))
        };
        Ok(rows.into_iter().map(read).collect())
    }
}

/// Returns the reason for skipping a row.
fn words(code: &str, values: &str) -> String {
    RowCause::read(code, Some(values)).map_or_else(String::new, |cause| cause.words())
}
