//! A folder to work in, a campaign in it, and the real binary run there.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tempfile::TempDir;

use crate::support::{
    CREDENTIAL, CampaignFile, Finished, ReportLine, Running, ScriptedProvider, parse_report, postgres,
};

/// The code of a process that aborted: SIGABRT.
pub(crate) const ABORTED: i32 = -6;

/// Held shared by every environment, and exclusively by one that measures time.
static MACHINE: RwLock<()> = RwLock::new(());

thread_local! {
    /// Whether this test has an environment: a second one would wait for ever for a test that waits for the machine.
    static HAS_ENV: Cell<bool> = const { Cell::new(false) };
}

/// A share of the machine, or all of it.
enum Share {
    Some { _guard: RwLockReadGuard<'static, ()> },
    All { _guard: RwLockWriteGuard<'static, ()> },
}

/// A folder of its own, gone when dropped. A test has one at a time.
pub(crate) struct TestEnv {
    folder: TempDir,
    commands: AtomicUsize,
    /// What `--db` stands for: a file in the folder, or a schema of a server.
    db: String,
    _share: Share,
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        HAS_ENV.set(false);
    }
}

fn assert_no_other() {
    assert!(!HAS_ENV.replace(true), "a test has one environment at a time");
}

impl TestEnv {
    pub(crate) fn new() -> Self {
        assert_no_other();
        // A test that failed leaves the lock as good as it was.
        let guard = MACHINE.read().unwrap_or_else(PoisonError::into_inner);
        Self::sharing(Share::Some { _guard: guard })
    }

    /// One that no other test runs alongside: what takes time here is not their doing.
    pub(crate) fn alone_on_this_machine() -> Self {
        assert_no_other();
        let guard = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
        Self::sharing(Share::All { _guard: guard })
    }

    /// Whether stores are on a PostgreSQL server, unless a test says otherwise.
    pub(crate) fn is_on_a_server() -> bool {
        std::env::var("CAMPAIGNER_TEST_STORE").is_ok_and(|store| store == "postgres")
    }

    fn sharing(share: Share) -> Self {
        let db = if Self::is_on_a_server() { schema_of(postgres::url().unwrap()) } else { "store.db".to_owned() };
        Self { folder: TempDir::new().unwrap(), commands: AtomicUsize::new(0), db, _share: share }
    }

    /// With `job.yaml` and `list.csv` in it, and an empty store on this server.
    pub(crate) fn on_server(server: &str, campaign: &CampaignFile, csv: &str) -> Self {
        let mut env = Self::with(campaign, csv);
        env.use_server(server);
        env
    }

    /// From now on, the store is an empty one on this server.
    pub(crate) fn use_server(&mut self, server: &str) {
        self.db = schema_of(server);
    }

    /// With `job.yaml` and `list.csv` in it.
    pub(crate) fn with(campaign: &CampaignFile, csv: &str) -> Self {
        let env = Self::new();
        env.write("job.yaml", campaign.yaml());
        env.write("list.csv", csv);
        env
    }

    /// Returns the URL of the same store in a copy of its database.
    pub(crate) fn db_in(&self, database: &str) -> String {
        let (_, schema) = self.db.split_once('?').unwrap();
        format!("{database}?{schema}")
    }

    /// Returns the URL of the store through a proxy to its server, with this host and port.
    pub(crate) fn db_through(&self, proxy: &str) -> String {
        let (_, schema) = self.db.split_once('?').unwrap();
        format!("postgres://postgres@{proxy}/postgres?{schema}")
    }

