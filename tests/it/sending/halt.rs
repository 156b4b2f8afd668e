//! The halt rule: when refusals stop the run, and how few requests leave before that. All tests have 64 requests in
//! flight, because a request in flight cannot be called back.

use std::time::Duration;

use crate::support::{
    Answer, CREDENTIAL, CampaignFile, Script, ScriptedProvider, Sent, TestEnv, counts, csv, envelope, phone,
};

const ROWS: usize = 600;
const LATENCY: Duration = Duration::from_millis(30);

/// A run of `ROWS` rows with 64 requests in flight, against this.
fn ran(
    answer: impl Fn(&Sent) -> Answer + Send + Sync + 'static,
    dispatch: &'static str,
) -> (ScriptedProvider, TestEnv, String) {
    let provider = ScriptedProvider::start(Script { latency: LATENCY, ..Script::answering(answer) });
    let env = TestEnv::with(&CampaignFile { concurrency: 64, dispatch, ..CampaignFile::default() }, &csv(ROWS));
    let run = env.run(&provider, &["run", "job.yaml", "--no-wait"]);
    assert_eq!(run.code, 4, "{run}");
    env.verify("job-1");
    (provider, env, run.err)
}

#[test]
fn after_the_first_refusal_of_the_account_no_request_leaves() {
    for refusal in [
        Answer::error(10001, "certification-code is invalid"),
        Answer::Refuse(401, envelope(401, "unauthenticated")),
        Answer::Refuse(403, "<h1>forbidden</h1>".into()),
        Answer::error(10002, "(#190) Access token has expired"),
        Answer::error(10002, "(#131042) Business eligibility payment issue"),
    ] {
        let (provider, env, said) = ran(move |_| refusal.clone(), "");
        assert_eq!(provider.sends(), 1, "{said}");
        assert!(said.contains("what to do: ") && said.contains(" resume job-1"), "{said}");
        assert!(!said.contains(CREDENTIAL), "{said}");
        assert_eq!(env.states("job-1"), counts(&[("pending", ROWS as u64)]));

        let fixed = ScriptedProvider::accepting_all();
        let resumed = env.run(&fixed, &["resume"]);
        assert_eq!((resumed.code, fixed.sends()), (0, ROWS), "{resumed}");
    }
}

