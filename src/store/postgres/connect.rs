//! Connections, with the settings that the promises depend on.

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};

use crate::store::StoreError;
use crate::store::location::ServerUrl;

/// What every connection sets, because a role or a database may have other defaults. A commit that returned is synced.
/// The statements find their rows by an index, whatever the planner believes of tables that have just been filled.
const SETTINGS: [(&str, &str); 11] = [
    ("synchronous_commit", "on"),
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_read_only", "off"),
    ("plan_cache_mode", "force_generic_plan"),
    ("jit", "off"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("enable_bitmapscan", "off"),
    ("lock_timeout", "30s"),
    // A process that was stopped in the middle of a transaction must not keep the others waiting.
    ("idle_in_transaction_session_timeout", "5s"),
];

/// Returns the options of every connection.
pub(super) fn options(url: &ServerUrl) -> PgConnectOptions {
    let options = url.options.clone().application_name("campaigner").disable_statement_logging();
    options.options([("search_path", url.schema.as_str())]).options(SETTINGS)
}

pub(super) async fn connect(url: &ServerUrl) -> Result<PgConnection, StoreError> {
    options(url)
        .connect()
        .await
        .map_err(|source| StoreError::Unreachable { store: url.clone(), source: Box::new(source) })
}
