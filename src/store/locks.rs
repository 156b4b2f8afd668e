//! The locks that keep a second process off a run, and two runs of one campaign off the same quota.
//!
//! In a file, each is a file next to the store, locked by the operating system, which releases it when the process ends
//! in any way. On a server, each is a line of a worker that shows that it is alive (see `postgres::lease`).

use super::error::doing;
use super::handle::{Backend, Store};
use super::postgres::ServerLock;
use super::sql::query_scalar;
use super::sqlite::{FileLock, SharedFileLock};
use crate::model::RunId;
use crate::store::StoreError;

/// What the name of a quota lock has in place of the run.
const QUOTA: &str = ".quota";

/// What the name of the lock of a service that waits for a run's rows has after the run.
const WAIT: &str = ".wait";

/// What the name of the lock of services has in place of the run, whose ids end with a number.
const SERVICE: &str = "serve";

/// Held by a service; released when dropped.
#[derive(Debug)]
pub struct ServiceLock {
    held: HeldBySeveral,
}

#[derive(Debug)]
enum HeldBySeveral {
    File { _lock: SharedFileLock },
    Server { lock: ServerLock },
}

impl ServiceLock {
    /// Whether the lock must be taken again, because other processes considered this one dead.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        match &self.held {
            HeldBySeveral::File { .. } => false,
            HeldBySeveral::Server { lock } => lock.is_lost(),
        }
    }
}

/// Held while a process works on a run, or sends within a quota; released when dropped.
#[derive(Debug)]
pub struct RunLock {
    held: HeldByOne,
}

#[derive(Debug)]
enum HeldByOne {
    File { _lock: FileLock },
    Server { lock: ServerLock },
}

impl RunLock {
    pub(in crate::store) fn of_server(lock: ServerLock) -> Self {
        Self { held: HeldByOne::Server { lock } }
    }

    /// Returns the number of the process that took it, on a server.
    pub(in crate::store) fn process(&self) -> Option<i64> {
        match &self.held {
            HeldByOne::File { .. } => None,
            HeldByOne::Server { lock } => Some(lock.process()),
        }
    }

    /// Whether no other process can have taken the lock yet. On a server, others take it once this process has not been
    /// heard of for a while. Look at this as the last thing before the first byte of a request.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        match &self.held {
            HeldByOne::File { .. } => true,
            HeldByOne::Server { lock } => lock.is_valid(),
        }
    }

    /// Whether other processes considered this one dead. The lock is then free.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        match &self.held {
            HeldByOne::File { .. } => false,
            HeldByOne::Server { lock } => lock.is_lost(),
        }
    }
}

impl Store {
    /// Locks `run`. On a server, this may take some seconds, until it is known whether the process that has the lock is
    /// alive.
    ///
    /// # Errors
    /// [`StoreError::Held`] if another process has it.
    pub async fn lock(&self, run: &RunId) -> Result<RunLock, StoreError> {
        self.try_lock(&run.to_string(), true).await?.ok_or_else(|| StoreError::Held(run.clone()))
    }

    /// Does the same without waiting, for a caller that comes back every second: as long as it is not known whether the
    /// process that has the lock is alive, the lock counts as held.
    ///
    /// # Errors
    /// The same as [`Store::lock`].
    pub async fn lock_at_once(&self, run: &RunId) -> Result<RunLock, StoreError> {
        self.try_lock(&run.to_string(), false).await?.ok_or_else(|| StoreError::Held(run.clone()))
    }

    /// Locks a campaign's quota; returns `None` if another run of this name holds it.
    ///
    /// # Errors
    /// When the lock cannot be used.
    pub async fn lock_quota(&self, name: &str) -> Result<Option<RunLock>, StoreError> {
        self.try_lock(&format!("{name}{QUOTA}"), true).await
    }

    /// Marks a run as one that this process will send again when its rows are due, until the result is dropped; returns
    /// `None` if another process has marked it.
    ///
    /// # Errors
    /// When the lock cannot be used.
    pub async fn lock_wait(&self, run: &RunId) -> Result<Option<RunLock>, StoreError> {
        self.try_lock(&format!("{run}{WAIT}"), false).await
    }

