//! Disks, stores, limits and networks that fail: clear words, bounded time, nothing lost. Where waiting is right, the
//! run continues automatically.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::process::Command;
use std::time::Duration;

use sqlx::{Connection, SqliteConnection};

use crate::support::raw_server::RawServer;
use crate::support::{
    Answer, CampaignFile, Finished, SOON, Script, ScriptedProvider, Sent, TestEnv, counts, csv, wait_until,
};

const ROWS: usize = 300;

/// A run of `ROWS` rows that was stopped in the middle, so that its store has something in every table.
fn stopped_run(provider: &ScriptedProvider) -> TestEnv {
    let env = TestEnv::with(&CampaignFile::default(), &csv(ROWS));
    let stopped = env.run(provider, &["run", "job.yaml", "--limit", "100"]);
    assert_eq!(stopped.code, 4, "{stopped}");
    env
}

fn block_on<T>(what: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(what)
}

/// Opens the store as another program would, does `statement`, and holds on.
fn open_and_do(env: &TestEnv, statement: &'static str) -> SqliteConnection {
    block_on(async {
        let mut store = SqliteConnection::connect(env.path("store.db").to_str().unwrap()).await.unwrap();
        sqlx::raw_sql(statement).execute(&mut store).await.unwrap();
        store
    })
}

/// As `open_and_do`, and lets go.
fn meddle(env: &TestEnv, statement: &'static str) {
    let store = open_and_do(env, statement);
    block_on(store.close()).unwrap();
}

fn assert_fails_with(finished: &Finished, words: &[&str]) {
    assert_eq!(finished.code, 1, "{finished}");
    for words in words {
        assert!(finished.err.contains(words), "no word of `{words}`: {finished}");
    }
}

// The way to the provider.

#[test]
fn a_dead_host_sees_single_requests_however_many_may_be_in_flight_and_no_try_is_used_up() {
    // Every handshake fails: no request is ever begun, so all of them are counted here.
    let server = RawServer::start(|_, _| {});
    let base = format!("https://{}", server.address());
    let env = TestEnv::with(&CampaignFile { attempts: 1, ..CampaignFile::default() }, &csv(ROWS));
    let running = env.start_at(Some(&base), &["run", "job.yaml"]);
    running.wait_for_words("retrying in 4 s");
    let stopped = running.stop();
    assert_eq!(stopped.code, 4, "{stopped}");
    assert!(stopped.err.contains("cannot reach the provider: 127.0.0.1: "), "{stopped}");
    assert_eq!(stopped.err.matches("retrying").count(), 3, "once for each pause: {stopped}");
    // All that were in flight together at first, and one after each pause.
    let tried = server.connections();
    assert!(tried <= 16 + 2, "{tried} connections");
    assert_eq!(env.states("job-1"), counts(&[("pending", ROWS as u64)]));
    env.verify("job-1");

    let back = ScriptedProvider::accepting_all();
    let resumed = env.run(&back, &["resume"]);
    assert_eq!((resumed.code, back.sends()), (0, ROWS), "{resumed}");
    back.received().assert_nobody_twice();
    env.verify("job-1");
}

#[test]
fn a_name_that_is_not_found_is_waited_for_also_by_a_poll() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(ROWS));
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--limit", "100", "--no-wait"]).code, 4);
    let running = env.start_at(Some("https://provider.invalid"), &["reconcile"]);
    running.wait_for_words("cannot reach the provider: provider.invalid: ");
    assert_eq!(running.stop().code, 4);
    let resumed = env.run(&provider, &["resume"]);
    assert_eq!((resumed.code, provider.sends()), (0, ROWS), "{resumed}");
    provider.received().assert_nobody_twice();
}

#[test]
fn of_huge_answers_no_more_is_read_than_an_answer_can_have() {
    let huge = "x".repeat(10 << 20);
    let answer = move |sent: &Sent| match sent.index {
        0..10 => Answer::Refuse(200, huge.clone()),
        _ => Answer::Accept,
    };
    let provider = ScriptedProvider::start(Script::answering(answer));
    let env = TestEnv::with(&CampaignFile::default(), &csv(ROWS));
    let run = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(run.code, 3, "{run}");
    let report = env.report("job-1");
    let doubtful: Vec<_> = report.iter().filter(|line| line.state == "uncertain").collect();
    assert_eq!(doubtful.len(), 10);
    assert!(doubtful.iter().all(|line| line.code == "bad_answer" && line.message.contains("larger than 1 MiB")));
    env.verify("job-1");
}

