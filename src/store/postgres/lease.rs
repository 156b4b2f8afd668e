//! Who is alive, and who holds which lock.
//!
//! Each process that takes a lock is a line of `process`, whose number is never reused, and raises its `beat`. No clock is
//! compared with another: a process counts as dead for another one only after that one saw the same beat for a whole
//! [`LEASE`] by its own clock. Then it is marked as ended, and whoever was only asleep finds that out.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use sqlx::{Connection as _, PgConnection};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::connect::connect;
use crate::store::StoreError;
use crate::store::error::doing;
use crate::store::location::ServerUrl;
use crate::store::sql::BEGIN;

/// A process that does not raise its beat for so long is dead.
const LEASE: Duration = Duration::from_secs(10);
/// How much earlier than others this process stops believing that it is alive: clocks do not run equally fast, and a
/// request takes a moment to leave.
const MARGIN: Duration = Duration::from_secs(1);
/// How often a beat is raised.
const BEAT: Duration = Duration::from_secs(1);
/// How long a process that ends waits until its locks are free.
const LONGEST_FAREWELL: Duration = Duration::from_secs(2);
/// A process that did not look at another one's beat for longer begins anew.
const LONGEST_GAP: Duration = Duration::from_secs(4);
/// How often another process's beat is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// This process among those of the store.
#[derive(Debug)]
pub(super) struct Lease {
    url: ServerUrl,
    /// Its line, once it has taken a lock.
    process: tokio::sync::Mutex<Option<Process>>,
    validity: Arc<Validity>,
    /// The beats of other processes, as this one has seen them.
    others: Mutex<HashMap<i64, Seen>>,
}

/// A beat of another process.
#[derive(Clone, Copy, Debug)]
struct Seen {
    beat: i64,
    since: Instant,
    looked_at: Instant,
}

#[derive(Debug)]
struct Process {
    url: ServerUrl,
    id: i64,
    released: Arc<Released>,
    beats: JoinHandle<()>,
}

/// How long this process counts as alive.
#[derive(Debug, Default)]
struct Validity {
    /// When its last beat was asked for, by the clock that also runs while the machine is suspended; `None` if no one can
    /// take its locks, because it has none.
    beat_asked_at: Mutex<Option<Duration>>,
    /// Whether another process has marked it as ended.
    is_ended: AtomicBool,
}

impl Validity {
    fn set(&self, asked_at: Option<Duration>) {
        *self.beat_asked_at.lock().unwrap_or_else(PoisonError::into_inner) = asked_at;
    }
}

fn now() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default())
}

impl Drop for Process {
    /// Frees this process's locks. Otherwise others would have to wait until it counts as dead.
    fn drop(&mut self) {
        self.beats.abort();
        let (url, id) = (self.url.clone(), self.id);
        // In a thread of its own, because the runtime may be about to end.
        let freed = std::thread::Builder::new().spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let ended = async { tokio::time::timeout(LONGEST_FAREWELL, end_line(&url, id)).await };
            runtime.block_on(ended).map(drop).map_err(std::io::Error::from)
        });
        if let Ok(thread) = freed {
            let _ = thread.join();
        }
    }
}

/// Names of locks that were dropped.
#[derive(Debug, Default)]
struct Released {
    names: Mutex<Vec<String>>,
    any: Notify,
}

impl Released {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.names.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, names: impl IntoIterator<Item = String>) {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).extend(names);
    }
}

/// A lock; released soon after it is dropped.
#[derive(Debug)]
pub(in crate::store) struct ServerLock {
    name: String,
    released: Arc<Released>,
}

impl Drop for ServerLock {
    fn drop(&mut self) {
        self.released.put([std::mem::take(&mut self.name)]);
        self.released.any.notify_one();
    }
}

impl Lease {
    pub(super) fn new(url: ServerUrl) -> Self {
        Self { url, process: tokio::sync::Mutex::default(), validity: Arc::default(), others: Mutex::default() }
    }

    /// Whether another process has ended this one's line, and may have taken its locks.
    pub(super) fn is_ended(&self) -> bool {
        self.validity.is_ended.load(Ordering::Acquire)
    }

