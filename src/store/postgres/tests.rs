//! How PostgreSQL finds the rows of each statement, as the product runs it: with its settings, and the generic plan
//! that its connection has cached.

use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, Row as _};

use crate::model::{DeliveryStatus, Millis, Problem, Reference, Reply, State, StatusUpdate};
use crate::store::sql::DbConnection;
use crate::store::tests::fixture::*;
use crate::store::tests::{Place as _, PostgresSchema};
use crate::store::*;

/// The tables that grow with the number of messages.
const LARGE: [&str; 4] = ["recipient", "delivery", "past_attempt", "early_status"];

fn postgres<'c>(connection: &'c mut DbConnection<'_>) -> &'c mut PgConnection {
    match connection {
        DbConnection::Postgres(held) => held,
        DbConnection::Sqlite(_) => unreachable!("it is on a server"),
    }
}

/// Returns the plans of the statements that a connection has prepared, as it runs them.
async fn plans(connection: &mut PgConnection) -> Vec<(String, Value)> {
    let prepared = "SELECT name, statement, cardinality(parameter_types) FROM pg_prepared_statements";
    let mut plans = Vec::new();
    for row in connection.fetch_all(sqlx::raw_sql(prepared)).await.unwrap() {
        let (name, statement, parameters): (String, String, i32) = (row.get(0), row.get(1), row.get(2));
        let nulls = vec!["NULL"; usize::try_from(parameters).unwrap()].join(", ");
        let nulls = if nulls.is_empty() { nulls } else { format!("({nulls})") };
        let explained = AssertSqlSafe(format!("EXPLAIN (FORMAT JSON) EXECUTE {name}{nulls}"));
        let plan = connection.fetch_one(sqlx::raw_sql(explained)).await.unwrap();
        let plan: Vec<Value> = serde_json::from_str(&plan.get_unchecked::<String, _>(0)).unwrap();
        plans.push((statement, plan[0]["Plan"].clone()));
    }
    plans
}

/// Collects the parts of a plan that read a large table otherwise than by a condition on an index, or join by reading
/// whole tables.
fn faults(plan: &Value, found: &mut Vec<String>) {
    let text = |name: &str| plan[name].as_str().unwrap_or_default();
    let (kind, table, index) = (text("Node Type"), text("Relation Name"), text("Index Name"));
    let is_scan = LARGE.contains(&table) && kind != "ModifyTable";
    let is_found = kind.starts_with("Index") && !text("Index Cond").is_empty();
    // Whether there is any, which reads one.
    let is_any = text("Parent Relationship") == "InitPlan" && text("Filter").is_empty();
    if is_scan && !is_found && !is_any || ["Hash Join", "Merge Join"].contains(&kind) {
        found.push(format!("{kind} on {table} by {index}, with the filter {}", text("Filter")));
    }
    plan["Plans"].as_array().into_iter().flatten().for_each(|part| faults(part, found));
}

/// Returns the statements that a connection has prepared and that read too much, and the number of all.
async fn bad_plans(connection: &mut DbConnection<'_>) -> (Vec<String>, usize) {
    let all = plans(postgres(connection)).await;
    let bad = all.iter().filter_map(|(statement, plan)| {
        let mut found = Vec::new();
        faults(plan, &mut found);
        (!found.is_empty()).then(|| format!("{statement}\n  {}\n", found.join("\n  ")))
    });
    (bad.collect(), all.len())
}

fn status(message_id: &str, reference: Option<Reference>) -> StatusUpdate {
    StatusUpdate {
        message_id: message_id.into(),
        status: DeliveryStatus::from_word("sent"),
        delivered_at: None,
        read_at: None,
        problem: None,
        reference,
    }
}

