//! `cancel` and `suppress`: who gets nothing any more.

use crate::support::{CampaignFile, ScriptedProvider, TestEnv, counts, csv, parse_report, phone};

#[test]
fn a_run_that_is_cancelled_by_another_process_stops_and_its_waiting_rows_are_cancelled() {
    const ROWS: u64 = 400;
    let provider = ScriptedProvider::slow(20);
    let env = TestEnv::with(&CampaignFile { rate: "60/s", ..CampaignFile::default() }, &csv(ROWS as usize));
    let running = env.start(&provider, &["run", "job.yaml"]);
    provider.wait_for_sends(20);
    let cancelled = env.run_offline(&["cancel", "job-1"]);
    assert_eq!(cancelled.code, 0, "{cancelled}");
    let run = running.wait();
    assert_eq!(run.code, 3, "not every sendable row was accepted: {run}");
    let sends = provider.sends() as u64;
    assert!(sends < ROWS);
    assert_eq!(env.states("job-1"), counts(&[("cancelled", ROWS - sends), ("read", sends)]));
    assert_eq!(parse_report(&env.read("reports/job-1/recipients.csv")).len() as u64, ROWS);
    env.verify("job-1");
    assert_eq!(env.run_offline(&["cancel", "job-1"]).code, 2, "there is nothing left to cancel");
}

#[test]
fn a_run_that_nobody_works_on_is_cancelled_at_once() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(30));
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--limit", "10"]).code, 4);
    assert_eq!(env.run_offline(&["cancel", "job-1"]).code, 0);
    assert_eq!(env.states("job-1"), counts(&[("cancelled", 20), ("read", 10)]));
    env.verify("job-1");
    let resumed = env.run(&provider, &["resume", "job-1"]);
    assert_eq!((resumed.code, provider.sends()), (3, 10), "{resumed}");
}

#[test]
fn numbers_on_the_suppression_list_get_nothing_even_if_they_are_put_there_meanwhile() {
    const ROWS: usize = 900;
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile { rate: "300/s", ..CampaignFile::default() }, &csv(ROWS));
    let added = env.run_offline(&["suppress", "add", &phone(2), "+852 6400 0003", "--reason", "asked to"]);
    assert_eq!(added.code, 0, "{added}");
    let running = env.start(&provider, &["run", "job.yaml"]);
    provider.wait_for_sends(20);
    let last = phone(ROWS);
    assert_eq!(env.run_offline(&["suppress", "add", &last]).code, 0);
    let run = running.wait();
    assert_eq!(run.code, 0, "{run}");

    assert_eq!(env.states("job-1"), counts(&[("read", ROWS as u64 - 3), ("suppressed", 3)]));
    let accepted = provider.received().accepted();
    assert!([phone(2), phone(3), last.clone()].iter().all(|to| !accepted.contains_key(to)));
    let report = env.report("job-1");
    assert_eq!((report[1].state.as_str(), report[1].message.as_str()), ("suppressed", "asked to"));
    env.verify("job-1");

    let list = env.run_offline(&["suppress", "list"]).out;
    assert!(list.starts_with("phone,reason,added_at\n") && list.lines().count() == 4, "{list}");
    assert_eq!(env.run_offline(&["suppress", "remove", &last]).code, 0);
    env.write("stop.csv", format!("phone\n85264000009\nnot a number\n{}\n", phone(2)));
    let imported = env.run_offline(&["suppress", "import", "stop.csv"]);
    assert_eq!(imported.code, 2, "{imported}");
    let output = "3 rows read: 1 added to the suppression list, 1 already on it, 1 skipped because of a problem";
    assert!(imported.err.contains(output), "{imported}");
    let list = env.run_offline(&["suppress", "list"]).out;
    assert!(list.contains("85264000009") && !list.contains(&last), "{list}");
    assert_eq!(env.run_offline(&["suppress", "add", "12"]).code, 2);
    let wrong = env.run_offline(&["--log-format", "json", "suppress", "add", "+852 6400 0001 23456789"]);
    assert!(
        wrong.code == 2
            && wrong.err.contains("NUMBER 1: has the wrong number of digits")
            && !wrong.err.contains("6400"),
        "{wrong}"
    );
    // What a spreadsheet would run is not what it gets.
    assert_eq!(env.run_offline(&["suppress", "add", &last, "--reason", "=1+1"]).code, 0);
    assert!(env.run_offline(&["suppress", "list"]).out.contains(",'=1+1,"));
}

#[test]
fn a_number_is_suppressed_even_if_another_cell_of_its_row_cannot_be_decoded() {
    let env = TestEnv::with(&CampaignFile::default(), "");
    let list = "phone,name\n85264000001,Jürgen Groß\n85264000002,Zoë Müller\n85264000003,J?ger\n8526400000?,Li\n85264000005,Li,x\n";
    let list: Vec<u8> = list.bytes().map(|byte| if byte == b'?' { 0xe4 } else { byte }).collect();
    env.write("stop.csv", list);
    let imported = env.run_offline(&["suppress", "import", "stop.csv"]);
    assert_eq!(imported.code, 2, "{imported}");
    let words = "warning: row 3, line 4: column `name`: the cell is not valid UTF-8";
    assert!(imported.err.contains(words), "{imported}");
    assert!(imported.err.contains("5 rows read: 3 added to the suppression list"), "{imported}");
    let list = env.run_offline(&["suppress", "list"]).out;
    assert!(list.contains("85264000003") && !list.contains("85264000005"), "{list}");
    let logged = env.run_offline(&["--log-format", "json", "suppress", "import", "stop.csv"]);
    assert!(logged.err.contains("row 3, line 4: bad_utf8") && !logged.err.contains("6400"), "{logged}");
}

#[test]
fn an_exported_suppression_list_can_be_imported() {
    if TestEnv::is_on_a_server() {
        return; // It is about a store in a file.
    }
    let env = TestEnv::new();
    let csv = "phone,reason\n+85261234567,=said stop\n+85261234567,later\n+525512345678,\n+5511987654321,moved\n";
    env.write("out.csv", csv);
    let imported = env.run_offline(&["suppress", "import", "out.csv"]);
    assert!(
        imported.code == 0 && imported.err.contains("3 added to the suppression list, 1 already on it"),
        "{imported}"
    );
    let list = |db: &str| {
        let out = env.run_offline(&["--db", db, "suppress", "list"]).out;
        out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let first = list("store.db");
    assert!(first[1].starts_with("85261234567,'=said stop,20"), "{first:?}");
    assert!(first.iter().any(|line| line.starts_with("5215512345678,,20")), "{first:?}");
    // They have been on the list for a while.
    let since = |line: &String| match line.rsplit_once(",20") {
        Some((line, _)) => format!("{line},2025-03-04T05:06:07Z"),
        None => line.clone(),
    };
    let first: Vec<String> = first.iter().map(since).collect();
    env.write("list.csv", first.join("\n"));
    let again = env.run_offline(&["--db", "other.db", "suppress", "import", "list.csv"]);
    assert_eq!(again.code, 0, "{again}");
    assert_eq!(list("other.db"), first);
}
