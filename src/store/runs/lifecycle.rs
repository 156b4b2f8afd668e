//! Runs: started, found, taken over, controlled, and moved through their stages.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::Duration;

use super::purge::refuse_purged;
use super::senders;
use crate::crash_point::Point;
use crate::model::{Millis, Rate, RunId};
use crate::store::Store;
use crate::store::error::doing;
use crate::store::sql::{DbConnection, DbRow, On, query, query_as, query_scalar};
use crate::store::start::{Earlier, StartRule, rule};
use crate::store::{NewRun, Orders, Owner, Repeat, RowKey, Run, Stage, StartDecision, StoreError, WorkerId};

const COLUMNS: &str = "id, name, number, campaign, campaign_hash, recipients_hash, columns, created_at, planned_at, \
    started_at, dispatched_at, finished_at, cancelled_at, cancelled_by, paused_at, paused_by, stopped_at, stopped_why, \
    rate, rate_per, rate_at, rate_by, polls, template, only_new, is_served, purged_at, purged_by, \
    EXISTS (SELECT 1 FROM progress p WHERE p.run = run.id AND p.limit_left IS NOT NULL) AS is_limited";

impl Store {
    /// Returns the run with this id, or the newest if no id is given.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRun`] or [`StoreError::NoRun`].
    pub async fn run(&self, id: Option<&RunId>) -> Result<Run, StoreError> {
        let found = match id {
            Some(id) => {
                query(select("WHERE name = $1 AND number = $2"))
                    .bind(id.name())
                    .bind(i64::from(id.number()))
                    .fetch_optional(&self.readers)
                    .await
            }
            None => query(select("ORDER BY id DESC LIMIT 1")).fetch_optional(&self.readers).await,
        };
        match (found.map_err(doing("find the run"))?, id) {
            (Some(row), _) => read(&row),
            (None, Some(id)) => Err(StoreError::NoSuchRun(id.clone())),
            (None, None) => Err(StoreError::NoRun),
        }
    }

    /// Returns the newest runs, newest first; at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn runs(&self, limit: u32) -> Result<Vec<Run>, StoreError> {
        let rows = query(select("ORDER BY id DESC LIMIT $1"))
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(doing("list the runs"))?;
        rows.iter().map(read).collect()
    }

    /// Returns every unfinished run, oldest first, with its due time if it is an occurrence of a schedule.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn unfinished(&self) -> Result<Vec<(Run, Option<Millis>)>, StoreError> {
        let failed = || doing("list the runs");
        let rows =
            query(select("WHERE finished_at IS NULL ORDER BY id")).fetch_all(&self.readers).await.map_err(failed())?;
        let due: Vec<(i64, i64)> =
            query_as("SELECT run, due_at FROM occurrence WHERE run IN (SELECT id FROM run WHERE finished_at IS NULL)")
                .fetch_all(&self.readers)
                .await
                .map_err(failed())?;
        let due: HashMap<i64, i64> = due.into_iter().collect();
        let with_due = |run: Run| {
            let due = due.get(&run.key).copied().map(Millis);
            (run, due)
        };
        rows.iter().map(|row| read(row).map(with_due)).collect()
    }

    /// Returns the newest run of a campaign whose sending has started.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn last_sent(&self, name: &str) -> Result<Option<Run>, StoreError> {
        let sql = select("WHERE name = $1 AND started_at IS NOT NULL ORDER BY number DESC LIMIT 1");
        let row =
            query(sql).bind(name).fetch_optional(&self.readers).await.map_err(doing("find the campaign's runs"))?;
        row.as_ref().map(read).transpose()
    }

    /// Returns the run that a campaign's next occurrence has to wait for, if there is one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn blocking_run(&self, name: &str) -> Result<Option<Run>, StoreError> {
        blocking_run(&self.readers, name).await
    }

    /// Returns what [`Store::start_run`] would decide; `None` means a new run.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn would_start(&self, new: &NewRun, repeat: Repeat) -> Result<Option<StartDecision>, StoreError> {
        let mut reader = self.readers.acquire().await.map_err(doing("find the campaign's runs"))?;
        let rule = rule(&earlier(&mut reader, new).await?, repeat);
        decided(&mut reader, rule).await
    }
}

