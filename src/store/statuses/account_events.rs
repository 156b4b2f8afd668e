//! What providers report about accounts and templates: the last report of each kind.

use crate::model::{AccountChange, AccountEvent, Millis, ProviderText, TemplateName};
use crate::store::Store;
use crate::store::StoreError;
use crate::store::error::doing;
use crate::store::sql::{DbConnection, DbRow, query};

impl Store {
    /// Returns what the provider has reported since then about an account, by the provider's id of it if that is known,
    /// otherwise by its fingerprint.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn account_events(
        &self,
        account: &str,
        business_account: Option<&str>,
        since: Millis,
    ) -> Result<Vec<AccountEvent>, StoreError> {
        let failed = || doing("read account events");
        let rows = query(
            "SELECT business_account, account, template, language, kind, value, reason, at FROM account_event \
             WHERE at >= $3 AND iif($2 IS NULL, account = $1, business_account = $2) ORDER BY at, kind",
        )
        .bind(account)
        .bind(business_account)
        .bind(since.0)
        .fetch_all(&self.readers)
        .await
        .map_err(failed())?;
        let events: Vec<Option<AccountEvent>> = rows.iter().map(event).collect::<Result<_, _>>().map_err(failed())?;
        Ok(events.into_iter().flatten().collect())
    }
}

/// Returns a stored event; `None` if its kind is not known.
fn event(row: &DbRow) -> Result<Option<AccountEvent>, sqlx::Error> {
    let Some(kind) = AccountChange::from_code(&row.try_get::<String, _>(4)?) else { return Ok(None) };
    let (name, language): (String, String) = (row.try_get(2)?, row.try_get(3)?);
    Ok(Some(AccountEvent {
        business_account: row.try_get(0)?,
        account: row.try_get(1)?,
        template: (!name.is_empty()).then_some(TemplateName { name, language }),
        kind,
        value: row.try_get::<String, _>(5)?.into(),
        reason: row.try_get::<Option<String>, _>(6)?.map(Into::into),
        at: Millis(row.try_get(7)?),
    }))
}

/// Saves events. A later one replaces an earlier one of its kind, in whichever order they come. Of two in the same
/// second, the good one counts: if the other one is right, the provider refuses the next message.
pub(super) async fn save(store: &mut DbConnection<'_>, events: &[AccountEvent]) -> Result<(), StoreError> {
    for AccountEvent { business_account, account, template, kind, value, reason, at } in events {
        let (name, language) = template.as_ref().map_or(("", ""), |of| (of.name.as_str(), of.language.as_str()));
        query(
            "INSERT INTO account_event (business_account, account, template, language, kind, value, reason, at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (business_account, template, language, kind) DO UPDATE SET \
             account = coalesce(excluded.account, account_event.account), value = excluded.value, reason = excluded.reason, \
             at = excluded.at WHERE excluded.at > account_event.at \
             OR (excluded.at = account_event.at AND excluded.value IN ('APPROVED', 'REINSTATED', 'UNARCHIVED'))",
        )
        .bind(business_account)
        .bind(account)
        .bind(name)
        .bind(language)
        .bind(kind.code())
        .bind(value.original())
        .bind(reason.as_ref().map(ProviderText::original))
        .bind(at.0)
        .execute(&mut *store)
        .await
        .map_err(doing("save account events"))?;
    }
    Ok(())
}
