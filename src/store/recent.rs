//! Whom earlier runs of a campaign reached: left out of the next one where the campaign says so.

use sqlx::Connection;

use super::error::doing;
use super::{RowKey, StoreError, Writer};
use crate::model::{Millis, State};

/// The code of a row that is left out because an earlier run reached its number.
pub const SENT_RECENTLY: &str = "sent_recently";

impl Writer {
    /// Leaves out of a run that is being planned whom another run of the same campaign reached after `since`, or may have:
    /// those rows are suppressed, with the code [`SENT_RECENTLY`]. Gives back how many there are.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn leave_out_recent(&mut self, run: i64, since: Millis) -> Result<u64, StoreError> {
        let failed = || doing("look for whom earlier runs reached");
        let mut tx = self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        sqlx::raw_sql("CREATE TEMP TABLE IF NOT EXISTS reached (phone INTEGER PRIMARY KEY, words TEXT NOT NULL)")
            .execute(&mut *tx)
            .await
            .map_err(failed())?;
        sqlx::raw_sql("DELETE FROM temp.reached").execute(&mut *tx).await.map_err(failed())?;
        let others: Vec<(i64, String)> = sqlx::query_as(
            "SELECT id, name || '-' || number FROM run WHERE name = (SELECT name FROM run WHERE id = ?1) AND id <> ?1 \
             AND started_at IS NOT NULL ORDER BY id DESC",
        )
        .bind(run)
        .fetch_all(&mut *tx)
        .await
        .map_err(failed())?;
        for (other, id) in others {
            sqlx::query(IN_THE_AIR)
                .bind(RowKey::first(other))
                .bind(RowKey::last(other))
                .bind(since.0)
                .bind(&id)
                .execute(&mut *tx)
                .await
                .map_err(failed())?;
            sqlx::query(
                "INSERT OR IGNORE INTO temp.reached (phone, words) \
                 SELECT r.phone, ?4 || ' at ' || strftime('%Y-%m-%dT%H:%M:%SZ', \
                     coalesce(d.accepted_at, d.tried_at) / 1000, 'unixepoch') \
                 FROM delivery d JOIN recipient r ON r.id = d.id \
                 WHERE d.id BETWEEN ?1 AND ?2 AND coalesce(d.accepted_at, d.tried_at) > ?3 AND r.phone IS NOT NULL \
                 AND (d.state IN (SELECT value FROM json_each(?5)) OR (d.state = ?6 AND d.doubted))",
            )
            .bind(RowKey::first(other))
            .bind(RowKey::last(other))
            .bind(since.0)
            .bind(&id)
            .bind(reached())
            .bind(State::Pending.code())
            .execute(&mut *tx)
            .await
            .map_err(failed())?;
        }
        let done = sqlx::query(
            "UPDATE recipient SET state = ?3, code = ?5, message = 'reached by ' || reached.words FROM temp.reached \
             WHERE recipient.id BETWEEN ?1 AND ?2 AND recipient.state = ?4 AND recipient.phone = reached.phone",
        )
        .bind(RowKey::first(run))
        .bind(RowKey::last(run))
        .bind(State::Suppressed.code())
        .bind(State::Pending.code())
        .bind(SENT_RECENTLY)
        .execute(&mut *tx)
        .await
        .map_err(failed())?;
        tx.commit().await.map_err(failed())?;
        Ok(done.rows_affected())
    }
}

/// Whose message is on its way, or was when its process ended.
const IN_THE_AIR: &str = "INSERT OR IGNORE INTO temp.reached (phone, words) \
    SELECT r.phone, ?4 || ' at ' || strftime('%Y-%m-%dT%H:%M:%SZ', a.at / 1000, 'unixepoch') \
    FROM air a JOIN recipient r ON r.id = a.id WHERE a.id BETWEEN ?1 AND ?2 AND a.at > ?3";

/// The states of rows whose people have the message, or may have it; as a JSON array of their numbers.
fn reached() -> String {
    let states = [State::Accepted, State::Sent, State::Delivered, State::Read, State::Uncertain];
    serde_json::to_string(&states.map(State::code)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    /// Of an earlier run: 1 accepted, 2 accepted long ago, 3 in doubt and to be sent again, 4 refused and to be sent again,
    /// 5 in the air, 6 not tried yet.
    #[tokio::test]
    async fn whoever_may_have_the_message_of_an_earlier_run_is_left_out_of_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("s.db")).await.unwrap();
        let mut writer = store.writer().await.unwrap();
        sqlx::raw_sql(
            "INSERT INTO run (id, name, number, campaign, campaign_print, recipients_print, created_at, started_at) \
             VALUES (1, 'job', 1, '{}', '', '', 1, 1), (2, 'job', 2, '{}', '', '', 1, NULL); \
             WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 6) \
             INSERT INTO recipient (id, line, state, phone, cells) \
               SELECT (run.id << 40) | i, i, 0, 852600 + i, '[]' FROM n CROSS JOIN run; \
             INSERT INTO delivery (id, run, state, attempts, tries, tried_at, accepted_at, due_at, doubted) VALUES \
               ((1 << 40) | 1, 1, 2, 1, 1, 5000, 6000, NULL, 0), ((1 << 40) | 2, 1, 2, 1, 1, 10, 11, NULL, 0), \
               ((1 << 40) | 3, 1, 0, 1, 1, 5000, NULL, 7000, 1), ((1 << 40) | 4, 1, 0, 1, 1, 5000, NULL, 7000, 0); \
             INSERT INTO intent (first, last, again, attempt, at) VALUES ((1 << 40) | 5, (1 << 40) | 5, 0, 1, 8000)",
        )
        .execute(&mut writer.connection)
        .await
        .unwrap();
        assert_eq!(writer.leave_out_recent(2, Millis(1000)).await.unwrap(), 3);
        let left_out: Vec<(i64, String)> =
            sqlx::query_as("SELECT id & 0xff, message FROM recipient WHERE id >> 40 = 2 AND state <> 0 ORDER BY id")
                .fetch_all(&mut writer.connection)
                .await
                .unwrap();
        let words = |row, second| (row, format!("reached by job-1 at 1970-01-01T00:00:0{second}Z"));
        assert_eq!(left_out, [words(1, 6), words(3, 5), words(5, 8)]);
    }
}
