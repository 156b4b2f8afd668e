//! Notices that the database was set back to an earlier state: it was restored, or a failover lost its last commits.
//!
//! The line of `store` has a mark, which every commit that claims rows raises. Each process remembers the highest mark
//! that it has seen committed, so a lower one means that the record of sent messages was lost. The first process that
//! notices writes this down in the database, and nothing is sent from it until a person passes `--moved`. A process
//! that was started after the database was set back has nothing to compare.

use std::sync::atomic::{AtomicI64, Ordering};

use sqlx::PgConnection;

use crate::store::sql::{DbConnection, query};

/// The highest mark that this process has seen committed.
#[derive(Debug, Default)]
pub(in crate::store) struct SeenMark(AtomicI64);

impl SeenMark {
    /// Returns it. A mark read from now on is as high, or the database was set back.
    pub(in crate::store) fn get(&self) -> i64 {
        self.0.load(Ordering::Acquire)
    }

    /// Remembers a mark that was read, or written and committed.
    pub(in crate::store) fn note(&self, mark: i64) {
        self.0.fetch_max(mark, Ordering::AcqRel);
    }
}

const RECORD: &str = "UPDATE store SET went_back = true WHERE NOT went_back";

/// Whether the database was set back.
pub(super) async fn went_back(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT went_back FROM store").fetch_one(connection).await
}

/// Writes down that the database was set back.
pub(super) async fn record_set_back(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query(RECORD).execute(connection).await.map(drop)
}

/// The same, with the connection for writing.
pub(in crate::store) async fn record(store: &mut DbConnection<'_>) -> Result<(), sqlx::Error> {
    query(RECORD).execute(store).await.map(drop)
}

/// Lets the database continue from its state. The mark becomes the time in microseconds, which is higher than any that
/// a process can have seen.
pub(super) async fn accept(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE store SET went_back = false, \
         mark = max(mark + 1, CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)) WHERE went_back",
    )
    .execute(connection)
    .await
    .map(drop)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::tests::fixture::*;
    use crate::store::tests::{Place as _, PostgresSchema};
    use crate::store::{Step, Store, StoreError};

    async fn set_back(store: &Store, marks: i64) {
        let mut connection = store.separate().await.unwrap();
        query("UPDATE store SET mark = mark - $1").bind(marks).execute(&mut connection).await.unwrap();
    }

    async fn is_refused(store: &Store) -> bool {
        matches!(store.may_send(false).await, Err(StoreError::SetBack))
    }

    #[tokio::test]
    async fn a_database_that_was_set_back_sends_nothing_until_a_person_agrees() {
        let Some(place) = PostgresSchema::empty().await else { return };
        let f = Fixture::at(place).await;
        let w = f.run("job", 9).await;
        for id in ["a", "b"] {
            w.send(|claim| accepted(claim, id)).await;
        }
        assert!(!is_refused(&f.store).await);
        set_back(&f.store, 1).await;
        let step = Step { want: 1, now: NOW, ..Step::default() };
        let stopped = w.store.advance(w.owner, &step).await.map(drop);
        assert!(matches!(stopped, Err(StoreError::SetBack)), "{stopped:?}");
        let later = f.reopened().await;
        assert!(is_refused(&later).await);
        let stopped = later.advance(w.owner, &step).await.map(drop);
        assert!(matches!(stopped, Err(StoreError::SetBack)), "{stopped:?}");
        later.may_send(true).await.unwrap();
        assert!(!is_refused(&later).await);
        assert_eq!(w.claim(1).await.len(), 1, "who noticed it continues too");
        // Once more, and without a reason.
        later.may_send(true).await.unwrap();
        assert_eq!(w.claim(1).await.len(), 1);
    }

    #[tokio::test]
    async fn a_process_that_claims_nothing_notices_by_its_beat() {
        let Some(place) = PostgresSchema::empty().await else { return };
        let f = Fixture::at(place).await;
        let w = f.run("job", 9).await;
        w.claim(1).await;
        let lock = f.store.lock(&w.id).await.unwrap();
        set_back(&f.store, 1).await;
        while !lock.is_lost() || !is_refused(&f.store).await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