    async fn try_lock(&self, of: &str, is_patient: bool) -> Result<Option<RunLock>, StoreError> {
        let held = match &self.backend {
            Backend::File(file) => file.try_lock(of)?.map(|lock| HeldByOne::File { _lock: lock }),
            Backend::Server(server) => server.try_lock(of, is_patient).await?.map(|lock| HeldByOne::Server { lock }),
        };
        Ok(held.map(|held| RunLock { held }))
    }

    /// Marks this process as a service that works on the runs of the store, until the result is dropped.
    ///
    /// # Errors
    /// When the lock cannot be used.
    pub async fn lock_service(&self) -> Result<ServiceLock, StoreError> {
        let held = match &self.backend {
            Backend::File(file) => HeldBySeveral::File { _lock: file.lock_shared(SERVICE)? },
            Backend::Server(server) => HeldBySeveral::Server { lock: server.lock_shared(SERVICE).await? },
        };
        Ok(ServiceLock { held })
    }

    /// Whether a process works on a run.
    ///
    /// # Errors
    /// When the lock cannot be read.
    pub async fn is_worked_on(&self, run: &RunId) -> Result<bool, StoreError> {
        self.is_locked(&run.to_string()).await
    }

    /// Whether a process that does not work on a run now will send its rows when they are due.
    ///
    /// # Errors
    /// When the lock cannot be read.
    pub async fn is_waited_for(&self, run: &RunId) -> Result<bool, StoreError> {
        self.is_locked(&format!("{run}{WAIT}")).await
    }

    async fn is_locked(&self, of: &str) -> Result<bool, StoreError> {
        match &self.backend {
            Backend::File(file) => file.is_locked(of),
            // As far as the server's clock shows.
            Backend::Server(_) => query_scalar(
                "SELECT EXISTS (SELECT 1 FROM lock l JOIN process p ON p.id = l.process WHERE l.name = $1 AND NOT p.ended \
                 AND p.beat_at > clock_timestamp() - interval '10 seconds')",
            )
            .bind(of)
            .fetch_one(&self.readers)
            .await
            .map_err(doing("check a lock")),
        }
    }

    /// Whether a service works on the runs of the store.
    ///
    /// # Errors
    /// When the lock cannot be read.
    pub async fn is_served(&self) -> Result<bool, StoreError> {
        match &self.backend {
            Backend::File(file) => file.is_shared(SERVICE),
            Backend::Server(_) => self.is_locked(SERVICE).await,
        }
    }

    /// Whether the disk of the store's file is full; `false` if that is not known.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        matches!(&self.backend, Backend::File(file) if file.is_disk_full())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_quota_is_one_runs_at_a_time_and_no_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.db");
        let store = Store::open(&path).await.unwrap();
        let lock = store.lock_quota("job-1").await.unwrap();
        assert!(lock.is_some() && store.lock_quota("job-1").await.unwrap().is_none());
        assert!(store.lock_quota("job").await.unwrap().is_some());
        let run = "job-1".parse().unwrap();
        let _run = store.lock(&run).await.unwrap();
        assert!(matches!(store.lock(&run).await, Err(StoreError::Held(_))));
        drop(lock);
        assert!(store.lock_quota("job-1").await.unwrap().is_some());
    }

    #[tokio::test]
    async fn looking_at_a_lock_does_not_take_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("s.db")).await.unwrap();
        let run: RunId = "job-1".parse().unwrap();
        assert!(!store.is_worked_on(&run).await.unwrap() && !store.is_served().await.unwrap());
        let lock = store.lock(&run).await.unwrap();
        let wait = store.lock_wait(&run).await.unwrap();
        assert!(
            wait.is_some()
                && store.is_waited_for(&run).await.unwrap()
                && store.lock_wait(&run).await.unwrap().is_none()
        );
        drop(wait);
        assert!(!store.is_waited_for(&run).await.unwrap());
        let services = [store.lock_service().await.unwrap(), store.lock_service().await.unwrap()];
        assert!(store.is_worked_on(&run).await.unwrap() && store.is_served().await.unwrap());
        drop((lock, services));
        assert!(!store.is_worked_on(&run).await.unwrap() && !store.is_served().await.unwrap());
    }
}
