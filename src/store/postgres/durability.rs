//! Checks that the server cannot lose committed data: if it loses the record of a message, the message is sent twice.

use sqlx::PgConnection;

use crate::store::StoreError;
use crate::store::error::doing;
use crate::store::location::ServerUrl;

/// The oldest supported version, in the server's notation.
const OLDEST: i32 = 140_000;

/// Counts standbys that may lack the last commits when they take over, and those that this user may not see (NULL).
const STANDBYS: &str = "SELECT count(*) FILTER (WHERE sync_state = 'async' AND state <> 'backup'), \
    count(*) FILTER (WHERE sync_state IS NULL) FROM pg_stat_replication";

/// Checks the server. Returns a warning if something could not be checked.
pub(super) async fn check(url: &ServerUrl, connection: &mut PgConnection) -> Result<Option<&'static str>, StoreError> {
    let failed = || doing("check the server");
    let (version, fsync, full_pages): (i32, bool, bool) = sqlx::query_as(
        "SELECT current_setting('server_version_num')::integer, current_setting('fsync')::boolean, \
         current_setting('full_page_writes')::boolean",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(failed())?;
    let refused = |why| Err(StoreError::MayForget { store: url.clone(), why });
    if version < OLDEST {
        return Err(StoreError::OldServer { store: url.clone() });
    }
    if !fsync {
        return refused("it runs with fsync = off, so a crash may lose its last commits or damage it");
    }
    if !full_pages {
        return refused("it runs with full_page_writes = off, so a crash may damage it");
    }
    let (asynchronous, unknown): (i64, i64) = sqlx::query_as(STANDBYS).fetch_one(connection).await.map_err(failed())?;
    match (asynchronous, unknown) {
        (0, 0) => Ok(None),
        (0, _) => Ok(Some(
            "the database has standbys, but this user is not allowed to see whether they are synchronous; grant it \
             pg_monitor",
        )),
        _ => refused("it has an asynchronous standby, which may lack the last commits after a failover"),
    }
}
