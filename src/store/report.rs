//! What reports and commands ask of the store, and what it answers.

use std::collections::HashMap;

use crate::model::{Millis, Phone, ProviderText, RowNumber, RunId};

/// What is wanted of the rows of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The rows' own cells.
    pub cells: bool,
    /// Only rows of which something is known to have happened since: an attempt, an acceptance, a status, a person's
    /// decision. All if `None`.
    pub since: Option<Millis>,
}

/// Rows of a run that have the same problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProblemCount {
    /// The problem's code.
    pub code: String,
    /// How many rows have it.
    pub rows: u64,
    /// The words of one of them.
    pub sample: ProviderText,
    /// Whether it is a row of the list that is wrong: then the words may quote it.
    pub of_list: bool,
}

/// What is consistent of a run's records, or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenRule {
    /// The rule, as a sentence that should be true.
    pub rule: &'static str,
    /// How many rows break it; 0 for a rule that holds.
    pub broken: u64,
}

/// Which of the people that earlier runs reached are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaveOut {
    /// Those reached after this moment, as the campaign's `skip_sent_within` says.
    Since(Millis),
    /// All of them, as `--only-new` says.
    Everyone,
}

impl LeaveOut {
    pub(in crate::store) fn since(self) -> Millis {
        match self {
            Self::Since(since) => since,
            Self::Everyone => Millis(i64::MIN),
        }
    }

    /// The code of a row that is left out for it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Since(_) => "sent_recently",
            Self::Everyone => "already_reached",
        }
    }
}

/// Why single rows of a list would be left out: by their numbers, with the code and the words.
pub type ReasonsByPhone = HashMap<Phone, (&'static str, String)>;

/// Rows that would be left out of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Rows whose number is on the suppression list.
    pub suppressed: u64,
    /// Rows whose number an earlier run reached.
    pub reached: u64,
    /// The code of these; see [`LeaveOut::code`].
    pub reached_code: &'static str,
    /// The first rows of either kind, each with its code and the reason.
    pub first: Vec<(RowNumber, &'static str, String)>,
}

impl LeftOut {
    /// All rows that would be left out.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.suppressed + self.reached
    }
}

/// People on the list reached by earlier runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// People on the list.
    pub of: u64,
    /// How many of them were reached.
    pub people: u64,
    /// How many of them were not, and are not on the suppression list.
    pub new: u64,
    /// By which runs, the newest first; each of them counts once, for the newest.
    pub runs: Vec<ReachedBy>,
    /// Reached people whose delivery is uncertain.
    pub uncertain: u64,
    /// The first of these.
    pub first_uncertain: Vec<(RunId, RowNumber)>,
}

/// People that one run reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReachedBy {
    /// The run.
    pub run: RunId,
    /// How many.
    pub people: u64,
    /// When the first of them.
    pub first: Millis,
    /// When the last of them.
    pub last: Millis,
}

/// A row that may or may not have been accepted.
/// There is no `Debug`, since it is made of personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct Uncertain {
    /// The row's number.
    pub row: RowNumber,
    /// Where it went, or not.
    pub phone: Phone,
    /// Why nobody knows.
    pub code: String,
    /// Why nobody knows, in words.
    pub message: ProviderText,
    /// When it was sent, or not.
    pub last_attempt_at: Option<Millis>,
}

/// Which uncertain rows a decision is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The row of this number.
    Row(RowNumber),
    /// The row that went to this number.
    To(Phone),
    /// All of them.
    All,
}

/// What a person says became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was sent.
    Sent,
    /// It was not sent.
    NotSent,
}

/// What waits: rows for their next attempt, or messages for the next time that their status is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitKind {
    /// Few, as a rule.
    Attempts,
    /// Up to all messages of a run.
    Polls,
}

/// A pause that a provider asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountPause {
    /// The account, by the fingerprint of its address and credential.
    pub account: String,
    /// What campaigns call its provider.
    pub provider: String,
    /// No request before this.
    pub until: Millis,
}

/// A template as it stood at its provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PulledTemplate {
    /// The provider's id.
    pub id: String,
    /// Its language.
    pub language: String,
    /// Its name.
    pub name: String,
    /// Its state, in the provider's words.
    pub status: String,
    /// All that is known of it, as JSON.
    pub snapshot: String,
}

/// What became of an occurrence that was to start.
#[derive(Clone, Debug)]
pub enum OccurrenceStart {
    /// It is this run now.
    Made(super::Run),
    /// It was decided before, here or by another process.
    Decided,
    /// An earlier run of the campaign is not sent yet.
    Blocked(super::Run),
    /// The campaign runs once, and a person has had it run with the same content: the occurrence is skipped.
    Ran(super::Run),
}

/// An occurrence that was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// When it was due.
    pub due: Millis,
    /// The run that it became, or why it was skipped.
    pub became: Result<RunId, String>,
    /// When that was decided.
    pub decided: Millis,
}
