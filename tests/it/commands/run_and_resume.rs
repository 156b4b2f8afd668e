//! Each command: what it prints, what it leaves, how it ends.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::scripted_provider::{Answer, Script, ScriptedProvider, Sent};
use crate::support::test_env::{
    CampaignFile, Channel, HEADER, TestEnv, counts, csv, parse_report, phone, text_of, wait_until,
};

const SOON: Duration = Duration::from_secs(20);

fn slow() -> Script {
    Script { latency: Duration::from_millis(20), ..Script::default() }
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn check_tells_every_bad_row_and_writes_those_that_can_be_mended() {
    let list = "phone,first_name\n85264000001,Ana\n12,Bo\n85264000002,\n852 6400 0001,Cy\n";
    let env = TestEnv::with(&CampaignFile::default(), list);
    let checked = env.run_offline(&["check", "job.yaml", "--rejects", "rejects.csv"]);
    assert_eq!(checked.code, 2, "{checked}");
    for part in
        ["row 2, line 3", "row 3, line 4", "row 4: the same number as row 1", "4 rows: 1 can be sent, 2 invalid"]
    {
        assert!(checked.out.contains(part), "{part}: {checked}");
    }
    let rejects = env.read("rejects.csv");
    let rejects: Vec<&str> = rejects.lines().collect();
    assert_eq!((rejects[0], rejects.len()), ("phone,first_name,problem", 3));
    assert!(rejects[1].starts_with("12,Bo,") && rejects[2].starts_with("85264000002,,"), "{rejects:?}");

    let json = json_lines(&env.run_offline(&["check", "job.yaml", "--json"]).out);
    let rows: Vec<&Value> = json.iter().map(|line| &line["row"]).collect();
    assert_eq!(rows[..3], [&Value::from(2), &Value::from(3), &Value::from(4)]);
    assert_eq!((&json[3]["rows"], &json[3]["sendable"], &json[3]["invalid"]), (&4.into(), &1.into(), &2.into()));
    assert!(!env.path("store.db").exists(), "a check leaves nothing");

    env.write("list.csv", csv(3));
    assert_eq!(env.run_offline(&["check", "job.yaml"]).code, 0);
}

#[test]
fn preview_prints_exactly_what_the_provider_will_receive() {
    let hostile = "phone,first_name\n85264000001,\"Jo \"\"JJ\"\" \\ {{ phone }}\"\n85264000002,\"a\nb\tc\"\n\
                   85264000003,\"}}]}, {% if %}\"\n85264000004,日本 \u{1F600} \u{202E}x\u{202C}\n85264000005,=1+1\n";
    let campaign = CampaignFile { channel: Channel::Viber, text: "Hi {{ first_name }}!", ..CampaignFile::default() };
    let env = TestEnv::with(&campaign, hostile);
    let preview = env.run_offline(&["preview", "job.yaml"]);
    assert_eq!(preview.code, 0, "{preview}");
    let bodies = json_lines(&preview.out);
    assert_eq!(bodies.len(), 5);
    assert_eq!(text_of(&bodies[0]), "Hi Jo \"JJ\" \\ {{ phone }}!");

    let provider = ScriptedProvider::accepting_all();
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--no-wait"]).code, 0);
    let mut sends = provider.received().sends;
    sends.sort_by(|a, b| a.to.cmp(&b.to));
    assert_eq!(sends.into_iter().map(|sent| sent.body).collect::<Vec<_>>(), bodies);

    let third = env.run_offline(&["preview", "job.yaml", "--row", "3", "--pretty"]);
    assert_eq!(serde_json::from_str::<Value>(&third.out).unwrap(), bodies[2]);
    assert_eq!(json_lines(&env.run_offline(&["preview", "job.yaml", "--limit", "2"]).out), bodies[..2]);
    assert_eq!(env.run_offline(&["preview", "job.yaml", "--row", "6"]).code, 2);
}

#[test]
fn a_dry_run_sends_and_stores_nothing() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(5));
    let dry = env.run(&provider, &["run", "job.yaml", "--dry-run"]);
    assert_eq!((dry.code, provider.sends()), (0, 0), "{dry}");
    assert!(dry.out.contains("5 rows of 5 would be sent"), "{dry}");
    assert!(!env.path("store.db").exists());
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
    assert!(checked.out.contains("8 rows: 8 can be sent"), "{checked}");
}

