//! Pauses that providers asked for. Every run of the account honours them, also after a restart.

use crate::model::Millis;
use crate::store::sqlite::Store;
use crate::store::sqlite::error::doing;
use crate::store::{AccountPause, StoreError};

impl Store {
    /// Returns the end of the account's last pause, if the provider ever asked for one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn account_pause(&self, account: &str) -> Result<Option<Millis>, StoreError> {
        let until: Option<i64> = sqlx::query_scalar("SELECT paused_until FROM account WHERE key = ?1")
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
            sqlx::query_scalar("SELECT max(paused_until) FROM account WHERE provider = ?1 AND paused_until > ?2")
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
        let at: Option<i64> = sqlx::query_scalar("SELECT at FROM account_webhook WHERE account = ?1")
            .bind(account)
            .fetch_optional(&self.readers)
            .await
            .map_err(doing("read when webhooks arrived"))?;
        Ok(at.map(Millis))
    }

    /// Saves that webhooks of an account arrived.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn note_webhook(&self, account: &str, now: Millis) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO account_webhook (account, at) VALUES (?1, ?2) \
             ON CONFLICT (account) DO UPDATE SET at = max(at, excluded.at)",
        )
        .bind(account)
        .bind(now.0)
        .execute(self.write().await?.connection())
        .await
        .map(drop)
        .map_err(doing("save that webhooks arrived"))
    }

    /// Clears the pause of an account, on a person's request.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn forget_pause(&self, account: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM account WHERE key = ?1")
            .bind(account)
            .execute(self.write().await?.connection())
            .await
            .map(drop)
            .map_err(doing("clear the account's pause"))
    }

    /// Saves a pause that the provider asked for. The latest end counts.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn note_pause(&self, pause: &AccountPause) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO account (key, paused_until, provider) VALUES (?1, ?2, ?3) \
             ON CONFLICT (key) DO UPDATE SET paused_until = max(paused_until, excluded.paused_until)",
        )
        .bind(&pause.account)
        .bind(pause.until.0)
        .bind(&pause.provider)
        .execute(self.write().await?.connection())
        .await
        .map(drop)
        .map_err(doing("save the account's pause"))
    }
}