    /// Whether no other process can have taken this one's locks yet.
    pub(super) fn is_valid(&self) -> bool {
        let asked_at = *self.validity.beat_asked_at.lock().unwrap_or_else(PoisonError::into_inner);
        !self.is_ended() && asked_at.is_none_or(|asked_at| now().saturating_sub(asked_at) < LEASE - MARGIN)
    }

    /// Takes a lock; returns `None` if another process, or this one, has it. If it is not known yet whether that process is
    /// alive, a patient caller waits until it is, and any other one calls again.
    pub(super) async fn try_lock(&self, name: &str, is_patient: bool) -> Result<Option<ServerLock>, StoreError> {
        self.take(name, false, is_patient).await
    }

    /// Takes a lock that several processes may have.
    pub(super) async fn lock_shared(&self, name: &str) -> Result<ServerLock, StoreError> {
        // It is refused to no one.
        let taken = self.take(name, true, false).await?;
        taken.ok_or_else(|| StoreError::Damaged(format!("the lock {name} is held by one process")))
    }

    async fn take(&self, name: &str, is_shared: bool, is_patient: bool) -> Result<Option<ServerLock>, StoreError> {
        let failed = || doing("take a lock");
        let mut process = self.process.lock().await;
        let mut connection = connect(&self.url).await?;
        let process = match &mut *process {
            Some(process) => process,
            none => none.insert(Process::begin(&self.url, &mut connection, &self.validity).await?),
        };
        process.released.any.notify_one();
        release(&mut connection, process.id, &process.released).await.map_err(failed())?;
        let taken = loop {
            let mut tx = connection.begin_with(BEGIN).await.map_err(failed())?;
            let holder: Option<(i64, i64)> = match is_shared {
                true => None,
                false => sqlx::query_as(HOLDER).bind(name).fetch_optional(&mut *tx).await.map_err(failed())?,
            };
            match holder {
                None => {
                    let lock = ServerLock { name: name.to_owned(), released: Arc::clone(&process.released) };
                    // Lines of processes that have ended.
                    sqlx::query("DELETE FROM lock WHERE name = $1 AND NOT $2")
                        .bind(name)
                        .bind(is_shared)
                        .execute(&mut *tx)
                        .await
                        .map_err(failed())?;
                    sqlx::query(
                        "INSERT INTO lock (name, process, held) VALUES ($1, $2, 1) \
                         ON CONFLICT (name, process) DO UPDATE SET held = lock.held + 1",
                    )
                    .bind(name)
                    .bind(process.id)
                    .execute(&mut *tx)
                    .await
                    .map_err(failed())?;
                    tx.commit().await.map_err(failed())?;
                    break Some(lock);
                }
                Some((holder, _)) if holder == process.id => break None,
                Some((holder, beat)) => {
                    tx.rollback().await.map_err(failed())?;
                    match self.judge(holder, beat) {
                        Some(true) => break None,
                        Some(false) => end(&mut connection, holder, beat).await.map_err(failed())?,
                        None if is_patient => tokio::time::sleep(LOOK).await,
                        None => break None,
                    }
                }
            }
        };
        connection.close().await.map_err(failed())?;
        Ok(taken)
    }

    /// Returns whether another process with this beat is alive; `None` while that is not known.
    fn judge(&self, process: i64, beat: i64) -> Option<bool> {
        let now = Instant::now();
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let new = Seen { beat, since: now, looked_at: now };
        let seen = others.entry(process).or_insert(new);
        if seen.beat != beat {
            *seen = new;
            return Some(true);
        }
        // While this process did not look, the server may have been away, for the other one too.
        if now.duration_since(seen.looked_at) > LONGEST_GAP {
            *seen = new;
            return None;
        }
        seen.looked_at = now;
        (now.duration_since(seen.since) >= LEASE).then_some(false)
    }

    /// Whether a process has the lock of this name, as far as the server's clock shows.
    pub(super) async fn is_locked(&self, name: &str) -> Result<bool, StoreError> {
        let mut connection = connect(&self.url).await?;
        let held = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM lock l JOIN process p ON p.id = l.process WHERE l.name = $1 AND NOT p.ended \
             AND p.beat_at > clock_timestamp() - interval '10 seconds')",
        )
        .bind(name)
        .fetch_one(&mut connection)
        .await
        .map_err(doing("look at a lock"))?;
        connection.close().await.map_err(doing("look at a lock"))?;
        Ok(held)
    }

    /// Ends this process's line: its locks are free at once.
    pub(super) async fn end(&self) {
        let process = self.process.lock().await.take();
        self.validity.set(None);
        let _ = tokio::task::spawn_blocking(move || drop(process)).await;
    }
}