#[test]
fn few_open_files_mean_fewer_requests_in_flight_and_nothing_lost() {
    let provider = ScriptedProvider::slow(20);
    let env = TestEnv::with(&CampaignFile { concurrency: 2000, ..CampaignFile::default() }, &csv(1500));
    let run = env.start_with_prelude("ulimit -n 256", Some(&provider.url()), &["run", "job.yaml"]).wait();
    assert_eq!(run.code, 0, "{run}");
    assert!(
        run.err.contains("at most 96 requests in flight instead of 2000") && run.err.contains("ulimit -n"),
        "{run}"
    );
    let received = provider.received();
    received.assert_nobody_twice();
    assert!(received.most_in_flight <= 96, "{}", received.most_in_flight);
    assert_eq!(env.states("job-1"), counts(&[("read", 1500)]));
    env.verify("job-1");
}

// The disk and the store.

#[cfg(target_os = "linux")]
#[test]
fn a_run_on_a_full_disk_that_is_reported_to_stop_stops() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile { timeout: "2s", rate: "200/s", ..CampaignFile::default() }, &csv(ROWS));
    let prelude = "trap '' XFSZ; ulimit -S -f 460";
    let running = env.start_with_prelude(prelude, Some(&provider.url()), &["run", "job.yaml", "--no-wait"]);
    running.wait_for_words("retrying");
    running.terminate();
    // Five seconds at least, and not once more for what ended meanwhile.
    let run = running.wait_for(Duration::from_secs(10));
    assert_eq!(run.code, 1, "{run}");

    let resumed = env.run(&provider, &["resume", "--no-wait"]);
    assert!([0, 3].contains(&resumed.code), "{resumed}");
    provider.received().assert_nobody_twice();
    env.verify("job-1");
}

#[test]
fn a_disk_that_takes_no_more_is_waited_for_and_nobody_is_messaged_twice() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile { rate: "200/s", ..CampaignFile::default() }, &csv(ROWS));
    // The store's log reaches this size in the middle of the run. Without the signal, as a quota would do it.
    let prelude = "trap '' XFSZ; ulimit -S -f 460";
    let running = env.start_with_prelude(prelude, Some(&provider.url()), &["run", "job.yaml"]);
    running.wait_for_words("retrying");
    let sends = provider.sends();
    assert!(sends < ROWS, "it was to stop in the middle");
    let raised = Command::new("prlimit").args(["--pid", &running.id(), "--fsize=unlimited:"]).status();
    assert!(raised.unwrap().success());
    let run = running.wait();
    assert_eq!(run.code, 0, "{run}");
    assert!(run.err.contains("check for a disk quota or a file size limit"), "{run}");
    provider.received().assert_nobody_twice();
    assert_eq!(env.states("job-1"), counts(&[("read", ROWS as u64)]));
    env.verify("job-1");
}

#[test]
fn a_store_that_another_program_holds_is_waited_for() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile { rate: "200/s", ..CampaignFile::default() }, &csv(ROWS));
    let running = env.start(&provider, &["run", "job.yaml"]);
    provider.wait_for_sends(50);
    let holder = open_and_do(&env, "BEGIN IMMEDIATE");
    // What is in flight ends, and nothing new leaves without its intent.
    let mut still = (0, 0);
    assert!(wait_until(SOON, || {
        still = (provider.sends(), if provider.sends() == still.0 { still.1 + 1 } else { 0 });
        still.1 > 40
    }));
    assert!(still.0 < ROWS, "{still:?}");
    drop(holder);
    let run = running.wait();
    assert_eq!(run.code, 0, "{run}");
    provider.received().assert_nobody_twice();
    assert_eq!(env.states("job-1"), counts(&[("read", ROWS as u64)]));
    env.verify("job-1");
}

#[test]
fn a_damaged_store_is_reported_as_damaged_and_nothing_is_sent_from_it() {
    let provider = ScriptedProvider::accepting_all();
    let env = stopped_run(&provider);
    let sends = provider.sends();
    let mut file = fs::OpenOptions::new().read(true).write(true).open(env.path("store.db")).unwrap();
    let size = file.seek(SeekFrom::End(0)).unwrap();
    file.seek(SeekFrom::Start(4096)).unwrap();
    file.write_all(&vec![0xa5; usize::try_from(size).unwrap() - 4096]).unwrap();
    drop(file);
    for command in [&["status"][..], &["resume"], &["run", "job.yaml"], &["verify"]] {
        assert_fails_with(&env.run(&provider, command), &["damaged", "backup"]);
    }
    assert_eq!(provider.sends(), sends);
}

