//! The store on a PostgreSQL server: what a file cannot show. The tests are skipped where PostgreSQL is not installed.

use std::time::Duration;

use crate::support::postgres::{self, TestServer};
use crate::support::{CampaignFile, ScriptedProvider, TestEnv, counts, csv};

const ROWS: usize = 300;

/// A run of `ROWS` rows at 300 a second, on this server.
fn test_env(server: &str) -> TestEnv {
    TestEnv::on_server(server, &CampaignFile { rate: "300/s", concurrency: 16, ..CampaignFile::default() }, &csv(ROWS))
}

#[test]
fn every_command_works_on_a_server_and_none_prints_its_password() {
    let Some(server) = postgres::url() else { return };
    let env = test_env(&server.replace("postgres@", "postgres:s3cret@"));
    let provider = ScriptedProvider::slow(1);
    let commands: [&[&str]; 20] = [
        &["doctor"],
        &["status"],
        &["check", "job.yaml"],
        &["run", "job.yaml", "--dry-run"],
        &["run", "job.yaml", "-vvv"],
        &["run", "job.yaml"],
        &["status", "--all"],
        &["status", "--json"],
        &["report"],
        &["find", "85260000001"],
        &["verify"],
        &["reconcile"],
        &["replies"],
        &["retry", "--only", "failed"],
        &["resume"],
        &["suppress", "add", "+85260000001"],
        &["suppress", "list"],
        &["run", "job.yaml", "--again", "--limit", "10"],
        &["cancel", "job-2"],
        &["--help"],
    ];
    let mut codes = Vec::new();
    for command in commands {
        let done = env.run(&provider, command);
        assert!(!format!("{done}").contains("s3cret"), "{done}");
        codes.push((command[0], done.code));
    }
    let refused: Vec<_> = codes.iter().filter(|(_, code)| ![0, 4].contains(code)).collect();
    assert_eq!(refused, [&("status", 2), &("run", 2), &("retry", 2)], "{codes:?}");
    env.verify("job-1");
}

#[test]
fn an_address_that_cannot_be_right_is_refused_without_what_may_be_secret() {
    let env = TestEnv::new();
    for (url, words) in [
        ("postgres://u:s3cret@db.example.com/d", "sslmode=verify-full"),
        ("postgres://u:s3cret@db.example.com/d?sslmode=prefer", "sslmode=verify-full"),
        ("postgres://u@localhost/d?pasword=s3cret", "the database URL has an unknown parameter \"pasword\""),
        ("postgres://u:s3cret@localhost:x/d", "not the URL of a PostgreSQL database"),
        ("postgres://u:s3cret@localhost/d?schema=A-b", "lowercase letters"),
        ("host=127.0.0.1 dbname=d user=u password=s3cret", "not the URL of a PostgreSQL database"),
        (" postgres://u:s3cret@127.0.0.1:1/d", "not the URL of a PostgreSQL database"),
        ("Postgres://u:s3cret@127.0.0.1:1/d", "not the URL of a PostgreSQL database"),
        ("postgres:/u:s3cret@127.0.0.1:1/d", "not the URL of a PostgreSQL database"),
        ("postgres://u:a@s3cret#1@127.0.0.1/d", "write `@` as %40"),
        ("postgres://u:a/s3cret@127.0.0.1/d", "write `@` as %40"),
        ("postgres://u:a@b?s3cret@127.0.0.1/d", "write `@` as %40"),
        ("postgres://u:s3cret#@127.0.0.1/d", "`#` as %23"),
        ("postgres://u:s3cret@127.0.0.1:1/d", "cannot reach the store in postgres://u@127.0.0.1:1/d"),
    ] {
        let refused = env.run_offline(&["status", "--db", url]);
        assert!(refused.code != 0 && refused.err.contains(words), "{refused}");
        assert!(!refused.err.contains("s3cret"), "{refused}");
    }
}

