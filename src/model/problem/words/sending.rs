//! Words of what the program met while sending, and of what it decided of a row.

use crate::model::problem::known::Known;
use crate::model::problem::row_cause::RowCause;
use crate::model::problem::row_problem::RowProblem;
use crate::model::problem::sending::{BadAnswer, Damage, SendProblem, TooMany};

impl SendProblem {
    /// What happened, in a sentence without a full stop.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Timeout => "no answer within the timeout".to_owned(),
            Self::Connect { host, error: Some(error) } => format!("{host}: {error}"),
            Self::Connect { host, error: None } => {
                format!("{host}: the connection was closed before anything was sent")
            }
            Self::Certificate { host, error } => format!("{host} cannot prove that it is {host}: {error}"),
            Self::ConnectionLost(error) | Self::BadRequest(error) => error.clone(),
            Self::ProxyCredentials(error) => format!("the proxy wants other credentials: {error}"),
            Self::NoMessageId => "the provider reported success without a message id".to_owned(),
            Self::BadMessageId => "the provider reported success with a message id of more than 2,000 bytes, or with \
                                   characters that act on a screen"
                .to_owned(),
            Self::Http { status, text } if text.is_empty() => format!("HTTP {status}: without the provider's body"),
            Self::Http { status, text } => format!("HTTP {status}: {text}"),
            Self::BadAnswer(answer) => match answer {
                BadAnswer::Contradictory(status) => {
                    format!("the provider answered HTTP {status} with a contradictory body")
                }
                BadAnswer::BrokeOff(error) => format!("the answer broke off: {error}"),
                BadAnswer::TooLarge => "the answer is larger than 1 MiB".to_owned(),
                BadAnswer::Statuses => "the statuses in the answer cannot be read".to_owned(),
                BadAnswer::NoStatuses => "the answer is not one to a status request".to_owned(),
            },
            Self::Damaged(Damage::Cells(error)) => error.clone(),
            Self::Damaged(Damage::Message(problems)) => RowProblem::joined(problems),
            Self::Damaged(Damage::AllSent) => "all rows were sent already".to_owned(),
            Self::Failed => "another part of the run failed".to_owned(),
            Self::Defect => "a request ended without an outcome".to_owned(),
            Self::StoreReplaced => "the store was replaced".to_owned(),
        }
    }
}

impl TooMany {
    /// Why a run stops, with the words of the problem that so many rows have.
    #[must_use]
    pub fn words(self, problem: &str) -> String {
        match self {
            Self::Alike(1) => format!("a row got this error: {problem}"),
            Self::Alike(rows) => format!("{rows} rows in a row got the same error: {problem}"),
            Self::InDoubt(rows) => format!("{rows} rows in a row are in doubt, the last one with: {problem}"),
            Self::Refused { refused, over, alike } => {
                format!("{refused} of the last {over} rows were refused, {alike} of them with: {problem}")
            }
        }
    }
}

impl RowCause {
    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Duplicate { of } => format!("the same number as row {of}"),
            Self::Suppressed { reason } => reason.clone().unwrap_or_else(|| "on the suppression list".to_owned()),
            Self::Reached { run, at, waits: false, .. } => format!("reached by {run} at {at}"),
            Self::Reached { run, at, waits: true, .. } => format!("waits for another try by {run} at {at}"),
            Self::Expired { at, passed: true } => format!("it was not sent by {at}, after which it may not be sent"),
            Self::Expired { at, passed: false } => {
                format!("it may not be sent after {at}, and its window does not open before that")
            }
            Self::Interrupted => "the process ended while this message was in flight".to_owned(),
            Self::NotDelivered => "the provider reported that it was not delivered, and gave no reason".to_owned(),
            Self::Settled { sent, by, at, before } => {
                let what = if *sent { "sent" } else { "not sent" };
                let before = before.as_ref().and_then(|before| {
                    Known::in_words(Some(&before.code), before.message.clone(), before.values.as_deref())
                });
                let before = before.map(|before| format!("; it was uncertain because of: {before}"));
                format!("{by} said at {at} that it was {what}{}", before.unwrap_or_default())
            }
        }
    }
}
