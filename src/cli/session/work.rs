//! Works on a run from the command line: shared by `run`, `resume`, `reconcile` and `retry`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::campaign_file;
use crate::cli::config::{self, Account, hook};
use crate::cli::confirmed::Confirmed;
use crate::cli::error::{CliError, Exit};
use crate::cli::file_limit;
use crate::cli::global::{Global, LogFormat, ProgressStyle};
use crate::cli::off_thread::off_thread;
use crate::cli::output::{console, summary, terminal};
use crate::cli::session::beside::{BesideEnd, BesideGoal, beside, can_wait_beside};
use crate::cli::session::signals::{stopped, unless_aborted_on, unless_stopped};
use crate::cli::session::{account_check, template_check};
use crate::engine::{self, Job, Notifier, Reason, RunMode, RunResult, StopHandle};
use crate::model::{Campaign, Event, Notice, Problem, ProviderApi, State, StatusSource};
use crate::progress;
use crate::provider;
use crate::rate_limit::{RetryPolicy, RunLimiter};
use crate::store::{Run, RunLock, Store, StoreError};
use crate::text;

/// When a command that sends stops.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Sending {
    /// Exit when the last message is sent; do not wait for statuses
    #[arg(long)]
    no_wait: bool,
    /// Send at most N more messages, then exit with code 4; the same command continues
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

impl Sending {
    /// Returns what to do, and how many messages to send at most.
    pub(in crate::cli) fn mode(&self) -> (RunMode, Option<u64>) {
        (if self.no_wait { RunMode::Send } else { RunMode::SendAndReconcile }, self.limit)
    }
}

/// What the command line changes for this process only; it is not stored with the run.
#[derive(Clone, Debug, Default, clap::Args)]
pub(in crate::cli) struct Overrides {
    /// Override the campaign's rate for this command: 80/s or 1000/min
    #[arg(long, value_name = "RATE")]
    rate: Option<String>,
    /// Override the maximum number of requests in flight for this command: a number, or `auto`
    #[arg(long, value_name = "N")]
    concurrency: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) confirmed: Confirmed,
    /// Write the reports to DIR/RUN/
    #[arg(long, value_name = "DIR", default_value = "reports")]
    report_dir: PathBuf,
}

impl Overrides {
    /// Applies them to the campaign.
    pub(in crate::cli) fn apply(&self, campaign: &mut Campaign) -> Result<(), CliError> {
        if let Some(rate) = &self.rate {
            let (rate, per) = campaign_file::parse_rate(rate)
                .map_err(|error| CliError::new(Exit::Wrong, format!("--rate {rate}: {error}")))?;
            campaign.dispatch.rate = rate;
            campaign.dispatch.per = per;
        }
        if let Some(concurrency) = &self.concurrency {
            campaign.dispatch.concurrency = campaign_file::parse_concurrency(concurrency)
                .map_err(|error| CliError::new(Exit::Wrong, format!("--concurrency {concurrency}: {error}")))?;
        }
        Ok(())
    }

    /// Returns the folder for the reports of one run.
    fn folder(&self, run: &Run) -> PathBuf {
        self.report_dir.join(run.id.to_string())
    }
}

/// Returns how progress is shown.
pub(in crate::cli) fn progress(global: &Global) -> progress::Progress {
    let mode = match global.progress {
        ProgressStyle::None => progress::Mode::None,
        _ if global.log_format == LogFormat::Json => progress::Mode::Json,
        // Log lines would break up the bars.
        ProgressStyle::Auto if global.verbose > 0 => progress::Mode::Plain,
        ProgressStyle::Auto | ProgressStyle::Bar => progress::Mode::Bars,
        ProgressStyle::Plain => progress::Mode::Plain,
    };
    progress::reporter(mode, global.quiet, terminal::bar_style())
}

/// Redraws progress regularly, for ever.
async fn tick(progress: &progress::Progress) -> std::convert::Infallible {
    loop {
        tokio::time::sleep(TICK).await;
        progress.tick();
    }
}

