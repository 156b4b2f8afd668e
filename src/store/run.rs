//! A run as stored.

use super::StoreError;
use crate::model::{Millis, Phone, Rate, RowNumber, RowProblem, RunId, State};

/// A run as stored.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its internal id.
    pub key: i64,
    /// Its public id.
    pub id: RunId,
    /// The stored campaign, as JSON.
    pub campaign: String,
    /// The hash of the campaign's content.
    pub campaign_hash: String,
    /// The hash of the recipients.
    pub recipients_hash: String,
    /// The input's columns.
    pub columns: Vec<String>,
    /// When it was created.
    pub created_at: Millis,
    /// When the last row was imported. Nothing may be sent before that.
    pub planned_at: Option<Millis>,
    /// When dispatch started.
    pub started_at: Option<Millis>,
    /// When no row was left to send.
    pub dispatched_at: Option<Millis>,
    /// When no status was awaited any more.
    pub finished_at: Option<Millis>,
    /// When a person cancelled it.
    pub cancelled_at: Option<Millis>,
    /// Who did.
    pub cancelled_by: Option<String>,
    /// When a person paused it, unless it was resumed since.
    pub paused_at: Option<Millis>,
    /// Who did.
    pub paused_by: Option<String>,
    /// When the last process that sent it stopped before its end; `None` while one sends, or if it could not record it.
    pub stopped_at: Option<Millis>,
    /// Why it did, in words.
    pub stopped_why: Option<String>,
    /// The rate that a person set in place of the campaign's.
    pub rate: Option<Rate>,
    /// When the rate was set.
    pub rate_at: Option<Millis>,
    /// Who set it.
    pub rate_by: Option<String>,
    /// Status requests made so far.
    pub polls: u64,
    /// The snapshot of the provider's template that its rows were checked against, if there is one.
    pub template: Option<String>,
    /// Whether it skips everyone whom earlier runs of its name reached.
    pub only_new: bool,
    /// Whether a person asked the service to send it, as if it had been started on a schedule.
    pub is_served: bool,
    /// When a person purged it. Then only its counts are left.
    pub purged_at: Option<Millis>,
    /// Who did.
    pub purged_by: Option<String>,
    /// Whether a person limited how many messages the last owner sends.
    pub is_limited: bool,
}

impl Run {
    /// Requires that the run's rows are still there.
    ///
    /// # Errors
    /// [`StoreError::Purged`].
    pub fn not_purged(&self) -> Result<(), StoreError> {
        match self.purged_at {
            Some(at) => Err(StoreError::Purged { run: self.id.clone(), at }),
            None => Ok(()),
        }
    }
}

/// The values of a new run.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// The campaign's name.
    pub name: String,
    /// The campaign to store, as JSON.
    pub campaign: String,
    /// The hash of the campaign's content.
    pub campaign_hash: String,
    /// The hash of its recipients.
    pub recipients_hash: String,
}

/// The points in a run's life that are recorded once each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Dispatch started.
    Started,
    /// No row is left to send.
    Dispatched,
    /// No status is awaited any more.
    Finished,
}

/// What people have requested for a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// Nothing more is sent.
    pub cancelled: bool,
    /// Nothing is sent until the run is resumed.
    pub paused: bool,
    /// The rate, if it differs from the campaign's.
    pub rate: Option<Rate>,
}

/// A record of the input as validated by the plan. There is no `Debug`, because it holds personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct PlannedRow {
    /// Its number in the input.
    pub row: RowNumber,
    /// Its first line in the file.
    pub line: u64,
    /// The phone number, or the input's text if it is not a valid one.
    pub to: Result<Phone, String>,
    /// The cells, as a JSON array.
    pub cells: String,
    /// Why it cannot become a message; empty for a row to be sent.
    pub problems: Vec<RowProblem>,
}

/// Which rows a person wants to send again: those in one of the states that match everything else that is given.
#[derive(Clone, Debug, Default)]
pub struct RequeueFilter {
    /// The states.
    pub states: Vec<State>,
    /// The codes of their last problem; empty for any.
    pub errors: Vec<String>,
    /// Their numbers in the list; empty for any.
    pub rows: Vec<RowNumber>,
    /// Their phone numbers; empty for any.
    pub phones: Vec<Phone>,
    /// Whether failed rows are included of which an earlier attempt may have been accepted.
    pub with_doubtful: bool,
}

impl RequeueFilter {
    /// Returns a filter for all rows in these states.
    #[must_use]
    pub fn in_states(states: &[State]) -> Self {
        Self { states: states.to_vec(), with_doubtful: true, ..Self::default() }
    }
}

/// The result of requeueing rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requeued {
    /// Rows that will be sent again.
    pub rows: u64,
    /// Rows that stay as they are, because another run of the name reached those people, or is about to.
    pub left_out: u64,
}

/// Why a run cannot be purged yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurgeBlocker {
    /// It has rows to send, or its import did not finish.
    Unsent,
    /// It still awaits statuses.
    AwaitsStatuses,
    /// This many rows are uncertain, and a person has not decided about them.
    Uncertain(u64),
    /// This many replies may be opt-outs, and a person has not decided about them.
    PossibleOptOuts(u64),
}
