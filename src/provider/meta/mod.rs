//! Meta: its WhatsApp Cloud API and its webhooks.
//!
//! `client` sends. `classify` decides what a response means. `webhook` checks the signature of webhook calls and parses
//! them, with `account_events` for what they say of accounts and templates. Statuses cannot be polled: webhooks bring
//! them. `account` asks about the account before a run's first message, and `account_words` reads the answers.
//! `templates` reads the templates.

mod account;
mod account_events;
mod account_words;
mod classify;
pub(super) mod client;
pub(super) mod receiver;
pub(super) mod templates;
pub(super) mod webhook;

/// Webhook parsing, only for the fuzz target `meta_webhook`.
#[cfg(fuzzing)]
pub mod fuzzing {
    use crate::model::Millis;
    use crate::provider::{BadCallback, Callback, MetaReceiver};

    /// Parses the body of a webhook call whose signature was checked.
    ///
    /// # Errors
    /// When it is not JSON.
    pub fn callback(body: &[u8], receiver: &MetaReceiver, now: Millis) -> Result<Callback, BadCallback> {
        super::webhook::parse(body, receiver, now)
    }
}
