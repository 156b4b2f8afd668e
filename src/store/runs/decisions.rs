//! Decisions by people: rows requeued or cancelled, uncertain rows resolved, times corrected.

use crate::crash_point::Point;
use crate::model::{Known, Millis, Phone, RowCause, State, StateChange, WhyUncertain};
use crate::store::dispatch::past_attempts::{move_to_past, take_back};
use crate::store::error::doing;
use crate::store::plan::reached::{CHUNK, clear, collect_for_retry, other_runs};
use crate::store::sql::{JsonList, JsonText, json, query, query_as, query_scalar};
use crate::store::writer::assert_owner;
use crate::store::{
    Owner, RequeueFilter, Requeued, RowKey, Run, StoreError, Uncertain, Verdict, WaitKind, Which, stopped,
};
use crate::store::{Store, guarded};

/// Clocks that are kept right never go back by more than this, in milliseconds.
const CLOCK_SLACK: i64 = 1_000;

/// If the next attempt is cancelled, a row in doubt stays in doubt.
const REQUEUE: &str = "UPDATE delivery SET state = $2, charged_attempts = 0, deferrals = 0, requeues = requeues + 1, \
    in_doubt = (in_doubt OR $4), next_attempt_at = $3, next_poll_at = NULL WHERE id IN (SELECT CAST(atom AS BIGINT) FROM json_each($1)) AND state = $5";

/// The condition of rows that a person chose: those after $1 up to $2 in the state $3, with one of the errors $4, one
/// of the keys $5 and one of the phone numbers $6, which are JSON arrays, or NULL for any; if $7 is false, no failed
/// row of which an earlier attempt may have been accepted.
macro_rules! chosen {
    () => {
        "d.id > $1 AND d.id <= $2 AND d.state = $3 \
         AND ($4 IS NULL OR d.error_code IN (SELECT atom FROM json_each($4))) \
         AND ($5 IS NULL OR d.id IN (SELECT CAST(atom AS BIGINT) FROM json_each($5))) \
         AND ($6 IS NULL OR EXISTS (SELECT 1 FROM recipient r WHERE r.id = d.id \
              AND r.phone IN (SELECT CAST(atom AS BIGINT) FROM json_each($6)))) \
         AND ($7 OR d.state <> 6 OR NOT EXISTS (SELECT 1 FROM past_attempt p WHERE p.row = d.id AND p.outcome = 9))"
    };
}

/// Returns the errors, keys and phone numbers of a filter as `chosen` takes them.
fn as_json(run: &Run, wanted: &RequeueFilter) -> [Option<JsonList>; 3] {
    fn array<T: serde::Serialize>(values: Vec<T>) -> Option<JsonList> {
        (!values.is_empty()).then(|| json(&values))
    }
    [
        array(wanted.errors.clone()),
        array(wanted.rows.iter().map(|row| RowKey::new(run.key, *row).0).collect()),
        array(wanted.phones.iter().flat_map(|phone| phone.spellings()).map(Phone::as_u64).collect()),
    ]
}

