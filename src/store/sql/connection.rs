//! Connections to either database.

use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{
    Database, Error, Executor, PgConnection, PgPool, Postgres, Row as _, Sqlite, SqliteConnection, SqlitePool,
    Transaction,
};

use super::dialect;
use crate::store::guarded;

/// How long a call to a server may take: more than a lock is waited for.
const LONGEST_CALL: Duration = Duration::from_secs(60);

/// How long a server may take to say that a connection to it is free; then a new one is opened.
const LONGEST_PING: Duration = Duration::from_secs(3);

/// A connection, or a transaction on one. A transaction that is dropped changes nothing.
#[derive(Debug)]
pub(in crate::store) enum DbConnection<'c> {
    Sqlite(Held<'c, Sqlite>),
    Postgres(Held<'c, Postgres>),
}

/// How a connection is held.
#[derive(Debug)]
pub(in crate::store) enum Held<'c, D: Database> {
    Own(D::Connection),
    Pooled(PoolConnection<D>),
    Transaction(Transaction<'c, D>),
}

impl<D: Database> Deref for Held<'_, D> {
    type Target = D::Connection;

    fn deref(&self) -> &D::Connection {
        match self {
            Self::Own(connection) => connection,
            Self::Pooled(connection) => connection,
            Self::Transaction(transaction) => transaction,
        }
    }
}

impl<D: Database> DerefMut for Held<'_, D> {
    fn deref_mut(&mut self) -> &mut D::Connection {
        match self {
            Self::Own(connection) => connection,
            Self::Pooled(connection) => connection,
            Self::Transaction(transaction) => transaction,
        }
    }
}

impl<D: Database> Held<'_, D> {
    async fn close(self) -> Result<(), Error> {
        match self {
            Self::Own(connection) => sqlx::Connection::close(connection).await,
            Self::Pooled(connection) => connection.close().await,
            Self::Transaction(transaction) => transaction.rollback().await,
        }
    }
}

impl DbConnection<'_> {
    /// Begins a transaction that may write: no one else writes until it ends, and it sees everything that was committed
    /// before.
    pub(in crate::store) async fn begin(&mut self) -> Result<DbConnection<'_>, Error> {
        use sqlx::Connection as _;
        Ok(match self {
            Self::Sqlite(held) => DbConnection::Sqlite(Held::Transaction(held.begin_with("BEGIN IMMEDIATE").await?)),
            Self::Postgres(held) => {
                DbConnection::Postgres(Held::Transaction(in_time(held.begin_with(guarded(dialect::BEGIN))).await?))
            }
        })
    }

    /// Whether a transaction was dropped whose end the server does not know of yet.
    pub(in crate::store) fn has_dropped_transaction(&self) -> bool {
        use sqlx::Connection as _;
        matches!(self, Self::Postgres(held) if held.should_flush())
    }

    /// Whether sqlx counts a transaction that SQLite has already rolled back itself, as it does when the disk is full:
    /// no other can begin on this connection. No transaction of it is in use.
    async fn is_stuck(&mut self) -> bool {
        use sqlx::Connection as _;
        match self {
            // The statement comes after the rollback of a transaction that was dropped.
            Self::Sqlite(held) if held.is_in_transaction() => {
                held.execute("SELECT 1").await.is_err() || held.is_in_transaction()
            }
            _ => false,
        }
    }

    /// Whether it is free: on a server, whether that answers, and no transaction is open. sqlx does not know of one
    /// that failed or was dropped while it began.
    pub(in crate::store) async fn is_free(&mut self) -> bool {
        match self {
            Self::Sqlite(_) => !self.is_stuck().await,
            Self::Postgres(held) => {
                // In a transaction, `now()` is the time of its beginning.
                let is_free = async {
                    let answer = held.fetch_one(sqlx::raw_sql("SELECT now() = statement_timestamp()")).await?;
                    answer.try_get::<bool, _>(0)
                };
                matches!(tokio::time::timeout(LONGEST_PING, is_free).await, Ok(Ok(true)))
            }
        }
    }

    /// Returns SQLite's connection, of a store in a file.
    pub(in crate::store) fn sqlite(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Sqlite(held) => held,
            Self::Postgres(_) => unreachable!("a file is opened by SQLite"),
        }
    }

    /// Runs a command that has no parameters.
    pub(in crate::store) async fn command(&mut self, command: &'static str) -> Result<(), Error> {
        match self {
            Self::Sqlite(held) => held.execute(command).await.map(drop),
            Self::Postgres(held) => in_time(held.execute(command)).await.map(drop),
        }
    }

    /// Commits a transaction. What it wrote is synced when this returns.
    pub(in crate::store) async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(Held::Transaction(transaction)) => transaction.commit().await,
            Self::Postgres(Held::Transaction(transaction)) => in_time(transaction.commit()).await,
            _ => Ok(()),
        }
    }

    /// Ends a transaction without a change, or closes a connection.
    pub(in crate::store) async fn close(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(held) => held.close().await,
            Self::Postgres(held) => in_time(held.close()).await,
        }
    }
}