#[test]
fn a_run_that_is_cancelled_by_another_process_stops_and_its_waiting_rows_are_cancelled() {
    const ROWS: u64 = 400;
    let provider = ScriptedProvider::start(slow());
    let env = TestEnv::with(&CampaignFile { rate: "60/s", ..CampaignFile::default() }, &csv(ROWS as usize));
    let running = env.start(&provider, &["run", "job.yaml"]);
    assert!(wait_until(SOON, || provider.sends() >= 20));
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
    assert!(wait_until(SOON, || provider.sends() >= 20));
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
    let told = "3 rows read: 1 put on the list, 1 on it before, 1 without a number";
    assert!(imported.err.contains(told), "{imported}");
    let list = env.run_offline(&["suppress", "list"]).out;
    assert!(list.contains("85264000009") && !list.contains(&last), "{list}");
    assert_eq!(env.run_offline(&["suppress", "add", "12"]).code, 2);
    let wrong = env.run_offline(&["--log-format", "json", "suppress", "add", "+852 6400 0001 23456789"]);
    assert!(wrong.code == 2 && wrong.err.contains('\u{2026}') && !wrong.err.contains("6400"), "{wrong}");
    // What a spreadsheet would run is not what it gets.
    assert_eq!(env.run_offline(&["suppress", "add", &last, "--reason", "=1+1"]).code, 0);
    assert!(env.run_offline(&["suppress", "list"]).out.contains(",'=1+1,"));
}

#[test]
fn a_command_line_says_what_is_missing_and_offers_only_what_the_command_does() {
    let env = TestEnv::with(&CampaignFile::default(), &csv(1));
    let named = env.run_offline(&["--config", "no.toml", "schedule", "list"]);
    assert_eq!((named.code, named.err.contains("no.toml: No such file")), (2, true), "{named}");
    let nobody =
        env.start_with_prelude("unset USER", None, &["settle", "job-1", "--all", "--yes", "--as", "sent"]).wait();
    assert_eq!((nobody.code, nobody.err.contains("--by NAME")), (2, true), "{nobody}");
    let usage = env.run_offline(&["settle", "--help"]).out;
    assert!(!usage.lines().any(|line| line.starts_with("Usage: ") && line.contains("--by")), "{usage}");
    for (command, has) in [("run", true), ("resume", true), ("retry", true), ("reconcile", false)] {
        let help = env.run_offline(&[command, "--help"]).out;
        assert_eq!((help.contains("--limit"), help.contains("--no-wait")), (has, has), "{command}: {help}");
    }
}

/// What cron mails is what is wrong.
#[test]
fn what_ends_early_because_it_was_told_to_says_nothing_where_only_mistakes_are_wanted() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(12));
    let limited = env.run(&provider, &["run", "job.yaml", "--limit", "5", "-q"]);
    assert_eq!((limited.code, limited.out.as_str(), limited.err.as_str()), (4, "", ""));
}

#[test]
fn whoever_reads_no_more_of_a_report_is_no_failure() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(200));
    assert_eq!(env.run(&provider, &["run", "job.yaml"]).code, 0);
    for format in ["csv", "jsonl", "json", "html", "csv --attempts", "jsonl --attempts"] {
        // The reader ends at once, and the program is started when it has.
        let script =
            format!("(sleep 0.2; \"$0\" report --format {format}; echo $? >code) 2>words | true; cat code words");
        let shell = std::process::Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_campaigner")])
            .current_dir(env.path(""))
            .env("CAMPAIGNER_DB", "store.db")
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(shell.stdout).unwrap(), "0\n", "{format}");
    }
}

#[test]
fn a_limit_stops_early_and_the_same_command_goes_on() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(12));
    let limited = env.run(&provider, &["run", "job.yaml", "--limit", "5"]);
    assert_eq!((limited.code, provider.sends()), (4, 5), "{limited}");
    assert_eq!(env.states("job-1"), counts(&[("pending", 7), ("read", 5)]));
    let rest = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!((rest.code, provider.sends()), (0, 12), "{rest}");
    provider.received().assert_nobody_twice();
    env.verify("job-1");
}

#[test]
fn statuses_can_be_left_for_later_and_collected_by_single_passes() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(250));
    let sent = env.run(&provider, &["run", "job.yaml", "--no-wait"]);
    assert_eq!((sent.code, provider.sends()), (0, 250), "{sent}");
    let read = counts(&[("read", 250)]);
    let passes = || {
        let pass = env.run(&provider, &["reconcile", "--once"]);
        assert_eq!(pass.code, 0, "{pass}");
        env.states("job-1") == read
    };
    assert!(wait_until(SOON, passes));
    let received = provider.received();
    assert_eq!((received.sends.len(), &received.offences), (250, &Vec::new()));
    assert!(received.polls.iter().all(|ids| *ids <= 100));
    assert!(env.run_offline(&["status"]).out.contains("finished"));
}

#[test]
fn statuses_are_not_all_when_there_is_more_to_send() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(12));
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--limit", "5"]).code, 4);
    let pass = env.run(&provider, &["reconcile", "--once"]);
    assert_eq!((pass.code, provider.sends()), (4, 5), "{pass}");
}

