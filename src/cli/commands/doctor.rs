//! `campaigner doctor`: checks everything that a run needs besides the campaign, and says how to fix what is wrong.

mod store_files;

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use crate::cli::config::file::{self, ConfigFile, ProviderKind, RawProvider};
use crate::cli::config::{self, hook, meta, template_accounts, webhook};
use crate::cli::error::{CliError, Exit, cannot_print};
use crate::cli::file_limit;
use crate::cli::global::Global;
use crate::cli::output::console;
use crate::cli::serve;
use crate::engine::{MOST_IN_FLIGHT, RunActivity};
use crate::model::{Millis, TemplateProvider};
use crate::provider::{self, PollError, Provider};
use crate::store::{Location, Store};
use crate::text::{self, nearest, shell_word};

/// The arguments of `doctor`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "`doctor` sends no message. To see whether an account works, it asks INCS for the status of a message that \
                  does not exist, and Meta about the phone number. Exit code 1 means that at least one problem was found."
)]
pub(in crate::cli) struct Args {
    /// Do not contact any provider
    #[arg(long)]
    offline: bool,
    /// Print one JSON object per check
    #[arg(long)]
    json: bool,
}

/// How the names of campaigner's own variables start.
const PREFIX: &str = "CAMPAIGNER_";
/// The variables that start with it: those that are read, and the one for the hook's secret in the documentation's
/// example, although any other name works too.
const VARIABLES: [&str; 6] = [
    "CAMPAIGNER_DB",
    "CAMPAIGNER_CONFIG",
    "CAMPAIGNER_YES",
    "CAMPAIGNER_TOKEN",
    "CAMPAIGNER_WEBHOOK_SECRET",
    "CAMPAIGNER_HOOK_SECRET",
];
/// The accounts that need no configuration file, each with variables of which one shows that it is used.
const BUILT_IN: [(&str, &[&str]); 2] = [
    ("incs", &["INCS_CERTIFICATION_CODE", "INCS_BASE_URL"]),
    ("meta", &["META_ACCESS_TOKEN", "META_PHONE_NUMBER_ID", "META_BASE_URL"]),
];
/// The time limit of a request to a provider.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How much this machine's clock may differ from a provider's. Send times, quotas and polls depend on the clock.
const MAX_SKEW: Duration = Duration::from_secs(60);
/// The most runs that are checked.
const MAX_RUNS: u32 = 20;

/// How a check went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Health {
    Good,
    /// Not wrong, but worth knowing.
    Note,
    Bad,
}

/// The checks so far.
struct Checkup {
    json: bool,
    problems: u64,
}

impl Checkup {
    fn print(&mut self, health: Health, what: &str, words: &str) -> Result<(), CliError> {
        self.problems += u64::from(health == Health::Bad);
        let name = match health {
            Health::Good => "ok",
            Health::Note => "note",
            Health::Bad => "problem",
        };
        let printed = match self.json {
            true => console::data(&json!({"check": what, "result": name, "message": words})),
            false => console::wrapped_line(&format!("{name:<8} {what}: {}", words.replace('\n', "\n         "))),
        };
        printed.map_err(cannot_print)
    }

    fn good(&mut self, what: &str, words: &str) -> Result<(), CliError> {
        self.print(Health::Good, what, words)
    }

    fn note(&mut self, what: &str, words: &str) -> Result<(), CliError> {
        self.print(Health::Note, what, words)
    }

    fn bad(&mut self, what: &str, words: &str) -> Result<(), CliError> {
        self.print(Health::Bad, what, words)
    }

    /// Prints an error of another command, which says what to do.
    fn error(&mut self, what: &str, error: &CliError) -> Result<(), CliError> {
        self.bad(what, &error.words)
    }
}

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    let mut checkup = Checkup { json: args.json, problems: 0 };
    let configured = file::read(global).await;
    environment(&mut checkup, configured.as_ref().ok())?;
    let store = store(&mut checkup, global).await?;
    match configured {
        Err(error) => checkup.bad("configuration", &format!("{}{}", error.words, how_to_read(global)))?,
        Ok(configured) => {
            configuration(&mut checkup, &configured, global).await?;
            providers(&mut checkup, &configured, store.as_ref(), args.offline, global).await?;
            for which in TemplateProvider::ALL {
                template_account(&mut checkup, which, args.offline, global).await?;
            }
        }
    }
    if !args.json {
        let summary = match checkup.problems {
            0 => "no problems found".to_owned(),
            problems => format!("{} found", text::count(problems, "problem")),
        };
        console::line(&summary).map_err(cannot_print)?;
    }
    Ok(if checkup.problems == 0 { Exit::Done } else { Exit::Environment })
}