impl Store {
    /// Decides how a campaign starts in this store, and creates a new run if that is the decision. One transaction does
    /// both, so that of two processes one creates the run and the other finds it.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn start_run(&self, new: &NewRun, repeat: Repeat, now: Millis) -> Result<StartDecision, StoreError> {
        let only_new = repeat == Repeat::OnlyNew;
        let mut writer = self.write().await?;
        let mut tx = writer.begin("start a run").await?;
        let rule = rule(&earlier(&mut tx, new).await?, repeat);
        let decision = match decided(&mut tx, rule).await? {
            Some(decision) => decision,
            None => StartDecision::New(insert(&mut tx, new, now, only_new).await?),
        };
        Point::RunWritten.pass();
        tx.commit().await.map_err(doing("commit the run"))?;
        Point::RunCommitted.pass();
        Ok(decision)
    }

    /// Takes over a run under a new worker number. The previous worker may still record what it sent, but claims
    /// nothing more. At most `limit` rows are then claimed for the first time. Call this with the run's lock held.
    ///
    /// # Errors
    /// When the store cannot be written, or the run was purged.
    pub async fn take_over(&self, run: i64, limit: Option<u64>, now: Millis) -> Result<Owner, StoreError> {
        let failed = || doing("take over the run");
        let mut writer = self.write().await?;
        // The files are compared again before the first claim, whatever happened to them since.
        writer.guard.mark = None;
        let mut tx = writer.begin("take over the run").await?;
        refuse_purged(&mut tx, run).await?;
        let worker = insert_worker(&mut tx, now).await?;
        if self.can_be_joined() && !senders::own(&mut tx, run, worker, self.process()).await? {
            return Err(StoreError::Held(by_key(&mut tx, run).await?.id));
        }
        query(
            "INSERT INTO progress (run, next_row, limit_left, owner) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (run) DO UPDATE SET limit_left = excluded.limit_left, owner = excluded.owner",
        )
        .bind(run)
        .bind(RowKey::first(run))
        .bind(limit.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX)))
        .bind(worker)
        .execute(&mut tx)
        .await
        .map_err(failed())?;
        tx.commit().await.map_err(failed())?;
        Point::RunTakenOver.pass();
        Ok(Owner { run, worker: WorkerId(worker) })
    }

    /// Records that a run reached a stage; the first time counts. A run with waiting or sending rows does not reach
    /// [`Stage::Dispatched`]. A run that has not reached it, or still awaits a status, does not reach
    /// [`Stage::Finished`]: an outcome may come in after the caller checked. Returns whether the run has reached it. A
    /// run's numbers are indexed before it is finished.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn reach(&self, run: i64, stage: Stage, now: Millis) -> Result<bool, StoreError> {
        if stage == Stage::Finished {
            // Done first: after a crash in between, it is just repeated.
            self.index_numbers(run).await?;
        }
        let statement = match stage {
            Stage::Started => "UPDATE run SET started_at = coalesce(started_at, $2) WHERE id = $1",
            Stage::Dispatched => {
                "UPDATE run SET dispatched_at = coalesce(dispatched_at, $2) WHERE id = $1 \
                 AND NOT EXISTS (SELECT 1 FROM delivery WHERE run = $1 AND next_attempt_at IS NOT NULL) \
                 AND NOT EXISTS (SELECT 1 FROM delivery WHERE run = $1 AND state = 1)"
            }
            Stage::Finished => {
                "UPDATE run SET finished_at = coalesce(finished_at, $2) WHERE id = $1 AND dispatched_at IS NOT NULL \
                 AND NOT EXISTS (SELECT 1 FROM delivery WHERE run = $1 AND next_poll_at IS NOT NULL)"
            }
        };
        query(statement)
            .bind(run)
            .bind(now.0)
            .execute(self.write().await?.alone())
            .await
            .map(|done| done.rows_affected() > 0)
            .map_err(doing("save the stage"))
    }
}

