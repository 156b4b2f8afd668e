//! Killed at any moment and run again: nobody is messaged twice, nobody is missing, and no more rows are uncertain than
//! requests were in flight.

use std::collections::HashSet;
use std::time::Duration;

use crate::support::meta::{META_SERVE, call_back_all};
use crate::support::{
    Answer, CampaignFile, SOON, Script, ScriptedProvider, Sent, TestEnv, Wire, counts, csv, phone, wait_until,
};

const ROWS: usize = 300;
const CONCURRENCY: usize = 16;

/// A run of `ROWS` rows that is killed when the provider has seen `sends` of them.
fn killed_after(sends: usize, uncertain: &'static str) -> (ScriptedProvider, TestEnv) {
    killed(ScriptedProvider::slow(30), sends, CampaignFile { uncertain, ..CampaignFile::default() })
}

/// As `killed_after`, with this provider and campaign.
fn killed(provider: ScriptedProvider, sends: usize, campaign: CampaignFile) -> (ScriptedProvider, TestEnv) {
    let campaign = CampaignFile { concurrency: CONCURRENCY, rate: "600/s", ..campaign };
    let env = TestEnv::with(&campaign, &csv(ROWS));
    let running = env.start(&provider, &["run", "job.yaml"]);
    provider.wait_for_sends(sends);
    running.kill();
    assert!(provider.sends() < ROWS, "it was to be killed in the middle");
    (provider, env)
}

#[test]
fn after_a_kill_nobody_is_messaged_twice_and_who_is_not_messaged_is_listed_as_uncertain() {
    for sends in [1, 40, 130, 260] {
        let (provider, env) = killed_after(sends, "hold");
        let run = env.run(&provider, &["run", "job.yaml"]);
        env.verify("job-1");

        let received = provider.received();
        received.assert_nobody_twice();
        let accepted = received.accepted();
        let report = env.report("job-1");
        assert_eq!(report.len(), ROWS);
        let (uncertain, sure): (Vec<_>, Vec<_>) = report.iter().partition(|line| line.state == "uncertain");
        assert!(uncertain.len() <= CONCURRENCY, "{} in doubt", uncertain.len());
        assert!(uncertain.iter().all(|line| line.code == "interrupted" && line.attempts == 1), "{uncertain:?}");
        assert!(sure.iter().all(|line| accepted.contains_key(&line.to)), "killed after {sends}: some are missing");
        assert_eq!(run.code, if uncertain.is_empty() { 0 } else { 3 }, "{run}");
    }
}

/// One request in twenty loses its answer. The webhooks about one person in ten never come.
#[test]
fn after_a_kill_metas_webhooks_leave_those_uncertain_that_it_never_accepted_or_never_reported() {
    let is_reported = |sent: &Sent| !sent.to.ends_with('7');
    for sends in [1, 90, 240] {
        let send = |sent: &Sent| if sent.index % 20 == 12 { Answer::AcceptAndClose } else { Answer::Accept };
        let latency = Duration::from_millis(30);
        let provider = ScriptedProvider::start(Script { latency, wire: Wire::Meta, ..Script::answering(send) });
        let campaign = CampaignFile { wire: Wire::Meta, horizon: "10s", ..CampaignFile::default() };
        let (provider, env) = killed(provider, sends, campaign);
        let run = env.run(&provider, &["run", "job.yaml"]);
        assert_eq!(run.code, 3, "{run}");
        let in_doubt = env.states("job-1")["uncertain"];
        let service = env.start(&provider, &META_SERVE);
        call_back_all(&service, &provider.webhooks(sends as u64, is_reported));
        let is_over = || env.run_offline(&["status"]).out.contains("finished");
        assert!(wait_until(SOON, is_over), "{}", service.stderr());
        assert_eq!(service.stop().code, 0);
        env.verify("job-1");

        let received = provider.received();
        received.assert_nobody_twice();
        assert!(received.offences.is_empty(), "{:?}", received.offences);
        let reported: HashSet<_> =
            received.sends.iter().filter(|sent| is_reported(sent)).map(|sent| &sent.to).collect();
        let accepted = received.accepted();
        let report = env.report("job-1");
        assert_eq!(report.len(), ROWS);
        for line in &report {
            let is_right = match line.state.as_str() {
                "read" => reported.contains(&line.to),
                "accepted" => accepted.contains_key(&line.to) && !reported.contains(&line.to),
                "uncertain" => !reported.contains(&line.to),
                _ => false,
            };
            assert!(is_right, "killed after {sends}: {line:?}");
        }
        let uncertain = report.iter().filter(|line| line.state == "uncertain").count() as u64;
        assert!(uncertain < in_doubt, "of {in_doubt} in doubt, {uncertain} remain");
        let unsent = report.iter().filter(|line| !accepted.contains_key(&line.to)).count();
        assert!(unsent <= CONCURRENCY, "{unsent} were never accepted");
    }
}

