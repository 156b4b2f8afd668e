//! Meta: its WhatsApp Cloud API and its webhooks.
//!
//! `client` sends. `classify` decides what a response means. `webhook` checks the signature of webhook calls and parses
//! them. Statuses cannot be polled: webhooks bring them.

mod classify;
pub(super) mod client;
pub(super) mod webhook;
