//! What the store was given is on disk when it answers: observed from outside, with `strace`.

use std::io::Write as _;
use std::process::Command;

use super::found::{TAKE_UP, send, step};
use super::op::{Op, SendResponse};
use super::world::World;

/// What the child writes whenever the store has answered.
const ANSWERED: &str = "answered";

/// What the test below runs as a separate process.
#[tokio::test]
#[ignore = "run by the test of what is synced"]
async fn a_run_that_is_watched() {
    let mut world = World::new(3, false).await.unwrap();
    let mut answered = std::fs::File::create(world.store.path().unwrap().with_file_name(ANSWERED)).unwrap();
    let ops = [
        TAKE_UP,
        step(0, 1),
        send(0, SendResponse::Accepted),
        Op::Webhook { message: 0, status: 0, named: false },
        step(0, 0),
        Op::Webhook { message: 0, status: 1, named: true },
        step(0, 1),
        send(0, SendResponse::Refused),
        step(0, 1),
        Op::Requeue { states: 1 },
        Op::Suppress { row: 0 },
        Op::Cancel,
        step(0, 0),
    ];
    for op in ops {
        world.apply(&op).await.unwrap();
        answered.write_all(b".").unwrap();
    }
}

/// Counts the writes that follow a commit, and those of them before which the log was not synced.
fn unsynced(trace: &str) -> (u32, u32) {
    let (mut sent, mut unsynced) = (0, 0);
    let mut is_dirty = false;
    // If another thread's call interrupts a call, the end of a sync counts, and the start of a write.
    let mut syncing = None;
    for line in trace.lines() {
        let (thread, call) = line.split_once(' ').unwrap();
        let call = call.trim_start();
        let is_sync = call.starts_with("fdatasync(") || call.starts_with("fsync(");
        if is_sync && call.contains("-wal>") {
            match call.contains("<unfinished") {
                true => syncing = Some(thread),
                false => is_dirty = false,
            }
        } else if call.contains("sync resumed>") && syncing == Some(thread) {
            is_dirty = false;
        } else if call.contains("write") && call.contains("-wal>") {
            is_dirty = true;
        } else if call.contains("write") && (call.contains("-mark>") || call.contains(&format!("/{ANSWERED}>"))) {
            sent += 1;
            unsynced += u32::from(is_dirty);
        }
    }
    (sent, unsynced)
}

#[test]
fn what_the_store_has_answered_is_synced() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let strace = |program: &std::path::Path, arguments: &[&str]| {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-y", "-s", "0", "-e", "trace=write,pwrite64,fsync,fdatasync", "-o"]).arg(&trace);
        strace.arg(program).args(arguments).output()
    };
    if !strace("true".as_ref(), &[]).is_ok_and(|done| done.status.success()) {
        let _ = writeln!(std::io::stderr(), "skipped: there is no strace here that works");
        return;
    }
    let test = "store::model_test::synced::a_run_that_is_watched";
    let done = strace(&std::env::current_exe().unwrap(), &["--exact", test, "--ignored"]).unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    let trace = std::fs::read_to_string(&trace).unwrap();
    let (sent, missing) = unsynced(&trace);
    assert!(sent > 13 && missing == 0, "{missing} of {sent} times the log was not synced");
    // Without the syncs this test fails.
    let without: String = trace.lines().filter(|line| !line.contains("sync")).flat_map(|line| [line, "\n"]).collect();
    assert!(unsynced(&without).1 > 10, "{:?}", unsynced(&without));
}
