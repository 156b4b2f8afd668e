//! What a provider says about a message it accepted.

use super::{Millis, Problem};

/// A message's status at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// On its way to the recipient.
    Sent,
    /// On the recipient's device.
    Delivered,
    /// Opened by the recipient, who let this be known.
    Read,
    /// Not delivered, and will not be.
    Failed,
    /// A word that the provider's documents do not name: kept as it is, never moves a row.
    Other(String),
}

impl DeliveryStatus {
    /// Reads the provider's word.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "sent" => Self::Sent,
            "delivered" => Self::Delivered,
            "read" => Self::Read,
            "failed" => Self::Failed,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The provider's word.
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

/// What the provider says of one message: an entry of a status answer, or a callback. An id that an answer does not mention
/// has no entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusUpdate {
    /// The provider's id of the message.
    pub message_id: String,
    /// Its latest status.
    pub status: DeliveryStatus,
    /// When it was delivered; `None` if not recorded, which beside a `read_at` means that "read" overwrote it.
    pub delivered_at: Option<Millis>,
    /// When it was read.
    pub read_at: Option<Millis>,
    /// Why it was not delivered, where it was not and the provider says so.
    pub problem: Option<Problem>,
}