/// How often the screen is redrawn while nothing happens.
const TICK: Duration = Duration::from_secs(1);

/// How often to try again to lock a run while the store's server is away.
const LOCK_EVERY: Duration = Duration::from_secs(1);

/// Whether the provider was asked about the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum AccountQuestion {
    /// Not yet.
    Open,
    /// Just now, before a person was asked to confirm.
    Answered,
}

/// A planned run that this process has locked, with everything needed to work on it.
pub(in crate::cli) struct Session {
    pub(in crate::cli) store: Store,
    pub(in crate::cli) run: Run,
    pub(in crate::cli) lock: RunLock,
    /// The run's campaign, with the overrides applied.
    pub(in crate::cli) campaign: Campaign,
    pub(in crate::cli) account: Arc<Account>,
    pub(in crate::cli) asked: AccountQuestion,
    pub(in crate::cli) progress: progress::Progress,
    pub(in crate::cli) stop: StopHandle,
    /// Whether the summary at the end is JSON.
    pub(in crate::cli) json: bool,
}

/// Waits for the lock of a run that another process is working on, and sends rows of the run meanwhile.
pub(in crate::cli) struct LockWait<'w> {
    pub(in crate::cli) store: &'w Store,
    pub(in crate::cli) run: &'w Run,
    pub(in crate::cli) account: &'w Account,
    pub(in crate::cli) progress: &'w progress::Progress,
    pub(in crate::cli) stop: &'w StopHandle,
    /// Whether the summary at the end is JSON.
    pub(in crate::cli) json: bool,
}

/// How waiting for the lock ended.
pub(in crate::cli) enum LockEnd {
    /// The other process is gone, and this one takes over.
    Locked(RunLock),
    /// The command is done.
    Done(Exit),
}

impl LockWait<'_> {
    /// Takes the run's lock. If another process has it, joins the run until that process is gone or done.
    pub(in crate::cli) async fn lock(
        self,
        (mode, limit): (RunMode, Option<u64>),
        overrides: &Overrides,
        global: &Global,
    ) -> Result<LockEnd, CliError> {
        let Self { store, run, account, progress, stop, json } = self;
        let sends = matches!(mode, RunMode::SendAndReconcile | RunMode::Send) && limit.is_none();
        let joins = sends && can_wait_beside(store, run)?;
        let first = async {
            loop {
                let lock = if joins { store.lock_at_once(&run.id).await } else { store.lock(&run.id).await };
                match lock {
                    Err(error) if error.is_away() => tokio::time::sleep(LOCK_EVERY).await,
                    done => return done,
                }
            }
        };
        let Some(first) = unless_stopped(stop, &progress.events(), first).await else {
            progress.finish();
            return Err(stopped(run));
        };
        match first {
            Ok(lock) => return Ok(LockEnd::Locked(lock)),
            Err(StoreError::Held(_)) if joins => {}
            Err(error) => return Err(error.into()),
        }
        if !global.quiet {
            console::info(&format!("another process is working on {}; joining it", run.id));
        }
        let until = if mode == RunMode::Send { BesideGoal::Sent } else { BesideGoal::Finished };
        let job = async |run: &Run, lock: Arc<RunLock>, stop: StopHandle| {
            let mut campaign = engine::thaw(run)?;
            overrides.apply(&mut campaign)?;
            let dispatch = &campaign.dispatch;
            let concurrency = file_limit::enough_for(dispatch.concurrency.unwrap_or(engine::MOST_IN_FLIGHT));
            let limiter = RunLimiter::alone((dispatch.rate, dispatch.per));
            let job = Job::new(store, run, &campaign, &account.endpoint, concurrency, limiter, &lock)?;
            Ok(Job { events: progress.events(), stop, ..job })
        };
        let whole = async {
            tokio::select! {
                turn = beside(store, run, until, stop, job) => turn,
                never = tick(progress) => match never {},
            }
        };
        let Some(turn) = unless_aborted_on(store, stop, &progress.events(), whole).await else {
            progress.finish();
            return Err(aborted(run));
        };
        let reason = match turn? {
            BesideEnd::Taken(lock) => {
                if !global.quiet {
                    (progress.events())(Event::Notice(Notice::TakenOver(run.id.clone())));
                }
                return Ok(LockEnd::Locked(lock));
            }
            BesideEnd::Done => None,
            BesideEnd::Halted(problem) => Some(Reason::Halt(problem)),
            BesideEnd::Stopped => {
                store.stop_waiting();
                Some(Reason::Signal)
            }
        };
        progress.finish();
        let run = store.run(Some(&run.id)).await?;
        let tally = store.tally(&run).await?;
        let (finished, double_sends) = (run.finished_at.is_some(), store.double_sends(&run).await?);
        let ending = RunResult { reason, tally, finished, waiting: None, paused: false, double_sends };
        let (folder, is_embedded) = (overrides.folder(&run), !account.leaves_machine());
        // The process that ended the run calls the hook.
        let exit = conclude(store, &run, &ending, &folder, (None, stop), (json, is_embedded), global).await?;
        store.close().await?;
        Ok(LockEnd::Done(exit))
    }
}

