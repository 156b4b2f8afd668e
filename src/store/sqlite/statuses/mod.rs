//! What providers report about accepted messages, through polls or webhooks.

pub(super) mod polls;
pub(super) mod references;
pub(super) mod replies;
pub(super) mod webhooks;
