//! Occurrences: the times at which a scheduled campaign was due. Each is decided once, in one transaction with the run
//! that it becomes.

use super::lifecycle::{blocking_run, insert, newest};
use crate::model::{Millis, RunId};
use crate::store::Store;
use crate::store::error::doing;
use crate::store::sql::{DbConnection, query, query_as, query_scalar};
use crate::store::{NewRun, Occurrence, OccurrenceStart, Recurrence, StoreError};

impl Store {
    /// Makes the service send a run as if it had started it on a schedule, also after a restart.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn entrust_to_service(&self, run: i64) -> Result<(), StoreError> {
        query("UPDATE run SET is_served = $2 WHERE id = $1")
            .bind(run)
            .bind(true)
            .execute(self.write().await?.alone())
            .await
            .map(drop)
            .map_err(doing("give the run to the service"))
    }

    /// Returns when a campaign's schedule takes effect: when this `rule` was first seen.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn see_schedule(&self, name: &str, rule: &str, now: Millis) -> Result<Millis, StoreError> {
        let since: i64 = query_scalar(
            "INSERT INTO schedule (name, rule, since) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE \
             SET since = CASE WHEN schedule.rule = excluded.rule THEN min(schedule.since, excluded.since) ELSE excluded.since END, \
                 rule = excluded.rule RETURNING since",
        )
        .bind(name)
        .bind(rule)
        .bind(now.0)
        .fetch_one(self.write().await?.alone())
        .await
        .map_err(doing("save a schedule"))?;
        Ok(Millis(since))
    }

    /// Returns when a campaign's schedule took effect, if a service has seen this `rule`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn schedule_seen(&self, name: &str, rule: &str) -> Result<Option<Millis>, StoreError> {
        let since: Option<i64> = query_scalar("SELECT since FROM schedule WHERE name = $1 AND rule = $2")
            .bind(name)
            .bind(rule)
            .fetch_optional(&self.readers)
            .await
            .map_err(doing("read a schedule"))?;
        Ok(since.map(Millis))
    }

    /// Turns an occurrence of a campaign into a run, unless it was decided before or may not start.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn start_occurrence(
        &self,
        new: &NewRun,
        due: Millis,
        recurrence: Recurrence,
        now: Millis,
    ) -> Result<OccurrenceStart, StoreError> {
        let failed = || doing("start an occurrence");
        let mut writer = self.write().await?;
        let mut tx = writer.begin("start an occurrence").await?;
        let decided: bool = query_scalar("SELECT EXISTS (SELECT 1 FROM occurrence WHERE name = $1 AND due_at = $2)")
            .bind(&new.name)
            .bind(due.0)
            .fetch_one(&mut tx)
            .await
            .map_err(failed())?;
        if decided {
            return Ok(OccurrenceStart::Decided);
        }
        let same = "campaign_hash = $2 AND recipients_hash = $3 AND dispatched_at IS NOT NULL AND cancelled_at IS NULL";
        if recurrence != Recurrence::Repeated
            && let Some(run) = newest(&mut tx, new, same).await?
        {
            let reason = format!("{} already ran with the same content", run.id);
            decide(&mut tx, &new.name, due, Err(&reason), now).await?;
            tx.commit().await.map_err(failed())?;
            return Ok(OccurrenceStart::Ran(run));
        }
        if let Some(run) = blocking_run(&mut tx, &new.name).await? {
            return Ok(OccurrenceStart::Blocked(run));
        }
        if recurrence == (Recurrence::Once { skips_reached: false })
            && let Some(run) = newest(&mut tx, new, "started_at IS NOT NULL").await?
        {
            return Ok(OccurrenceStart::RanBefore(run));
        }
        let run = insert(&mut tx, new, now, false).await?;
        decide(&mut tx, &new.name, due, Ok(run.key), now).await?;
        tx.commit().await.map_err(failed())?;
        Ok(OccurrenceStart::Made(run))
    }

    /// Records that an occurrence is skipped; returns `false` if it was decided before.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn skip_occurrence(
        &self,
        name: &str,
        due: Millis,
        reason: &str,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let failed = || doing("skip an occurrence");
        let mut writer = self.write().await?;
        let mut tx = writer.begin("skip an occurrence").await?;
        let new = decide(&mut tx, name, due, Err(reason), now).await?;
        tx.commit().await.map_err(failed())?;
        Ok(new)
    }

    /// Records that an occurrence is skipped after all: its run was abandoned before anything was sent.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn skip_started_occurrence(&self, run: i64, reason: &str, now: Millis) -> Result<(), StoreError> {
        query("UPDATE occurrence SET run = NULL, reason = $2, decided_at = $3 WHERE run = $1")
            .bind(run)
            .bind(reason)
            .bind(now.0)
            .execute(self.write().await?.alone())
            .await
            .map_err(doing("skip an occurrence"))?;
        Ok(())
    }

    /// Gives a run whose import was interrupted the current content of its files. A planned run is left unchanged.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn replace_content(&self, run: i64, new: &NewRun) -> Result<(), StoreError> {
        query(
            "UPDATE run SET campaign = $2, campaign_hash = $3, recipients_hash = $4 WHERE id = $1 AND planned_at IS NULL",
        )
        .bind(run)
        .bind(&new.campaign)
        .bind(&new.campaign_hash)
        .bind(&new.recipients_hash)
        .execute(self.write().await?.alone())
        .await
        .map_err(doing("restart an import"))?;
        Ok(())
    }
}

