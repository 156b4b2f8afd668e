//! Outcomes of claims, recorded in their rows or, if a row has moved on, in its past attempts.

use std::collections::{BTreeMap, HashSet};

use serde::ser::{Serialize, SerializeTuple, Serializer};
use sqlx::SqliteConnection;

use super::past_attempts::{apply_reported, record_late, take_back};
use crate::model::{Problem, State};
use crate::store::sqlite::error::doing;
use crate::store::sqlite::guarded;
use crate::store::sqlite::statuses::polls;
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
/// error_message, error_values, next_attempt_at, next_poll_at.
macro_rules! apply_where {
    ($settlements:literal, $fits:literal) => {
        concat!(
            "UPDATE delivery SET ended_at = o.v ->> 4, state = o.v ->> 5, outcome = iif(o.v ->> 3, o.v ->> 6, NULL), \
             attempts = o.v ->> 7, charged_attempts = o.v ->> 8, deferrals = o.v ->> 9, in_doubt = o.v ->> 10, \
             message_id = o.v ->> 11, accepted_at = iif(o.v ->> 5 = 2, o.v ->> 4, NULL), \
             error_code = iif(o.v ->> 3 OR o.v ->> 12 IS NOT NULL, o.v ->> 12, error_code), \
             error_message = iif(o.v ->> 3 OR o.v ->> 12 IS NOT NULL, o.v ->> 13, error_message), \
             error_values = iif(o.v ->> 3 OR o.v ->> 12 IS NOT NULL, o.v ->> 14, error_values), \
             next_attempt_at = o.v ->> 15, next_poll_at = o.v ->> 16 FROM (SELECT value AS v FROM jsonb_each(",
            $settlements,
            ")) o WHERE delivery.id = o.v ->> 0 AND delivery.claim = o.v ->> 1 AND delivery.worker = o.v ->> 2 AND ",
            $fits
        )
    };
}

pub(in crate::store::sqlite) use apply_where;

/// Counts the attempts of a run by the second in which they ended, from a JSON array of seconds with their counts.
macro_rules! count_seconds {
    ($run:literal, $seconds:literal) => {
        concat!(
            "INSERT INTO timeline (run, second, accepted, uncertain, refused) SELECT ",
            $run,
            ", value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM jsonb_each(",
            $seconds,
            ") WHERE true ON CONFLICT (run, second) DO UPDATE SET accepted = accepted + excluded.accepted, \
             uncertain = uncertain + excluded.uncertain, refused = refused + excluded.refused"
        )
    };
}
pub(in crate::store::sqlite) use count_seconds;

/// Records settlements if some of them are of rows that are not being sent.
pub(in crate::store::sqlite) const RECORD: &str =
    concat!(apply_where!("?1", "delivery.state = 1"), " RETURNING delivery.id, delivery.claim");

/// An attempt counts as interrupted if its process did not report the outcome. If the outcome still comes, it counts.
/// If the row is about to be sent again, the outcome belongs to a past attempt; see [`record_late`].
const RECORD_INTERRUPTED: &str = concat!(
    apply_where!(
        "?1",
        "delivery.state = 9 AND delivery.error_code = 'interrupted' AND delivery.outcome = 9 AND o.v ->> 6 <> 9"
    ),
    " RETURNING delivery.id, delivery.claim"
);

/// Applies settlements of which some are of rows that are not being sent. Returns those that changed their rows, and
/// the others.
pub(in crate::store::sqlite) async fn record_each<'s>(
    store: &mut SqliteConnection,
    run: i64,
    settlements: &[&'s Settlement],
) -> Result<(Vec<&'s Settlement>, Vec<&'s Settlement>), StoreError> {
    let (mut recorded, late) = apply(store, RECORD, settlements).await?;
    sqlx::query(count_seconds!("?1", "?2"))
        .bind(run)
        .bind(seconds(&recorded)?)
        .execute(&mut *store)
        .await
        .map_err(doing("count the outcomes recorded in one second"))?;
    let (interrupted, others) = apply(store, RECORD_INTERRUPTED, &late).await?;
    // Their attempts were counted when they were interrupted.
    recorded.extend(interrupted);
    Ok((recorded, others))
}

/// Applies the consequences of settlements that were recorded in their rows, and of those that were not, but for those of
/// early webhooks. Returns how many were ignored.
pub(in crate::store::sqlite) async fn take_effect(
    store: &mut SqliteConnection,
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
        sqlx::query("UPDATE run SET finished_at = NULL, dispatched_at = iif(?2, NULL, dispatched_at) WHERE id = ?1")
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
    store: &mut SqliteConnection,
    statement: &'static str,
    settlements: &[&'s Settlement],
) -> Result<(Vec<&'s Settlement>, Vec<&'s Settlement>), StoreError> {
    let applied: Vec<(i64, u32)> = sqlx::query_as(guarded(statement))
        .bind(columns(settlements)?)
        .fetch_all(store)
        .await
        .map_err(doing("record outcomes"))?;
    let applied: HashSet<(i64, u32)> = applied.into_iter().collect();
    Ok(settlements.iter().partition(|s| applied.contains(&(s.claim.key.0, s.claim.number))))
}

/// Returns the seconds in which attempts ended, with their counts, as JSON.
pub(in crate::store::sqlite) fn seconds(settlements: &[&Settlement]) -> Result<String, StoreError> {
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
    text(&seconds.collect::<Vec<_>>())
}

/// Returns settlements as the JSON that the statements read.
pub(in crate::store::sqlite) fn columns(settlements: &[&Settlement]) -> Result<String, StoreError> {
    text(&settlements.iter().map(|settlement| Columns(settlement)).collect::<Vec<_>>())
}

fn text(rows: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(rows).map_err(|error| StoreError::Damaged(error.to_string()))
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
