//! `purge`: the recipients of runs that are over are deleted, and nobody gets a second message because of it.

use std::fs;

use serde_json::Value;

use crate::support::terminal::Terminal;
use crate::support::{
    Answer, CampaignFile, Finished, SOON, Script, ScriptedProvider, Sent, TestEnv, counts, csv, phone, wait_until,
};

const ROWS: usize = 12;

/// Refuses the first row, in words that name its number.
fn refuse_one(sent: &Sent) -> Answer {
    if sent.to == phone(1) {
        let words = format!("(#131030) Recipient phone number {} is not in the allowed list", sent.to);
        return Answer::error(10002, &words);
    }
    Answer::Accept
}

/// A run that is over: one row was rejected, the others are read.
fn over() -> (ScriptedProvider, TestEnv) {
    let provider = ScriptedProvider::start(Script::answering(refuse_one));
    let env = TestEnv::with(&CampaignFile::default(), &(csv(ROWS) + "12,Nobody,1%\n"));
    let run = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(run.code, 3, "{run}");
    (provider, env)
}

fn purge(env: &TestEnv, run: &str) {
    let purged = env.run_offline(&["purge", run, "--yes"]);
    assert!(purged.code == 0 && purged.err.contains(&format!("{run} was purged; ")), "{purged}");
}

fn status(env: &TestEnv, run: &str) -> Value {
    serde_json::from_str(&env.run_offline(&["status", run, "--json"]).out).unwrap()
}

fn is_refused(refused: &Finished, words: &str) {
    assert!(refused.code == 2 && refused.err.contains(words), "{words}: {refused}");
}

#[test]
fn the_counts_of_a_purged_run_stay_and_every_other_question_is_answered_by_when_it_was_purged() {
    let (provider, env) = over();
    let mut before = status(&env, "job-1");
    purge(&env, "job-1");
    let mut after = status(&env, "job-1");
    assert!(after["purged_at"].is_string() && after["purged_by"].is_string(), "{after}");
    for status in [&mut before, &mut after] {
        for key in ["purged_at", "purged_by"] {
            status[key].take();
        }
        for error in status["errors"].as_array_mut().unwrap() {
            error["sample"].take();
        }
    }
    assert_eq!(before, after);
    let shown = env.run_offline(&["status", "job-1"]);
    assert!(shown.out.contains("  purged") && shown.out.contains("only the counts are left"), "{shown}");
    assert!(!shown.out.contains(&phone(1)), "{shown}");
    assert!(env.run_offline(&["status", "--all"]).out.contains("13 rows, 11 accepted"));
    env.verify("job-1");

    let sends = provider.sends();
    for args in [
        &["report", "job-1"][..],
        &["report", "job-1", "--attempts"],
        &["report", "job-1", "--format", "html"],
        &["report", "--compare", "job-1", "job-1"],
        &["replies", "job-1"],
        &["retry", "job-1", "--state", "rejected", "--yes"],
        &["resume", "job-1"],
        &["reconcile", "job-1"],
        &["settle", "job-1", "--all", "--as", "sent", "--yes", "--by", "Ana"],
        &["purge", "job-1", "--yes"],
    ] {
        is_refused(&env.run(&provider, args), "job-1 was purged at 2");
    }
    assert_eq!(provider.sends(), sends);
    let found = env.run_offline(&["find", &phone(2)]);
    assert!(found.out.contains("cannot search job-1, which was purged"), "{found}");
    let found: Value = serde_json::from_str(&env.run_offline(&["find", &phone(2), "--json"]).out).unwrap();
    assert_eq!((&found["rows"], &found["purged_runs"][0]), (&Value::Array(Vec::new()), &"job-1".into()));
}

#[test]
fn nobody_whom_a_purged_run_reached_gets_the_message_as_new() {
    let (provider, env) = over();
    purge(&env, "job-1");
    let sends = provider.sends();
    is_refused(&env.run(&provider, &["run", "job.yaml", "--only-new"]), "no longer known whom job-1 reached");
    is_refused(&env.run(&provider, &["run", "job.yaml", "--only-new", "--dry-run"]), "pass --again in place of");
    let refused = env.run(&provider, &["run", "job.yaml", "--json"]);
    is_refused(&refused, "job-1 was purged at 2");
    assert!(refused.err.contains("--again") && !refused.err.contains("--only-new"), "{refused}");
    let answer: Value = serde_json::from_str(&refused.out).unwrap();
    assert_eq!((&answer["reached"]["new"], &answer["reached"]["purged"][0]), (&Value::Null, &"job-1".into()));
    let checked = env.run_offline(&["check", "job.yaml"]);
    assert!(
        checked.err.contains("already run. It is not known whom job-1 reached, because job-1 was purged; other runs reached 0 of the people on this list. Pass --again"),
        "{checked}"
    );
    let recently = CampaignFile {
        recipients: "{csv: list.csv, to: phone, skip_sent_within: 1d}".to_owned(),
        ..CampaignFile::default()
    };
    env.write("recently.yaml", recently.yaml());
    for args in [&["check", "recently.yaml"][..], &["run", "recently.yaml", "--again"]] {
        is_refused(&env.run(&provider, args), "shorten `recipients.skip_sent_within`");
    }
    assert_eq!(provider.sends(), sends);

    // A person decides that everyone gets it again.
    let again = env.run(&provider, &["run", "job.yaml", "--again"]);
    assert_eq!(again.code, 3, "{again}");
    let refused = env.run(&provider, &["retry", "job-2", "--state", "rejected", "--yes"]);
    is_refused(&refused, "it is no longer known whom job-1 reached");
    assert_eq!(env.run(&provider, &["retry", "job-2", "--state", "rejected", "--yes", "--again"]).code, 3);
    assert_eq!(provider.sends(), sends + ROWS + 1);
}

