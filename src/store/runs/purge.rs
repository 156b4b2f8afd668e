//! Purging a run: its rows, messages and replies are deleted, and its counts are kept.
//!
//! The first commit marks the run as purged. From then on no process takes it over, nothing reopens it, and no one
//! reads its rows, so they can be deleted a few at a time while others write. The second commit saves the counts. A
//! purge that was interrupted continues from there. The run itself is kept: its number, and the keys of its rows, are
//! never reused.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::crash_point::Point;
use crate::model::{Millis, Replies, RunId, State, Tally};
use crate::store::error::doing;
use crate::store::handle::Store;
use crate::store::sql::{DbConnection, On, query, query_as, query_scalar, script};
use crate::store::{ProblemCount, PurgeBlocker, RowKey, Run, StoreError};

/// Number of row keys per transaction. No one else writes meanwhile.
pub(super) const CHUNK: i64 = 20_000;
/// The shortest pause between two transactions: SQLite lets others check that often whether they may write.
pub(super) const PAUSE: Duration = Duration::from_millis(100);
/// An answer that fewer people gave is not kept, because a button's title may contain a name.
const FEWEST: u64 = 5;

/// Deletes what belongs to a range of rows. Recipients are last: as long as one is there, so is a place to continue
/// from.
const DELETE: [&str; 7] = [
    "DELETE FROM delivery WHERE id > $1 AND id <= $2",
    "DELETE FROM past_attempt WHERE row > $1 AND row <= $2",
    "DELETE FROM double_send WHERE row > $1 AND row <= $2",
    "DELETE FROM resolution WHERE row > $1 AND row <= $2",
    "DELETE FROM early_status WHERE row > $1 AND row <= $2",
    "DELETE FROM reply WHERE row > $1 AND row <= $2",
    "DELETE FROM recipient WHERE id > $1 AND id <= $2",
];

/// Keeps by the provider's ids who opted out in the replies to a range of rows. By number, the suppression list knows.
const KEEP_OPT_OUTS: &str = "INSERT INTO opted_out_user (user_id, opt_out, at) \
    SELECT user_id, opt_out, at FROM reply WHERE row > $1 AND row <= $2 AND opt_out IS NOT NULL AND user_id IS NOT NULL \
    UNION ALL SELECT parent_user_id, opt_out, at FROM reply \
    WHERE row > $1 AND row <= $2 AND opt_out IS NOT NULL AND parent_user_id IS NOT NULL ON CONFLICT DO NOTHING";

