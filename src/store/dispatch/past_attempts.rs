//! Past attempts: those whose request left and that are no longer their row's latest.

use crate::model::{Millis, Problem, State};
use crate::store::error::doing;
use crate::store::guarded;
use crate::store::sql::{DbConnection, JsonList, json, query, query_as, query_scalar};
use crate::store::{Settlement, StoreError};

const _: () = assert!(
    State::Pending as i64 == 0
        && State::Accepted as i64 == 2
        && State::Sent as i64 == 3
        && State::Delivered as i64 == 4
        && State::Read as i64 == 5
        && State::Uncertain as i64 == 9,
    "they stand in the statements"
);

/// Moves the latest attempts of these rows, a JSON array of keys, to the past attempts.
pub(in crate::store) async fn move_to_past(store: &mut DbConnection<'_>, keys: &JsonList) -> Result<(), StoreError> {
    for statement in [
        "INSERT INTO past_attempt (row, claim, worker, started_at, ended_at, outcome, accepted_at, message_id, \
         provider_status, delivered_at, read_at, error_code, error_message, error_values) \
         SELECT id, claim, worker, started_at, ended_at, iif(message_id IS NULL, outcome, state), accepted_at, message_id, \
         provider_status, delivered_at, read_at, error_code, error_message, error_values \
         FROM delivery WHERE id IN (SELECT CAST(atom AS BIGINT) FROM json_each($1)) AND outcome IS NOT NULL",
        "UPDATE delivery SET outcome = NULL, accepted_at = NULL, message_id = NULL, provider_status = NULL, \
         delivered_at = NULL, read_at = NULL, next_poll_at = NULL, last_poll_at = NULL \
         WHERE id IN (SELECT CAST(atom AS BIGINT) FROM json_each($1)) AND outcome IS NOT NULL",
    ] {
        let moved = query(statement).bind(keys).execute(&mut *store).await;
        moved.map_err(doing("save past attempts"))?;
    }
    Ok(())
}

/// Records the outcome of a claim that is no longer its row's latest, or whose row a person decided or requeued. The
/// row stays unchanged. Returns `false` if another outcome of that claim is recorded.
pub(in crate::store) async fn record_late(
    store: &mut DbConnection<'_>,
    settlement: &Settlement,
) -> Result<bool, StoreError> {
    let Settlement { claim, outcome, ended_at, message_id, problem, departed, .. } = settlement;
    if !departed {
        return Ok(false);
    }
    let failed = || doing("record a late outcome");
    let is_latest: bool = query_scalar(
        "SELECT EXISTS (SELECT 1 FROM delivery WHERE id = $1 AND claim = $2 AND worker = $3 AND outcome = 9)",
    )
    .bind(claim.key.0)
    .bind(claim.number)
    .bind(claim.worker.0)
    .fetch_one(&mut *store)
    .await
    .map_err(failed())?;
    match (is_latest, outcome) {
        // Already recorded like this.
        (true, State::Uncertain) => return Ok(true),
        (true, _) => move_to_past(store, &json([claim.key.0])).await?,
        (false, _) => {}
    }
    let problem = problem.as_ref();
    let recorded = query(
        "UPDATE past_attempt SET outcome = $4, ended_at = $5, message_id = $6, accepted_at = iif($4 = 2, $5, NULL), \
         error_code = $7, error_message = $8, error_values = $9 WHERE row = $1 AND claim = $2 AND worker = $3 AND outcome = 9",
    )
    .bind(claim.key.0)
    .bind(claim.number)
    .bind(claim.worker.0)
    .bind(outcome.code())
    .bind(ended_at.0)
    .bind(message_id)
    .bind(problem.map(|problem| &problem.code))
    .bind(problem.and_then(Problem::provider_message))
    .bind(problem.and_then(Problem::values))
    .execute(&mut *store)
    .await
    .map_err(failed())?;
    Ok(recorded.rows_affected() > 0)
}

