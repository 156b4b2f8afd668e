//! Rounds of a kill, followed by what people do to a store's files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::provider::SendCounts;

/// Rows of a list: more than a process sends in its longest life.
const ROWS: u64 = 8_000;
/// The longest a process lives before its kill, in milliseconds.
const LONGEST_LIFE: u64 = 1_200;
/// The first number of each list: mobile numbers of Hong Kong.
const FIRST_NUMBER: u64 = 85_264_000_000;

/// What happens to the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Deed {
    DeleteTheLog,
    MoveTheFile,
    MoveTheFileAndItsLog,
    CopyTheFile,
    CopyTheFileAndItsLog,
    RestoreByMv,
    RestoreByMvUnderTheLog,
    RestoreByCp,
    RestoreByCpUnderTheLog,
    RestoreBySqlite,
    DeleteWhileItSends,
    ReplaceWhileItSends,
    RestoreWhileItSends,
    // These must never stop a run.
    Nothing,
    Look,
    BackUp,
    OpenWithSqlite,
    CheckpointWithSqlite,
    EndByASignal,
    ReadForLong,
}

const HARMFUL: [Deed; 13] = [
    Deed::DeleteTheLog,
    Deed::MoveTheFile,
    Deed::MoveTheFileAndItsLog,
    Deed::CopyTheFile,
    Deed::CopyTheFileAndItsLog,
    Deed::RestoreByMv,
    Deed::RestoreByMvUnderTheLog,
    Deed::RestoreByCp,
    Deed::RestoreByCpUnderTheLog,
    Deed::RestoreBySqlite,
    Deed::DeleteWhileItSends,
    Deed::ReplaceWhileItSends,
    Deed::RestoreWhileItSends,
];
const HARMLESS: [Deed; 7] = [
    Deed::Nothing,
    Deed::Look,
    Deed::BackUp,
    Deed::OpenWithSqlite,
    Deed::CheckpointWithSqlite,
    Deed::EndByASignal,
    Deed::ReadForLong,
];

/// The results of all rounds of one deed.
#[derive(Default)]
struct Tally {
    rounds: u32,
    refused: u32,
    doubled: u64,
}

/// Plays the rounds; fails if someone was messaged twice unasked, or a run was stopped for no reason.
pub(crate) fn soak(rounds: u32, calm: bool, seed: u64, binary: &Path, url: &str, counts: &SendCounts) -> ExitCode {
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut tallies: BTreeMap<Deed, Tally> = BTreeMap::new();
    let mut wrong = Vec::new();
    for number in 0..rounds {
        let deeds: &[Deed] = if calm { &HARMLESS } else { &HARMFUL };
        let deed = deeds[number as usize % deeds.len()];
        counts.lock().unwrap().clear();
        let folder = tempfile::tempdir().unwrap();
        let round = Round { folder: folder.path(), binary, url, counts };
        let (refused, doubled, trouble) = round.play(deed, &mut chance);
        let tally = tallies.entry(deed).or_default();
        tally.rounds += 1;
        tally.refused += u32::from(refused);
        tally.doubled += doubled;
        wrong.extend(trouble.map(|trouble| format!("round {number}, {deed:?}: {trouble}")));
        if calm && refused {
            wrong.push(format!("round {number}, {deed:?}: a false alarm"));
        }
        if doubled > 0 {
            wrong.push(format!("round {number}, {deed:?}: {doubled} people were messaged twice"));
        }
    }
    println!("{:<24}{:>8}{:>12}{:>10}", "deed", "rounds", "this store", "doubled");
    for (deed, Tally { rounds, refused, doubled }) in &tallies {
        println!("{:<24}{rounds:>8}{refused:>12}{doubled:>10}", format!("{deed:?}"));
    }
    wrong.iter().for_each(|wrong| println!("  WRONG: {wrong}"));
    println!("seed {seed}, {rounds} rounds: {}", if wrong.is_empty() { "right" } else { "THE GUARANTEE WAS BROKEN" });
    if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One list, in its own folder and store.
struct Round<'a> {
    folder: &'a Path,
    binary: &'a Path,
    url: &'a str,
    counts: &'a SendCounts,
}

