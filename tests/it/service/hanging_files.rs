//! Files that do not answer, as on a network share that went away, and pipes that nobody writes to: the service answers,
//! does what else is due, and ends when it is told to. So does a run.

use std::process::Command;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::service::scheduler::{SOON, ask, due};
use crate::support::scripted_provider::{Provider, Script};
use crate::support::test_env::{Campaign, Running, Workplace, counts, csv, wait_until};

/// Far less than one waits for something that never comes; files get ten seconds to be written.
const PROMPTLY: Duration = Duration::from_secs(20);
const ROWS: u64 = 60;

/// A service of which the thread that passes this point hangs there.
fn service(work: &Workplace, provider: &Provider, hang_at: &str) -> Running {
    let prelude = format!("export CAMPAIGNER_HANG_AT='{hang_at}'");
    let service = work.start_after(&prelude, Some(&provider.url()), &["serve", "--listen", "127.0.0.1:0"]);
    assert!(wait_until(SOON, || is_well(&service)), "{}", service.said());
    service
}

/// Whether it is well and says so at once.
fn is_well(service: &Running) -> bool {
    let begun = Instant::now();
    ask(service, "GET", "/healthz", "", "").0 == 200 && begun.elapsed() < Duration::from_secs(5)
}

fn ends_when_it_is_told_to(service: Running) {
    assert!(is_well(&service), "{}", service.said());
    assert_eq!(ask(&service, "GET", "/metrics", "", "").0, 200);
    service.terminate();
    let ended = service.wait_for(PROMPTLY);
    assert_eq!(ended.code, 0, "{ended}");
}

#[test]
fn a_list_or_a_campaign_that_is_a_pipe_is_told_and_holds_up_nothing() {
    let (provider, work) = (Provider::start(Script::default()), due(0, "400/s", ""));
    std::fs::rename(work.path("list.csv"), work.path("later.csv")).unwrap();
    for pipe in ["list.csv", "pipe.yaml"] {
        assert!(Command::new("mkfifo").arg(work.path(pipe)).status().unwrap().success());
    }
    let service = service(&work, &provider, "");
    service
        .wait_for_words("cannot begin yet: could not open the recipients ./list.csv\n  because: it is a pipe (FIFO)");
    service.wait_for_words("pipe.yaml is not a valid campaign");
    let (_, campaigns) = ask(&service, "GET", "/campaigns", "", "");
    assert!(campaigns.contains("pipe.yaml") && campaigns.contains("it is a pipe (FIFO)"), "{campaigns}");
    // What takes its place is read.
    std::fs::rename(work.path("later.csv"), work.path("list.csv")).unwrap();
    assert!(wait_until(SOON, || provider.sends() as u64 == ROWS), "{}", service.said());
    ends_when_it_is_told_to(service);
}

#[cfg(debug_assertions)] // in other builds nothing can be made to hang
#[test]
fn a_list_that_does_not_answer_holds_up_neither_another_campaign_nor_the_service() {
    let (provider, work) = (Provider::start(Script::default()), due(0, "400/s", ""));
    // The other one is due when the first hangs.
    let at = (Timestamp::now() + SignedDuration::from_secs(5)).strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let campaign =
        Campaign { name: "other", recipients: "{csv: other.csv, to: phone}".to_owned(), ..Campaign::default() };
    work.write("other.yaml", format!("{}schedule: {{at: {at}, timezone: UTC}}\n", campaign.yaml()));
    work.write("other.csv", csv(10));
    // Behind the two campaigns.
    let service = service(&work, &provider, "input opened:3");
    assert!(wait_until(SOON, || provider.sends() == 10), "{}", service.said());
    assert!(wait_until(SOON, || work.states("other-1") == counts(&[("read", 10)])));
    assert!(is_well(&service), "{}", service.said());
    // A person names another list, which is read although the first still hangs.
    std::fs::copy(work.path("list.csv"), work.path("copy.csv")).unwrap();
    work.write("job.yaml", work.read("job.yaml").replace("list.csv", "copy.csv"));
    assert!(wait_until(SOON, || provider.sends() as u64 == 10 + ROWS), "{}", service.said());
    ends_when_it_is_told_to(service);
    work.verify("job-1");
}

#[cfg(debug_assertions)]
#[test]
fn a_folder_that_does_not_answer_does_not_keep_the_service_from_answering() {
    let (provider, work) = (Provider::start(Script::default()), due(0, "400/s", ""));
    let service = service(&work, &provider, "input opened:1");
    assert!(!wait_until(Duration::from_secs(3), || provider.sends() > 0 || !is_well(&service)));
    ends_when_it_is_told_to(service);
}

#[cfg(debug_assertions)]
#[test]
fn reports_that_cannot_be_written_for_now_are_written_by_the_next_one() {
    let (provider, work) = (Provider::start(Script::default()), due(0, "400/s", ""));
    let service = service(&work, &provider, "report row:3");
    assert!(wait_until(SOON, || provider.sends() as u64 == ROWS), "{}", service.said());
    ends_when_it_is_told_to(service);
    let service = self::service(&work, &provider, "");
    assert!(wait_until(SOON, || work.path("reports/job-1/summary.json").exists()), "{}", service.said());
    ends_when_it_is_told_to(service);
    work.verify("job-1");
}

#[cfg(debug_assertions)]
#[test]
fn a_run_whose_reports_cannot_be_written_ends_at_the_first_signal() {
    let provider = Provider::start(Script::default());
    let work = Workplace::with(&Campaign::default(), &csv(10));
    let prelude = "export CAMPAIGNER_HANG_AT='report begun'";
    let run = work.start_after(prelude, Some(&provider.url()), &["run", "job.yaml"]);
    assert!(wait_until(SOON, || work.path("store.db").exists() && provider.sends() == 10));
    assert!(wait_until(SOON, || work.states("job-1") == counts(&[("read", 10)])), "{}", run.said());
    run.terminate();
    let stopped = run.wait_for(PROMPTLY);
    assert_eq!(stopped.code, 4, "{stopped}");
    assert!(stopped.err.contains("campaigner resume job-1"), "{stopped}");
    let resumed = work.run(&provider, &["resume"]);
    assert_eq!(resumed.code, 0, "{resumed}");
    assert!(work.path("reports/job-1/report.html").exists());
    assert_eq!(provider.sends(), 10);
}
