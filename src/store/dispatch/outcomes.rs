//! Outcomes of claims, recorded in their rows or, if a row has moved on, in its past attempts.

use std::collections::{BTreeMap, HashSet};

use serde::ser::{Serialize, SerializeTuple, Serializer};

use super::past_attempts::{apply_reported, record_late, take_back};
use crate::model::{Problem, State};
use crate::store::error::doing;
use crate::store::guarded;
use crate::store::sql::{DbConnection, JsonList, json, query, query_as};
use crate::store::statuses::polls;
use crate::store::{Settlement, StoreError};

const _: () = assert!(
    State::Pending as i64 == 0
        && State::Sending as i64 == 1
        && State::Accepted as i64 == 2
        && State::Uncertain as i64 == 9,
    "they stand in the statements"
);

/// Applies settlements, a JSON array, to the claims they name if the row matches, with these columns: id, claim,
/// worker, departed, ended_at, state, outcome, attempts, charged_attempts, deferrals, in_doubt, message_id, error_code,
/// error_message, error_values, next_attempt_at, next_poll_at. The condition adds 0 to the state, so that rows are
/// found by their keys, and not by the index of all rows that are being sent.
macro_rules! apply_where {
    ($settlements:literal, $fits:literal) => {
        concat!(
            "UPDATE delivery SET ended_at = CAST(o.v ->> 4 AS BIGINT), state = CAST(o.v ->> 5 AS BIGINT), outcome = iif(CAST(o.v ->> 3 AS BOOLEAN), CAST(o.v ->> 6 AS BIGINT), NULL), \
             attempts = CAST(o.v ->> 7 AS BIGINT), charged_attempts = CAST(o.v ->> 8 AS BIGINT), deferrals = CAST(o.v ->> 9 AS BIGINT), in_doubt = CAST(o.v ->> 10 AS BOOLEAN), \
             message_id = o.v ->> 11, accepted_at = iif(CAST(o.v ->> 5 AS BIGINT) = 2, CAST(o.v ->> 4 AS BIGINT), NULL), \
             error_code = iif(CAST(o.v ->> 3 AS BOOLEAN) OR o.v ->> 12 IS NOT NULL, o.v ->> 12, error_code), \
             error_message = iif(CAST(o.v ->> 3 AS BOOLEAN) OR o.v ->> 12 IS NOT NULL, o.v ->> 13, error_message), \
             error_values = iif(CAST(o.v ->> 3 AS BOOLEAN) OR o.v ->> 12 IS NOT NULL, o.v ->> 14, error_values), \
             next_attempt_at = CAST(o.v ->> 15 AS BIGINT), next_poll_at = CAST(o.v ->> 16 AS BIGINT) FROM (SELECT value AS v FROM jsonb_each(",
            $settlements,
            ")) o WHERE delivery.id = CAST(o.v ->> 0 AS BIGINT) AND delivery.claim = CAST(o.v ->> 1 AS BIGINT) AND delivery.worker = CAST(o.v ->> 2 AS BIGINT) AND ",
            $fits
        )
    };
}

pub(in crate::store) use apply_where;

/// Counts the attempts of a run by the second in which they ended, from a JSON array of seconds with their counts.
macro_rules! count_seconds {
    ($run:literal, $seconds:literal) => {
        concat!(
            "INSERT INTO timeline (run, second, accepted, uncertain, refused) SELECT ",
            $run,
            ", CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), CAST(value ->> 2 AS BIGINT), \
             CAST(value ->> 3 AS BIGINT) FROM jsonb_each(",
            $seconds,
            ") WHERE true ON CONFLICT (run, second) DO UPDATE SET accepted = timeline.accepted + excluded.accepted, \
             uncertain = timeline.uncertain + excluded.uncertain, refused = timeline.refused + excluded.refused"
        )
    };
}
pub(in crate::store) use count_seconds;

/// Records settlements if some of them are of rows that are not being sent.
pub(in crate::store) const RECORD: &str =
    concat!(apply_where!("$1", "delivery.state + 0 = 1"), " RETURNING delivery.id, delivery.claim");

/// An attempt counts as interrupted if its process did not report the outcome. If the outcome still comes, it counts.
/// If the row is about to be sent again, the outcome belongs to a past attempt; see [`record_late`].
const RECORD_INTERRUPTED: &str = concat!(
    apply_where!(
        "$1",
        "delivery.state = 9 AND delivery.error_code = 'interrupted' AND delivery.outcome = 9 AND CAST(o.v ->> 6 AS BIGINT) <> 9"
    ),
    " RETURNING delivery.id, delivery.claim"
);

/// Applies settlements of which some are of rows that are not being sent. Returns those that changed their rows, and
/// the others.
pub(in crate::store) async fn record_each<'s>(
    store: &mut DbConnection<'_>,
    run: i64,
    settlements: &[&'s Settlement],
) -> Result<(Vec<&'s Settlement>, Vec<&'s Settlement>), StoreError> {
    let (mut recorded, late) = apply(store, RECORD, settlements).await?;
    query(count_seconds!("$1", "$2"))
        .bind(run)
        .bind(seconds(&recorded))
        .execute(&mut *store)
        .await
        .map_err(doing("count the outcomes recorded in one second"))?;
    let (interrupted, others) = apply(store, RECORD_INTERRUPTED, &late).await?;
    // Their attempts were counted when they were interrupted.
    recorded.extend(interrupted);
    Ok((recorded, others))
}

