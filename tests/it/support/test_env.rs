//! A folder to work in, a campaign in it, and the real binary run there.
//!
//! Every wait is on a condition and bounded: `wait_until` is the only place of all tests that sleeps. A process that
//! was started here is ended here, whatever becomes of the test.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::scripted_provider::{CREDENTIAL, ScriptedProvider};

/// The code of a process that aborted: SIGABRT.
const ABORTED: i32 = -6;

/// The longest any single command of a test may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Waits until `condition` holds; false if it does not within `limit`.
pub(crate) fn wait_until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A valid mobile number, another one for each `n` below a million.
pub(crate) fn phone(n: usize) -> String {
    format!("85264{n:06}")
}

/// A recipient list of `rows` good rows.
pub(crate) fn csv(rows: usize) -> String {
    let mut text = String::from("phone,first_name,discount\n");
    for n in 1..=rows {
        writeln!(text, "{},Name{n},{}%", phone(n), n % 50).unwrap();
    }
    text
}

/// What carries the text: a parameter of a WhatsApp template, or a Viber text, which may hold any character.
#[derive(Clone, Copy)]
pub(crate) enum Channel {
    Whatsapp,
    Viber,
}

/// The text in a body as it was posted.
pub(crate) fn text_of(body: &serde_json::Value) -> &str {
    let parameter = &body["template"]["components"][0]["parameters"][0]["text"];
    parameter.as_str().or(body["text"].as_str()).unwrap_or_default()
}

/// What a test may want to say about a campaign; the rest is fast and harmless.
pub(crate) struct CampaignFile {
    pub(crate) name: &'static str,
    pub(crate) recipients: String,
    pub(crate) channel: Channel,
    pub(crate) text: &'static str,
    pub(crate) rate: &'static str,
    pub(crate) concurrency: usize,
    pub(crate) timeout: &'static str,
    pub(crate) attempts: u32,
    pub(crate) uncertain: &'static str,
    pub(crate) horizon: &'static str,
}

impl Default for CampaignFile {
    fn default() -> Self {
        Self {
            name: "job",
            recipients: "{csv: list.csv, to: phone}".to_owned(),
            channel: Channel::Whatsapp,
            text: "{{ first_name }}",
            rate: "5000/s",
            concurrency: 16,
            timeout: "20s",
            attempts: 5,
            uncertain: "hold",
            horizon: "1m",
        }
    }
}

