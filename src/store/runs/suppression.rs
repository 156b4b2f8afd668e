//! The suppression list. A number is on it in each of its spellings, so it does not matter which one a list or a reply
//! has.

use std::collections::HashSet;

use crate::crash_point::Point;
use crate::model::{Millis, Phone};
use crate::store::error::doing;
use crate::store::sql::{On, json, query, query_as, query_scalar};
use crate::store::{Store, StoreError};

/// A number, why it is on the list, and since when, in milliseconds since 1970.
pub(in crate::store) type Listed = (i64, Option<String>, i64);

impl Store {
    /// Puts numbers on the suppression list; a number already on it keeps its reason. Returns how many are new.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn suppress(&self, phones: &[Phone], reason: Option<&str>, now: Millis) -> Result<u64, StoreError> {
        let with_reason = |phone: &Phone| (*phone, reason.map(str::to_owned), now);
        self.suppress_each(&phones.iter().map(with_reason).collect::<Vec<_>>()).await
    }

    /// Does the same as [`Store::suppress`] with a reason and a time for each number. The first line of a number
    /// counts. A number that was listed without a reason gets this one.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn suppress_each(&self, phones: &[(Phone, Option<String>, Millis)]) -> Result<u64, StoreError> {
        let listed = |(phone, reason, at): &(Phone, Option<String>, Millis)| {
            (phone.as_u64().cast_signed(), reason.clone(), at.0)
        };
        let listed: Vec<Listed> = phones.iter().map(listed).collect();
        let mut writer = self.write().await?;
        let mut tx = writer.begin("suppress numbers").await?;
        if listed.iter().any(|(_, reason, _)| reason.is_some()) {
            add_reasons(&mut tx, &listed).await?;
        }
        let new = put(&mut tx, &listed).await?;
        tx.commit().await.map_err(doing("suppress numbers"))?;
        Point::Suppressed.pass();
        Ok(new)
    }

    /// Removes numbers from the suppression list. Returns how many were on it.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn unsuppress(&self, phones: &[Phone]) -> Result<u64, StoreError> {
        let phones: Vec<i64> = phones.iter().map(|phone| phone.as_u64().cast_signed()).collect();
        let all: Vec<i64> = phones.iter().flat_map(|phone| spellings(*phone)).collect();
        let gone: Vec<i64> = query_scalar(
            "DELETE FROM suppression WHERE phone IN (SELECT CAST(atom AS BIGINT) FROM json_each($1)) RETURNING phone",
        )
        .bind(json(&all))
        .fetch_all(self.write().await?.alone())
        .await
        .map_err(doing("remove numbers from the suppression list"))?;
        let gone: HashSet<i64> = gone.into_iter().collect();
        let is_gone = |phone: &&i64| spellings(**phone).any(|spelling| gone.contains(&spelling));
        Ok(phones.iter().filter(is_gone).count() as u64)
    }

    /// Returns a page of the suppression list, by number, after `after`: number, reason, when it was added.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn suppressions(
        &self,
        after: Option<Phone>,
        limit: u32,
    ) -> Result<Vec<(Phone, Option<String>, Millis)>, StoreError> {
        let rows: Vec<Listed> =
            query_as("SELECT phone, reason, added_at FROM suppression WHERE phone > $1 ORDER BY phone LIMIT $2")
                .bind(after.map_or(0, |phone| phone.as_u64().cast_signed()))
                .bind(limit)
                .fetch_all(&self.readers)
                .await
                .map_err(doing("read the suppression list"))?;
        Ok(rows
            .into_iter()
            .map(|(phone, reason, at)| (Phone::from_u64(phone.unsigned_abs()), reason, Millis(at)))
            .collect())
    }
}

/// Gives numbers that were listed without a reason one.
async fn add_reasons(store: impl Into<On<'_>>, listed: &[Listed]) -> Result<(), StoreError> {
    query(
        "UPDATE suppression SET reason = value ->> 1 FROM jsonb_each($1) \
         WHERE phone = CAST(value ->> 0 AS BIGINT) AND suppression.reason IS NULL AND value ->> 1 IS NOT NULL",
    )
    .bind(json(in_each_spelling(listed)))
    .execute(store)
    .await
    .map(drop)
    .map_err(doing("suppress numbers"))
}

/// Puts numbers on the list; a number already on it keeps its reason. Returns how many are new.
pub(in crate::store) async fn put(store: impl Into<On<'_>>, listed: &[Listed]) -> Result<u64, StoreError> {
    if listed.is_empty() {
        return Ok(0);
    }
    let new: Vec<i64> = query_scalar(
        "INSERT INTO suppression (phone, reason, added_at) \
         SELECT CAST(value ->> 0 AS BIGINT), value ->> 1, CAST(value ->> 2 AS BIGINT) FROM jsonb_each($1) WHERE true \
         ON CONFLICT DO NOTHING RETURNING phone",
    )
    .bind(json(in_each_spelling(listed)))
    .fetch_all(store)
    .await
    .map_err(doing("suppress numbers"))?;
    // Other spellings do not count.
    let phones: HashSet<i64> = listed.iter().map(|(phone, ..)| *phone).collect();
    Ok(new.iter().filter(|phone| phones.contains(phone)).count() as u64)
}

/// Returns the numbers, each in all of its spellings.
fn in_each_spelling(listed: &[Listed]) -> Vec<Listed> {
    let of_each =
        |(phone, reason, at): &Listed| spellings(*phone).map(|phone| (phone, reason.clone(), *at)).collect::<Vec<_>>();
    listed.iter().flat_map(of_each).collect()
}

/// Returns a number in each of its spellings.
fn spellings(phone: i64) -> impl Iterator<Item = i64> {
    Phone::from_u64(phone.unsigned_abs()).spellings().map(|phone| phone.as_u64().cast_signed())
}
