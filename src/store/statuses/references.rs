//! References: statuses that name the attempt itself, not only its message. They show what became of an attempt whose
//! answer was lost, and when a provider made two messages of one request.
//!
//! A reference counts only with the signature of the worker that made the attempt.

use std::collections::{HashMap, HashSet};

use crate::model::{DeliveryStatus, Millis, Reference, ReferenceKey, State, StatusUpdate};
use crate::store::Store;
use crate::store::dispatch::outcomes::{record_each, take_effect};
use crate::store::dispatch::past_attempts::PROVIDER;
use crate::store::error::doing;
use crate::store::guarded;
use crate::store::sql::{DbConnection, DbRow, json, query, query_scalar};
use crate::store::{Claim, History, RowKey, Run, Settlement, StoreError, WorkerId};

const _: () = assert!(
    State::Pending as i64 == 0
        && State::Accepted as i64 == 2
        && State::Sent as i64 == 3
        && State::Delivered as i64 == 4
        && State::Read as i64 == 5
        && State::Failed as i64 == 6
        && State::Rejected as i64 == 7
        && State::Exhausted as i64 == 8
        && State::Uncertain as i64 == 9
        && State::Suppressed as i64 == 12
        && State::Cancelled as i64 == 13
        && State::Expired as i64 == 14,
    "they stand in the statements"
);

/// What references showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Resolved {
    /// Attempts in doubt that were accepted.
    pub(super) settled: u64,
    /// Attempts of which the provider made a second message.
    pub(super) doubled: u64,
}

impl Store {
    /// Returns the key that signs a worker's references.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn reference_key(&self, worker: WorkerId) -> Result<ReferenceKey, StoreError> {
        let key: Vec<u8> = query_scalar("SELECT reference_key FROM worker WHERE id = $1")
            .bind(worker.0)
            .fetch_one(&self.readers)
            .await
            .map_err(doing("read the key of the references"))?;
        Ok(ReferenceKey::new(key))
    }

    /// Counts the second messages that the provider made of requests of a run.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn double_sends(&self, run: &Run) -> Result<u64, StoreError> {
        let count: i64 = query_scalar("SELECT count(*) FROM double_send WHERE row BETWEEN $1 AND $2")
            .bind(RowKey::first(run.key))
            .bind(RowKey::last(run.key))
            .fetch_one(&self.readers)
            .await
            .map_err(doing("count double sends"))?;
        Ok(self.kept(run.key).await?.map_or(count.unsigned_abs(), |kept| kept.double_sends))
    }
}

/// A message that a status ties to an attempt.
pub(super) struct Tie {
    /// The row's key and the claim's number.
    pub(super) attempt: (i64, u32),
    pub(super) message_id: String,
    /// Whether the status says that the message failed, so that nobody got it.
    pub(super) has_failed: bool,
    /// The reference, if its signature is still to be checked.
    pub(super) unchecked: Option<Reference>,
}

impl Tie {
    /// Returns the tie of a status that has a reference.
    pub(super) fn of(update: &StatusUpdate) -> Option<Self> {
        let reference = update.reference?;
        let attempt = (RowKey::new(reference.run, reference.row).0, reference.claim);
        let has_failed = update.status == DeliveryStatus::Failed;
        Some(Self { attempt, message_id: update.message_id.clone(), has_failed, unchecked: Some(reference) })
    }
}

/// An attempt that a reference names, as stored.
struct Named {
    claim: Claim,
    /// Its own outcome; `None` while it is being sent.
    outcome: Option<i64>,
    message_id: Option<String>,
    /// The message of the row's latest attempt.
    latest_message_id: Option<String>,
    is_latest: bool,
    is_dispatched: bool,
    signed_with: ReferenceKey,
}

