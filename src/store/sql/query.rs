//! Statements with their parameters.

use std::marker::PhantomData;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Connection as _, Error, Executor, PgConnection, Postgres, SqlSafeStr, SqlStr, Sqlite};
use tokio::time::Instant;

use super::connection::{On, Pool, ServerPool, in_time, silent};
use super::row::{DbRow, FromRow, Get};
use super::value::{Bind, Bound};
use super::{dialect, nul};
use crate::store::error::is_away;
use crate::store::guarded;

/// How often a server that is away is asked again, and how often that is reported.
const RETRY_EVERY: Duration = Duration::from_secs(1);
const REPORT_EVERY: Duration = Duration::from_secs(10);

/// A statement with its parameters so far.
#[derive(Clone)]
pub(in crate::store) struct Query {
    statement: SqlStr,
    values: Vec<Bound>,
}

/// A statement whose rows are read as `T`.
pub(in crate::store) struct QueryAs<T>(Query, PhantomData<T>);

/// A statement whose rows are read as their only value.
pub(in crate::store) struct QueryScalar<T>(Query, PhantomData<T>);

/// Returns a statement. Its text never contains what came from outside: that goes into parameters.
pub(in crate::store) fn query(statement: impl SqlSafeStr) -> Query {
    Query::new(statement)
}

/// Returns a statement whose rows are tuples.
pub(in crate::store) fn query_as<T: FromRow>(statement: impl SqlSafeStr) -> QueryAs<T> {
    QueryAs(query(statement), PhantomData)
}

/// Returns a statement whose rows are single values.
pub(in crate::store) fn query_scalar<T: Get>(statement: impl SqlSafeStr) -> QueryScalar<T> {
    QueryScalar(query(statement), PhantomData)
}

/// Runs statements without parameters, one after the other.
pub(in crate::store) async fn script(statements: &'static str, on: impl Into<On<'_>>) -> Result<(), Error> {
    match on.into() {
        On::Sqlite(connection) => connection.execute(sqlx::raw_sql(statements)).await.map(drop),
        On::Postgres(connection) | On::Alone(connection) => {
            connection.execute(sqlx::raw_sql(statements)).await.map(drop)
        }
        On::Pool(Pool::Sqlite(pool)) => pool.execute(sqlx::raw_sql(statements)).await.map(drop),
        On::Pool(Pool::Postgres(server)) => server.pool.execute(sqlx::raw_sql(statements)).await.map(drop),
    }
}

/// The number of rows that a statement changed.
#[derive(Clone, Copy)]
pub(in crate::store) struct Done(u64);

impl Done {
    pub(in crate::store) fn rows_affected(self) -> u64 {
        self.0
    }
}

impl Query {
    pub(super) fn new(statement: impl SqlSafeStr) -> Self {
        Self { statement: statement.into_sql_str(), values: Vec::new() }
    }

    /// Returns another statement with the same parameters.
    pub(super) fn with(&self, statement: impl SqlSafeStr) -> Self {
        Self { statement: statement.into_sql_str(), values: self.values.clone() }
    }

    /// Adds the next parameter.
    pub(in crate::store) fn bind(mut self, value: impl Bind) -> Self {
        self.values.push(value.value());
        self
    }

    pub(in crate::store) async fn execute(self, on: impl Into<On<'_>>) -> Result<Done, Error> {
        let rows = match on.into() {
            On::Sqlite(connection) => connection.execute(self.for_sqlite()).await?.rows_affected(),
            On::Postgres(connection) => in_time(connection.execute(self.for_postgres())).await?.rows_affected(),
            On::Pool(Pool::Sqlite(pool)) => pool.execute(self.for_sqlite()).await?.rows_affected(),
            On::Pool(Pool::Postgres(server)) => {
                in_time(server.pool.execute(self.for_postgres())).await?.rows_affected()
            }
            On::Alone(connection) => {
                let alone = async {
                    let mut transaction = connection.begin_with(guarded(dialect::BEGIN)).await?;
                    let done = transaction.execute(self.for_postgres()).await?;
                    transaction.commit().await.map(|()| done)
                };
                in_time(alone).await?.rows_affected()
            }
        };
        Ok(Done(rows))
    }

    pub(in crate::store) async fn fetch_all(self, on: impl Into<On<'_>>) -> Result<Vec<DbRow>, Error> {
        let of_sqlite = |rows: Vec<_>| rows.into_iter().map(DbRow::Sqlite).collect();
        let of_postgres = |rows: Vec<_>| rows.into_iter().map(DbRow::Postgres).collect();
        match on.into() {
            On::Sqlite(connection) => connection.fetch_all(self.for_sqlite()).await.map(of_sqlite),
            On::Postgres(connection) => in_time(connection.fetch_all(self.for_postgres())).await.map(of_postgres),
            On::Pool(Pool::Sqlite(pool)) => pool.fetch_all(self.for_sqlite()).await.map(of_sqlite),
            On::Pool(Pool::Postgres(server)) => self.fetch_patiently(server).await.map(of_postgres),
            On::Alone(connection) => in_time(self.fetch_alone(connection)).await.map(of_postgres),
        }
    }