/// Ends a call to a server that does not answer: the connection may hang without an error.
pub(in crate::store) async fn in_time<T>(call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout(LONGEST_CALL, call).await.unwrap_or_else(|_| Err(silent()))
}

/// Returns the error of a call that took too long.
pub(in crate::store) fn silent() -> Error {
    Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the database server does not answer"))
}

/// Connections for reading. Cheap to clone.
#[derive(Clone, Debug)]
pub(in crate::store) enum Pool {
    Sqlite(SqlitePool),
    Postgres(ServerPool),
}

/// Connections to a server for reading.
#[derive(Clone, Debug)]
pub(in crate::store) struct ServerPool {
    pub(in crate::store) pool: PgPool,
    /// How long a read of the pool may take.
    pub(in crate::store) longest: Duration,
    /// Whether a server that is away is no longer waited for.
    pub(in crate::store) no_longer: Arc<AtomicBool>,
}

impl Pool {
    /// Waits for a connection.
    pub(in crate::store) async fn acquire(&self) -> Result<DbConnection<'static>, Error> {
        Ok(match self {
            Self::Sqlite(pool) => DbConnection::Sqlite(Held::Pooled(pool.acquire().await?)),
            Self::Postgres(server) => DbConnection::Postgres(Held::Pooled(server.pool.acquire().await?)),
        })
    }

    /// Begins to read one state of the store, whatever is written meanwhile.
    pub(in crate::store) async fn snapshot(&self) -> Result<DbConnection<'static>, Error> {
        Ok(match self {
            Self::Sqlite(pool) => DbConnection::Sqlite(Held::Transaction(pool.begin().await?)),
            Self::Postgres(server) => {
                DbConnection::Postgres(Held::Transaction(server.pool.begin_with(dialect::SNAPSHOT).await?))
            }
        })
    }
}

/// What a statement runs on.
pub(in crate::store) enum On<'e> {
    Sqlite(&'e mut SqliteConnection),
    Postgres(&'e mut PgConnection),
    Pool(&'e Pool),
    /// A connection on which nothing else is written in the same transaction.
    Alone(&'e mut PgConnection),
}

impl<'e> From<&'e mut DbConnection<'_>> for On<'e> {
    fn from(connection: &'e mut DbConnection<'_>) -> Self {
        match connection {
            DbConnection::Sqlite(held) => Self::Sqlite(held),
            DbConnection::Postgres(held) => Self::Postgres(held),
        }
    }
}

impl<'e> From<&'e Pool> for On<'e> {
    fn from(pool: &'e Pool) -> Self {
        Self::Pool(pool)
    }
}

impl<'e> On<'e> {
    /// Makes a transaction of one statement. SQLite does so on its own.
    pub(in crate::store) fn alone(connection: &'e mut DbConnection<'_>) -> Self {
        match connection {
            DbConnection::Sqlite(held) => Self::Sqlite(held),
            DbConnection::Postgres(held) => Self::Alone(held),
        }
    }
}
