//! Which processes are alive, and which of them holds which lock.
//!
//! Each process that takes a lock has an entry in `process`, whose number is never reused, and keeps raising its
//! `beat`. Clocks are never compared: a process considers another one dead only after it has seen the same beat for a
//! whole [`LEASE`] by its own clock. It then marks that one as ended. A process that was only suspended finds the
//! mark when it wakes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use sqlx::{Connection as _, PgConnection};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::clock::ServerClock;
use super::connect::connect;
use super::mark::{SeenMark, record_set_back};
use crate::crash_point::Point;
use crate::store::StoreError;
use crate::store::error::doing;
use crate::store::location::ServerUrl;
use crate::store::sql::{BEGIN, in_time};

/// A process that has not raised its beat for this long is dead.
const LEASE: Duration = Duration::from_secs(10);
/// How much earlier than the others this process considers itself dead: clocks do not run equally fast, and a request
/// takes a moment to leave.
const MARGIN: Duration = Duration::from_secs(1);
/// How often a process raises its beat and reads the beats of the others.
const BEAT: Duration = Duration::from_secs(1);
/// How long a process that ends waits for its locks to be freed.
const LONGEST_FAREWELL: Duration = Duration::from_secs(2);
/// A process that has not read the beats of the others for longer than this starts its observation again.
const LONGEST_GAP: Duration = Duration::from_secs(4);
/// How long a beat may take.
const LONGEST_BEAT: Duration = Duration::from_secs(2);
/// How long a beat waits for a connection before it tries another.
const LONGEST_CONNECT: Duration = Duration::from_secs(3);
/// How often to check a lock whose holder may be dead.
const LOOK: Duration = Duration::from_millis(250);

/// This process, as one of those that share the store.
#[derive(Debug)]
pub(super) struct Lease {
    url: ServerUrl,
    /// What this process knows of the store's mark.
    mark: Arc<SeenMark>,
    /// Held while a lock is being taken.
    taking: tokio::sync::Mutex<()>,
    /// Its entry in `process`, once it has taken a lock. Reading it never waits for a lock that is being
    /// taken: taking one waits for other transactions, perhaps the reader's own.
    process: Mutex<Option<Process>>,
}

#[derive(Debug)]
struct Process {
    url: ServerUrl,
    life: Arc<Life>,
    released: Arc<Released>,
    beats: JoinHandle<()>,
}

/// An entry in `process`, and how long the process counts as alive.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) id: i64,
    /// When its last beat was requested, by the clock that also runs while the machine is suspended.
    beat_asked_at: Mutex<Duration>,
    /// Whether another process has marked it as ended.
    is_ended: AtomicBool,
    /// The server's clock.
    pub(super) clock: ServerClock,
}

impl Life {
    /// Whether no other process can have taken its locks or settled its messages yet.
    fn is_valid(&self) -> bool {
        let asked_at = *self.beat_asked_at.lock().unwrap_or_else(PoisonError::into_inner);
        !self.is_ended() && now().saturating_sub(asked_at) < LEASE - MARGIN
    }

    fn is_ended(&self) -> bool {
        self.is_ended.load(Ordering::Acquire)
    }
}

fn now() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default())
}