#[test]
fn with_uncertain_resend_those_in_doubt_are_sent_again_and_no_others() {
    let (provider, env) = killed_after(100, "resend");
    let before: HashSet<String> = provider.received().accepted().into_keys().collect();
    let run = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(run.code, 0, "{run}");
    env.verify("job-1");
    let accepted = provider.received().accepted();
    assert_eq!(accepted.len(), ROWS);
    let twice: Vec<_> = accepted.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.len() <= CONCURRENCY && twice.iter().all(|(to, _)| before.contains(*to)), "{twice:?}");
}

#[test]
fn after_a_persons_yes_those_in_doubt_are_sent_again() {
    let (provider, env) = killed_after(100, "hold");
    assert_eq!(env.run(&provider, &["resume"]).code, 3);
    let uncertain = env.states("job-1")["uncertain"];
    let sends = provider.sends();

    let asked = env.run(&provider, &["retry", "job-1", "--state", "uncertain"]);
    assert_eq!((asked.code, provider.sends()), (2, sends), "without a yes nothing is done: {asked}");

    let retried = env.run(&provider, &["retry", "job-1", "--state", "uncertain", "--yes"]);
    assert_eq!(retried.code, 0, "{retried}");
    assert_eq!(provider.sends() as u64, sends as u64 + uncertain);
    assert_eq!(env.states("job-1"), counts(&[("read", ROWS as u64)]));
    env.verify("job-1");
}

#[test]
fn a_retry_right_after_the_kill_finds_those_in_doubt() {
    let (provider, env) = killed_after(100, "hold");
    let retried = env.run(&provider, &["retry", "job-1", "--state", "uncertain", "--yes"]);
    assert_eq!(retried.code, 0, "{retried}");
    assert_eq!(env.states("job-1"), counts(&[("read", ROWS as u64)]));
    env.verify("job-1");
}

#[test]
fn killed_while_reading_the_list_nothing_was_sent_and_the_next_run_starts_over() {
    const MANY: usize = 40_000;
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(MANY));
    let running = env.start(&provider, &["run", "job.yaml"]);
    let written = || std::fs::metadata(env.path("store.db-wal")).is_ok_and(|log| log.len() > 500_000);
    assert!(wait_until(SOON, written));
    running.kill();
    assert_eq!(provider.sends(), 0);
    let status = env.run_offline(&["status"]);
    assert!(status.out.contains("the import was interrupted, and nothing was sent"), "{status}");

    let run = env.run(&provider, &["run", "job.yaml", "--limit", "20"]);
    assert_eq!((run.code, provider.sends()), (4, 20), "{run}");
    let states = env.states("job-1");
    assert_eq!(states.values().sum::<u64>(), MANY as u64);
    env.verify("job-1");
}

#[test]
fn a_number_suppressed_shortly_before_its_turn_gets_nothing_and_no_row_around_it_is_lost() {
    const MANY: usize = 900;
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile { rate: "300/s", ..CampaignFile::default() }, &csv(MANY));
    let running = env.start(&provider, &["run", "job.yaml"]);
    provider.wait_for_sends(20);
    // Read and rendered long before, like all rows of a list of this size.
    assert_eq!(env.run_offline(&["suppress", "add", &phone(500), "--reason", "asked us to stop"]).code, 0);
    assert!(wait_until(SOON, || env.states("job-1").contains_key("suppressed")));
    running.kill();

    let run = env.run(&provider, &["resume", "--rate", "5000/s"]);
    let states = env.states("job-1");
    assert_eq!(states.get("pending"), None, "{run}");
    assert_eq!(states["suppressed"], 1);
    assert!(provider.received().sends.iter().all(|sent| sent.to != phone(500)));
    let line = &env.report("job-1")[499];
    assert_eq!((line.state.as_str(), line.message.as_str()), ("suppressed", "asked us to stop"));
    provider.received().assert_nobody_twice();
    env.verify("job-1");
}
