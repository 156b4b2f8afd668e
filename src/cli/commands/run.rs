//! `campaigner run FILE`: imports, sends, reconciles and reports.

mod args;
mod dry_run;
mod refusal;
mod rows;

pub(in crate::cli) use args::Args;
use dry_run::dry_run;
use refusal::{has_nobody_new, nobody_new, print_answer, refused};
use rows::read_rows;

use crate::campaign_file::Loaded;
use crate::cli::config::{Account, hook};
use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::cli::off_thread::off_thread;
use crate::cli::output::problem_groups::ProblemGroups;
use crate::cli::output::problem_report::{self, ProblemReport};
use crate::cli::output::{account_findings, console, run_question};
use crate::cli::session::run_content::{content, digest};
use crate::cli::session::{self, AccountQuestion, LoadError, LockEnd, LockWait, Session, account_check, load};
use crate::cli::who;
use crate::engine::{self, CancelResult, Checked, Plan, StopHandle};
use crate::model::{AccountWeight, Campaign, Event, Millis, Notice};
use crate::store::{NewRun, Repeat, StartDecision, Store};

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    let loaded = load::through(load::read(&args.file, global)?, args.provider.as_deref(), global).await?;
    let mut campaign = loaded.campaign.clone();
    args.overrides.apply(&mut campaign)?;
    if !args.sending.confirmed.moved {
        Store::is_not_gone(&global.db)?;
    }
    let store = Store::open_if_there(&global.db).await?;
    let plan = load::plan(&loaded, store.as_ref(), global).await?;
    if args.dry_run {
        hook::hook(global).await?;
        return dry_run(args, plan, &loaded, &campaign, store.as_ref(), global).await;
    }
    let account = session::account(&campaign, global).await?;
    // A wrong hook is reported before a run is created.
    hook::hook(global).await?;
    let digest = digest(&campaign).await?;
    let new = content(&loaded.campaign, digest.clone());
    let decision = match &store {
        Some(store) => {
            args.sending.confirmed.check(store).await?;
            store.would_start(&new, args.repeat()).await?
        }
        None => None,
    };
    let asks = account.is_real && args.confirm.can_ask();
    // What the question was about.
    let mut confirmed = None;
    let mut plan = match decision {
        Some(StartDecision::Resume(run)) if run.planned_at.is_some() => plan,
        // `start` decides, or the list is imported.
        ref decision => {
            let plan =
                refuse_a_mistake_in_the_campaign(plan, &loaded, store.as_ref(), global).await?.only_new(args.only_new);
            if let (Some(store), true) = (&store, imports(decision.as_ref())) {
                plan.knows_reached(store).await?;
            }
            match asks && imports(decision.as_ref()) {
                true => {
                    // An import that did not finish continues as it was started.
                    let of_run = matches!(decision, Some(StartDecision::Resume(run)) if run.only_new);
                    let plan = plan.only_new(args.only_new || of_run);
                    let rows = ask(args, plan, &loaded, &campaign, &account, store.as_ref(), global).await?;
                    confirmed = Some(rows);
                    load::plan(&loaded, store.as_ref(), global).await?
                }
                false => plan,
            }
        }
    };
    let was_asked = confirmed.is_some();
    let store = match store {
        Some(store) => store,
        None => {
            if !global.quiet {
                console::info(&format!("creating a new store: {}", global.db));
            }
            let store = Store::open_or_make(&global.db).await?;
            args.sending.confirmed.check(&store).await?;
            store
        }
    };
    if args.only_new && store.would_start(&new, Repeat::OnlyNew).await?.is_none() {
        // A daily `--only-new` job should not create an empty run each time.
        let (checked, groups) = match confirmed {
            Some(rows) => rows,
            None => {
                let rows = read_rows(plan.only_new(true), Some(&store), global).await?;
                plan = load::plan(&loaded, Some(&store), global).await?;
                rows
            }
        };
        if has_nobody_new(&checked) {
            ProblemReport { loaded: &loaded, groups: &groups, checked: &checked }.print();
            if args.json {
                print_answer("nobody_new", &checked)?;
            }
            return nobody_new(&checked, global);
        }
    }
    let run = match start(&store, &new, args.repeat()).await? {
        StartDecision::New(run) | StartDecision::Resume(run) => run,
        other => {
            let checked = match other {
                StartDecision::RanBefore => read_rows(plan, Some(&store), global).await?.0,
                _ => Checked::default(),
            };
            return refused(args, &loaded, &other, &checked, global);
        }
    };
    let (progress, stop) = (session::progress(global), StopHandle::default());
    let waiting =
        LockWait { store: &store, run: &run, account: &account, progress: &progress, stop: &stop, json: args.json };
    let lock = match waiting.lock(args.sending.options(), &args.overrides, global).await? {
        LockEnd::Locked(lock) => lock,
        LockEnd::Done(exit) => return Ok(exit),
    };
    if args.repeat() != Repeat::Unsaid {
        store.set_only_new(run.key, args.only_new).await?;
    }
    // Another process that held the lock until now may have changed the run.
    let mut run = store.run(Some(&run.id)).await?;
    if run.finished_at.is_some() {
        let words = format!("another process has just finished {0}; see `{1} status {0}`", run.id, global.command());
        return Err(CliError::new(Exit::Wrong, words));
    }
    if run.planned_at.is_some() && !global.quiet {
        console::info(&format!("continuing {}, started {}", run.id, run.created_at));
    }
    if run.planned_at.is_none() && asks && !was_asked {
        return Err(CliError::new(
            Exit::Wrong,
            "another process has changed the runs of this campaign; nothing was sent. Run the command again",
        ));
    }
    if run.planned_at.is_some() && run.started_at.is_none() && run.template.as_deref() != plan.snapshot() {
        // A newer template was pulled and nothing was sent yet, so the rows are validated again.
        store.discard_plan(run.key).await?;
        run.planned_at = None;
    }
    if run.planned_at.is_none() {
        let events = progress.events();
        let owner = store.take_over(run.key, None, Millis::now()).await?;
        let import = plan.only_new(run.only_new).import(&store, owner, &digest, &events);
        let Some(imported) = session::unless_stopped(&stop, &events, import).await else {
            progress.finish();
            return Err(CliError::new(
                Exit::Stopped,
                "stopped during the import; nothing was sent. Run the same command to import again",
            ));
        };
        // A person who was asked has already seen the warnings.
        for warning in imported?.into_iter().filter(|_| !was_asked) {
            let words = match console::is_log() {
                true => problem_report::logged(&warning),
                false => problem_report::warning(&loaded, &warning),
            };
            events(Event::Notice(Notice::Warning(words)));
        }
        run = store.run(Some(&run.id)).await?;
    }
    if let Some((rate, per)) = run.rate {
        (campaign.dispatch.rate, campaign.dispatch.per) = (rate, per);
        args.overrides.apply(&mut campaign)?;
    }
    let asked = if was_asked { AccountQuestion::Answered } else { AccountQuestion::Open };
    let json = args.json;
    let session = Session { store, run, lock, campaign, account: account.into(), asked, progress, stop, json };
    session.work(args.sending.options(), &args.overrides, global).await
}