/// Does everything that a worker, a receiver of webhooks and an operator do while a run is being sent.
async fn work(w: &Worker, name: &str) {
    let s = &w.store;
    let lock = s.lock(&w.id).await.unwrap();
    let w = w.next().await;
    let rate = (std::num::NonZeroU32::new(1_000_000).unwrap(), std::time::Duration::from_secs(1));
    s.use_account(w.owner, "account", rate).await.unwrap();
    s.taken_since(name, None, NOW).await.unwrap();
    s.take_slot("account", rate).await.unwrap();
    s.slow_down("account").await.unwrap();
    s.suppress(&[phone(3)], None, NOW).await.unwrap();
    let claims = w.claim(9).await;
    assert_eq!(claims.len(), 8);
    let claim = |n: usize| claims[n].claim;
    let message = |n: usize| format!("{name} {n}");
    w.settle([
        accepted(&claim(0), &message(0)),
        rejected(&claim(1)),
        again(&claim(2), NOW),
        doubted(&claim(3)),
        released(&claim(4), NOW),
        interrupted(&claim(5)),
    ])
    .await;
    // One comes too late, and one twice.
    w.settle([accepted(&claim(5), &message(5)), rejected(&claim(1)), accepted(&claim(6), &message(6))]).await;
    let key = s.reference_key(w.owner.worker).await.unwrap();
    let reference = |n: usize| Some(key.sign(w.run, claim(n).key.row(), claim(n).number));
    let statuses = vec![
        status(&message(0), None),
        status(&message(3), reference(3)),
        status("unknown", None),
        status(&format!("{name} again 5"), None),
    ];
    s.save_webhooks(&WebhookBatch { statuses, ..WebhookBatch::default() }, NOW).await.unwrap();
    let reply = |of: String| Reply {
        id: format!("reply to {of}"),
        from: None,
        user: None,
        parent: None,
        answers: Some(of),
        at: NOW,
        kind: "text".into(),
        choice: None,
        title: None,
        text: None,
    };
    let replies = vec![(reply(message(0)), None), (reply(format!("{name} again 5")), None)];
    s.save_webhooks(&WebhookBatch { replies, ..WebhookBatch::default() }, NOW).await.unwrap();
    let due = s.due_rows(w.owner, false, NOW, 1).await.unwrap();
    let deferrals = due
        .iter()
        .map(|row| Deferral { key: row.claim.key, state: State::Pending, next_attempt_at: Some(NOW), cause: None })
        .collect();
    w.step(Step { deferrals, now: NOW, ..Step::default() }).await;
    let again = w.claim(2).await;
    w.settle(
        again.iter().map(|attempt| accepted(&attempt.claim, &format!("{name} again {}", attempt.claim.key.row()))),
    )
    .await;
    // Statuses of rows and past attempts, and one before its outcome is known.
    let early = vec![status(&message(7), reference(7)), status(&message(2), reference(2))];
    s.save_webhooks(&WebhookBatch { statuses: early, ..WebhookBatch::default() }, NOW).await.unwrap();
    w.settle([doubted(&claim(7))]).await;
    s.match_early(Millis(0), NOW).await.unwrap();
    for due in s.due_polls(w.run, at(9_999_999), 2).await.unwrap() {
        let Awaiting { key, message_id, .. } = due;
        let update = Some(status(&message_id, None));
        let polled = Polled { key, message_id, update, polled_at: NOW, next_poll_at: Some(at(100)) };
        s.record_polls(w.run, &[polled.clone(), Polled { message_id: "other".into(), ..polled }]).await.unwrap();
    }
    s.next_poll(w.run, NOW).await.unwrap();
    s.next_due(w.owner, false).await.unwrap();
    s.claims(w.owner, true).await.unwrap();
    s.claims(w.owner, false).await.unwrap();
    s.has_orphans(w.owner).await.unwrap();
    s.others_are_sending(w.owner).await.unwrap();
    s.in_flight(w.run).await.unwrap();
    s.waits_until(w.run, NOW).await.unwrap();
    s.workers().await.unwrap();
    s.orders(w.run).await.unwrap();
    s.halt(w.run, &Problem::new("1", "stopped")).await.unwrap();
    s.halted(w.run).await.unwrap();
    s.record_stop(w.owner, None, NOW).await.unwrap();
    s.reach(w.run, Stage::Dispatched, NOW).await.unwrap();
    s.drop_early(Millis(1)).await.unwrap();
    s.give_up_statuses(w.run, std::time::Duration::from_secs(99), NOW).await.unwrap();
    s.unsuppress(&[phone(3)]).await.unwrap();
    drop(lock);
}

