//! Runs: made, found, and moved through their stages.

use std::collections::HashMap;

use sqlx::sqlite::{SqliteExecutor, SqliteRow};
use sqlx::{Row, Sqlite, Transaction};

use super::error::doing;
use super::orders::{Rate, rate};
use super::{Store, StoreError, Writer};
use crate::model::{Millis, RunId};

/// A run as the store knows it.
#[derive(Clone, Debug)]
pub struct Run {
    /// The store's own number for it.
    pub key: i64,
    /// Its public id.
    pub id: RunId,
    /// The frozen campaign, as JSON.
    pub campaign: String,
    /// The fingerprint of the campaign's meaning.
    pub campaign_print: String,
    /// The fingerprint of the recipients.
    pub recipients_print: String,
    /// The input's columns.
    pub columns: Vec<String>,
    /// When it was made.
    pub created_at: Millis,
    /// When the last row was in the store. Before that nothing may be sent.
    pub planned_at: Option<Millis>,
    /// When dispatch began.
    pub started_at: Option<Millis>,
    /// When no row was left to send.
    pub dispatched_at: Option<Millis>,
    /// When no status was waited for any more.
    pub finished_at: Option<Millis>,
    /// When a person asked for no further sends.
    pub cancelled_at: Option<Millis>,
    /// When a person asked for a pause that was not lifted yet.
    pub paused_at: Option<Millis>,
    /// The rate that a person gave it instead of the campaign's.
    pub rate: Option<Rate>,
    /// Status requests made so far.
    pub polls: u64,
    /// The template that its rows were held against, where it was pulled from a provider: its snapshot.
    pub template: Option<String>,
    /// Whether it leaves out everyone that earlier runs of its name reached.
    pub only_new: bool,
}

/// What a new run is made from.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// The campaign's name.
    pub name: String,
    /// The frozen campaign, as JSON.
    pub campaign: String,
    /// The fingerprint of its meaning.
    pub campaign_print: String,
    /// The fingerprint of its recipients.
    pub recipients_print: String,
}

const COLUMNS: &str = "id, name, number, campaign, campaign_print, recipients_print, columns, created_at, planned_at, \
                       started_at, dispatched_at, finished_at, cancelled_at, paused_at, rate, rate_per, polls, template, \
                       only_new";

impl Store {
    /// The run with this id, or the newest where none is named.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRun`] or [`StoreError::NoRun`].
    pub async fn run(&self, id: Option<&RunId>) -> Result<Run, StoreError> {
        let found = match id {
            Some(id) => {
                sqlx::query(concat_sql("WHERE name = ?1 AND number = ?2"))
                    .bind(id.name())
                    .bind(i64::from(id.number()))
                    .fetch_optional(&self.readers)
                    .await
            }
            None => sqlx::query(concat_sql("ORDER BY id DESC LIMIT 1")).fetch_optional(&self.readers).await,
        };
        match (found.map_err(doing("find the run"))?, id) {
            (Some(row), _) => read(&row),
            (None, Some(id)) => Err(StoreError::NoSuchRun(id.clone())),
            (None, None) => Err(StoreError::NoRun),
        }
    }

    /// Every run, newest first, at most `limit`.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn runs(&self, limit: u32) -> Result<Vec<Run>, StoreError> {
        let rows = sqlx::query(concat_sql("ORDER BY id DESC LIMIT ?1"))
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(doing("list the runs"))?;
        rows.iter().map(read).collect()
    }

    /// Every run that is not finished, oldest first, with when it was due where it is an occurrence of a schedule.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn unfinished(&self) -> Result<Vec<(Run, Option<Millis>)>, StoreError> {
        let failed = || doing("list the runs");
        let rows = sqlx::query(concat_sql("WHERE finished_at IS NULL ORDER BY id"))
            .fetch_all(&self.readers)
            .await
            .map_err(failed())?;
        let due: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT run, due_at FROM occurrence WHERE run IN (SELECT id FROM run WHERE finished_at IS NULL)",
        )
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

    /// The run of a campaign that its next occurrence has to wait for, if there is one.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn in_the_way(&self, name: &str) -> Result<Option<Run>, StoreError> {
        in_the_way(&self.readers, name).await
    }
}

/// The points in a run's life that are noted once each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Dispatch begins.
    Started,
    /// No row is left to send.
    Dispatched,
    /// No status is waited for any more.
    Finished,
}

impl Writer {
    /// Notes that a run reached a stage; the first time counts.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn reach(&mut self, run: i64, stage: Stage, now: Millis) -> Result<(), StoreError> {
        let statement = match stage {
            Stage::Started => "UPDATE run SET started_at = coalesce(started_at, ?2) WHERE id = ?1",
            Stage::Dispatched => "UPDATE run SET dispatched_at = coalesce(dispatched_at, ?2) WHERE id = ?1",
            Stage::Finished => "UPDATE run SET finished_at = coalesce(finished_at, ?2) WHERE id = ?1",
        };
        sqlx::query(statement)
            .bind(run)
            .bind(now.0)
            .execute(&mut self.connection)
            .await
            .map_err(doing("note the stage"))?;
        Ok(())
    }
}

