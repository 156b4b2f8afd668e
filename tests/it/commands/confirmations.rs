//! Questions before something that cannot be undone: answered, refused, interrupted, and where nobody can be asked.

use crate::support::terminal::Terminal;
use crate::support::{Answer, CampaignFile, Script, ScriptedProvider, TestEnv, counts, csv, phone};

/// An unfinished run of three rows, one of them accepted.
fn unfinished(provider: &ScriptedProvider) -> TestEnv {
    let env = TestEnv::with(&CampaignFile::default(), &csv(3));
    assert_eq!(env.run(provider, &["run", "job.yaml", "--limit", "1"]).code, 4);
    env
}

#[test]
fn cancel_asks_on_a_terminal_and_says_what_cannot_be_undone() {
    let provider = ScriptedProvider::accepting_all();
    let env = unfinished(&provider);
    for refusal in ["n\n", "\n", "\u{4}"] {
        let mut terminal = Terminal::start(&env, "", None, &["cancel", "job-1"]);
        terminal.wait_for("2 of 3 rows will never be sent. This cannot be undone; to stop sending for a while");
        terminal.wait_for("[y/N] ");
        terminal.write(refusal);
        let (finished, screen) = terminal.wait();
        assert!(finished.code == 2 && screen.contains("nothing was cancelled"), "{refusal:?}: {screen}");
    }
    let mut terminal = Terminal::start(&env, "", None, &["cancel", "job-1"]);
    terminal.wait_for("[y/N] ");
    terminal.signal("INT");
    assert_eq!(terminal.wait().0.code, -2, "interrupted");
    assert_eq!(env.states("job-1"), counts(&[("pending", 2), ("read", 1)]), "nothing was cancelled so far");

    let mut terminal = Terminal::start(&env, "", None, &["cancel", "job-1"]);
    terminal.wait_for("[y/N] ");
    terminal.write("y\n");
    let (finished, screen) = terminal.wait();
    assert!(finished.code == 0 && screen.contains("job-1 is cancelled: 2 of 3 rows will not be sent"), "{screen}");
    assert_eq!(env.states("job-1"), counts(&[("cancelled", 2), ("read", 1)]));
}

#[test]
fn whoever_agreed_in_advance_or_is_no_terminal_is_not_asked_to_cancel() {
    let provider = ScriptedProvider::accepting_all();
    for (prelude, args) in [("", &["cancel", "job-1", "--yes"][..]), ("export CAMPAIGNER_YES=1;", &["cancel", "job-1"])]
    {
        let env = unfinished(&provider);
        let (finished, screen) = Terminal::start(&env, prelude, None, args).wait();
        assert!(finished.code == 0 && !screen.contains("[y/N]"), "{screen}");
    }
    let env = unfinished(&provider);
    assert_eq!(env.run_offline(&["cancel", "job-1"]).code, 0);
}

#[test]
fn retry_needs_an_answer() {
    // The first request is refused, and every later one accepted.
    let provider = ScriptedProvider::start(Script::answering(|sent| match (sent.index, sent.nth) {
        (1, 0) => Answer::error(10002, "(#131026) Message undeliverable"),
        _ => Answer::Accept,
    }));
    let env = TestEnv::with(&CampaignFile::default(), &csv(2));
    assert_eq!(env.run(&provider, &["run", "job.yaml"]).code, 3);
    let no_rows = env.run_offline(&["retry", "job-1"]);
    let each = ["--state <STATES>", "--error <CODES>", "--row <N>", "--to <NUMBER>"];
    assert!(no_rows.code == 2 && no_rows.err.contains(&format!("<{}>", each.join("|"))), "{no_rows}");
    let retry = ["retry", "job-1", "--state", "rejected"];
    let nobody = env.run(&provider, &retry);
    assert!(nobody.code == 2 && nobody.err.contains("Send 1 row of job-1 again (rejected)?"), "{nobody}");
    assert!(nobody.err.contains("pass --yes"), "{nobody}");
    for (answer, code) in [("no\n", 2), ("yes\n", 0)] {
        let mut terminal = Terminal::start(&env, "", Some(&provider.url()), &retry);
        terminal.wait_for("Send 1 row of job-1 again (rejected)? [y/N] ");
        terminal.write(answer);
        let (finished, screen) = terminal.wait();
        assert!(finished.code == code, "{answer}: {screen}");
    }
    assert_eq!(env.states("job-1"), counts(&[("read", 2)]));
}

