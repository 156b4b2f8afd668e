//! What purging deletes outside of runs: replies that answer no message, test messages, and the provider's ids of
//! people whose numbers are in no run any more.

use tokio::time::{Duration, sleep};

use super::purge::{CHUNK, PAUSE};
use crate::model::Millis;
use crate::store::error::doing;
use crate::store::handle::Store;
use crate::store::reports::rows::LAST_ROW;
use crate::store::sql::{DbConnection, query, query_as, query_scalar, script};
use crate::store::{RowKey, StoreError};

/// A reply that came before its message waits for it this long.
const WAITS_FOR_MESSAGE: Duration = Duration::from_secs(24 * 3600);

/// Replies that answer no message of this store, but for those that a person still has to decide about.
macro_rules! stray {
    () => {
        "FROM reply WHERE id > $1 AND id <= $2 AND row IS NULL AND received_at < $3 AND (possible_opt_out = 0 \
         OR EXISTS (SELECT 1 FROM suppression s WHERE s.phone = reply.phone))"
    };
}

impl Store {
    /// Returns how many replies that answer no message, and how many test messages, are older than `before`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn strays(&self, before: Millis) -> Result<(u64, u64), StoreError> {
        let failed = || doing("count replies and tests");
        let replies: i64 = query_scalar(concat!("SELECT count(*) ", stray!()))
            .bind(i64::MIN)
            .bind(i64::MAX)
            .bind(of_replies(before).0)
            .fetch_one(&self.readers)
            .await
            .map_err(failed())?;
        let tests: i64 = query_scalar("SELECT count(*) FROM test_message WHERE started_at < $1")
            .bind(before.0)
            .fetch_one(&self.readers)
            .await
            .map_err(failed())?;
        Ok((replies.unsigned_abs(), tests.unsigned_abs()))
    }

    /// Deletes these replies and test messages. Who opted out in one of them stays opted out.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn purge_strays(&self, before: Millis) -> Result<(), StoreError> {
        let failed = || doing("delete replies and tests");
        let mut connection = self.overwriting().await?;
        let last: i64 =
            query_scalar("SELECT coalesce(max(id), 0) FROM reply").fetch_one(&mut connection).await.map_err(failed())?;
        let mut after = 0;
        while after < last {
            let mut tx = connection.begin().await.map_err(failed())?;
            for statement in [
                concat!(
                    "INSERT INTO opted_out_user (user_id, opt_out, at) SELECT user_id, opt_out, at ",
                    stray!(),
                    " AND opt_out IS NOT NULL AND user_id IS NOT NULL ON CONFLICT DO NOTHING"
                ),
                concat!(
                    "INSERT INTO opted_out_user (user_id, opt_out, at) SELECT parent_user_id, opt_out, at ",
                    stray!(),
                    " AND opt_out IS NOT NULL AND parent_user_id IS NOT NULL ON CONFLICT DO NOTHING"
                ),
                concat!("DELETE ", stray!()),
            ] {
                query(statement)
                    .bind(after)
                    .bind(after + CHUNK)
                    .bind(of_replies(before).0)
                    .execute(&mut tx)
                    .await
                    .map_err(failed())?;
            }
            tx.commit().await.map_err(failed())?;
            after += CHUNK;
            sleep(if after < last { PAUSE } else { Duration::ZERO }).await;
        }
        let mut tx = connection.begin().await.map_err(failed())?;
        let tests = query("DELETE FROM test_message WHERE started_at < $1").bind(before.0).execute(&mut tx).await;
        tests.map_err(failed())?;
        tx.commit().await.map_err(failed())?;
        connection.close().await.map_err(failed())
    }

    /// Forgets the provider's ids of people whose numbers are in no run any more, unless they replied. Stops early if a
    /// run is imported meanwhile; the next purge does the rest.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn forget_people(&self) -> Result<(), StoreError> {
        let failed = || doing("forget the ids of people");
        let has_any: bool =
            query_scalar("SELECT EXISTS (SELECT 1 FROM user_phone)").fetch_one(&self.readers).await.map_err(failed())?;
        if !has_any {
            return Ok(());
        }
        let mut connection = self.overwriting().await?;
        script(
            "CREATE TEMP TABLE person (phone BIGINT PRIMARY KEY, is_needed BOOLEAN NOT NULL); \
             INSERT INTO person SELECT DISTINCT phone, false FROM user_phone",
            &mut connection,
        )
        .await
        .map_err(failed())?;
        let imported = imported(&mut connection).await?;
        mark_needed(&mut connection).await?;
        let mut after = String::new();
        loop {
            let until: Option<String> = query_scalar(
                "SELECT max(user_id) FROM (SELECT user_id FROM user_phone WHERE user_id > $1 ORDER BY user_id LIMIT $2) AS page",
            )
            .bind(&after)
            .bind(CHUNK)
            .fetch_one(&mut connection)
            .await
            .map_err(failed())?;
            let Some(until) = until else { break };
            let mut tx = connection.begin().await.map_err(failed())?;
            if self::imported(&mut tx).await? != imported {
                break;
            }
            // A person who replied may yet opt out without a number.
            let forgotten = query(
                "DELETE FROM user_phone WHERE user_id > $1 AND user_id <= $2 \
                 AND phone IN (SELECT phone FROM person WHERE NOT is_needed) \
                 AND NOT EXISTS (SELECT 1 FROM reply p WHERE p.user_id = user_phone.user_id) \
                 AND NOT EXISTS (SELECT 1 FROM reply p WHERE p.parent_user_id = user_phone.user_id)",
            );
            forgotten.bind(&after).bind(&until).execute(&mut tx).await.map_err(failed())?;
            tx.commit().await.map_err(failed())?;
            after = until;
            sleep(PAUSE).await;
        }
        connection.close().await.map_err(failed())
    }
}

/// Returns before when replies are deleted.
fn of_replies(before: Millis) -> Millis {
    before.min(Millis::now().minus(WAITS_FOR_MESSAGE))
}

/// Returns what changes with every import.
async fn imported(connection: &mut DbConnection<'_>) -> Result<(i64, i64, i64), StoreError> {
    query_as("SELECT count(*), coalesce(max(id), 0), count(planned_at) FROM run")
        .fetch_one(connection)
        .await
        .map_err(doing("look for new runs"))
}

/// Marks the numbers that are in a run.
async fn mark_needed(connection: &mut DbConnection<'_>) -> Result<(), StoreError> {
    let failed = || doing("find the numbers that are in a run");
    let runs: Vec<i64> = query_scalar("SELECT id FROM run WHERE purged_at IS NULL")
        .fetch_all(&mut *connection)
        .await
        .map_err(failed())?;
    for run in runs {
        let (mut after, last) = (RowKey::first(run), RowKey::last(run));
        let last = query_scalar(LAST_ROW).bind(after).bind(last).fetch_one(&mut *connection).await;
        let last: i64 = last.map_err(failed())?;
        while after < last {
            query(
                "UPDATE person SET is_needed = true FROM recipient r \
                 WHERE r.id > $1 AND r.id <= $2 AND person.phone = r.phone AND NOT person.is_needed",
            )
            .bind(after)
            .bind(after + CHUNK)
            .execute(&mut *connection)
            .await
            .map_err(failed())?;
            after += CHUNK;
        }
    }
    Ok(())
}