/// Makes a run, the next of its campaign's name.
pub(super) async fn insert(
    tx: &mut Transaction<'_, Sqlite>,
    new: &NewRun,
    now: Millis,
    only_new: bool,
) -> Result<Run, StoreError> {
    let number: i64 = sqlx::query_scalar("SELECT coalesce(max(number), 0) + 1 FROM run WHERE name = ?1")
        .bind(&new.name)
        .fetch_one(&mut **tx)
        .await
        .map_err(doing("number the run"))?;
    let row = sqlx::query(
        "INSERT INTO run (name, number, campaign, campaign_print, recipients_print, created_at, only_new) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING *",
    )
    .bind(&new.name)
    .bind(number)
    .bind(&new.campaign)
    .bind(&new.campaign_print)
    .bind(&new.recipients_print)
    .bind(now.0)
    .bind(only_new)
    .fetch_one(&mut **tx)
    .await
    .map_err(doing("make the run"))?;
    read(&row)
}

/// The newest run of a campaign with rows of which no attempt ever began: a row that only waits for its time among them. One
/// of which only some rows wait for another try, which may take days, is in nobody's way. A run's rows are a range of keys;
/// see [`RowKey`](super::RowKey).
pub(super) async fn in_the_way(store: impl SqliteExecutor<'_>, name: &str) -> Result<Option<Run>, StoreError> {
    sqlx::query(concat_sql(
        "WHERE name = ?1 AND dispatched_at IS NULL AND cancelled_at IS NULL AND ( \
           planned_at IS NULL OR rows - invalid - duplicate - suppressed > \
             (SELECT count(*) FROM delivery d WHERE d.id BETWEEN run.id << 40 AND ((run.id + 1) << 40) - 1) \
             - (SELECT count(*) FROM delivery d WHERE d.run = run.id AND d.due_at IS NOT NULL AND d.attempts = 0) \
             + (SELECT count(*) FROM air a WHERE a.id BETWEEN run.id << 40 AND ((run.id + 1) << 40) - 1 AND NOT a.again)) \
         ORDER BY number DESC LIMIT 1",
    ))
    .bind(name)
    .fetch_optional(store)
    .await
    .map_err(doing("look for runs in the way"))?
    .as_ref()
    .map(read)
    .transpose()
}

/// The newest run of the campaign's name for which `condition` holds, one of the same content before any other.
pub(super) async fn newest(
    tx: &mut Transaction<'_, Sqlite>,
    new: &NewRun,
    condition: &'static str,
) -> Result<Option<Run>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM run WHERE name = ?1 AND {condition} \
         ORDER BY (campaign_print = ?2 AND recipients_print = ?3) DESC, number DESC LIMIT 1"
    );
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(&new.name)
        .bind(&new.campaign_print)
        .bind(&new.recipients_print)
        .fetch_optional(&mut **tx)
        .await
        .map_err(doing("look for runs of that name"))?
        .as_ref()
        .map(read)
        .transpose()
}

/// The run with this key.
pub(super) async fn by_key(store: impl SqliteExecutor<'_>, run: i64) -> Result<Run, StoreError> {
    let row = sqlx::query(concat_sql("WHERE id = ?1")).bind(run).fetch_one(store).await;
    read(&row.map_err(doing("find the run"))?)
}

/// A statement over all columns of `run` with this rest. Every rest is a literal of this file.
fn concat_sql(rest: &'static str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM run {rest}"))
}

fn read(row: &SqliteRow) -> Result<Run, StoreError> {
    let get = doing("read a run");
    let run = || -> Result<(Run, String), sqlx::Error> {
        let time = |name| row.try_get::<Option<i64>, _>(name).map(|time| time.map(Millis));
        let columns: String = row.try_get("columns")?;
        Ok((
            Run {
                key: row.try_get("id")?,
                id: RunId::new(row.try_get::<String, _>("name")?, row.try_get("number")?),
                campaign: row.try_get("campaign")?,
                campaign_print: row.try_get("campaign_print")?,
                recipients_print: row.try_get("recipients_print")?,
                columns: Vec::new(),
                created_at: Millis(row.try_get("created_at")?),
                planned_at: time("planned_at")?,
                started_at: time("started_at")?,
                dispatched_at: time("dispatched_at")?,
                finished_at: time("finished_at")?,
                cancelled_at: time("cancelled_at")?,
                paused_at: time("paused_at")?,
                rate: rate(row.try_get("rate")?, row.try_get("rate_per")?),
                polls: row.try_get::<i64, _>("polls")?.unsigned_abs(),
                template: row.try_get("template")?,
                only_new: row.try_get("only_new")?,
            },
            columns,
        ))
    };
    let (mut run, columns) = run().map_err(get)?;
    run.columns = serde_json::from_str(&columns)
        .map_err(|_| StoreError::Damaged(format!("the columns of run {} cannot be read", run.id)))?;
    Ok(run)
}
