//! `campaigner resume [RUN]`: continues a run without its campaign file and list, and lifts a pause.

use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::cli::output::console;
use crate::cli::session::{self, AccountQuestion, LockEnd, LockWait, Overrides, RunOptions, Sending, Session};
use crate::cli::value_parsers::run_id;
use crate::engine::{self, StopHandle};
use crate::model::RunId;
use crate::store::{Run, Store, StoreError};

/// The arguments of `resume`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The run, NAME-N; the newest if left out
    #[arg(value_parser = run_id)]
    run: Option<RunId>,
    /// Ignore a pause that the provider asked for
    #[arg(long)]
    ignore_pause: bool,
    #[command(flatten)]
    sending: Sending,
    #[command(flatten)]
    overrides: Overrides,
}

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    let store = Store::open_existing(&global.db).await?;
    args.sending.confirmed.check(&store).await?;
    let run = store.run(args.run.as_ref()).await?;
    run.not_purged()?;
    if run.finished_at.is_some() && !global.quiet {
        let has_ended = if run.cancelled_at.is_some() { "was cancelled" } else { "has already finished" };
        console::info(&format!("{} {has_ended}; there is nothing to continue", run.id));
    }
    if args.ignore_pause {
        let account = session::account(&engine::thaw(&run)?, global).await?;
        store.forget_pause(&account.endpoint.fingerprint()).await?;
    }
    if run.paused_at.is_some() {
        store.lift_pause(run.key).await?;
        // A process that works on the run continues it; without one, this process does.
        if let Err(StoreError::Held(_)) = store.lock(&run.id).await {
            if !global.quiet {
                console::info(&format!("{} is no longer paused; the process that is working on it continues", run.id));
            }
            store.close().await?;
            return Ok(Exit::Done);
        }
    }
    resume(store, run, args.sending.options(), &args.overrides, global).await
}

/// Continues a run of the store.
pub(in crate::cli) async fn resume(
    store: Store,
    run: Run,
    options: RunOptions,
    overrides: &Overrides,
    global: &Global,
) -> Result<Exit, CliError> {
    let account = session::account(&engine::thaw(&run)?, global).await?;
    let (progress, stop) = (session::progress(global), StopHandle::default());
    let waiting =
        LockWait { store: &store, run: &run, account: &account, progress: &progress, stop: &stop, json: false };
    let lock = match waiting.lock(options, overrides, global).await? {
        LockEnd::Locked(lock) => lock,
        LockEnd::Done(exit) => return Ok(exit),
    };
    let run = store.run(Some(&run.id)).await?;
    if run.planned_at.is_none() {
        let words = match run.cancelled_at {
            Some(at) => format!("{} was cancelled at {at}, before its import finished", run.id),
            None => format!(
                "{} has nothing to resume, because its import did not finish; import it again with `{} run FILE`",
                run.id,
                global.command()
            ),
        };
        return Err(CliError::new(Exit::Wrong, words));
    }
    let mut campaign = engine::thaw(&run)?;
    overrides.apply(&mut campaign)?;
    let asked = AccountQuestion::Open;
    let session = Session { store, run, lock, campaign, account: account.into(), asked, progress, stop, json: false };
    session.work(options, overrides, global).await
}
