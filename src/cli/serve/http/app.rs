//! The state that every route uses.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;
use tokio::sync::mpsc;

use super::meta_webhook::MetaWebhooks;
use super::token::Token;
use super::webhook::Webhook;
use crate::cli::serve::status_board::StatusBoard;
use crate::engine::{Details, WebhookCounts};
use crate::model::{RunId, Tally};
use crate::store::Store;

/// The state that every route uses.
#[derive(Clone)]
pub(in crate::cli) struct App {
    pub(in crate::cli) store: Store,
    pub(in crate::cli) board: Arc<StatusBoard>,
    pub(in crate::cli) token: Option<Token>,
    /// Whether reading needs no token, because only this machine can connect.
    pub(in crate::cli) open: bool,
    /// Asks the service to resume a run.
    pub(in crate::cli) resume_request: mpsc::Sender<RunId>,
    /// Receives the webhooks of INCS, if enabled.
    pub(in crate::cli) webhook: Option<Webhook>,
    /// Receives the webhooks of accounts at Meta, if enabled.
    pub(in crate::cli) meta: Option<MetaWebhooks>,
    /// The webhooks received so far, if any are enabled.
    pub(in crate::cli) webhook_counts: Option<Arc<WebhookCounts>>,
    /// The last answers about runs.
    pub(in crate::cli) looks: Arc<RunLooks>,
}

/// The last answers about runs, by the run's key in the store.
#[derive(Debug, Default)]
pub(in crate::cli) struct RunLooks(pub(super) tokio::sync::Mutex<HashMap<i64, RunLook>>);

#[derive(Debug)]
pub(super) struct RunLook {
    /// The stage of the run. The answer is discarded when the stage changes.
    pub(super) stage: &'static str,
    pub(super) answer: Value,
    pub(super) answered_at: Instant,
    pub(super) counts: RunCounts,
}

/// What is slow to count.
#[derive(Clone, Debug)]
pub(super) struct RunCounts {
    pub(super) tally: Tally,
    pub(super) details: Details,
    pub(super) good_until: Instant,
}
