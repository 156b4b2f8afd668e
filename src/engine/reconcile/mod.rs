//! Statuses: `poller` asks for them, `webhooks` receives those that the provider sends.

mod poller;
mod webhooks;

pub(in crate::engine) use poller::{once, reconcile};
pub use webhooks::{QueuePlace, WebhookCounts, WebhookQueue, WebhookWriter};