#[test]
fn only_runs_that_are_over_are_purged_and_only_after_a_person_agreed() {
    let lost = |sent: &Sent| if sent.to == phone(2) { Answer::AcceptAndClose } else { Answer::Accept };
    let provider = ScriptedProvider::start(Script::answering(lost));
    let env = TestEnv::with(&CampaignFile::default(), &csv(ROWS));
    let purge = |args: &[&str]| env.run_offline(&[&["purge"], args].concat());
    is_refused(&purge(&[]), "required");
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--limit", "4", "--no-wait"]).code, 4);
    is_refused(&purge(&["job-1", "--yes"]), "job-1 is not over; finish it with `campaigner --db ");
    assert_eq!(env.run(&provider, &["resume", "--no-wait"]).code, 3);
    is_refused(&purge(&["job-1", "--yes"]), "job-1 still awaits statuses");
    assert_eq!(env.run(&provider, &["reconcile"]).code, 3);
    is_refused(&purge(&["job-1", "--yes"]), "job-1 has 1 uncertain row; its recipient may have received the message");
    let left = purge(&["--older-than", "1ms", "--yes"]);
    assert!(left.code == 3 && left.err.contains("not purged: job-1 has 1 uncertain row; "), "{left}");
    assert_eq!(env.run_offline(&["settle", "job-1", "--row", "2", "--as", "sent", "--by", "Ana"]).code, 0);
    let asked = purge(&["job-1"]);
    is_refused(&asked, "is not a terminal; to confirm, pass --yes");
    assert!(asked.err.contains("job-1: 12 rows, finished at 2"), "{asked}");
    let early = purge(&["--older-than", "1h", "--yes"]);
    assert!(early.code == 0 && early.err.contains("no run ended that long ago"), "{early}");
    assert_eq!(env.report("job-1").len(), ROWS);

    let terminal = |answer: &str| {
        let mut terminal = Terminal::start(&env, "", None, &["purge", "--older-than", "1ms"]);
        terminal.wait_for("Purge this run? [y/N] ");
        terminal.write(answer);
        terminal.wait().0.code
    };
    assert_eq!(terminal("n\n"), 2);
    assert_eq!(env.report("job-1").len(), ROWS);
    assert_eq!(terminal("y\n"), 0);
    is_refused(&env.run_offline(&["report", "job-1"]), "was purged");
    assert_eq!(purge(&["--older-than", "1ms", "--yes"]).code, 0, "there is nothing left to do");
}

#[test]
fn a_run_that_another_process_works_on_is_not_purged() {
    let provider = ScriptedProvider::slow(20);
    let env = TestEnv::with(&CampaignFile { rate: "60/s", ..CampaignFile::default() }, &csv(300));
    let running = env.start(&provider, &["run", "job.yaml"]);
    provider.wait_for_sends(5);
    is_refused(&env.run_offline(&["purge", "job-1", "--yes"]), "job-1 is not over");
    running.kill();
}

#[cfg(debug_assertions)] // in other builds there are no crash points
#[test]
fn two_processes_do_not_purge_one_run_at_once() {
    let (_provider, env) = over();
    if !env.has_file() {
        // On a server, a process that hangs counts as dead after a while.
        return;
    }
    let first = env.start_with(&[("CAMPAIGNER_HANG_AT", "purge marked")], &["purge", "job-1", "--yes"]);
    let is_marked = || env.run_offline(&["report", "job-1"]).err.contains("was purged");
    assert!(wait_until(SOON, is_marked), "{}", first.stderr());
    let second = env.run_offline(&["purge", "job-1", "--yes"]);
    assert!(second.code == 5 && second.err.contains("another process is working on job-1"), "{second}");
    let of_all = env.run_offline(&["purge", "--older-than", "1ms", "--yes"]);
    let why = "not purged: another process is working on job-1";
    assert!(of_all.code == 3 && of_all.err.contains(why), "{of_all}");
    first.kill();
    purge(&env, "job-1");
    env.verify("job-1");
}