async fn end_line(url: &ServerUrl, process: i64) -> Result<(), StoreError> {
    let mut connection = connect(url).await?;
    sqlx::query("UPDATE process SET ended = true WHERE id = $1")
        .bind(process)
        .execute(&mut connection)
        .await
        .map_err(doing("release its locks"))?;
    connection.close().await.map_err(doing("release its locks"))
}

const RAISE: &str = "UPDATE process SET beat = beat + 1, beat_at = clock_timestamp() WHERE id = $1 AND NOT ended";

/// The process that has a lock, with its beat.
const HOLDER: &str = "SELECT p.id, p.beat FROM lock l JOIN process p ON p.id = l.process \
    WHERE l.name = $1 AND NOT p.ended ORDER BY p.id LIMIT 1";

impl Process {
    /// Adds this process's line, and keeps raising its beat.
    async fn begin(
        url: &ServerUrl,
        connection: &mut PgConnection,
        validity: &Arc<Validity>,
    ) -> Result<Self, StoreError> {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let asked_at = now();
        let id: i64 = sqlx::query_scalar("INSERT INTO process (host, pid) VALUES ($1, $2) RETURNING id")
            .bind(host)
            .bind(i64::from(std::process::id()))
            .fetch_one(connection)
            .await
            .map_err(doing("take a lock"))?;
        validity.is_ended.store(false, Ordering::Release);
        validity.set(Some(asked_at));
        let released = Arc::<Released>::default();
        let beats = tokio::spawn(keep_beating(url.clone(), id, Arc::clone(&released), Arc::clone(validity)));
        Ok(Self { url: url.clone(), id, released, beats })
    }
}

/// Raises a beat, and frees locks that were dropped. While the server is away, it is asked again and again.
async fn keep_beating(url: ServerUrl, process: i64, released: Arc<Released>, validity: Arc<Validity>) {
    let mut connection = None;
    loop {
        let held = match &mut connection {
            Some(held) => held,
            none => match connect(&url).await {
                Ok(new) => none.insert(new),
                Err(_) => {
                    tokio::time::sleep(LOOK).await;
                    continue;
                }
            },
        };
        let beat = async {
            let asked_at = now();
            let raised = sqlx::query(RAISE).bind(process).execute(&mut *held).await?;
            match raised.rows_affected() {
                0 => validity.is_ended.store(true, Ordering::Release),
                _ => validity.set(Some(asked_at)),
            }
            release(held, process, &released).await
        };
        if !matches!(tokio::time::timeout(BEAT, beat).await, Ok(Ok(()))) {
            connection = None;
        }
        tokio::select! {
            () = tokio::time::sleep(BEAT) => {}
            () = released.any.notified() => {}
        }
    }
}

/// Frees locks that were dropped.
async fn release(connection: &mut PgConnection, process: i64, released: &Released) -> Result<(), sqlx::Error> {
    for name in released.take() {
        let freed = async {
            // Whoever has a shared lock twice keeps it.
            sqlx::query("UPDATE lock SET held = held - 1 WHERE name = $1 AND process = $2")
                .bind(&name)
                .bind(process)
                .execute(&mut *connection)
                .await?;
            sqlx::query("DELETE FROM lock WHERE name = $1 AND process = $2 AND held = 0")
                .bind(&name)
                .bind(process)
                .execute(&mut *connection)
                .await
        };
        if let Err(error) = freed.await {
            released.put([name]);
            return Err(error);
        }
    }
    Ok(())
}

/// Marks a process as ended, unless its beat rose at the last moment.
async fn end(connection: &mut PgConnection, process: i64, seen: i64) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE process SET ended = true WHERE id = $1 AND beat = $2")
        .bind(process)
        .bind(seen)
        .execute(connection)
        .await
        .map(drop)
}