#[test]
fn run_shows_what_it_is_about_to_do_and_asks_once() {
    let provider = ScriptedProvider::accepting_all();
    let list = csv(4).replace(&phone(3), "12");
    let env = TestEnv::with(&CampaignFile::default(), &list);
    let url = provider.url();
    for refusal in ["n\n", "\u{4}"] {
        let mut terminal = Terminal::start(&env, "", Some(&url), &["run", "job.yaml"]);
        terminal.wait_for("Send 3 messages? [y/N] ");
        let screen = terminal.screen();
        for words in
            ["3 of 4 rows can be sent", "why not", "account   incs (127.0.0.1)", "rate      ", "finishes  at about 20"]
        {
            assert!(screen.contains(words), "{words}: {screen}");
        }
        terminal.write(refusal);
        let (finished, screen) = terminal.wait();
        assert!(finished.code == 2 && screen.contains("nothing was stored or sent"), "{screen}");
    }
    let mut terminal = Terminal::start(&env, "", Some(&url), &["run", "job.yaml"]);
    terminal.wait_for("[y/N] ");
    terminal.signal("INT");
    assert_eq!(terminal.wait().0.code, -2);
    assert!(provider.sends() == 0 && !env.path("store.db").exists(), "nothing was stored");

    let mut terminal = Terminal::start(&env, "", Some(&url), &["run", "job.yaml", "--limit", "1"]);
    terminal.wait_for("Send 1 message? [y/N] ");
    terminal.write("y\n");
    assert_eq!(terminal.wait().0.code, 4);
    // These messages were confirmed when the run started.
    let (finished, screen) = Terminal::start(&env, "", Some(&url), &["run", "job.yaml"]).wait();
    assert!(finished.code == 0 && !screen.contains("[y/N]"), "{screen}");
    assert_eq!(provider.sends(), 3);
    provider.received().assert_nobody_twice();
}

#[test]
fn run_does_not_ask_whoever_agreed_in_advance_or_uses_the_simulator() {
    let provider = ScriptedProvider::accepting_all();
    let url = provider.url();
    for (prelude, args) in [("", &["run", "job.yaml", "--yes"][..]), ("export CAMPAIGNER_YES=1;", &["run", "job.yaml"])]
    {
        let env = TestEnv::with(&CampaignFile::default(), &csv(1));
        let (finished, screen) = Terminal::start(&env, prelude, Some(&url), args).wait();
        assert!(finished.code == 0 && !screen.contains("[y/N]"), "{screen}");
    }
    let simulated = CampaignFile::default().yaml().replace("provider: incs", "provider: simulator");
    let env = TestEnv::with(&CampaignFile::default(), &csv(1));
    env.write("job.yaml", simulated);
    let (finished, screen) = Terminal::start(&env, "", None, &["run", "job.yaml", "--no-wait"]).wait();
    // Some simulated messages are refused.
    assert!(matches!(finished.code, 0 | 3) && !screen.contains("[y/N]"), "{screen}");
}

#[test]
fn a_retry_without_a_credential_changes_nothing() {
    let provider =
        ScriptedProvider::start(Script::answering(|_| Answer::error(10002, "(#131026) Message undeliverable")));
    let env = TestEnv::with(&CampaignFile::default(), &csv(2));
    assert_eq!(env.run(&provider, &["run", "job.yaml"]).code, 3);
    let refused = env.run_offline(&["retry", "job-1", "--state", "rejected", "--yes"]);
    assert!(refused.code == 1 && refused.err.contains("certification code"), "{refused}");
    let wrong = env.run(&provider, &["retry", "job-1", "--state", "rejected", "--yes", "--rate", "fast"]);
    assert!(wrong.code == 2 && wrong.err.contains("--rate"), "{wrong}");
    assert_eq!(env.states("job-1"), counts(&[("rejected", 2)]));
}