impl Store {
    /// Returns what people have requested for a run.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn orders(&self, run: i64) -> Result<Orders, StoreError> {
        let (cancelled, paused, requests, per): (bool, bool, Option<i64>, Option<i64>) =
            query_as("SELECT cancelled_at IS NOT NULL, paused_at IS NOT NULL, rate, rate_per FROM run WHERE id = $1")
                .bind(run)
                .fetch_one(&self.readers)
                .await
                .map_err(doing("read control changes"))?;
        Ok(Orders { cancelled, paused, rate: rate(requests, per) })
    }

    /// Records that a process stops sending a run before the end, and why; or that one starts, if `why` is `None`.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn record_stop(&self, owner: Owner, why: Option<&str>, now: Millis) -> Result<(), StoreError> {
        if why.is_none() {
            self.forget_halt(owner.run).await?;
        }
        query(
            "UPDATE run SET stopped_at = iif($4 IS NULL, NULL, $3), stopped_why = $4 \
             WHERE id = $1 AND (SELECT owner FROM progress WHERE run = $1) = $2",
        )
        .bind(owner.run)
        .bind(owner.worker.0)
        .bind(now.0)
        .bind(why)
        .execute(self.write().await?.alone())
        .await
        .map(drop)
        .map_err(doing("record that the run stopped"))
    }

    /// Pauses a run for the person `by`: nothing is sent until it is resumed.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn pause(&self, run: i64, by: &str, now: Millis) -> Result<(), StoreError> {
        query("UPDATE run SET paused_at = $2, paused_by = $3 WHERE id = $1 AND paused_at IS NULL")
            .bind(run)
            .bind(now.0)
            .bind(by)
            .execute(self.write().await?.alone())
            .await
            .map(drop)
            .map_err(doing("pause the run"))
    }

    /// Resumes a paused run; returns `false` if it was not paused.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn lift_pause(&self, run: i64) -> Result<bool, StoreError> {
        let done = query("UPDATE run SET paused_at = NULL, paused_by = NULL WHERE id = $1 AND paused_at IS NOT NULL")
            .bind(run)
            .execute(self.write().await?.alone())
            .await
            .map_err(doing("lift the pause"))?;
        Ok(done.rows_affected() > 0)
    }

    /// Sets another rate for a run, for the person `by`, from now on and for good.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn set_rate(&self, run: i64, (requests, per): Rate, by: &str, now: Millis) -> Result<(), StoreError> {
        query("UPDATE run SET rate = $2, rate_per = $3, rate_by = $4, rate_at = $5 WHERE id = $1")
            .bind(run)
            .bind(i64::from(requests.get()))
            .bind(i64::try_from(per.as_millis()).unwrap_or(i64::MAX))
            .bind(by)
            .bind(now.0)
            .execute(self.write().await?.alone())
            .await
            .map(drop)
            .map_err(doing("change the rate"))
    }

    /// Cancels a run for the person `by`. Rows never claimed count as cancelled from now on.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn cancel(&self, run: i64, by: &str, now: Millis) -> Result<(), StoreError> {
        query("UPDATE run SET cancelled_at = $2, cancelled_by = $3 WHERE id = $1 AND cancelled_at IS NULL")
            .bind(run)
            .bind(now.0)
            .bind(by)
            .execute(self.write().await?.alone())
            .await
            .map_err(doing("cancel the run"))?;
        Point::CancelRecorded.pass();
        Ok(())
    }
}

/// Adds a worker; returns its number.
pub(in crate::store) async fn insert_worker(tx: &mut DbConnection<'_>, now: Millis) -> Result<i64, StoreError> {
    query_scalar("INSERT INTO worker (process, started_at, reference_key) VALUES ($1, $2, $3) RETURNING id")
        .bind(i64::from(std::process::id()))
        .bind(now.0)
        .bind(secret()?)
        .fetch_one(tx)
        .await
        .map_err(doing("add a worker"))
}

