//! What reports and commands request from the store, and the answers.

use std::collections::HashMap;

use crate::model::{Campaign, Millis, Phone, ProviderText, RowNumber, RunId, When};

/// Which rows and values a report wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The rows' own cells.
    pub cells: bool,
    /// Only rows with an event since then: an attempt, an acceptance, a status or a person's decision. All rows if
    /// `None`.
    pub since: Option<Millis>,
}

/// Rows of a run that have the same problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProblemCount {
    /// The problem's code.
    pub code: String,
    /// Number of rows with this problem.
    pub rows: u64,
    /// The message of one of them.
    pub sample: ProviderText,
    /// Whether it is a problem of an input row; then the message may quote the row.
    pub of_list: bool,
}

/// The result of one consistency check of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenRule {
    /// The rule, worded as a true statement.
    pub rule: &'static str,
    /// How many rows break the rule; 0 if it holds.
    pub broken: u64,
}

/// Which of the people reached by earlier runs are skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaveOut {
    /// Those reached after this time, as the campaign's `skip_sent_within` says.
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

    /// Returns what to do if it is not known any more whom a run reached.
    pub(in crate::store) fn way_out(self) -> &'static str {
        match self {
            Self::Since(_) => {
                "shorten `recipients.skip_sent_within` to less than the time since that run, or give the campaign another name"
            }
            Self::Everyone => "to send to everyone on the list, pass --again in place of --only-new",
        }
    }

    /// Returns the code of a row that is skipped for this reason.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Since(_) => "sent_recently",
            Self::Everyone => "already_reached",
        }
    }
}

/// Why numbers of a list would be skipped: the code and the words for each.
pub type ReasonsByPhone = HashMap<Phone, (&'static str, String)>;

/// Rows of a list that would be skipped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Rows whose number is on the suppression list.
    pub suppressed: u64,
    /// Rows whose number an earlier run reached.
    pub reached: u64,
    /// The code of the rows counted in `reached`; see [`LeaveOut::code`].
    pub reached_code: &'static str,
    /// The first rows of either kind, each with its code and reason.
    pub first: Vec<(RowNumber, &'static str, String)>,
}

impl LeftOut {
    /// Returns the number of all rows that would be skipped.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.suppressed + self.reached
    }
}

/// People on the list who were reached by earlier runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// Number of people on the list.
    pub of: u64,
    /// How many of them were reached.
    pub people: u64,
    /// How many of them were not reached and are not on the suppression list.
    pub new: u64,
    /// The runs that reached them, newest first. Each person counts once, for the newest run.
    pub runs: Vec<ReachedBy>,
    /// Reached people whose delivery is uncertain.
    pub uncertain: u64,
    /// The first rows of these.
    pub first_uncertain: Vec<(RunId, RowNumber)>,
    /// Runs that were purged, newest first, each with the time: whom they reached is not known any more.
    pub purged: Vec<(RunId, Millis)>,
}

/// The people that one run reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReachedBy {
    /// The run.
    pub run: RunId,
    /// Their number.
    pub people: u64,
    /// When the first was reached.
    pub first: Millis,
    /// When the last was reached.
    pub last: Millis,
}

/// A row that may have been accepted. There is no `Debug`, because it holds personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct Uncertain {
    /// The row's number.
    pub row: RowNumber,
    /// The recipient's number.
    pub phone: Phone,
    /// The code that says why the outcome is unknown.
    pub code: String,
    /// Why the outcome is unknown, in words.
    pub message: ProviderText,
    /// When the last attempt started.
    pub last_attempt_at: Option<Millis>,
}

/// Which uncertain rows a decision concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The row with this number.
    Row(RowNumber),
    /// The row for this phone number.
    To(Phone),
    /// All uncertain rows.
    All,
}

/// What a person decides about a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was sent.
    Sent,
    /// It was not sent.
    NotSent,
}

/// What waits: rows for their next attempt, or messages for their next status request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitKind {
    /// Rows; usually few.
    Attempts,
    /// Messages; up to all of a run.
    Polls,
}

/// A pause that a provider asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountPause {
    /// The account, as the fingerprint of its address and credential.
    pub account: String,
    /// The provider's name in campaigns.
    pub provider: String,
    /// No request may be made before this.
    pub until: Millis,
}

/// A template as last seen at its provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PulledTemplate {
    /// The provider's id.
    pub id: String,
    /// Its language.
    pub language: String,
    /// Its name.
    pub name: String,
    /// Its status, in the provider's words.
    pub status: String,
    /// Everything known about it, as JSON.
    pub snapshot: String,
}

/// The result of starting an occurrence.
#[derive(Clone, Debug)]
pub enum OccurrenceStart {
    /// It became this run.
    Made(super::Run),
    /// It was decided before, by this or another process.
    Decided,
    /// An earlier run of the campaign is not fully sent yet.
    Blocked(super::Run),
    /// The campaign runs once, and a person already ran the same content: the occurrence is skipped.
    Ran(super::Run),
    /// The campaign runs once, and this run of it has sent messages: a person decides about those it reached.
    RanBefore(super::Run),
}

/// How often a schedule starts its campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recurrence {
    /// Once. A new time, list or text does not mean that everyone is to be messaged again.
    Once {
        /// Whether the campaign itself leaves out those whom earlier runs reached.
        skips_reached: bool,
    },
    /// Again and again, to the same people too.
    Repeated,
}

impl Recurrence {
    /// Returns how often a scheduled campaign starts.
    #[must_use]
    pub fn of(campaign: &Campaign) -> Self {
        match campaign.schedule.as_ref().map(|schedule| &schedule.when) {
            Some(When::Cron { .. }) => Self::Repeated,
            Some(When::At(_)) | None => Self::Once { skips_reached: campaign.recipients.skip_sent_within.is_some() },
        }
    }
}

/// A decided occurrence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// When it was due.
    pub due: Millis,
    /// The run that it became, or why it was skipped.
    pub became: Result<RunId, String>,
    /// When this was decided.
    pub decided: Millis,
}
