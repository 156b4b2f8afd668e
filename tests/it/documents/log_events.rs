//! Standard error as JSON: every line is an event of `docs/logs.md`, with the keys that stand there and no others.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::support::{Answer, CampaignFile, SOON, Script, ScriptedProvider, Sent, TestEnv, csv, wait_until};

/// The events of the document, each with its keys.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/logs.md")).unwrap();
    let table = document.split("| event | keys | when |").nth(1).unwrap();
    let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        (names(cells[1]).remove(0), names(cells[2]).into_iter().collect())
    })
    .collect()
}

/// The lines of a run as JSON, those of the events held against the document.
fn events(err: &str) -> Vec<Value> {
    let documented = documented();
    assert!(documented.len() > 5 && documented.contains_key("progress"), "{documented:?}");
    let lines =
        err.lines().map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("no JSON: {line}")));
    let lines: Vec<Value> = lines.collect();
    for line in &lines {
        for key in ["timestamp", "level", "target"] {
            assert!(line[key].is_string(), "{key} is not in {line}");
        }
    }
    let events: Vec<Value> = lines.into_iter().filter(|line| line["target"] == "campaigner").collect();
    for line in &events {
        let event = line["event"].as_str().unwrap();
        let keys = line
            .as_object()
            .unwrap()
            .keys()
            .filter(|key| !["timestamp", "level", "target", "event"].contains(&key.as_str()));
        let known = documented.get(event).unwrap_or_else(|| panic!("{event} is not in docs/logs.md"));
        assert_eq!(keys.cloned().collect::<BTreeSet<_>>(), *known, "{event}");
    }
    events
}

fn named<'e>(events: &'e [Value], name: &str) -> Vec<&'e Value> {
    events.iter().filter(|event| event["event"] == name).collect()
}

#[test]
fn a_run_logs_events_that_are_documented_and_nothing_personal() {
    let answer = |sent: &Sent| match (sent.to.as_bytes().last(), sent.nth) {
        (Some(b'3'), _) => Answer::error(10002, "(#131026) Message undeliverable to 85264000003"),
        (Some(b'7'), 0) => Answer::Refuse(429, String::new()),
        _ => Answer::Accept,
    };
    let provider = ScriptedProvider::start(Script { latency: Duration::from_millis(5), ..Script::answering(answer) });
    let env = TestEnv::with(&CampaignFile { horizon: "5s", ..CampaignFile::default() }, &csv(60));
    let run = env.run(&provider, &["run", "job.yaml", "--log-format", "json", "-vv"]);
    assert_eq!(run.code, 3, "{run}");
    let events = events(&run.err);
    assert!(!run.err.contains("85264"), "{}", run.err);

    let planned = named(&events, "planned")[0];
    assert_eq!((&planned["rows"], &planned["states"]["pending"]), (&60.into(), &60.into()));
    let refused: u64 = named(&events, "problem")
        .into_iter()
        .filter(|problem| problem["code"] == "131026")
        .map(|problem| problem["count"].as_u64().unwrap())
        .sum();
    assert_eq!(refused, 6, "as many as in the report");
    assert!(!named(&events, "slowed").is_empty(), "{events:?}");
    assert_eq!(named(&events, "dispatched").len(), 1);
    let last = *named(&events, "progress").last().unwrap();
    assert_eq!((&last["stage"], &last["accepted"], &last["read"]), (&"statuses".into(), &54.into(), &54.into()));
}

#[test]
fn what_went_wrong_is_an_event_too() {
    let env = TestEnv::new();
    let failed = env.run_offline(&["run", "nowhere.yaml", "--log-format", "json"]);
    assert_eq!(failed.code, 2, "{failed}");
    let events = events(&failed.err);
    assert!(named(&events, "failed")[0]["message"].as_str().unwrap().contains("nowhere.yaml"), "{failed}");
}

#[test]
fn watching_a_run_prints_a_line_at_a_time_and_ends_with_it() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile { horizon: "5s", ..CampaignFile::default() }, &csv(20));
    let run = env.run(&provider, &["run", "job.yaml", "--limit", "5", "--no-wait"]);
    assert_eq!(run.code, 4, "{run}");
    let watching = env.start(&provider, &["status", "--watch"]);
    assert!(wait_until(SOON, || watching.stdout().contains("15 pending, 5 ")), "{}", watching.stdout());
    assert_eq!(env.run(&provider, &["resume"]).code, 0);
    let watched = watching.wait();
    assert_eq!(watched.code, 0, "{watched}");
    assert!(watched.out.contains("finished") && watched.out.contains("20  100.0% of sendable rows"), "{watched}");
    let (first, _) = watched.out.split_once('\n').unwrap();
    assert!(first.contains(" job-1 \u{b7} ") && first.contains("15 pending, 5 "), "{watched}");
    assert!(!watched.out.contains('\x1b') && !watched.err.contains('\x1b'), "no terminal, no escapes: {watched}");
}
