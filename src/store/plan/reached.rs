//! The people whom earlier runs of a campaign reached or may have reached. The next run skips them if the campaign or a
//! person says so, and they are shown before a run starts.
//!
//! A number counts as reached if any run of the name has a row for it in one of these states: accepted, sent,
//! delivered, read, uncertain or sending. It also counts if a row was sent and waits for its next attempt, since that
//! may reach it, or if an earlier attempt was accepted, or may have been, and is not known to have failed. Other rows
//! that failed, were refused or never sent do not count.
//!
//! A number that has two spellings counts in both: they are one person's.
//!
//! Numbers are collected in a temporary table of a separate connection, one run at a time, without holding the write
//! lock.

use crate::model::{Millis, Phone, RunId, State};
use crate::store::Store;
use crate::store::error::doing;
use crate::store::sql::{DbConnection, json, query, query_as, query_scalar, script};
use crate::store::writer::assert_owner;
use crate::store::{LeaveOut, Owner, RowKey, Run, StoreError};

/// Number of rows per transaction when rows are changed according to the collected numbers.
pub(in crate::store) const CHUNK: i64 = 50_000;
/// Number of numbers per statement that adds other spellings.
const PAGE: i64 = 10_000;
/// How far a run's times may be off if its clock was changed, in milliseconds.
const CLOCK_SLACK: i64 = 24 * 3_600_000;
/// How far the clocks of two machines that send may differ, in milliseconds.
const CLOCKS_DIFFER: i64 = 10 * 60_000;

impl Store {
    /// Checks that it is known whom earlier runs of this name reached, for a run that skips those people.
    ///
    /// # Errors
    /// [`StoreError::ReachUnknown`], or when the store cannot be read.
    pub async fn knows_reached(&self, name: &str, which: LeaveOut) -> Result<(), StoreError> {
        let mut reader = self.readers.acquire().await.map_err(doing("find the campaign's runs"))?;
        Purged::among(runs_since(&mut reader, name, None, which.since()).await?).all(which.way_out())
    }

    /// Makes a run that is being imported skip people: their rows are suppressed, with the code of `which`. Returns how
    /// many there are.
    ///
    /// # Errors
    /// When the store cannot be written, or another process has taken over the run. [`StoreError::ReachUnknown`] if one
    /// of the runs was purged.
    pub async fn leave_out(&self, owner: Owner, which: LeaveOut) -> Result<u64, StoreError> {
        let failed = || doing("find the numbers that earlier runs reached");
        let mut connection = self.separate().await?;
        let (name, last): (String, i64) = query_as(
            "SELECT name, coalesce((SELECT max(id) FROM recipient WHERE id BETWEEN $2 AND $3), 0) FROM run WHERE id = $1",
        )
        .bind(owner.run)
        .bind(RowKey::first(owner.run))
        .bind(RowKey::last(owner.run))
        .fetch_one(&mut connection)
        .await
        .map_err(failed())?;
        collect(&mut connection, &name, Some(owner.run), which.since()).await?.all(which.way_out())?;
        let mut left_out = 0;
        let mut after = RowKey::first(owner.run);
        while after < last {
            let mut tx = connection.begin().await.map_err(failed())?;
            assert_owner(&mut tx, owner).await?;
            let done = query(
                "UPDATE recipient SET state = $3, error_code = $5, \
                 error_values = json_array(reached.run, reached.at, reached.waits) FROM reached \
                 WHERE recipient.id > $1 AND recipient.id <= $2 AND recipient.state = $4 AND recipient.phone = reached.phone",
            )
            .bind(after)
            .bind(after + CHUNK)
            .bind(State::Suppressed.code())
            .bind(State::Pending.code())
            .bind(which.code())
            .execute(&mut tx)
            .await
            .map_err(failed())?;
            tx.commit().await.map_err(failed())?;
            left_out += done.rows_affected();
            after += CHUNK;
        }
        connection.close().await.map_err(failed())?;
        Ok(left_out)
    }
}

pub(in crate::store) async fn clear(connection: &mut DbConnection<'_>) -> Result<(), sqlx::Error> {
    script(
        "CREATE TEMP TABLE IF NOT EXISTS reached ( \
           phone BIGINT PRIMARY KEY, id BIGINT NOT NULL, at BIGINT NOT NULL, uncertain BOOLEAN NOT NULL, \
           run TEXT NOT NULL, waits BOOLEAN NOT NULL); \
         DELETE FROM reached",
        connection,
    )
    .await
}

