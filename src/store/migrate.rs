//! Brings a store to the newest format. A migration that was released is never edited, only followed by another.

use std::path::Path;

use sqlx::{Connection, SqliteConnection};

use super::StoreError;
use super::error::doing;

/// Marks the file as a store of this program (`CMPG`), so that nobody else's database is ever written to.
pub(super) const APPLICATION_ID: u32 = 0x434D_5047;

/// Every migration, in order; the store's format is the number of those it has had.
const MIGRATIONS: [&str; 1] = [include_str!("migrations/0001_first.sql")];

/// Brings the store behind `connection` to the newest format, each step whole or not at all.
pub(super) async fn migrate(path: &Path, connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if format(path, connection).await? == known {
        return Ok(());
    }
    // Asked again under the write lock: two processes may start on a new file at once.
    let mut step = connection.begin_with("BEGIN IMMEDIATE").await.map_err(doing("begin a migration"))?;
    let found = format(path, &mut step).await?;
    let Some(missing) = usize::try_from(found).ok().and_then(|done| MIGRATIONS.get(done..)) else {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    };
    for migration in missing {
        sqlx::raw_sql(*migration).execute(&mut *step).await.map_err(doing("migrate"))?;
    }
    if found == 0 {
        sqlx::raw_sql("PRAGMA application_id = 1129140295").execute(&mut *step).await.map_err(doing("mark itself"))?;
    }
    let version = sqlx::AssertSqlSafe(format!("PRAGMA user_version = {known}"));
    sqlx::raw_sql(version).execute(&mut *step).await.map_err(doing("note its format"))?;
    step.commit().await.map_err(doing("commit a migration"))
}

/// The store's format: how many migrations it has had. 0 for a file that is still empty.
async fn format(path: &Path, connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    let (application, format, tables): (i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version), \
         (SELECT count(*) FROM sqlite_schema)",
    )
    .fetch_one(connection)
    .await
    .map_err(doing("tell its format"))?;
    if application != i64::from(APPLICATION_ID) && tables > 0 {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if format > known {
        return Err(StoreError::Newer { path: path.to_owned(), found: format, known });
    }
    Ok(format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_the_number_in_the_statement() {
        assert_eq!(APPLICATION_ID, 1_129_140_295);
    }
}