fn environment(checkup: &mut Checkup, configured: Option<&ConfigFile>) -> Result<(), CliError> {
    let mut is_good = true;
    let named: Vec<&str> = configured.into_iter().flat_map(ConfigFile::variables).collect();
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with(PREFIX) && !VARIABLES.iter().chain(&named).any(|known| *known == name) {
            let hint = match nearest(name.trim_start_matches(PREFIX), &VARIABLES.map(|name| &name[PREFIX.len()..])) {
                Some(near) => format!("did you mean {PREFIX}{near}? Rename {name}, or unset it"),
                None => format!("unset it. The variables are {}", VARIABLES.join(", ")),
            };
            checkup.bad("environment", &format!("unknown variable {name}; {hint}"))?;
            is_good = false;
        }
    }
    let concurrency = file_limit::enough_for(MOST_IN_FLIGHT);
    if concurrency < MOST_IN_FLIGHT {
        let words = format!(
            "the hard limit on open files allows {concurrency} requests in flight instead of {MOST_IN_FLIGHT}; raise it: \
             run `ulimit -n 8192` as root in the shell that then starts campaigner, or set LimitNOFILE=8192 in its systemd unit"
        );
        checkup.note("environment", &words)?;
    }
    if let Some(words) = store_files::problem_of_this_folder() {
        checkup.bad("environment", &words)?;
        is_good = false;
    }
    match is_good {
        true if concurrency < MOST_IN_FLIGHT => checkup.good("environment", "variables and this folder"),
        true => checkup.good("environment", "variables, open files and this folder"),
        false => Ok(()),
    }
}

/// Checks the store. Returns it if it can be read.
async fn store(checkup: &mut Checkup, global: &Global) -> Result<Option<Store>, CliError> {
    if let Location::File(path) = &global.db
        && !files_are_good(checkup, path)?
    {
        return Ok(None);
    }
    if let Err(error) = Store::is_not_gone(&global.db) {
        checkup.error("store", &error.into())?;
        return Ok(None);
    }
    let opened = async {
        let Some(store) = Store::open_if_there(&global.db).await? else { return Ok(None) };
        let notes = notes_on_runs(&store, global).await?;
        Ok::<_, CliError>(Some((store, notes)))
    };
    let (store, notes) = match opened.await {
        Ok(Some(opened)) => opened,
        Ok(None) => {
            checkup.note("store", &format!("there is no store {} yet; `campaigner run` creates it", global.db))?;
            return Ok(None);
        }
        Err(error) => {
            checkup.error("store", &error)?;
            return Ok(None);
        }
    };
    let checked = async {
        store.may_send(false).await?;
        store.is_writable().await?;
        store.is_durable(false).await
    };
    match checked.await {
        Ok(None) => {}
        Ok(Some(unknown)) => checkup.note("store", unknown)?,
        Err(error) => {
            checkup.error("store", &error.into())?;
            return Ok(Some(store));
        }
    }
    for note in &notes.stopped {
        checkup.note("store", note)?;
    }
    checkup.good("store", &format!("{}: {}", global.db, notes.runs))?;
    Ok(Some(store))
}

/// Checks the files of a store. Returns whether it can be opened.
fn files_are_good(checkup: &mut Checkup, path: &Path) -> Result<bool, CliError> {
    if let Some(words) = store_files::problem_of_folder(path).or_else(|| store_files::problem_of_files(path)) {
        checkup.bad("store", &words)?;
        return Ok(false);
    }
    if let Some(words) = store_files::problem_of_disk(path) {
        checkup.bad("disk", &words)?;
    }
    Ok(true)
}

/// The newest runs of a store.
struct RunNotes {
    /// How many there are.
    runs: String,
    /// How to continue each run that nobody works on.
    stopped: Vec<String>,
}