impl Round<'_> {
    /// Returns whether the program said "this store …", how many people were messaged twice before that, and what else
    /// is wrong.
    fn play(&self, deed: Deed, chance: &mut fastrand::Rng) -> (bool, u64, Option<String>) {
        self.write();
        let mut life = |least: u64| Duration::from_millis(chance.u64(least..LONGEST_LIFE));
        // A store with a history: killed and resumed, so that its log has restarted a few times.
        let lives = [life(150), life(150), life(300)];
        let backup_after = life(150) / 2;
        let fold = chance.bool();
        for life in &lives[..2] {
            let mut child = self.start(&["run", "job.yaml"]);
            sleep(*life);
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let mut child = self.start(&["run", "job.yaml"]);
        sleep(backup_after);
        self.sqlite(&[".timeout 5000", ".backup backup.db"]);
        if fold {
            // The log restarts, and no longer holds what the backup lacks.
            self.sqlite(&[".timeout 5000", "PRAGMA wal_checkpoint(TRUNCATE);"]);
        }
        sleep(lives[2]);
        let mut reader = None;
        match deed {
            Deed::DeleteWhileItSends | Deed::ReplaceWhileItSends | Deed::RestoreWhileItSends => {
                self.does(deed);
                if !ends_within(&mut child, Duration::from_secs(20)) {
                    child.kill().unwrap();
                    return (false, self.doubled(), Some("the run continued in a missing file".to_owned()));
                }
            }
            Deed::EndByASignal => {
                Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
                ends_within(&mut child, Duration::from_secs(20));
            }
            Deed::ReadForLong => {
                reader = Some(self.read_for_long());
                sleep(Duration::from_millis(200));
                child.kill().unwrap();
            }
            _ => child.kill().unwrap(),
        }
        child.wait().unwrap();
        let store = self.does(deed);
        let again: &[&str] = if chance.bool() { &["run", "job.yaml"] } else { &["resume"] };
        let done = self.ask(again, store);
        let words = String::from_utf8_lossy(&done.stderr).into_owned();
        let refused = done.status.code() == Some(1) && words.contains("this store ");
        let doubled = self.doubled();
        let mut trouble = match done.status.code() {
            Some(0 | 3 | 4) => None,
            Some(2) if words.contains("ran before") => None,
            Some(1) if refused => None,
            // A file that is no longer a store gets that message.
            Some(1) if words.contains("damaged") || words.contains("not a campaigner store") => None,
            code => Some(format!("`{}` ended with {code:?}: {words}", again.join(" "))),
        };
        if refused {
            // Only a person's confirmation changes that, and then the run continues.
            let sent = self.sent();
            self.ask(&["status"], store);
            let still = self.ask(again, store);
            if still.status.code() != Some(1) || self.sent() != sent {
                trouble = Some("it continued without --moved".to_owned());
            }
            if words.contains("move the log to another folder") {
                let _ = fs::remove_file(self.at(&format!("{store}-wal")));
            }
            let moved = self.ask(&["run", "job.yaml", "--moved"], store);
            let words = String::from_utf8_lossy(&moved.stderr).into_owned();
            let was_done = moved.status.code() == Some(2) && words.contains("ran before");
            if !was_done && ![Some(0), Some(3)].contains(&moved.status.code()) {
                trouble = Some(format!("`--moved` ended with {:?}: {words}", moved.status.code()));
            }
        }
        if let Some(mut reader) = reader {
            reader.kill().unwrap();
            reader.wait().unwrap();
        }
        (refused, doubled, trouble)
    }

    /// Does it; returns where the store is then.
    fn does(&self, deed: Deed) -> &'static str {
        const ELSEWHERE: &str = "elsewhere/store.db";
        fs::create_dir_all(self.at("elsewhere")).unwrap();
        let at = |name: &str| self.at(name);
        let no_log = || drop(fs::remove_file(at("store.db-wal")));
        match deed {
            Deed::DeleteTheLog => no_log(),
            Deed::MoveTheFile => fs::rename(at("store.db"), at(ELSEWHERE)).unwrap(),
            Deed::MoveTheFileAndItsLog => {
                fs::rename(at("store.db"), at(ELSEWHERE)).unwrap();
                let _ = fs::rename(at("store.db-wal"), at("elsewhere/store.db-wal"));
            }
            Deed::CopyTheFile => drop(fs::copy(at("store.db"), at(ELSEWHERE)).unwrap()),
            Deed::CopyTheFileAndItsLog => {
                fs::copy(at("store.db"), at(ELSEWHERE)).unwrap();
                let _ = fs::copy(at("store.db-wal"), at("elsewhere/store.db-wal"));
            }
            Deed::RestoreByMv => {
                no_log();
                fs::rename(at("backup.db"), at("store.db")).unwrap();
            }
            Deed::RestoreByMvUnderTheLog => fs::rename(at("backup.db"), at("store.db")).unwrap(),
            Deed::RestoreByCp => {
                no_log();
                overwrite(&at("backup.db"), &at("store.db"));
            }
            Deed::RestoreByCpUnderTheLog => overwrite(&at("backup.db"), &at("store.db")),
            Deed::RestoreWhileItSends => {
                // Once, while it is sending.
                if at("backup.db").exists() {
                    self.sqlite(&[".timeout 5000", ".restore backup.db"]);
                    fs::remove_file(at("backup.db")).unwrap();
                }
            }
            Deed::RestoreBySqlite => self.sqlite(&[".timeout 5000", ".restore backup.db"]),
            Deed::DeleteWhileItSends => {
                for ending in ["", "-wal", "-shm"] {
                    let _ = fs::remove_file(at(&format!("store.db{ending}")));
                }
            }
            Deed::ReplaceWhileItSends => {
                if at("backup.db").exists() {
                    fs::rename(at("backup.db"), at("store.db")).unwrap();
                } else {
                    // The run has stopped; its log does not belong to this file.
                    no_log();
                }
            }
            Deed::Look => {
                for command in ["status", "verify", "report"] {
                    self.ask(&[command], "store.db");
                }
            }
            Deed::BackUp => self.sqlite(&[".timeout 5000", ".backup another.db"]),
            Deed::OpenWithSqlite => self.sqlite(&["SELECT count(*) FROM recipient;"]),
            Deed::CheckpointWithSqlite => self.sqlite(&["PRAGMA wal_checkpoint(TRUNCATE);"]),
            Deed::Nothing | Deed::EndByASignal | Deed::ReadForLong => {}
        }
        match deed {
            Deed::MoveTheFile | Deed::MoveTheFileAndItsLog | Deed::CopyTheFile | Deed::CopyTheFileAndItsLog => {
                ELSEWHERE
            }
            _ => "store.db",
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn write(&self) {
        let mut csv = String::from("phone,first_name\n");
        (1..=ROWS).for_each(|row| writeln!(csv, "{},Name{row}", FIRST_NUMBER + row).unwrap());
        fs::write(self.at("list.csv"), csv).unwrap();
        let campaign = "name: job\nprovider: incs\nchannel: viber\nrecipients: {csv: list.csv, to: phone}\n\
            message: {type: text, text: \"Hello {{ first_name }}\"}\n\
            dispatch: {rate: 2000/s, concurrency: 32}\nreconcile: {after: 200ms, every: 500ms, for: 1m}\n";
        fs::write(self.at("job.yaml"), campaign).unwrap();
    }

    fn command(&self, args: &[&str], store: &str) -> Command {
        let mut command = Command::new(self.binary);
        command.args(args).args(["-q", "--progress", "none", "--db", store]).current_dir(self.folder);
        command.env("INCS_BASE_URL", self.url).env("INCS_CERTIFICATION_CODE", "soak").stdin(Stdio::null());
        command
    }

    fn start(&self, args: &[&str]) -> Child {
        self.command(args, "store.db").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn ask(&self, args: &[&str], store: &str) -> Output {
        self.command(args, store).output().unwrap()
    }

    fn sqlite(&self, commands: &[&str]) {
        let done = Command::new("sqlite3").arg("store.db").args(commands).current_dir(self.folder).output().unwrap();
        assert!(done.status.success(), "{commands:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// Starts another program that holds an old state of the store, during the run and after it.
    fn read_for_long(&self) -> Child {
        let script = "import sqlite3, time; c = sqlite3.connect('store.db'); c.execute('BEGIN'); \
                      c.execute('SELECT count(*) FROM recipient').fetchone(); time.sleep(60)";
        Command::new("python3").args(["-c", script]).current_dir(self.folder).spawn().unwrap()
    }

    fn sent(&self) -> u64 {
        self.counts.lock().unwrap().values().map(|times| u64::from(*times)).sum()
    }

    fn doubled(&self) -> u64 {
        self.counts.lock().unwrap().values().filter(|times| **times > 1).count() as u64
    }
}

/// Overwrites like `cp`: the file keeps its identity.
fn overwrite(from: &Path, to: &Path) {
    fs::write(to, fs::read(from).unwrap()).unwrap();
}

fn ends_within(child: &mut Child, limit: Duration) -> bool {
    let end = Instant::now() + limit;
    while Instant::now() < end {
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        sleep(Duration::from_millis(5));
    }
    false
}
