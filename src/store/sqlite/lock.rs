//! The locks that keep a second process off a run, and two runs of one campaign off the same quota.
//!
//! Each is a file next to the store, locked by the operating system. The lock is released when the process ends in any
//! way, so a lock can never be stale.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::StoreFile;
use crate::store::StoreError;

/// The suffix of lock file names, after the run's id.
const ENDING: &str = ".lock";

/// A disk with less free space, in bytes, is full: the next commit does not fit.
const FULL_DISK: u64 = 64 << 10;

/// Longer than a process looks at a lock.
const LOOK: Duration = Duration::from_millis(5);

/// Shared by all who hold it; released when dropped.
#[derive(Debug)]
pub(in crate::store) struct SharedFileLock {
    _file: File,
}

/// Held by one process; released when dropped.
#[derive(Debug)]
pub(in crate::store) struct FileLock {
    path: PathBuf,
    file: File,
}

impl StoreFile {
    /// Takes the lock of this name; returns `None` if another process has it.
    pub(in crate::store) fn try_lock(&self, of: &str) -> Result<Option<FileLock>, StoreError> {
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
                return Ok(Some(FileLock { path, file }));
            }
        }
    }

    /// Takes a lock of this name that several processes may have.
    pub(in crate::store) fn lock_shared(&self, of: &str) -> Result<SharedFileLock, StoreError> {
        let path = self.lock_path(of);
        let failed = |source| StoreError::Lock { path: path.clone(), source };
        let file = open(&path, true).map_err(failed)?;
        file.lock_shared().map_err(failed)?;
        Ok(SharedFileLock { _file: file })
    }

    /// Whether a process has the lock of this name.
    pub(in crate::store) fn is_locked(&self, of: &str) -> Result<bool, StoreError> {
        // A shared lock keeps another process that looks from being taken for one that works.
        self.is_held(of, File::try_lock_shared)
    }

    /// Whether any process has the shared lock of this name.
    pub(in crate::store) fn is_shared(&self, of: &str) -> Result<bool, StoreError> {
        // Two processes that look at the same time must not take each other for one that has it.
        Ok(self.is_held(of, File::try_lock)? && {
            std::thread::sleep(LOOK);
            self.is_held(of, File::try_lock)?
        })
    }

    fn is_held(&self, of: &str, try_lock: impl Fn(&File) -> Result<(), TryLockError>) -> Result<bool, StoreError> {
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

    /// Whether the disk of the store is full; `false` if that is not known.
    pub(in crate::store) fn is_disk_full(&self) -> bool {
        let folder = self.path().parent().filter(|folder| !folder.as_os_str().is_empty());
        rustix::fs::statvfs(folder.unwrap_or(Path::new(".")))
            .is_ok_and(|space| space.f_bavail.saturating_mul(space.f_frsize) < FULL_DISK)
    }

    fn lock_path(&self, of: &str) -> PathBuf {
        let mut name = self.path().as_os_str().to_owned();
        name.push(format!(".{of}{ENDING}"));
        PathBuf::from(name)
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

impl Drop for FileLock {
    fn drop(&mut self) {
        // Removed while still locked, so that no one can lock a file that is about to vanish. If someone removed it by
        // hand, another process may have created and locked a new one since.
        if is_at(&self.file, &self.path).unwrap_or(false) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
