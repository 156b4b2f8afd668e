//! The provider accounts that the service sends through. All runs of an account share its rate limiter.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::cli::config;
use crate::cli::error::CliError;
use crate::cli::global::Global;
use crate::rate_limit::AccountLimiter;

/// Accounts by the provider names of campaigns. Two names of the same account share its limiter.
pub(super) struct Accounts {
    global: Global,
    known: Mutex<BTreeMap<String, Arc<OpenAccount>>>,
}

/// An account with its limiter.
pub(super) struct OpenAccount {
    pub(super) account: config::Account,
    pub(super) limiter: AccountLimiter,
}

impl Accounts {
    pub(super) fn new(global: Global) -> Self {
        Self { global, known: Mutex::default() }
    }

    /// Returns the account of this provider name.
    pub(super) async fn get(&self, provider: &str) -> Result<Arc<OpenAccount>, CliError> {
        if let Some(open) = self.known().get(provider) {
            return Ok(open.clone());
        }
        let account = config::account(provider, &self.global).await?;
        let mut known = self.known();
        // Another task may have added it in the meantime.
        if let Some(open) = known.get(provider) {
            return Ok(open.clone());
        }
        let same = known.values().find(|open| open.account.endpoint.is_same_account(&account.endpoint));
        let limiter = same.map_or_else(AccountLimiter::new, |open| open.limiter.clone());
        let open = Arc::new(OpenAccount { account, limiter });
        known.insert(provider.to_owned(), open.clone());
        Ok(open)
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Arc<OpenAccount>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the current rate limit of each account, in requests per second.
    pub(super) fn rates(&self) -> Vec<(String, f64)> {
        let known = self.known();
        let per_second = |(requests, per): (std::num::NonZeroU32, std::time::Duration)| {
            f64::from(requests.get()) / per.as_secs_f64()
        };
        known.iter().map(|(name, open)| (name.clone(), per_second(open.limiter.rate()))).collect()
    }
}
