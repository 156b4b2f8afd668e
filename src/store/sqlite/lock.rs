//! The locks that keep a second process off the same run, and two runs of one campaign off the same quota.
//!
//! A file beside the store, locked by the operating system: it is let go when the process ends, however it ends, so
//! there is no such thing as a stale lock.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::Store;
use crate::model::RunId;
use crate::store::StoreError;

/// How the names of lock files end, behind the run's.
const ENDING: &str = ".lock";

/// What the lock of a campaign's quota is called, where that of a run has the run.
const QUOTA: &str = ".quota";

/// Held while a process works on a run, or sends within a quota; let go when dropped.
#[derive(Debug)]
pub struct RunLock {
    path: PathBuf,
    file: File,
}

impl Store {
    /// Takes the lock of `run`.
    ///
    /// # Errors
    /// [`StoreError::Held`] if another process has it.
    pub fn lock(&self, run: &RunId) -> Result<RunLock, StoreError> {
        self.try_lock(&run.to_string())?.ok_or_else(|| StoreError::Held(run.clone()))
    }

    /// Takes the lock of a campaign's quota; nothing if another run of this name has it.
    ///
    /// # Errors
    /// Where the lock's file cannot be made.
    pub fn lock_quota(&self, name: &str) -> Result<Option<RunLock>, StoreError> {
        self.try_lock(&format!("{name}{QUOTA}"))
    }

    fn try_lock(&self, of: &str) -> Result<Option<RunLock>, StoreError> {
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".{of}{ENDING}"));
        let path = PathBuf::from(name);
        let failed = |source| StoreError::Lock { path: path.clone(), source };
        loop {
            let file =
                OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
            // The holder before us removes the file as it lets go; a lock on a removed file locks nobody out.
            if is_at(&file, &path).map_err(failed)? {
                return Ok(Some(RunLock { path, file }));
            }
        }
    }
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
        // Removed while still locked, so that nobody can take the lock of a file about to vanish unseen. If somebody
        // removed it by hand, another process may have made and locked one of its own since.
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
}