#[test]
fn one_run_is_worked_on_by_one_process() {
    let provider = ScriptedProvider::start(slow());
    let env = TestEnv::with(&CampaignFile { rate: "30/s", ..CampaignFile::default() }, &csv(60));
    let running = env.start(&provider, &["run", "job.yaml"]);
    assert!(wait_until(SOON, || provider.sends() >= 3));
    for command in [["run", "job.yaml"], ["resume", "job-1"], ["reconcile", "job-1"]] {
        let second = env.run(&provider, &command);
        assert_eq!(second.code, 5, "{second}");
    }
    assert_eq!(env.run(&provider, &["retry", "job-1", "--state", "failed", "--yes"]).code, 5);
    assert_eq!(running.wait().code, 0);
    provider.received().assert_nobody_twice();
}

#[test]
fn a_changed_list_does_not_mix_with_an_unfinished_run() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(12));
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--limit", "5"]).code, 4);
    env.write("list.csv", csv(13));
    let refused = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!((refused.code, provider.sends()), (2, 5), "{refused}");
    assert!(refused.err.contains("resume job-1") && refused.err.contains("the recipients changed"), "{refused}");
    env.write("list.csv", csv(12));
    env.write("job.yaml", CampaignFile { text: "Hello {{ first_name }}", ..CampaignFile::default() }.yaml());
    let refused = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!((refused.code, provider.sends()), (2, 5), "{refused}");
    assert!(refused.err.contains("the campaign file changed"), "{refused}");
    let resumed = env.run(&provider, &["resume"]);
    assert_eq!((resumed.code, provider.sends()), (0, 12), "{resumed}");
}

#[test]
fn an_import_that_broke_off_does_not_hold_up_the_mended_list() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), "");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut packed, csv(2000).as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    env.write("list.csv", &packed[..packed.len() / 2]);
    let broken = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!((broken.code, provider.sends()), (2, 0), "{broken}");
    env.write("list.csv", csv(10));
    let mended = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!((mended.code, provider.sends()), (0, 10), "{mended}");
    assert_eq!(env.states("job-1"), counts(&[]));
    env.verify("job-1");
    env.verify("job-2");
}

#[test]
fn mistakes_are_told_with_their_place_and_what_to_do() {
    let env = TestEnv::with(&CampaignFile::default(), "number,first_name\n85264000001,Ana\n");
    let assert_tells = |code: i32, args: &[&str], parts: &[&str]| {
        let told = env.run_offline(args);
        assert_eq!(told.code, code, "{told}");
        assert!(parts.iter().all(|part| told.err.contains(part)), "{parts:?}: {told}");
    };
    assert_tells(2, &["check", "job.yaml"], &["no column `phone`", "`number`, `first_name`"]);
    env.write("list.csv", csv(1));
    assert_tells(1, &["run", "job.yaml"], &["INCS_CERTIFICATION_CODE"]);
    assert_tells(2, &["resume"], &["store.db"]);
    assert_tells(2, &["check", "missing.yaml"], &["missing.yaml"]);
    assert_tells(2, &["run", "job.yaml", "--rate", "80"], &["80/s"]);
    assert_tells(2, &["status", "nonsense"], &["NAME-N"]);
    assert_tells(2, &["frobnicate"], &["frobnicate"]);

    let insecure = env.start_at(Some("http://example.com"), &["run", "job.yaml"]).wait();
    assert_eq!(insecure.code, 1, "{insecure}");
    assert!(insecure.err.contains("https://"), "{insecure}");

    env.write("typo.yaml", CampaignFile::default().yaml().replace("  concurrency:", "  concurency:"));
    assert_tells(2, &["check", "typo.yaml"], &["typo.yaml:8:3", "concurency", "did you mean `concurrency`"]);
    env.write("other.yaml", CampaignFile::default().yaml().replace("provider: incs", "provider: ikns"));
    assert_tells(2, &["run", "other.yaml"], &["ikns", "incs", "simulator"]);
    env.write("variable.yaml", CampaignFile { text: "{{ frist_name }}", ..CampaignFile::default() }.yaml());
    assert_tells(
        2,
        &["check", "variable.yaml"],
        &["variable.yaml:5:", "no column `frist_name`", "did you mean `first_name`"],
    );
}

