//! Rows that may or may not have been accepted, and what a person says of them.

use sqlx::Connection;

use super::error::doing;
use super::{RowKey, Store, StoreError, Writer};
use crate::model::{Change, Millis, Phone, ProviderText, RowNo, State};

/// A row that may or may not have been accepted.
/// There is no `Debug`, since it is made of personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct Uncertain {
    /// The row's number.
    pub row: RowNo,
    /// Where it went, or not.
    pub phone: Phone,
    /// Why nobody knows.
    pub code: String,
    /// Why nobody knows, in words.
    pub message: ProviderText,
    /// When it was tried.
    pub tried_at: Option<Millis>,
}

/// Which uncertain rows a decision is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The row of this number.
    Row(RowNo),
    /// The row that went to this number.
    To(Phone),
    /// All of them.
    All,
}

/// What a person says became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was sent.
    Sent,
    /// It was not sent.
    NotSent,
}

impl Store {
    /// The first uncertain rows of a run, in input order; at most `limit`.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn uncertain(&self, run: i64, limit: u32) -> Result<Vec<Uncertain>, StoreError> {
        /// Key, number, code, message, last attempt.
        type Found = (i64, i64, Option<String>, Option<String>, Option<i64>);
        let rows: Vec<Found> = sqlx::query_as(
            "SELECT d.id, r.phone, d.code, d.message, d.tried_at FROM delivery d JOIN recipient r ON r.id = d.id \
             WHERE d.id BETWEEN ?1 AND ?2 AND d.state = ?3 ORDER BY d.id LIMIT ?4",
        )
        .bind(RowKey::first(run))
        .bind(RowKey::last(run))
        .bind(State::Uncertain.code())
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await
        .map_err(doing("list the uncertain rows"))?;
        Ok(rows
            .into_iter()
            .map(|(id, phone, code, message, tried_at)| Uncertain {
                row: RowKey(id).row(),
                phone: Phone::from_u64(phone.unsigned_abs()),
                code: code.unwrap_or_default(),
                message: message.unwrap_or_default().into(),
                tried_at: tried_at.map(Millis),
            })
            .collect())
    }
}

impl Writer {
    /// Records what a person called `by` says of uncertain rows of a run, and moves the rows accordingly. Gives back how
    /// many there were. Only for the holder of the run's lock.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn decide_uncertain(
        &mut self,
        run: i64,
        which: Which,
        verdict: Verdict,
        by: &str,
        now: Millis,
    ) -> Result<u64, StoreError> {
        let failed = || doing("record the decision");
        let (change, code, words) = match verdict {
            Verdict::Sent => (Change::SettleSent, "settled_sent", "sent"),
            Verdict::NotSent => (Change::SettleNotSent, "settled_not_sent", "not sent"),
        };
        let state = State::Uncertain.after(change).map_err(StoreError::Illegal)?;
        let (row, phone) = match which {
            Which::Row(row) => (Some(RowKey::new(run, row).0), None),
            Which::To(phone) => (None, Some(phone.as_u64().cast_signed())),
            Which::All => (None, None),
        };
        let mut tx = self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        let before: i64 = sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM decision")
            .fetch_one(&mut *tx)
            .await
            .map_err(failed())?;
        let decided = sqlx::query(
            "INSERT INTO decision (recipient, state, at, by, code, message) \
             SELECT d.id, ?6, ?7, ?8, d.code, d.message FROM delivery d JOIN recipient r ON r.id = d.id \
             WHERE d.id BETWEEN ?1 AND ?2 AND d.state = ?3 AND (?4 IS NULL OR d.id = ?4) \
             AND (?5 IS NULL OR r.phone = ?5)",
        )
        .bind(RowKey::first(run))
        .bind(RowKey::last(run))
        .bind(State::Uncertain.code())
        .bind(row)
        .bind(phone)
        .bind(state.code())
        .bind(now.0)
        .bind(by)
        .execute(&mut *tx)
        .await
        .map_err(failed())?;
        let moved = sqlx::query(
            "UPDATE delivery SET state = ?4, doubted = 0, code = ?5, \
             message = ?6 || coalesce('; it was uncertain because of: ' || message, '') \
             WHERE id BETWEEN ?1 AND ?2 AND state = ?3 \
             AND id IN (SELECT recipient FROM decision WHERE id > ?7)",
        )
        .bind(RowKey::first(run))
        .bind(RowKey::last(run))
        .bind(State::Uncertain.code())
        .bind(state.code())
        .bind(code)
        .bind(format!("{by} said at {now} that it was {words}"))
        .bind(before)
        .execute(&mut *tx)
        .await
        .map_err(failed())?;
        if moved.rows_affected() != decided.rows_affected() {
            return Err(StoreError::Damaged("a decision does not fit the rows that it is about".to_owned()));
        }
        tx.commit().await.map_err(failed())?;
        Ok(moved.rows_affected())
    }
}