impl Store {
    /// Returns the runs that were over before `before` and have not been purged completely, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn purgeable(&self, before: Millis) -> Result<Vec<RunId>, StoreError> {
        let runs: Vec<(String, u32)> =
            query_as("SELECT name, number FROM run WHERE finished_at < $1 AND purge_ended_at IS NULL ORDER BY id")
                .bind(before.0)
                .fetch_all(&self.readers)
                .await
                .map_err(doing("list the runs that are over"))?;
        Ok(runs.into_iter().map(|(name, number)| RunId::new(&name, number)).collect())
    }

    /// Returns why a run cannot be purged yet, if so. A purge that has begun can always continue.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn purge_blocker(&self, run: &Run) -> Result<Option<PurgeBlocker>, StoreError> {
        if run.purged_at.is_some() {
            return Ok(None);
        }
        if run.finished_at.is_none() {
            let is_sent = run.dispatched_at.is_some();
            return Ok(Some(if is_sent { PurgeBlocker::AwaitsStatuses } else { PurgeBlocker::Unsent }));
        }
        let uncertain = self.tally(run).await?.of(State::Uncertain);
        if uncertain > 0 {
            return Ok(Some(PurgeBlocker::Uncertain(uncertain)));
        }
        let possible: i64 = query_scalar(POSSIBLE_OPT_OUTS)
            .bind(RowKey::first(run.key))
            .bind(RowKey::last(run.key))
            .fetch_one(&self.readers)
            .await
            .map_err(doing("count the possible opt-outs"))?;
        Ok((possible > 0).then_some(PurgeBlocker::PossibleOptOuts(possible.unsigned_abs())))
    }

    /// Purges a run for the person `by`, or continues an interrupted purge. Call this with the run's lock held, after
    /// [`Store::purge_blocker`]. Returns `false` if the run is no longer over; then nothing was deleted.
    ///
    /// # Errors
    /// When the store cannot be read or written. What was deleted stays deleted, and the purge can continue.
    pub async fn purge(&self, run: &Run, by: &str, now: Millis) -> Result<bool, StoreError> {
        let mut connection = self.overwriting().await?;
        if !self.mark_purged(&mut connection, run.key, by, now).await? {
            return Ok(false);
        }
        Point::PurgeMarked.pass();
        if self.kept(run.key).await?.is_none() {
            self.keep_counts(&mut connection, run).await?;
        }
        Point::PurgeCounted.pass();
        delete_rows(&mut connection, run.key).await?;
        end(&mut connection, run, now).await?;
        connection.close().await.map_err(doing("purge the run"))?;
        Ok(true)
    }

    /// Opens a connection that overwrites what it deletes, but not the copies that SQLite left when it moved rows to
    /// other pages. On a server, deleted rows stay until they are vacuumed.
    pub(super) async fn overwriting(&self) -> Result<DbConnection<'static>, StoreError> {
        let mut connection = self.separate().await?;
        if self.path().is_some() {
            script("PRAGMA secure_delete = ON", &mut connection).await.map_err(doing("overwrite what it deletes"))?;
        }
        Ok(connection)
    }

    /// Marks a run that is over. Its worker no longer owns it.
    async fn mark_purged(
        &self,
        connection: &mut DbConnection<'_>,
        run: i64,
        by: &str,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let failed = || doing("mark the run as purged");
        let mut tx = connection.begin().await.map_err(failed())?;
        let marked = query(
            "UPDATE run SET purged_at = coalesce(purged_at, $2), purged_by = coalesce(purged_by, $3) WHERE id = $1 \
             AND finished_at IS NOT NULL AND purge_ended_at IS NULL AND (purged_at IS NOT NULL OR ( \
               NOT EXISTS (SELECT 1 FROM delivery WHERE run = $1 AND next_attempt_at IS NOT NULL) \
               AND NOT EXISTS (SELECT 1 FROM delivery WHERE run = $1 AND next_poll_at IS NOT NULL) \
               AND NOT EXISTS (SELECT 1 FROM delivery WHERE run = $1 AND state = 1)))",
        )
        .bind(run)
        .bind(now.0)
        .bind(by)
        .execute(&mut tx)
        .await
        .map_err(failed())?;
        let marked = marked.rows_affected() > 0;
        if marked {
            let disowned = query("UPDATE progress SET owner = NULL WHERE run = $1").bind(run).execute(&mut tx).await;
            disowned.map_err(failed())?;
        }
        if marked && self.can_be_joined() {
            for statement in ["DELETE FROM sender WHERE run = $1", "DELETE FROM halt WHERE run = $1"] {
                query(statement).bind(run).execute(&mut tx).await.map_err(failed())?;
            }
        }
        tx.commit().await.map_err(failed())?;
        Ok(marked)
    }

    /// Saves the counts of a run, and removes what may be personal from the run itself: the names of columns are those
    /// of a person if a list has no header, and a provider may quote a number in the reason for a stop.
    async fn keep_counts(&self, connection: &mut DbConnection<'_>, run: &Run) -> Result<(), StoreError> {
        let counts = KeptCounts {
            states: self.tally(run).await?.iter().map(|(state, rows)| (state.to_string(), rows)).collect(),
            problems: self.problems(run, u32::MAX).await?.into_iter().map(|count| (count.code, count.rows)).collect(),
            contradicted: self.contradicted(run).await?,
            double_sends: self.double_sends(run).await?,
            replies: without_rare_answers(self.replies_counted(run).await?),
        };
        let counts = serde_json::to_string(&counts).map_err(|error| StoreError::Damaged(error.to_string()))?;
        query("UPDATE run SET purged_counts = $2, columns = '[]', stopped_why = NULL WHERE id = $1 AND purged_counts IS NULL")
            .bind(run.key)
            .bind(counts)
            .execute(On::alone(connection))
            .await
            .map(drop)
            .map_err(doing("save the counts of the run"))
    }

    /// Returns what the counts of a run were when it was purged. Call this after the rows were counted: as long as
    /// there is nothing here, no row is missing.
    pub(in crate::store) async fn kept(&self, run: i64) -> Result<Option<KeptCounts>, StoreError> {
        let counts: Option<Option<String>> = query_scalar("SELECT purged_counts FROM run WHERE id = $1")
            .bind(run)
            .fetch_optional(&self.readers)
            .await
            .map_err(doing("read the counts of a purged run"))?;
        let damaged = |error: serde_json::Error| StoreError::Damaged(format!("the counts of a purged run: {error}"));
        counts.flatten().map(|counts| serde_json::from_str(&counts).map_err(damaged)).transpose()
    }
}

/// The replies to a range of rows that may ask for an opt-out, and that nobody has decided about.
const POSSIBLE_OPT_OUTS: &str = "SELECT count(*) FROM reply p INDEXED BY reply_possible_opt_out \
    LEFT JOIN recipient r ON r.id = p.row WHERE p.possible_opt_out = 1 AND p.row BETWEEN $1 AND $2 AND (\
      (p.phone IS NOT NULL AND NOT EXISTS (SELECT 1 FROM suppression s WHERE s.phone = p.phone)) OR \
      (r.phone IS NOT NULL AND NOT EXISTS (SELECT 1 FROM suppression s WHERE s.phone = r.phone)))";

