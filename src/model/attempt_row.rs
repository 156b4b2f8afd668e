//! One line of the report of attempts.

use super::{Millis, RowNumber, State};

/// What the report says about one attempt whose request was sent, or may have been.
#[derive(Clone, PartialEq, Eq)]
pub struct AttemptRow {
    /// The record's number in the input.
    pub row: RowNumber,
    /// The normalised number.
    pub to: String,
    /// Which attempt of the row it is, from 1.
    pub attempt: u32,
    /// What came of it, including statuses; [`State::Pending`] if the row was to be retried after it.
    pub outcome: State,
    /// The provider's id of its message, once accepted.
    pub message_id: Option<String>,
    /// When the row was claimed for it.
    pub started_at: Option<Millis>,
    /// When its outcome was known.
    pub ended_at: Option<Millis>,
    /// When the provider's acceptance arrived here.
    pub accepted_at: Option<Millis>,
    /// When the provider says it was delivered.
    pub delivered_at: Option<Millis>,
    /// When the provider says it was read.
    pub read_at: Option<Millis>,
    /// The code of its problem.
    pub error_code: Option<String>,
    /// Its problem in words.
    pub error_message: Option<String>,
}

impl std::fmt::Debug for AttemptRow {
    /// Leaves out the phone number, which is personal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { row, attempt, outcome, .. } = self;
        write!(f, "AttemptRow({row}, {attempt}: {outcome})")
    }
}