impl Store {
    /// Requeues the rows of a run that a person chose, and reopens the run; none if the run was cancelled. Rows whose
    /// people another run of the name reached, or is about to message, stay as they are, unless `everyone` is true.
    ///
    /// # Errors
    /// When one of the states cannot be requeued, the store cannot be written, or another process has taken over the
    /// run. [`StoreError::Held`] while the rows of another run of the name are being read: it is not known yet whom
    /// that run will message.
    pub async fn requeue(
        &self,
        owner: Owner,
        run: &Run,
        wanted: &RequeueFilter,
        everyone: bool,
        now: Millis,
    ) -> Result<Requeued, StoreError> {
        let failed = || doing("requeue rows");
        let mut connection = self.separate().await?;
        clear(&mut connection).await.map_err(failed())?;
        let mut others = Vec::new();
        if !everyone {
            others = other_runs(&mut connection, run).await?;
            collect_for_retry(&mut connection, run).await?;
        }
        let mut requeued = Requeued::default();
        let [errors, rows, phones] = as_json(run, wanted);
        for state in &wanted.states {
            let pending = state.after(StateChange::Requeue).map_err(StoreError::Illegal)?;
            let mut after = RowKey::first(run.key);
            loop {
                let mut tx = connection.begin().await.map_err(failed())?;
                assert_owner(&mut tx, owner).await?;
                // While this waited for the lock, another run may have started or requeued rows.
                let now_others = if everyone { Vec::new() } else { other_runs(&mut tx, run).await? };
                if now_others != others {
                    tx.close().await.map_err(failed())?;
                    others = now_others;
                    collect_for_retry(&mut connection, run).await?;
                    continue;
                }
                // Nothing of a cancelled run would ever be sent, and the outcomes of its rows would be lost.
                let rows: Vec<(i64, bool, bool)> = query_as(concat!(
                    "SELECT d.id, EXISTS (SELECT 1 FROM recipient r JOIN reached USING (phone) \
                         WHERE r.id = d.id), d.message_id IS NOT NULL FROM delivery d WHERE ",
                    chosen!(),
                    " AND NOT EXISTS (SELECT 1 FROM run WHERE id = $8 AND cancelled_at IS NOT NULL) \
                         ORDER BY d.id LIMIT $9"
                ))
                .bind(after)
                .bind(RowKey::last(run.key))
                .bind(state.code())
                .bind(&errors)
                .bind(&rows)
                .bind(&phones)
                .bind(wanted.with_doubtful)
                .bind(run.key)
                .bind(CHUNK)
                .fetch_all(&mut tx)
                .await
                .map_err(failed())?;
                let Some((last, ..)) = rows.last() else { break };
                after = *last;
                let keys = |only_messages: bool| {
                    let wanted = rows.iter().filter(|(_, reached, message)| !reached && (*message || !only_messages));
                    json(wanted.map(|(key, ..)| *key).collect::<Vec<_>>())
                };
                // An accepted message keeps receiving its own statuses.
                move_to_past(&mut tx, &keys(true)).await?;
                let done = query(guarded(REQUEUE))
                    .bind(keys(false))
                    .bind(pending.code())
                    .bind(now.0)
                    .bind(*state == State::Uncertain)
                    .bind(state.code())
                    .execute(&mut tx)
                    .await
                    .map_err(failed())?
                    .rows_affected();
                // A row that a past attempt is known to have reached is not sent again.
                let keys: Vec<i64> = rows.iter().filter(|(_, reached, _)| !reached).map(|(key, ..)| *key).collect();
                let taken_back = take_back(&mut tx, &keys).await?;
                requeued.rows += done - taken_back;
                requeued.left_out += rows.len() as u64 - done + taken_back;
                if done > 0 {
                    query(
                        "UPDATE run SET dispatched_at = NULL, finished_at = NULL, requeues = requeues + 1 WHERE id = $1",
                    )
                    .bind(run.key)
                    .execute(&mut tx)
                    .await
                    .map_err(failed())?;
                }
                Point::RequeueWritten.pass();
                tx.commit().await.map_err(failed())?;
                Point::RequeueCommitted.pass();
            }
        }
        connection.close().await.map_err(failed())?;
        Ok(requeued)
    }

    /// Returns how many rows [`Store::requeue`] would find.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn count_requeue(&self, run: &Run, wanted: &RequeueFilter) -> Result<u64, StoreError> {
        let [errors, rows, phones] = as_json(run, wanted);
        let mut count = 0;
        for state in &wanted.states {
            let found: i64 = query_scalar(concat!("SELECT count(*) FROM delivery d WHERE ", chosen!()))
                .bind(RowKey::first(run.key))
                .bind(RowKey::last(run.key))
                .bind(state.code())
                .bind(&errors)
                .bind(&rows)
                .bind(&phones)
                .bind(wanted.with_doubtful)
                .fetch_one(&self.readers)
                .await
                .map_err(doing("count the rows to requeue"))?;
            count += found.unsigned_abs();
        }
        Ok(count)
    }

    /// Cancels the rows of a cancelled run that wait for another attempt.
    ///
    /// # Errors
    /// When the store cannot be written, or another process has taken over the run.
    pub async fn cancel_waiting(&self, owner: Owner) -> Result<(), StoreError> {
        let failed = || doing("cancel waiting rows");
        loop {
            // In parts, because others cannot write meanwhile.
            let mut writer = self.write().await?;
            let mut tx = writer.begin_as(owner, "cancel waiting rows").await?;
            let cancelled = query(guarded(
                "UPDATE delivery SET state = iif(in_doubt, $3, $2), next_attempt_at = NULL WHERE id IN \
                 (SELECT id FROM delivery WHERE run = $1 AND next_attempt_at IS NOT NULL LIMIT $4)",
            ))
            .bind(owner.run)
            .bind(stopped(StateChange::Cancel, false)?.code())
            .bind(stopped(StateChange::Cancel, true)?.code())
            .bind(CHUNK)
            .execute(&mut tx)
            .await
            .map_err(failed())?
            .rows_affected();
            tx.commit().await.map_err(failed())?;
            Point::WaitingCancelled.pass();
            if cancelled == 0 {
                return Ok(());
            }
        }
    }
}

