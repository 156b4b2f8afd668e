//! What a provider reports about a message that it accepted.

use super::reference::Reference;
use crate::model::{Millis, Problem, RowCause};

/// The status of a message, as the provider reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// Sent to the recipient; not known to have arrived.
    Sent,
    /// On the recipient's device.
    Delivered,
    /// Opened by a recipient who shares read receipts.
    Read,
    /// Reported as not delivered.
    Failed,
    /// A word that the provider's documents do not name. It is kept as it is and never moves a row.
    Other(String),
}

/// The most characters of an unknown status that are kept. The longest known word has nine.
const LONGEST_WORD: usize = 100;

impl DeliveryStatus {
    /// Returns the status for the provider's word.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "sent" => Self::Sent,
            "delivered" => Self::Delivered,
            "read" => Self::Read,
            "failed" => Self::Failed,
            other => Self::Other(other.chars().take(LONGEST_WORD).collect()),
        }
    }

    /// Returns the provider's word.
    #[must_use]
    pub fn as_word(&self) -> &str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
            Self::Other(word) => word,
        }
    }
}

/// What the provider reports about one message, in a status answer or through a webhook. An answer that does not
/// mention an id has no update for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusUpdate {
    /// The provider's id of the message.
    pub message_id: String,
    /// Its status.
    pub status: DeliveryStatus,
    /// When it was delivered, if the provider reports it. A message that was read may have only a `read_at`.
    pub delivered_at: Option<Millis>,
    /// When it was read, if the provider reports it.
    pub read_at: Option<Millis>,
    /// Why it failed, if the provider gives a reason. Counts only if the status is `Failed`.
    pub problem: Option<Problem>,
    /// The reference of the attempt, if the request carried one and the provider returns it.
    pub reference: Option<Reference>,
}

impl StatusUpdate {
    /// Returns the failure that this update reports, if its status is `Failed`.
    #[must_use]
    pub fn failure(&self) -> Option<Problem> {
        if self.status != DeliveryStatus::Failed {
            return None;
        }
        Some(self.problem.clone().unwrap_or_else(|| RowCause::NotDelivered.into()))
    }
}
