//! A row in flight: an [`Attempt`] while it is being sent, and a [`Settlement`] once its outcome is known.

use tokio::time::Instant;

use super::{RowKey, WorkerId};
use crate::model::{AttemptNumber, Millis, Phone, Problem, RowCause, State};

/// The history of a row's earlier attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Requests made over the row's whole life.
    pub attempts: u32,
    /// Attempts that count against the campaign's `dispatch.attempts`.
    pub charged_attempts: u32,
    /// How often the recipient's own limits made it wait.
    pub deferrals: u32,
    /// Whether an earlier attempt may have been accepted after all.
    pub in_doubt: bool,
}

/// A claim of a row: durable before its request is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The claimed row.
    pub key: RowKey,
    /// The number of the claim: it grows with every claim of the row, and is never reused.
    pub number: u32,
    /// The claiming worker.
    pub worker: WorkerId,
    /// When the row was claimed.
    pub started_at: Millis,
    /// The history of earlier attempts.
    pub history: History,
}

impl Claim {
    /// Returns which attempt of the row this is, if its request is made.
    #[must_use]
    pub fn attempt(&self) -> AttemptNumber {
        AttemptNumber(self.history.attempts + 1)
    }
}

/// A claimed row with everything that its request needs. There is no `Debug`, because it holds personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The claim.
    pub claim: Claim,
    /// The recipient's number.
    pub phone: Phone,
    /// The stored cells, as a JSON array.
    pub cells: String,
}

/// The result of a claim, as the store is to record it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The claim. If no request was made (`departed` is false), the claim is released as if it had never existed.
    pub claim: Claim,
    /// Whether a request was made.
    pub departed: bool,
    /// When the outcome was known.
    pub ended_at: Millis,
    /// The row's new state.
    pub state: State,
    /// The outcome of this attempt on its own. If the row is retried, this may be `Uncertain` or `Rejected` while the
    /// row is pending or in doubt.
    pub outcome: State,
    /// Charged attempts, including this one if it counts.
    pub charged_attempts: u32,
    /// How often the recipient's own limits made it wait, including this time.
    pub deferrals: u32,
    /// Whether this attempt or an earlier one may have been accepted, even if the row's state does not say so.
    pub in_doubt: bool,
    /// The provider's id, if it accepted the message.
    pub message_id: Option<String>,
    /// What went wrong, if anything.
    pub problem: Option<Problem>,
    /// The earliest time of the next attempt, if there is one.
    pub next_attempt_at: Option<Millis>,
    /// The earliest time of the first status poll, if there is one.
    pub next_poll_at: Option<Millis>,
}

/// A waiting row that may not be sent now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deferral {
    /// The deferred row.
    pub key: RowKey,
    /// Its new state.
    pub state: State,
    /// When it is due, if it waits.
    pub next_attempt_at: Option<Millis>,
    /// Why it is not sent, if it is not.
    pub cause: Option<RowCause>,
}

/// One step of a run: what has ended, and how many rows to claim.
#[derive(Debug, Default)]
pub struct Step {
    /// Claims that have ended.
    pub settlements: Vec<Settlement>,
    /// Whether those are claims of workers that have ended. Then only who still owns the run may record them: to
    /// another one, the new owner's claims look the same.
    pub of_others: bool,
    /// Waiting rows that may not be sent now.
    pub deferrals: Vec<Deferral>,
    /// Maximum number of rows to claim.
    pub want: u32,
    /// The current time. Rows due by then are claimed first.
    pub now: Millis,
}

/// When a message may leave, so that an account's rate is kept over all processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendSlot {
    /// Not before this.
    pub at: Instant,
    /// Not at this time or later.
    pub until: Instant,
}

/// The result of a step, durable.
#[derive(Default)]
pub struct Advanced {
    /// The claimed rows: due rows first, then rows that were never claimed.
    pub attempts: Vec<Attempt>,
    /// Settlements that changed nothing, because the row or its past attempt already has another outcome for that
    /// claim.
    pub ignored: u64,
    /// Whether nothing was claimed because a person paused or cancelled the run.
    pub is_held: bool,
    /// Whether there may be rows that were never claimed.
    pub new_rows_left: bool,
    /// How many rows may still be claimed for the first time, if that is limited.
    pub limit_left: Option<u64>,
    /// When the message of each claimed row may leave. Empty for a store in a file, whose rate the process keeps alone.
    pub slots: Vec<SendSlot>,
    /// When to claim again, if fewer rows were claimed than wanted because the account's rate was used up.
    pub claim_again: Option<Instant>,
}

/// Rows that wait for another attempt and are not due yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Their number.
    pub rows: u64,
    /// When the first of them is due.
    pub first: Millis,
    /// When the last of them is due.
    pub last: Millis,
}