#[test]
fn after_a_kill_the_next_process_goes_on_once_the_first_has_not_been_heard_of() {
    let Some(server) = postgres::url() else { return };
    let provider = ScriptedProvider::slow(30);
    let campaign = CampaignFile { rate: "60/s", concurrency: 16, ..CampaignFile::default() };
    let env = TestEnv::on_server(server, &campaign, &csv(ROWS));
    let first = env.start(&provider, &["run", "job.yaml"]);
    provider.wait_for_sends(40);
    let held = env.run(&provider, &["resume", "--limit", "5"]);
    assert!(held.code == 5 && held.err.contains("another process is working on job-1"), "{held}");
    first.kill();
    let second = env.run(&provider, &["resume"]);
    env.verify("job-1");
    provider.received().assert_nobody_twice();
    let uncertain = env.states("job-1").get("uncertain").copied().unwrap_or_default();
    assert!(uncertain <= 16, "{uncertain} in doubt");
    assert_eq!(env.states("job-1")["read"] + uncertain, ROWS as u64);
    assert_eq!(second.code, if uncertain == 0 { 0 } else { 3 }, "{second}");
}

#[test]
fn a_process_that_sleeps_past_its_lease_doubles_nobody_when_it_wakes() {
    let Some(server) = postgres::url() else { return };
    let (env, provider) = (test_env(server), ScriptedProvider::slow(30));
    let first = env.start(&provider, &["run", "job.yaml"]);
    provider.wait_for_sends(40);
    first.signal("STOP");
    let second = env.run(&provider, &["resume"]);
    assert!([0, 3].contains(&second.code), "{second}");
    first.signal("CONT");
    let first = first.wait();
    assert!(first.code == 0 && first.err.contains("another process took over job-1"), "{first}");
    provider.received().assert_nobody_twice();
    env.verify("job-1");
    // Its answers were read when it woke, and what had not left was sent then.
    assert_eq!(env.states("job-1"), counts(&[("read", ROWS as u64)]));
}

#[test]
fn a_server_that_crashes_is_waited_for_and_nothing_is_lost_or_in_doubt() {
    let Some(mut server) = TestServer::start() else { return };
    let (env, provider) = (test_env(&server.url()), ScriptedProvider::slow(30));
    let running = env.start(&provider, &["run", "job.yaml"]);
    for sends in [40, 110, 190] {
        provider.wait_for_sends(sends);
        server.crash();
    }
    let run = running.wait_for(Duration::from_secs(120));
    assert_eq!(run.code, 0, "{run}");
    provider.received().assert_nobody_twice();
    assert_eq!(provider.sends(), ROWS);
    assert_eq!(env.states("job-1"), counts(&[("read", ROWS as u64)]));
    env.verify("job-1");
}

#[test]
fn a_backup_put_back_under_a_run_stops_it_until_a_person_agrees() {
    let Some(server) = postgres::url() else { return };
    let psql =
        |url: &str, args: &[&str]| postgres::program("psql", &[&["-qX", "-v", "ON_ERROR_STOP=1", url], args].concat());
    psql(server, &["-c", "CREATE DATABASE put_back"]);
    let url = format!("{}/put_back", server.rsplit_once('/').unwrap().0);
    let (env, provider) = (test_env(&url), ScriptedProvider::slow(30));
    let running = env.start(&provider, &["run", "job.yaml"]);
    provider.wait_for_sends(60);
    let backup = env.path("backup.sql");
    postgres::program("pg_dump", &["-f", backup.to_str().unwrap(), &url]);
    provider.wait_for_sends(150);
    psql(server, &["-c", "DROP DATABASE put_back WITH (FORCE)", "-c", "CREATE DATABASE put_back"]);
    psql(&url, &["-f", backup.to_str().unwrap()]);
    let stopped = running.wait();
    assert!(stopped.code == 1 && stopped.err.contains("this store is out of date"), "{stopped}");
    let sends = provider.sends();
    for command in ["resume", "work"] {
        let refused = env.run(&provider, &[command]);
        assert!(refused.code == 1 && refused.err.contains("pass --moved"), "{refused}");
    }
    provider.received().assert_nobody_twice();
    let agreed = env.run(&provider, &["resume", "--moved", "--limit", "10", "--no-wait"]);
    assert_eq!((agreed.code, provider.sends()), (4, sends + 10), "{agreed}");
}