impl Store {
    /// Returns the first uncertain rows of a run, in input order; at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn uncertain(&self, run: i64, limit: u32) -> Result<Vec<Uncertain>, StoreError> {
        /// Key, number, code, message, values, last attempt.
        type Found = (i64, i64, Option<String>, Option<String>, Option<JsonText>, Option<i64>);
        let rows: Vec<Found> = query_as(
            "SELECT d.id, r.phone, d.error_code, d.error_message, d.error_values, d.started_at \
             FROM delivery d JOIN recipient r ON r.id = d.id \
             WHERE d.id BETWEEN $1 AND $2 AND d.state = $3 ORDER BY d.id LIMIT $4",
        )
        .bind(RowKey::first(run))
        .bind(RowKey::last(run))
        .bind(State::Uncertain.code())
        .bind(limit)
        .fetch_all(&self.readers)
        .await
        .map_err(doing("list the uncertain rows"))?;
        Ok(rows
            .into_iter()
            .map(|(id, phone, code, message, values, last_attempt_at)| Uncertain {
                row: RowKey(id).row(),
                phone: Phone::from_u64(phone.unsigned_abs()),
                message: Known::in_words(code.as_deref(), message, values.as_deref()).unwrap_or_default().into(),
                code: code.unwrap_or_default(),
                last_attempt_at: last_attempt_at.map(Millis),
            })
            .collect())
    }

    /// Records the decision of the person `by` about uncertain rows of a run, and changes the rows accordingly. Returns
    /// the number of rows.
    ///
    /// # Errors
    /// When the store cannot be written, or another process has taken over the run.
    pub async fn resolve_uncertain(
        &self,
        owner: Owner,
        which: Which,
        verdict: Verdict,
        by: &str,
        now: Millis,
    ) -> Result<u64, StoreError> {
        let failed = || doing("record the decision");
        let change = match verdict {
            Verdict::Sent => StateChange::SettleSent,
            Verdict::NotSent => StateChange::SettleNotSent,
        };
        let state = State::Uncertain.after(change).map_err(StoreError::Illegal)?;
        let (row, phone) = match which {
            Which::Row(row) => (Some(RowKey::new(owner.run, row).0), None),
            Which::To(phone) => (None, Some(phone)),
            Which::All => (None, None),
        };
        let number = |phone: Phone| phone.as_u64().cast_signed();
        let mut writer = self.write().await?;
        let mut tx = writer.begin_as(owner, "record the decision").await?;
        /// Key, code, message, values.
        type Found = (i64, Option<String>, Option<String>, Option<JsonText>);
        let rows: Vec<Found> = query_as(
            "SELECT d.id, d.error_code, d.error_message, d.error_values FROM delivery d JOIN recipient r ON r.id = d.id \
             WHERE d.id BETWEEN $1 AND $2 AND d.state = $3 AND ($4 IS NULL OR d.id = $4) AND ($5 IS NULL OR r.phone IN ($5, $6))",
        )
        .bind(RowKey::first(owner.run))
        .bind(RowKey::last(owner.run))
        .bind(State::Uncertain.code())
        .bind(row)
        .bind(phone.map(number))
        .bind(phone.and_then(Phone::other_spelling).map(number))
        .fetch_all(&mut tx)
        .await
        .map_err(failed())?;
        // The row gets its own reason: who decided.
        let keys: Vec<i64> = rows.iter().map(|(key, ..)| *key).collect();
        move_to_past(&mut tx, &json(&keys)).await?;
        for (key, code, message, values) in &rows {
            let values = values.as_ref().map(|values| values.0.clone());
            let before =
                code.clone().map(|code| WhyUncertain { code, message: message.clone(), values: values.clone() });
            query(
                "INSERT INTO resolution (row, state, at, by, error_code, error_message, error_values) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(key)
            .bind(state.code())
            .bind(now.0)
            .bind(by)
            .bind(code)
            .bind(message)
            .bind(&values)
            .execute(&mut tx)
            .await
            .map_err(failed())?;
            let cause = RowCause::Settled { sent: verdict == Verdict::Sent, by: by.to_owned(), at: now, before };
            query(
                "UPDATE delivery SET state = $2, in_doubt = false, error_code = $3, error_message = NULL, error_values = $4 \
                 WHERE id = $1",
            )
            .bind(key)
            .bind(state.code())
            .bind(cause.code())
            .bind(cause.values())
            .execute(&mut tx)
            .await
            .map_err(failed())?;
        }
        tx.commit().await.map_err(failed())?;
        Ok(rows.len() as u64)
    }
}