/// The purged runs among those whose people were collected, newest first, each with the time.
#[must_use]
pub(in crate::store) struct Purged(pub(in crate::store) Vec<(RunId, Millis)>);

impl Purged {
    fn among(runs: Vec<(i64, String, Option<i64>)>) -> Self {
        let purged = |(_, id, at): (i64, String, Option<i64>)| Some((id.parse().ok()?, Millis(at?)));
        Self(runs.into_iter().filter_map(purged).collect())
    }

    /// Requires that no run was purged: nobody may count as not reached because it is not known.
    pub(in crate::store) fn all(self, way_out: &'static str) -> Result<(), StoreError> {
        match self.0.into_iter().next() {
            Some((run, at)) => Err(StoreError::ReachUnknown { run, at, way_out }),
            None => Ok(()),
        }
    }
}

/// Collects in `reached` everyone whom runs of this name reached after `since`: each number with the newest run's row,
/// the time, and whether it is uncertain. The run `except` does not count; those after it count whatever the clock
/// said. Runs that had sent everything before `since` are not read. Returns the runs of which it is not known any more.
pub(in crate::store) async fn collect(
    connection: &mut DbConnection<'_>,
    name: &str,
    except: Option<i64>,
    since: Millis,
) -> Result<Purged, StoreError> {
    let failed = || doing("find the numbers that earlier runs reached");
    clear(connection).await.map_err(failed())?;
    let runs = runs_since(connection, name, except, since).await?;
    for (run, id, _) in &runs {
        let is_later = except.is_some_and(|except| *run > except);
        let since = if is_later { Millis(i64::MIN) } else { since };
        for statement in REACHED {
            query(statement)
                .bind(RowKey::first(*run))
                .bind(RowKey::last(*run))
                .bind(since.0)
                .bind(id)
                .execute(&mut *connection)
                .await
                .map_err(failed())?;
        }
    }
    add_other_spellings(connection).await.map_err(failed())?;
    // Only now: a run may have been purged while its rows were read.
    Ok(Purged::among(runs_since(connection, name, except, since).await?))
}

/// Returns the runs of a name that sent after `since` or after the run `except`, newest first: the key, the public id,
/// and when it was purged.
async fn runs_since(
    connection: &mut DbConnection<'_>,
    name: &str,
    except: Option<i64>,
    since: Millis,
) -> Result<Vec<(i64, String, Option<i64>)>, StoreError> {
    query_as(
        "SELECT id, name || '-' || number, purged_at FROM run WHERE name = $1 AND id IS DISTINCT FROM $2 \
         AND started_at IS NOT NULL AND (dispatched_at IS NULL OR dispatched_at >= $3 OR id > $2) ORDER BY number DESC",
    )
    .bind(name)
    .bind(except)
    .bind(since.0.saturating_sub(CLOCK_SLACK))
    .fetch_all(connection)
    .await
    .map_err(doing("find the numbers that earlier runs reached"))
}

/// Returns the other runs of a run's name, each with whether its rows are still being read, whether any are to be sent,
/// and how often rows were requeued. While these stay the same, so do the people they are about to message.
pub(in crate::store) async fn other_runs(
    connection: &mut DbConnection<'_>,
    run: &Run,
) -> Result<Vec<(i64, bool, bool, i64)>, StoreError> {
    query_as(
        "SELECT id, planned_at IS NULL, dispatched_at IS NULL AND cancelled_at IS NULL, requeues FROM run \
         WHERE name = $1 AND id <> $2 ORDER BY id",
    )
    .bind(run.id.name())
    .bind(run.key)
    .fetch_all(connection)
    .await
    .map_err(doing("find other runs"))
}

