//! Accounts over all their runs: pauses that providers asked for, which every run honours also after a restart, the
//! rate that all processes share, and how much was sent.

use tokio::time::Instant;

use crate::model::{Millis, Rate, State};
use crate::store::error::doing;
use crate::store::handle::{Backend, Store};
use crate::store::postgres::pace;
use crate::store::sql::{query, query_scalar};
use crate::store::{AccountPause, RowKey, StoreError};

/// A slot of the account's rate for a request that is not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollSlot {
    /// The request may leave then.
    Taken(Instant),
    /// None is near: ask again then.
    AskAgain(Instant),
}

impl Store {
    /// Returns the end of the account's last pause, if the provider ever asked for one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn account_pause(&self, account: &str) -> Result<Option<Millis>, StoreError> {
        let until: Option<i64> = query_scalar("SELECT paused_until FROM account WHERE key = $1")
            .bind(account)
            .fetch_optional(&self.readers)
            .await
            .map_err(doing("read the account's pause"))?;
        Ok(until.map(Millis))
    }

    /// Returns the end of the current pause of any account of the provider with this name, if there is one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn provider_pause(&self, provider: &str, now: Millis) -> Result<Option<Millis>, StoreError> {
        let until: Option<i64> =
            query_scalar("SELECT max(paused_until) FROM account WHERE provider = $1 AND paused_until > $2")
                .bind(provider)
                .bind(now.0)
                .fetch_one(&self.readers)
                .await
                .map_err(doing("read the provider's pause"))?;
        Ok(until.map(Millis))
    }
}

impl Store {
    /// Returns when webhooks of an account last arrived, if any ever did. Precise to a minute.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn last_webhook(&self, account: &str) -> Result<Option<Millis>, StoreError> {
        let at: Option<i64> = query_scalar("SELECT at FROM account_webhook WHERE account = $1")
            .bind(account)
            .fetch_optional(&self.readers)
            .await
            .map_err(doing("read the time of the last webhook"))?;
        Ok(at.map(Millis))
    }

    /// Saves that webhooks of an account arrived.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn note_webhook(&self, account: &str, now: Millis) -> Result<(), StoreError> {
        query(
            "INSERT INTO account_webhook (account, at) VALUES ($1, $2) \
             ON CONFLICT (account) DO UPDATE SET at = max(account_webhook.at, excluded.at)",
        )
        .bind(account)
        .bind(now.0)
        .execute(self.write().await?.alone())
        .await
        .map(drop)
        .map_err(doing("save the time of the last webhook"))
    }

    /// Clears the pause of an account, on a person's request.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn forget_pause(&self, account: &str) -> Result<(), StoreError> {
        query("DELETE FROM account WHERE key = $1")
            .bind(account)
            .execute(self.write().await?.alone())
            .await
            .map(drop)
            .map_err(doing("clear the account's pause"))
    }

    /// Saves a pause that the provider asked for. The latest end counts.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn note_pause(&self, pause: &AccountPause) -> Result<(), StoreError> {
        query(
            "INSERT INTO account (key, paused_until, provider) VALUES ($1, $2, $3) \
             ON CONFLICT (key) DO UPDATE SET paused_until = max(account.paused_until, excluded.paused_until)",
        )
        .bind(&pause.account)
        .bind(pause.until.0)
        .bind(&pause.provider)
        .execute(self.write().await?.alone())
        .await
        .map(drop)
        .map_err(doing("save the account's pause"))
    }
}

impl Store {
    /// Takes a slot for a request that is not a message. Returns `None` if the store is a file, because the process
    /// then keeps the rate alone.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn take_slot(&self, account: &str, rate: Rate) -> Result<Option<PollSlot>, StoreError> {
        let Backend::Server(server) = &self.backend else { return Ok(None) };
        let first = {
            let mut writer = self.write().await?;
            let mut tx = writer.begin("take a slot").await?;
            let first = pace::take_one(&mut tx, account, rate).await?;
            tx.commit().await.map_err(doing("take a slot"))?;
            first
        };
        match first {
            Some(first) => Ok(server.local_time(first).map(PollSlot::Taken)),
            None => Ok(Some(PollSlot::AskAgain(Instant::now() + pace::NEAR / 2))),
        }
    }

    /// Slows an account down for all processes after the provider has throttled it.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn slow_down(&self, account: &str) -> Result<(), StoreError> {
        if !self.can_be_joined() {
            return Ok(());
        }
        let mut writer = self.write().await?;
        let mut tx = writer.begin("slow the account down").await?;
        pace::slow_down(&mut tx, account).await?;
        tx.commit().await.map_err(doing("slow the account down"))
    }
}

impl Store {
    /// Counts the messages of all runs through the provider with this name whose attempt ended at `since` or later and
    /// was or may have been accepted.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn taken_by_provider(&self, provider: &str, since: Millis) -> Result<u64, StoreError> {
        let taken: i64 = query_scalar(
            "SELECT CAST(coalesce(sum(t.accepted + t.uncertain), 0) AS BIGINT) FROM run r JOIN timeline t ON t.run = r.id \
             WHERE r.campaign ->> 'provider' = $1 AND t.second >= $2 AND coalesce(r.dispatched_at, $3) >= $3",
        )
        .bind(provider)
        .bind(since.0.div_euclid(1000))
        .bind(since.0)
        .fetch_one(&self.readers)
        .await
        .map_err(doing("count the provider's messages"))?;
        Ok(taken.unsigned_abs())
    }

    /// Counts the rows of a run that can be sent and whose numbers start with +1, whatever became of them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn plus_one_rows(&self, run: i64) -> Result<u64, StoreError> {
        let rows: i64 = query_scalar(
            "SELECT count(*) FROM recipient WHERE id BETWEEN $1 AND $2 AND state = $3 \
             AND phone BETWEEN 10000000000 AND 19999999999",
        )
        .bind(RowKey::first(run))
        .bind(RowKey::last(run))
        .bind(State::Pending.code())
        .fetch_one(&self.scanner)
        .await
        .map_err(doing("count the numbers that start with +1"))?;
        Ok(rows.unsigned_abs())
    }
}