impl Session {
    /// Works on the run, sending at most `limit` messages, and writes the reports. Returns the exit code.
    ///
    /// On a server, it begins again after the server was away, and joins the run if another process took it over because
    /// this one was silent for too long.
    pub(in crate::cli) async fn work(
        self,
        mode: (RunMode, Option<u64>),
        overrides: &Overrides,
        global: &Global,
    ) -> Result<Exit, CliError> {
        let (store, id, account, json) = (self.store.clone(), self.run.id.clone(), self.account.clone(), self.json);
        let mut session = self;
        loop {
            let stop = session.stop.clone();
            match session.work_as_owner(mode, overrides, global).await {
                Err(failure) if failure.exit == Exit::Held || failure.is_away => {
                    // A limit would count from zero again.
                    let is_over = mode.1.is_some() || matches!(stop.reason(), Some(Reason::Signal | Reason::Halt(_)));
                    if is_over || !store.can_be_joined() {
                        return Err(failure);
                    }
                    console::error(&failure.words);
                }
                done => return done,
            }
            // The error stopped the previous handle.
            let (progress, stop) = (progress(global), StopHandle::default());
            let Some(run) = unless_stopped(&stop, &progress.events(), store.run(Some(&id))).await else {
                return Err(CliError::new(Exit::Stopped, format!("stopped. To continue: campaigner resume {id}")));
            };
            let run = run?;
            let wait = LockWait { store: &store, run: &run, account: &account, progress: &progress, stop: &stop, json };
            let lock = match wait.lock(mode, overrides, global).await? {
                LockEnd::Locked(lock) => lock,
                LockEnd::Done(exit) => return Ok(exit),
            };
            let run = store.run(Some(&id)).await?;
            let mut campaign = engine::thaw(&run)?;
            overrides.apply(&mut campaign)?;
            let (store, account, asked) = (store.clone(), account.clone(), AccountQuestion::Open);
            session = Self { store, run, lock, campaign, account, asked, progress, stop, json };
        }
    }

