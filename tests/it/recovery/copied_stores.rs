//! People copy, move, restore and delete stores, or lose their log. Nobody is messaged a second time unless a person
//! says
//! `--moved`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use campaigner::store::Store;

use crate::support::{CampaignFile, Finished, Running, Script, ScriptedProvider, TestEnv, csv};

const ROWS: usize = 300;

fn test_env() -> TestEnv {
    TestEnv::with(&CampaignFile { rate: "400/s", ..CampaignFile::default() }, &csv(ROWS))
}

/// A run that has sent so many.
fn running(env: &TestEnv, provider: &ScriptedProvider, sends: usize) -> Running {
    let running = env.start(provider, &["run", "job.yaml"]);
    provider.wait_for_sends(sends);
    running
}

/// Puts the database file with all that its log holds into another file, as a backup does, and leaves both as they are.
fn back_up(env: &TestEnv, name: &str) {
    for ending in ["", "-wal"] {
        fs::copy(env.path(&format!("store.db{ending}")), env.path(&format!("{name}{ending}"))).unwrap();
    }
    // Opened and closed: the log goes into the file.
    let store = env.path(name);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { Store::open(&store).await.unwrap() });
    assert!(!env.path(&format!("{name}-wal")).exists());
}

/// A restart that must send nothing and say why.
fn assert_refused(env: &TestEnv, provider: &ScriptedProvider, args: &[&str], words: &str) -> Finished {
    // What a killed process had on the wire still arrives.
    provider.wait_for_silence(Duration::from_millis(100));
    let sends = provider.sends();
    let refused = env.run(provider, args);
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.err.contains("this store ") && refused.err.contains(words), "{refused}");
    assert_eq!(provider.sends(), sends, "{refused}");
    refused
}

/// What a person does to the files of a run that was killed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Deed {
    DeletesTheLog,
    PutsABackupInPlaceByMv,
    PutsABackupInPlaceByCp,
    PutsABackupInPlaceByCpAndKeepsTheLog,
    RestoresABackupWithSqlite,
    MovesTheFileAlone,
    MovesTheFileWithItsLog,
    CopiesTheFileAlone,
    DeletesTheStore,
    DeletesTheMark,
}

const DEEDS: [Deed; 10] = [
    Deed::DeletesTheLog,
    Deed::PutsABackupInPlaceByMv,
    Deed::PutsABackupInPlaceByCp,
    Deed::PutsABackupInPlaceByCpAndKeepsTheLog,
    Deed::RestoresABackupWithSqlite,
    Deed::MovesTheFileAlone,
    Deed::MovesTheFileWithItsLog,
    Deed::CopiesTheFileAlone,
    Deed::DeletesTheStore,
    Deed::DeletesTheMark,
];

impl Deed {
    /// Does it; gives where the store is then.
    fn is_done(self, env: &TestEnv) -> &'static str {
        let at = |name: &str| env.path(name);
        let elsewhere = "elsewhere/store.db";
        fs::create_dir_all(at("elsewhere")).unwrap();
        match self {
            Self::DeletesTheLog => fs::remove_file(at("store.db-wal")).unwrap(),
            Self::PutsABackupInPlaceByMv => {
                fs::remove_file(at("store.db-wal")).unwrap();
                fs::rename(at("backup.db"), at("store.db")).unwrap();
            }
            Self::PutsABackupInPlaceByCp => {
                fs::remove_file(at("store.db-wal")).unwrap();
                overwrite(&at("backup.db"), &at("store.db"));
            }
            Self::PutsABackupInPlaceByCpAndKeepsTheLog => overwrite(&at("backup.db"), &at("store.db")),
            Self::RestoresABackupWithSqlite => restore(&at("backup.db"), &at("store.db")),
            Self::MovesTheFileAlone => fs::rename(at("store.db"), at(elsewhere)).unwrap(),
            Self::MovesTheFileWithItsLog => {
                fs::rename(at("store.db"), at(elsewhere)).unwrap();
                fs::rename(at("store.db-wal"), at("elsewhere/store.db-wal")).unwrap();
            }
            Self::CopiesTheFileAlone => drop(fs::copy(at("store.db"), at(elsewhere)).unwrap()),
            Self::DeletesTheStore => {
                for ending in ["", "-wal", "-shm"] {
                    let _ = fs::remove_file(at(&format!("store.db{ending}")));
                }
            }
            Self::DeletesTheMark => fs::remove_file(at("store.db-mark")).unwrap(),
        }
        match self {
            Self::MovesTheFileAlone | Self::MovesTheFileWithItsLog | Self::CopiesTheFileAlone => elsewhere,
            _ => "store.db",
        }
    }
}