async fn notes_on_runs(store: &Store, global: &Global) -> Result<RunNotes, CliError> {
    let runs = store.runs(MAX_RUNS).await?;
    let mut stopped = Vec::new();
    for run in runs.iter().filter(|run| run.finished_at.is_none() && run.cancelled_at.is_none()) {
        let activity = RunActivity::of(store, run, Millis::now()).await?;
        if let RunActivity::Stopped { .. }
        | RunActivity::NotImported
        | RunActivity::AwaitingStatuses { collected: false, .. } = &activity
        {
            let details = activity.details(&run.id, &global.command()).unwrap_or_default();
            stopped.push(format!("{}: {details}", run.id));
        }
    }
    let at_least = if runs.len() == MAX_RUNS as usize { "at least " } else { "" };
    Ok(RunNotes { runs: format!("{at_least}{}", text::count(runs.len() as u64, "run")), stopped })
}

fn configuration_file(global: &Global) -> PathBuf {
    global.config.clone().unwrap_or_else(|| "campaigner.toml".into())
}

/// Returns what to do about a configuration that cannot be opened, worded to follow the error.
fn how_to_read(global: &Global) -> String {
    let path = configuration_file(global);
    match File::open(&path).map_err(|error| error.kind()) {
        Err(ErrorKind::NotFound) => "; correct --config, or the variable CAMPAIGNER_CONFIG".to_owned(),
        Err(ErrorKind::PermissionDenied) => format!("; {}", store_files::access_to_configuration(&path)),
        _ => String::new(),
    }
}

async fn configuration(checkup: &mut Checkup, configured: &ConfigFile, global: &Global) -> Result<(), CliError> {
    let before = checkup.problems;
    let path = configuration_file(global);
    if let Ok(metadata) = fs::metadata(&path)
        && metadata.permissions().mode() & 0o077 != 0
        && has_secret(configured)
    {
        let words = format!("{0} holds a secret, and other users can read it; run `chmod 600 {0}`", path.display());
        checkup.bad("configuration", &words)?;
    }
    if let Err(error) = hook::hook(global).await {
        checkup.error("on_done", &error)?;
    }
    let program = configured.on_done.as_ref().and_then(|hook| hook.command.as_ref()?.first());
    if let Some(words) = program.and_then(|program| problem_of_program(program)) {
        checkup.bad("on_done", &format!("`on_done.command`: {words}"))?;
    }
    let raw = &configured.webhook;
    let has_webhook =
        raw.secret.is_some() || raw.secret_env.is_some() || std::env::var_os("CAMPAIGNER_WEBHOOK_SECRET").is_some();
    let has_meta = match meta::webhooks(global).await {
        Ok(accounts) => !accounts.is_empty(),
        Err(error) => {
            checkup.error("webhook", &error)?;
            true
        }
    };
    if has_webhook && let Err(error) = webhook::settings(global, has_meta).await {
        checkup.error("webhook", &error)?;
    }
    if let Err(error) = serve::token() {
        checkup.error("service", &error)?;
    }
    if checkup.problems > before {
        return Ok(());
    }
    match path.exists() {
        true => checkup.good("configuration", &path.display().to_string()),
        false => checkup.note("configuration", &format!("there is no {}; the defaults apply", path.display())),
    }
}

fn has_secret(configured: &ConfigFile) -> bool {
    configured.providers.values().any(RawProvider::has_secret)
        || configured.nxlink.access_secret.is_some()
        || configured.cams.access_key_secret.is_some()
        || configured.webhook.secret.is_some()
}

/// Returns why a command of this name cannot be run, and what to do.
fn problem_of_program(name: &str) -> Option<String> {
    let is_file = |path: &Path| fs::metadata(path).is_ok_and(|file| file.is_file());
    let can_run =
        |path: &Path| is_file(path) && fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o111 != 0);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places: Vec<PathBuf> = match name.contains('/') {
        true => vec![PathBuf::from(name)],
        false => std::env::split_paths(&path).map(|folder| folder.join(name)).collect(),
    };
    if places.iter().any(|path| can_run(path)) {
        return None;
    }
    Some(match places.iter().find(|path| is_file(path)) {
        Some(file) => {
            let word = shell_word(&file.display().to_string()).into_owned();
            format!("`{}` is not executable; run `chmod +x {word}`", file.display())
        }
        None => format!("there is no program `{name}`; correct its path, or install it"),
    })
}

