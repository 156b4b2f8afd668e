//! Test messages: single messages that a person sent to a number of their own, outside every run.

use crate::model::{Millis, Phone, RowNumber};

/// A test message that is about to be sent.
#[derive(Clone, Debug)]
pub struct NewTestMessage {
    /// The campaign's name.
    pub name: String,
    /// The row of the list whose message is sent.
    pub row: RowNumber,
    /// Who gets it.
    pub phone: Phone,
}

/// A test message in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestMessage {
    /// The campaign's name.
    pub name: String,
    /// The row of the list whose message was sent.
    pub row: RowNumber,
    /// When it was recorded, just before it was sent.
    pub started_at: Millis,
    /// The name of the outcome. `None` while it is in flight, or if the process ended before the outcome was known:
    /// then it may have been accepted.
    pub outcome: Option<String>,
    /// The provider's id of the message.
    pub message_id: Option<String>,
    /// The last status that the provider reported.
    pub status: Option<String>,
    /// Why it was not accepted or not delivered: the code, and the words.
    pub problem: Option<(String, String)>,
}

impl TestMessage {
    /// Returns what became of it, in one word.
    #[must_use]
    pub fn result(&self) -> &str {
        self.status.as_deref().or(self.outcome.as_deref()).unwrap_or("uncertain")
    }
}
