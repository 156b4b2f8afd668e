//! What must not be seen: numbers, names and credentials in logs, and the store and its reports by others.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::provider::{Answer, CREDENTIAL, Provider, Script, Sent};
use crate::workplace::{Campaign, Workplace, phone, wait_until};

const ROWS: usize = 12;

fn name(n: usize) -> String {
    format!("Wilhelmina{n}")
}

fn list() -> String {
    let rows: Vec<String> = (1..=ROWS).map(|n| format!("{},{}\n", phone(n), name(n))).collect();
    format!("phone,first_name\n{}12 34,Bad{}\n", rows.concat(), name(0))
}

/// Some of everything that may be logged: accepted, refused, cut off, unreadable.
fn mixed(sent: &Sent) -> Answer {
    match sent.index % 4 {
        1 => Answer::error(10002, "(#132012) Parameter format does not match"),
        2 => Answer::AcceptAndClose,
        3 => Answer::Refuse(500, "oops".into()),
        _ => Answer::Accept,
    }
}

#[test]
fn the_most_talkative_log_holds_no_number_no_name_and_no_credential() {
    for format in ["json", "text"] {
        let provider = Provider::start(Script::answering(mixed));
        let work = Workplace::with(&Campaign::default(), &list());
        let run = work.run(&provider, &["run", "job.yaml", "-vvv", "--log-format", format]);
        assert_eq!(run.code, 3, "{run}");
        let mut secrets = vec![CREDENTIAL.to_owned(), "12 34".to_owned()];
        secrets.extend((1..=ROWS).map(phone));
        secrets.extend((0..=ROWS).map(name));
        // A message id of WhatsApp holds the recipient's number in another writing.
        secrets.extend(provider.book().sends.into_iter().filter_map(|sent| sent.message_id));
        for secret in secrets {
            assert!(!run.err.contains(&secret) && !run.out.contains(&secret), "{secret} is shown: {run}");
        }
    }
}

/// Every file and folder below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn what_a_run_leaves_can_be_read_by_its_owner_alone() {
    let provider = Provider::start(Script { latency: Duration::from_millis(100), ..Script::default() });
    let work = Workplace::with(&Campaign { rate: "5/s", ..Campaign::default() }, &list());
    let running = work.start(&provider, &["run", "job.yaml"]);
    let there = |name: &str| work.path(name).exists();
    assert!(wait_until(Duration::from_secs(20), || there("store.db-wal") && there("store.db.job-1.lock")));
    let private = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // The files of the test itself, and those that vanish.
        let ours = name.starts_with("store.db") || path.to_string_lossy().contains("reports");
        let mode = std::fs::metadata(path).map(|file| file.permissions().mode() & 0o777);
        !ours || mode.is_ok_and(|mode| mode == 0o600)
    };
    let root = work.path("");
    for name in ["store.db", "store.db-wal", "store.db-shm", "store.db.job-1.lock"] {
        assert!(private(&work.path(name)), "{name}");
    }
    let run = running.wait();
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(work.alone(&["check", "job.yaml", "--rejects", "reports/rejects.csv"]).code, 2);
    assert_eq!(work.alone(&["report", "-o", "reports/again.csv"]).code, 0);
    let shown: Vec<_> = files(&root).into_iter().filter(|path| !private(path)).collect();
    assert!(shown.is_empty(), "{shown:?}");
    assert!(there("reports/rejects.csv") && there("reports/again.csv") && there("reports/job-1/report.html"));
}
