//! Replies of recipients, and how often each came.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Millis, Phone, UserId};
use crate::text::grouped;

/// A message from a person to the business.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// The provider's id. Two replies with the same id are the same reply.
    pub id: String,
    /// Who sent it, if the provider gives the number.
    pub from: Option<Phone>,
    /// The provider's id of the sender, if it gives one.
    pub user: Option<UserId>,
    /// The provider's id of the sender that several businesses share, if it gives one.
    pub parent: Option<UserId>,
    /// The provider's id of our message that it answers, if given.
    pub answers: Option<String>,
    /// When it was sent.
    pub at: Millis,
    /// `button_reply`, `list_reply`, `button` (of a template), `text`, or another word of the provider.
    pub kind: String,
    /// The id of the button or list row, or the payload of a template's button.
    pub choice: Option<String>,
    /// The label of the button or row.
    pub title: Option<String>,
    /// What the person wrote.
    pub text: Option<String>,
}

impl Reply {
    /// The kind of a reply that is a choice about marketing messages, which people make in WhatsApp's own settings.
    pub const SETTING: &str = "user_preferences";
    /// The choice that opts out.
    pub const STOP_MARKETING: &str = "stop_marketing";

    /// Whether the person chose in WhatsApp's settings to get no more marketing messages.
    #[must_use]
    pub fn stops_marketing(&self) -> bool {
        self.kind == Self::SETTING && self.choice.as_deref() == Some(Self::STOP_MARKETING)
    }
}

impl fmt::Debug for Reply {
    /// Leaves out who sent it and what they wrote, so logs and panics contain nothing personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("kind", &self.kind).field("choice", &self.choice).finish_non_exhaustive()
    }
}

/// The replies to the messages of a run, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replies {
    /// All replies.
    pub total: u64,
    /// Rows with at least one reply.
    pub rows: u64,
    /// Rows that opted out.
    pub opted_out: u64,
    /// Counts by id and title, the most frequent first.
    pub choices: Vec<Choice>,
    /// Counts by title, the most frequent first.
    pub by_title: Vec<TitleCount>,
}

/// A kind of reply, and how often it came. All free text counts as one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// As [`Reply::kind`].
    pub kind: String,
    /// As [`Reply::choice`].
    pub id: Option<String>,
    /// As [`Reply::title`].
    pub title: Option<String>,
    /// Replies.
    pub replies: u64,
    /// Rows with such a reply.
    pub rows: u64,
}

/// Replies with the same title, whatever their ids, and how often they came. A button whose payload differs from
/// message to message is one line here, and one for each payload in [`Replies::choices`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TitleCount {
    /// As [`Reply::kind`].
    pub kind: String,
    /// As [`Reply::title`]. Replies without a title are counted by id or, without one, by kind.
    pub title: Option<String>,
    /// The id or payload, if all of these replies have the same.
    pub id: Option<String>,
    /// The number of different ids or payloads.
    pub ids: u64,
    /// Replies.
    pub replies: u64,
    /// Rows with such a reply.
    pub rows: u64,
}

impl TitleCount {
    /// Returns the name to display: the title, the id, or the kind of message.
    #[must_use]
    pub fn name(&self) -> &str {
        self.title.as_deref().or(self.id.as_deref()).unwrap_or(&self.kind)
    }

    /// Returns the id next to the name, or how many there are; `None` if the name already says it.
    #[must_use]
    pub fn id_shown(&self) -> Option<String> {
        match &self.id {
            Some(id) => Some(id.clone()).filter(|id| id != self.name()),
            None => (self.ids > 1).then(|| format!("{} different ids", grouped(self.ids))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_wrote_does_not_print() {
        let reply = Reply {
            id: "m".into(),
            from: Phone::from_digits("85268411234"),
            user: None,
            parent: None,
            answers: None,
            at: Millis(1),
            kind: "text".into(),
            choice: None,
            title: None,
            text: Some("meet me at noon".into()),
        };
        let printed = format!("{reply:?}");
        assert!(!printed.contains("noon") && !printed.contains("8526"), "{printed}");
    }
}
