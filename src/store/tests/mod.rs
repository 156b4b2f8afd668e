//! Tests: the contract suite, which defines what a store does. It knows the methods of [`Store`] and the types of the
//! contract, and no SQL.
//!
//! Every test takes a [`Fixture`] with an empty store and runs on every backend, by one line in [`contract`]. What is
//! specific to one backend is tested next to its code.

/// Runs tests on one backend: its module, its [`Place`], the tests.
macro_rules! on_backend {
    ($backend:ident, $place:ident, $($test:ident),+) => {
        mod $backend {
            $(
                #[tokio::test]
                async fn $test() {
                    let Some(place) = <crate::store::tests::$place as crate::store::tests::Place>::empty().await else { return };
                    super::$test(crate::store::tests::Fixture::at(place).await).await;
                }
            )+
        }
    };
}

/// Runs tests on every backend.
macro_rules! contract {
    ($($test:ident),+ $(,)?) => {
        on_backend!(sqlite, SqliteFile, $($test),+);
        on_backend!(postgres, PostgresSchema, $($test),+);
    };
}

mod claims; // which rows are claimed, and in which order
mod find; // one person over all runs
pub(in crate::store) mod fixture; // a store, runs with rows, and outcomes of claims
mod import; // the rows of a run
mod late; // take-over, and outcomes that come after it
mod operator; // decisions by people
mod outcomes; // the effect of each outcome on its row
mod providers; // pauses of accounts, templates
mod purge; // runs whose rows are deleted
mod random; // everything in any order
mod reached; // people whom earlier runs reached
mod references; // statuses that name their attempt
mod reports; // rows, counts and problems
mod schedules; // times at which a campaign is due
pub(in crate::store) mod server; // a PostgreSQL server
mod start; // runs and their stages
mod statuses; // what providers report about messages
mod texts; // whatever characters they have
mod waits; // rows that wait for their time
mod webhooks;
mod workers; // several workers of one run // early statuses, replies, opt-outs

use fixture::*;

use super::*;

/// A place for a store, initially empty.
pub(in crate::store) trait Place: Sized {
    /// Returns `None` where this machine cannot have one.
    async fn empty() -> Option<Self>;

    /// Opens the store at this place, as another process would.
    async fn open(&self) -> Store;
}

/// A file in its own folder.
pub(in crate::store) struct SqliteFile(pub(in crate::store) tempfile::TempDir);

impl Place for SqliteFile {
    async fn empty() -> Option<Self> {
        Some(Self(tempfile::tempdir().unwrap()))
    }

    async fn open(&self) -> Store {
        Store::open(&self.0.path().join("store.db")).await.unwrap()
    }
}

/// A schema of its own on the server of the tests.
pub(in crate::store) struct PostgresSchema(pub(in crate::store) Location);

impl Place for PostgresSchema {
    async fn empty() -> Option<Self> {
        let server = server::url()?;
        let name = format!("{server}?schema=test_{}_{}", std::process::id(), fastrand::u64(..));
        Some(Self(name.parse().unwrap()))
    }

    async fn open(&self) -> Store {
        Store::open(&self.0).await.unwrap()
    }
}