    async fn work_as_owner(
        self,
        (mode, limit): (RunMode, Option<u64>),
        overrides: &Overrides,
        global: &Global,
    ) -> Result<Exit, CliError> {
        let Self { store, run, lock, campaign, account, asked, progress, stop, json } = self;
        if let (RunMode::Send, Some(at), None, None) = (mode, run.paused_at, run.dispatched_at, run.cancelled_at) {
            // Nothing would be sent, and this mode does not wait for statuses.
            return Err(CliError::new(
                Exit::Stopped,
                format!("{0} has been paused since {at}; nothing was sent. To continue: campaigner resume {0}", run.id),
            ));
        }
        let hook = hook::hook(global).await?;
        let is_embedded = !account.leaves_machine();
        let sends = matches!(mode, RunMode::SendAndReconcile | RunMode::Send);
        let lock = Arc::new(lock);
        let dispatch = &campaign.dispatch;
        let concurrency = file_limit::enough_for(dispatch.concurrency.unwrap_or(engine::MOST_IN_FLIGHT));
        if let Some(requested) = dispatch.concurrency.filter(|requested| concurrency < *requested) {
            console::info(&format!(
                "using at most {concurrency} requests in flight instead of {requested}, because of the limit on open \
                 files (`ulimit -n`)"
            ));
        }
        let limiter = RunLimiter::alone((dispatch.rate, dispatch.per));
        let job = Job::new(&store, &run, &campaign, &account.endpoint, concurrency, limiter, &lock)?;
        let job = Job { limit, events: progress.events(), stop: stop.clone(), ..job };
        if let (Some(renderer), true, None) = (&job.renderer, sends, run.cancelled_at) {
            let checked = async {
                template_check::before_sending(&store, &run, renderer, &stop, &job.events, global).await?;
                match asked {
                    AccountQuestion::Open => account_check::before_sending(&job, &stop, &job.events).await,
                    AccountQuestion::Answered => {
                        if let Some(id) = account.business_account.get() {
                            // It is set once.
                            let _ = job.business_account.set(id.clone());
                        }
                        Ok(())
                    }
                }
            };
            checked.await.inspect_err(|_| progress.finish())?;
        }
        let folder = overrides.folder(&run);
        // The folder is created now, so that a problem with it shows before the first message and not after the last.
        let to_make = folder.clone();
        let made = off_thread(move || std::fs::create_dir_all(to_make));
        let Some(made) = unless_stopped(&stop, &progress.events(), made).await else {
            progress.finish();
            return Err(stopped(&run));
        };
        made.map_err(|error| {
            CliError::new(
                Exit::Environment,
                format!(
                    "cannot create the report folder {}: {error}; nothing was sent. Choose another with --report-dir",
                    folder.display()
                ),
            )
        })?;
        let waited_for = store.clone();
        let whole = async {
            let ending = tokio::select! {
                ending = engine::run(job, mode) => ending,
                never = tick(&progress) => match never {},
            };
            progress.finish();
            let run = store.run(Some(&run.id)).await?;
            let quiet = global.quiet;
            let print = Arc::new(move |event| {
                if let (Event::Notice(notice), false) = (event, quiet) {
                    console::info(&notice.to_string())
                }
            });
            let done =
                hook.map(|hook| Notifier { hook, retry: RetryPolicy::default(), events: print, stop: stop.clone() });
            let concluded =
                conclude(&store, &run, &ending?, &folder, (done.as_ref(), &stop), (json, is_embedded), global).await;
            if let Err(error) = store.checkpoint().await {
                tracing::warn!(%error, "checkpoint of the write-ahead log failed");
            }
            // The lock is held until here, so that no other process sends while the reports are written.
            drop(lock);
            concluded
        };
        match unless_aborted_on(&waited_for, &stop, &progress.events(), whole).await {
            Some(concluded) => concluded,
            None => {
                progress.finish();
                Err(aborted(&run))
            }
        }
    }
}

