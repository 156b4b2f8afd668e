//! Creates the tables, once, and adds to them what is new in this version.

use sqlx::{Connection as _, PgConnection};

use super::home;
use crate::store::StoreError;
use crate::store::error::doing;
use crate::store::location::{Location, ServerUrl};

/// The format of [`SCHEMA`].
const FORMAT: i64 = 3;
const SCHEMA: &str = include_str!("schema.sql");
/// What is new in 2, which first recorded where the store is.
const STEP_2: &str = "ALTER TABLE store ADD COLUMN mark BIGINT NOT NULL DEFAULT 0, \
    ADD COLUMN went_back BOOLEAN NOT NULL DEFAULT false, \
    ADD COLUMN home_system BIGINT, ADD COLUMN home_database BIGINT, ADD COLUMN home_table BIGINT; \
    ALTER TABLE run ADD COLUMN account TEXT COLLATE \"C\"";
/// What is new in 3.
const STEP_3: &str = "ALTER TABLE run ADD COLUMN is_served BOOLEAN NOT NULL DEFAULT false; UPDATE store SET format = 3";

/// Creates all tables of the store or none, if it has none yet, and brings those of an earlier version up to date.
pub(super) async fn migrate(url: &ServerUrl, connection: &mut PgConnection) -> Result<(), StoreError> {
    if has_tables(url, connection).await? && format(url, connection).await? == FORMAT {
        return Ok(());
    }
    let failed = || doing("create its tables");
    let mut step = connection.begin().await.map_err(failed())?;
    // Checked again under a lock: two processes may start on a new database at once.
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('campaigner ' || $1, 0))")
        .bind(&url.schema)
        .execute(&mut *step)
        .await
        .map_err(failed())?;
    if has_tables(url, &mut step).await? {
        let failed = || doing("add what is new to its tables");
        let found = format(url, &mut step).await?;
        if found < 2 {
            sqlx::raw_sql(STEP_2).execute(&mut *step).await.map_err(failed())?;
            home::confirm(&mut step).await?;
        }
        if found < 3 {
            sqlx::raw_sql(STEP_3).execute(&mut *step).await.map_err(failed())?;
        }
        return step.commit().await.map_err(failed());
    }
    // The name consists of letters, digits and `_`.
    let schema = format!("CREATE SCHEMA IF NOT EXISTS {}", url.schema);
    sqlx::raw_sql(sqlx::AssertSqlSafe(schema)).execute(&mut *step).await.map_err(failed())?;
    sqlx::raw_sql(SCHEMA).execute(&mut *step).await.map_err(failed())?;
    sqlx::query("INSERT INTO store (id, format) VALUES (1, $1)")
        .bind(FORMAT)
        .execute(&mut *step)
        .await
        .map_err(failed())?;
    home::confirm(&mut step).await?;
    step.commit().await.map_err(failed())
}

/// Whether the schema has the tables of a store.
pub(super) async fn has_tables(url: &ServerUrl, connection: &mut PgConnection) -> Result<bool, StoreError> {
    // In the catalogue, a role also sees what it has no privileges on.
    let find = "SELECT EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE n.nspname = $1 AND c.relname = 'store')";
    sqlx::query_scalar(find).bind(&url.schema).fetch_one(connection).await.map_err(doing("look for its tables"))
}

/// Returns the store's format; refuses a later one than this version knows.
async fn format(url: &ServerUrl, connection: &mut PgConnection) -> Result<i64, StoreError> {
    // With the schema's name: without a privilege on the schema, it is not in the search path.
    let read = sqlx::AssertSqlSafe(format!("SELECT format FROM {}.store", url.schema));
    let found: i64 = sqlx::query_scalar(read).fetch_one(connection).await.map_err(doing("read its format"))?;
    match found {
        ..=FORMAT => Ok(found),
        found => Err(StoreError::Newer { store: Location::Server(url.clone()), found, known: FORMAT }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::{Place as _, PostgresSchema};
    use crate::store::{Store, sql};

    async fn undo(store: &Store, statement: &'static str) {
        let mut connection = store.separate().await.unwrap();
        sql::query(statement).execute(&mut connection).await.unwrap();
    }

    #[tokio::test]
    async fn a_store_gets_the_steps_that_it_lacks_from_one_of_two_processes() {
        const UNDO_3: [&str; 2] = ["ALTER TABLE run DROP COLUMN is_served", "UPDATE store SET format = 2"];
        const UNDO_2: [&str; 3] = [
            "ALTER TABLE store DROP COLUMN mark, DROP COLUMN went_back, DROP COLUMN home_system, \
             DROP COLUMN home_database, DROP COLUMN home_table",
            "ALTER TABLE run DROP COLUMN account",
            "UPDATE store SET format = 1",
        ];
        for statements in [&UNDO_3[..], &[&UNDO_3[..], &UNDO_2].concat()] {
            let Some(place) = PostgresSchema::empty().await else { return };
            let before = place.open().await;
            for statement in statements {
                undo(&before, statement).await;
            }
            let (one, other) = tokio::join!(place.open(), place.open());
            for store in [one, other] {
                store.may_send(false).await.unwrap();
                assert!(store.is_writable().await.is_ok());
                let mut connection = store.separate().await.unwrap();
                let format: i64 =
                    sql::query_scalar("SELECT format FROM store").fetch_one(&mut connection).await.unwrap();
                assert_eq!(format, FORMAT);
                sql::query("SELECT account, is_served FROM run").fetch_all(&mut connection).await.unwrap();
            }
        }
    }

    #[tokio::test]
    async fn a_store_of_a_later_version_is_refused() {
        let Some(place) = PostgresSchema::empty().await else { return };
        undo(&place.open().await, "UPDATE store SET format = format + 1").await;
        let refused = Store::open(&place.0).await.unwrap_err().to_string();
        assert!(refused.contains("use the newer version"), "{refused}");
    }
}
