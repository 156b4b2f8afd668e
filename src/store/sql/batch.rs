//! Statements that always run in sequence, in a transaction that the first batch begins and the last one ends. SQLite
//! gets each batch as one text, because every text costs a round trip to SQLite's thread.

use sqlx::postgres::PgRow;
use sqlx::{Error, Executor, Row as _};

use super::connection::{DbConnection, in_time};
use super::dialect;
use super::query::Query;
use super::row::DbRow;
use super::value::Bind;
use crate::store::guarded;

/// Statements with the same parameters.
pub(in crate::store) struct Batch {
    /// All of them, for SQLite, with what begins or ends the transaction.
    pub(in crate::store) whole: &'static str,
    /// Each of them, for PostgreSQL.
    pub(in crate::store) each: &'static [&'static str],
    /// Whether they begin the transaction; otherwise they end it.
    pub(in crate::store) begins: bool,
}

/// Statements that begin a transaction. `a => b` change different tables, so PostgreSQL gets both as one
/// statement: each costs it a round trip.
macro_rules! first_batch {
    ($before:expr => $statement:expr, $last:expr) => {
        $crate::store::sql::Batch {
            whole: concat!("BEGIN IMMEDIATE; ", $before, "; ", $statement, "; ", $last),
            each: &[concat!("WITH before AS (", $before, ") ", $statement), $last],
            begins: true,
        }
    };
    ($($statement:expr),+) => {
        $crate::store::sql::Batch {
            whole: concat!("BEGIN IMMEDIATE", $("; ", $statement),+),
            each: &[$($statement),+],
            begins: true,
        }
    };
}

/// Statements that end a transaction.
macro_rules! last_batch {
    ($($statement:expr),+) => {
        $crate::store::sql::Batch {
            whole: concat!($($statement, "; "),+, "COMMIT"),
            each: &[$($statement),+],
            begins: false,
        }
    };
}
pub(in crate::store) use {first_batch, last_batch};

/// A batch with its parameters so far.
pub(in crate::store) struct BatchQuery {
    batch: &'static Batch,
    values: Query,
}

/// Returns a batch to run.
pub(in crate::store) fn batch(batch: &'static Batch) -> BatchQuery {
    BatchQuery { batch, values: Query::new(guarded(batch.whole)) }
}

/// What a batch returned.
pub(in crate::store) struct BatchRows {
    /// The rows of all its statements.
    pub(in crate::store) rows: Vec<DbRow>,
    /// On PostgreSQL, the number of rows that the last statement but one changed. SQLite's `changes()` is that number.
    pub(in crate::store) changed: Option<u64>,
    /// On PostgreSQL, the mark of the store and whether it was set back, if the batch began the transaction.
    pub(in crate::store) mark: Option<(i64, bool)>,
}

impl BatchQuery {
    /// Adds the next parameter.
    pub(in crate::store) fn bind(mut self, value: impl Bind) -> Self {
        self.values = self.values.bind(value);
        self
    }

    /// Runs the statements. If this fails or is dropped, the transaction may still be open.
    pub(in crate::store) async fn run(self, on: &mut DbConnection<'_>) -> Result<BatchRows, Error> {
        let connection = match on {
            DbConnection::Sqlite(_) => {
                let rows = self.values.fetch_all(on).await?;
                return Ok(BatchRows { rows, changed: None, mark: None });
            }
            DbConnection::Postgres(connection) => connection,
        };
        let mut mark = None;
        if self.batch.begins {
            let lines = in_time(connection.fetch_all(sqlx::raw_sql(guarded(dialect::BEGIN)))).await?;
            let of_store = |line: &PgRow| Ok::<_, Error>((line.try_get(0)?, line.try_get(1)?));
            // Without its line, the store is being restored.
            let line = lines.first().ok_or_else(|| Error::Protocol("the table `store` is empty".to_owned()))?;
            mark = Some(of_store(line)?);
        }
        let Some((&last, before)) = self.batch.each.split_last() else { return Err(Error::RowNotFound) };
        let mut changed = None;
        for &statement in before {
            let done = self.values.with(guarded(statement)).execute(&mut *on).await?;
            changed = Some(done.rows_affected());
        }
        let rows = self.values.with(guarded(last)).fetch_all(&mut *on).await?;
        if !self.batch.begins {
            on.command("COMMIT").await?;
        }
        Ok(BatchRows { rows, changed, mark })
    }
}
