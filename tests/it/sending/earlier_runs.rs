//! A campaign that ran before, whatever changed since: nobody is messaged again unless a person says so. `check`,
//! `preview` and `--dry-run` print the figures that `run` has afterwards.

use serde_json::Value;

use crate::support::{
    Answer, CampaignFile, Finished, SOON, Script, ScriptedProvider, Sent, TestEnv, counts, csv, phone, read_in_the_end,
    wait_until,
};

const ROWS: usize = 12;

fn json(finished: &Finished) -> Value {
    serde_json::from_str(finished.out.lines().last().unwrap_or_default()).unwrap_or_else(|_| panic!("{finished}"))
}

/// A run of whose rows 1 is uncertain, 2 and 3 are rejected, the last three are invalid and all others are read.
fn ran() -> (ScriptedProvider, TestEnv) {
    let answer = |sent: &Sent| match (1..=3).find(|row| sent.to == phone(*row)) {
        Some(1) => Answer::AcceptAndClose,
        Some(_) if sent.nth == 0 => Answer::error(10_002, "(#131026) Message undeliverable"),
        _ => Answer::Accept,
    };
    let provider = ScriptedProvider::start(Script::answering(answer));
    let bad = csv(ROWS).replace(&phone(10), "12").replace(&phone(11), "13").replace(&phone(12), "x");
    let env = TestEnv::with(&CampaignFile::default(), &bad);
    let run = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(run.code, 3, "{run}");
    assert_eq!(env.states("job-1"), counts(&[("read", 6), ("rejected", 2), ("uncertain", 1), ("invalid", 3)]));
    (provider, env)
}

#[test]
fn a_corrected_list_is_refused_and_only_new_sends_to_those_that_were_not_reached() {
    if TestEnv::is_on_a_server() {
        return; // It is about a store in a file.
    }
    let (provider, env) = ran();
    env.write("list.csv", csv(ROWS));
    let sends = provider.sends();
    for args in [&["run", "job.yaml"][..], &["run", "job.yaml", "--dry-run"]] {
        let refused = env.run(&provider, args);
        assert_eq!(refused.code, 2, "{refused}");
        for words in [
            "`job` has already run; nothing was sent this time. Earlier runs reached 7 of the 12 people on this list, most recently at 20",
            "job-1: 7 people, 20",
            "send to the 5 people not reached yet:  campaigner --db store.db run job.yaml --only-new",
            "send to everyone (12):                 campaigner --db store.db run job.yaml --again",
            "for 1 of these people, the outcome is uncertain: the message may not have arrived",
            "campaigner --db store.db settle job-1 --row 1 --as sent   (or --as not-sent)",
        ] {
            assert!(refused.err.contains(words), "{words}: {refused}");
        }
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        let output = json(&env.run(&provider, &args));
        assert_eq!((&output["decision"], &output["reason"]), (&"refused".into(), &"ran_before".into()), "{output}");
        assert_eq!((&output["reached"]["people"], &output["reached"]["of"]), (&7.into(), &12.into()), "{output}");
        assert_eq!(output["reached"]["runs"][0]["run"], "job-1");
        assert_eq!(output["reached"]["uncertain"]["first"][0]["row"], 1);
    }
    assert_eq!(env.run_offline(&["suppress", "add", &phone(ROWS)]).code, 0);
    let refused = env.run(&provider, &["run", "job.yaml"]);
    for words in ["not reached, and on the suppression list: 1 person", "send to the 4 people", "send to everyone (11)"]
    {
        assert!(refused.err.contains(words), "{words}: {refused}");
    }
    assert_eq!(env.run_offline(&["suppress", "remove", &phone(ROWS)]).code, 0);
    assert_eq!(env.run_offline(&["status", "--all"]).out.lines().count(), 1, "no run was made");

    let dry = env.run(&provider, &["run", "job.yaml", "--only-new", "--dry-run"]);
    assert!(dry.code == 0 && dry.out.contains("5 of 12 rows would be sent"), "{dry}");
    assert!(dry.err.contains("  row 1: already messaged by job-1 at 20"), "{dry}");
    assert_eq!(provider.sends(), sends);
    let only_new = env.run(&provider, &["run", "job.yaml", "--only-new"]);
    assert_eq!(only_new.code, 0, "{only_new}");
    assert!(only_new.err.contains("left out 7 rows: earlier runs have already reached these people"), "{only_new}");
    assert_eq!(env.states("job-2"), counts(&[("read", 5), ("suppressed", 7)]));
    let report = env.report("job-2");
    assert_eq!((report[0].state.as_str(), report[0].code.as_str()), ("suppressed", "already_reached"));
    provider.received().assert_nobody_twice();
    env.verify("job-2");

    // What the next run reached is not sent again by a `retry` of the first, unless a person says so.
    let retry = ["retry", "job-1", "--state", "rejected", "--yes"];
    let left_out = env.run(&provider, &retry);
    assert!(
        left_out.code == 0 && left_out.err.contains("left out 2 rows, because other runs of `job` have reached"),
        "{left_out}"
    );
    assert_eq!(provider.sends(), sends + 5);

    // Over all runs of the name, by number.
    let refused = env.run(&provider, &["run", "job.yaml"]);
    assert!(refused.code == 2 && refused.err.contains("reached all 12 people"), "{refused}");
    let nobody = env.run(&provider, &["run", "job.yaml", "--only-new"]);
    assert!(
        nobody.code == 0
            && nobody.err.contains("no one on this list can be sent the message with --only-new (12 reached before)"),
        "{nobody}"
    );
    for args in [&["--json"][..], &["--json", "--dry-run"]] {
        let output = json(&env.run(&provider, &[&["run", "job.yaml", "--only-new"], args].concat()));
        assert_eq!((&output["decision"], &output["already_reached"]), (&"nobody_new".into(), &12.into()), "{output}");
    }
    assert_eq!(provider.sends(), sends + 5);
    assert_eq!(env.run_offline(&["status", "--all"]).out.lines().count(), 2, "no run was made of nobody");
    // Whoever is new may be in a row that is still wrong.
    env.write("list.csv", csv(ROWS + 1).replace(&phone(ROWS + 1), "12"));
    let wrong = env.run(&provider, &["run", "job.yaml", "--only-new"]);
    assert!(wrong.code == 2 && wrong.err.contains("(12 reached before, 1 row invalid); nothing was sent"), "{wrong}");
    assert!(wrong.err.contains("1 row: column `phone`: ") && wrong.err.contains("  row 13, line 14 (`12`)"), "{wrong}");
    env.write("list.csv", csv(ROWS));
    // Another name knows nothing of them, and a word settles those in doubt.
    assert_eq!(env.run_offline(&["settle", "job-1", "--row", "1", "--as", "not-sent", "--by", "Ana"]).code, 0);
    let dry = env.run(&provider, &["run", "job.yaml", "--only-new", "--dry-run"]);
    assert!(dry.out.contains("1 of 12 rows would be sent"), "{dry}");
}