/// Creates a run, the next of its campaign's name.
pub(in crate::store) async fn insert(
    tx: &mut DbConnection<'_>,
    new: &NewRun,
    now: Millis,
    only_new: bool,
) -> Result<Run, StoreError> {
    let number: i64 = query_scalar("SELECT coalesce(max(number), 0) + 1 FROM run WHERE name = $1")
        .bind(&new.name)
        .fetch_one(&mut *tx)
        .await
        .map_err(doing("number the run"))?;
    let row = query(
        "INSERT INTO run (name, number, campaign, campaign_hash, recipients_hash, created_at, only_new) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING *, false AS is_limited",
    )
    .bind(&new.name)
    .bind(number)
    .bind(&new.campaign)
    .bind(&new.campaign_hash)
    .bind(&new.recipients_hash)
    .bind(now.0)
    .bind(only_new)
    .fetch_one(&mut *tx)
    .await
    .map_err(doing("create the run"))?;
    read(&row)
}

/// Returns the newest run of a campaign with rows that were never attempted, including rows that only wait for their
/// time. A run whose remaining rows all wait for another attempt blocks nothing, because that may take days.
pub(in crate::store) async fn blocking_run(store: impl Into<On<'_>>, name: &str) -> Result<Option<Run>, StoreError> {
    query(select(
        "WHERE name = $1 AND dispatched_at IS NULL AND cancelled_at IS NULL AND (planned_at IS NULL \
         OR EXISTS (SELECT 1 FROM recipient r WHERE r.id < (run.id + 1) << 40 AND r.state = 0 \
           AND r.id > coalesce((SELECT next_row FROM progress p WHERE p.run = run.id), run.id << 40)) \
         OR EXISTS (SELECT 1 FROM delivery d WHERE d.run = run.id AND d.next_attempt_at IS NOT NULL AND d.attempts = 0)) \
         ORDER BY number DESC LIMIT 1",
    ))
    .bind(name)
    .fetch_optional(store)
    .await
    .map_err(doing("find unsent runs"))?
    .as_ref()
    .map(read)
    .transpose()
}

/// Returns the newest run of the campaign's name that meets `condition`, preferring one of the same content.
pub(in crate::store) async fn newest(
    tx: &mut DbConnection<'_>,
    new: &NewRun,
    condition: &'static str,
) -> Result<Option<Run>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM run WHERE name = $1 AND {condition} \
         ORDER BY (campaign_hash = $2 AND recipients_hash = $3) DESC, number DESC LIMIT 1"
    );
    query(sqlx::AssertSqlSafe(sql))
        .bind(&new.name)
        .bind(&new.campaign_hash)
        .bind(&new.recipients_hash)
        .fetch_optional(&mut *tx)
        .await
        .map_err(doing("find the campaign's runs"))?
        .as_ref()
        .map(read)
        .transpose()
}

/// Returns the run with this key.
pub(in crate::store) async fn by_key(store: impl Into<On<'_>>, run: i64) -> Result<Run, StoreError> {
    let row = query(select("WHERE id = $1")).bind(run).fetch_one(store).await;
    read(&row.map_err(doing("find the run"))?)
}

/// Returns a statement over all columns of `run` that ends with `rest`. Every `rest` is a literal of this file.
fn select(rest: &'static str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM run {rest}"))
}

async fn earlier(connection: &mut DbConnection<'_>, new: &NewRun) -> Result<Vec<Earlier>, StoreError> {
    let failed = || doing("find the campaign's runs");
    let rows = query(
        "SELECT id, campaign_hash = $2 AS same_campaign, recipients_hash = $3 AS same_recipients, \
         planned_at IS NOT NULL AS planned, started_at IS NOT NULL AS started, dispatched_at IS NOT NULL AS dispatched, \
         finished_at IS NOT NULL AS finished, cancelled_at IS NOT NULL AS cancelled, only_new \
         FROM run WHERE name = $1 ORDER BY number DESC",
    )
    .bind(&new.name)
    .bind(&new.campaign_hash)
    .bind(&new.recipients_hash)
    .fetch_all(connection)
    .await
    .map_err(failed())?;
    let read = |row: &DbRow| {
        Ok(Earlier {
            id: row.try_get("id")?,
            same_campaign: row.try_get("same_campaign")?,
            same_recipients: row.try_get("same_recipients")?,
            planned: row.try_get("planned")?,
            started: row.try_get("started")?,
            dispatched: row.try_get("dispatched")?,
            finished: row.try_get("finished")?,
            cancelled: row.try_get("cancelled")?,
            only_new: row.try_get("only_new")?,
        })
    };
    rows.iter().map(read).collect::<Result<_, _>>().map_err(failed())
}

