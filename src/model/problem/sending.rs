//! What went wrong while a message was being sent, where no provider said so: what the transport met, answers that are
//! none, and rows that the store holds and nobody can make a message of any more.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::row_problem::RowProblem;

/// What the program itself met while sending. `error` is in the words of the system or of a library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SendProblem {
    /// There was no answer in time.
    Timeout,
    /// No connection could be made.
    Connect {
        /// To which host.
        host: String,
        /// Why; none where it was closed before anything was sent.
        error: Option<String>,
    },
    /// The host's certificate is not trusted.
    Certificate {
        /// Which host.
        host: String,
        /// Why.
        error: String,
    },
    /// The connection failed after the request was begun.
    ConnectionLost(String),
    /// The proxy wants other credentials.
    ProxyCredentials(String),
    /// The request cannot be made.
    BadRequest(String),
    /// The provider reported success and gave no id.
    NoMessageId,
    /// The provider reported success and gave an id that cannot be used.
    BadMessageId,
    /// An answer that is not in the provider's form.
    Http {
        /// Its HTTP status.
        status: u16,
        /// How its body begins; empty where it has none.
        text: String,
    },
    /// An answer that cannot be read.
    BadAnswer(BadAnswer),
    /// The row that the store holds cannot be made a message of.
    Damaged(Damage),
    /// A part of the program failed.
    Failed,
    /// A request ended without an outcome.
    Defect,
    /// The store's file was replaced.
    StoreReplaced,
}

/// Why an answer cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BadAnswer {
    /// Its body contradicts its HTTP status, which is this.
    Contradictory(String),
    /// It broke off.
    BrokeOff(String),
    /// It is larger than any answer.
    TooLarge,
    /// The statuses in it cannot be read.
    Statuses,
    /// It is not one to a status request.
    NoStatuses,
}

/// Why a row of the store cannot be made a message of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Damage {
    /// Its cells cannot be read.
    Cells(String),
    /// Its message cannot be made.
    Message(Vec<RowProblem>),
    /// The run has no message any more, since everything was sent.
    AllSent,
}

/// How many rows have a problem, where these are too many to be the fault of single rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooMany {
    /// So many rows in a row got the same error.
    Alike(u32),
    /// So many rows in a row are in doubt; the problem is that of the last.
    InDoubt(u32),
    /// Of the last rows.
    Refused {
        /// How many were refused.
        refused: usize,
        /// How many rows these are of.
        over: u32,
        /// How many of the refused have this problem, the most frequent.
        alike: usize,
    },
}

impl SendProblem {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Timeout => "timeout",
            Self::Connect { .. } => "connect",
            Self::Certificate { .. } => "certificate",
            Self::ConnectionLost(_) => "connection_lost",
            Self::ProxyCredentials(_) => "proxy_credentials",
            Self::BadRequest(_) => "bad_request",
            Self::NoMessageId => "no_message_id",
            Self::BadMessageId => "bad_message_id",
            Self::Http { status, .. } => return Cow::Owned(format!("http_{status}")),
            Self::BadAnswer(_) => "bad_answer",
            Self::Damaged(_) => "damaged",
            Self::Failed => "failed",
            Self::Defect => "defect",
            Self::StoreReplaced => "store_replaced",
        })
    }

    /// The text from outside that is in it.
    pub(in crate::model) fn text_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Connect { error: Some(text), .. }
            | Self::Certificate { error: text, .. }
            | Self::ConnectionLost(text)
            | Self::ProxyCredentials(text)
            | Self::BadRequest(text)
            | Self::Http { text, .. }
            | Self::BadAnswer(BadAnswer::BrokeOff(text)) => Some(text),
            _ => None,
        }
    }
}
