//! What `serve` and `work` share.

use std::sync::Arc;

use crate::cli::error::{CliError, Exit};
use crate::model::{Event, Events};
use crate::store::Store;

/// Returns a receiver of events that writes notices to the log.
pub(super) fn logged() -> Events {
    Arc::new(|event| {
        if let Event::Notice(notice) = event {
            tracing::info!("{notice}");
        }
    })
}

/// Closes the store. The file of a store in one is then the whole store, so that it can be copied or moved.
pub(super) async fn checkpoint(store: &Store) {
    if let Err(error) = store.checkpoint().await {
        tracing::warn!(%error, "checkpoint of the write-ahead log failed");
    }
}

pub(super) fn aborted(command: &str) -> CliError {
    let words = format!(
        "aborted; requests in flight become uncertain and are not resent automatically. The next `{command}` continues \
         the unfinished runs"
    );
    CliError::new(Exit::Stopped, words)
}