/// Checks every account that messages can be sent from.
async fn providers(
    checkup: &mut Checkup,
    configured: &ConfigFile,
    store: Option<&Store>,
    offline: bool,
    global: &Global,
) -> Result<(), CliError> {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let mut names: Vec<&str> = Vec::new();
    for (name, raw) in &configured.providers {
        if raw.kind != ProviderKind::Simulator || raw.base_url.is_some() {
            names.push(name);
        }
    }
    for (name, variables) in BUILT_IN {
        if !configured.providers.contains_key(name) && variables.iter().any(|variable| is_set(variable)) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return checkup.note(
            "provider",
            "no account is configured, so only the simulator can send; set INCS_CERTIFICATION_CODE, or META_ACCESS_TOKEN \
             and META_PHONE_NUMBER_ID, or add [providers.NAME] to campaigner.toml",
        );
    }
    for name in names {
        let what = format!("provider {name}");
        let account = match config::account(name, global).await {
            Ok(account) => account,
            Err(error) => {
                checkup.error(&what, &error)?;
                continue;
            }
        };
        if let Some(store) = store
            && let Some(until) = store.account_pause(&account.endpoint.fingerprint()).await?
            && until > Millis::now()
        {
            checkup
                .note(&what, &format!("the provider asked for a pause until {until}; nothing is sent before then"))?;
        }
        if offline {
            checkup.good(&what, "configured; not contacted")?;
            continue;
        }
        let provider =
            Provider::new(&account.endpoint, 1, TIMEOUT).map_err(|error| CliError::of(Exit::Environment, &error))?;
        contact(checkup, &what, config::url_setting(name, configured), &provider).await?;
    }
    Ok(())
}

/// Asks a provider something harmless. `url` is what sets its address.
async fn contact(checkup: &mut Checkup, what: &str, url: &str, provider: &Provider) -> Result<(), CliError> {
    match provider.probe().await {
        Ok(()) => checkup.good(what, "reachable, and the account works")?,
        Err(PollError::TryAgain(problem)) => {
            let words = format!(
                "reachable, but its response does not show whether the account works: {problem}; check {url}, run this \
                 command again in a few minutes, or send yourself a message with `campaigner test`"
            );
            checkup.note(what, &words)?;
        }
        Err(PollError::Throttled(problem, _)) => {
            checkup.note(what, &format!("reachable, but throttling the account at the moment: {problem}"))?;
        }
        Err(PollError::Unreachable(problem)) => {
            let words = format!("{problem}; check {url}, the network, and the proxy variables of this machine");
            return checkup.bad(what, &words);
        }
        Err(PollError::Halted(problem)) => {
            let advice = provider::advice(provider.api(), &problem.code);
            let advice = advice.map_or_else(String::new, |advice| format!("; {advice}"));
            return checkup.bad(what, &format!("{problem}{advice}"));
        }
    }
    let Some(theirs) = provider.server_time().await else { return Ok(()) };
    let ours = Millis::now();
    let skew = Duration::from_millis(ours.0.abs_diff(theirs.0));
    if skew <= MAX_SKEW {
        return checkup.good("clock", &format!("agrees with {what}"));
    }
    let words = format!(
        "this machine's clock is {} {} the clock of {what}; send times, quotas and schedules depend on it. Set it, for \
         example with `timedatectl set-ntp true`",
        text::duration(skew),
        if ours > theirs { "ahead of" } else { "behind" }
    );
    checkup.bad("clock", &words)
}

/// Checks the account of a template provider, if there is one.
async fn template_account(
    checkup: &mut Checkup,
    which: TemplateProvider,
    offline: bool,
    global: &Global,
) -> Result<(), CliError> {
    let what = format!("templates at {which}");
    if !template_accounts::is_configured(which, global).await? {
        return Ok(());
    }
    let api = match template_accounts::api(which, global).await {
        Ok(api) => api,
        Err(error) => return checkup.error(&what, &error),
    };
    if offline {
        return checkup.good(&what, "configured; not contacted");
    }
    match api.list(Some(provider::NO_MESSAGE)).await {
        Ok(_) => checkup.good(&what, "reachable, and the account works"),
        Err(error) => checkup.error(&what, &template_accounts::failure(error)),
    }
}