impl CampaignFile {
    pub(crate) fn yaml(&self) -> String {
        let Self { name, recipients, channel, text, rate, concurrency, timeout, attempts, uncertain, horizon } = self;
        let (channel, message) = match channel {
            Channel::Whatsapp => (
                "whatsapp",
                format!(
                    "{{type: template, template: {{name: test_header_text_2, components: \
                     [{{type: body, parameters: [{{type: text, text: \"{text}\"}}]}}]}}}}"
                ),
            ),
            Channel::Viber => ("viber", format!("{{type: text, text: \"{text}\"}}")),
        };
        format!(
            "name: {name}\n\
             provider: incs\n\
             channel: {channel}\n\
             recipients: {recipients}\n\
             message: {message}\n\
             dispatch:\n\
             \x20 rate: {rate}\n\
             \x20 concurrency: {concurrency}\n\
             \x20 timeout: {timeout}\n\
             \x20 attempts: {attempts}\n\
             \x20 uncertain: {uncertain}\n\
             reconcile: {{after: 200ms, every: 300ms, for: {horizon}}}\n"
        )
    }
}

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

    /// One beside which no other test works: what takes time here is not their doing.
    pub(crate) fn alone_on_this_machine() -> Self {
        assert_no_other();
        let guard = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
        Self::sharing(Share::All { _guard: guard })
    }

    fn sharing(share: Share) -> Self {
        Self { folder: TempDir::new().unwrap(), commands: AtomicUsize::new(0), _share: share }
    }

    /// With `job.yaml` and `list.csv` in it.
    pub(crate) fn with(campaign: &CampaignFile, csv: &str) -> Self {
        let env = Self::new();
        env.write("job.yaml", campaign.yaml());
        env.write("list.csv", csv);
        env
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
        let ours = ["CAMPAIGNER_", "INCS_", "NXLINK_", "CAMS_", "ALIBABA_CLOUD_"];
        for (variable, _) in std::env::vars_os() {
            if ours.iter().any(|prefix| variable.to_string_lossy().starts_with(prefix)) {
                command.env_remove(variable);
            }
        }
        for proxy in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy", "HTTPS_PROXY"] {
            command.env_remove(proxy);
        }
        command.args(args).env("CAMPAIGNER_DB", "store.db").envs(variables.iter().copied());
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
        let words = args.join(" ");
        Running { child: command.spawn().unwrap(), out, err, words }
    }

    pub(crate) fn start(&self, provider: &ScriptedProvider, args: &[&str]) -> Running {
        self.start_at(Some(&provider.url()), args)
    }

    /// Runs the binary to its end, with this provider's account.
    pub(crate) fn run(&self, provider: &ScriptedProvider, args: &[&str]) -> Finished {
        self.start(provider, args).wait()
    }

    /// Runs the binary, which has to die at this crash point: `NAME`, or `NAME:N` for the Nth time it is passed.
    pub(crate) fn crash(&self, provider: &ScriptedProvider, at: &str, args: &[&str]) {
        let died =
            self.start_with_prelude(&format!("export CAMPAIGNER_CRASH_AT='{at}'"), Some(&provider.url()), args).wait();
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

/// States and counts as `TestEnv::states` gives them.
pub(crate) fn counts(states: &[(&str, u64)]) -> BTreeMap<String, u64> {
    states.iter().map(|(state, rows)| ((*state).to_owned(), *rows)).collect()
}

/// A process that was started.
pub(crate) struct Running {
    child: Child,
    out: PathBuf,
    err: PathBuf,
    words: String,
}

impl Running {
    /// Waits for its end, not for ever.
    pub(crate) fn wait(self) -> Finished {
        self.wait_for(LIMIT)
    }

    /// Waits for its end within `limit`.
    pub(crate) fn wait_for(mut self, limit: Duration) -> Finished {
        let ended = wait_until(limit, || self.child.try_wait().unwrap().is_some());
        let (out, err) = (read(&self.out), read(&self.err));
        assert!(ended, "`{}` did not end within {limit:?}\n{out}\n{err}", self.words);
        let status = self.child.wait().unwrap();
        let code = status.code().or(status.signal().map(|signal| -signal)).unwrap();
        Finished { code, out, err, words: self.words.clone() }
    }

    /// Waits until it said something that holds `words` on standard error.
    pub(crate) fn wait_for_words(&self, words: &str) {
        assert!(wait_until(LIMIT, || read(&self.err).contains(words)), "no word of {words}: {}", read(&self.err));
    }

    /// All that it said on standard error so far.
    pub(crate) fn stderr(&self) -> String {
        read(&self.err)
    }

    pub(crate) fn id(&self) -> String {
        self.child.id().to_string()
    }

    /// What everyone on the machine can read of it.
    #[cfg(target_os = "linux")]
    pub(crate) fn in_the_process_list(&self) -> String {
        let process = PathBuf::from(format!("/proc/{}", self.child.id()));
        ["cmdline", "comm"].map(|file| read(&process.join(file))).concat()
    }

    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.id()]).status().unwrap();
        assert!(sent.success());
    }

    /// SIGKILL, as a power cut would do it.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
}

/// A process that ended: where a signal ended it, `code` is minus its number.
pub(crate) struct Finished {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
    words: String,
}

impl std::fmt::Display for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` ended with {}\n{}\n{}", self.words, self.code, self.out, self.err)
    }
}

/// The header that every report begins with.
pub(crate) const HEADER: &str =
    "row,to,channel,state,message_id,attempts,accepted_at,delivered_at,read_at,error_code,error_message";

/// One line of `recipients.csv`.
#[derive(Debug)]
pub(crate) struct ReportLine {
    pub(crate) row: u64,
    pub(crate) to: String,
    pub(crate) state: String,
    pub(crate) message_id: String,
    pub(crate) attempts: u32,
    pub(crate) code: String,
    pub(crate) message: String,
}

/// Reads a report, whose header must be the promised one.
pub(crate) fn parse_report(report: &str) -> Vec<ReportLine> {
    assert_eq!(report.lines().next(), Some(HEADER));
    let mut reader = csv::Reader::from_reader(report.as_bytes());
    let line = |cells: csv::StringRecord| ReportLine {
        row: cells[0].parse().unwrap(),
        to: cells[1].to_owned(),
        state: cells[3].to_owned(),
        message_id: cells[4].to_owned(),
        attempts: cells[5].parse().unwrap(),
        code: cells[9].to_owned(),
        message: cells[10].to_owned(),
    };
    reader.records().map(|cells| line(cells.unwrap())).collect()
}