#[test]
fn again_sends_to_everyone_also_after_a_cancelled_run_which_keeps_collecting_statuses() {
    let statuses = |to: &str| match to == phone(1) {
        true => vec![],
        false => read_in_the_end(),
    };
    let provider = ScriptedProvider::start(Script { statuses: Box::new(statuses), ..Script::default() });
    let env = TestEnv::with(&CampaignFile::default(), &csv(ROWS));
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--limit", "4", "--no-wait"]).code, 4);
    assert_eq!(env.run_offline(&["cancel", "job-1"]).code, 0);
    let refused = env.run(&provider, &["run", "job.yaml"]);
    assert!(refused.code == 2 && refused.err.contains("reached 4 of the 12 people"), "{refused}");
    let again = env.run(&provider, &["run", "job.yaml", "--again", "--no-wait"]);
    assert_eq!(again.code, 0, "{again}");
    assert_eq!(provider.sends(), 4 + ROWS);
    let json: Value = serde_json::from_str(&env.run_offline(&["status", "job-1", "--json"]).out).unwrap();
    assert!(json["finished_at"].is_null(), "its statuses are still collected: {json}");
    let statuses = env.run(&provider, &["reconcile", "job-1", "--once"]);
    assert_eq!(statuses.code, 3, "{statuses}");
    assert_eq!(env.states("job-1").get("cancelled"), Some(&8));
}

