//! Whom earlier runs of a campaign reached, or may have: left out of the next one where the campaign or a person says so, and
//! told before one is begun.
//!
//! A number counts as reached by the states of its rows in all runs of the name: accepted, sent, delivered, read, uncertain,
//! or in flight; and by a row that was tried and waits for its next try, since that may reach it. One that failed, was refused
//! or never tried does not.

use sqlx::{Connection, SqliteConnection};

use super::error::doing;
use super::{RowKey, Run, StoreError, Writer};
use crate::model::{Millis, RunId, State};

/// Which of the people that earlier runs reached are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaveOut {
    /// Those reached after this moment, as the campaign's `skip_sent_within` says.
    Since(Millis),
    /// All of them, as `--only-new` says.
    Everyone,
}

impl LeaveOut {
    pub(super) fn since(self) -> Millis {
        match self {
            Self::Since(since) => since,
            Self::Everyone => Millis(i64::MIN),
        }
    }

    /// The code of a row that is left out for it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Since(_) => "sent_recently",
            Self::Everyone => "already_reached",
        }
    }
}

impl Writer {
    /// Leaves people out of a run that is being planned: their rows are suppressed, with the code of `which`. Gives back
    /// how many there are.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn leave_out(&mut self, run: i64, which: LeaveOut) -> Result<u64, StoreError> {
        let failed = || doing("look for whom earlier runs reached");
        let mut tx = self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        let name: String = sqlx::query_scalar("SELECT name FROM run WHERE id = ?1")
            .bind(run)
            .fetch_one(&mut *tx)
            .await
            .map_err(failed())?;
        collect(&mut tx, &name, Some(run), which.since()).await.map_err(failed())?;
        let done = sqlx::query(
            "UPDATE recipient SET state = ?3, code = ?5, message = reached.words FROM temp.reached \
             WHERE recipient.id BETWEEN ?1 AND ?2 AND recipient.state = ?4 AND recipient.phone = reached.phone",
        )
        .bind(RowKey::first(run))
        .bind(RowKey::last(run))
        .bind(State::Suppressed.code())
        .bind(State::Pending.code())
        .bind(which.code())
        .execute(&mut *tx)
        .await
        .map_err(failed())?;
        tx.commit().await.map_err(failed())?;
        Ok(done.rows_affected())
    }
}

