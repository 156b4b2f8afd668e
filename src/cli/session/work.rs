//! Works on a run from the command line: shared by `run`, `resume`, `reconcile` and `retry`.

use std::sync::Arc;

use crate::cli::config::{self, Account, hook};
use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::cli::off_thread::off_thread;
use crate::cli::output::console;
use crate::cli::session::conclude::{aborted, conclude};
use crate::cli::session::lock_wait::{LockEnd, LockWait, changes_account, is_not_paused, job};
use crate::cli::session::overrides::{Overrides, RunOptions};
use crate::cli::session::screen::{progress, tick};
use crate::cli::session::signals::{stopped, unless_aborted_on, unless_stopped};
use crate::cli::session::{account_check, template_check};
use crate::engine::{self, Job, Notifier, Reason, StopHandle};
use crate::model::{Campaign, Event, Notice};
use crate::progress;
use crate::store::{Run, RunLock, Store};

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

impl Session {
    /// Works on the run and writes the reports. Returns the exit code.
    ///
    /// On a server, it begins again after the server was away, and joins the run if another process took it over
    /// because this one was silent for too long.
    pub(in crate::cli) async fn work(
        self,
        mut options: RunOptions,
        overrides: &Overrides,
        global: &Global,
    ) -> Result<Exit, CliError> {
        let (store, id, account, json) = (self.store.clone(), self.run.id.clone(), self.account.clone(), self.json);
        let key = self.run.key;
        let mut session = self;
        loop {
            let stop = session.stop.clone();
            let before = if options.limit.is_some() { store.limit_left(key).await? } else { None };
            match session.work_as_owner(options, overrides, global).await {
                Err(failure) if failure.exit == Exit::Held || failure.is_away => {
                    let is_over = options.limit.is_some() && !failure.is_away
                        || matches!(stop.reason(), Some(Reason::Signal | Reason::Halt(_)));
                    if is_over || !store.can_be_joined() {
                        return Err(failure);
                    }
                    match failure.is_away {
                        true => {
                            console::info(&format!("{}\n  waiting until the store can be used again", failure.words))
                        }
                        false => console::error(&failure.words),
                    }
                }
                done => return done,
            }
            // The error stopped the previous handle.
            let (progress, stop) = (progress(global), StopHandle::default());
            let Some(run) = unless_stopped(&stop, &progress.events(), store.run(Some(&id))).await else {
                let words = format!("stopped. To continue: {} resume {id}", global.command());
                return Err(CliError::new(Exit::Stopped, words));
            };
            let run = run?;
            if options.limit.is_some()
                && let Some((owner, left)) = store.limit_left(key).await?
                && before.is_none_or(|(before, _)| before != owner)
            {
                // This process took the run over, and may have sent some messages since.
                options.limit = Some(left);
            }
            let wait = LockWait { store: &store, run: &run, account: &account, progress: &progress, stop: &stop, json };
            let lock = match wait.lock(options, overrides, global).await? {
                LockEnd::Locked(lock) => lock,
                LockEnd::Done(exit) => return Ok(exit),
            };
            let run = store.run(Some(&id)).await?;
            if run.finished_at.is_some() {
                return wait.conclude(None, overrides, global).await;
            }
            let mut campaign = engine::thaw(&run)?;
            overrides.apply(&mut campaign)?;
            let (store, account, asked) = (store.clone(), account.clone(), AccountQuestion::Open);
            session = Self { store, run, lock, campaign, account, asked, progress, stop, json };
        }
    }

    async fn work_as_owner(
        self,
        RunOptions { mode, limit }: RunOptions,
        overrides: &Overrides,
        global: &Global,
    ) -> Result<Exit, CliError> {
        let Self { store, run, lock, campaign, account, asked, progress, stop, json } = self;
        is_not_paused(&run, mode, global)?;
        let hook = hook::hook(global).await?;
        let is_embedded = account.is_embedded();
        let sends = mode.sends();
        let lock = Arc::new(lock);
        let job = job(&store, &run, &campaign, &account, &lock)?;
        if sends && changes_account(&job, is_embedded).await? {
            (progress.events())(Event::Notice(Notice::OtherAccount(run.id.clone())));
        }
        let concurrency = job.concurrency;
        if let Some(requested) = campaign.dispatch.concurrency.filter(|requested| concurrency < *requested) {
            console::info(&format!(
                "using at most {concurrency} requests in flight instead of {requested}, because of the limit on open \
                 files (`ulimit -n`)"
            ));
        }
        let job = Job { limit, events: progress.events(), stop: stop.clone(), ..job };
        if let (Some(renderer), true, None) = (&job.renderer, sends, run.cancelled_at) {
            let checked = async {
                template_check::before_sending(&store, &run, renderer, &stop, &job.events, global).await?;
                match asked {
                    AccountQuestion::Open => account_check::before_sending(&job, &stop, &job.events, global).await,
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
            return Err(stopped(&run, global));
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
            let done = hook.map(|hook| Notifier { hook, events: print, stop: stop.clone() });
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
                Err(aborted(&run, global))
            }
        }
    }
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
