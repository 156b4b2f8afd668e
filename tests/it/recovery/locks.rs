//! SQLite's locks on the store stay as long as a process works with it. If one is dropped, another program that opens
//! the store removes the log that is in use.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::support::campaign::schedule;
use crate::support::template_server::{Lost, TemplateServer};
use crate::support::{CampaignFile, Running, SOON, ScriptedProvider, TestEnv, csv, wait_until};

/// Whether a process holds SQLite's shared lock on a database file (<https://sqlite.org/src/file/src/os.h>:
/// `SHARED_FIRST`).
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
fn another_program_backs_up(env: &TestEnv) {
    let script = "import sqlite3\nwith sqlite3.connect('store.db') as a, sqlite3.connect('copy.db') as b: a.backup(b)";
    let done = std::process::Command::new("python3").args(["-c", script]).current_dir(env.path(".")).status().unwrap();
    assert!(done.success());
}

#[test]
fn a_campaign_with_a_pulled_template_that_comes_due_leaves_the_locks_of_a_service_alone() {
    let server = TemplateServer::new("cams", Lost::Nothing);
    let body = "components: [{type: body, parameters: [{type: text, parameter_name: first_name, text: \"{{ first_name }}\"}]}, \
                {type: button, sub_type: url, index: \"1\", parameters: [{type: text, text: spring}]}]";
    let campaign = |name: &str, definition: &str, seconds| {
        format!(
            "name: {name}\nprovider: incs\nchannel: whatsapp\n{definition}recipients: {{csv: list.csv, to: phone}}\n\
             message: {{type: template, template: {{name: spring_sale, {body}}}}}\ndispatch: {{rate: 5/s}}\n\
             {}",
            schedule(seconds, "")
        )
    };
    let env = &server.env;
    env.write("list.csv", csv(60));
    server.succeeds(&["create", "sale.yaml"]);
    server.approve("spring_sale");
    server.succeeds(&["pull"]);
    std::fs::create_dir(env.path("due")).unwrap();
    std::fs::rename(env.path("list.csv"), env.path("due/list.csv")).unwrap();
    env.write("due/first.yaml", campaign("first", "", 0));
    env.write("due/later.yaml", campaign("later", "definition: {from: cams}\n", 6));
    let variables: Vec<(&str, &str)> = server.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let service = env.start_with(&variables, &["serve", "due", "--no-http"]);
    assert!(wait_until(SOON, || server.sent() >= 2), "{}", service.stderr());
    let store = env.path("store.db");
    assert!(is_locked(&service, &store));
    assert!(wait_until(SOON, || env.run_offline(&["status", "later-1"]).code == 0), "{}", service.stderr());
    assert!(is_locked(&service, &store), "{}", service.stderr());
    another_program_backs_up(env);
    assert!(env.path("store.db-wal").exists() && is_locked(&service, &store));
    assert_eq!(service.stop().code, 0);
    for run in ["first-1", "later-1"] {
        env.verify(run);
    }
}

#[test]
fn whatever_looks_at_the_store_leaves_the_locks_of_a_run_alone() {
    let provider = ScriptedProvider::slow(20);
    let env = TestEnv::with(&CampaignFile { rate: "40/s", ..CampaignFile::default() }, &csv(300));
    let run = env.start(&provider, &["run", "job.yaml"]);
    provider.wait_for_sends(5);
    let store = env.path("store.db");
    for look in [&["status"][..], &["verify"], &["report"], &["check", "job.yaml"], &["schedule", "list"]] {
        env.run_offline(look);
        assert!(is_locked(&run, &store), "{look:?}");
    }
    another_program_backs_up(&env);
    assert!(env.path("store.db-wal").exists() && is_locked(&run, &store));
    // A list that is the store itself is not opened at all.
    env.write(
        "self.yaml",
        CampaignFile { name: "self", recipients: "{csv: store.db, to: phone}".into(), ..CampaignFile::default() }
            .yaml(),
    );
    let refused = env.run(&provider, &["run", "self.yaml"]);
    assert!(refused.code == 2 && refused.err.contains("is the store; choose another file"), "{refused}");
    run.kill();
}