#[test]
fn a_message_that_every_row_fails_on_is_sent_twenty_times() {
    let fail = |_: &Sent| Answer::error(10002, "(#132000) Number of parameters does not match");
    let (provider, env, said) = ran(fail, "");
    assert_eq!(provider.sends(), 20, "{said}");
    let most = provider.received().most_in_flight;
    assert!((2..=19).contains(&most), "{most}: the first alone, and then no more than may still fail");
    for part in ["20 consecutive rows", "132000", "what to do: compare", " retry job-1 --state rejected"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(env.states("job-1"), counts(&[("pending", ROWS as u64 - 20), ("rejected", 20)]));

    let fixed = ScriptedProvider::accepting_all();
    let retried = env.run(&fixed, &["retry", "job-1", "--state", "rejected", "--yes"]);
    assert_eq!((retried.code, fixed.sends()), (0, ROWS), "{retried}");
    fixed.received().assert_nobody_twice();
}

#[test]
fn the_campaign_says_how_many_are_enough() {
    let fail = |_: &Sent| Answer::error(10002, "(#132012) Parameter format does not match");
    let (provider, ..) = ran(fail, "halt: {same_error: 3}");
    assert_eq!(provider.sends(), 3);
}

#[test]
fn a_share_of_refusals_stops_the_run_and_says_what_most_of_them_were() {
    let odd = |sent: &Sent| match (sent.index % 10, sent.index % 20) {
        (1 | 3 | 6, _) => Answer::error(10002, "(#131026) Message undeliverable"),
        (_, 9) => Answer::error(10002, "(#131050) User stopped marketing messages"),
        _ => Answer::Accept,
    };
    let (provider, _, said) = ran(odd, "halt: {share: 25%, over: 100}");
    // Which hundred are answered first is the provider's affair, so the figures are near 35 and 30.
    let figures = said.split_once(" of the last 100 rows were refused, ").and_then(|(before, after)| {
        let all: u32 = before.rsplit(' ').next()?.parse().ok()?;
        let most: u32 = after.split_once(" of them with this error: Message undeliverable (131026)")?.0.parse().ok()?;
        Some((all, most))
    });
    assert!(figures.is_some_and(|(all, most)| (25..=45).contains(&all) && all / 2 < most && most < all), "{said}");
    let sends = provider.sends();
    assert!((100..=100 + 64).contains(&sends), "{sends}: a hundred, and what was in flight");
}

#[test]
fn rows_that_all_end_in_doubt_stop_the_run_and_a_moment_of_trouble_does_not() {
    let gateway = || Answer::Refuse(502, "<h1>Bad Gateway</h1>".into());
    let (provider, env, said) = ran(move |_| gateway(), "");
    assert_eq!(provider.sends(), 20, "{said}");
    assert!(said.contains("20 consecutive rows are uncertain; the last one: HTTP 502"), "{said}");
    assert!(said.contains("what to do: ask the provider whether the message was sent"), "{said}");
    assert_eq!(env.states("job-1"), counts(&[("pending", ROWS as u64 - 20), ("uncertain", 20)]));

    drop(env);
    let (provider, ..) = ran(move |sent: &Sent| if sent.index < 300 { Answer::Accept } else { gateway() }, "");
    let sends = provider.sends();
    assert!(
        (320..=320 + 3 * 64).contains(&sends),
        "{sends}: what was in flight, twenty more, and what was sent alongside"
    );

    // Twice as many as stop a run, and fewer than may be in flight at once: what broke them off is over. A slow disk
    // keeps some of the 64 from leaving, so that not all 64 are doubtful.
    let provider = ScriptedProvider::start(Script {
        latency: 10 * LATENCY,
        ..Script::answering(move |sent| if (300..340).contains(&sent.index) { gateway() } else { Answer::Accept })
    });
    let env = TestEnv::with(&CampaignFile { concurrency: 64, ..CampaignFile::default() }, &csv(ROWS));
    let run = env.run(&provider, &["run", "job.yaml", "--no-wait"]);
    assert_eq!((run.code, provider.sends()), (3, ROWS), "{run}");
}

#[test]
fn with_the_rule_off_every_row_is_tried() {
    let fail = |sent: &Sent| match sent.to == phone(ROWS) {
        true => Answer::error(10001, "so that the run ends as the others do"),
        false => Answer::error(10002, "(#132000) Number of parameters does not match"),
    };
    let (provider, ..) = ran(fail, "halt: off");
    assert_eq!(provider.sends(), ROWS);
}

#[test]
fn a_template_that_is_paused_in_the_middle_costs_no_more_than_is_in_flight() {
    let paused = |sent: &Sent| match sent.index {
        0..300 => Answer::Accept,
        _ => Answer::error(10002, "(#132015) Template is paused"),
    };
    let (provider, env, _) = ran(paused, "");
    assert!(provider.sends() <= 300 + 64, "{}", provider.sends());
    assert_eq!(env.states("job-1"), counts(&[("accepted", 300), ("pending", ROWS as u64 - 300)]));
}

#[test]
fn once_something_is_accepted_all_slots_are_used() {
    let provider = ScriptedProvider::start(Script { latency: LATENCY * 4, ..Script::default() });
    let env = TestEnv::with(&CampaignFile { concurrency: 64, ..CampaignFile::default() }, &csv(ROWS));
    let run = env.run(&provider, &["run", "job.yaml", "--no-wait"]);
    assert_eq!(run.code, 0, "{run}");
    let received = provider.received();
    assert!((21..=64).contains(&received.most_in_flight), "{}", received.most_in_flight);
    assert!(received.sends[1].at.duration_since(received.sends[0].at) >= LATENCY * 4, "the first goes alone");
}
