//! Tests of SQLite itself: its files and locks, what `verify` finds in a broken store, and that frequent statements
//! find their rows by an index.

mod full_disk; // a disk that was full
mod problems; // what the columns of problems hold

use std::path::Path;
use std::time::Duration;

use sqlx::{Connection as _, Row as _};

use super::connection::connect;
use super::files::FileId;
use super::mark;
use crate::model::{DeliveryStatus, RowNumber, State, StatusUpdate};
use crate::store::dispatch::{advance, claims, outcomes, waiting_rows};
use crate::store::reports::find;
use crate::store::statuses::{polls, references, webhooks};
use crate::store::tests::fixture::*;
use crate::store::tests::{Place as _, SqliteFile};
use crate::store::{Location, RequeueFilter, Stage, Store, Verdict, WebhookBatch, Which};

#[test]
fn what_belongs_to_a_store_is_known_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let owns = |store: &str, name: &str| Store::owns(&Location::File(at(store)), &at(name));
    std::fs::write(at("s.db"), "").unwrap();
    std::os::unix::fs::symlink("s.db", at("link")).unwrap();
    for name in ["s.db", "s.db-wal", "s.db-shm", "s.db-mark", "s.db.job-1.lock", "s.db.job.quota.lock", "link"] {
        assert!(owns("s.db", name) && owns("link", name), "{name}");
    }
    for name in ["s.csv", "s.db.csv", "other.db", "elsewhere/s.db-wal"] {
        assert!(!owns("s.db", name), "{name}");
    }
}

/// Returns the locks of this process on a file, as the system knows them.
#[cfg(target_os = "linux")]
fn locks(path: &Path) -> Vec<String> {
    let inode = FileId::of(path).unwrap().kept();
    let mine = format!(" {} ", std::process::id());
    let locks = std::fs::read_to_string("/proc/locks").unwrap();
    let mut locks: Vec<String> = locks
        .lines()
        .filter(|line| line.contains("POSIX") && line.contains(&mine) && line.contains(&format!(":{inode} ")))
        .filter_map(|line| Some(line.split_once(": ")?.1.to_owned()))
        .collect();
    locks.sort();
    // A file that changes while it is read may repeat a line.
    locks.dedup();
    locks
}

/// Closing a file drops all locks that the process has on it. So nothing here may open the database file by hand while
/// a connection is open.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn nothing_that_touches_the_store_drops_its_locks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let store = Store::open(&path).await.unwrap();
    store.suppress(&[crate::model::Phone::from_u64(85_264_000_001)], None, crate::model::Millis(1)).await.unwrap();
    let before = locks(&path);
    assert!(!before.is_empty(), "SQLite has a lock as long as a connection is open");
    let run: crate::model::RunId = "job-1".parse().unwrap();
    drop(Store::open(&path).await.unwrap());
    assert_eq!(locks(&path), before, "open");
    drop(Store::open_existing(&path).await.unwrap());
    assert_eq!(locks(&path), before, "open_existing");
    store.may_send(false).await.unwrap();
    assert_eq!(locks(&path), before, "may_send");
    store.may_send(true).await.unwrap();
    drop(store.lock(&run).await.unwrap());
    drop(store.lock_quota("job").await.unwrap());
    assert_eq!(locks(&path), before, "locks of runs");
    assert!(store.is_in_place().is_ok() && store.is_file(&path));
    drop(store.listing("job").await.unwrap().unwrap());
    let _ = store.runs(9).await.unwrap();
    assert_eq!(locks(&path), before, "readers");
    mark::renew(&path, store.write().await.unwrap().connection().sqlite()).await.unwrap();
    let other = connect(&path).await.unwrap();
    store.checkpoint().await.unwrap();
    assert_eq!(locks(&path), before, "checkpoint");
    other.close().await.unwrap();
}