/// Records what became of an occurrence; returns `false` if that was decided before.
async fn decide(
    tx: &mut DbConnection<'_>,
    name: &str,
    due: Millis,
    became: Result<i64, &str>,
    now: Millis,
) -> Result<bool, StoreError> {
    let done = query(
        "INSERT INTO occurrence (name, due_at, run, reason, decided_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
    )
    .bind(name)
    .bind(due.0)
    .bind(became.ok())
    .bind(became.err())
    .bind(now.0)
    .execute(&mut *tx)
    .await
    .map_err(doing("save an occurrence"))?;
    Ok(done.rows_affected() > 0)
}

impl Store {
    /// Returns the last decided occurrence of a campaign up to `now`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn last_decided(&self, name: &str, now: Millis) -> Result<Option<Millis>, StoreError> {
        let last: Option<i64> = query_scalar("SELECT max(due_at) FROM occurrence WHERE name = $1 AND due_at <= $2")
            .bind(name)
            .bind(now.0)
            .fetch_one(&self.readers)
            .await
            .map_err(doing("find occurrences"))?;
        Ok(last.map(Millis))
    }

    /// Returns the newest decided occurrences of a campaign, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn occurrences(&self, name: &str, limit: u32) -> Result<Vec<Occurrence>, StoreError> {
        let rows: Vec<(i64, Option<i64>, Option<String>, i64)> = query_as(
            "SELECT due_at, (SELECT number FROM run WHERE id = occurrence.run), reason, decided_at FROM occurrence \
             WHERE name = $1 ORDER BY due_at DESC LIMIT $2",
        )
        .bind(name)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await
        .map_err(doing("list occurrences"))?;
        let read = |(due, number, reason, decided): (i64, Option<i64>, Option<String>, i64)| {
            let number = number.and_then(|number| u32::try_from(number).ok());
            let became = number.map(|number| RunId::new(name, number)).ok_or_else(|| reason.unwrap_or_default());
            Occurrence { due: Millis(due), became, decided: Millis(decided) }
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// Returns how many occurrences became runs, and how many were skipped.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn occurrences_so_far(&self) -> Result<(u64, u64), StoreError> {
        let (ran, skipped): (i64, i64) = query_as("SELECT count(run), count(*) - count(run) FROM occurrence")
            .fetch_one(&self.readers)
            .await
            .map_err(doing("count occurrences"))?;
        Ok((ran.unsigned_abs(), skipped.unsigned_abs()))
    }

    /// Returns when a run was due, if it is an occurrence.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn due_of(&self, run: i64) -> Result<Option<Millis>, StoreError> {
        let due: Option<i64> = query_scalar("SELECT due_at FROM occurrence WHERE run = $1")
            .bind(run)
            .fetch_optional(&self.readers)
            .await
            .map_err(doing("find an occurrence"))?;
        Ok(due.map(Millis))
    }
}
