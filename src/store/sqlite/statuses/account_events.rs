//! What providers report about accounts and templates: the last report of each kind.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use crate::model::{AccountChange, AccountEvent, Millis, ProviderText, TemplateName};
use crate::store::StoreError;
use crate::store::sqlite::Store;
use crate::store::sqlite::error::doing;

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
        let rows = sqlx::query(
            "SELECT business_account, account, template, language, kind, value, reason, at FROM account_event \
             WHERE at >= ?3 AND iif(?2 IS NULL, account = ?1, business_account = ?2) ORDER BY at, kind",
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
fn event(row: &SqliteRow) -> Result<Option<AccountEvent>, sqlx::Error> {
    let Some(kind) = AccountChange::from_code(row.try_get(4)?) else { return Ok(None) };
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

/// Saves events. A later one replaces an earlier one of its kind, in whichever order they come. Of two in the same second,
/// the good one counts: if the other one is right, the provider refuses the next message.
pub(super) async fn save(store: &mut SqliteConnection, events: &[AccountEvent]) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    let lines: Vec<_> = events
        .iter()
        .map(|AccountEvent { business_account, account, template, kind, value, reason, at }| {
            let (name, language) = template.as_ref().map_or(("", ""), |of| (of.name.as_str(), of.language.as_str()));
            let reason = reason.as_ref().map(ProviderText::original);
            (business_account, account, name, language, kind.code(), value.original(), reason, at.0)
        })
        .collect();
    sqlx::query(
        "INSERT INTO account_event (business_account, account, template, language, kind, value, reason, at) \
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7 \
         FROM json_each(?1) WHERE true ON CONFLICT (business_account, template, language, kind) DO UPDATE SET \
         account = coalesce(excluded.account, account), value = excluded.value, reason = excluded.reason, \
         at = excluded.at WHERE excluded.at > account_event.at \
         OR (excluded.at = account_event.at AND excluded.value IN ('APPROVED', 'REINSTATED', 'UNARCHIVED'))",
    )
    .bind(serde_json::to_string(&lines).unwrap_or_default())
    .execute(store)
    .await
    .map(drop)
    .map_err(doing("save account events"))
}