/// As `cp` does it: the file stays the same one.
fn overwrite(from: &Path, to: &Path) {
    let bytes = fs::read(from).unwrap();
    fs::write(to, bytes).unwrap();
}

/// As `.restore` does it: every page is written, by way of the log.
fn restore(from: &Path, to: &Path) {
    let script =
        "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as a, sqlite3.connect(sys.argv[2]) as b: a.backup(b)";
    let done = std::process::Command::new("python3").args(["-c", script]).args([from, to]).status().unwrap();
    assert!(done.success());
}

#[test]
fn whatever_becomes_of_the_files_of_a_killed_run_nothing_is_sent_until_a_person_says_moved() {
    for deed in DEEDS {
        for command in [&["run", "job.yaml"][..], &["resume"]] {
            let (provider, env) = (ScriptedProvider::slow(20), test_env());
            let run = running(&env, &provider, 40);
            back_up(&env, "backup.db");
            let more = provider.sends() + 60;
            provider.wait_for_sends(more);
            run.kill();
            provider.wait_for_silence(Duration::from_millis(100));
            let store = deed.is_done(&env);
            let path = env.path(store);
            let args: Vec<&str> = command.iter().copied().chain(["--db", path.to_str().unwrap()]).collect();
            let sends = provider.sends();
            let first = env.run(&provider, &args);
            // A log that has all that the backup lacks makes it whole again; then it may go on.
            if deed == Deed::PutsABackupInPlaceByCpAndKeepsTheLog && [0, 3].contains(&first.code) {
                provider.received().assert_nobody_twice();
                continue;
            }
            assert_eq!((first.code, provider.sends()), (1, sends), "{deed:?} {first}");
            assert!(first.err.contains("this store ") && first.err.contains("--moved"), "{deed:?} {first}");
            // Looking changes nothing.
            for look in ["status", "verify", "report"] {
                env.run_offline(&[look, "--db", path.to_str().unwrap()]);
            }
            let again = env.run(&provider, &args);
            assert_eq!((again.code, provider.sends()), (1, sends), "{deed:?} {again}");
            assert!(again.err.contains("this store "), "{deed:?} {again}");
        }
    }
}

#[test]
fn a_person_who_says_moved_goes_on_and_the_store_from_before_is_another_one_from_then_on() {
    let (provider, env) = (ScriptedProvider::slow(20), test_env());
    running(&env, &provider, 60).kill();
    fs::create_dir(env.path("old")).unwrap();
    for ending in ["", "-wal", "-mark"] {
        fs::copy(env.path(&format!("store.db{ending}")), env.path(&format!("old/store.db{ending}"))).unwrap();
    }
    fs::remove_file(env.path("store.db-mark")).unwrap();
    assert_refused(&env, &provider, &["resume"], "store.db-mark");
    let moved = env.run(&provider, &["resume", "--moved"]);
    assert!([0, 3].contains(&moved.code), "{moved}");
    provider.received().assert_nobody_twice();
    env.verify("job-1");
    let sends = provider.sends();
    // The older file comes back under the newer mark.
    overwrite(&env.path("old/store.db"), &env.path("store.db"));
    let _ = fs::remove_file(env.path("store.db-wal"));
    assert_refused(&env, &provider, &["resume", "job-1"], "belongs to another store");
    assert_eq!(provider.sends(), sends);
}