#[test]
fn after_a_cancel_the_next_run_waits_until_the_one_before_sends_nothing_any_more() {
    if TestEnv::is_on_a_server() {
        return; // It is about a store in a file.
    }
    let provider = ScriptedProvider::slow(20);
    let env = TestEnv::with(&CampaignFile { rate: "80/s", ..CampaignFile::default() }, &csv(400));
    for _ in 0..3 {
        let sends = provider.sends();
        let sending = env.start(&provider, &["run", "job.yaml", "--only-new"]);
        assert!(wait_until(SOON, || provider.sends() >= sends + 20));
        let run = env.run_offline(&["status", "--json"]);
        let run = json(&run)["run"].as_str().unwrap().to_owned();
        assert_eq!(env.run_offline(&["cancel", &run]).code, 0);
        // At once: the sending process checks for pause and cancel once a second.
        let next = env.run(&provider, &["run", "job.yaml", "--only-new", "--limit", "30", "--no-wait"]);
        assert_eq!(next.code, 5, "{next}");
        assert!(next.err.contains(&format!("another process is working on {run}")), "{next}");
        assert_eq!(sending.wait().code, 3);
        provider.received().assert_nobody_twice();
    }
    // One that died after it was cancelled holds up nobody.
    let sends = provider.sends();
    let dies = env.start(&provider, &["run", "job.yaml", "--only-new"]);
    assert!(wait_until(SOON, || provider.sends() >= sends + 20));
    let run = json(&env.run_offline(&["status", "--json"]))["run"].as_str().unwrap().to_owned();
    assert_eq!(env.run_offline(&["cancel", &run]).code, 0);
    dies.kill();
    let next = env.run(&provider, &["run", "job.yaml", "--only-new", "--rate", "5000/s"]);
    assert_eq!(next.code, 0, "{next}");
    provider.received().assert_nobody_twice();
}

#[test]
fn what_was_cancelled_before_anything_was_sent_is_in_nobodys_way() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(ROWS));
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--limit", "0", "--no-wait"]).code, 4);
    assert_eq!(env.run_offline(&["cancel", "job-1"]).code, 0);
    let refused = env.run(&provider, &["run", "job.yaml"]);
    assert!(refused.code == 2 && refused.err.contains("reached nobody on this list"), "sending had begun: {refused}");
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--only-new"]).code, 0);
    assert_eq!(provider.sends(), ROWS);
}

#[test]
fn only_new_works_while_the_run_before_waits_for_statuses_and_not_while_it_sends() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(ROWS));
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--limit", "4", "--no-wait"]).code, 4);
    env.write("list.csv", csv(ROWS + 3));
    for args in [&["run", "job.yaml"][..], &["run", "job.yaml", "--only-new"], &["run", "job.yaml", "--again"]] {
        let refused = env.run(&provider, args);
        assert!(refused.code == 2 && refused.err.contains("job-1 is unfinished"), "{refused}");
        let args: Vec<&str> = args.iter().copied().chain(["--dry-run", "--json"]).collect();
        let dry = env.run(&provider, &args);
        assert_eq!((dry.code, &json(&dry)["reason"]), (2, &"other_recipients".into()), "{dry}");
    }
    assert_eq!(env.run(&provider, &["resume", "--no-wait"]).code, 0);
    let refused = env.run(&provider, &["run", "job.yaml"]);
    assert!(refused.code == 2 && refused.err.contains("reached 12 of the 15 people"), "{refused}");
    let only_new = env.run(&provider, &["run", "job.yaml", "--only-new", "--json"]);
    assert_eq!(only_new.code, 0, "{only_new}");
    assert_eq!(json(&only_new)["states"]["suppressed"], 12, "{only_new}");
    assert_eq!(provider.sends(), ROWS + 3);
    provider.received().assert_nobody_twice();
    // The same content continues with its own statuses.
    env.write("list.csv", csv(ROWS));
    let dry = env.run(&provider, &["run", "job.yaml", "--dry-run"]);
    assert!(dry.code == 0 && dry.out.contains("job-1 is unfinished and would continue with 0 rows to send"), "{dry}");
    assert_eq!(env.run(&provider, &["run", "job.yaml"]).code, 0);
}

#[cfg(debug_assertions)] // in other builds there are no crash points
#[test]
fn whom_only_new_leaves_out_stays_left_out_when_its_import_broke_off() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(ROWS));
    assert_eq!(env.run(&provider, &["run", "job.yaml"]).code, 0);
    env.write("list.csv", csv(ROWS + 3));
    env.crash(&provider, "rows committed", &["run", "job.yaml", "--only-new"]);
    let done = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(done.code, 0, "{done}");
    assert_eq!(env.states("job-2"), counts(&[("read", 3), ("suppressed", ROWS as u64)]));
    provider.received().assert_nobody_twice();
}

