//! Claims: takes due rows, and rows that were never claimed, to be sent.

use super::past_attempts::move_to_past;
use crate::model::{Millis, Phone, State, StateChange};
use crate::store::error::doing;
use crate::store::guarded;
use crate::store::sql::{DbConnection, json, query, query_scalar};
use crate::store::{Attempt, Claim, History, Owner, RowKey, StoreError, WorkerId, stopped};

const _: () = assert!(State::Pending as i64 == 0 && State::Sending as i64 == 1, "they stand in the statements");

/// The due rows, longest due first: all of them, or those that worker `$3` claimed before.
///
/// They come as one JSON text, because each row that SQLite's thread hands over wakes the waiting thread, which costs
/// several times more than reading the row. SQLite prepares a statement again for each value of a bare `LIMIT ?`.
pub(in crate::store) const DUE: &str = "SELECT coalesce(CAST(json_group_array(json_array(id, phone, cells, claim, attempts, \
    charged_attempts, deferrals, in_doubt, worker, suppressed)) AS TEXT), '[]') FROM ( \
    SELECT d.id, r.phone, r.cells, d.claim, d.attempts, d.charged_attempts, d.deferrals, iif(d.in_doubt, 1, 0) AS in_doubt, d.worker, \
    iif(EXISTS (SELECT 1 FROM suppression s WHERE s.phone = r.phone), 1, 0) AS suppressed \
    FROM delivery d CROSS JOIN recipient r ON r.id = d.id WHERE d.run = $1 AND d.next_attempt_at <= $2 \
    AND ($3 IS NULL OR d.worker = $3) ORDER BY d.next_attempt_at, d.id LIMIT $4 + 0) AS due";

/// The rows between two keys that were never claimed, in the same form, up to a limit.
macro_rules! new_rows {
    ($after:literal, $up_to:literal, $limit:literal) => {
        concat!(
            "SELECT coalesce(CAST(json_group_array(json_array(id, phone, cells, 0, 0, 0, 0, 0, NULL, suppressed)) AS TEXT), '[]') FROM ( \
             SELECT r.id, r.phone, r.cells, iif(EXISTS (SELECT 1 FROM suppression s WHERE s.phone = r.phone), 1, 0) AS suppressed \
             FROM recipient r WHERE r.id > ",
            $after,
            " AND r.id <= ",
            $up_to,
            " AND r.state = 0 ORDER BY r.id LIMIT ",
            $limit,
            " + 0) AS new"
        )
    };
}
pub(in crate::store) use new_rows;

pub(in crate::store) const NEW: &str = new_rows!("$1", "$2", "$3");

/// A row that can be claimed.
#[derive(serde::Deserialize)]
pub(in crate::store) struct Candidate {
    pub(in crate::store) id: i64,
    phone: u64,
    cells: String,
    claim: u32,
    attempts: u32,
    charged_attempts: u32,
    deferrals: u32,
    in_doubt: u8,
    worker: Option<i64>,
    pub(in crate::store) suppressed: u8,
}

impl Candidate {
    /// Returns the row as claimed.
    pub(in crate::store) fn attempt(self, worker: WorkerId, started_at: Millis) -> Attempt {
        Attempt {
            claim: Claim {
                key: RowKey(self.id),
                number: self.claim + 1,
                worker,
                started_at,
                history: History {
                    attempts: self.attempts,
                    charged_attempts: self.charged_attempts,
                    deferrals: self.deferrals,
                    in_doubt: self.in_doubt != 0,
                },
            },
            phone: Phone::from_u64(self.phone),
            cells: self.cells,
        }
    }
}

/// Parses the rows in the text that [`DUE`] and [`NEW`] return.
pub(in crate::store) fn candidates(text: &str) -> Result<Vec<Candidate>, StoreError> {
    serde_json::from_str(text)
        .map_err(|_| StoreError::Damaged("a row to be sent contains an impossible value".to_owned()))
}

/// Claims waiting rows, each under a claim number that is new for the row.
const CLAIM: &str = "UPDATE delivery SET state = 1, claim = claim + 1, worker = $2, started_at = $3, ended_at = NULL, \
    outcome = NULL, next_attempt_at = NULL WHERE id IN (SELECT CAST(atom AS BIGINT) FROM json_each($1)) AND state = 0";

/// Claims due rows. Rows that `owner` has not claimed before count against the limit, if there is one.
pub(in crate::store) async fn claim_due(
    store: &mut DbConnection<'_>,
    owner: Owner,
    limit_left: &mut Option<i64>,
    (want, now): (u32, Millis),
) -> Result<Vec<Attempt>, StoreError> {
    let failed = || doing("claim due rows");
    let own = (*limit_left == Some(0)).then_some(owner.worker.0);
    let rows: String = query_scalar(guarded(DUE))
        .bind(owner.run)
        .bind(now.0)
        .bind(own)
        .bind(want)
        .fetch_one(&mut *store)
        .await
        .map_err(failed())?;
    let rows = candidates(&rows)?;
    let (mut claimed, mut suppressed) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in rows {
        let is_own = row.worker == Some(owner.worker.0);
        match limit_left {
            _ if row.suppressed != 0 => {
                suppressed.push(row.id);
                continue;
            }
            Some(0) if !is_own => continue,
            Some(left) if !is_own => *left -= 1,
            _ => {}
        }
        claimed.push(row.attempt(owner.worker, now));
    }
    if !suppressed.is_empty() {
        suppress(store, &suppressed).await?;
    }
    if claimed.is_empty() {
        return Ok(claimed);
    }
    let keys: Vec<i64> = claimed.iter().map(|attempt| attempt.claim.key.0).collect();
    let keys = json(&keys);
    move_to_past(store, &keys).await?;
    query(guarded(CLAIM)).bind(keys).bind(owner.worker.0).bind(now.0).execute(store).await.map_err(failed())?;
    Ok(claimed)
}

/// Suppresses waiting rows. A row that may have been accepted before stays in doubt.
async fn suppress(store: &mut DbConnection<'_>, keys: &[i64]) -> Result<(), StoreError> {
    let keys = json(keys);
    // The row gets its own reason.
    move_to_past(store, &keys).await?;
    query(guarded(
        "UPDATE delivery SET next_attempt_at = NULL, state = iif(in_doubt, $3, $2), \
         error_code = iif(in_doubt, error_code, 'suppressed'), error_message = iif(in_doubt, error_message, NULL), \
         error_values = iif(in_doubt, error_values, CAST(json_array((SELECT reason FROM suppression s JOIN recipient r \
           ON s.phone = r.phone WHERE r.id = delivery.id)) AS TEXT)) \
         WHERE id IN (SELECT CAST(atom AS BIGINT) FROM json_each($1)) AND state = 0",
    ))
    .bind(keys)
    .bind(stopped(StateChange::Suppress, false)?.code())
    .bind(stopped(StateChange::Suppress, true)?.code())
    .execute(store)
    .await
    .map(drop)
    .map_err(doing("record suppressed rows"))
}