pub(super) async fn clear(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(
        "CREATE TEMP TABLE IF NOT EXISTS reached ( \
           phone INTEGER PRIMARY KEY, id INTEGER NOT NULL, at INTEGER NOT NULL, uncertain INTEGER NOT NULL, \
           by TEXT NOT NULL, \
           words TEXT AS (by || strftime('%Y-%m-%dT%H:%M:%SZ', at / 1000, 'unixepoch'))); \
         DELETE FROM temp.reached",
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Collects in `temp.reached` everyone whom runs of this name but `except` reached after `since`: each number with the newest
/// run's row, when, and whether that may not have been.
pub(super) async fn collect(
    connection: &mut SqliteConnection,
    name: &str,
    except: Option<i64>,
    since: Millis,
) -> Result<(), sqlx::Error> {
    clear(connection).await?;
    let runs: Vec<(i64, String)> = sqlx::query_as(
        "SELECT id, 'reached by ' || name || '-' || number || ' at ' FROM run WHERE name = ?1 AND id IS NOT ?2 \
         AND started_at IS NOT NULL ORDER BY number DESC",
    )
    .bind(name)
    .bind(except)
    .fetch_all(&mut *connection)
    .await?;
    for (run, by) in runs {
        sqlx::query(IN_THE_AIR)
            .bind(RowKey::first(run))
            .bind(RowKey::last(run))
            .bind(since.0)
            .bind(&by)
            .execute(&mut *connection)
            .await?;
        sqlx::query(DELIVERED)
            .bind(RowKey::first(run))
            .bind(RowKey::last(run))
            .bind(since.0)
            .bind(&by)
            .bind(reached())
            .bind(State::Pending.code())
            .bind(State::Uncertain.code())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Collects in `temp.reached` everyone whom other runs of this run's name reached or are about to message.
pub(super) async fn collect_for_retry(connection: &mut SqliteConnection, run: &Run) -> Result<(), StoreError> {
    let failed = || doing("look for whom other runs reached");
    let importing: Option<i64> = sqlx::query_scalar(
        "SELECT number FROM run WHERE name = ?1 AND id <> ?2 AND planned_at IS NULL AND cancelled_at IS NULL",
    )
    .bind(run.id.name())
    .bind(run.key)
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed())?;
    if let Some(number) = importing.and_then(|number| u32::try_from(number).ok()) {
        return Err(StoreError::Held(RunId::new(run.id.name(), number)));
    }
    collect(connection, run.id.name(), Some(run.key), Millis(i64::MIN)).await.map_err(failed())?;
    sqlx::query(
        "INSERT OR IGNORE INTO temp.reached (phone, id, at, uncertain, by) SELECT r.phone, r.id, 0, false, '' \
         FROM run JOIN recipient r ON r.id BETWEEN run.id << 40 AND ((run.id + 1) << 40) - 1 \
         LEFT JOIN delivery d ON d.id = r.id \
         WHERE run.name = ?1 AND run.id <> ?2 AND run.dispatched_at IS NULL AND run.cancelled_at IS NULL \
         AND r.state = ?3 AND (d.id IS NULL OR d.state = ?3)",
    )
    .bind(run.id.name())
    .bind(run.key)
    .bind(State::Pending.code())
    .execute(connection)
    .await
    .map(drop)
    .map_err(failed())
}

/// Whose request is in flight, or was when its process ended.
const IN_THE_AIR: &str = "INSERT OR IGNORE INTO temp.reached (phone, id, at, uncertain, by) \
    SELECT r.phone, a.id, a.at, true, ?4 FROM air a JOIN recipient r ON r.id = a.id \
    WHERE a.id BETWEEN ?1 AND ?2 AND a.at > ?3";

/// Who has the message or may have it; and who gets it by the next try of a row that waits.
const DELIVERED: &str = "INSERT OR IGNORE INTO temp.reached (phone, id, at, uncertain, by) \
    SELECT r.phone, d.id, coalesce(d.accepted_at, d.tried_at), d.state = ?7 OR d.state = ?6 AND d.doubted, \
    iif(d.state = ?6 AND NOT d.doubted, 'waits for another try' || substr(?4, 8), ?4) \
    FROM delivery d JOIN recipient r ON r.id = d.id \
    WHERE d.id BETWEEN ?1 AND ?2 AND coalesce(d.accepted_at, d.tried_at) > ?3 AND r.phone IS NOT NULL \
    AND (d.state IN (SELECT value FROM json_each(?5)) OR (d.state = ?6 AND d.attempts > 0))";

/// The states of rows whose people have the message, or may have it; as a JSON array of their numbers.
fn reached() -> String {
    let states = [State::Accepted, State::Sent, State::Delivered, State::Read, State::Uncertain];
    serde_json::to_string(&states.map(State::code)).unwrap_or_default()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::store::Store;

    /// Of an earlier run: 1 accepted, 2 accepted long ago, 3 in doubt and to be sent again, 4 refused and to be sent again,
    /// 5 in flight, 6 not tried yet, 7 uncertain, 8 rejected.
    pub(in crate::store) async fn store() -> (tempfile::TempDir, Store, Writer) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("s.db")).await.unwrap();
        let mut writer = store.writer().await.unwrap();
        sqlx::raw_sql(
            "INSERT INTO run (id, name, number, campaign, campaign_print, recipients_print, created_at, started_at) \
             VALUES (1, 'job', 1, '{}', '', '', 1, 1), (2, 'job', 2, '{}', '', '', 1, NULL), (3, 'other', 1, '{}', '', '', 1, 1); \
             WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 8) \
             INSERT INTO recipient (id, line, state, phone, cells) \
               SELECT (run.id << 40) | i, i, 0, 852600 + i, '[]' FROM n CROSS JOIN run; \
             INSERT INTO delivery (id, run, state, attempts, tries, tried_at, accepted_at, due_at, doubted) VALUES \
               ((1 << 40) | 1, 1, 2, 1, 1, 5000, 6000, NULL, 0), ((1 << 40) | 2, 1, 2, 1, 1, 10, 11, NULL, 0), \
               ((1 << 40) | 3, 1, 0, 1, 1, 5000, NULL, 7000, 1), ((1 << 40) | 4, 1, 0, 1, 1, 5000, NULL, 7000, 0), \
               ((1 << 40) | 7, 1, 9, 1, 1, 3000, NULL, NULL, 1), ((1 << 40) | 8, 1, 7, 1, 1, 3000, NULL, NULL, 0), \
               ((3 << 40) | 6, 3, 2, 1, 1, 5000, 6000, NULL, 0); \
             INSERT INTO intent (first, last, again, attempt, at) VALUES ((1 << 40) | 5, (1 << 40) | 5, 0, 1, 8000)",
        )
        .execute(&mut writer.connection)
        .await
        .unwrap();
        (folder, store, writer)
    }

    fn words(row: u64, second: u32) -> (i64, String) {
        (row.cast_signed(), format!("reached by job-1 at 1970-01-01T00:00:0{second}Z"))
    }

    fn waits(row: i64) -> (i64, String) {
        (row, "waits for another try by job-1 at 1970-01-01T00:00:05Z".to_owned())
    }

    #[tokio::test]
    async fn whoever_may_have_the_message_of_an_earlier_run_is_left_out_of_the_next() {
        for (which, expected) in [
            (LeaveOut::Since(Millis(1000)), vec![words(1, 6), words(3, 5), waits(4), words(5, 8), words(7, 3)]),
            (LeaveOut::Everyone, vec![words(1, 6), words(2, 0), words(3, 5), waits(4), words(5, 8), words(7, 3)]),
        ] {
            let (_folder, _, mut writer) = store().await;
            assert_eq!(writer.leave_out(2, which).await.unwrap(), expected.len() as u64);
            let left_out: Vec<(i64, String)> = sqlx::query_as(
                "SELECT id & 0xff, message FROM recipient WHERE id >> 40 = 2 AND state <> 0 AND code = ?1 ORDER BY id",
            )
            .bind(which.code())
            .fetch_all(&mut writer.connection)
            .await
            .unwrap();
            assert_eq!(left_out, expected);
        }
    }
}