    async fn fetch_alone(self, connection: &mut PgConnection) -> Result<Vec<PgRow>, Error> {
        let mut transaction = connection.begin_with(guarded(dialect::BEGIN)).await?;
        let rows = transaction.fetch_all(self.for_postgres()).await?;
        transaction.commit().await?;
        Ok(rows)
    }

    /// Reads from a server. While it is away, it is waited for, until `no_longer`: reading again changes nothing.
    async fn fetch_patiently(self, server: &ServerPool) -> Result<Vec<PgRow>, Error> {
        let mut reported_at: Option<Instant> = None;
        loop {
            let read = tokio::time::timeout(server.longest, server.pool.fetch_all(self.clone().for_postgres())).await;
            match read.unwrap_or_else(|_| Err(silent())) {
                Err(error) if is_away(&error) && !server.no_longer.load(Ordering::Relaxed) => {
                    if reported_at.is_none_or(|at| at.elapsed() > REPORT_EVERY) {
                        tracing::warn!(%error, "the database server is away; waiting for it");
                        reported_at = Some(Instant::now());
                    }
                    tokio::time::sleep(RETRY_EVERY).await;
                }
                done => return done,
            }
        }
    }

    pub(in crate::store) async fn fetch_optional(self, on: impl Into<On<'_>>) -> Result<Option<DbRow>, Error> {
        Ok(self.fetch_all(on).await?.into_iter().next())
    }

    pub(in crate::store) async fn fetch_one(self, on: impl Into<On<'_>>) -> Result<DbRow, Error> {
        self.fetch_optional(on).await?.ok_or(Error::RowNotFound)
    }

    fn for_sqlite(self) -> sqlx::query::Query<'static, Sqlite, SqliteArguments> {
        let mut query = sqlx::query(self.statement);
        for value in self.values {
            query = match value {
                Bound::Int(value) => query.bind(value),
                Bound::Bool(value) => query.bind(value),
                Bound::Text(value) | Bound::Json(value) => query.bind(value),
                Bound::Bytes(value) => query.bind(value),
            };
        }
        query
    }

    fn for_postgres(self) -> sqlx::query::Query<'static, Postgres, PgArguments> {
        let mut query = sqlx::query(AssertSqlSafe(dialect::translated(self.statement.as_str())));
        for value in self.values {
            query = match value {
                Bound::Int(value) => query.bind(value),
                Bound::Bool(value) => query.bind(value),
                Bound::Text(value) => query.bind(value.map(nul::stored)),
                Bound::Json(value) => query.bind(value.map(nul::stored_in_json)),
                Bound::Bytes(value) => query.bind(value),
            };
        }
        query
    }
}

impl<T: FromRow> QueryAs<T> {
    /// Adds the next parameter.
    pub(in crate::store) fn bind(self, value: impl Bind) -> Self {
        Self(self.0.bind(value), PhantomData)
    }

    pub(in crate::store) async fn fetch_all(self, on: impl Into<On<'_>>) -> Result<Vec<T>, Error> {
        self.0.fetch_all(on).await?.iter().map(T::from_row).collect()
    }

    pub(in crate::store) async fn fetch_optional(self, on: impl Into<On<'_>>) -> Result<Option<T>, Error> {
        self.0.fetch_optional(on).await?.as_ref().map(T::from_row).transpose()
    }

    pub(in crate::store) async fn fetch_one(self, on: impl Into<On<'_>>) -> Result<T, Error> {
        T::from_row(&self.0.fetch_one(on).await?)
    }
}

impl<T: Get> QueryScalar<T> {
    /// Adds the next parameter.
    pub(in crate::store) fn bind(self, value: impl Bind) -> Self {
        Self(self.0.bind(value), PhantomData)
    }

    pub(in crate::store) async fn fetch_all(self, on: impl Into<On<'_>>) -> Result<Vec<T>, Error> {
        self.0.fetch_all(on).await?.iter().map(|row| row.try_get(0)).collect()
    }

    pub(in crate::store) async fn fetch_optional(self, on: impl Into<On<'_>>) -> Result<Option<T>, Error> {
        self.0.fetch_optional(on).await?.map(|row| row.try_get(0)).transpose()
    }

    pub(in crate::store) async fn fetch_one(self, on: impl Into<On<'_>>) -> Result<T, Error> {
        self.0.fetch_one(on).await?.try_get(0)
    }
}