/// Every file of the store.
fn stored(env: &TestEnv) -> Vec<u8> {
    let files = ["store.db", "store.db-wal", "store.db-shm", "store.db-mark"].map(|name| fs::read(env.path(name)));
    files.into_iter().flatten().flatten().collect()
}

/// Which of these numbers, as text or as SQLite stores them, names and message ids are in the files.
fn found(env: &TestEnv, rows: impl Iterator<Item = usize>, ids: &[String]) -> Vec<String> {
    let stored = stored(env);
    let has = |bytes: &[u8]| stored.windows(bytes.len()).any(|window| window == bytes);
    let mut found: Vec<String> = ids.iter().filter(|id| has(id.as_bytes())).cloned().collect();
    for row in rows {
        let number = phone(row).parse::<u64>().unwrap().to_be_bytes();
        let secrets = [phone(row).as_bytes(), &number[3..], format!("Name{row}\"").as_bytes()].map(has);
        found.extend(secrets.contains(&true).then(|| format!("row {row}: {secrets:?}")));
    }
    found
}

#[test]
fn nothing_of_a_purged_run_is_left_in_the_file_or_its_log() {
    let (provider, env) = over();
    if !env.has_file() {
        return;
    }
    let ids: Vec<String> = provider.received().sends.into_iter().filter_map(|sent| sent.message_id).collect();
    assert_eq!(found(&env, 1..=ROWS, &ids).len(), ROWS + ids.len(), "they are there before");
    // Another run shares pages with it, and stays.
    env.write("other.yaml", CampaignFile { name: "other", ..CampaignFile::default() }.yaml());
    env.write("list.csv", format!("phone,first_name\n{},Name500\n", phone(500)));
    assert_eq!(env.run(&provider, &["run", "other.yaml"]).code, 0);
    purge(&env, "job-1");
    assert_eq!(found(&env, 1..=ROWS, &ids), Vec::<String>::new());
    assert_eq!(found(&env, 500..=500, &[]).len(), 1);
    env.verify("other-1");
}

#[cfg(debug_assertions)] // in other builds there are no crash points
#[test]
fn a_purge_that_was_killed_continues_wherever_it_was() {
    for point in ["purge marked", "purge counted", "purge deleted"] {
        let (provider, env) = over();
        let before = env.states("job-1");
        let sends = provider.sends();
        env.crash(&provider, point, &["purge", "job-1", "--yes"]);
        assert_eq!(env.states("job-1"), before, "after `{point}`");
        is_refused(&env.run_offline(&["report", "job-1"]), "job-1 was purged at 2");
        is_refused(&env.run(&provider, &["run", "job.yaml", "--only-new"]), "no longer known whom job-1 reached");
        is_refused(&env.run(&provider, &["retry", "job-1", "--state", "rejected", "--yes"]), "was purged");
        let unfinished = env.run_offline(&["verify", "job-1"]);
        assert!(unfinished.code == 1 && unfinished.out.contains("run `campaigner purge` again"), "{unfinished}");
        let continued = env.run_offline(&["purge", "--older-than", "1ms", "--yes"]);
        assert!(continued.code == 0 && continued.err.contains("job-1 was purged"), "{continued}");
        assert_eq!((env.states("job-1"), provider.sends()), (before, sends));
        env.verify("job-1");
        if env.has_file() {
            assert_eq!(found(&env, 1..=ROWS, &[]), Vec::<String>::new(), "after `{point}`");
        }
    }
}

#[test]
fn another_run_is_sent_while_one_is_purged() {
    const MANY: usize = 30_000;
    let provider = ScriptedProvider::slow(5);
    let env = TestEnv::with(&CampaignFile { name: "other", rate: "200/s", ..CampaignFile::default() }, &csv(300));
    fs::rename(env.path("job.yaml"), env.path("other.yaml")).unwrap();
    let list: String = (0..MANY).map(|n| format!("12,Name{n}\n")).collect();
    env.write("many.csv", format!("phone,first_name\n{},Name\n{list}", phone(1)));
    let recipients = "{csv: many.csv, to: phone}".to_owned();
    env.write("job.yaml", CampaignFile { recipients, ..CampaignFile::default() }.yaml());
    assert_eq!(env.run(&provider, &["run", "job.yaml"]).code, 0);
    let other = env.start(&provider, &["run", "other.yaml"]);
    assert!(wait_until(SOON, || provider.sends() > 20));
    purge(&env, "job-1");
    let other = other.wait();
    assert_eq!(other.code, 0, "{other}");
    assert_eq!(env.states("other-1"), counts(&[("read", 300)]));
    assert_eq!(env.states("job-1"), counts(&[("invalid", MANY as u64), ("read", 1)]));
    for run in ["job-1", "other-1"] {
        env.verify(run);
    }
}