#[test]
fn a_store_that_was_cut_short_is_reported_as_damaged() {
    let provider = ScriptedProvider::accepting_all();
    let env = stopped_run(&provider);
    let file = fs::OpenOptions::new().write(true).open(env.path("store.db")).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2 / 4096 * 4096).unwrap();
    drop(file);
    let output = env.run(&provider, &["resume"]);
    assert_fails_with(&output, &["damaged", "backup"]);
}

#[test]
fn what_is_no_store_or_a_newer_one_is_reported_as_such_and_left_as_it_is() {
    let provider = ScriptedProvider::accepting_all();
    let env = stopped_run(&provider);
    meddle(&env, "PRAGMA user_version = 99");
    let before = fs::read(env.path("store.db")).unwrap();
    assert_fails_with(&env.run(&provider, &["resume"]), &["format 99", "use the newer version"]);
    assert!(fs::read(env.path("store.db")).unwrap() == before);

    for content in ["phone,first_name\n85264000001,Ana\n".repeat(300), "x".into()] {
        env.write("store.db", &content);
        assert_fails_with(&env.run(&provider, &["run", "job.yaml"]), &["is not a campaigner store"]);
        assert_eq!(env.read("store.db"), content);
    }
}

#[test]
fn a_stored_campaign_that_is_newer_or_unreadable_is_reported_as_such() {
    let provider = ScriptedProvider::accepting_all();
    let env = stopped_run(&provider);
    meddle(&env, "UPDATE run SET campaign = replace(campaign, '\"v\":1', '\"v\":2')");
    let newer = env.run(&provider, &["resume"]);
    let words = "the campaign stored with job-1 has format 2, but this version of campaigner reads only format 1";
    assert_fails_with(&newer, &[words, "; use a newer version"]);
    assert!(!newer.err.contains("damaged"), "{newer}");
    meddle(&env, "UPDATE run SET campaign = substr(campaign, 2)");
    let damaged = env.run(&provider, &["resume"]);
    assert_fails_with(
        &damaged,
        &["the store is damaged: the campaign stored with job-1 cannot be read; run `campaigner verify`"],
    );
    assert_eq!(provider.sends(), 100);
}

#[test]
fn an_empty_file_becomes_a_store_by_run_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (provider, env) = (ScriptedProvider::accepting_all(), TestEnv::with(&CampaignFile::default(), &csv(5)));
    env.write("store.db", "");
    std::fs::set_permissions(env.path("store.db"), PermissionsExt::from_mode(0o644)).unwrap();
    for args in [
        &["status"][..],
        &["verify"],
        &["report"],
        &["suppress", "list"],
        &["run", "job.yaml", "--dry-run"],
        &["check", "job.yaml"],
    ] {
        env.run(&provider, args);
        let file = std::fs::metadata(env.path("store.db")).unwrap();
        assert_eq!((file.len(), file.permissions().mode() & 0o777), (0, 0o644), "{args:?}");
    }
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--no-wait"]).code, 0);
    assert_eq!(std::fs::metadata(env.path("store.db")).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_store_that_cannot_be_opened_is_reported_with_its_path() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(5));
    fs::create_dir(env.path("store.db")).unwrap();
    assert_fails_with(&env.run(&provider, &["run", "job.yaml"]), &["cannot open the store store.db", "because"]);
    assert_eq!(provider.sends(), 0);
}

#[test]
fn after_the_clock_was_set_back_nothing_waits_for_it_to_catch_up() {
    let later = |sent: &Sent| match sent.nth {
        0 if sent.index < 30 => Answer::error(10002, "(#131056) pair rate limit"),
        _ => Answer::Accept,
    };
    let provider = ScriptedProvider::start(Script::answering(later));
    let env = TestEnv::with(&CampaignFile { rate: "200/s", ..CampaignFile::default() }, &csv(ROWS));
    let running = env.start(&provider, &["run", "job.yaml"]);
    provider.wait_for_sends(100);
    assert_eq!(running.stop().code, 4);
    // As a clock would have left it that was a year ahead; and waits of a minute made shorter.
    meddle(
        &env,
        "UPDATE delivery SET next_attempt_at = started_at + 500 WHERE next_attempt_at IS NOT NULL; \
         UPDATE delivery SET next_attempt_at = next_attempt_at + 31536000000, started_at = started_at + 31536000000, \
         accepted_at = accepted_at + 31536000000, next_poll_at = next_poll_at + 31536000000, \
         last_poll_at = last_poll_at + 31536000000",
    );
    let resumed = env.run(&provider, &["resume"]);
    assert_eq!(resumed.code, 0, "{resumed}");
    assert!(resumed.err.contains("clock has been set back"), "{resumed}");
    provider.received().assert_nobody_twice();
    assert_eq!(env.states("job-1"), counts(&[("read", ROWS as u64)]));
    env.verify("job-1");
}

