//! A spreadsheet gives the same messages to the same numbers as the same list as CSV, also after a kill.

use crate::support::{CampaignFile, ScriptedProvider, TestEnv, counts, csv, phone, text_of, xlsx_of};

const ROWS: usize = 120;
const CONCURRENCY: usize = 8;

fn env_with(recipients: &str) -> TestEnv {
    let recipients = recipients.to_owned();
    let campaign = CampaignFile { recipients, concurrency: CONCURRENCY, rate: "600/s", ..CampaignFile::default() };
    let env = TestEnv::with(&campaign, &csv(ROWS));
    env.write("list.xlsx", xlsx_of(&csv(ROWS)));
    env
}

/// The number and the text of every message.
fn sent(provider: &ScriptedProvider) -> Vec<(String, String)> {
    let sends = provider.received().sends.into_iter();
    let mut sent: Vec<_> = sends.map(|sent| (sent.to, text_of(&sent.body).to_owned())).collect();
    sent.sort();
    sent
}

#[test]
fn a_spreadsheet_is_sent_like_the_same_list_as_csv_and_continues_after_a_kill() {
    let received = |recipients: &str| {
        let provider = ScriptedProvider::accepting_all();
        let env = env_with(recipients);
        let run = env.run(&provider, &["run", "job.yaml", "--no-wait"]);
        assert_eq!(run.code, 0, "{run}");
        (sent(&provider), run)
    };
    let (expected, _) = received("{csv: list.csv, to: phone}");
    assert_eq!(expected.len(), ROWS);
    let (whole, run) = received("{xlsx: list.xlsx, sheet: List, to: phone}");
    assert_eq!(whole, expected);
    assert!(run.err.contains("includes 1 hidden row") && run.err.contains("hidden_rows"), "{run}");

    let killed = ScriptedProvider::slow(30);
    let env = env_with("{xlsx: list.xlsx, sheet: List, to: phone}");
    let running = env.start(&killed, &["run", "job.yaml"]);
    killed.wait_for_sends(40);
    running.kill();
    assert!(killed.sends() < ROWS, "it was to be killed in the middle");
    // The store has all that is needed.
    std::fs::remove_file(env.path("list.xlsx")).unwrap();
    let run = env.run(&killed, &["resume"]);
    assert!(matches!(run.code, 0 | 3), "{run}");
    killed.received().assert_nobody_twice();
    let uncertain = env.states("job-1").get("uncertain").copied().unwrap_or(0);
    assert!(uncertain <= CONCURRENCY as u64);
    let sent = sent(&killed);
    assert!(sent.iter().all(|message| expected.contains(message)));
    assert!(sent.len() as u64 + uncertain >= ROWS as u64);
    env.verify("job-1");
}

#[test]
fn a_kill_during_the_import_of_a_spreadsheet_loses_nothing() {
    let provider = ScriptedProvider::accepting_all();
    let env = env_with("{xlsx: list.xlsx, sheet: List, to: phone}");
    env.crash(&provider, "import started", &["run", "job.yaml"]);
    assert_eq!(provider.sends(), 0);
    let run = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(env.states("job-1"), counts(&[("read", ROWS as u64)]));
}

#[test]
fn a_list_without_a_sheet_is_refused_if_there_are_several() {
    let env = env_with("{xlsx: list.xlsx, to: phone}");
    let checked = env.run_offline(&["check", "job.yaml"]);
    assert_eq!(checked.code, 2, "{checked}");
    assert!(checked.err.contains("has 2 sheets; add `sheet: NAME` with one of `List` and `Old`"), "{checked}");
}

#[test]
fn suppress_import_reads_a_spreadsheet_by_its_ending() {
    let env = env_with("{csv: list.csv, to: phone}");
    let imported = env.run_offline(&["suppress", "import", "list.xlsx", "--sheet", "List"]);
    assert_eq!(imported.code, 0, "{imported}");
    assert!(imported.err.contains("120 rows read: 120 added"), "{imported}");
    let listed = env.run_offline(&["suppress", "list"]);
    assert!(listed.out.contains(&phone(7)), "{listed}");
}
