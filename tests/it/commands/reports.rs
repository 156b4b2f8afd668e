//! Reports from the command line: every format, the filters, a report that becomes the next recipient list, and two
//! runs compared.

use std::time::Duration;

use serde_json::Value;

use crate::support::{
    Answer, CampaignFile, HEADER, Script, ScriptedProvider, Sent, TestEnv, counts, csv, parse_report, phone, text_of,
};

/// Numbers that end in 3 are refused, those in 5 fail after they were accepted, the others are delivered.
fn provider() -> ScriptedProvider {
    let refuses = |to: &str| to.ends_with('3');
    let answer = move |sent: &Sent| match refuses(&sent.to) {
        true => Answer::error(10002, "(#131026) Message undeliverable to 85264123456"),
        false => Answer::Accept,
    };
    let statuses = |to: &str| {
        let last = if to.ends_with('5') { "failed" } else { "delivered" };
        vec![(Duration::ZERO, "sent"), (Duration::from_millis(100), last)]
    };
    ScriptedProvider::start(Script { statuses: Box::new(statuses), ..Script::answering(answer) })
}

fn finished(rows: usize) -> (ScriptedProvider, TestEnv) {
    let provider = provider();
    let env = TestEnv::with(&CampaignFile { horizon: "2s", ..CampaignFile::default() }, &csv(rows));
    let run = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(run.code, 3, "{run}");
    (provider, env)
}

/// What the command prints, which must be the same a second time.
fn report(env: &TestEnv, args: &[&str]) -> String {
    let args = [&["report"], args].concat();
    let report = env.run_offline(&args);
    assert_eq!(report.code, 0, "{report}");
    assert_eq!(report.out, env.run_offline(&args).out, "the same store gives the same bytes");
    report.out
}

#[test]
fn rows_are_chosen_by_state_by_error_and_by_time() {
    let (_provider, env) = finished(40);
    let rows = |args: &[&str]| parse_report(&report(&env, args)).into_iter().map(|line| line.row).collect::<Vec<_>>();
    assert_eq!(rows(&["--state", "failed"]), [5, 15, 25, 35]);
    assert_eq!(rows(&["--error", "131026"]), [3, 13, 23, 33]);
    assert_eq!(rows(&["--error", "131026,not_delivered"]), [3, 5, 13, 15, 23, 25, 33, 35]);
    assert_eq!(rows(&["--state", "failed", "--error", "131026"]), [0; 0]);
    assert_eq!(rows(&["--since", "2020-01-01"]).len(), 40);
    assert_eq!(rows(&["--since", "1h"]).len(), 40);
    assert_eq!(rows(&["--since", "2100-01-01"]), [0; 0]);
    assert_eq!(rows(&["--accepted-before", "1h"]), [0; 0]);
    let accepted = rows(&["--accepted-before", "2100-01-01"]);
    assert!(!accepted.is_empty() && accepted.len() < 40, "those that were never accepted are left out: {accepted:?}");
    let pdf = env.run_offline(&["report", "-o", "all.PDF"]);
    assert!(pdf.code == 2 && pdf.err.contains("cannot write .pdf files") && !env.path("all.PDF").exists(), "{pdf}");
    let wrong = env.run_offline(&["report", "--since", "yesterday"]);
    assert!(wrong.code == 2 && wrong.err.contains("2026-03-23"), "{wrong}");

    let failed: Value = serde_json::from_str(&report(&env, &["--json", "--state", "failed"])).unwrap();
    assert_eq!((&failed["rows"], &failed["only"]), (&4.into(), &"in state failed".into()));
    assert!(
        report(&env, &["--format", "html", "--state", "failed"])
            .contains("covers only part of the run: rows in state failed")
    );
}

