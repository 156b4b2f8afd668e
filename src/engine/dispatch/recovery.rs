//! Recovers from a crash: a claim without an outcome may have been accepted; no other row can be.

use super::apply_outcome::{OutcomeRules, interrupted};
use crate::crash_point::Point;
use crate::model::{Campaign, Millis, State};
use crate::store::{Owner, Run, Step, Store, StoreError};

/// Takes over a run and settles what its previous process left in flight. Returns how many rows became uncertain. At
/// most `limit` rows are then claimed for the first time. Call it first, with the run's lock held.
///
/// # Errors
/// When the store fails.
pub async fn take_over(
    store: &Store,
    run: &Run,
    campaign: &Campaign,
    limit: Option<u64>,
) -> Result<(Owner, usize), StoreError> {
    let now = Millis::now();
    let owner = store.take_over(run.key, limit, now).await?;
    Ok((owner, settle_ended(store, owner, campaign, now).await?))
}

/// Settles what workers that have ended left in flight. Returns how many rows became uncertain.
///
/// # Errors
/// When the store fails.
pub(in crate::engine) async fn settle_ended(
    store: &Store,
    owner: Owner,
    campaign: &Campaign,
    now: Millis,
) -> Result<usize, StoreError> {
    let claims = store.claims(owner, false).await?;
    if claims.is_empty() {
        return Ok(0);
    }
    let rules = OutcomeRules::of(campaign);
    let settlements =
        claims.into_iter().map(|claim| rules.apply(claim, interrupted(), now)).collect::<Result<Vec<_>, _>>()?;
    let uncertain = settlements.iter().filter(|row| row.state == State::Uncertain).count();
    store.advance(owner, &Step { settlements, of_others: true, now, ..Step::default() }).await?;
    Point::UncertainCommitted.pass();
    Ok(uncertain)
}
