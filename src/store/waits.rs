//! Rows that wait for their time: laid out before anything of their run is sent, and put aside when they come too early.
//!
//! A campaign whose rows may have to wait has a line in `delivery` for each from the start, with the time at which it is
//! due. So what waits is found by that time, along its index, and is never read before.

use sqlx::SqliteConnection;

use super::error::doing;
use super::many::{MOST, Many};
use super::{RowKey, Store, StoreError, Writer};
use crate::model::{Millis, Problem, State};

/// A row that may not leave now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aside {
    /// Which row.
    pub key: RowKey,
    /// The state it is in from now on.
    pub state: State,
    /// When it is due, where it waits.
    pub due_at: Option<Millis>,
    /// Why it is not sent, where it is not.
    pub problem: Option<Problem>,
}

/// Rows in one [`Writer::lay_out`] at most.
pub const LAID_OUT: u32 = MOST as u32;

static LAY_OUT: Many = Many::new(
    "INSERT INTO delivery (id, run, state, attempts, tries, due_at, code, message) \
     SELECT column1, column2, column3, 0, 0, column4, column5, column6 FROM (VALUES ",
    6,
    ") WHERE column1 IS NOT NULL",
);

/// A row that was taken up meanwhile is left alone.
static PUT_ASIDE: Many = Many::new(
    "UPDATE delivery SET state = new.column3, due_at = new.column4, code = coalesce(new.column5, code), \
     message = coalesce(new.column6, message) FROM (VALUES ",
    6,
    ") AS new WHERE delivery.id = new.column1 AND delivery.state = new.column2",
);

impl Writer {
    /// Notes when rows that were never tried are due, at most [`LAID_OUT`], in input order and without leaving any out.
    ///
    /// # Errors
    /// Where the store cannot be written; then none of them is noted.
    pub async fn lay_out(&mut self, run: i64, rows: &[Aside]) -> Result<(), StoreError> {
        let laid_out = LAY_OUT.over(rows, |row, aside| {
            row.bind(aside.key.0)
                .bind(run)
                .bind(aside.state.code())
                .bind(aside.due_at.map(|at| at.0))
                .bind(aside.problem.as_ref().map(|problem| &problem.code))
                .bind(aside.problem.as_ref().map(|problem| problem.message.original()))
        });
        laid_out.execute(&mut self.connection).await.map(drop).map_err(doing("note when rows are due"))
    }
}

/// Puts rows aside that wait to be sent.
pub(super) async fn put_aside(store: &mut SqliteConnection, rows: &[Aside]) -> Result<(), StoreError> {
    for rows in rows.chunks(MOST) {
        let put = PUT_ASIDE.over(rows, |row, aside| {
            row.bind(aside.key.0)
                .bind(State::Pending.code())
                .bind(aside.state.code())
                .bind(aside.due_at.map(|at| at.0))
                .bind(aside.problem.as_ref().map(|problem| &problem.code))
                .bind(aside.problem.as_ref().map(|problem| problem.message.original()))
        });
        put.execute(&mut *store).await.map_err(doing("put rows aside"))?;
    }
    Ok(())
}

impl Store {
    /// Messages of all runs of this name that were taken up at `since` or later and were accepted, or may have been.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn taken_since(&self, name: &str, since: Millis) -> Result<u64, StoreError> {
        // The ledger is in the order of time, nearly; reading all of it costs a second for millions.
        let taken: i64 = sqlx::query_scalar(
            "SELECT coalesce(sum(last - first + 1), 0) FROM attempt WHERE at >= ?1 AND outcome IN (?3, ?4) \
             AND (first >> 40) IN (SELECT id FROM run WHERE name = ?2)",
        )
        .bind(since.0)
        .bind(name)
        .bind(State::Accepted.code())
        .bind(State::Uncertain.code())
        .fetch_one(&self.readers)
        .await
        .map_err(doing("count today's messages"))?;
        Ok(taken.unsigned_abs())
    }
}
