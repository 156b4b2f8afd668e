//! What reconciliation and webhooks bring: statuses of messages, and replies.

use super::RowKey;
use crate::model::{Millis, Phone, Reply, RowNumber, StatusUpdate};

/// A message whose status is awaited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaiting {
    /// Which row.
    pub key: RowKey,
    /// The provider's id.
    pub message_id: String,
    /// When it was accepted.
    pub accepted_at: Millis,
    /// Since when it is due to be asked about.
    pub next_poll_at: Millis,
}

/// A message that was asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Polled {
    /// Which row.
    pub key: RowKey,
    /// The provider's id of the message.
    pub message_id: String,
    /// Its status, if the answer has one.
    pub update: Option<StatusUpdate>,
    /// When it was asked about.
    pub polled_at: Millis,
    /// The next poll not before, if there is to be one; only where a status is still awaited.
    pub next_poll_at: Option<Millis>,
}

/// What webhooks brought, to become durable together.
#[derive(Debug, Default)]
pub struct WebhookBatch {
    /// Statuses.
    pub statuses: Vec<StatusUpdate>,
    /// Replies, each with the words by which it asks for nothing more, if it does.
    pub replies: Vec<(Reply, Option<String>)>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WebhookResult {
    /// Statuses that were kept for later, repeats among them, since no row has their message's id.
    pub early: u64,
    /// Statuses that were dropped for newer ones, since too many were kept.
    pub dropped: u64,
    /// Early statuses whose message was found.
    pub found: u64,
    /// Replies that were not there yet.
    pub replies: u64,
    /// Numbers that were put on the suppression list.
    pub suppressed: u64,
}

/// A reply as it is kept.
#[derive(Clone, Debug)]
pub struct KeptReply {
    /// Its place among all: a later one has a larger one.
    pub place: i64,
    /// The row whose message it answers, and the number that the message went to.
    pub answered: Option<(RowNumber, Phone)>,
    /// The reply.
    pub reply: Reply,
}