/// Returns the decision with its run; `None` for a new run.
async fn decided(connection: &mut DbConnection<'_>, rule: StartRule) -> Result<Option<StartDecision>, StoreError> {
    Ok(Some(match rule {
        StartRule::New => return Ok(None),
        StartRule::RanBefore => StartDecision::RanBefore,
        StartRule::Resume(run) => StartDecision::Resume(by_key(connection, run).await?),
        StartRule::ForOthers(run) => StartDecision::ForOthers(by_key(connection, run).await?),
        StartRule::Ending(run) => StartDecision::Ending(by_key(connection, run).await?),
        StartRule::Differs { run, campaign } => {
            StartDecision::Differs { run: by_key(connection, run).await?, campaign }
        }
    }))
}

/// Returns a new key to sign references with.
fn secret() -> Result<Vec<u8>, StoreError> {
    let mut secret = vec![0; 16];
    let done = rustix::rand::getrandom(&mut secret[..], rustix::rand::GetRandomFlags::empty());
    match done {
        Ok(16) => Ok(secret),
        // As few bytes are never cut short (random(4)).
        _ => Err(StoreError::NoRandomNumbers),
    }
}

/// Reads a rate from its two columns.
fn rate(requests: Option<i64>, per: Option<i64>) -> Option<Rate> {
    let requests = NonZeroU32::new(u32::try_from(requests?).ok()?)?;
    let per = Duration::from_millis(u64::try_from(per?).ok()?);
    (!per.is_zero()).then_some((requests, per))
}

fn read(row: &DbRow) -> Result<Run, StoreError> {
    let get = doing("read a run");
    let run = || -> Result<(Run, String), sqlx::Error> {
        let time = |name| row.try_get::<Option<i64>, _>(name).map(|time| time.map(Millis));
        let columns: String = row.try_get("columns")?;
        Ok((
            Run {
                key: row.try_get("id")?,
                id: RunId::new(row.try_get::<String, _>("name")?, row.try_get("number")?),
                campaign: row.try_get("campaign")?,
                campaign_hash: row.try_get("campaign_hash")?,
                recipients_hash: row.try_get("recipients_hash")?,
                columns: Vec::new(),
                created_at: Millis(row.try_get("created_at")?),
                planned_at: time("planned_at")?,
                started_at: time("started_at")?,
                dispatched_at: time("dispatched_at")?,
                finished_at: time("finished_at")?,
                cancelled_at: time("cancelled_at")?,
                cancelled_by: row.try_get("cancelled_by")?,
                paused_at: time("paused_at")?,
                paused_by: row.try_get("paused_by")?,
                stopped_at: time("stopped_at")?,
                stopped_why: row.try_get("stopped_why")?,
                rate: rate(row.try_get("rate")?, row.try_get("rate_per")?),
                rate_at: time("rate_at")?,
                rate_by: row.try_get("rate_by")?,
                polls: row.try_get::<i64, _>("polls")?.unsigned_abs(),
                template: row.try_get("template")?,
                only_new: row.try_get("only_new")?,
                is_served: row.try_get("is_served")?,
                purged_at: time("purged_at")?,
                purged_by: row.try_get("purged_by")?,
                is_limited: row.try_get("is_limited")?,
            },
            columns,
        ))
    };
    let (mut run, columns) = run().map_err(get)?;
    run.columns = serde_json::from_str(&columns)
        .map_err(|_| StoreError::Damaged(format!("the columns of run {} cannot be read", run.id)))?;
    Ok(run)
}