/// A purged run's attempts are no longer known. A past attempt that was taken back has a later number than its
/// reference, but still its worker and its message.
pub(in crate::store) const LATEST: &str = "SELECT d.id, CAST(wanted.value ->> 1 AS BIGINT), d.worker, d.started_at, d.outcome, d.message_id, \
    d.message_id, d.claim = CAST(wanted.value ->> 1 AS BIGINT), r.dispatched_at IS NOT NULL, w.reference_key, d.attempts, d.charged_attempts, \
    d.deferrals, (SELECT count(*) FILTER (WHERE p.outcome = 9) > 0 OR count(*) FILTER (WHERE p.outcome IN (2, 3, 4, 5, 6)) > d.requeues FROM past_attempt p WHERE p.row = d.id) FROM json_each($1) wanted \
    CROSS JOIN delivery d ON d.id = CAST(wanted.value ->> 0 AS BIGINT) AND (d.claim = CAST(wanted.value ->> 1 AS BIGINT) OR (d.claim > CAST(wanted.value ->> 1 AS BIGINT) \
    AND d.message_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM past_attempt p WHERE p.row = d.id AND p.claim = CAST(wanted.value ->> 1 AS BIGINT)))) \
    JOIN run r ON r.id = d.run AND r.purged_at IS NULL JOIN worker w ON w.id = d.worker";
pub(in crate::store) const PAST: &str = "SELECT p.row, p.claim, p.worker, p.started_at, p.outcome, p.message_id, d.message_id, false, \
    r.dispatched_at IS NOT NULL, w.reference_key, d.attempts, d.charged_attempts, d.deferrals, false FROM json_each($1) wanted \
    CROSS JOIN past_attempt p ON p.row = CAST(wanted.value ->> 0 AS BIGINT) AND p.claim = CAST(wanted.value ->> 1 AS BIGINT) JOIN delivery d ON d.id = p.row \
    JOIN run r ON r.id = d.run AND r.purged_at IS NULL JOIN worker w ON w.id = p.worker";
/// Whether a row has a message, in its latest attempt or a past one.
const HAS_MESSAGE: &str = "SELECT EXISTS (SELECT 1 FROM delivery WHERE id = $1 AND message_id = $2) \
    OR EXISTS (SELECT 1 FROM past_attempt WHERE row = $1 AND message_id = $2)";

/// Gives attempts without a message id the one that a status with their reference names, so that the status then finds
/// its message by id. An attempt that is still being sent keeps waiting for its answer. Returns what was found, and the
/// ties that are genuine.
pub(super) async fn resolve(
    store: &mut DbConnection<'_>,
    ties: &[Tie],
    now: Millis,
) -> Result<(Resolved, HashSet<(i64, u32)>), StoreError> {
    let (mut resolved, mut genuine) = (Resolved::default(), HashSet::new());
    if ties.is_empty() {
        return Ok((resolved, genuine));
    }
    let wanted: Vec<(i64, u32)> = ties.iter().map(|tie| tie.attempt).collect();
    let mut attempts = find(store, &wanted).await?;
    for Tie { attempt: name, message_id, unchecked, .. } in ties {
        let Some(attempt) = attempts.get(name) else { continue };
        if unchecked.is_some_and(|reference| !attempt.signed_with.has_signed(&reference)) {
            continue;
        }
        genuine.insert(*name);
        match (&attempt.message_id, attempt.outcome) {
            (Some(known), _) if known == message_id => {}
            (Some(_), _) => {
                if !has_message(store, attempt, message_id).await? {
                    resolved.doubled += note_double(store, attempt, message_id, now).await?;
                }
            }
            // Its answer may still come; the status waits for it.
            (None, None) => {}
            (None, Some(_)) => {
                let failed = ties.iter().filter(|tie| tie.message_id == *message_id).all(|tie| tie.has_failed);
                if attempt.latest_message_id.is_some() && !failed {
                    resolved.doubled += note_double(store, attempt, message_id, now).await?;
                }
                settle(store, attempt, message_id, now).await?;
                resolved.settled += 1;
                // Other attempts of the row may have another place now.
                let of_row: Vec<_> = wanted.iter().filter(|(key, _)| *key == name.0).copied().collect();
                attempts.retain(|(key, _), _| *key != name.0);
                attempts.extend(find(store, &of_row).await?);
            }
        }
    }
    Ok((resolved, genuine))
}

/// Returns the attempts of these rows and claims.
async fn find(store: &mut DbConnection<'_>, wanted: &[(i64, u32)]) -> Result<HashMap<(i64, u32), Named>, StoreError> {
    let wanted = json(wanted);
    let mut attempts = HashMap::new();
    for statement in [LATEST, PAST] {
        let rows = query(statement).bind(&wanted).fetch_all(&mut *store).await;
        for row in rows.map_err(doing("find attempts by their references"))? {
            let attempt = attempt(&row).map_err(doing("read an attempt found by its reference"))?;
            attempts.insert((attempt.claim.key.0, attempt.claim.number), attempt);
        }
    }
    Ok(attempts)
}