/// Puts a copy of the store in its place; the old file keeps another name.
fn replace_by_copy(env: &TestEnv) {
    fs::copy(env.path("store.db"), env.path("copy.db")).unwrap();
    fs::rename(env.path("store.db"), env.path("old.db")).unwrap();
    fs::rename(env.path("copy.db"), env.path("store.db")).unwrap();
}

#[test]
fn a_copy_of_an_unfinished_run_is_not_sent_from_without_a_persons_yes() {
    let provider = ScriptedProvider::accepting_all();
    let env = stopped_run(&provider);
    replace_by_copy(&env);
    for command in
        [&["resume"][..], &["run", "job.yaml"], &["retry", "job-1", "--state", "rejected,uncertain", "--yes"]]
    {
        assert_fails_with(&env.run(&provider, command), &["this store is a copy", "twice", "--moved"]);
    }
    assert_eq!(provider.sends(), 100);
    // Looking does no harm.
    assert_eq!(env.states("job-1")["pending"], 200);

    let moved = env.run(&provider, &["resume", "--moved", "--limit", "50"]);
    assert_eq!((moved.code, provider.sends()), (4, 150), "{moved}");
    // Said once: it is the store now.
    let resumed = env.run(&provider, &["resume"]);
    assert_eq!((resumed.code, provider.sends()), (0, ROWS), "{resumed}");
    provider.received().assert_nobody_twice();
    env.verify("job-1");
}

#[test]
fn a_store_that_is_renamed_goes_on_unasked() {
    let provider = ScriptedProvider::accepting_all();
    let env = stopped_run(&provider);
    fs::rename(env.path("store.db"), env.path("other.db")).unwrap();
    fs::rename(env.path("other.db"), env.path("store.db")).unwrap();
    let resumed = env.run(&provider, &["resume"]);
    assert_eq!((resumed.code, provider.sends()), (0, ROWS), "{resumed}");
}

#[test]
fn a_store_that_may_only_be_read_is_reported_as_such() {
    let provider = ScriptedProvider::accepting_all();
    let env = stopped_run(&provider);
    let path = env.path("store.db");
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    // Nothing is read-only for the superuser, unless that right is taken from the process.
    let is_superuser = fs::OpenOptions::new().write(true).open(&path).is_ok();
    let prelude =
        if is_superuser { "set -- setpriv --bounding-set=-dac_override,-dac_read_search \"$@\"" } else { "true" };
    let refused = env.start_with_prelude(prelude, Some(&provider.url()), &["resume"]).wait();
    assert_fails_with(&refused, &["it is read-only", "make the file and its folder writable"]);
    assert_eq!(provider.sends(), 100);
}

#[test]
fn a_run_that_is_due_but_has_not_started_is_shown() {
    if TestEnv::is_on_a_server() {
        return; // It changes a store in a file.
    }
    let env = TestEnv::with(&CampaignFile::default(), &csv(1));
    env.write("job.yaml", env.read("job.yaml") + "schedule: {cron: \"* * * * *\", timezone: UTC}\n");
    assert_eq!(env.run_offline(&["suppress", "add", "+85261234567"]).code, 0, "it makes the store");
    let listed = || env.run_offline(&["schedule", "list", "--json"]).out;
    let json: serde_json::Value = serde_json::from_str(&listed()).unwrap();
    assert!(json["due_since"].is_null(), "no service has seen it: {json}");
    // A service has seen it since an hour ago, and its list could not be read.
    let (rule, hour_ago) = (json["schedule"].as_str().unwrap(), jiff::Timestamp::now().as_millisecond() - 3_600_000);
    let seen = format!("INSERT INTO schedule VALUES ('job', '{rule}', {hour_ago})");
    meddle(&env, seen.leak());
    let json: serde_json::Value = serde_json::from_str(&listed()).unwrap();
    assert!(json["due_since"].is_string(), "{json}");
    for command in [&["schedule", "list"][..], &["schedule", "explain", "job.yaml"]] {
        let shown = env.run_offline(command);
        assert!(shown.out.contains("due since") && shown.out.contains("logs why it cannot"), "{shown}");
    }
}
