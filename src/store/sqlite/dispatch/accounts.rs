//! What a provider asked of an account: until when it wants no request. Every run of the account keeps to it, also
//! after a restart.

use crate::model::Millis;
use crate::store::sqlite::Store;
use crate::store::sqlite::error::doing;
use crate::store::{AccountPause, StoreError};

impl Store {
    /// Until when the provider wants no request of this account, if it ever asked for a pause.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn account_pause(&self, account: &str) -> Result<Option<Millis>, StoreError> {
        let until: Option<i64> = sqlx::query_scalar("SELECT paused_until FROM account WHERE key = ?1")
            .bind(account)
            .fetch_optional(&self.readers)
            .await
            .map_err(doing("look for a pause of the account"))?;
        Ok(until.map(Millis))
    }

    /// Until when a provider wants no request of an account of this name, whichever it is, if that is still to come.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn provider_pause(&self, provider: &str, now: Millis) -> Result<Option<Millis>, StoreError> {
        let until: Option<i64> =
            sqlx::query_scalar("SELECT max(paused_until) FROM account WHERE provider = ?1 AND paused_until > ?2")
                .bind(provider)
                .bind(now.0)
                .fetch_one(&self.readers)
                .await
                .map_err(doing("look for a pause of the provider"))?;
        Ok(until.map(Millis))
    }
}

impl Store {
    /// Forgets what pause the provider asked of an account, for a person says so.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn forget_pause(&self, account: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM account WHERE key = ?1")
            .bind(account)
            .execute(self.write().await?.connection())
            .await
            .map(drop)
            .map_err(doing("forget the pause of the account"))
    }

    /// Notes a pause that the provider asked for. The latest end counts.
    ///
    /// # Errors
    /// Where the store cannot be written.
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
        .map_err(doing("note a pause of the account"))
    }
}