/// The counts of a purged run, without anything personal.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::store) struct KeptCounts {
    /// Rows by the name of their state.
    states: BTreeMap<String, u64>,
    /// Rows by the code of their problem, most frequent first.
    problems: Vec<(String, u64)>,
    pub(in crate::store) contradicted: u64,
    pub(in crate::store) double_sends: u64,
    pub(in crate::store) replies: Replies,
}

impl KeptCounts {
    pub(in crate::store) fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for (name, rows) in &self.states {
            if let Some(state) = State::from_name(name) {
                tally.add(state, *rows);
            }
        }
        tally
    }

    pub(in crate::store) fn problems(self, limit: u32) -> Vec<ProblemCount> {
        let count = |(code, rows)| ProblemCount { code, rows, sample: "(words purged)".into(), of_list: true };
        self.problems.into_iter().take(limit as usize).map(count).collect()
    }
}

fn without_rare_answers(mut replies: Replies) -> Replies {
    replies.choices.retain(|choice| choice.rows >= FEWEST);
    replies.by_title.retain(|title| title.rows >= FEWEST);
    replies
}

async fn delete_rows(connection: &mut DbConnection<'_>, run: i64) -> Result<(), StoreError> {
    let failed = || doing("delete the rows of a purged run");
    let (mut after, last) = (RowKey::first(run) - 1, RowKey::last(run));
    let mut pause = Duration::ZERO;
    loop {
        let next: Option<i64> = query_scalar("SELECT min(id) FROM recipient WHERE id > $1 AND id <= $2")
            .bind(after)
            .bind(last)
            .fetch_one(&mut *connection)
            .await
            .map_err(failed())?;
        let Some(next) = next else { return Ok(()) };
        // Others get their turn.
        tokio::time::sleep(pause).await;
        let begun = Instant::now();
        (after, pause) = (next - 1, PAUSE);
        let until = last.min(after + CHUNK);
        let mut tx = connection.begin().await.map_err(failed())?;
        delete(&mut tx, after, until).await?;
        tx.commit().await.map_err(failed())?;
        Point::PurgeDeleted.pass();
        (after, pause) = (until, pause.max(begun.elapsed()));
    }
}

/// Deletes what belongs to the rows after `after` up to `until`.
async fn delete(tx: &mut DbConnection<'_>, after: i64, until: i64) -> Result<(), StoreError> {
    for statement in [KEEP_OPT_OUTS].into_iter().chain(DELETE) {
        query(statement)
            .bind(after)
            .bind(until)
            .execute(&mut *tx)
            .await
            .map_err(doing("delete the rows of a purged run"))?;
    }
    Ok(())
}

/// Deletes what is left: the index of numbers, tests of the campaign, and whatever came to rows that are gone.
async fn end(connection: &mut DbConnection<'_>, run: &Run, now: Millis) -> Result<(), StoreError> {
    let failed = || doing("finish the purge");
    let stretches = Store::stretches(run.key);
    let next = || query_scalar::<Option<i64>>("SELECT min(stretch) FROM number WHERE stretch BETWEEN $1 AND $2");
    let next = || next().bind(*stretches.start()).bind(*stretches.end());
    while let Some(stretch) = next().fetch_one(&mut *connection).await.map_err(failed())? {
        query("DELETE FROM number WHERE stretch = $1")
            .bind(stretch)
            .execute(On::alone(connection))
            .await
            .map_err(failed())?;
        tokio::time::sleep(PAUSE).await;
    }
    let mut tx = connection.begin().await.map_err(failed())?;
    delete(&mut tx, RowKey::first(run.key) - 1, RowKey::last(run.key)).await?;
    query("DELETE FROM test_message WHERE name = $1 AND started_at <= $2")
        .bind(run.id.name())
        .bind(run.finished_at.unwrap_or(run.created_at).0)
        .execute(&mut tx)
        .await
        .map_err(failed())?;
    query("UPDATE run SET purge_ended_at = $2 WHERE id = $1")
        .bind(run.key)
        .bind(now.0)
        .execute(&mut tx)
        .await
        .map_err(failed())?;
    tx.commit().await.map_err(failed())
}

/// Fails if a run was purged. Call this after its rows were read: they may not all have been there.
pub(in crate::store) async fn refuse_purged(store: impl Into<On<'_>>, run: i64) -> Result<(), StoreError> {
    let purged: Option<(String, u32, i64)> =
        query_as("SELECT name, number, purged_at FROM run WHERE id = $1 AND purged_at IS NOT NULL")
            .bind(run)
            .fetch_optional(store)
            .await
            .map_err(doing("check whether the run was purged"))?;
    match purged {
        Some((name, number, at)) => Err(StoreError::Purged { run: RunId::new(&name, number), at: Millis(at) }),
        None => Ok(()),
    }
}
