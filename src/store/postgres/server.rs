//! An open store on a server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::postgres::PgPoolOptions;
use tokio::time::Instant;

use super::connect::{connect, options};
use super::lease::{Lease, ServerLock};
use super::mark::{self, SeenMark};
use super::pace::{SlotRange, TOLERANCE};
use super::{durability, home, schema};
use crate::store::SendSlot;
use crate::store::StoreError;
use crate::store::error::doing;
use crate::store::location::ServerUrl;
use crate::store::sql::{DbConnection, Held, Pool, ServerPool};

/// How far the server's clock may be off while a message still has time to leave within its slot. A server whose round
/// trip takes longer than twice this is not supported.
const LARGEST_ERROR: Duration = Duration::from_millis(10);

/// A message's slot is never further ahead than this.
const FURTHEST_SLOT: Duration = Duration::from_secs(2);

/// The number of connections for small reads.
const READERS: u32 = 2;
/// How long a small read may take, and how long it waits for others.
const LONGEST_READ: Duration = Duration::from_secs(10);
/// How long a scan may take: of ten million rows, for example.
const LONGEST_SCAN: Duration = Duration::from_secs(300);
/// How long a scan waits for other scans.
const LONGEST_SCANS: Duration = Duration::from_secs(600);

/// A database that holds a store.
#[derive(Debug)]
pub(in crate::store) struct Server {
    url: ServerUrl,
    lease: Lease,
    /// What this process knows of the store's mark.
    pub(in crate::store) mark: Arc<SeenMark>,
    /// Whether reads no longer wait while the server is unavailable.
    waits_no_longer: Arc<AtomicBool>,
}

impl Server {
    /// Opens the store, creating its tables if it has none, or what they lack.
    pub(in crate::store) async fn open_or_make(url: ServerUrl) -> Result<Self, StoreError> {
        let mut connection = connect(&url).await?;
        schema::migrate(&url, &mut connection).await?;
        connection.close().await.map_err(doing("close its connection"))?;
        let mark = Arc::<SeenMark>::default();
        let lease = Lease::new(url.clone(), Arc::clone(&mark));
        Ok(Self { url, lease, mark, waits_no_longer: Arc::default() })
    }

    /// Whether the database holds a store.
    pub(in crate::store) async fn has_store(url: &ServerUrl) -> Result<bool, StoreError> {
        let mut connection = connect(url).await?;
        let found = schema::has_tables(url, &mut connection).await?;
        connection.close().await.map_err(doing("close its connection"))?;
        Ok(found)
    }

    /// Checks that the database has recorded every message that was sent from it, as far as can be seen. With `moved`,
    /// a person first confirms that this database is the one to continue from.
    pub(in crate::store) async fn may_send(&self, moved: bool) -> Result<(), StoreError> {
        let mut connection = connect(&self.url).await?;
        if moved {
            mark::accept(&mut connection).await.map_err(doing("confirm its state"))?;
            home::confirm(&mut connection).await?;
        }
        if mark::went_back(&mut connection).await.map_err(doing("read its mark"))? {
            return Err(StoreError::SetBack);
        }
        if !home::is_confirmed(&mut connection).await? {
            return Err(StoreError::CopiedDatabase);
        }
        connection.close().await.map_err(doing("close its connection"))
    }

    /// Checks that the server cannot lose committed data, as far as this user may see.
    pub(in crate::store) async fn is_durable(&self) -> Result<Option<&'static str>, StoreError> {
        let mut connection = connect(&self.url).await?;
        let found = durability::check(&self.url, &mut connection).await?;
        connection.close().await.map_err(doing("check the server"))?;
        Ok(found)
    }

    /// Opens a connection.
    pub(in crate::store) async fn connect(&self) -> Result<DbConnection<'static>, StoreError> {
        connect(&self.url).await.map(|connection| DbConnection::Postgres(Held::Own(connection)))
    }

    /// Makes reads fail while the server is unavailable, instead of waiting for it.
    pub(in crate::store) fn stop_waiting(&self) {
        self.waits_no_longer.store(true, Ordering::Relaxed);
    }

    /// Returns a pool for small reads, and one for long ones.
    pub(in crate::store) fn pools(&self) -> (Pool, Pool) {
        let pool = |connections, longest_wait, longest| {
            let pool = PgPoolOptions::new().min_connections(0).max_connections(connections);
            let pool = pool.acquire_timeout(longest_wait).connect_lazy_with(options(&self.url));
            Pool::Postgres(ServerPool { pool, longest, no_longer: Arc::clone(&self.waits_no_longer) })
        };
        (pool(READERS, LONGEST_READ, LONGEST_READ), pool(1, LONGEST_SCANS, LONGEST_SCAN))
    }

    /// Takes a lock. Returns `None` if it is held. If `is_patient`, first waits until it is known whether its holder is
    /// alive.
    pub(in crate::store) async fn try_lock(
        &self,
        name: &str,
        is_patient: bool,
    ) -> Result<Option<ServerLock>, StoreError> {
        self.lease.try_lock(name, is_patient).await
    }

    /// Takes a lock that several processes may hold at once.
    pub(in crate::store) async fn lock_shared(&self, name: &str) -> Result<ServerLock, StoreError> {
        self.lease.lock_shared(name).await
    }

    /// Returns this process's number in the store, if it has taken a lock.
    pub(in crate::store) fn process(&self) -> Option<i64> {
        self.lease.life().map(|life| life.id)
    }

    /// Returns `count` slots by this machine's clock, or `None` if the server's clock is not known.
    pub(in crate::store) fn local(&self, slots: SlotRange, count: usize) -> Option<Vec<SendSlot>> {
        let life = self.lease.life()?;
        let slot = |number: usize| {
            let time = slots.first + slots.interval * i64::try_from(number).unwrap_or(i64::MAX);
            let (at, error) = life.clock.local(time)?;
            let error = error.min(LARGEST_ERROR);
            // A slot this far ahead means that a clock was set or this machine slept: wait for another slot.
            let at = if at > Instant::now() + FURTHEST_SLOT { Instant::now() - TOLERANCE } else { at };
            Some(SendSlot { at: at + error, until: at + TOLERANCE - error })
        };
        (0..count).map(slot).collect()
    }

    /// Converts a time of the server's clock to this machine's clock, if the server's is known.
    pub(in crate::store) fn local_time(&self, time: i64) -> Option<Instant> {
        self.lease.life()?.clock.local(time).map(|(at, error)| at + error.min(LARGEST_ERROR))
    }

    /// Frees the locks of this process.
    pub(in crate::store) async fn end(&self) {
        self.lease.end().await;
    }
}
