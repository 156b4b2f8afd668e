//! The locks that keep a second process off a run, and two runs of one campaign off the same quota.
//!
//! Each is a file next to the store, locked by the operating system. The lock is released when the process ends in any
//! way, so a lock can never be stale.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Store;
use crate::model::RunId;
use crate::store::StoreError;

/// The suffix of lock file names, after the run's id.
const ENDING: &str = ".lock";

/// What the name of a quota lock has in place of the run.
const QUOTA: &str = ".quota";

/// What the name of the lock of a service that waits for a run's rows has after the run.
const WAIT: &str = ".wait";

/// A disk with less free space, in bytes, is full: the next commit does not fit.
const FULL_DISK: u64 = 64 << 10;

/// What the name of the lock of services has in place of the run, whose ids end with a number.
const SERVICE: &str = "serve";

/// Longer than a process looks at a lock.
const LOOK: Duration = Duration::from_millis(5);

/// Held by a service; released when dropped.
#[derive(Debug)]
pub struct ServiceLock {
    _file: File,
}

/// Held while a process works on a run, or sends within a quota; released when dropped.
#[derive(Debug)]
pub struct RunLock {
    path: PathBuf,
    file: File,
}

impl Store {
    /// Locks `run`.
    ///
    /// # Errors
    /// [`StoreError::Held`] if another process has it.
    pub fn lock(&self, run: &RunId) -> Result<RunLock, StoreError> {
        self.try_lock(&run.to_string())?.ok_or_else(|| StoreError::Held(run.clone()))
    }

    /// Locks a campaign's quota; returns `None` if another run of this name holds it.
    ///
    /// # Errors
    /// When the lock file cannot be created.
    pub fn lock_quota(&self, name: &str) -> Result<Option<RunLock>, StoreError> {
        self.try_lock(&format!("{name}{QUOTA}"))
    }

    /// Whether a process works on a run.
    ///
    /// # Errors
    /// When the lock cannot be read.
    pub fn is_worked_on(&self, run: &RunId) -> Result<bool, StoreError> {
        // A shared lock keeps another process that looks from being taken for one that works.
        self.is_locked(&run.to_string(), File::try_lock_shared)
    }

    /// Marks this process as a service that works on the runs of the store, until the result is dropped.
    ///
    /// # Errors
    /// When the lock file cannot be created.
    pub fn lock_service(&self) -> Result<ServiceLock, StoreError> {
        let path = self.lock_path(SERVICE);
        let failed = |source| StoreError::Lock { path: path.clone(), source };
        let file = open(&path, true).map_err(failed)?;
        // Several services may share a store.
        file.lock_shared().map_err(failed)?;
        Ok(ServiceLock { _file: file })
    }

    /// Marks a run as one that this process will send again when its rows are due, until the result is dropped; returns
    /// `None` if another process has marked it.
    ///
    /// # Errors
    /// When the lock file cannot be created.
    pub fn lock_wait(&self, run: &RunId) -> Result<Option<RunLock>, StoreError> {
        self.try_lock(&format!("{run}{WAIT}"))
    }

    /// Whether a process that does not work on a run now will send its rows when they are due.
    ///
    /// # Errors
    /// When the lock cannot be read.
    pub fn is_waited_for(&self, run: &RunId) -> Result<bool, StoreError> {
        self.is_locked(&format!("{run}{WAIT}"), File::try_lock_shared)
    }

    /// Whether the disk of the store is full; `false` if that is not known.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        rustix::fs::statvfs(folder.unwrap_or(Path::new(".")))
            .is_ok_and(|space| space.f_bavail.saturating_mul(space.f_frsize) < FULL_DISK)
    }

    /// Whether a service works on the runs of the store.
    ///
    /// # Errors
    /// When the lock cannot be read.
    pub fn is_served(&self) -> Result<bool, StoreError> {
        // Two processes that look at the same time must not take each other for a service.
        Ok(self.is_locked(SERVICE, File::try_lock)? && {
            std::thread::sleep(LOOK);
            self.is_locked(SERVICE, File::try_lock)?
        })
    }

    fn is_locked(&self, of: &str, try_lock: impl Fn(&File) -> Result<(), TryLockError>) -> Result<bool, StoreError> {
        let path = self.lock_path(of);
        let failed = |source| StoreError::Lock { path: path.clone(), source };
        let file = match open(&path, false) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(failed(error)),
        };
        match try_lock(&file) {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    fn lock_path(&self, of: &str) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".{of}{ENDING}"));
        PathBuf::from(name)
    }

    fn try_lock(&self, of: &str) -> Result<Option<RunLock>, StoreError> {
        let path = self.lock_path(of);
        let failed = |source| StoreError::Lock { path: path.clone(), source };
        let mut is_second = false;
        loop {
            let file = open(&path, true).map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                // Another process may only be looking whether it is locked.
                Err(TryLockError::WouldBlock) if !is_second => {
                    is_second = true;
                    std::thread::sleep(LOOK);
                    continue;
                }
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
            // The previous holder removes the file when it releases it; a lock on a removed file keeps no one out.
            if is_at(&file, &path).map_err(failed)? {
                return Ok(Some(RunLock { path, file }));
            }
        }
    }
}

fn open(path: &Path, create: bool) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(create).create(create).truncate(false).mode(0o600).open(path)
}

fn is_at(file: &File, path: &Path) -> std::io::Result<bool> {
    let here = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(there) => Ok(here.dev() == there.dev() && here.ino() == there.ino()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // Removed while still locked, so that no one can lock a file that is about to vanish. If someone removed it by
        // hand, another process may have created and locked a new one since.
        if is_at(&self.file, &self.path).unwrap_or(false) {
            let _ = std::fs::remove_file(&self.path);
        }
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
        let lock = store.lock_quota("job-1").unwrap();
        assert!(lock.is_some() && store.lock_quota("job-1").unwrap().is_none());
        assert!(store.lock_quota("job").unwrap().is_some());
        let run = "job-1".parse().unwrap();
        let _run = store.lock(&run).unwrap();
        assert!(matches!(store.lock(&run), Err(StoreError::Held(_))));
        drop(lock);
        assert!(store.lock_quota("job-1").unwrap().is_some());
    }

    #[tokio::test]
    async fn looking_at_a_lock_does_not_take_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("s.db")).await.unwrap();
        let run: RunId = "job-1".parse().unwrap();
        assert!(!store.is_worked_on(&run).unwrap() && !store.is_served().unwrap());
        let lock = store.lock(&run).unwrap();
        let wait = store.lock_wait(&run).unwrap();
        assert!(wait.is_some() && store.is_waited_for(&run).unwrap() && store.lock_wait(&run).unwrap().is_none());
        drop(wait);
        assert!(!store.is_waited_for(&run).unwrap());
        let services = [store.lock_service().unwrap(), store.lock_service().unwrap()];
        assert!(store.is_worked_on(&run).unwrap() && store.is_served().unwrap());
        drop((lock, services));
        assert!(!store.is_worked_on(&run).unwrap() && !store.is_served().unwrap());
    }
}