/// Whether a run with this decision may import the list. Its messages have not been confirmed yet.
fn imports(decision: Option<&StartDecision>) -> bool {
    match decision {
        None => true,
        // A new run starts as soon as the cancelled one has ended.
        Some(StartDecision::Ending(_)) => true,
        Some(StartDecision::Resume(run) | StartDecision::Differs { run, .. }) => run.planned_at.is_none(),
        Some(_) => false,
    }
}

/// Shows what is about to be sent, and asks. Nothing is stored before the answer. Returns the totals and the problems
/// of the rows.
async fn ask(
    args: &Args,
    plan: Plan,
    loaded: &Loaded,
    campaign: &Campaign,
    account: &Account,
    store: Option<&Store>,
    global: &Global,
) -> Result<(Checked, ProblemGroups), CliError> {
    let columns = plan.columns().to_vec();
    let (checked, groups) = read_rows(plan, store, global).await?;
    if checked.sendable() > 0 {
        let report = ProblemReport { loaded, groups: &groups, checked: &checked };
        let limit = args.sending.options().limit;
        let rows = limit.map_or(checked.sendable(), |limit| limit.min(checked.sendable()));
        let used = (rows, checked.plus_one);
        let found = account_check::of_campaign(campaign, account, &columns, used, store).await?;
        let found = found.unwrap_or_default();
        if console::is_log() {
            report.print();
        } else {
            report.verdict().into_iter().chain(report.warnings()).for_each(|line| console::info(&line));
            console::info("");
        }
        let new_store = Some(&global.db).filter(|_| store.is_none());
        for line in run_question::lines(&report, campaign, account, limit, new_store) {
            console::info(&line);
        }
        for warning in found.iter().filter(|finding| finding.weight() == AccountWeight::Warns) {
            console::info(&account_findings::weighted_line(warning));
        }
        account_check::refuse_blocked(campaign, &found, "nothing was stored or sent")?;
        if args.confirm.ask(&run_question::question(&report, limit)) != Some(true) {
            return Err(CliError::new(Exit::Wrong, "nothing was stored or sent"));
        }
    }
    Ok((checked, groups))
}

/// Before anything is stored, refuses a campaign with a mistake that keeps every row from being sent. All rows are read
/// only if the first one fails in that way.
async fn refuse_a_mistake_in_the_campaign(
    plan: Plan,
    loaded: &Loaded,
    store: Option<&Store>,
    global: &Global,
) -> Result<Plan, CliError> {
    let campaign = loaded.campaign.clone();
    let (plan, may_fail) = off_thread(move || {
        let may_fail = plan.may_fail_for_all(&campaign);
        (plan, may_fail)
    })
    .await;
    if !may_fail? {
        return Ok(plan);
    }
    let (checked, groups) = read_rows(plan, None, global).await?;
    let problems = ProblemReport { loaded, groups: &groups, checked: &checked }.campaign_errors();
    if problems.is_empty() {
        return load::plan(loaded, store, global).await;
    }
    Err(LoadError::Wrong(problems).shown(loaded))
}

/// Decides whether this content starts a new run, continues an unfinished one, or neither.
async fn start(store: &Store, new: &NewRun, repeat: Repeat) -> Result<StartDecision, CliError> {
    let mut decision = store.start_run(new, repeat, Millis::now()).await?;
    if let StartDecision::Differs { run, .. } = &decision
        && run.planned_at.is_none()
    {
        // Its import did not finish, so nothing was sent: it must not block the corrected content.
        let _lock = store.lock(&run.id).await?;
        let owner = store.take_over(run.key, None, Millis::now()).await?;
        store.abandon_import(owner, Millis::now()).await?;
        decision = store.start_run(new, repeat, Millis::now()).await?;
    }
    if let StartDecision::Ending(run) = &decision
        && engine::cancel(store, run, &who::user_name()).await? == CancelResult::Stopped
    {
        // The sender exited without marking the run as ended.
        decision = store.start_run(new, repeat, Millis::now()).await?;
    }
    Ok(decision)
}