/// Gives waiting or uncertain rows with these keys a past attempt that is now known to have been accepted, so
/// that no one gets the message again. It becomes the row's latest attempt under a new number, and a finished run is
/// reopened. Returns the number of such rows.
pub(in crate::store) async fn take_back(store: &mut DbConnection<'_>, keys: &[i64]) -> Result<u64, StoreError> {
    let failed = || doing("restore a past attempt");
    if keys.is_empty() {
        return Ok(0);
    }
    let found: Vec<(i64, i64)> = query_as(guarded(
        "SELECT d.id, min(p.claim) FROM json_each($1) wanted CROSS JOIN past_attempt p ON p.row = CAST(wanted.atom AS BIGINT) \
         CROSS JOIN delivery d ON d.id = p.row WHERE p.outcome IN (2, 3, 4, 5) AND d.state IN (0, 9) GROUP BY d.id",
    ))
    .bind(json(keys))
    .fetch_all(&mut *store)
    .await
    .map_err(failed())?;
    if found.is_empty() {
        return Ok(0);
    }
    let keys: Vec<i64> = found.iter().map(|(key, _)| *key).collect();
    move_to_past(store, &json(&keys)).await?;
    let found = json(&found);
    for statement in [
        "UPDATE delivery SET state = p.outcome, claim = delivery.claim + 1, worker = p.worker, started_at = p.started_at, \
         ended_at = p.ended_at, outcome = 2, accepted_at = p.accepted_at, message_id = p.message_id, \
         provider_status = p.provider_status, delivered_at = p.delivered_at, read_at = p.read_at, \
         error_code = p.error_code, error_message = p.error_message, error_values = p.error_values, next_attempt_at = NULL, \
         next_poll_at = iif(p.outcome < 5 AND coalesce(p.error_code, 'held') = 'held', p.ended_at, NULL) \
         FROM (SELECT value AS v FROM json_each($1)) f CROSS JOIN past_attempt p \
         ON p.row = CAST(f.v ->> 0 AS BIGINT) AND p.claim = CAST(f.v ->> 1 AS BIGINT) WHERE delivery.id = p.row",
        "DELETE FROM past_attempt WHERE (row, claim) IN (SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT) FROM json_each($1))",
    ] {
        query(statement).bind(&found).execute(&mut *store).await.map_err(failed())?;
    }
    query("UPDATE run SET finished_at = NULL WHERE id IN (SELECT CAST(atom AS BIGINT) >> 40 FROM json_each($1)) AND purged_at IS NULL")
        .bind(json(&keys))
        .execute(&mut *store)
        .await
        .map_err(failed())?;
    Ok(keys.len() as u64)
}

/// The name under which decisions of the provider are recorded.
pub(in crate::store) const PROVIDER: &str = "the provider";

/// Applies what references showed about past attempts to rows that were being sent again then, and whose outcomes were
/// just recorded: a row that was refused now has the earlier message, and one that was accepted has both.
pub(in crate::store) async fn apply_reported(
    store: &mut DbConnection<'_>,
    recorded: &[&Settlement],
) -> Result<(), StoreError> {
    let failed = || doing("apply statuses found by reference");
    let again = recorded.iter().filter(|s| s.claim.history.attempts > 0 && s.state != State::Pending);
    let again: Vec<i64> = again.map(|s| s.claim.key.0).collect();
    if again.is_empty() {
        return Ok(());
    }
    let reported: Vec<(i64, i64)> =
        query_as(REPORTED).bind(json(&again)).bind(PROVIDER).fetch_all(&mut *store).await.map_err(failed())?;
    for (key, claim) in reported {
        let both = query(
            "INSERT INTO double_send (row, claim, message_id, seen_at) SELECT p.row, p.claim, p.message_id, $3 \
             FROM past_attempt p JOIN delivery d ON d.id = p.row WHERE p.row = $1 AND p.claim = $2 AND d.state = 2 \
             ON CONFLICT DO NOTHING",
        );
        let both = both.bind(key).bind(claim).bind(Millis::now().0).execute(&mut *store).await;
        both.map_err(failed())?;
        let of_row = query("UPDATE delivery SET in_doubt = true, state = iif(state = 2, 2, 9) WHERE id = $1");
        of_row.bind(key).execute(&mut *store).await.map_err(failed())?;
    }
    Ok(())
}

/// The past attempts of these rows, a JSON array of keys, that a reference showed to be accepted and whose messages
/// were not reported as failed.
const REPORTED: &str = "SELECT p.row, p.claim FROM json_each($1) k CROSS JOIN past_attempt p ON p.row = CAST(k.atom AS BIGINT) \
    JOIN delivery d ON d.id = p.row WHERE p.outcome IN (2, 3, 4, 5) AND d.state IN (2, 7, 8) \
    AND EXISTS (SELECT 1 FROM resolution c WHERE c.row = p.row AND c.by = $2)";
