//! The workers of a run. Its owner does all of the work. On a server, workers of other processes may join the run and
//! send its rows too. Together, they keep to the account's rate.

use std::time::Duration;

use super::lifecycle::insert_worker;
use super::purge::refuse_purged;
use super::senders::add_sender;
use crate::crash_point::Point;
use crate::model::{Millis, Problem, Rate, RunId};
use crate::store::error::doing;
use crate::store::handle::{Backend, Store};
use crate::store::postgres::pace;
use crate::store::sql::{query, query_as, query_scalar};
use crate::store::{Owner, RunLock, StoreError, WorkerId};

/// A worker that is sending or may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerAtWork {
    /// The worker's number.
    pub worker: i64,
    /// The machine's name.
    pub host: String,
    /// The process id on its machine.
    pub pid: u32,
    /// Since when it has worked on the run.
    pub since: Millis,
    /// How long ago its process was last heard from.
    pub silent_for: Duration,
    /// The run.
    pub run: RunId,
    /// Whether it joined the run; otherwise, it is the run's owner.
    pub is_joined: bool,
    /// Messages that it sent or tried to send.
    pub claimed: u64,
    /// Its requests in flight.
    pub in_flight: u64,
    /// Whether it is one of this process.
    pub is_own: bool,
}

impl WorkerAtWork {
    /// Returns this worker's share of the messages that the run's current workers have sent, in percent.
    #[must_use]
    pub fn share(&self, all: &[Self]) -> Option<f64> {
        let of_run: u64 = all.iter().filter(|other| other.run == self.run).map(|other| other.claimed).sum();
        (of_run > 0).then(|| self.claimed as f64 * 100.0 / of_run as f64)
    }
}

/// What the store does when a process joins a run.
const JOIN: &str = "record that this process joins the run";

impl Store {
    /// Takes the lock of a process that joins a run. Any number of processes may hold it at once.
    ///
    /// # Errors
    /// When the store is a file, or the lock cannot be used.
    pub async fn lock_joined(&self, run: &RunId) -> Result<RunLock, StoreError> {
        match &self.backend {
            Backend::File(_) => Err(StoreError::Held(run.clone())),
            Backend::Server(server) => Ok(RunLock::of_server(server.lock_shared(&format!("{run}.join")).await?)),
        }
    }

