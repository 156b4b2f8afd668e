//! Statuses: `poller` asks for them and decides when to ask again, `webhooks` receives those that the provider sends.
//! When to ask first is decided in `dispatch::apply_outcome`.

mod poller;
mod webhooks;

pub(in crate::engine) use poller::{once, reconcile};
pub use webhooks::{QueuePlace, WebhookCounts, WebhookQueue, WebhookWriter};
