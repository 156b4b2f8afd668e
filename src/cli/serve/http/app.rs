//! What every route uses.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;
use tokio::sync::mpsc;

use super::token::Token;
use super::webhook::Webhook;
use crate::cli::serve::status_board::StatusBoard;
use crate::engine::Details;
use crate::model::{RunId, Tally};
use crate::store::Store;

/// What every route uses.
#[derive(Clone)]
pub(in crate::cli) struct App {
    pub(in crate::cli) store: Store,
    pub(in crate::cli) board: Arc<StatusBoard>,
    pub(in crate::cli) token: Option<Token>,
    /// Whether whoever gets here may read.
    pub(in crate::cli) open: bool,
    /// Hands a run to the service.
    pub(in crate::cli) resume_request: mpsc::Sender<RunId>,
    /// Takes the provider's callbacks, where that is wanted.
    pub(in crate::cli) webhook: Option<Webhook>,
    /// What those who watch were told last.
    pub(in crate::cli) looks: Arc<RunLooks>,
}

/// What was seen of the runs that people watch.
#[derive(Debug, Default)]
pub(in crate::cli) struct RunLooks(pub(super) tokio::sync::Mutex<HashMap<i64, RunLook>>);

#[derive(Debug)]
pub(super) struct RunLook {
    /// Where the run stood; when it goes on to its next stage, this look is over.
    pub(super) stage: &'static str,
    pub(super) told: Value,
    pub(super) told_at: Instant,
    pub(super) counts: RunCounts,
}

/// What takes its time.
#[derive(Clone, Debug)]
pub(super) struct RunCounts {
    pub(super) tally: Tally,
    pub(super) details: Details,
    pub(super) good_until: Instant,
}
