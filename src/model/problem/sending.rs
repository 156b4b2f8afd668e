//! Problems while sending that no provider reported: transport errors, unusable responses, and stored rows that can no
//! longer become a message.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::row_problem::RowProblem;

/// A problem that the program itself found while sending. `error` is the text of the system or a library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SendProblem {
    /// There was no response in time.
    Timeout,
    /// No connection could be made.
    Connect {
        /// The host.
        host: String,
        /// Why; `None` if it was closed before anything was sent.
        error: Option<String>,
    },
    /// The host's certificate is not trusted.
    Certificate {
        /// Which host.
        host: String,
        /// Why.
        error: String,
    },
    /// The connection failed after the request had started.
    ConnectionLost(String),
    /// The proxy rejected the credentials.
    ProxyCredentials(String),
    /// The request cannot be made.
    BadRequest(String),
    /// The provider reported success but gave no id.
    NoMessageId,
    /// The provider reported success but gave an unusable id.
    BadMessageId,
    /// A response that is not in the provider's format.
    Http {
        /// Its HTTP status.
        status: u16,
        /// The start of its body; empty if it has none.
        text: String,
    },
    /// A response that cannot be read.
    BadAnswer(BadAnswer),
    /// The stored row cannot become a message.
    Damaged(Damage),
    /// The store's file was replaced.
    StoreReplaced,
}

/// Why a response cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BadAnswer {
    /// Its body contradicts its HTTP status, which is this.
    Contradictory(String),
    /// It was cut off.
    BrokeOff(String),
    /// It is too large.
    TooLarge,
    /// The statuses in it cannot be read.
    Statuses,
    /// It does not answer the status request.
    NoStatuses,
}

/// Why a stored row cannot become a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Damage {
    /// Its cells cannot be read.
    Cells(String),
    /// Its message cannot be rendered.
    Message(Vec<RowProblem>),
}

/// Too many rows with the same problem to be the fault of single rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooMany {
    /// This many consecutive rows failed with the same error.
    Alike(u32),
    /// This many consecutive rows are uncertain; the problem is that of the last one.
    InDoubt(u32),
    /// Too many of the last rows were refused.
    Refused {
        /// How many were refused.
        refused: usize,
        /// How many rows were counted.
        over: u32,
        /// How many of the refused rows have this problem, the most frequent one.
        alike: usize,
    },
}

impl SendProblem {
    /// Returns the stable code.
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
            Self::StoreReplaced => "store_replaced",
        })
    }

    /// Returns the text in it that came from outside.
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