/// Returns statements that add what a store has after a while: a run that is over, with this many rows.
fn grown(run: u32, rows: u32) -> String {
    format!(
        "INSERT INTO recipient (id, line, state, phone, cells) SELECT ({run}::bigint << 40) + i, i, 0, i, '[]' \
           FROM generate_series(1, {rows}) i; \
         INSERT INTO delivery (id, run, state, claim, worker, started_at, ended_at, outcome, attempts, message_id, next_poll_at) \
           SELECT ({run}::bigint << 40) + i, {run}, 2, 1, 1, 1, 1, 2, 1, 'grown {run} ' || i, 1 FROM generate_series(1, {rows}) i; \
         INSERT INTO past_attempt (row, claim, worker, started_at, ended_at, outcome) \
           SELECT ({run}::bigint << 40) + i, 0, 1, 1, 1, 0 FROM generate_series(1, {rows}) i; \
         INSERT INTO early_status (message_id, status, error_code, received_at) \
           SELECT 'early {run} ' || i, 'sent', '', 1 FROM generate_series(1, {rows}) i"
    )
}

/// A plan may be made while the tables are small or grown, and with statistics or without. It is kept while they grow.
#[tokio::test]
async fn no_statement_reads_a_whole_table() {
    let Some(place) = PostgresSchema::empty().await else { return };
    let f = Fixture::at(place).await;
    let mut other = f.store.separate().await.unwrap();
    let mut run = async |statements: String| {
        postgres(&mut other).execute(sqlx::raw_sql(AssertSqlSafe(statements))).await.unwrap();
    };
    for table in LARGE {
        run(format!("ALTER TABLE {table} SET (autovacuum_enabled = off)")).await;
    }
    // Where the server does it by itself, that is after 50 changes.
    let small = grown(901, 60) + "; ANALYZE";
    let cases = [("new", ""), ("small", &small), ("grown", &grown(902, 20_000)), ("known", "ANALYZE")];
    for (name, before) in cases {
        run(before.to_owned()).await;
        let store = f.reopened().await;
        let w = f.run(name, 20).await;
        work(&Worker { store: store.clone(), ..w }, name).await;
        let mut readers = [store.readers.acquire().await.unwrap(), store.readers.acquire().await.unwrap()];
        let mut writer = store.write().await.unwrap();
        let mut statements = 0;
        for connection in readers.iter_mut().chain([writer.connection()]) {
            let (bad, all) = bad_plans(connection).await;
            assert!(bad.is_empty(), "{name}: {}", bad.concat());
            statements += all;
        }
        assert!(statements > 70, "{statements}");
    }
    // Without any one of these, something reads too much.
    let made = |index: &&str| {
        index.starts_with("CREATE INDEX") && LARGE.iter().any(|table| index.contains(&format!(" ON {table} ")))
    };
    let indexes: Vec<&str> = include_str!("schema.sql").split_inclusive(';').map(str::trim).filter(made).collect();
    assert_eq!(indexes.len(), 8, "{indexes:?}");
    let w = f.run("without", 20).await;
    work(&w, "without").await;
    let mut writer = f.store.write().await.unwrap();
    for index in indexes {
        let name = index.split(' ').nth(2).unwrap();
        let dropped = AssertSqlSafe(format!("BEGIN; DROP INDEX {name}"));
        postgres(writer.connection()).execute(sqlx::raw_sql(dropped)).await.unwrap();
        assert!(!bad_plans(writer.connection()).await.0.is_empty(), "without {name}");
        writer.connection().command("ROLLBACK").await.unwrap();
    }
}
