//! `campaigner resume [RUN]`: go on from the store alone, and lift a pause.

use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::cli::output::console;
use crate::cli::session::{self, Overrides, Sending, Session};
use crate::cli::value_parsers::run_id;
use crate::engine::{self, RunMode, StopHandle};
use crate::model::RunId;
use crate::store::{Run, Store, StoreError};

/// What `resume` takes.
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
    store.may_send(args.overrides.moved).await?;
    let run = store.run(args.run.as_ref()).await?;
    if args.ignore_pause {
        let account = session::account(&engine::thaw(&run)?, global).await?;
        store.forget_pause(&account.endpoint.fingerprint()).await?;
    }
    if run.paused_at.is_some() {
        store.lift_pause(run.key).await?;
        // Whoever is at work on it goes on; otherwise this process does.
        if let Err(StoreError::Held(_)) = store.lock(&run.id) {
            if !global.quiet {
                console::info(&format!("{} goes on, in the process that is at work on it", run.id));
            }
            store.close().await?;
            return Ok(Exit::Done);
        }
    }
    go_on(store, run, args.sending.work(), &args.overrides, global).await
}

/// Goes on with a run that is in the store, sending no more than `work` says, if it says so.
pub(in crate::cli) async fn go_on(
    store: Store,
    run: Run,
    work: (RunMode, Option<u64>),
    overrides: &Overrides,
    global: &Global,
) -> Result<Exit, CliError> {
    let lock = store.lock(&run.id)?;
    let run = store.run(Some(&run.id)).await?;
    if run.planned_at.is_none() {
        return Err(CliError::new(
            Exit::Wrong,
            format!(
                "the import of {} did not finish, so there is nothing to resume; `campaigner run FILE` starts it again",
                run.id
            ),
        ));
    }
    let mut campaign = engine::thaw(&run)?;
    overrides.apply(&mut campaign)?;
    let account = session::account(&campaign, global).await?;
    let progress = session::progress(global);
    let session = Session { store, run, lock, campaign, account, progress, stop: StopHandle::default(), json: false };
    session.work(work, overrides, global).await
}
