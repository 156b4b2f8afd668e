//! Creates the tables, once.

use sqlx::{Connection as _, PgConnection};

use crate::store::StoreError;
use crate::store::error::doing;
use crate::store::location::{Location, ServerUrl};

/// The format of [`SCHEMA`].
const FORMAT: i64 = 1;
const SCHEMA: &str = include_str!("schema.sql");

/// Creates all tables of the store or none, if it has none yet.
pub(super) async fn create(url: &ServerUrl, connection: &mut PgConnection) -> Result<(), StoreError> {
    if has_tables(url, connection).await? {
        return check(url, connection).await;
    }
    let failed = || doing("create its tables");
    let mut step = connection.begin().await.map_err(failed())?;
    // Two processes may start on a new database at once.
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('campaigner ' || $1, 0))")
        .bind(&url.schema)
        .execute(&mut *step)
        .await
        .map_err(failed())?;
    if has_tables(url, &mut step).await? {
        return check(url, &mut step).await;
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
    step.commit().await.map_err(failed())
}

/// Whether the schema has the tables of a store.
pub(super) async fn has_tables(url: &ServerUrl, connection: &mut PgConnection) -> Result<bool, StoreError> {
    // In the catalogue, a role also sees what it has no privileges on.
    let find = "SELECT EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE n.nspname = $1 AND c.relname = 'store')";
    sqlx::query_scalar(find).bind(&url.schema).fetch_one(connection).await.map_err(doing("look for its tables"))
}

/// Refuses a store that another version made.
async fn check(url: &ServerUrl, connection: &mut PgConnection) -> Result<(), StoreError> {
    // With the schema's name: without a privilege on the schema, it is not in the search path.
    let read = sqlx::AssertSqlSafe(format!("SELECT format FROM {}.store", url.schema));
    let found: i64 = sqlx::query_scalar(read).fetch_one(connection).await.map_err(doing("read its format"))?;
    match found {
        FORMAT => Ok(()),
        found => Err(StoreError::Newer { store: Location::Server(url.clone()), found, known: FORMAT }),
    }
}