/// Creates a run with every kind of row: 1 accepted at once, 2 refused at the second attempt, 3 accepted again after it
/// had failed, 4 settled as sent by a person, 5 waits, 6 is in flight, 7 was never claimed, 8 is invalid.
async fn of_every_kind() -> (Fixture<SqliteFile>, Worker) {
    let f = Fixture::at(SqliteFile::empty().await.unwrap()).await;
    let mut rows: Vec<_> = (1..=8).map(planned).collect();
    rows[7] = invalid(8);
    let w = f.run_with("sale", &rows).await;
    w.send(|claim| accepted(claim, "m1")).await;
    w.send(|claim| again(claim, NOW)).await;
    w.send(rejected).await;
    w.send(|claim| accepted(claim, "m3")).await;
    let status = DeliveryStatus::Failed;
    let failed = StatusUpdate {
        message_id: "m3".into(),
        status,
        delivered_at: None,
        read_at: None,
        problem: None,
        reference: None,
    };
    f.store.save_webhooks(&WebhookBatch { statuses: vec![failed], ..WebhookBatch::default() }, NOW).await.unwrap();
    f.store.requeue(w.owner, &w.now().await, &RequeueFilter::in_states(&[State::Failed]), true, NOW).await.unwrap();
    w.send(|claim| accepted(claim, "n3")).await;
    w.send(doubted).await;
    f.store.resolve_uncertain(w.owner, Which::All, Verdict::Sent, "Ana", NOW).await.unwrap();
    w.send(|claim| again(claim, at(60))).await;
    w.claim_one().await;
    w.check().await;
    (f, w)
}

