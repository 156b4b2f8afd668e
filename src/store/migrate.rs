//! Brings a store to the newest format. A migration that was released is never edited, only followed by another.

use std::path::Path;

use sqlx::{Connection, SqliteConnection};

use super::error::doing;
use super::{StoreError, lock};
use crate::crash::Point;

/// Marks the file as a store of this program (`CMPG`), so that nobody else's database is ever written to.
pub(super) const APPLICATION_ID: u32 = 0x434D_5047;

/// Every migration, in order; the store's format is the number of those it has had.
const MIGRATIONS: [&str; 13] = [
    include_str!("migrations/0001_first.sql"),
    include_str!("migrations/0002_put_off.sql"),
    include_str!("migrations/0003_begun_in.sql"),
    include_str!("migrations/0004_decision.sql"),
    include_str!("migrations/0005_template.sql"),
    include_str!("migrations/0006_orders.sql"),
    include_str!("migrations/0007_occurrences.sql"),
    include_str!("migrations/0008_intents.sql"),
    include_str!("migrations/0009_callbacks.sql"),
    include_str!("migrations/0010_air.sql"),
    include_str!("migrations/0011_ledger.sql"),
    include_str!("migrations/0012_mark.sql"),
    include_str!("migrations/0013_account.sql"),
];

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
    if missing.is_empty() {
        return Ok(());
    }
    // Whoever sends with an older version would fail in the middle of it, with messages in the air.
    if let Some(run) =
        lock::held(path).map_err(|source| StoreError::Open { path: path.to_owned(), source: source.into() })?
    {
        return Err(StoreError::Outdated { path: path.to_owned(), run });
    }
    for migration in missing {
        sqlx::raw_sql(*migration).execute(&mut *step).await.map_err(doing("migrate"))?;
    }
    if found == 0 {
        sqlx::raw_sql("PRAGMA application_id = 1129140295").execute(&mut *step).await.map_err(doing("mark itself"))?;
    }
    let version = sqlx::AssertSqlSafe(format!("PRAGMA user_version = {known}"));
    sqlx::raw_sql(version).execute(&mut *step).await.map_err(doing("note its format"))?;
    Point::MigrationWritten.pass();
    step.commit().await.map_err(doing("commit a migration"))?;
    Point::MigrationCommitted.pass();
    Ok(())
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

    #[tokio::test]
    async fn a_store_of_the_first_format_is_upgraded_with_all_that_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let mut old = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql(MIGRATIONS[0]).execute(&mut old).await.unwrap();
        sqlx::raw_sql(
            "PRAGMA application_id = 1129140295; PRAGMA user_version = 1; \
             INSERT INTO run (name, number, campaign, campaign_print, recipients_print, created_at, planned_at, rows) \
             VALUES ('sale', 1, '{}', 'a', 'b', 1, 2, 1); \
             INSERT INTO recipient (id, line, state, phone, cells) VALUES ((1 << 40) | 1, 2, 0, 85264000001, '[]'); \
             INSERT INTO attempt (recipient, attempt, at, ended_at, outcome) VALUES ((1 << 40) | 1, 1, 3, 4, 0); \
             INSERT INTO delivery (id, run, state, attempts, tries, due_at) VALUES ((1 << 40) | 1, 1, 0, 1, 1, 5)",
        )
        .execute(&mut old)
        .await
        .unwrap();
        old.close().await.unwrap();

        let store = crate::store::Store::open(&path).await.unwrap();
        let run = store.run(None).await.unwrap();
        let due = store.due_again(run.key, crate::model::Millis(9), None, 10).await.unwrap();
        assert_eq!(due.iter().map(|due| (due.tries, due.put_off)).collect::<Vec<_>>(), [(1, 0)]);
        assert!(store.verify(&run).await.unwrap().iter().all(|finding| finding.broken == 0));
    }

    #[tokio::test]
    async fn a_store_is_left_as_it_is_while_a_process_is_at_work_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let store = crate::store::Store::open(&path).await.unwrap();
        let mut old = crate::store::connect(&path).await.unwrap();
        sqlx::raw_sql("PRAGMA user_version = 10").execute(&mut old).await.unwrap();
        let at_work = store.lock(&"sale-1".parse().unwrap()).unwrap();

        let refused = crate::store::Store::open(&path).await.unwrap_err();
        assert!(matches!(&refused, StoreError::Outdated { run, .. } if run.to_string() == "sale-1"), "{refused}");
        assert_eq!(format(&path, &mut old).await.unwrap(), 10);
        drop(at_work);
        // What is left of one that was killed holds up nobody.
        std::fs::write(folder.path().join("store.db.sale-1.lock"), "").unwrap();
        assert_eq!(lock::held(&path).unwrap(), None);
    }

    #[test]
    fn the_mark_is_the_number_in_the_statement() {
        assert_eq!(APPLICATION_ID, 1_129_140_295);
    }
}
