//! `settle`: a person decides whether uncertain rows were sent.

use crate::support::{Answer, CampaignFile, Finished, Script, ScriptedProvider, Sent, TestEnv, counts, csv, phone};

const ROWS: usize = 12;
const IN_DOUBT: u64 = 4;

/// A run whose first four rows are in doubt: two were accepted, two were not.
fn in_doubt() -> (ScriptedProvider, TestEnv) {
    let answer = |sent: &Sent| match (1..=4).find(|row| sent.to == phone(*row)) {
        Some(1 | 2) if sent.nth == 0 => Answer::AcceptAndClose,
        Some(_) if sent.nth == 0 => Answer::Refuse(502, "<h1>bad gateway</h1>".into()),
        _ => Answer::Accept,
    };
    let provider = ScriptedProvider::start(Script::answering(answer));
    let env = TestEnv::with(&CampaignFile::default(), &csv(ROWS));
    let run = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(run.code, 3, "{run}");
    assert_eq!(env.states("job-1"), counts(&[("read", ROWS as u64 - IN_DOUBT), ("uncertain", IN_DOUBT)]));
    (provider, env)
}

fn settle(env: &TestEnv, which: &[&str], verdict: &str) -> Finished {
    let mut args = vec!["settle", "job-1", "--as", verdict, "--by", "Ana Ng"];
    args.extend(which);
    env.run_offline(&args)
}

#[test]
fn status_lists_what_is_in_doubt_with_why_and_when() {
    let (_provider, env) = in_doubt();
    let status = env.run_offline(&["status"]);
    for part in ["row 1 ", &phone(1), "connection_lost: ", "http_502: ", ", last attempt at 2", "campaigner settle"] {
        assert!(status.out.contains(part), "{part}: {status}");
    }
    let json: serde_json::Value = serde_json::from_str(&env.run_offline(&["status", "--json"]).out).unwrap();
    let rows = json["uncertain"].as_array().unwrap();
    assert_eq!(rows.len() as u64, IN_DOUBT);
    assert_eq!((&rows[2]["row"], &rows[2]["to"], &rows[2]["code"]), (&3.into(), &phone(3).into(), &"http_502".into()));
    assert!(rows[2]["tried_at"].is_string() && rows[2]["message"].as_str().unwrap().contains("bad gateway"));
    let summary: serde_json::Value = serde_json::from_str(&env.read("reports/job-1/summary.json")).unwrap();
    assert_eq!(summary["errors"].as_array().unwrap().len(), 2, "{summary}");
}

#[test]
fn what_was_sent_counts_as_sent_and_what_was_not_can_be_sent_again() {
    let (provider, env) = in_doubt();
    let sent = settle(&env, &["--row", "1"], "sent");
    assert_eq!(sent.code, 0, "{sent}");
    assert!(sent.err.contains("Ana Ng settled 1 row as sent; 3 still uncertain"), "{sent}");
    assert_eq!(settle(&env, &["--to", &format!("+{}", phone(2))], "sent").code, 0);
    let others = settle(&env, &["--all", "--yes"], "not-sent");
    assert!(others.code == 0 && others.err.contains(" retry job-1 --state exhausted"), "{others}");
    assert_eq!(env.states("job-1"), counts(&[("exhausted", 2), ("read", ROWS as u64 - IN_DOUBT), ("sent", 2)]));
    env.verify("job-1");

    let report = env.report("job-1");
    assert_eq!((report[0].state.as_str(), report[0].code.as_str()), ("sent", "settled_sent"));
    assert_eq!(report[0].message_id, "");
    assert_eq!((report[2].state.as_str(), report[2].code.as_str()), ("exhausted", "settled_not_sent"));
    for part in ["Ana Ng recorded at 2", "that the message was not sent", "bad gateway"] {
        assert!(report[2].message.contains(part), "{part}: {}", report[2].message);
    }

    let retried = env.run(&provider, &["retry", "job-1", "--state", "exhausted", "--yes"]);
    assert_eq!(retried.code, 0, "{retried}");
    assert_eq!(env.states("job-1"), counts(&[("read", ROWS as u64 - 2), ("sent", 2)]));
    provider.received().assert_nobody_twice();
    env.verify("job-1");
}

#[test]
fn only_rows_in_doubt_are_settled_and_nothing_by_accident() {
    let (_provider, env) = in_doubt();
    for (which, words) in [
        (&["--row", "9"][..], "row 9 of job-1 is `read`, not `uncertain`"),
        (&["--row", "99"], "job-1 has no row 99"),
        (&["--row", "0"], "job-1 has no row 0"),
        (&["--to", "85264000009"], "job-1 has no uncertain row for this number"),
        (&["--to", "twelve"], "--to: "),
        (&["--all"], "--yes"),
        (&[], "--row"),
        (&["--row", "1", "--all"], "cannot be used with"),
    ] {
        let settled = settle(&env, which, "sent");
        assert!(settled.code == 2 && settled.err.contains(words), "{words}: {settled}");
    }
    assert_eq!(settle(&env, &["--row", "1"], "accepted").code, 2);
    let nobody = env.run_offline(&["settle", "job-1", "--as", "sent", "--by", " ", "--row", "1"]);
    assert!(nobody.code == 2 && nobody.err.contains("a name must have"), "{nobody}");
    assert_eq!(env.states("job-1")["uncertain"], IN_DOUBT);

    assert_eq!(settle(&env, &["--row", "1"], "sent").code, 0);
    assert_eq!(settle(&env, &["--row", "1"], "not-sent").code, 2, "a decision is final");
    env.verify("job-1");
}