/// Returns the rules that are broken after a statement.
async fn broken_by(statement: &str) -> Vec<(&'static str, u64)> {
    let (f, w) = of_every_kind().await;
    let mut writer = f.store.write().await.unwrap();
    let statement = format!("PRAGMA ignore_check_constraints = ON; {statement}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(writer.connection().sqlite()).await.unwrap();
    drop(writer);
    w.broken().await.into_iter().map(|finding| (finding.rule, finding.broken)).collect()
}

#[tokio::test]
async fn whatever_is_broken_in_a_store_is_found() {
    let file = "the file is intact";
    let sum = "the state counts add up to the number of rows read";
    let numbered = "rows are numbered from 1 without gaps, and there are as many as were read";
    let counts = "the counts saved by the import match the rows";
    let sendable = "every row to be sent has a number, and every other row has a reason";
    let claimed = "only rows to be sent were claimed";
    let passed_over = "no row was skipped: all rows up to the last claimed one were claimed";
    let message = "every accepted row has a message id or a person's decision, and no other row has a message id";
    let decision = "every decision by a person is about a row that was sent";
    let id_twice = "every message id is unique";
    let stray = "every past attempt belongs to a row that was claimed again, or will be";
    let attempts = "every attempt of every row is recorded exactly once";
    let twice = "no row was accepted twice without permission to resend it";
    let known = "no row is pending or uncertain after one of its attempts was accepted";
    let in_flight = "every row that is being sent has a claim";
    let waits =
        "every pending row has a time for its next attempt, and no row in a final state is due for a status request";
    let fits = "the times and the problem of an accepted row match its state";
    let row = |change: &str, row: u32| format!("UPDATE delivery SET {change} WHERE id = (1 << 40) + {row}");
    for (statement, expected) in [
        ("SELECT 1".to_owned(), vec![]),
        // The list.
        ("DELETE FROM recipient WHERE id = (1 << 40) + 7".into(), vec![(numbered, 2)]),
        ("UPDATE recipient SET id = id + 1 WHERE id = (1 << 40) + 8".into(), vec![(numbered, 1)]),
        ("UPDATE recipient SET state = 11 WHERE id = (1 << 40) + 8".into(), vec![(counts, 2)]),
        ("UPDATE recipient SET phone = NULL WHERE id = (1 << 40) + 7".into(), vec![(sendable, 1)]),
        ("UPDATE recipient SET error_code = NULL WHERE id = (1 << 40) + 8".into(), vec![(sendable, 1)]),
        ("UPDATE run SET rows = 9".into(), vec![(numbered, 1)]),
        // Claims.
        (
            "INSERT INTO delivery (id, run, state) VALUES ((1 << 40) + 9, 1, 7), ((1 << 40) + 10, 1, 7)".into(),
            vec![(sum, 1), (claimed, 2)],
        ),
        (row("state = 77", 2), vec![(sum, 1)]),
        ("INSERT INTO delivery (id, run, state) VALUES ((1 << 40) + 8, 1, 7)".into(), vec![(claimed, 1)]),
        ("UPDATE progress SET next_row = next_row + 1".into(), vec![(passed_over, 1)]),
        ("DELETE FROM delivery WHERE id = (1 << 40) + 5".into(), vec![(passed_over, 1)]),
        (row("outcome = 7", 6), vec![(file, 1), (attempts, 1), (in_flight, 1)]),
        (row("worker = NULL", 6), vec![(file, 1), (in_flight, 1)]),
        (row("next_attempt_at = NULL", 5), vec![(file, 1), (waits, 1)]),
        (row("next_attempt_at = 9", 2), vec![(file, 1), (waits, 1)]),
        // Messages.
        (row("message_id = NULL", 1), vec![(message, 1)]),
        (row("message_id = ''", 1), vec![(message, 1)]),
        (row("message_id = 'm'", 2), vec![(message, 1)]),
        (row("message_id = 'm1'", 3), vec![(id_twice, 1)]),
        (row("message_id = 'm3'", 3), vec![(id_twice, 1)]),
        ("DELETE FROM resolution".into(), vec![(message, 1)]),
        (row("in_doubt = 1", 4), vec![(message, 1)]),
        ("UPDATE resolution SET state = 7".into(), vec![(message, 1), (decision, 1)]),
        ("UPDATE resolution SET row = row + 3".into(), vec![(message, 1), (decision, 1)]),
        // Attempts.
        ("DELETE FROM past_attempt".into(), vec![(attempts, 3)]),
        ("DELETE FROM past_attempt WHERE message_id IS NOT NULL".into(), vec![(attempts, 1)]),
        ("UPDATE past_attempt SET row = row + 4 WHERE message_id IS NOT NULL".into(), vec![(stray, 1), (attempts, 1)]),
        ("UPDATE past_attempt SET claim = claim + 2".into(), vec![(stray, 3)]),
        (row("requeues = 0", 3), vec![(twice, 1)]),
        (row("attempts = 2", 1), vec![(attempts, 1)]),
        (
            "UPDATE past_attempt SET row = (1 << 40) + 5 WHERE message_id IS NOT NULL; \
          UPDATE past_attempt SET outcome = 4 WHERE message_id IS NOT NULL; \
          UPDATE delivery SET attempts = attempts + (id & 15 = 5) - (id & 15 = 3)"
                .into(),
            vec![(stray, 0), (known, 1)],
        ),
        // Statuses.
        (row("state = 3, delivered_at = 9", 1), vec![(fits, 1)]),
        (row("state = 4, delivered_at = 9, read_at = 9", 1), vec![(fits, 1)]),
        (row("state = 6, error_code = 'x', delivered_at = 9, next_poll_at = NULL", 1), vec![(file, 1), (fits, 1)]),
        (row("state = 6, next_poll_at = NULL", 1), vec![(fits, 1)]),
        (row("error_code = 'x', next_poll_at = NULL", 1), vec![(fits, 1)]),
        (row("state = 4, error_code = 'x'", 1), vec![(waits, 1)]),
        (row("state = 5", 1), vec![(file, 1), (waits, 1)]),
        // What is consistent.
        (row("state = 5, delivered_at = 9, read_at = 9, error_code = 'x', next_poll_at = NULL", 1), vec![]),
        (row("state = 4, delivered_at = 9, error_code = 'x', next_poll_at = NULL", 1), vec![]),
        (row("state = 6, error_code = 'x', next_poll_at = NULL", 1), vec![]),
    ] {
        let expected: Vec<_> = expected.into_iter().filter(|(_, broken)| *broken > 0).collect();
        assert_eq!(broken_by(&statement).await, expected, "{statement}");
    }
}

/// Returns how SQLite finds the rows of a statement.
async fn plan(store: &Store, statement: &str) -> String {
    let explained = sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")));
    let mut reader = store.readers.acquire().await.unwrap();
    let rows = explained.bind("[]").bind(1).bind(1).bind(1).fetch_all(reader.sqlite()).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>(3) + "\n").collect()
}

