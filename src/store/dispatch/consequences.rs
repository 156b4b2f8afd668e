//! What follows from recorded outcomes, with webhooks that arrived before them.

use super::outcomes::take_effect;
use crate::store::sql::DbConnection;
use crate::store::statuses::webhooks;
use crate::store::{Settlement, StoreError};

/// Applies the consequences of settlements that were recorded in their rows, and of those that were not. If a webhook
/// has already named the message of an attempt that ended without one, that settles it before anything is claimed.
/// Returns how many were ignored.
pub(in crate::store) async fn follow(
    store: &mut DbConnection<'_>,
    run: i64,
    (is_dispatched, has_early_statuses): (bool, bool),
    recorded: (Vec<&Settlement>, Vec<&Settlement>),
) -> Result<u64, StoreError> {
    let unnamed = recorded.0.iter().filter(|s| has_early_statuses && s.departed && s.message_id.is_none());
    let unnamed: Vec<(i64, u32)> = unnamed.map(|s| (s.claim.key.0, s.claim.number)).collect();
    let ids: Vec<&str> = recorded.0.iter().filter_map(|s| s.message_id.as_deref()).collect();
    let ignored = take_effect(store, run, is_dispatched, &recorded).await?;
    if has_early_statuses {
        webhooks::match_early(store, &ids).await?;
    }
    if !unnamed.is_empty() {
        webhooks::settle_early(store, &unnamed).await?;
    }
    Ok(ignored)
}