    /// Adds a worker that sends rows of a run without owning it. `lock` is from [`Store::lock_joined`]. An earlier
    /// worker of this process no longer counts.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn join(&self, run: i64, lock: &RunLock, now: Millis) -> Result<Owner, StoreError> {
        let failed = || doing(JOIN);
        let mut writer = self.write().await?;
        let mut tx = writer.begin(JOIN).await?;
        refuse_purged(&mut tx, run).await?;
        let worker = insert_worker(&mut tx, now).await?;
        let process = lock.process();
        query("DELETE FROM sender WHERE run = $1 AND process = $2 AND is_joined")
            .bind(run)
            .bind(process)
            .execute(&mut tx)
            .await
            .map_err(failed())?;
        add_sender(&mut tx, run, worker, process, true).await.map_err(failed())?;
        tx.commit().await.map_err(failed())?;
        Point::Joined.pass();
        Ok(Owner { run, worker: WorkerId(worker) })
    }

    /// Removes a worker that has recorded all its outcomes.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn leave(&self, owner: Owner) -> Result<(), StoreError> {
        if !self.can_be_joined() {
            return Ok(());
        }
        let mut writer = self.write().await?;
        query("DELETE FROM sender WHERE worker = $1")
            .bind(owner.worker.0)
            .execute(writer.alone())
            .await
            .map(drop)
            .map_err(doing("record that this process has left the run"))
    }

    /// Saves the account and the rate of a worker. The lowest rate of the account's workers applies to all.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn use_account(&self, owner: Owner, account: &str, rate: Rate) -> Result<(), StoreError> {
        let failed = || doing("save the worker's account");
        let mut writer = self.write().await?;
        let mut tx = writer.begin("save the worker's account").await?;
        // One that joined does not decide on the account.
        query(
            "UPDATE run SET account = $2 WHERE id = $1 AND account IS DISTINCT FROM $2 \
             AND EXISTS (SELECT 1 FROM progress WHERE run = $1 AND owner = $3)",
        )
        .bind(owner.run)
        .bind(account)
        .bind(owner.worker.0)
        .execute(&mut tx)
        .await
        .map_err(failed())?;
        if self.can_be_joined() {
            let (interval, per) = pace::interval(rate);
            query("UPDATE sender SET account = $2, interval = $3, per = $4 WHERE worker = $1")
                .bind(owner.worker.0)
                .bind(account)
                .bind(interval)
                .bind(per)
                .execute(&mut tx)
                .await
                .map_err(failed())?;
        }
        tx.commit().await.map_err(failed())
    }

    /// Returns the account through which the owner of a run last sent.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn sends_through(&self, run: i64) -> Result<Option<String>, StoreError> {
        query_scalar("SELECT account FROM run WHERE id = $1")
            .bind(run)
            .fetch_one(&self.readers)
            .await
            .map_err(doing("find the account of the run"))
    }

    /// Whether the provider has accepted a message of a run.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn has_accepted(&self, run: i64) -> Result<bool, StoreError> {
        query_scalar("SELECT EXISTS (SELECT 1 FROM timeline WHERE run = $1 AND accepted > 0)")
            .bind(run)
            .fetch_one(&self.readers)
            .await
            .map_err(doing("look for accepted messages"))
    }

    /// Whether workers other than `owner` are sending rows of a run.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn others_are_sending(&self, owner: Owner) -> Result<bool, StoreError> {
        if !self.can_be_joined() {
            return Ok(false);
        }
        query_scalar("SELECT EXISTS (SELECT 1 FROM delivery WHERE run = $1 AND state = 1 AND worker <> $2)")
            .bind(owner.run)
            .bind(owner.worker.0)
            .fetch_one(&self.readers)
            .await
            .map_err(doing("look for other workers"))
    }

    /// Whether workers that have ended left rows of a run in flight.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn has_orphans(&self, owner: Owner) -> Result<bool, StoreError> {
        if !self.can_be_joined() {
            return Ok(false);
        }
        query_scalar(ORPHANS)
            .bind(owner.run)
            .bind(owner.worker.0)
            .fetch_one(&self.readers)
            .await
            .map_err(doing("look for workers that have ended"))
    }

    /// Stops a run for all its workers because one of them had a problem.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn halt(&self, run: i64, problem: &Problem) -> Result<(), StoreError> {
        if !self.can_be_joined() {
            return Ok(());
        }
        let mut writer = self.write().await?;
        query("INSERT INTO halt (run, error_code, error_message) VALUES ($1, $2, $3) ON CONFLICT (run) DO NOTHING")
            .bind(run)
            .bind(&problem.code)
            .bind(problem.message().original())
            .execute(writer.alone())
            .await
            .map_err(doing("stop the run"))?;
        Point::Halted.pass();
        Ok(())
    }

    /// Returns the problem for which a worker stopped the run for all, if one did.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn halted(&self, run: i64) -> Result<Option<Problem>, StoreError> {
        if !self.can_be_joined() {
            return Ok(None);
        }
        let row: Option<(String, String)> = query_as("SELECT error_code, error_message FROM halt WHERE run = $1")
            .bind(run)
            .fetch_optional(&self.readers)
            .await
            .map_err(doing("read control changes"))?;
        Ok(row.map(|(code, message)| Problem::new(code, message)))
    }

    /// Returns the current workers, by run.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn workers(&self) -> Result<Vec<WorkerAtWork>, StoreError> {
        if !self.can_be_joined() {
            return Ok(Vec::new());
        }
        type Row = (i64, String, i64, i64, i64, String, u32, bool, i64, i64, i64);
        let rows: Vec<Row> = query_as(
            "SELECT s.worker, p.host, p.pid, w.started_at, \
             CAST(extract(epoch FROM clock_timestamp() - p.beat_at) * 1000 AS BIGINT), r.name, r.number, s.is_joined, s.claimed, \
             (SELECT count(*) FROM delivery d WHERE d.run = s.run AND d.state = 1 AND d.worker = s.worker), p.id \
             FROM sender s JOIN process p ON p.id = s.process JOIN worker w ON w.id = s.worker JOIN run r ON r.id = s.run \
             WHERE NOT p.ended ORDER BY s.run, s.worker",
        )
        .fetch_all(&self.readers)
        .await
        .map_err(doing("list the workers"))?;
        let own = self.process();
        let worker = |(worker, host, pid, since, silent, name, number, is_joined, claimed, in_flight, process): Row| {
            WorkerAtWork {
                is_own: Some(process) == own,
                worker,
                host,
                pid: u32::try_from(pid).unwrap_or_default(),
                since: Millis(since),
                silent_for: Duration::from_millis(silent.max(0).unsigned_abs()),
                run: RunId::new(&name, number),
                is_joined,
                claimed: claimed.unsigned_abs(),
                in_flight: in_flight.unsigned_abs(),
            }
        };
        Ok(rows.into_iter().map(worker).collect())
    }
}

/// Whether any worker other than `$2` that has ended, or did not join the run, left claims without an outcome.
const ORPHANS: &str = "SELECT EXISTS (SELECT 1 FROM delivery d WHERE d.run = $1 AND d.state = 1 AND d.worker <> $2 \
    AND NOT EXISTS (SELECT 1 FROM sender s JOIN process p ON p.id = s.process \
        WHERE s.worker = d.worker AND s.is_joined AND NOT p.ended))";