/// Collects in `reached` everyone whom other runs of this run's name are about to message, or have reached since it was
/// created: whom it skips of those reached before was decided then.
pub(in crate::store) async fn collect_for_retry(
    connection: &mut DbConnection<'_>,
    run: &Run,
) -> Result<(), StoreError> {
    let failed = || doing("find the numbers that other runs reached");
    let importing: Option<i64> = query_scalar(
        "SELECT number FROM run WHERE name = $1 AND id <> $2 AND planned_at IS NULL AND cancelled_at IS NULL",
    )
    .bind(run.id.name())
    .bind(run.key)
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed())?;
    if let Some(number) = importing.and_then(|number| u32::try_from(number).ok()) {
        return Err(StoreError::Importing(RunId::new(run.id.name(), number)));
    }
    let purged = collect(connection, run.id.name(), Some(run.key), Millis(run.created_at.0 - CLOCKS_DIFFER)).await?;
    purged.all("to send to these people even if another run reached them, pass --again")?;
    query(
        "INSERT INTO reached (phone, id, at, uncertain, run, waits) SELECT r.phone, r.id, 0, false, '', true \
         FROM run JOIN recipient r ON r.id BETWEEN run.id << 40 AND ((run.id + 1) << 40) - 1 \
         LEFT JOIN delivery d ON d.id = r.id \
         WHERE run.name = $1 AND run.id <> $2 AND run.dispatched_at IS NULL AND run.cancelled_at IS NULL \
         AND r.state = 0 AND (d.id IS NULL OR d.state = 0) ON CONFLICT DO NOTHING",
    )
    .bind(run.id.name())
    .bind(run.key)
    .execute(&mut *connection)
    .await
    .map_err(failed())?;
    add_other_spellings(connection).await.map_err(failed())
}

/// Adds the collected numbers in their other spelling, if they have one.
async fn add_other_spellings(connection: &mut DbConnection<'_>) -> Result<(), sqlx::Error> {
    let mut after: i64 = 0;
    loop {
        let page: Vec<i64> =
            query_scalar(WITH_TWO_SPELLINGS).bind(after).bind(PAGE).fetch_all(&mut *connection).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = *last;
        let other = |phone: &i64| Phone::from_u64(phone.unsigned_abs()).other_spelling().map(Phone::as_u64);
        let pairs: Vec<(i64, u64)> = page.iter().filter_map(|phone| Some((*phone, other(phone)?))).collect();
        query(
            "INSERT INTO reached SELECT CAST(value ->> 1 AS BIGINT), r.id, r.at, r.uncertain, r.run, r.waits \
             FROM jsonb_each($1) JOIN reached r ON r.phone = CAST(value ->> 0 AS BIGINT) WHERE true ON CONFLICT DO NOTHING",
        )
        .bind(json(&pairs))
        .execute(&mut *connection)
        .await?;
    }
}

/// The numbers among which those with two spellings are: those of the country codes 52 to 55. Two ranges, so that the
/// others are not read.
const WITH_TWO_SPELLINGS: &str = "SELECT phone FROM reached WHERE phone > $1 \
    AND (phone BETWEEN 520000000000 AND 559999999999 OR phone BETWEEN 5200000000000 AND 5599999999999) ORDER BY phone LIMIT $2";

/// Finds who has or may have the message, and who gets it by the next attempt of a waiting row, however long ago the
/// last attempt was. The second statement finds who has it by an earlier attempt of a row.
const REACHED: [&str; 2] = [
    "INSERT INTO reached (phone, id, at, uncertain, run, waits) \
     SELECT r.phone, d.id, coalesce(d.accepted_at, d.started_at), d.state IN (1, 6, 9) OR d.state = 0 AND d.in_doubt, $4, \
     d.state = 0 AND NOT d.in_doubt FROM delivery d JOIN recipient r ON r.id = d.id \
     WHERE d.id BETWEEN $1 AND $2 AND r.phone IS NOT NULL AND (d.state = 0 AND d.attempts > 0 \
       OR (d.state IN (1, 2, 3, 4, 5, 9) OR d.state = 6 AND EXISTS (SELECT 1 FROM past_attempt p WHERE p.row = d.id AND p.outcome = 9)) AND coalesce(d.accepted_at, d.started_at) > $3) \
     ON CONFLICT DO NOTHING",
    "INSERT INTO reached (phone, id, at, uncertain, run, waits) \
     SELECT r.phone, p.row, p.accepted_at, false, $4, false FROM past_attempt p JOIN recipient r ON r.id = p.row \
     WHERE p.row BETWEEN $1 AND $2 AND p.outcome IN (2, 3, 4, 5) AND p.accepted_at > $3 AND r.phone IS NOT NULL ON CONFLICT DO NOTHING",
];

const _: () = assert!(
    State::Sending as i64 == 1
        && State::Accepted as i64 == 2
        && State::Sent as i64 == 3
        && State::Delivered as i64 == 4
        && State::Read as i64 == 5
        && State::Failed as i64 == 6
        && State::Uncertain as i64 == 9,
    "they stand in the statement"
);
