//! A store in one SQLite file.
//!
//! Only SQLite opens the database file, once per process: [`Store`](super::Store) is passed to everything that needs
//! it. It has one connection for writing, which callers take in turn, and a few for reading, which see committed data
//! only. With `synchronous=FULL`, a commit that returned survives a power cut.
//!
//! `store_file` and `connection` open the file. `files`, `mark`, `lock` and `migrate` check that the file is ours, that
//! it is the one that last sent, and that it has the tables of `schema.sql`.

mod connection;
mod files;
mod lock;
mod mark;
mod migrate;
mod store_file;

use super::StoreError;
use super::error;

pub(in crate::store) use lock::{FileLock, SharedFileLock};
pub(in crate::store) use mark::Mark;
pub(in crate::store) use store_file::StoreFile;

#[cfg(test)]
mod tests;