async fn has_message(store: &mut DbConnection<'_>, attempt: &Named, message_id: &str) -> Result<bool, StoreError> {
    query_scalar(HAS_MESSAGE)
        .bind(attempt.claim.key.0)
        .bind(message_id)
        .fetch_one(store)
        .await
        .map_err(doing("find a message of a row"))
}

fn attempt(row: &DbRow) -> Result<Named, sqlx::Error> {
    let claim = Claim {
        key: RowKey(row.try_get(0)?),
        number: row.try_get(1)?,
        worker: WorkerId(row.try_get(2)?),
        started_at: Millis(row.try_get(3)?),
        history: History {
            // The settlement counts this attempt again.
            attempts: row.try_get::<u32, _>(10)?.saturating_sub(1),
            charged_attempts: row.try_get(11)?,
            deferrals: row.try_get(12)?,
            // Because of its other attempts: one may have been accepted, or was and the row was sent again.
            in_doubt: row.try_get(13)?,
        },
    };
    Ok(Named {
        claim,
        outcome: row.try_get(4)?,
        message_id: row.try_get(5)?,
        latest_message_id: row.try_get(6)?,
        is_latest: row.try_get(7)?,
        is_dispatched: row.try_get(8)?,
        signed_with: ReferenceKey::new(row.try_get(9)?),
    })
}

async fn note_double(
    store: &mut DbConnection<'_>,
    attempt: &Named,
    message_id: &str,
    now: Millis,
) -> Result<u64, StoreError> {
    query("INSERT INTO double_send (row, claim, message_id, seen_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
        .bind(attempt.claim.key.0)
        .bind(attempt.claim.number)
        .bind(message_id)
        .bind(now.0)
        .execute(store)
        .await
        .map(|done| done.rows_affected())
        .map_err(doing("record a double send"))
}

/// Records that an attempt was accepted after all, as a late outcome of its claim. The provider has the message,
/// whatever its answer or a person said of it, so a row that waits to be sent again is not sent again.
async fn settle(
    store: &mut DbConnection<'_>,
    attempt: &Named,
    message_id: &str,
    now: Millis,
) -> Result<(), StoreError> {
    let Claim { key, number, history, .. } = attempt.claim;
    let failed = || doing("settle an attempt by its reference");
    query(guarded(
        "INSERT INTO resolution (row, state, at, by, error_code, error_message, error_values) \
         SELECT id, $2, $3, $4, error_code, error_message, error_values FROM delivery WHERE id = $1",
    ))
    .bind(key.0)
    .bind(State::Sent.code())
    .bind(now.0)
    .bind(PROVIDER)
    .execute(&mut *store)
    .await
    .map_err(failed())?;
    let of_attempt = match attempt.is_latest {
        true => "UPDATE delivery SET outcome = 9 WHERE id = $1 AND claim = $2 AND outcome IS NOT NULL",
        false => "UPDATE past_attempt SET outcome = 9 WHERE row = $1 AND claim = $2",
    };
    let reopened = query(of_attempt).bind(key.0).bind(number).execute(&mut *store).await;
    reopened.map_err(failed())?;
    // A row that has no message becomes uncertain, so that it takes this one; one that has another got both.
    for of_row in [
        "UPDATE delivery SET state = 9, next_attempt_at = NULL, next_poll_at = NULL \
         WHERE id = $1 AND message_id IS NULL AND state IN (0, 3, 7, 8, 12, 13, 14)",
        "UPDATE delivery SET in_doubt = true WHERE id = $1 AND message_id IS NOT NULL",
    ] {
        query(guarded(of_row)).bind(key.0).execute(&mut *store).await.map_err(failed())?;
    }
    let settlement = Settlement {
        claim: attempt.claim,
        departed: true,
        ended_at: now,
        state: State::Accepted,
        outcome: State::Accepted,
        charged_attempts: history.charged_attempts,
        deferrals: history.deferrals,
        in_doubt: history.in_doubt,
        message_id: Some(message_id.to_owned()),
        problem: None,
        next_attempt_at: None,
        next_poll_at: Some(now),
    };
    let run = key.run();
    let recorded = record_each(store, run, &[&settlement]).await?;
    take_effect(store, run, attempt.is_dispatched, &recorded).await.map(drop)
}
