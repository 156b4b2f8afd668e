//! What people decide: rows put back, a run cancelled, numbers suppressed.

use sqlx::Connection;

use super::error::doing;
use super::{RowKey, Run, Store, StoreError, Writer, reached};
use crate::crash::Point;
use crate::model::{Change, Millis, Phone, State};

/// What became of rows that were to be put back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PutBack {
    /// Rows that are sent again.
    pub rows: u64,
    /// Rows that stay as they are, since another run of the name reached their people, or is about to.
    pub left_out: u64,
}

/// A row in doubt stays one of which nobody may say that it was not sent, if its next try is called off.
const PUT_BACK: &str = "UPDATE delivery SET state = ?3, tries = 0, put_off = 0, put_back = put_back + 1, doubted = ?6, \
    due_at = ?5, accepted_at = NULL, message_id = NULL, provider_status = NULL, delivered_at = NULL, read_at = NULL, \
    poll_at = NULL, polled_at = NULL WHERE id BETWEEN ?1 AND ?2 AND state = ?4 \
    AND NOT EXISTS (SELECT 1 FROM recipient r JOIN temp.reached USING (phone) WHERE r.id = delivery.id)";

impl Writer {
    /// Puts every row of a run that is in one of `states` back to be sent again, and reopens the run; none if the run was
    /// cancelled. Rows whose people another run of the name reached, or is about to message, stay as they are, unless
    /// `everyone` is put back.
    ///
    /// # Errors
    /// Where one of the states cannot be put back, or the store cannot be written. [`StoreError::Held`] while the rows of
    /// another run of the name are being read: whom it will message is not known yet.
    pub async fn put_back(
        &mut self,
        run: &Run,
        states: &[State],
        everyone: bool,
        now: Millis,
    ) -> Result<PutBack, StoreError> {
        let failed = || doing("put rows back");
        let mut tx = self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        let key = run.key;
        let cancelled: bool = sqlx::query_scalar("SELECT cancelled_at IS NOT NULL FROM run WHERE id = ?1")
            .bind(key)
            .fetch_one(&mut *tx)
            .await
            .map_err(failed())?;
        if cancelled {
            // Nothing of it would ever be sent, and what is known of these rows would be lost.
            return Ok(PutBack::default());
        }
        if everyone {
            reached::clear(&mut tx).await.map_err(failed())?;
        } else {
            reached::collect_for_retry(&mut tx, run).await?;
        }
        let mut put_back = PutBack::default();
        for state in states {
            let pending = state.after(Change::PutBack).map_err(StoreError::Illegal)?;
            let all: i64 =
                sqlx::query_scalar("SELECT count(*) FROM delivery WHERE id BETWEEN ?1 AND ?2 AND state = ?3")
                    .bind(RowKey::first(key))
                    .bind(RowKey::last(key))
                    .bind(state.code())
                    .fetch_one(&mut *tx)
                    .await
                    .map_err(failed())?;
            let rows = sqlx::query(PUT_BACK)
                .bind(RowKey::first(key))
                .bind(RowKey::last(key))
                .bind(pending.code())
                .bind(state.code())
                .bind(now.0)
                .bind(*state == State::Uncertain)
                .execute(&mut *tx)
                .await
                .map_err(failed())?
                .rows_affected();
            put_back.rows += rows;
            put_back.left_out += all.unsigned_abs() - rows;
        }
        if put_back.rows > 0 {
            sqlx::query("UPDATE run SET dispatched_at = NULL, finished_at = NULL, paused_at = NULL WHERE id = ?1")
                .bind(key)
                .execute(&mut *tx)
                .await
                .map_err(failed())?;
        }
        Point::PutBackWritten.pass();
        tx.commit().await.map_err(failed())?;
        Point::PutBackCommitted.pass();
        Ok(put_back)
    }

    /// Notes that a person wants no further sends of a run. Rows never tried count as cancelled from here on.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn cancel(&mut self, run: i64, now: Millis) -> Result<(), StoreError> {
        sqlx::query("UPDATE run SET cancelled_at = coalesce(cancelled_at, ?2) WHERE id = ?1")
            .bind(run)
            .bind(now.0)
            .execute(&mut self.connection)
            .await
            .map_err(doing("cancel the run"))?;
        Point::CancelNoted.pass();
        Ok(())
    }

    /// Cancels the rows of a cancelled run that wait for another try. Only for the holder of the run's lock.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn cancel_waiting(&mut self, run: i64) -> Result<(), StoreError> {
        let cancelled = State::Pending.after(Change::Cancel).map_err(StoreError::Illegal)?;
        // "Cancelled" would claim that it was not sent.
        let uncertain = State::Pending.after(Change::Doubt).map_err(StoreError::Illegal)?;
        sqlx::query(
            "UPDATE delivery SET state = CASE WHEN doubted THEN ?5 ELSE ?3 END, due_at = NULL \
             WHERE id BETWEEN ?1 AND ?2 AND state = ?4",
        )
        .bind(RowKey::first(run))
        .bind(RowKey::last(run))
        .bind(cancelled.code())
        .bind(State::Pending.code())
        .bind(uncertain.code())
        .execute(&mut self.connection)
        .await
        .map_err(doing("cancel waiting rows"))?;
        Point::WaitingCancelled.pass();
        Ok(())
    }

    /// Puts numbers on the suppression list; one that is there already keeps its reason. Gives back how many are new.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn suppress(&mut self, phones: &[Phone], reason: Option<&str>, now: Millis) -> Result<u64, StoreError> {
        let phones: Vec<u64> = phones.iter().map(|phone| phone.as_u64()).collect();
        let done = sqlx::query(
            "INSERT INTO suppression (phone, reason, added_at) SELECT value, ?2, ?3 FROM json_each(?1) WHERE true \
             ON CONFLICT DO NOTHING",
        )
        .bind(serde_json::to_string(&phones).unwrap_or_default())
        .bind(reason)
        .bind(now.0)
        .execute(&mut self.connection)
        .await
        .map_err(doing("suppress numbers"))?;
        Point::Suppressed.pass();
        Ok(done.rows_affected())
    }

    /// Takes numbers off the suppression list. Gives back how many were on it.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn unsuppress(&mut self, phones: &[Phone]) -> Result<u64, StoreError> {
        let phones: Vec<u64> = phones.iter().map(|phone| phone.as_u64()).collect();
        let done = sqlx::query("DELETE FROM suppression WHERE phone IN (SELECT value FROM json_each(?1))")
            .bind(serde_json::to_string(&phones).unwrap_or_default())
            .execute(&mut self.connection)
            .await
            .map_err(doing("take numbers off the suppression list"))?;
        Ok(done.rows_affected())
    }
}

impl Store {
    /// A page of the suppression list, by number, after `after`: number, reason, when it was added.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn suppressions(
        &self,
        after: Option<Phone>,
        limit: u32,
    ) -> Result<Vec<(Phone, Option<String>, Millis)>, StoreError> {
        let rows: Vec<(i64, Option<String>, i64)> =
            sqlx::query_as("SELECT phone, reason, added_at FROM suppression WHERE phone > ?1 ORDER BY phone LIMIT ?2")
                .bind(after.map_or(0, |phone| phone.as_u64().cast_signed()))
                .bind(i64::from(limit))
                .fetch_all(&self.readers)
                .await
                .map_err(doing("list the suppression list"))?;
        Ok(rows
            .into_iter()
            .map(|(phone, reason, at)| (Phone::from_u64(phone.unsigned_abs()), reason, Millis(at)))
            .collect())
    }
}
