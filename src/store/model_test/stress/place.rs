//! A database of its own on the server of the tests, reached through a proxy, and what an onlooker sees and does in it.

use std::str::FromStr as _;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection};
use tokio::sync::Mutex;

use super::proxy::Proxy;
use crate::store::tests::server;
use crate::store::{Store, StoreError};

/// Notes each decision of a person with the claim before it, and what the workers do wrong: they must not claim a row
/// while the run is paused, or one whose number is suppressed.
const WATCH: &str = "\
    CREATE TABLE decision (row BIGINT, claim BIGINT); \
    CREATE TABLE wrong (what TEXT); \
    CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
        IF NEW.state = 1 AND (TG_OP = 'INSERT' OR NEW.claim > OLD.claim) THEN \
            IF EXISTS (SELECT 1 FROM run WHERE id = NEW.run AND paused_at IS NOT NULL) THEN \
                INSERT INTO wrong VALUES (format('row %s was claimed during a pause', NEW.id & 1099511627775)); \
            END IF; \
            IF EXISTS (SELECT 1 FROM recipient r JOIN suppression s ON s.phone = r.phone WHERE r.id = NEW.id) THEN \
                INSERT INTO wrong VALUES (format('row %s was claimed although its number is suppressed', NEW.id & 1099511627775)); \
            END IF; \
        END IF; \
        IF TG_OP = 'INSERT' THEN RETURN NULL; END IF; \
        IF NEW.requeues > OLD.requeues THEN INSERT INTO decision VALUES (NEW.id, NEW.claim); END IF; \
        IF OLD.state = 1 AND NEW.outcome = 9 AND NEW.error_code = 'interrupted' AND EXISTS (SELECT 1 FROM sender s JOIN process p ON p.id = s.process \
            WHERE s.worker = NEW.worker AND NOT p.ended) THEN \
            INSERT INTO wrong VALUES (format('row %s of a living worker is in doubt', NEW.id & 1099511627775)); \
        END IF; \
        RETURN NULL; \
    END $$; \
    CREATE TRIGGER watch AFTER INSERT OR UPDATE ON delivery FOR EACH ROW EXECUTE FUNCTION watch()";

pub(super) struct Place {
    database: String,
    schema: String,
    pub(super) proxy: Proxy,
    /// Not through the proxy, and never ended.
    pub(super) onlooker: Mutex<PgConnection>,
}

impl Place {
    /// Makes a database with an empty store; `None` where there is no server.
    pub(super) async fn empty(seed: u64) -> Option<Self> {
        let server = server::url()?;
        let database = format!("stress_{}_{:x}", std::process::id(), fastrand::u64(..));
        let options = PgConnectOptions::from_str(server).unwrap();
        let mut first = options.clone().connect().await.unwrap();
        let made = format!("CREATE DATABASE {database}");
        // Without the rule that prevents them, there are many deadlocks.
        let quick = format!("ALTER DATABASE {database} SET deadlock_timeout = '20ms'");
        for statement in [made, quick] {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut first).await.unwrap();
        }
        let schema = "campaigner".to_owned();
        let options = options.database(&database).options([("search_path", &schema)]);
        let onlooker = Mutex::new(options.connect().await.unwrap());
        let place = Self { database, schema, proxy: Proxy::start(server, seed), onlooker };
        place.open().await.unwrap().close().await.unwrap();
        sqlx::raw_sql(WATCH).execute(&mut *place.onlooker.lock().await).await.unwrap();
        Some(place)
    }

    /// Opens the store, as another process does.
    pub(super) async fn open(&self) -> Result<Store, StoreError> {
        let url = format!("{}/{}?schema={}", self.proxy.url, self.database, self.schema);
        let store = Store::open(url.parse::<crate::store::Location>().unwrap()).await?;
        store.stop_waiting();
        Ok(store)
    }

    /// Ends a process, as the others do that have not heard of it for a lease.
    pub(super) async fn end(&self, process: i64) {
        let ended = sqlx::query("UPDATE process SET ended = true WHERE id = $1").bind(process);
        ended.execute(&mut *self.onlooker.lock().await).await.unwrap();
    }

    /// Ends any session of the workers on the server.
    pub(super) async fn terminate(&self) {
        let any = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
            AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1";
        sqlx::raw_sql(any).execute(&mut *self.onlooker.lock().await).await.unwrap();
    }

    /// Removes the database.
    pub(super) async fn remove(self) {
        let mut last = PgConnectOptions::from_str(server::url().unwrap()).unwrap().connect().await.unwrap();
        let removed = AssertSqlSafe(format!("DROP DATABASE {} WITH (FORCE)", self.database));
        sqlx::raw_sql(removed).execute(&mut last).await.unwrap();
    }
}
