//! The words for what went wrong while sending, and for what was decided about a row.

use crate::model::problem::known::Known;
use crate::model::problem::row_cause::RowCause;
use crate::model::problem::row_problem::RowProblem;
use crate::model::problem::sending::{BadAnswer, Damage, SendProblem, TooMany};
use crate::text::grouped;

impl SendProblem {
    /// Describes what happened, in a sentence without a full stop.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Timeout => "no response within the timeout".to_owned(),
            Self::Connect { host, error: Some(error) } => format!("{host}: {error}"),
            Self::Connect { host, error: None } => {
                format!("{host}: the connection was closed before anything was sent")
            }
            Self::Certificate { host, error } => format!("cannot verify the certificate of {host}: {error}"),
            Self::ConnectionLost(error) | Self::BadRequest(error) => error.clone(),
            Self::ProxyCredentials(error) => format!("the proxy rejected the credentials: {error}"),
            Self::NoMessageId => "the provider reported success without a message id".to_owned(),
            Self::BadMessageId => "the provider reported success with a message id that is longer than 2,000 bytes or \
                                   contains control characters"
                .to_owned(),
            Self::Http { status, text } if text.is_empty() => {
                format!("HTTP {status} without a response body from the provider")
            }
            Self::Http { status, text } => format!("HTTP {status}: {text}"),
            Self::BadAnswer(answer) => match answer {
                BadAnswer::Contradictory(status) => {
                    format!("the provider answered HTTP {status} with a contradictory body")
                }
                BadAnswer::BrokeOff(error) => format!("the response was cut off: {error}"),
                BadAnswer::TooLarge => "the response is larger than 1 MiB".to_owned(),
                BadAnswer::Statuses => "the statuses in the response cannot be read".to_owned(),
                BadAnswer::NoStatuses => "the response does not answer the status request".to_owned(),
            },
            Self::Damaged(Damage::Cells(error)) => error.clone(),
            Self::Damaged(Damage::Message(problems)) => RowProblem::joined(problems),
            Self::StoreReplaced => "the store was replaced".to_owned(),
        }
    }
}

impl TooMany {
    /// Why a run stops, given the words of the problem that the rows share.
    #[must_use]
    pub fn words(self, problem: &str) -> String {
        match self {
            Self::Alike(1) => format!("a row failed with this error: {problem}"),
            Self::Alike(rows) => format!("{rows} consecutive rows failed with the same error: {problem}"),
            Self::InDoubt(1) => format!("a row is uncertain: {problem}"),
            Self::InDoubt(rows) => format!("{rows} consecutive rows are uncertain; the last one: {problem}"),
            Self::Refused { refused, over, alike } => {
                format!("{refused} of the last {over} rows were refused, {alike} of them with this error: {problem}")
            }
        }
    }
}

impl RowCause {
    /// Describes the cause.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Duplicate { of } => format!("the same number as row {}", grouped(of.0)),
            Self::Suppressed { reason } => reason.clone().unwrap_or_else(|| "on the suppression list".to_owned()),
            Self::Reached { run, at, waits: false, .. } => format!("already messaged by {run} at {at}"),
            Self::Reached { run, at, waits: true, .. } => {
                format!("already attempted by {run} at {at}; that run will try again")
            }
            Self::Expired { at, passed: true } => format!("not sent before its deadline, {at}"),
            Self::Expired { at, passed: false } => {
                format!("cannot be sent before its deadline, {at}")
            }
            Self::Interrupted => "the process ended while this message was in flight".to_owned(),
            Self::NotDelivered => "the provider reported the message as not delivered, without a reason".to_owned(),
            Self::Held => {
                "accepted, but held: the provider is assessing the template's quality before it delivers this message"
                    .to_owned()
            }
            Self::Settled { sent, by, at, before } => {
                let what = if *sent { "sent" } else { "not sent" };
                let before = before.as_ref().and_then(|before| {
                    Known::in_words(Some(&before.code), before.message.clone(), before.values.as_deref())
                });
                let before = before.map(|before| format!("; until then, the row was uncertain ({before})"));
                format!("{by} recorded at {at} that the message was {what}{}", before.unwrap_or_default())
            }
        }
    }
}
