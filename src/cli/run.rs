//! `campaigner run FILE`: import, send, reconcile, report.

use std::path::PathBuf;

use super::exit::{Exit, Failure};
use super::session::{self, Overrides, Sending, Session};
use super::{Global, config, done, folded, opened, screen};
use crate::campaign_file;
use crate::engine::Stop;
use crate::model::{Campaign, Event, Millis};
use crate::recipients;
use crate::store::{Decision, NewRun, Run, Store};

/// What `run` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The campaign file
    file: PathBuf,
    /// Run it once more though the same content was run to its end: everyone is messaged again
    #[arg(long)]
    again: bool,
    /// Check everything and say what would be done; nothing is stored or sent
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    sending: Sending,
    #[command(flatten)]
    overrides: Overrides,
}

pub(super) async fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let loaded = opened::read(&args.file)?;
    let mut campaign = loaded.campaign.clone();
    args.overrides.apply(&mut campaign)?;
    let plan = opened::plan(&loaded, global).await?;
    if args.dry_run {
        config::known(&campaign.provider, global)?;
        done::hook(global)?;
        return opened::dry_run(plan, &loaded, &campaign, global).await;
    }
    let account = session::account(&campaign, global)?;
    // What is wrong with it is known before there is a run.
    done::hook(global)?;
    let digest = recipients::digest(&campaign.recipients).map_err(|error| Failure::of(Exit::Wrong, &error))?;
    let new = content(&loaded.campaign, digest.clone());
    let store = Store::open(&global.db).await?;
    let run = take(&store, &new, args.again, global).await?;
    let lock = store.lock(&run.id)?;
    // Whoever held the lock until now may have moved it on.
    let mut run = store.run(Some(&run.id)).await?;
    if run.finished_at.is_some() {
        return Err(finished(&run));
    }
    if run.planned_at.is_some() && run.started_at.is_none() && run.template.as_deref() != plan.snapshot() {
        // Another template was pulled since, and nothing was sent: its rows are judged by what is known now.
        let mut writer = store.writer().await?;
        writer.take_plan_back(run.key).await?;
        writer.close().await?;
        run.planned_at = None;
    }
    let progress = session::progress(global);
    let stop = Stop::default();
    if run.planned_at.is_none() {
        let events = progress.events();
        let import = plan.import(&store, run.key, &digest, &events);
        let imported = tokio::select! {
            imported = session::unless_aborted(&stop, &events, import) => imported,
            () = stop.all_ended() => None,
        };
        let Some(imported) = imported else {
            progress.finish();
            return Err(Failure::new(
                Exit::Stopped,
                "stopped while importing; nothing was sent. The same command starts the import anew",
            ));
        };
        for warning in imported? {
            events(Event::Said(folded::warning(&warning)));
        }
        run = store.run(Some(&run.id)).await?;
    }
    if let Some((rate, per)) = run.rate {
        (campaign.dispatch.rate, campaign.dispatch.per) = (rate, per);
        args.overrides.apply(&mut campaign)?;
    }
    let session = Session { store, run, lock, campaign, account, progress, stop };
    session.work(args.sending.work(), &args.overrides, global).await
}

/// What a run is made from.
pub(super) fn content(campaign: &Campaign, recipients_print: String) -> NewRun {
    NewRun {
        name: campaign.name.clone(),
        campaign: campaign_file::freeze(campaign),
        campaign_print: campaign_file::fingerprint(campaign),
        recipients_print,
    }
}

/// The run that this content is: a new one, or an unfinished one that goes on.
async fn take(store: &Store, new: &NewRun, again: bool, global: &Global) -> Result<Run, Failure> {
    let mut writer = store.writer().await?;
    let mut decision = writer.decide(new, again, Millis::now()).await?;
    if let Decision::Differs { run, .. } = &decision
        && run.planned_at.is_none()
    {
        // Its import broke off, so that nothing of it was ever sent: it must not hold up the content that was mended.
        let _lock = store.lock(&run.id)?;
        writer.give_up_import(run.key, Millis::now()).await?;
        decision = writer.decide(new, again, Millis::now()).await?;
    }
    writer.close().await?;
    match decision {
        Decision::Made(run) => Ok(run),
        Decision::GoOn(run) => {
            if !global.quiet && run.planned_at.is_some() {
                screen::say(&format!("going on with {}, begun {}", run.id, run.created_at));
            }
            Ok(run)
        }
        Decision::Finished(run) => Err(finished(&run)),
        Decision::Differs { run, campaign } => {
            let what = if campaign { "the campaign file" } else { "the recipients" };
            Err(Failure::new(
                Exit::Wrong,
                format!(
                    "{} is unfinished, and {what} changed since it began; a run keeps what it was made from\n  \
                     go on with it as it was:  campaigner resume {}\n  \
                     or give it up:            campaigner cancel {}\n  \
                     or put the old file back, or give this campaign another name",
                    run.id, run.id, run.id
                ),
            ))
        }
    }
}

fn finished(run: &Run) -> Failure {
    let when = run.finished_at.map_or_else(String::new, |at| format!(" at {at}"));
    Failure::new(
        Exit::Wrong,
        format!(
            "this campaign with these recipients was run to its end as {}{when}\n  \
             see how it went:                campaigner status {}\n  \
             message everyone once more:     add --again",
            run.id, run.id
        ),
    )
}