impl Drop for Process {
    /// Frees this process's locks. Otherwise, the others would have to wait until it counts as dead.
    fn drop(&mut self) {
        self.beats.abort();
        let (url, id) = (self.url.clone(), self.life.id);
        // On a separate thread, because the runtime may be about to end.
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

/// Locks that were dropped: their names and numbers.
#[derive(Debug, Default)]
struct Released {
    locks: Mutex<Vec<(String, i64)>>,
    any: Notify,
    /// The number of locks that the process has asked for so far.
    numbers: AtomicI64,
}

impl Released {
    fn locks(&self) -> MutexGuard<'_, Vec<(String, i64)>> {
        self.locks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lock, which is released soon after it is dropped.
#[derive(Debug)]
pub(in crate::store) struct ServerLock {
    /// Empty if it was not taken.
    name: String,
    /// Which one of the process's locks it is.
    number: i64,
    released: Arc<Released>,
    life: Arc<Life>,
}

impl ServerLock {
    /// Returns the number of the process that took the lock.
    pub(in crate::store) fn process(&self) -> i64 {
        self.life.id
    }

    /// Whether no other process can have taken the lock yet.
    pub(in crate::store) fn is_valid(&self) -> bool {
        self.life.is_valid()
    }

    /// Whether another process considered this one dead. The lock is then free.
    pub(in crate::store) fn is_lost(&self) -> bool {
        self.life.is_ended()
    }
}

impl Drop for ServerLock {
    fn drop(&mut self) {
        if !self.name.is_empty() {
            self.released.locks().push((std::mem::take(&mut self.name), self.number));
            self.released.any.notify_one();
        }
    }
}

impl Lease {
    pub(super) fn new(url: ServerUrl, mark: Arc<SeenMark>) -> Self {
        Self { url, mark, taking: tokio::sync::Mutex::default(), process: Mutex::default() }
    }

    /// Returns this process's entry, if it has taken a lock.
    pub(super) fn life(&self) -> Option<Arc<Life>> {
        self.current().as_ref().map(|process| Arc::clone(&process.life))
    }

    fn current(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a lock. Returns `None` if another process, or this one, has it. If `is_patient`, first waits until it is
    /// known whether that process is alive.
    pub(super) async fn try_lock(&self, name: &str, is_patient: bool) -> Result<Option<ServerLock>, StoreError> {
        self.take(name, false, is_patient).await
    }

    /// Takes a lock that several processes may hold at once.
    pub(super) async fn lock_shared(&self, name: &str) -> Result<ServerLock, StoreError> {
        // A shared lock is never refused.
        let taken = self.take(name, true, false).await?;
        taken.ok_or_else(|| StoreError::Damaged(format!("the lock {name} is held by one process")))
    }

    async fn take(&self, name: &str, is_shared: bool, is_patient: bool) -> Result<Option<ServerLock>, StoreError> {
        let mut first_beat = None;
        loop {
            let (lock, holder) = self.take_once(name, is_shared).await?;
            let Some(holder) = holder else { return Ok(lock) };
            // A process whose beat rises is alive; if it does not rise, this process's own beats end its entry.
            let is_alive = *first_beat.get_or_insert(holder) != holder;
            if self.life().is_some_and(|life| life.id == holder.0) || is_alive || !is_patient {
                return Ok(None);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Takes a lock. If a process already has it, returns that process and its beat instead.
    async fn take_once(
        &self,
        name: &str,
        is_shared: bool,
    ) -> Result<(Option<ServerLock>, Option<(i64, i64)>), StoreError> {
        let failed = || doing("take a lock");
        let _taking = self.taking.lock().await;
        let mut connection = connect(&self.url).await?;
        let ended = self.current().take_if(|process| process.life.is_ended());
        let _ = tokio::task::spawn_blocking(move || drop(ended)).await;
        let shared = |process: &Process| (Arc::clone(&process.released), Arc::clone(&process.life));
        let known = self.current().as_ref().map(shared);
        let (released, life) = match known {
            Some(known) => known,
            None => {
                let new = Process::begin(&self.url, &self.mark, &mut connection).await?;
                shared(self.current().insert(new))
            }
        };
        in_time(release(&mut connection, life.id, &released)).await.map_err(failed())?;
        let number = released.numbers.fetch_add(1, Ordering::Relaxed);
        // Dropping it releases the lock if the answer is lost.
        let mut lock = ServerLock { name: name.to_owned(), number, released, life };
        let holder = in_time(take_line(&mut connection, &lock, is_shared)).await.map_err(failed())?;
        if holder.is_some() {
            lock.name.clear();
        }
        in_time(connection.close()).await.map_err(failed())?;
        Ok((holder.is_none().then_some(lock), holder))
    }

    /// Ends this process's entry, which frees its locks at once.
    pub(super) async fn end(&self) {
        let process = self.current().take();
        let _ = tokio::task::spawn_blocking(move || drop(process)).await;
    }
}

/// The process that has a lock, and its beat.
const HOLDER: &str = "SELECT p.id, p.beat FROM lock l JOIN process p ON p.id = l.process \
    WHERE l.name = $1 AND NOT p.ended ORDER BY p.id LIMIT 1";

/// Records that this process has a lock. If a process already has it, returns that process and its beat instead.
async fn take_line(
    connection: &mut PgConnection,
    lock: &ServerLock,
    is_shared: bool,
) -> Result<Option<(i64, i64)>, sqlx::Error> {
    let mut tx = connection.begin_with(BEGIN).await?;
    if !is_shared {
        let holder = sqlx::query_as(HOLDER).bind(&lock.name).fetch_optional(&mut *tx).await?;
        if holder.is_some() {
            tx.rollback().await?;
            return Ok(holder);
        }
        // Any that remain belong to processes that have ended.
        sqlx::query("DELETE FROM lock WHERE name = $1").bind(&lock.name).execute(&mut *tx).await?;
    }
    sqlx::query("INSERT INTO lock (name, process, number) VALUES ($1, $2, $3)")
        .bind(&lock.name)
        .bind(lock.life.id)
        .bind(lock.number)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(None)
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

/// The other processes that have not ended, with their beats. The first columns are the time by the server's clock, and
/// the store's mark.
const OTHERS: &str = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT), s.mark, p.id, p.beat \
    FROM store s LEFT JOIN process p ON p.id <> $1 AND NOT p.ended";

impl Process {
    /// Adds this process's entry, and starts raising its beat.
    async fn begin(url: &ServerUrl, mark: &Arc<SeenMark>, connection: &mut PgConnection) -> Result<Self, StoreError> {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let asked_at = now();
        let line = sqlx::query_scalar("INSERT INTO process (host, pid) VALUES ($1, $2) RETURNING id")
            .bind(host)
            .bind(i64::from(std::process::id()))
            .fetch_one(&mut *connection);
        let id: i64 = in_time(line).await.map_err(doing("take a lock"))?;
        let (beat_asked_at, clock) = (Mutex::new(asked_at), ServerClock::default());
        let life = Arc::new(Life { id, beat_asked_at, is_ended: AtomicBool::new(false), clock });
        in_time(look_at_others(connection, &life, mark)).await.map_err(doing("take a lock"))?;
        let released = Arc::<Released>::default();
        let beats = tokio::spawn(keep_beating(url.clone(), Arc::clone(&life), Arc::clone(mark), Arc::clone(&released)));
        Ok(Self { url: url.clone(), life, released, beats })
    }
}

/// The beats of the other processes, as this one has seen them.
#[derive(Default)]
struct Others {
    looked_at: Option<Instant>,
    /// The last beat of each process, and when it was first seen.
    seen: HashMap<i64, (i64, Instant)>,
}

impl Others {
    /// Records the current beats. Returns the dead processes with their last beats.
    fn judge(&mut self, beats: &[(i64, i64)], now: Instant) -> Vec<(i64, i64)> {
        // In the meantime, the server may have been unavailable, for the others too.
        if self.looked_at.replace(now).is_none_or(|at| now.duration_since(at) > LONGEST_GAP) {
            self.seen.clear();
        }
        let before = std::mem::take(&mut self.seen);
        let since =
            |(id, beat): &(i64, i64)| before.get(id).filter(|(last, _)| last == beat).map_or(now, |seen| seen.1);
        self.seen = beats.iter().map(|one| (one.0, (one.1, since(one)))).collect();
        let is_dead = |(id, _): &&(i64, i64)| now.duration_since(self.seen[id].1) >= LEASE;
        beats.iter().filter(is_dead).copied().collect()
    }
}

/// Raises this process's beat, ends the entries of dead processes, and frees locks that were dropped. Keeps retrying
/// while the server is unavailable.
async fn keep_beating(url: ServerUrl, life: Arc<Life>, mark: Arc<SeenMark>, released: Arc<Released>) {
    let mut connection = None;
    let mut others = Others::default();
    loop {
        let held = match &mut connection {
            Some(held) => held,
            none => match tokio::time::timeout(LONGEST_CONNECT, connect(&url)).await {
                Ok(Ok(new)) => none.insert(new),
                _ => {
                    tokio::time::sleep(LOOK).await;
                    continue;
                }
            },
        };
        let beat = async {
            let asked_at = now();
            match sqlx::query(RAISE).bind(life.id).execute(&mut *held).await?.rows_affected() {
                0 => life.is_ended.store(true, Ordering::Release),
                _ => *life.beat_asked_at.lock().unwrap_or_else(PoisonError::into_inner) = asked_at,
            }
            for (process, beat) in others.judge(&look_at_others(held, &life, &mark).await?, Instant::now()) {
                end(held, process, beat).await?;
            }
            release(held, life.id, &released).await
        };
        if !matches!(tokio::time::timeout(LONGEST_BEAT, beat).await, Ok(Ok(()))) {
            connection = None;
        }
        tokio::select! {
            () = tokio::time::sleep(BEAT) => {}
            () = released.any.notified() => {}
        }
    }
}

/// Returns the beats of the other processes, and records the time by the server's clock. In a database that was set
/// back, this process ends.
async fn look_at_others(
    connection: &mut PgConnection,
    life: &Life,
    seen: &SeenMark,
) -> Result<Vec<(i64, i64)>, sqlx::Error> {
    let (asked_at, before) = (Instant::now(), seen.get());
    let rows: Vec<(i64, i64, Option<i64>, Option<i64>)> =
        sqlx::query_as(OTHERS).bind(life.id).fetch_all(&mut *connection).await?;
    if let Some((time, mark, ..)) = rows.first() {
        life.clock.note(asked_at, Instant::now(), *time);
        if *mark < before {
            life.is_ended.store(true, Ordering::Release);
            record_set_back(connection).await?;
        }
        seen.note(*mark);
    }
    Ok(rows.iter().filter_map(|(.., process, beat)| process.zip(*beat)).collect())
}

/// Frees locks that were dropped. Forgets a lock once it is known to be free; freeing it twice does no harm.
async fn release(connection: &mut PgConnection, process: i64, released: &Released) -> Result<(), sqlx::Error> {
    loop {
        let Some((name, number)) = released.locks().first().cloned() else { return Ok(()) };
        // BEGIN waits for a lock that is still being taken on another connection.
        let mut tx = connection.begin_with(BEGIN).await?;
        sqlx::query("DELETE FROM lock WHERE name = $1 AND process = $2 AND number = $3")
            .bind(&name)
            .bind(process)
            .bind(number)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        released.locks().retain(|lock| lock.1 != number);
    }
}

/// Marks a process as ended, unless its beat rose since it was read.
async fn end(connection: &mut PgConnection, process: i64, seen: i64) -> Result<(), sqlx::Error> {
    let ended = sqlx::query("UPDATE process SET ended = true WHERE id = $1 AND beat = $2")
        .bind(process)
        .bind(seen)
        .execute(connection)
        .await?;
    if ended.rows_affected() > 0 {
        Point::ProcessEnded.pass();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_dead_once_its_beat_did_not_rise_for_a_whole_lease_of_looking() {
        let mut others = Others::default();
        let start = Instant::now();
        let mut dead_after = |gaps: &[u64]| {
            others = Others::default();
            let mut at = 0;
            for gap in gaps {
                at += gap;
                // The second process is alive.
                let beats = [(7, 3), (8, at.cast_signed())];
                match others.judge(&beats, start + Duration::from_secs(at))[..] {
                    [] => {}
                    [(7, 3)] => return Some(at),
                    ref dead => panic!("{dead:?}"),
                }
            }
            None
        };
        assert_eq!(dead_after(&[1; 15]), Some(11), "it is first seen after a second");
        assert_eq!(dead_after(&[1, 1, 1, 1, 1, 1, 1, 1, 1, 1]), None);
        // The server was unavailable in between, for the other process too.
        assert_eq!(dead_after(&[1, 1, 1, 1, 1, 5, 1, 1, 1, 1, 1, 1]), None);
    }

    #[tokio::test]
    async fn locks_that_could_not_be_released_at_once_are_released_later() {
        let Some(server) = crate::store::tests::server::url() else { return };
        let url: ServerUrl = format!("{server}?schema=lease_{}", std::process::id()).parse().unwrap();
        let mut connection = connect(&url).await.unwrap();
        crate::store::postgres::schema::migrate(&url, &mut connection).await.unwrap();
        let (this, other) = (Lease::new(url.clone(), Arc::default()), Lease::new(url.clone(), Arc::default()));
        let held = [this.try_lock("a-1", false).await, this.try_lock("b-1", false).await];
        assert!(held.iter().all(|lock| lock.as_ref().unwrap().is_some()));
        assert!(this.try_lock("a-1", false).await.unwrap().is_none());
        let shared = [this.lock_shared("c").await.unwrap(), this.lock_shared("c").await.unwrap()];
        let mut busy = connection.begin_with(BEGIN).await.unwrap();
        sqlx::query("SET LOCAL idle_in_transaction_session_timeout = 0").execute(&mut *busy).await.unwrap();
        sqlx::query("SELECT 1 FROM lock FOR UPDATE").execute(&mut *busy).await.unwrap();
        let [first, _second] = shared;
        drop((held, first));
        tokio::time::sleep(LONGEST_BEAT * 2).await;
        busy.commit().await.unwrap();
        tokio::time::sleep(BEAT * 3).await;
        for name in ["a-1", "b-1"] {
            assert!(other.try_lock(name, false).await.unwrap().is_some(), "{name}");
        }
        assert!(other.try_lock("c", false).await.unwrap().is_none(), "the second is still held");
    }
}
