//! The webhooks that the service receives: their settings, and the queue that makes them durable.

use std::sync::Arc;

use super::http::{MetaWebhooks, Token, Webhook};
use crate::cli::config::meta::MetaWebhook;
use crate::cli::config::{meta, webhook};
use crate::cli::error::CliError;
use crate::cli::global::Global;
use crate::engine::{WebhookCounts, WebhookWriter};
use crate::model::OptOut;
use crate::store::{Store, StoreError};

/// What is configured.
pub(super) struct WebhookSettings {
    secret: Option<Token>,
    opt_out: OptOut,
    accounts: Vec<MetaWebhook>,
}

/// What receives webhooks, and what stores them.
#[derive(Default)]
pub(super) struct Webhooks {
    pub(super) incs: Option<Webhook>,
    pub(super) meta: Option<MetaWebhooks>,
    pub(super) counts: Option<Arc<WebhookCounts>>,
    pub(super) writer: Option<WebhookWriter>,
}

/// Reads the settings.
///
/// # Errors
/// When neither the secret nor an account at Meta is configured, or the configuration has a mistake.
pub(super) async fn settings(global: &Global) -> Result<WebhookSettings, CliError> {
    let accounts = meta::webhooks(global).await?;
    let (secret, opt_out) = webhook::settings(global, !accounts.is_empty()).await?;
    Ok(WebhookSettings { secret, opt_out, accounts })
}

impl WebhookSettings {
    /// Prepares the store for webhooks.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(super) async fn open(self, store: &Store) -> Result<Webhooks, StoreError> {
        let (callbacks, writer) = WebhookWriter::new(store, self.opt_out).await?;
        let has_meta = !self.accounts.is_empty();
        Ok(Webhooks {
            meta: has_meta.then(|| MetaWebhooks::new(self.accounts, callbacks.clone())),
            counts: Some(callbacks.counts.clone()),
            incs: self.secret.map(|secret| Webhook { secret, callbacks }),
            writer: Some(writer),
        })
    }
}