#[test]
fn lines_of_json_say_what_the_csv_says() {
    let (_provider, env) = finished(20);
    let csv = report(&env, &["--input"]);
    let header: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let jsonl = report(&env, &["--input", "--format", "jsonl"]);
    let objects: Vec<Value> = jsonl.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((objects.len(), records.len()), (20, 20));
    for (object, record) in objects.iter().zip(&records) {
        for (name, cell) in header.iter().zip(record) {
            let value = object.get(name).unwrap_or(&object["input"][name]);
            let text = match value {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            assert_eq!(text, *cell, "{name} of {object}");
        }
    }
    let refused = env.run_offline(&["report", "--input", "--format", "html"]);
    assert_eq!(refused.code, 2, "{refused}");
}

#[test]
fn the_format_follows_the_name_of_the_file_and_excel_gets_what_it_reads() {
    let (_provider, env) = finished(20);
    let made = |name: &str, args: &[&str]| {
        let report = env.run_offline(&[&["report", "-o", name], args].concat());
        assert_eq!(report.code, 0, "{report}");
        std::fs::read(env.path(name)).unwrap()
    };
    assert_eq!(made("a.csv", &[]), report(&env, &[]).into_bytes());
    assert!(made("a.html", &[]).starts_with(b"<!doctype html>"));
    assert!(made("a.json", &[]).starts_with(b"{"));
    assert!(made("a.txt", &["--format", "jsonl"]).starts_with(b"{\"row\":1,"));
    let excel = String::from_utf8(made("b.csv", &["--bom", "--delimiter", ";"])).unwrap();
    assert!(excel.starts_with("\u{feff}row;to;channel;state;"), "{excel}");
    assert_eq!(
        excel.replace(';', ",").replace('"', "").trim_start_matches('\u{feff}'),
        report(&env, &[]).replace('"', "")
    );

    // The workbook can be the list of another campaign.
    let workbook = made("a.xlsx", &["--input", "--state", "failed,rejected"]);
    assert_eq!(workbook, made("b.xlsx", &["--input", "--state", "failed,rejected"]));
    env.write(
        "next.yaml",
        env.read("job.yaml")
            .replace("name: job", "name: next")
            .replace("csv: list.csv", "xlsx: a.xlsx, sheet: Recipients"),
    );
    let checked = env.run_offline(&["check", "next.yaml"]);
    assert!(
        checked.out.contains("4 of 4 rows can be sent") || checked.err.contains("4 of 4 rows can be sent"),
        "{checked}"
    );

    for wrong in [&["--bom", "--format", "jsonl"][..], &["--delimiter", "x"], &["--delimiter", ";", "-o", "c.xlsx"]] {
        let refused = env.run_offline(&[&["report"], wrong].concat());
        assert_eq!(refused.code, 2, "{refused}");
    }
    assert!(!env.path("c.xlsx").exists());
}

#[test]
fn every_attempt_has_a_line_with_its_own_message() {
    let (provider, env) = finished(20);
    let retried = env.run(&provider, &["retry", "job-1", "--state", "failed", "--yes"]);
    assert_eq!(retried.code, 3, "{retried}");
    let csv = report(&env, &["--attempts"]);
    let header = "row,to,attempt,outcome,message_id,started_at,ended_at,accepted_at,delivered_at,read_at,error_code,error_message";
    assert_eq!(csv.lines().next(), Some(header));
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let attempts: Vec<Vec<String>> =
        reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
    assert_eq!(attempts.len(), 22, "two rows were sent again");
    let of = |row: &str| attempts.iter().filter(move |attempt| attempt[0] == row).collect::<Vec<_>>();
    for row in ["5", "15"] {
        let of_row = of(row);
        let seen: Vec<_> = of_row.iter().map(|attempt| (attempt[2].as_str(), attempt[3].as_str())).collect();
        assert_eq!(seen, [("1", "failed"), ("2", "failed")]);
        assert!(!of_row[0][4].is_empty() && of_row[0][4] != of_row[1][4], "each has a message of its own");
    }
    assert_eq!(of("3").iter().map(|attempt| attempt[3].as_str()).collect::<Vec<_>>(), ["rejected"]);
    let jsonl = report(&env, &["--attempts", "--format", "jsonl"]);
    assert_eq!(jsonl.lines().count(), 22);
    for wrong in [&["--format", "html"][..], &["--json"], &["--state", "failed"], &["--input"]] {
        let refused = env.run_offline(&[&["report", "--attempts"], wrong].concat());
        assert_eq!(refused.code, 2, "{refused}");
    }
}

#[test]
fn rows_are_sent_again_by_error_by_row_and_by_number() {
    let (provider, env) = finished(40);
    let again = |args: &[&str]| {
        let before = provider.sends();
        let retried = env.run(&provider, &[&["retry", "job-1", "--yes", "--no-wait"], args].concat());
        let sent: Vec<String> = provider.received().sends[before..].iter().map(|sent| sent.to.clone()).collect();
        (retried, sent)
    };
    let to = |rows: &[usize]| rows.iter().map(|row| phone(*row)).collect::<Vec<_>>();
    let sorted = |mut numbers: Vec<String>| {
        numbers.sort();
        numbers
    };
    let (_, sent) = again(&["--error", "131026"]);
    assert_eq!(sorted(sent), to(&[3, 13, 23, 33]));
    let (_, sent) = again(&["--row", "5,13", "--state", "failed"]);
    assert_eq!(sent, to(&[5]));
    let (_, sent) = again(&["--to", &format!("+{}", phone(15))]);
    assert_eq!(sent, to(&[15]));
    // Nobody who was reached, whatever the row.
    let (none, sent) = again(&["--row", "1"]);
    assert!(none.code == 0 && sent.is_empty() && none.err.contains("has no matching rows"), "{none}");
    let (wrong, sent) = again(&["--to", "12"]);
    assert!(wrong.code == 2 && sent.is_empty(), "{wrong}");
    let (wrong, _) = again(&[]);
    assert!(wrong.code == 2 && wrong.err.contains("--state"), "{wrong}");
    env.verify("job-1");
}

#[test]
fn a_sample_says_what_to_do_and_no_number() {
    let (_provider, env) = finished(20);
    let summary: Value = serde_json::from_str(&report(&env, &["--json"])).unwrap();
    let error = summary["errors"].as_array().unwrap().iter().find(|error| error["code"] == "131026").unwrap();
    assert_eq!((&error["count"], &error["row"]), (&2.into(), &3.into()));
    assert_eq!(error["message"], "Message undeliverable to …56");
    assert!(error["what_to_do"].as_str().unwrap().contains("another way"), "{error}");
    assert_eq!(summary["countries"][0]["name"], "Hong Kong");
    let page = report(&env, &["--format", "html"]);
    assert!(!page.contains("85264"), "a number is in the page");
    assert!(page.contains(error["what_to_do"].as_str().unwrap()));
}

/// What a message may say of a row, with cells that a spreadsheet would run, and columns that a report has too.
#[test]
fn a_filtered_report_is_the_next_recipient_list() {
    const TEXT: &str = "{{ row['first name'] }}|{{ state }}";
    let list = [
        "phone,first name,state\n",
        "85264000003,=1+1,new\n",
        "85264000013,'=2,@home\n",
        "85264000023,Zoë,\"-a,\"\"b\"\"\"\n",
        "85264000001,Ana,new\n",
    ];
    let provider = provider();
    let campaign = CampaignFile { horizon: "2s", text: TEXT, ..CampaignFile::default() };
    let env = TestEnv::with(&campaign, &list.concat());
    assert_eq!(env.run(&provider, &["run", "job.yaml"]).code, 3);
    let first = texts(&provider);
    assert_eq!(first["85264000013"], "'=2|@home");

    // Twice, so that the report of a report is one too.
    for again in ["again", "once-more"] {
        env.write("list.csv", report(&env, &["--state", "rejected", "--input"]));
        env.write(
            "job.yaml",
            CampaignFile { name: again, horizon: "2s", text: TEXT, ..CampaignFile::default() }.yaml(),
        );
        let before = provider.sends();
        let run = env.run(&provider, &["run", "job.yaml"]);
        assert_eq!(run.code, 3, "{run}");
        assert_eq!(provider.sends() - before, 3, "{again}");
        assert_eq!(texts(&provider), first, "the same people got the same texts");
    }
    // A report without the input's columns is a list too, of numbers.
    env.write("list.csv", report(&env, &[]));
    let numbers = CampaignFile {
        name: "numbers",
        recipients: "{csv: list.csv, to: to}".into(),
        text: "Hi",
        ..CampaignFile::default()
    };
    env.write("job.yaml", numbers.yaml());
    assert!(env.run_offline(&["check", "job.yaml"]).out.contains("3 of 3 rows can be sent"));
}

/// The text that each number was sent last.
fn texts(provider: &ScriptedProvider) -> std::collections::BTreeMap<String, String> {
    let sends = provider.received().sends.clone();
    sends.into_iter().map(|sent| (sent.to, text_of(&sent.body).to_owned())).collect()
}

#[test]
fn two_runs_are_compared() {
    let (provider, env) = finished(10);
    env.write("list.csv", csv(20));
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--again"]).code, 3);
    let table = report(&env, &["--compare", "job-1", "job-2"]);
    let cells = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let table: Vec<_> = table.lines().map(cells).collect();
    for line in ["job-1 job-2 change", "rows 10 20 +10", "failed 1 2 +1", "problem 131026 1 2 +1"] {
        assert!(table.contains(&cells(line)), "{line}\n{table:?}");
    }
    let json: Value = serde_json::from_str(&report(&env, &["--compare", "job-1", "job-2", "--json"])).unwrap();
    assert_eq!(json["figures"]["failed"], serde_json::json!({"first": 1, "second": 2, "change": 1}));
    let csv = report(&env, &["--compare", "job-2", "job-1", "--format", "csv"]);
    assert!(csv.starts_with("figure,job-2,job-1,change\r\nrows,20,10,-10\r\n"), "{csv}");
    for wrong in [
        &["--compare", "job-1"][..],
        &["--compare", "job-1", "job-9"],
        &["--compare", "job-1", "job-2", "--format", "html"],
    ] {
        let refused = env.run_offline(&[&["report"], wrong].concat());
        assert_eq!(refused.code, 2, "{refused}");
    }
}

#[test]
fn a_rate_for_this_time_does_not_change_the_report() {
    let provider = provider();
    let env = TestEnv::with(&CampaignFile { horizon: "2s", ..CampaignFile::default() }, &csv(9));
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--rate", "77/s", "--concurrency", "3"]).code, 3);
    assert_eq!(report(&env, &["--json"]), env.read("reports/job-1/summary.json"));
    assert_eq!(report(&env, &["--format", "html"]), env.read("reports/job-1/report.html"));
    assert_eq!(report(&env, &[]).lines().next(), Some(HEADER));
    assert!(report(&env, &[]).contains(&phone(9)));
}

#[test]
fn the_same_store_gives_the_same_report_and_a_filtered_one_is_a_recipient_list() {
    let odd = |sent: &Sent| match sent.to.as_bytes().last() {
        Some(b'3') => Answer::error(10002, "(#132012) =Parameter, \"format\"\ndoes not match"),
        _ => Answer::Accept,
    };
    let statuses = |to: &str| {
        let last = if to.ends_with('5') { "failed" } else { "delivered" };
        vec![(Duration::ZERO, "sent"), (Duration::from_millis(100), last)]
    };
    let provider = ScriptedProvider::start(Script { statuses: Box::new(statuses), ..Script::answering(odd) });
    let env = TestEnv::with(&CampaignFile { horizon: "2s", ..CampaignFile::default() }, &csv(40));
    assert_eq!(env.run(&provider, &["run", "job.yaml"]).code, 3);
    let report = env.run_offline(&["report", "--format", "csv"]);
    assert_eq!(report.out, env.run_offline(&["report", "--format", "csv"]).out);
    assert_eq!(report.out, env.read("reports/job-1/recipients.csv"));
    assert_eq!(env.run_offline(&["report", "--format", "json"]).out, env.read("reports/job-1/summary.json"));
    assert_eq!(env.run_offline(&["report", "--format", "html"]).out, env.read("reports/job-1/report.html"));
    assert_eq!(env.states("job-1"), counts(&[("delivered", 32), ("failed", 4), ("rejected", 4)]));

    let filtered = env.run_offline(&["report", "--state", "failed,rejected", "--input"]);
    assert_eq!(filtered.out.lines().next(), Some(format!("{HEADER},phone,first_name,discount").as_str()));
    env.write("list.csv", &filtered.out);
    env.write("job.yaml", CampaignFile { name: "again", ..CampaignFile::default() }.yaml());
    let checked = env.run_offline(&["check", "job.yaml"]);
    assert_eq!(checked.code, 0, "{checked}");
    assert!(checked.out.contains("8 of 8 rows can be sent"), "{checked}");
}

#[test]
fn a_reader_that_ends_before_the_report_is_no_failure() {
    if TestEnv::is_on_a_server() {
        return; // It is about a store in a file.
    }
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(200));
    assert_eq!(env.run(&provider, &["run", "job.yaml"]).code, 0);
    for format in ["csv", "jsonl", "json", "html", "csv --attempts", "jsonl --attempts"] {
        let (reader, writer) = std::io::pipe().unwrap();
        // Nobody reads any more before the first byte is written.
        drop(reader);
        let report = std::process::Command::new(env!("CARGO_BIN_EXE_campaigner"))
            .args(["report", "--format"])
            .args(format.split(' '))
            .current_dir(env.path(""))
            .env("CAMPAIGNER_DB", "store.db")
            .stdout(writer)
            .output()
            .unwrap();
        assert_eq!(
            (report.status.code(), String::from_utf8(report.stderr).unwrap()),
            (Some(0), String::new()),
            "{format}"
        );
    }
}

