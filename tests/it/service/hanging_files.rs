//! Files that do not answer, as on a lost network share, and pipes that nobody writes to. The service still answers,
//! runs what else is due, and ends when asked to. So does a run.

use std::process::Command;
use std::time::Duration;

use crate::support::campaign::schedule;
use crate::support::service::{ROWS, SERVE, ask, due, is_well};
use crate::support::{CampaignFile, Running, SOON, ScriptedProvider, TestEnv, counts, csv, wait_until};

/// Far less than one waits for something that never comes; files get ten seconds to be written.
const PROMPTLY: Duration = Duration::from_secs(20);

/// A service of which the thread that passes this point hangs there.
fn service(env: &TestEnv, provider: &ScriptedProvider, hang_at: &str) -> Running {
    let prelude = format!("export CAMPAIGNER_HANG_AT='{hang_at}'");
    let service = env.start_with_prelude(&prelude, Some(&provider.url()), &SERVE);
    assert!(wait_until(SOON, || is_well(&service)), "{}", service.stderr());
    service
}

fn assert_ends_when_asked_to(service: Running) {
    assert!(is_well(&service), "{}", service.stderr());
    assert_eq!(ask(&service, "GET", "/metrics", "", "").0, 200);
    service.terminate();
    let ended = service.wait_for(PROMPTLY);
    assert_eq!(ended.code, 0, "{ended}");
}

#[test]
fn a_list_or_a_campaign_that_is_a_pipe_is_reported_and_holds_up_nothing() {
    let (provider, env) = (ScriptedProvider::accepting_all(), due(0, "400/s", ""));
    std::fs::rename(env.path("list.csv"), env.path("later.csv")).unwrap();
    for pipe in ["list.csv", "pipe.yaml"] {
        assert!(Command::new("mkfifo").arg(env.path(pipe)).status().unwrap().success());
    }
    let service = service(&env, &provider, "");
    service
        .wait_for_words("cannot start yet: cannot open the recipient list ./list.csv\n  because: it is a pipe (FIFO)");
    service.wait_for_words("pipe.yaml is not a valid campaign");
    let (_, campaigns) = ask(&service, "GET", "/campaigns", "", "");
    assert!(campaigns.contains("pipe.yaml") && campaigns.contains("it is a pipe (FIFO)"), "{campaigns}");
    // What takes its place is read.
    std::fs::rename(env.path("later.csv"), env.path("list.csv")).unwrap();
    assert!(wait_until(SOON, || provider.sends() == ROWS), "{}", service.stderr());
    assert_ends_when_asked_to(service);
}

#[cfg(debug_assertions)] // in other builds nothing can be made to hang
#[test]
fn a_list_that_does_not_answer_holds_up_neither_another_campaign_nor_the_service() {
    let (provider, env) = (ScriptedProvider::accepting_all(), due(0, "400/s", ""));
    // The other one is due when the first hangs.
    let campaign = CampaignFile {
        name: "other",
        recipients: "{csv: other.csv, to: phone}".to_owned(),
        rest: schedule(5, ""),
        ..CampaignFile::default()
    };
    env.write("other.yaml", campaign.yaml());
    env.write("other.csv", csv(10));
    // Behind the two campaigns.
    let service = service(&env, &provider, "input opened:3");
    assert!(wait_until(SOON, || provider.sends() == 10), "{}", service.stderr());
    assert!(wait_until(SOON, || env.states("other-1") == counts(&[("read", 10)])));
    assert!(is_well(&service), "{}", service.stderr());
    // A person names another list, which is read although the first still hangs.
    std::fs::copy(env.path("list.csv"), env.path("copy.csv")).unwrap();
    env.write("job.yaml", env.read("job.yaml").replace("list.csv", "copy.csv"));
    assert!(wait_until(SOON, || provider.sends() == 10 + ROWS), "{}", service.stderr());
    assert_ends_when_asked_to(service);
    env.verify("job-1");
}

#[cfg(debug_assertions)]
#[test]
fn a_folder_that_does_not_answer_does_not_keep_the_service_from_answering() {
    let (provider, env) = (ScriptedProvider::accepting_all(), due(0, "400/s", ""));
    let service = service(&env, &provider, "input opened:1");
    assert!(!wait_until(Duration::from_secs(3), || provider.sends() > 0 || !is_well(&service)));
    assert_ends_when_asked_to(service);
}

#[cfg(debug_assertions)]
#[test]
fn reports_that_cannot_be_written_for_now_are_written_by_the_next_one() {
    let (provider, env) = (ScriptedProvider::accepting_all(), due(0, "400/s", ""));
    let service = service(&env, &provider, "report row:3");
    assert!(wait_until(SOON, || provider.sends() == ROWS), "{}", service.stderr());
    assert_ends_when_asked_to(service);
    let service = self::service(&env, &provider, "");
    assert!(wait_until(SOON, || env.path("reports/job-1/summary.json").exists()), "{}", service.stderr());
    assert_ends_when_asked_to(service);
    env.verify("job-1");
}

#[cfg(debug_assertions)]
#[test]
fn a_run_whose_reports_cannot_be_written_ends_at_the_first_signal() {
    if TestEnv::is_on_a_server() {
        return; // It is about a store in a file.
    }
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(10));
    let prelude = "export CAMPAIGNER_HANG_AT='report started'";
    let run = env.start_with_prelude(prelude, Some(&provider.url()), &["run", "job.yaml"]);
    assert!(wait_until(SOON, || env.path("store.db").exists() && provider.sends() == 10));
    assert!(wait_until(SOON, || env.states("job-1") == counts(&[("read", 10)])), "{}", run.stderr());
    run.terminate();
    let stopped = run.wait_for(PROMPTLY);
    assert_eq!(stopped.code, 4, "{stopped}");
    assert!(stopped.err.contains(" resume job-1"), "{stopped}");
    let resumed = env.run(&provider, &["resume"]);
    assert_eq!(resumed.code, 0, "{resumed}");
    assert!(env.path("reports/job-1/report.html").exists());
    assert_eq!(provider.sends(), 10);
}
