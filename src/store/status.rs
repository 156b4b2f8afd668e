//! What polls and webhooks bring: statuses of messages, and replies.

use super::RowKey;
use crate::model::{AccountEvent, KnownPerson, Millis, OptOutMatch, Phone, Reply, RowNumber, RunId, StatusUpdate};

/// A message whose status is awaited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaiting {
    /// The row.
    pub key: RowKey,
    /// The provider's id.
    pub message_id: String,
    /// When the message was accepted.
    pub accepted_at: Millis,
    /// Since when a status request is due.
    pub next_poll_at: Millis,
}

/// A message that was asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Polled {
    /// The row.
    pub key: RowKey,
    /// The provider's id of the message.
    pub message_id: String,
    /// Its status, if the answer has one.
    pub update: Option<StatusUpdate>,
    /// When the status was requested.
    pub polled_at: Millis,
    /// The earliest time of the next poll, if there is one; only if a status is still awaited.
    pub next_poll_at: Option<Millis>,
}

/// The content of webhooks, to be saved together.
#[derive(Debug, Default)]
pub struct WebhookBatch {
    /// Statuses.
    pub statuses: Vec<StatusUpdate>,
    /// Replies, each with what it says about opting out.
    pub replies: Vec<(Reply, Option<OptOutMatch>)>,
    /// Who is who.
    pub people: Vec<KnownPerson>,
    /// What the provider reports about accounts and templates.
    pub events: Vec<AccountEvent>,
}

/// The result of saving or matching webhooks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WebhookResult {
    /// Statuses kept for later because no row has their message's id, repeats included.
    pub early: u64,
    /// Statuses dropped in favour of newer ones, because too many were kept.
    pub dropped: u64,
    /// Early statuses whose message was found.
    pub found: u64,
    /// Attempts in doubt that a reference showed to be accepted.
    pub settled: u64,
    /// Second messages that the provider made of one request.
    pub doubled: u64,
    /// New replies.
    pub replies: u64,
    /// Numbers that were suppressed.
    pub suppressed: u64,
}

/// A stored reply.
#[derive(Clone, Debug)]
pub struct KeptReply {
    /// Its position among all replies: later ones have larger values.
    pub place: i64,
    /// The row whose message it answers, and that message's number.
    pub answered: Option<(RowNumber, Phone)>,
    /// The reply.
    pub reply: Reply,
}

/// A reply that may ask for an opt-out, and that nobody has decided about.
#[derive(Clone, Debug)]
pub struct PossibleOptOut {
    /// Its position among all replies: later ones have larger values.
    pub place: i64,
    /// The number that the answered message went to, and the sender's, where they are known and differ. At least one.
    pub phones: Vec<Phone>,
    /// The run and the row whose message it answers.
    pub answered: Option<(RunId, RowNumber)>,
    /// The reply.
    pub reply: Reply,
}