/// A clock that was set back: times in the store are in the future, and every wait based on them would be longer by the
/// same amount.
impl Store {
    /// Whether messages of a run have waited for a poll since a time in the future. For millions of messages, this
    /// takes a second.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn has_polls_ahead(&self, run: i64, now: Millis) -> Result<bool, StoreError> {
        let found = query_scalar(
            "SELECT EXISTS (SELECT 1 FROM delivery INDEXED BY delivery_poll \
             WHERE run = $1 AND next_poll_at > $2 AND coalesce(last_poll_at, accepted_at) > $2 + $3)",
        );
        let found = found.bind(run).bind(now.0).bind(CLOCK_SLACK);
        found.fetch_one(&self.scanner).await.map_err(doing("check its times"))
    }

    /// Restarts those waits of a run that started in the future; returns how many. Attempts that started then also end
    /// in the future, which the index shows. They then count as started a moment ago, so that nothing counts as done
    /// since.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn correct_times(&self, run: i64, waits: WaitKind, now: Millis) -> Result<u64, StoreError> {
        let failed = || doing("correct the times it holds");
        let mut writer = self.write().await?;
        let mut tx = writer.begin("correct the times it holds").await?;
        let statement = match waits {
            WaitKind::Attempts => {
                // Keeps them in order.
                let past = "UPDATE past_attempt SET started_at = min(started_at, $2 - 1), ended_at = min(ended_at, $2 - 1) \
                    WHERE row IN (SELECT id FROM delivery INDEXED BY delivery_due \
                    WHERE run = $1 AND next_attempt_at > $2 AND started_at > $2 + $3)";
                let past = query(past).bind(run).bind(now.0).bind(CLOCK_SLACK);
                past.execute(&mut tx).await.map_err(failed())?;
                "UPDATE delivery SET next_attempt_at = $2 + max(0, next_attempt_at - started_at), started_at = $2 - 1 \
                 WHERE id IN (SELECT id FROM delivery INDEXED BY delivery_due \
                 WHERE run = $1 AND next_attempt_at > $2 AND started_at > $2 + $3)"
            }
            WaitKind::Polls => {
                "UPDATE delivery SET next_poll_at = $2 + max(0, next_poll_at - coalesce(last_poll_at, accepted_at)), \
                 last_poll_at = $2 - 1 WHERE id IN (SELECT id FROM delivery INDEXED BY delivery_poll \
                 WHERE run = $1 AND next_poll_at > $2 AND coalesce(last_poll_at, accepted_at) > $2 + $3)"
            }
        };
        let correct = query(statement).bind(run).bind(now.0).bind(CLOCK_SLACK);
        let done = correct.execute(&mut tx).await.map_err(failed())?;
        tx.commit().await.map_err(failed())?;
        Ok(done.rows_affected())
    }
}