/// Prints the result, writes the reports, and returns the exit code.
async fn conclude(
    store: &Store,
    run: &Run,
    ending: &RunResult,
    folder: &Path,
    (done, stop): (Option<&Notifier>, &StopHandle),
    (json, is_embedded): (bool, bool),
    global: &Global,
) -> Result<Exit, CliError> {
    // The stored campaign, without overrides, because `report` must give the same bytes.
    let campaign = engine::thaw(run)?;
    match &ending.reason {
        Some(Reason::Signal) => {
            summary::brief(run, ending, global);
            let words = format!("stopped; nothing in flight was lost. To continue: campaigner resume {}", run.id);
            console::error(&words);
            return Ok(Exit::Stopped);
        }
        Some(Reason::Halt(problem)) => {
            summary::brief(run, ending, global);
            console::error(&halted(run, campaign.api, ending, problem));
            return Ok(Exit::Stopped);
        }
        Some(Reason::Cancelled | Reason::Limit | Reason::Failed) | None => {}
    }
    let paths = engine::write_reports(store, run, &campaign, folder, ending.finished, done, stop).await?;
    match json {
        true => summary::json(&paths).await?,
        false => summary::whole(store, run, &campaign, ending, &paths, global).await?,
    }
    if ending.reason == Some(Reason::Limit) {
        if !global.quiet {
            console::info(&format!("stopped at the limit; to continue: campaigner resume {}", run.id));
        }
        return Ok(Exit::Stopped);
    }
    if let Some(waiting) = &ending.waiting {
        if !global.quiet {
            console::info(&format!("{}; to continue then: campaigner resume {}", summary::waiting(waiting), run.id));
        }
        return Ok(Exit::Stopped);
    }
    if !ending.finished && !global.quiet {
        console::info(&match campaign.api.statuses() {
            StatusSource::Polled => {
                format!("statuses are still expected; to collect them: campaigner reconcile {}", run.id)
            }
            StatusSource::Pushed if is_embedded => {
                "no status will arrive: the embedded simulator sends no webhooks; `campaigner simulator --webhook` does \
                 (docs/webhooks.md)"
                    .to_owned()
            }
            StatusSource::Pushed => {
                "statuses are still expected; `campaigner serve --webhook` receives them, finishes the \
                 run and updates its reports"
                    .to_owned()
            }
        });
    }
    if ending.tally.sendable() == 0 {
        console::error(&format!("no row of {} can be sent; the report gives the reason for each", run.id));
    }
    Ok(exit_of(ending))
}

/// Returns in words why a run was halted, and what to do.
fn halted(run: &Run, api: ProviderApi, ending: &RunResult, problem: &Problem) -> String {
    let advice = provider::advice(api, &problem.code)
        .unwrap_or("fix the problem that the provider reports, in your account or in the configuration");
    let rejected = ending.tally.of(State::Rejected);
    let rejected = match rejected {
        0 => String::new(),
        rows => format!(
            "\n  to resend the {} that it refused: campaigner retry {} --state rejected",
            text::count(rows, "row"),
            run.id
        ),
    };
    format!("stopped: {problem}\n  what to do: {advice}\n  then continue: campaigner resume {}{rejected}", run.id)
}

/// Returns the exit code for the final states of a run that was not stopped.
fn exit_of(ending: &RunResult) -> Exit {
    let tally = &ending.tally;
    if tally.sendable() == 0 {
        return Exit::Wrong;
    }
    if tally.of(State::Pending) + tally.of(State::Sending) > 0 {
        // Only statuses were polled, and there are rows left to send.
        return Exit::Stopped;
    }
    let bad = [State::Rejected, State::Exhausted, State::Failed, State::Uncertain, State::Cancelled, State::Expired];
    if ending.double_sends > 0 || bad.into_iter().any(|state| tally.of(state) > 0) {
        Exit::SomeFailed
    } else {
        Exit::Done
    }
}

fn aborted(run: &Run) -> CliError {
    CliError::new(
        Exit::Stopped,
        format!(
            "aborted; requests in flight become uncertain and are not sent again automatically. \
             To continue: campaigner resume {}",
            run.id
        ),
    )
}

/// Returns the account of a campaign's provider.
///
/// # Errors
/// When the account cannot be used, or [`same_api`] fails.
pub(in crate::cli) async fn account(campaign: &Campaign, global: &Global) -> Result<Account, CliError> {
    same_api(campaign, global).await?;
    config::account(&campaign.provider, global).await
}

/// Checks that the provider of a stored campaign still has the API that its messages were checked for.
pub(in crate::cli) async fn same_api(campaign: &Campaign, global: &Global) -> Result<(), CliError> {
    let api = config::api(&campaign.provider, global).await?;
    if api != campaign.api {
        let words = format!(
            "the run was created for {}, but the provider `{}` now uses {}; restore its `kind` in campaigner.toml, or \
             cancel the run and start a new one",
            campaign.api.title(),
            campaign.provider,
            api.title()
        );
        return Err(CliError::new(Exit::Environment, words));
    }
    Ok(())
}
