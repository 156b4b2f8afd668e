//! The locks that SQLite has on the store stay as long as a process works with it: if one is dropped, another program that
//! looks at the store removes the log that is in use.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::support::scripted_provider::{Provider, Script};
use crate::support::template_server::{Lost, Office};
use crate::support::test_env::{Campaign, Running, Workplace, csv, wait_until};

const SOON: Duration = Duration::from_secs(30);

/// Whether a process holds SQLite's shared lock on a database file (<https://sqlite.org/src/file/src/os.h>: `SHARED_FIRST`).
fn is_locked(process: &Running, store: &Path) -> bool {
    const SHARED_FIRST: u64 = 0x4000_0002;
    let inode = std::fs::metadata(store).unwrap().ino();
    let id = process.id();
    std::fs::read_to_string("/proc/locks").unwrap().lines().any(|line| {
        // `1: POSIX  ADVISORY  READ  4711 fe:00:131 1073741826 1073742335`
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, "POSIX", _, _, process, file, from, _] = words[..] else { return false };
        process == id
            && file.rsplit(':').next() == Some(&inode.to_string())
            && from.parse().is_ok_and(|from: u64| from >= SHARED_FIRST)
    })
}

/// What another program does that makes a copy of a store, and is the last one to close it if nobody holds a lock.
fn another_program_backs_up(work: &Workplace) {
    let script = "import sqlite3\nwith sqlite3.connect('store.db') as a, sqlite3.connect('copy.db') as b: a.backup(b)";
    let done = std::process::Command::new("python3").args(["-c", script]).current_dir(work.path(".")).status().unwrap();
    assert!(done.success());
}

#[test]
fn a_campaign_with_a_pulled_template_that_comes_due_leaves_the_locks_of_a_service_alone() {
    let office = Office::new("cams", Lost::Nothing);
    let at =
        |seconds| (Timestamp::now() + SignedDuration::from_secs(seconds)).strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let body = "components: [{type: body, parameters: [{type: text, parameter_name: first_name, text: \"{{ first_name }}\"}]}, \
                {type: button, sub_type: url, index: \"1\", parameters: [{type: text, text: spring}]}]";
    let campaign = |name: &str, definition: &str, seconds| {
        format!(
            "name: {name}\nprovider: incs\nchannel: whatsapp\n{definition}recipients: {{csv: list.csv, to: phone}}\n\
             message: {{type: template, template: {{name: spring_sale, {body}}}}}\ndispatch: {{rate: 5/s}}\n\
             schedule: {{at: {}, timezone: UTC}}\n",
            at(seconds)
        )
    };
    let work = &office.work;
    work.write("list.csv", csv(60));
    office.right(&["create", "sale.yaml"]);
    office.approve("spring_sale");
    office.right(&["pull"]);
    std::fs::create_dir(work.path("due")).unwrap();
    std::fs::rename(work.path("list.csv"), work.path("due/list.csv")).unwrap();
    work.write("due/first.yaml", campaign("first", "", 0));
    work.write("due/later.yaml", campaign("later", "definition: {from: cams}\n", 6));
    let variables: Vec<(&str, &str)> = office.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let service = work.start_with(&variables, &["serve", "due", "--no-http"]);
    assert!(wait_until(SOON, || office.sent() >= 2), "{}", service.said());
    let store = work.path("store.db");
    assert!(is_locked(&service, &store));
    assert!(wait_until(SOON, || work.alone(&["status", "later-1"]).code == 0), "{}", service.said());
    assert!(is_locked(&service, &store), "{}", service.said());
    another_program_backs_up(work);
    assert!(work.path("store.db-wal").exists() && is_locked(&service, &store));
    service.terminate();
    assert_eq!(service.wait().code, 0);
    for run in ["first-1", "later-1"] {
        work.verify(run);
    }
}

#[test]
fn whatever_looks_at_the_store_leaves_the_locks_of_a_run_alone() {
    let provider = Provider::start(Script { latency: Duration::from_millis(20), ..Script::default() });
    let work = Workplace::with(&Campaign { rate: "40/s", ..Campaign::default() }, &csv(300));
    let run = work.start(&provider, &["run", "job.yaml"]);
    assert!(wait_until(SOON, || provider.sends() >= 5));
    let store = work.path("store.db");
    for look in [&["status"][..], &["verify"], &["report"], &["check", "job.yaml"], &["schedule", "list"]] {
        work.alone(look);
        assert!(is_locked(&run, &store), "{look:?}");
    }
    another_program_backs_up(&work);
    assert!(work.path("store.db-wal").exists() && is_locked(&run, &store));
    // A list that is the store itself is not opened at all.
    work.write(
        "self.yaml",
        Campaign { name: "self", recipients: "{csv: store.db, to: phone}".into(), ..Campaign::default() }.yaml(),
    );
    let refused = work.run(&provider, &["run", "self.yaml"]);
    assert!(refused.code == 2 && refused.err.contains("is the store; choose another file"), "{refused}");
    run.kill();
}