/// The original continues meanwhile.
#[test]
fn a_copy_of_the_database_sends_nothing_until_a_person_agrees() {
    let Some(server) = postgres::url() else { return };
    let psql = |args: &[&str]| postgres::program("psql", &[&["-qX", "-v", "ON_ERROR_STOP=1"], args].concat());
    let of = |name: &str| format!("{}/{name}", server.rsplit_once('/').unwrap().0);
    psql(&[server, "-c", "CREATE DATABASE original", "-c", "CREATE DATABASE dumped"]);
    let (env, provider) = (test_env(&of("original")), ScriptedProvider::slow(1));
    let first = env.run(&provider, &["run", "job.yaml", "--limit", "50", "--no-wait"]);
    assert_eq!((first.code, provider.sends()), (4, 50), "{first}");
    let dump = env.path("backup.sql");
    postgres::program("pg_dump", &["-f", dump.to_str().unwrap(), &of("original")]);
    psql(&[&of("dumped"), "-f", dump.to_str().unwrap()]);
    psql(&[server, "-c", "CREATE DATABASE copied TEMPLATE original"]);
    let more = env.run(&provider, &["resume", "--limit", "50", "--no-wait"]);
    assert_eq!((more.code, provider.sends()), (4, 100), "{more}");
    for name in ["dumped", "copied"] {
        let on_copy = |args: &[&str]| env.run(&provider, &[args, &["--db", &env.db_in(&of(name))]].concat());
        for command in ["resume", "work", "doctor"] {
            let refused = on_copy(&[command]);
            assert!(refused.code == 1 && format!("{refused}").contains("this store is a copy"), "{refused}");
        }
        let checked = on_copy(&["check", "job.yaml"]);
        assert!(checked.code == 0 && checked.err.contains("warning: this store is a copy"), "{checked}");
    }
    provider.received().assert_nobody_twice();
    let dumped = env.db_in(&of("dumped"));
    let agreed = env.run(&provider, &["resume", "--moved", "--limit", "10", "--no-wait", "--db", &dumped]);
    assert_eq!((agreed.code, provider.sends()), (4, 110), "{agreed}");
    let later = env.run(&provider, &["resume", "--limit", "10", "--no-wait", "--db", &dumped]);
    assert_eq!((later.code, provider.sends()), (4, 120), "{later}");
}

#[test]
fn a_server_that_hides_its_identifier_holds_a_store_too() {
    let Some(server) = postgres::url() else { return };
    let psql = |args: &[&str]| postgres::program("psql", &[&["-qX", "-v", "ON_ERROR_STOP=1"], args].concat());
    let of = |name: &str| format!("{}/{name}", server.rsplit_once('/').unwrap().0);
    psql(&[server, "-c", "CREATE ROLE hosted LOGIN", "-c", "CREATE DATABASE hosted OWNER hosted"]);
    psql(&[&of("hosted"), "-c", "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC"]);
    let as_role = |name: &str| of(name).replace("postgres@", "hosted@");
    let (env, provider) = (test_env(&as_role("hosted")), ScriptedProvider::slow(1));
    let first = env.run(&provider, &["run", "job.yaml", "--limit", "10", "--no-wait"]);
    assert_eq!((first.code, provider.sends()), (4, 10), "{first}");
    psql(&[server, "-c", "CREATE DATABASE hosted_copy TEMPLATE hosted OWNER hosted"]);
    let copy = env.run(&provider, &["resume", "--db", &env.db_in(&as_role("hosted_copy"))]);
    assert!(copy.code == 1 && copy.err.contains("this store is a copy"), "{copy}");
    assert_eq!(provider.sends(), 10);
}

#[test]
fn a_command_that_does_not_wait_for_statuses_does_not_join_a_paused_run() {
    let Some(server) = postgres::url() else { return };
    let (env, provider) = (test_env(server), ScriptedProvider::slow(30));
    let first = env.start(&provider, &["run", "job.yaml"]);
    provider.wait_for_sends(40);
    assert_eq!(env.run(&provider, &["pause", "job-1"]).code, 0);
    let second = env.run(&provider, &["run", "job.yaml", "--no-wait"]);
    assert!(second.code == 4 && second.err.contains("job-1 has been paused since"), "{second}");
    assert_eq!(env.run(&provider, &["resume", "job-1"]).code, 0);
    assert_eq!(first.wait().code, 0);
    assert_eq!(provider.sends(), ROWS);
}
