//! `run`, `resume` and `reconcile`: where a run stops, and how it continues.

use crate::support::{CampaignFile, SOON, ScriptedProvider, TestEnv, counts, csv, wait_until};

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
    if TestEnv::is_on_a_server() {
        return; // It is about a store in a file.
    }
    let provider = ScriptedProvider::slow(20);
    let env = TestEnv::with(&CampaignFile { rate: "30/s", ..CampaignFile::default() }, &csv(60));
    let running = env.start(&provider, &["run", "job.yaml"]);
    provider.wait_for_sends(3);
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
    assert!(refused.err.contains("resume job-1") && refused.err.contains("the recipients have changed"), "{refused}");
    env.write("list.csv", csv(12));
    env.write("job.yaml", CampaignFile { text: "Hello {{ first_name }}", ..CampaignFile::default() }.yaml());
    let refused = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!((refused.code, provider.sends()), (2, 5), "{refused}");
    assert!(refused.err.contains("the campaign file has changed"), "{refused}");
    let resumed = env.run(&provider, &["resume"]);
    assert_eq!((resumed.code, provider.sends()), (0, 12), "{resumed}");
}

#[cfg(debug_assertions)]
#[test]
fn an_import_that_broke_off_does_not_hold_up_the_corrected_list() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(2000));
    env.crash(&provider, "rows committed", &["run", "job.yaml"]);
    assert_eq!(provider.sends(), 0);
    env.write("list.csv", csv(10));
    let fixed = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!((fixed.code, provider.sends()), (0, 10), "{fixed}");
    assert_eq!(env.states("job-1"), counts(&[]));
    env.verify("job-1");
    env.verify("job-2");
}

#[test]
fn whoever_continues_through_another_account_is_warned() {
    let (first, second) = (ScriptedProvider::accepting_all(), ScriptedProvider::accepting_all());
    let env = TestEnv::with(&CampaignFile::default(), &csv(9));
    let limited = env.run(&first, &["run", "job.yaml", "--limit", "3", "--no-wait"]);
    assert!(limited.code == 4 && !limited.err.contains("another account"), "{limited}");
    let same = env.run(&first, &["resume", "--limit", "3", "--no-wait"]);
    assert!(same.code == 4 && !same.err.contains("another account"), "{same}");
    let other = env.run(&second, &["resume", "--limit", "3", "--no-wait"]);
    assert!(other.err.contains("warning: earlier messages of job-1 went through another account"), "{other}");
    assert_eq!((first.sends(), second.sends()), (6, 3));
}