#[test]
fn a_run_for_everyone_is_not_continued_for_the_new_ones_only() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(ROWS));
    assert_eq!(env.run(&provider, &["run", "job.yaml"]).code, 0);
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--again", "--limit", "2"]).code, 4);
    let refused = env.run(&provider, &["run", "job.yaml", "--only-new"]);
    assert!(refused.code == 2 && refused.err.contains("job-2 is unfinished and sends to everyone"), "{refused}");
    assert_eq!(provider.sends(), ROWS + 2);
    assert_eq!(env.run_offline(&["cancel", "job-2"]).code, 0);
    env.write("list.csv", csv(ROWS + 4));
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--only-new", "--limit", "1"]).code, 4);
    let refused = env.run(&provider, &["run", "job.yaml", "--again"]);
    assert!(
        refused.code == 2 && refused.err.contains("job-3 is unfinished and sends only to people not reached"),
        "{refused}"
    );
}

#[test]
fn check_preview_and_dry_run_have_the_figures_of_run_and_make_no_store() {
    let provider = ScriptedProvider::accepting_all();
    let recipients = "{csv: list.csv, to: phone, skip_sent_within: 7d}".to_owned();
    let env = TestEnv::with(&CampaignFile { recipients, ..CampaignFile::default() }, &csv(4));
    for args in [&["check", "job.yaml"][..], &["preview", "job.yaml"], &["run", "job.yaml", "--dry-run"]] {
        assert_eq!(env.run(&provider, args).code, 0);
        assert!(!env.path("store.db").exists(), "{args:?}");
    }
    env.write("list.csv", csv(2));
    assert_eq!(env.run(&provider, &["run", "job.yaml"]).code, 0);
    let suppressed =
        env.run_offline(&["suppress", "add", &phone(3), &phone(4), &phone(1), "--reason", "asked us to stop"]);
    assert_eq!(suppressed.code, 0);
    env.write("list.csv", csv(6));

    let checked = env.run_offline(&["check", "job.yaml"]);
    assert_eq!(checked.code, 0, "{checked}");
    for line in [
        "2 of 6 rows can be sent\n",
        "     2  an earlier run reached this number recently [sent_recently]\n     2  on the suppression list \
         [suppressed]\n     4  in total\n",
        "  row 1: already messaged by job-1 at 20",
        "  row 3: asked us to stop\n",
    ] {
        assert!(checked.out.contains(line), "{checked}");
    }
    let output = json(&env.run_offline(&["check", "job.yaml", "--json"]));
    assert_eq!(
        [&output["sendable"], &output["sent_recently"], &output["suppressed"], &output["reached"]["people"]],
        [2, 2, 2, 2]
    );
    let preview = env.run_offline(&["preview", "job.yaml"]);
    assert!(preview.out.lines().count() == 2 && preview.out.contains(&phone(6)), "{preview}");
    assert!(preview.err.contains("row 2: left out: already messaged by job-1 at 20"), "{preview}");
    assert!(preview.err.contains("row 4: left out: asked us to stop [suppressed]"), "{preview}");
    let one = env.run_offline(&["preview", "job.yaml", "--row", "3"]);
    assert_eq!((one.code, one.out.as_str()), (2, ""), "{one}");

    let dry = json(&env.run(&provider, &["run", "job.yaml", "--again", "--dry-run", "--json"]));
    assert_eq!(
        (&dry["decision"], &dry["sendable"], &dry["suppressed"]),
        (&"new".into(), &2.into(), &2.into()),
        "{dry}"
    );
    let run = env.run(&provider, &["run", "job.yaml", "--again"]);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(env.states("job-2"), counts(&[("read", 2), ("suppressed", 4)]));
    provider.received().assert_nobody_twice();
}

#[test]
fn an_opt_out_list_with_national_numbers_is_read_as_of_its_region() {
    let provider = ScriptedProvider::accepting_all();
    let recipients = "{csv: list.csv, to: phone, region: DE}".to_owned();
    let list = "phone,first_name,discount\n0151 23456789,Ana,1%\n+49 160 1234567,Bo,1%\n0171 2345678,Cy,1%\n";
    let env = TestEnv::with(&CampaignFile { recipients, ..CampaignFile::default() }, list);
    env.write("out.csv", "phone\n0151 23456789\n0160 1234567\n");
    let refused = env.run_offline(&["suppress", "import", "out.csv"]);
    assert!(refused.code == 2 && refused.err.contains("--region"), "{refused}");
    assert_eq!(env.run_offline(&["suppress", "import", "out.csv", "--region", "DE"]).code, 0);
    let add = ["suppress", "add", "0171 2345678", "--region", "DE"];
    assert_eq!(env.run_offline(&add).code, 0);
    let run = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!((run.code, provider.sends()), (2, 0), "{run}");
    assert_eq!(env.states("job-1"), counts(&[("suppressed", 3)]));
    assert_eq!(env.run_offline(&["suppress", "remove", "0171 2345678", "--region", "DE"]).code, 0);
}
