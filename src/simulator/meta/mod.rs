//! The simulated WhatsApp Cloud API of Meta.
//!
//! It does not judge a message's content: tests compare bodies with Meta's documents instead. It checks the credential,
//! the number's `+` and the keys that every message has. `server` answers requests, `account` those about the account,
//! and `events` has its webhooks.

mod account;
mod events;
mod server;

pub(super) use events::{MetaEvent, batch, signature};
pub(super) use server::{MetaServer, is_meta_request};