/// For a person: the row, the line, the column that brought the value, the place in the campaign, the rule and what to
/// do. For a program: the same in parts. For whoever mends the list: the bad rows with all that is wrong with each.
#[test]
fn all_that_is_wrong_with_a_row_is_told_with_its_column_and_place() {
    let list = "phone,first_name\n85264000001,Ana\n0123,\n85264000003,one\ttwo\n85264000004,\n";
    let env = TestEnv::with(&CampaignFile { text: "{{ first_name }}", ..CampaignFile::default() }, list);
    let told = env.run_offline(&["check", "job.yaml", "--rejects", "bad.csv"]);
    assert_eq!(told.code, 2, "{told}");
    for part in [
        "row 2, line 3, column `phone` (`0123`): it looks like a national number",
        "row 2, line 3, column `first_name`, for `template.components[0].parameters[0].text` (job.yaml:5:122): the cell is empty; fill it in",
        "row 3, line 4, column `first_name`, for `template.components[0].parameters[0].text` (job.yaml:5:122): `one\\ttwo` holds a tab",
        "4 rows: 1 can be sent, 3 invalid",
    ] {
        assert!(told.out.contains(part), "{part}: {told}");
    }
    let bad = std::fs::read_to_string(env.path("bad.csv")).unwrap();
    let mut rows = ::csv::Reader::from_reader(bad.as_bytes());
    assert_eq!(rows.headers().unwrap(), vec!["phone", "first_name", "problem"]);
    let first = rows.records().next().unwrap().unwrap();
    assert!(
        first[2].contains("column `phone`: it looks") && first[2].contains("column `first_name`: the cell"),
        "{bad}"
    );

    let told = env.run_offline(&["check", "job.yaml", "--json"]);
    let lines = json_lines(&told.out);
    assert_eq!(lines.len(), 5, "{told}");
    let tab = &lines[2];
    assert_eq!((&tab["row"], &tab["line"], &tab["columns"]), (&json!(3), &json!(4), &json!(["first_name"])));
    assert_eq!((&tab["code"], &tab["value"]), (&json!("bad_parameter"), &json!("one\\ttwo")));
    assert_eq!(tab["place"], json!({"file": "job.yaml", "line": 5, "column": 122}));
    assert!(tab["rule"].as_str().unwrap().contains("no tab") && tab["hint"].is_string(), "{tab}");
    let totals = ["rows", "sendable", "invalid", "duplicate", "suppressed", "sent_recently"].map(|key| &lines[4][key]);
    assert_eq!(totals, [4, 1, 3, 0, 0, 0]);

    env.write("typo.yaml", CampaignFile::default().yaml().replace("  concurrency:", "  concurency:"));
    let told = env.run_offline(&["check", "typo.yaml", "--json"]);
    let problem: Value = serde_json::from_str(told.out.trim()).unwrap();
    assert_eq!((told.code, &problem["code"], &problem["place"]["line"]), (2, &json!("unknown_key"), &json!(8)));
}

#[test]
fn a_run_that_is_not_there_is_a_mistake_of_the_command_line() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(1));
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--no-wait"]).code, 0);
    for command in ["status", "resume", "report", "verify", "cancel", "reconcile"] {
        let told = env.run(&provider, &[command, "job-2"]);
        assert_eq!(told.code, 2, "{told}");
        assert!(told.err.contains("job-2"), "{told}");
    }
}

#[test]
fn help_version_and_completions_are_printed() {
    let env = TestEnv::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = env.run_offline(&["completions", shell]);
        assert_eq!(script.code, 0, "{script}");
        assert!(script.out.contains("campaigner") && script.out.contains("reconcile"), "{shell}");
    }
    assert!(env.run_offline(&["--version"]).out.starts_with("campaigner "));
    assert_eq!(env.run_offline(&["--help"]).code, 0);
}

#[test]
fn the_built_in_simulator_needs_no_account() {
    let campaign = CampaignFile::default().yaml().replace("provider: incs", "provider: simulator");
    let env = TestEnv::with(&CampaignFile { horizon: "5s", ..CampaignFile::default() }, &csv(20));
    env.write("job.yaml", campaign.replace("for: 1m", "for: 2s"));
    let run = env.run_offline(&["run", "job.yaml"]);
    assert!(matches!(run.code, 0 | 3), "{run}");
    env.verify("job-1");
}

#[test]
fn a_file_of_the_store_is_no_output_file_and_a_link_stays_one() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &(csv(3) + "12,Nobody,1%\n"));
    assert_eq!(env.run(&provider, &["run", "job.yaml"]).code, 0);
    for file in ["store.db", "store.db-wal", "store.db-mark", "store.db.job-1.lock"] {
        for command in [&["report", "-o"][..], &["replies", "-o"], &["check", "job.yaml", "--rejects"]] {
            let args: Vec<&str> = command.iter().copied().chain([file]).collect();
            let refused = env.run_offline(&args);
            assert!(refused.code == 2 && refused.err.contains("belongs to the store"), "{refused}");
        }
    }
    std::os::unix::fs::symlink("far.csv", env.path("link.csv")).unwrap();
    assert_eq!(env.run_offline(&["report", "-o", "link.csv"]).code, 0);
    assert!(env.path("link.csv").is_symlink() && env.read("far.csv").lines().count() == 5);
    env.verify("job-1");
}