#[test]
fn a_report_overwrites_neither_the_list_nor_a_campaign() {
    if TestEnv::is_on_a_server() {
        return; // It is about a store in a file.
    }
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(2));
    assert_eq!(env.run(&provider, &["run", "job.yaml"]).code, 0);
    for (target, words) in
        [("list.csv", "is the list of a run"), ("job.yaml", "may be a campaign"), ("./job.yaml", "may be a campaign")]
    {
        let before = env.read(target);
        let refused = env.run_offline(&["report", "job-1", "--input", "-o", target]);
        assert!(refused.code == 2 && refused.err.contains(words), "{target}: {refused}");
        assert_eq!(env.read(target), before);
    }
    // From another folder, where the stored path does not lead to it.
    let elsewhere = env
        .start_with_prelude(
            "mkdir elsewhere && cd elsewhere",
            None,
            &["report", "job-1", "--db", "../store.db", "-o", "../list.csv"],
        )
        .wait();
    assert!(elsewhere.code == 2 && elsewhere.err.contains("is the list of a run"), "{elsewhere}");
    let replies = env.run_offline(&["replies", "job-1", "-o", "list.csv"]);
    assert!(replies.code == 2 && replies.err.contains("is the list of a run"), "{replies}");
    for _ in 0..2 {
        assert_eq!(env.run_offline(&["report", "job-1", "-o", "daily.csv"]).code, 0, "its own file is replaced");
    }
}
