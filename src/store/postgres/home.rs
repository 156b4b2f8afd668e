//! Recognises a database that is a copy: it was restored from a dump, or created from another database. The messages
//! that were sent after it was made are not in it, and processes may still send from the original.
//!
//! The line of `store` has the server's system identifier, and the numbers of the database and of the table on it. A
//! copy has others, unless it is one of the server's whole data directory.

use sqlx::{Connection as _, PgConnection};

use crate::store::StoreError;
use crate::store::error::doing;

/// Where the tables of a store are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Home {
    /// The server's system identifier; `None` where it is not shown to this user.
    system: Option<i64>,
    database: i64,
    table: i64,
}

impl Home {
    /// Whether it may be the same place.
    fn may_be(self, other: Self) -> bool {
        let is_other_system = self.system.zip(other.system).is_some_and(|(one, other)| one != other);
        !is_other_system && (self.database, self.table) == (other.database, other.table)
    }
}

/// Finds out where the tables are.
async fn find(connection: &mut PgConnection) -> Result<Home, sqlx::Error> {
    // Some hosted servers do not let everybody see it. The refusal must not end the caller's transaction.
    let mut attempt = connection.begin().await?;
    let system = sqlx::query_scalar("SELECT system_identifier FROM pg_control_system()");
    let system = match system.fetch_one(&mut *attempt).await {
        Err(sqlx::Error::Database(_)) => None,
        found => Some(found?),
    };
    attempt.rollback().await?;
    let find = "SELECT CAST(d.oid AS BIGINT), CAST(CAST('store' AS regclass) AS BIGINT) FROM pg_database d \
        WHERE d.datname = current_database()";
    let (database, table) = sqlx::query_as(find).fetch_one(connection).await?;
    Ok(Home { system, database, table })
}

/// Whether the tables are where a person last confirmed, or where they were created.
pub(super) async fn is_confirmed(connection: &mut PgConnection) -> Result<bool, StoreError> {
    let failed = || doing("find out whether it is a copy");
    let now = find(connection).await.map_err(failed())?;
    let saved: (Option<i64>, Option<i64>, Option<i64>) =
        sqlx::query_as("SELECT home_system, home_database, home_table FROM store")
            .fetch_one(connection)
            .await
            .map_err(failed())?;
    Ok(match saved {
        (system, Some(database), Some(table)) => now.may_be(Home { system, database, table }),
        _ => true,
    })
}

/// Saves where the tables are now.
pub(super) async fn confirm(connection: &mut PgConnection) -> Result<(), StoreError> {
    let failed = || doing("save where it is");
    let Home { system, database, table } = find(connection).await.map_err(failed())?;
    sqlx::query("UPDATE store SET home_system = $1, home_database = $2, home_table = $3")
        .bind(system)
        .bind(database)
        .bind(table)
        .execute(connection)
        .await
        .map(drop)
        .map_err(failed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_another_one_if_anything_known_differs() {
        let home = Home { system: Some(1), database: 2, table: 3 };
        assert!(home.may_be(home));
        assert!(home.may_be(Home { system: None, ..home }) && Home { system: None, ..home }.may_be(home));
        for other in [Home { system: Some(9), ..home }, Home { database: 9, ..home }, Home { table: 9, ..home }] {
            assert!(!home.may_be(other) && !other.may_be(home), "{other:?}");
        }
    }
}
