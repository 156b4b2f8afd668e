//! Turns a new file into a store. A released schema is never edited, only followed by another step.

use std::path::Path;

use sqlx::{Connection, SqliteConnection};

use super::StoreError;
use super::error::doing;
use crate::crash_point::Point;

/// Marks the file as a store of this program (`CMPG`), so that another program's database is never written to.
pub(super) const APPLICATION_ID: u32 = 0x434D_5047;

/// The format of [`SCHEMA`]. Stores with a lower number than [`OLDEST`], up to those of version 0.2.0, are refused.
const FORMAT: i64 = 25;
const OLDEST: i64 = 23;
const SCHEMA: &str = include_str!("schema.sql");
/// What is new in 24, and in 25.
const STEPS: [&str; 2] =
    ["ALTER TABLE run ADD COLUMN account TEXT;", "ALTER TABLE run ADD COLUMN is_served INTEGER NOT NULL DEFAULT 0;"];

/// Creates all tables of the store or none, if it has none yet.
pub(super) async fn migrate(path: &Path, connection: &mut SqliteConnection) -> Result<(), StoreError> {
    if format(path, connection).await? == FORMAT {
        return Ok(());
    }
    // Checked again under the write lock: two processes may start on a new file at once.
    let mut step = connection.begin_with("BEGIN IMMEDIATE").await.map_err(doing("start creating its tables"))?;
    let missing = match format(path, &mut step).await? {
        FORMAT => return Ok(()),
        0 => SCHEMA.to_owned(),
        found => STEPS.into_iter().skip(usize::try_from(found - OLDEST).unwrap_or_default()).collect(),
    };
    sqlx::raw_sql(sqlx::AssertSqlSafe(missing)).execute(&mut *step).await.map_err(doing("create its tables"))?;
    let ours = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(ours)).execute(&mut *step).await.map_err(doing("save its format"))?;
    Point::MigrationWritten.pass();
    step.commit().await.map_err(doing("commit its tables"))?;
    Point::MigrationCommitted.pass();
    Ok(())
}

/// Returns the store's format; 0 if the file is still empty.
async fn format(path: &Path, connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    let (application, format, tables): (i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version), \
         (SELECT count(*) FROM sqlite_schema)",
    )
    .fetch_one(connection)
    .await
    .map_err(doing("read its format"))?;
    let path = path.to_owned();
    match format {
        _ if application != i64::from(APPLICATION_ID) && tables > 0 => Err(StoreError::Foreign { path }),
        0 | OLDEST..=FORMAT => Ok(format),
        1..OLDEST => Err(StoreError::Outdated { path }),
        found => Err(StoreError::Newer { store: (&path).into(), found, known: FORMAT }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[tokio::test]
    async fn a_store_gets_the_steps_that_it_lacks() {
        let undo_last = "ALTER TABLE run DROP COLUMN is_served;";
        let undo_both = "ALTER TABLE run DROP COLUMN account; ALTER TABLE run DROP COLUMN is_served;";
        for (found, undo) in [(FORMAT - 1, undo_last), (OLDEST, undo_both)] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("store.db");
            Store::open(&path).await.unwrap();
            let mut before = super::super::connection::connect(&path).await.unwrap();
            let undo = sqlx::AssertSqlSafe(format!("{undo} PRAGMA user_version = {found}"));
            sqlx::raw_sql(undo).execute(&mut before).await.unwrap();
            before.close().await.unwrap();
            let store = Store::open(&path).await.unwrap();
            assert!(store.runs(1).await.unwrap().is_empty());
            let mut now = super::super::connection::connect(&path).await.unwrap();
            assert_eq!(format(&path, &mut now).await.unwrap(), FORMAT);
            sqlx::query("SELECT account, is_served FROM run").fetch_all(&mut now).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_store_of_another_format_is_refused_and_left_as_it_is() {
        let others =
            [(OLDEST - 1, "finish its runs with the version that made it"), (FORMAT + 1, "use the newer version")];
        for (found, words) in others {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("store.db");
            Store::open(&path).await.unwrap();
            let mut other = super::super::connection::connect(&path).await.unwrap();
            let version = sqlx::AssertSqlSafe(format!("PRAGMA user_version = {found}"));
            sqlx::raw_sql(version).execute(&mut other).await.unwrap();
            other.close().await.unwrap();
            let before = std::fs::read(&path).unwrap();
            let refused = Store::open(&path).await.unwrap_err();
            assert!(refused.to_string().contains(words), "{refused}");
            assert!(std::fs::read(&path).unwrap() == before);
        }
    }
}
