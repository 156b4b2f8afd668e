//! What providers report about messages that they accepted, polled or by webhook.

pub(super) mod polls;
pub(super) mod replies;
pub(super) mod webhooks;