#[test]
fn a_store_that_is_deleted_or_replaced_under_a_run_stops_it_and_a_second_run_sends_nothing() {
    for replaced in [false, true] {
        let (provider, env) = (ScriptedProvider::slow(20), test_env());
        let run = running(&env, &provider, 40);
        if replaced {
            back_up(&env, "backup.db");
            fs::rename(env.path("backup.db"), env.path("store.db")).unwrap();
        } else {
            fs::remove_file(env.path("store.db")).unwrap();
        }
        let stopped = run.wait();
        assert_eq!(stopped.code, 1, "{stopped}");
        assert!(stopped.err.contains("this store was deleted, moved or replaced"), "{stopped}");
        assert!(provider.sends() < ROWS);
        // The log of the file that is gone stays where it was.
        let _ = fs::remove_file(env.path("store.db-wal"));
        let _ = fs::remove_file(env.path("store.db-shm"));
        assert_refused(&env, &provider, &["run", "job.yaml"], "--moved");
        provider.received().assert_nobody_twice();
    }
}

#[test]
fn a_store_that_is_replaced_while_statuses_are_awaited_or_restored_while_a_run_sends_stops_it() {
    let provider = ScriptedProvider::start(Script { statuses: Box::new(|_| Vec::new()), ..Script::default() });
    let env = test_env();
    let run = env.start(&provider, &["run", "job.yaml"]);
    provider.wait_for_sends(40);
    back_up(&env, "backup.db");
    provider.wait_for_sends(ROWS);
    run.wait_for_words("sent: 300");
    fs::rename(env.path("backup.db"), env.path("store.db")).unwrap();
    let stopped = run.wait();
    assert_eq!(stopped.code, 1, "{stopped}");
    assert!(stopped.err.contains("this store was deleted, moved or replaced"), "{stopped}");
    assert_refused(&env, &provider, &["resume"], "--moved");

    // The file stays the same one, and what is in it is older. Slow enough to be restored before all is sent, even on a
    // busy machine.
    drop(env);
    let (provider, env) = (ScriptedProvider::slow(300), test_env());
    let run = running(&env, &provider, 40);
    back_up(&env, "backup.db");
    let more = provider.sends() + 60;
    provider.wait_for_sends(more);
    restore(&env.path("backup.db"), &env.path("store.db"));
    let stopped = run.wait();
    assert_eq!(stopped.code, 1, "{stopped}");
    provider.received().assert_nobody_twice();
    assert_refused(&env, &provider, &["run", "job.yaml"], "this store ");
}

#[test]
fn what_is_no_reason_to_stop_stops_nothing() {
    let (provider, env) = (ScriptedProvider::slow(20), test_env());
    for sends in [30, 90, 150] {
        let run = running(&env, &provider, sends);
        for look in ["status", "verify"] {
            assert_eq!(env.run_offline(&[look]).code, 0);
        }
        run.kill();
        // Another program opens it, and closes it as the last one: the log goes into the file.
        let script =
            "import sqlite3; c = sqlite3.connect('store.db'); print(c.execute('SELECT count(*) FROM run').fetchone())";
        let done = std::process::Command::new("python3").args(["-c", script]).current_dir(env.path(".")).status();
        assert!(done.unwrap().success());
        assert_eq!(env.run_offline(&["status"]).code, 0);
    }
    // A name of its own, with all that belongs to it.
    for ending in ["", "-mark"] {
        fs::rename(env.path(&format!("store.db{ending}")), env.path(&format!("renamed.db{ending}"))).unwrap();
    }
    let done = env.run(&provider, &["run", "job.yaml", "--db", "renamed.db"]);
    assert!([0, 3].contains(&done.code), "{done}");
    provider.received().assert_nobody_twice();
}

#[test]
fn a_service_does_not_start_on_a_store_that_went_back_and_ends_when_its_store_is_replaced() {
    let (provider, env) = (ScriptedProvider::slow(20), test_env());
    running(&env, &provider, 40).kill();
    fs::create_dir(env.path("campaigns")).unwrap();
    fs::remove_file(env.path("store.db-mark")).unwrap();
    let serve = ["serve", "campaigns", "--no-http"];
    assert_refused(&env, &provider, &serve, "store.db-mark");
    let service = env.start(&provider, &["serve", "campaigns", "--no-http", "--moved"]);
    service.wait_for_words("service started");
    fs::rename(env.path("store.db"), env.path("away.db")).unwrap();
    let ended = service.wait();
    assert_eq!(ended.code, 1, "{ended}");
    assert!(ended.err.contains("this store was deleted, moved or replaced"), "{ended}");
}
