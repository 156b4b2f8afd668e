//! Opens connections with the settings that the promises depend on.

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};

use crate::store::StoreError;
use crate::store::location::ServerUrl;
use crate::store::sql::in_time;

/// The settings of every connection, because a role or a database may have other defaults. A commit is synced before it
/// returns. Statements find their rows by an index, whatever the planner assumes about tables that were just filled.
const SETTINGS: [(&str, &str); 17] = [
    ("synchronous_commit", "on"),
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_read_only", "off"),
    ("plan_cache_mode", "force_generic_plan"),
    ("jit", "off"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("enable_bitmapscan", "off"),
    // Otherwise, reading all rows of a small table seems as cheap as finding one, and the plan stays when the table
    // grows.
    ("cpu_tuple_cost", "1"),
    ("lock_timeout", "30s"),
    // With these, the server notices that a machine is gone.
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "20000"),
    // A process that is suspended during a transaction must not keep the others waiting.
    ("idle_in_transaction_session_timeout", "2s"),
    // A run that only awaits statuses does nothing for minutes.
    ("idle_session_timeout", "0"),
];

/// Returns the options for every connection.
pub(super) fn options(url: &ServerUrl) -> PgConnectOptions {
    let options = PgConnectOptions::clone(&url.options).application_name("campaigner").disable_statement_logging();
    options.options([("search_path", url.schema.as_str())]).options(SETTINGS)
}

/// Opens a connection.
pub(super) async fn connect(url: &ServerUrl) -> Result<PgConnection, StoreError> {
    in_time(options(url).connect()).await.map_err(|error| {
        let source = match error {
            // Its text ends with a line of PostgreSQL's source code.
            sqlx::Error::Database(error) => error.message().into(),
            other => Box::new(other) as Box<dyn std::error::Error + Send + Sync>,
        };
        StoreError::Unreachable { store: url.clone(), source }
    })
}
