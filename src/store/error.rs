//! What can go wrong with the store, in words that say which file and what to do.

use std::path::PathBuf;

use crate::model::{IllegalChange, RunId};

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file could not be made or opened.
    #[error("cannot open the store {}; is the folder there and writable?", path.display())]
    Open {
        /// The store's file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no store, and the command needs one.
    #[error("there is no store {}; `campaigner run` makes one, `--db FILE` names another", path.display())]
    Missing {
        /// The file that was looked for.
        path: PathBuf,
    },
    /// The file belongs to another program.
    #[error("{} is not a store of campaigner; `--db FILE` names another file", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer version.
    #[error("the store {} has format {found}, this version knows {known} at most; use the newer version", path.display())]
    Newer {
        /// The store's file.
        path: PathBuf,
        /// The format it has.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// A statement failed.
    #[error("the store could not {doing}")]
    Query {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: sqlx::Error,
    },
    /// What is in the store contradicts its own rules.
    #[error("the store is damaged: {0}; `campaigner verify` tells more")]
    Damaged(String),
    /// A row was asked to make a change that the contract does not know.
    #[error("the store refused an illegal change")]
    Illegal(#[source] IllegalChange),
    /// There is no such run.
    #[error("there is no run {0} in this store; `campaigner status --all` lists them")]
    NoSuchRun(RunId),
    /// There is no run at all.
    #[error("there is no run in this store yet; `campaigner run FILE` starts one")]
    NoRun,
    /// Another process holds the run.
    #[error("another process holds the run {0}; wait for it, or stop it first")]
    Held(RunId),
    /// The lock file could not be used.
    #[error("cannot lock the run by its file {}", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl StoreError {
    /// Whether the same may work later without anybody doing anything to the store: another process was writing
    /// (`SQLITE_BUSY`), or the disk was full.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        let Self::Query { source: sqlx::Error::Database(error), .. } = self else { return false };
        // The primary code is the lowest byte: https://sqlite.org/rescode.html
        let code = error.code().and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff);
        matches!(code, Some(5 | 13))
    }

    /// The cause in the store's own words, or nothing.
    pub(crate) fn reason(&self) -> String {
        std::error::Error::source(self).map(ToString::to_string).unwrap_or_default()
    }
}

/// Names what was being done when a statement failed.
pub(crate) fn doing(what: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |source| StoreError::Query { doing: what, source }
}
