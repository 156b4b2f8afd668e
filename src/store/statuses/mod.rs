//! What providers report about accepted messages, through polls or webhooks.

mod account_events;
mod people;
pub(super) mod polls;
pub(super) mod references;
pub(super) mod replies;
pub(super) mod webhooks;