/// Rows are found by run and state through partial indexes, never by reading a run's range of keys.
#[tokio::test]
async fn what_is_due_in_flight_or_awaited_is_found_by_its_index() {
    let f = Fixture::at(SqliteFile::empty().await.unwrap()).await;
    for (statement, by) in [
        (claims::DUE, "USING INDEX delivery_due (run=? AND next_attempt_at<?)"),
        (waiting_rows::NEXT_DUE, "USING INDEX delivery_due (run=?"),
        (advance::CLAIMS, "USING INDEX delivery_sending (run=?)"),
        (polls::DUE_POLLS, "USING INDEX delivery_poll (run=? AND next_poll_at<?)"),
        (polls::NEXT_POLL, "USING COVERING INDEX delivery_poll (run=? AND next_poll_at>?)"),
    ] {
        let plan = plan(&f.store, statement).await;
        assert!(plan.contains(by), "{plan}");
        assert!(!plan.contains("SCAN delivery") && !plan.contains("SCAN d\n") && !plan.contains("rowid>"), "{plan}");
    }
    // In the order in which they are needed, so that a limit bounds what is read.
    for statement in [claims::DUE, claims::NEW, polls::DUE_POLLS] {
        let plan = plan(&f.store, statement).await;
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
}

#[tokio::test]
async fn what_an_outcome_or_a_status_is_about_is_found_by_its_key_or_id() {
    let f = Fixture::at(SqliteFile::empty().await.unwrap()).await;
    f.store.index_message_ids().await.unwrap();
    let by_key = "delivery USING INTEGER PRIMARY KEY (rowid=?)";
    for (statement, by) in [
        (outcomes::RECORD, by_key),
        (polls::BY_KEY, "d USING INTEGER PRIMARY KEY (rowid=?)"),
        (polls::PAST_BY_KEY, "p USING PRIMARY KEY (row=?)"),
        (polls::BY_MESSAGE_ID, "delivery_message_id (message_id=?)"),
        (polls::PAST_BY_MESSAGE_ID, "past_attempt_message_id (message_id=?)"),
        (webhooks::ANY_KNOWN, "delivery_message_id (message_id=?)"),
        (webhooks::EARLY_KNOWN, "delivery_message_id (message_id=?)"),
        (webhooks::TIE, "delivery_message_id (message_id=?)"),
        (webhooks::ANY_KNOWN, "past_attempt_message_id (message_id=?)"),
        (webhooks::EARLY_KNOWN, "past_attempt_message_id (message_id=?)"),
        (webhooks::TIE, "past_attempt_message_id (message_id=?)"),
        (webhooks::TIE, "reply USING INDEX reply_loose (received_at>?)"),
        (webhooks::EARLY_OF, "sqlite_autoindex_early_status_1 (message_id=?)"),
        (webhooks::EARLY_OF_ATTEMPTS, "early_status_attempt (row=? AND claim=?)"),
        (references::LATEST, "d USING INTEGER PRIMARY KEY (rowid=?)"),
        (references::PAST, "p USING PRIMARY KEY (row=? AND claim=?)"),
    ] {
        let plan = plan(&f.store, statement).await;
        assert!(plan.contains(by), "{by}\n{plan}");
        let scanned = ["SCAN delivery", "SCAN d\n", "SCAN p\n", "SCAN past_attempt", "SCAN reply"];
        assert!(scanned.iter().all(|scanned| !plan.contains(scanned)), "{plan}");
    }
}

/// However many runs there are: one lookup in each stretch of rows, and no indexed run is read.
#[tokio::test]
async fn a_number_is_found_by_its_stretches() {
    let f = Fixture::at(SqliteFile::empty().await.unwrap()).await;
    for (statement, by) in [
        (find::IN_STRETCHES, "SEARCH n USING PRIMARY KEY (stretch=? AND phone=?)"),
        (find::IN_STRETCHES, "SEARCH n USING PRIMARY KEY (stretch>?)"),
        (find::NOT_IN_STRETCHES, "SEARCH r USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
        (find::NOT_IN_STRETCHES, "SEARCH number USING PRIMARY KEY (stretch>? AND stretch<?)"),
        (find::NEXT_STRETCH, "SEARCH recipient USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
    ] {
        let plan = plan(&f.store, statement).await;
        assert!(plan.contains(by), "{plan}");
        assert!(!plan.contains("SCAN number") && !plan.contains("SCAN recipient"), "{plan}");
    }
}

/// Many others may pass a process that waits for the write lock.
#[tokio::test]
async fn a_run_that_begins_while_rows_are_requeued_does_not_message_the_same_people() {
    let f = Fixture::at(SqliteFile::empty().await.unwrap()).await;
    let w = f.run("job", 3).await;
    w.settle(w.claim(9).await.iter().map(|attempt| rejected(&attempt.claim))).await;
    let mut holder = connect(w.store.path().unwrap()).await.unwrap();
    let lock = holder.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let requeueing = tokio::spawn({
        let (w, run) = (w.clone(), w.now().await);
        async move { w.store.requeue(w.owner, &run, &RequeueFilter::in_states(&[State::Rejected]), false, NOW).await }
    });
    // By now it has read all existing runs.
    tokio::time::sleep(Duration::from_millis(300)).await;
    lock.rollback().await.unwrap();
    let next = f.one_more("job", 3).await;
    let requeued = requeueing.await.unwrap();
    let (again, new) = (w.claim(9).await, next.claim(9).await);
    assert_eq!(again.len() + new.len(), 3, "{requeued:?}: of everyone once");
}

/// Two retries at once, of two runs that are both still being sent.
#[tokio::test]
async fn two_runs_of_a_name_that_are_requeued_at_once_do_not_message_the_same_people() {
    let f = Fixture::at(SqliteFile::empty().await.unwrap()).await;
    let reject = async |w: &Worker, rows| {
        w.settle(w.claim(rows).await.iter().map(|attempt| rejected(&attempt.claim))).await;
    };
    let requeue = async |w: Worker, everyone| {
        let run = w.now().await;
        w.store.requeue(w.owner, &run, &RequeueFilter::in_states(&[State::Rejected]), everyone, NOW).await
    };
    let one = f.run("job", 3).await;
    reject(&one, 3).await;
    one.store.reach(one.run, Stage::Dispatched, NOW).await.unwrap();
    let two = f.one_more("job", 4).await;
    reject(&two, 3).await;
    requeue(one.clone(), true).await.unwrap();
    reject(&one, 2).await;
    let mut holder = connect(one.store.path().unwrap()).await.unwrap();
    let lock = holder.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let first = tokio::spawn(requeue(one.clone(), false));
    // By now it has read whom the other run is about to message.
    tokio::time::sleep(Duration::from_millis(300)).await;
    lock.rollback().await.unwrap();
    let requeued = (requeue(two.clone(), false).await, first.await.unwrap());
    let waiting =
        one.states().await.iter().chain(&two.states().await).filter(|state| **state == State::Pending).count();
    assert_eq!(waiting, 4, "{requeued:?}: everyone once");
}