/// Applies the consequences of settlements that were recorded in their rows, and of those that were not, but for those
/// of early webhooks. Returns how many were ignored.
pub(in crate::store) async fn take_effect(
    store: &mut DbConnection<'_>,
    run: i64,
    is_dispatched: bool,
    (recorded, others): &(Vec<&Settlement>, Vec<&Settlement>),
) -> Result<u64, StoreError> {
    let mut ignored = 0;
    for settlement in others {
        ignored += u64::from(!record_late(store, settlement).await?);
    }
    apply_reported(store, recorded).await?;
    let may_be_accepted = recorded.iter().filter(|s| s.claim.history.attempts > 0).chain(others);
    let keys: Vec<i64> = may_be_accepted.map(|s| s.claim.key.0).collect();
    let taken_back = take_back(store, &keys).await?;
    let opted_out =
        recorded.iter().filter(|s| s.problem.as_ref().is_some_and(|problem| problem.code == polls::OPTED_OUT));
    let opted_out: Vec<i64> = opted_out.map(|s| s.claim.key.0).collect();
    polls::suppress_opted_out(store, &opted_out).await?;
    let goes_on = recorded.iter().any(|s| matches!(s.state, State::Pending | State::Accepted));
    if is_dispatched && (goes_on || taken_back > 0) {
        // The run had already ended: waiting rows still have to be sent, and accepted messages polled.
        let waits = recorded.iter().any(|s| s.state == State::Pending);
        query(guarded(
            "UPDATE run SET finished_at = NULL, dispatched_at = iif($2, NULL, dispatched_at) \
             WHERE id = $1 AND purged_at IS NULL",
        ))
        .bind(run)
        .bind(waits)
        .execute(&mut *store)
        .await
        .map_err(doing("reopen the run"))?;
    }
    Ok(ignored)
}

/// Applies settlements with a statement that returns the applied ones. Returns those, and the others.
async fn apply<'s>(
    store: &mut DbConnection<'_>,
    statement: &'static str,
    settlements: &[&'s Settlement],
) -> Result<(Vec<&'s Settlement>, Vec<&'s Settlement>), StoreError> {
    let applied: Vec<(i64, u32)> = query_as(guarded(statement))
        .bind(columns(settlements))
        .fetch_all(store)
        .await
        .map_err(doing("record outcomes"))?;
    let applied: HashSet<(i64, u32)> = applied.into_iter().collect();
    Ok(settlements.iter().partition(|s| applied.contains(&(s.claim.key.0, s.claim.number))))
}

/// Returns the seconds in which attempts ended, with their counts, as JSON.
pub(in crate::store) fn seconds(settlements: &[&Settlement]) -> JsonList {
    let mut seconds: BTreeMap<i64, [u32; 3]> = BTreeMap::new();
    for settlement in settlements.iter().filter(|settlement| settlement.departed) {
        let place = match settlement.outcome {
            State::Accepted => 0,
            State::Uncertain => 1,
            State::Rejected | State::Exhausted => 2,
            _ => continue,
        };
        seconds.entry(settlement.ended_at.0.div_euclid(1000)).or_default()[place] += 1;
    }
    let seconds =
        seconds.into_iter().map(|(second, [accepted, uncertain, refused])| (second, accepted, uncertain, refused));
    json(seconds.collect::<Vec<_>>())
}

/// Returns settlements as the JSON that the statements read.
pub(in crate::store) fn columns(settlements: &[&Settlement]) -> JsonList {
    json(settlements.iter().map(|settlement| Columns(settlement)).collect::<Vec<_>>())
}

/// A settlement as the JSON array that the statements read.
struct Columns<'a>(&'a Settlement);

impl Serialize for Columns<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let s = self.0;
        let problem = s.problem.as_ref();
        let mut row = serializer.serialize_tuple(17)?;
        row.serialize_element(&s.claim.key.0)?;
        row.serialize_element(&s.claim.number)?;
        row.serialize_element(&s.claim.worker.0)?;
        row.serialize_element(&u8::from(s.departed))?;
        row.serialize_element(&s.ended_at.0)?;
        row.serialize_element(&s.state.code())?;
        row.serialize_element(&s.outcome.code())?;
        row.serialize_element(&(s.claim.history.attempts + u32::from(s.departed)))?;
        row.serialize_element(&s.charged_attempts)?;
        row.serialize_element(&s.deferrals)?;
        row.serialize_element(&u8::from(s.in_doubt))?;
        row.serialize_element(&s.message_id)?;
        row.serialize_element(&problem.map(|problem| &problem.code))?;
        row.serialize_element(&problem.and_then(Problem::provider_message))?;
        row.serialize_element(&problem.and_then(Problem::values))?;
        row.serialize_element(&s.next_attempt_at.map(|at| at.0))?;
        row.serialize_element(&s.next_poll_at.map(|at| at.0))?;
        row.end()
    }
}