    /// Whether the store is in a file.
    pub(crate) fn has_file(&self) -> bool {
        !self.db.starts_with("postgres")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Starts the binary with the account that `base_url` stands for; nothing of the surroundings gets in.
    pub(crate) fn start_at(&self, base_url: Option<&str>, args: &[&str]) -> Running {
        self.start_with_prelude("", base_url, args)
    }

    /// As `start_at`, with a proxy between the binary and whatever it asks over plain HTTP.
    pub(crate) fn start_behind_proxy(&self, proxy: &str, base_url: Option<&str>, args: &[&str]) -> Running {
        self.start_with_prelude(&format!("export http_proxy='{proxy}'"), base_url, args)
    }

    /// As `start_at`, by a shell that first does `prelude` (a limit, a variable) and then becomes the binary.
    pub(crate) fn start_with_prelude(&self, prelude: &str, base_url: Option<&str>, args: &[&str]) -> Running {
        let account = base_url.map(|url| [("INCS_BASE_URL", url), ("INCS_CERTIFICATION_CODE", CREDENTIAL)]);
        self.launch(prelude, account.as_ref().map_or(&[], <[_; 2]>::as_slice), args)
    }

    /// Starts the binary with these variables in its surroundings, and no other of ours.
    pub(crate) fn start_with(&self, variables: &[(&str, &str)], args: &[&str]) -> Running {
        self.launch("", variables, args)
    }

    fn launch(&self, prelude: &str, variables: &[(&str, &str)], args: &[&str]) -> Running {
        let number = self.commands.fetch_add(1, Ordering::Relaxed);
        let (out, err) = (self.path(&format!("{number}.out")), self.path(&format!("{number}.err")));
        let binary = env!("CARGO_BIN_EXE_campaigner");
        let mut command = Command::new(if prelude.is_empty() { binary } else { "sh" });
        if !prelude.is_empty() {
            command.args(["-c", &format!("{prelude}; exec \"$@\""), "sh", binary]);
        }
        let ours = ["CAMPAIGNER_", "INCS_", "META_", "NXLINK_", "CAMS_", "ALIBABA_CLOUD_"];
        for (variable, _) in std::env::vars_os() {
            if ours.iter().any(|prefix| variable.to_string_lossy().starts_with(prefix)) {
                command.env_remove(variable);
            }
        }
        for proxy in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy", "HTTPS_PROXY"] {
            command.env_remove(proxy);
        }
        command.args(args).env("CAMPAIGNER_DB", &self.db).envs(variables.iter().copied());
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
        let words = args.join(" ");
        Running::new(command.spawn().unwrap(), out, err, words)
    }

    pub(crate) fn start(&self, provider: &ScriptedProvider, args: &[&str]) -> Running {
        self.start_for("", provider, args)
    }

    /// As `start`, by a shell that first does `prelude`.
    pub(crate) fn start_for(&self, prelude: &str, provider: &ScriptedProvider, args: &[&str]) -> Running {
        let variables = provider.variables();
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.launch(prelude, &variables, args)
    }

    /// Runs the binary to its end, with this provider's account.
    pub(crate) fn run(&self, provider: &ScriptedProvider, args: &[&str]) -> Finished {
        self.start(provider, args).wait()
    }

    /// Runs the binary, which has to die at this crash point: `NAME`, or `NAME:N` for the Nth time it is passed.
    pub(crate) fn crash(&self, provider: &ScriptedProvider, at: &str, args: &[&str]) {
        let died = self.start_for(&crash_at(at), provider, args).wait();
        assert_eq!(died.code, ABORTED, "`{at}` was not passed: {died}");
    }

    /// Runs the binary to its end, with no account at all.
    pub(crate) fn run_offline(&self, args: &[&str]) -> Finished {
        self.start_at(None, args).wait()
    }

    /// The report of a run, fresh from the store.
    pub(crate) fn report(&self, run: &str) -> Vec<ReportLine> {
        let report = self.run_offline(&["report", run]);
        assert_eq!(report.code, 0, "{report}");
        parse_report(&report.out)
    }

    /// How many rows of a run are in each state, those with none left out; from `status --json`.
    pub(crate) fn states(&self, run: &str) -> BTreeMap<String, u64> {
        let status = self.run_offline(&["status", run, "--json"]);
        assert_eq!(status.code, 0, "{status}");
        let status: serde_json::Value = serde_json::from_str(&status.out).unwrap();
        let states = status["states"].as_object().unwrap();
        let count = |rows: &serde_json::Value| rows.as_u64().unwrap();
        states.iter().filter(|(_, rows)| count(rows) > 0).map(|(state, rows)| (state.clone(), count(rows))).collect()
    }

    /// Fails unless the records of a run are consistent.
    pub(crate) fn verify(&self, run: &str) {
        let verified = self.run_offline(&["verify", run]);
        assert_eq!(verified.code, 0, "{verified}");
    }
}

/// The URL of an empty store on a server.
fn schema_of(server: &str) -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    format!("{server}?schema=it_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// What a shell does so that the binary dies at this crash point.
pub(crate) fn crash_at(point: &str) -> String {
    format!("export CAMPAIGNER_CRASH_AT='{point}'")
}

/// States and counts as `TestEnv::states` gives them.
pub(crate) fn counts(states: &[(&str, u64)]) -> BTreeMap<String, u64> {
    states.iter().map(|(state, rows)| ((*state).to_owned(), *rows)).collect()
}
