//! What a person confirms about the store before messages are sent.

use super::error::CliError;
use crate::store::Store;

#[derive(Clone, Debug, Default, clap::Args)]
pub(in crate::cli) struct Confirmed {
    /// Confirm that this store was moved or restored and that no other copy will be used
    #[arg(long)]
    pub(in crate::cli) moved: bool,
    /// Accept a database server that may lose its last commits; after a failover to an asynchronous standby, some
    /// people may get the message twice
    #[arg(long)]
    pub(in crate::cli) allow_async_standby: bool,
}

impl Confirmed {
    /// Checks that the store has recorded every message sent from it, and does not lose what it records.
    pub(in crate::cli) async fn check(&self, store: &Store) -> Result<(), CliError> {
        store.may_send(self.moved).await?;
        if let Some(unknown) = store.is_durable(self.allow_async_standby).await? {
            tracing::warn!("{unknown}");
        }
        Ok(())
    }
}
