//! A row in flight has two shapes: an [`Attempt`] while it is being sent, and a [`Settlement`] once it is known what
//! came of that.

use super::{RowKey, WorkerId};
use crate::model::{AttemptNumber, Millis, Phone, Problem, RowCause, State};

/// What earlier attempts of a row left behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Requests that left, over the row's whole life.
    pub attempts: u32,
    /// Those that count against the campaign's `dispatch.attempts`.
    pub charged_attempts: u32,
    /// How often the recipient's own limits made it wait.
    pub deferrals: u32,
    /// Whether an earlier attempt may have been accepted all the same.
    pub in_doubt: bool,
}

/// A claim of a row: durable before its request is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Which row.
    pub key: RowKey,
    /// Which claim of the row: one more with each, and never the same again.
    pub number: u32,
    /// Who claimed it.
    pub worker: WorkerId,
    /// When.
    pub started_at: Millis,
    /// What earlier attempts left behind.
    pub history: History,
}

impl Claim {
    /// Which attempt of the row this is, if its request leaves.
    #[must_use]
    pub fn attempt(&self) -> AttemptNumber {
        AttemptNumber(self.history.attempts + 1)
    }
}

/// A claimed row with all that its request is made of. There is no `Debug`, since it is made of personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The claim.
    pub claim: Claim,
    /// Where it goes.
    pub phone: Phone,
    /// The frozen cells, as a JSON array.
    pub cells: String,
}

/// What came of a claim, as the store is to hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The claim. A claim whose request never left (`departed` is false) is released: as if it had not been.
    pub claim: Claim,
    /// Whether a request left.
    pub departed: bool,
    /// When the outcome was known.
    pub ended_at: Millis,
    /// The state that the row is in now.
    pub state: State,
    /// What this attempt came to, taken by itself: of a row that is sent again it may be `Uncertain` or `Rejected`
    /// where the row is pending, or in doubt.
    pub outcome: State,
    /// Charged attempts, this one included if it counts.
    pub charged_attempts: u32,
    /// How often the recipient's own limits made it wait, this time included.
    pub deferrals: u32,
    /// Whether this attempt or an earlier one may have been accepted, though the row does not say so.
    pub in_doubt: bool,
    /// The provider's id, if it accepted.
    pub message_id: Option<String>,
    /// What went wrong, if something did.
    pub problem: Option<Problem>,
    /// The next attempt not before, if there is one.
    pub next_attempt_at: Option<Millis>,
    /// The first status poll not before, if there is one.
    pub next_poll_at: Option<Millis>,
}

/// A waiting row that may not be sent now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deferral {
    /// Which row.
    pub key: RowKey,
    /// The state that it is in from now on.
    pub state: State,
    /// When it is due, where it waits.
    pub next_attempt_at: Option<Millis>,
    /// Why it is not sent, where it is not.
    pub cause: Option<RowCause>,
}

/// One step of a run: what has ended, and how much more is wanted.
#[derive(Debug, Default)]
pub struct Step {
    /// Claims that have ended.
    pub settlements: Vec<Settlement>,
    /// Waiting rows that may not be sent now.
    pub deferrals: Vec<Deferral>,
    /// Rows to claim at most.
    pub want: u32,
    /// The present: rows that are due by then are claimed, first.
    pub now: Millis,
}

/// What a step came to. Durable.
#[derive(Default)]
pub struct Advanced {
    /// The claimed rows, those whose time has come before those that were never claimed.
    pub attempts: Vec<Attempt>,
    /// Settlements that changed nothing, since the row or its past attempt already holds another outcome for that
    /// claim.
    pub ignored: u64,
    /// Whether nothing was claimed since a person paused or cancelled the run.
    pub is_held: bool,
    /// Whether there may be rows that were never claimed.
    pub new_rows_left: bool,
    /// Rows that may still be claimed for the first time, if that is limited.
    pub limit_left: Option<u64>,
}

/// Rows that wait for another attempt, and whose time has not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// How many.
    pub rows: u64,
    /// When the first of them is due.
    pub first: Millis,
    /// When the last of them is due.
    pub last: Millis,
}
