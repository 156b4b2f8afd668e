//! `campaigner run FILE`: imports, sends, reconciles and reports.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::campaign_file::{self, Loaded};
use crate::cli::config::{Account, hook};
use crate::cli::confirm::Confirm;
use crate::cli::error::{CliError, Exit, cannot_print};
use crate::cli::global::Global;
use crate::cli::off_thread::off_thread;
use crate::cli::output::problem_groups::ProblemGroups;
use crate::cli::output::problem_report::{self, ProblemReport};
use crate::cli::output::{console, reached, run_question};
use crate::cli::session::{self, LoadError, Overrides, Sending, Session, load};
use crate::cli::{config, who};
use crate::engine::{self, Bad, CancelResult, Checked, Plan, StopHandle};
use crate::model::{Campaign, Event, Millis, Notice};
use crate::recipients;
use crate::send_window::local;
use crate::store::{NewRun, Repeat, Run, StartDecision, Store, StoreError};
use crate::text;

/// The arguments of `run`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The campaign file
    file: PathBuf,
    /// Send only to people not reached by an earlier run of this campaign
    #[arg(long, conflicts_with = "again")]
    only_new: bool,
    /// Send to everyone, including people reached by earlier runs
    #[arg(long)]
    again: bool,
    /// Check everything and print what would happen; store and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the result (dry run, refusal or final summary) as one line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    confirm: Confirm,
    #[command(flatten)]
    sending: Sending,
    #[command(flatten)]
    overrides: Overrides,
}

impl Args {
    fn repeat(&self) -> Repeat {
        match (self.only_new, self.again) {
            (true, _) => Repeat::OnlyNew,
            (_, true) => Repeat::Again,
            _ => Repeat::Unsaid,
        }
    }
}

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    let loaded = load::read(&args.file)?;
    let mut campaign = loaded.campaign.clone();
    args.overrides.apply(&mut campaign)?;
    if !args.overrides.moved {
        Store::is_not_gone(&global.db)?;
    }
    let store = Store::open_if_there(&global.db).await?;
    let plan = load::plan(&loaded, store.as_ref(), global).await?;
    if args.dry_run {
        config::known(&campaign.provider, global).await?;
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
            store.may_send(args.overrides.moved).await?;
            store.would_start(&new, args.repeat()).await?
        }
        None => None,
    };
    let mut plan = match decision {
        Some(StartDecision::Resume(run)) if run.planned_at.is_some() => plan,
        // `start` decides, or the list is imported.
        ref decision => {
            let plan = refuse_a_mistake_in_the_campaign(plan, &loaded, store.as_ref(), global).await?;
            match imports(decision.as_ref()) && account.is_real && args.confirm.can_ask() {
                true => ask(args, plan, &loaded, &campaign, &account, store.as_ref(), global).await?,
                false => plan,
            }
        }
    };
    let store = match store {
        Some(store) => store,
        None => {
            if !global.quiet {
                console::info(&format!("creating a new store: {}", global.db.display()));
            }
            Store::open_or_make(&global.db).await?
        }
    };
    store.may_send(args.overrides.moved).await?;
    if args.only_new && store.would_start(&new, Repeat::OnlyNew).await?.is_none() {
        // A daily `--only-new` job should not create an empty run each time.
        let checked = check(plan.only_new(true), &loaded, &store, global).await?;
        if has_nobody_new(&checked) {
            if args.json {
                print_answer("nobody_new", &checked)?;
            }
            return nobody_new(&checked, global);
        }
        plan = load::plan(&loaded, Some(&store), global).await?;
    }
    let run = match start(&store, &new, args.repeat()).await? {
        StartDecision::New(run) => run,
        StartDecision::Resume(run) => {
            if !global.quiet && run.planned_at.is_some() {
                console::info(&format!("continuing {}, started {}", run.id, run.created_at));
            }
            run
        }
        other => {
            let checked = match other {
                StartDecision::RanBefore => check(plan, &loaded, &store, global).await?,
                _ => Checked::default(),
            };
            return refused(args, &loaded, &other, &checked, global);
        }
    };
    let lock = store.lock(&run.id)?;
    if args.repeat() != Repeat::Unsaid {
        store.set_only_new(run.key, args.only_new).await?;
    }
    // Another process that held the lock until now may have changed the run.
    let mut run = store.run(Some(&run.id)).await?;
    if run.finished_at.is_some() {
        let words = format!("another process has just finished {0}; see `campaigner status {0}`", run.id);
        return Err(CliError::new(Exit::Wrong, words));
    }
    if run.planned_at.is_some() && run.started_at.is_none() && run.template.as_deref() != plan.snapshot() {
        // A newer template was pulled and nothing was sent yet, so the rows are validated again.
        store.discard_plan(run.key).await?;
        run.planned_at = None;
    }
    let progress = session::progress(global);
    let stop = StopHandle::default();
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
        for warning in imported? {
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
    let session = Session { store, run, lock, campaign, account, progress, stop, json: args.json };
    session.work(args.sending.mode(), &args.overrides, global).await
}

/// Returns the fingerprint of a campaign's recipients.
pub(in crate::cli) async fn digest(campaign: &Campaign) -> Result<String, CliError> {
    let recipients = campaign.recipients.clone();
    // Reading a large list takes seconds.
    let digest = off_thread(move || recipients::digest(&recipients)).await;
    digest.map_err(|error| CliError::of(Exit::Wrong, &error))
}

/// Returns whether a campaign ran before, so that `run` needs `--only-new` or `--again`.
pub(in crate::cli) async fn has_run_before(campaign: &Campaign, store: &Store) -> Result<bool, CliError> {
    let decision = store.would_start(&content(campaign, digest(campaign).await?), Repeat::Unsaid).await?;
    Ok(matches!(decision, Some(StartDecision::RanBefore)))
}

/// Returns what a run is made from.
pub(in crate::cli) fn content(campaign: &Campaign, recipients_hash: String) -> NewRun {
    NewRun {
        name: campaign.name.clone(),
        campaign: campaign_file::freeze(campaign),
        campaign_hash: campaign_file::fingerprint(campaign),
        recipients_hash,
    }
}

/// Whether a run with this decision imports the list. Its messages have not been confirmed yet.
fn imports(decision: Option<&StartDecision>) -> bool {
    match decision {
        None => true,
        Some(StartDecision::Resume(run) | StartDecision::Differs { run, .. }) => run.planned_at.is_none(),
        Some(_) => false,
    }
}

/// Shows what is about to be sent, and asks. Nothing is stored before the answer.
async fn ask(
    args: &Args,
    plan: Plan,
    loaded: &Loaded,
    campaign: &Campaign,
    account: &Account,
    store: Option<&Store>,
    global: &Global,
) -> Result<Plan, CliError> {
    let (checked, groups) = read_rows(plan.only_new(args.only_new), store, global).await?;
    if checked.sendable() > 0 {
        let report = ProblemReport { loaded, groups: &groups, checked: &checked };
        let (_, limit) = args.sending.mode();
        for line in run_question::lines(&report, campaign, account, limit) {
            console::wrapped_info(&line);
        }
        if args.confirm.ask(&run_question::question(&report, limit)) != Some(true) {
            return Err(CliError::new(Exit::Wrong, "nothing was stored or sent"));
        }
    }
    load::plan(loaded, store, global).await
}

/// Refuses a campaign that has a mistake because of which no row can be sent, before anything is stored. All rows are
/// read only if the first one fails in that way.
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
        let _lock = store.lock(&run.id)?;
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

/// Reports why no run starts: in words, and with `--json` also as JSON on standard output.
fn refused(
    args: &Args,
    loaded: &Loaded,
    decision: &StartDecision,
    checked: &Checked,
    global: &Global,
) -> Result<Exit, CliError> {
    let name = &loaded.campaign.name;
    let (reason, run, failure) = match decision {
        StartDecision::New(_) | StartDecision::Resume(_) => return Ok(Exit::Done),
        StartDecision::RanBefore => ("ran_before", None, reached::refusal(&args.file, name, checked, global)),
        StartDecision::Differs { run, campaign } => {
            let reason = if *campaign { "other_campaign" } else { "other_recipients" };
            (reason, Some(&run.id), differs(run, *campaign, global))
        }
        StartDecision::ForOthers(run) => ("for_others", Some(&run.id), for_others(run, global)),
        StartDecision::Ending(run) => ("ending", Some(&run.id), StoreError::Held(run.id.clone()).into()),
    };
    if args.json {
        let mut answer = json!({"decision": "refused", "reason": reason, "run": run.map(ToString::to_string)});
        if reason == "ran_before" {
            add(&mut answer, reached::totals(checked));
            answer["reached"] = reached::as_json(&checked.reached);
        }
        console::data(&answer).map_err(cannot_print)?;
    }
    Err(failure)
}

fn add(answer: &mut Value, more: Value) {
    if let (Some(answer), Value::Object(more)) = (answer.as_object_mut(), more) {
        answer.extend(more);
    }
}

fn differs(run: &Run, campaign: bool, global: &Global) -> CliError {
    let what = if campaign { "the campaign file has" } else { "the recipients have" };
    CliError::new(
        Exit::Wrong,
        format!(
            "{0} is unfinished, and {what} changed since it started; a run keeps its original content\n  \
             continue it as it was:  {1} resume {0}\n  \
             or stop it for good:    {1} cancel {0}, then send to the people not reached yet with `run --only-new`",
            run.id,
            global.command()
        ),
    )
}

fn for_others(run: &Run, global: &Global) -> CliError {
    let (who, flag) = match run.only_new {
        true => ("only to people not reached by an earlier run", "--again"),
        false => ("to everyone on this list, including people reached by earlier runs", "--only-new"),
    };
    CliError::new(
        Exit::Wrong,
        format!(
            "{0} is unfinished and sends {who}\n  \
             continue it as it is:  {1} resume {0}\n  \
             or stop it for good:   {1} cancel {0}, then `run` with {flag}",
            run.id,
            global.command()
        ),
    )
}

/// Returns whether earlier runs reached everyone on the list who can be sent to.
fn has_nobody_new(checked: &Checked) -> bool {
    checked.sendable() == 0 && checked.left_out.reached > 0
}

/// Ends `--only-new` when no recipient is new. That is no error, unless rows are invalid: they may be the new ones.
fn nobody_new(checked: &Checked, global: &Global) -> Result<Exit, CliError> {
    let words = format!("no one on this list is new{}", reached::counts(&checked.left_out));
    if checked.invalid > 0 {
        let invalid = text::count(checked.invalid, "row");
        let words = format!(
            "{words}, {invalid} invalid; nothing was sent. Fix the problems listed above and run the command again"
        );
        return Err(CliError::new(Exit::Wrong, words));
    }
    if !global.quiet {
        console::info(&words);
    }
    Ok(Exit::Done)
}

/// Reads every row to find out who is left out and whom earlier runs reached. Prints the problems of rows if no
/// recipient is new.
async fn check(plan: Plan, loaded: &Loaded, store: &Store, global: &Global) -> Result<Checked, CliError> {
    let (checked, groups) = read_rows(plan, Some(store), global).await?;
    if has_nobody_new(&checked) {
        ProblemReport { loaded, groups: &groups, checked: &checked }.print();
    }
    Ok(checked)
}

/// Reads every row without storing any, and collects the rows that cannot be sent.
async fn read_rows(plan: Plan, store: Option<&Store>, global: &Global) -> Result<(Checked, ProblemGroups), CliError> {
    let progress = session::progress(global);
    let mut groups = ProblemGroups::default();
    let each = |bad: Bad<'_>| {
        groups.add(&bad);
        Ok(())
    };
    let checked = plan.check(store, each, &progress.events()).await;
    progress.finish();
    Ok((checked?, groups))
}

/// Prints a decision about a list and its totals as one line of JSON.
fn print_answer(decision: &str, checked: &Checked) -> Result<(), CliError> {
    let mut answer = json!({"decision": decision});
    add(&mut answer, reached::totals(checked));
    answer["reached"] = reached::as_json(&checked.reached);
    console::data(&answer).map_err(cannot_print)
}

/// `run --dry-run`: checks everything and prints what `run` would do. If `run` would refuse, returns its exit code.
async fn dry_run(
    args: &Args,
    plan: Plan,
    loaded: &Loaded,
    campaign: &Campaign,
    store: Option<&Store>,
    global: &Global,
) -> Result<Exit, CliError> {
    let mut decision = None;
    if let Some(store) = store {
        if !args.overrides.moved {
            store.may_send(false).await?;
        }
        let new = content(&loaded.campaign, digest(campaign).await?);
        decision = store.would_start(&new, args.repeat()).await?;
        // A run whose import did not finish does not block this one.
        decision = decision.filter(|it| !matches!(it, StartDecision::Differs { run, .. } if run.planned_at.is_none()));
    }
    if let (Some(StartDecision::Resume(run)), Some(store)) = (&decision, store)
        && run.planned_at.is_some()
    {
        return would_resume(args, store, run).await;
    }
    let importing = matches!(&decision, Some(StartDecision::Resume(run)) if run.only_new);
    let plan = plan.only_new(args.only_new || importing);
    let (checked, groups) = read_rows(plan, store, global).await?;
    let report = ProblemReport { loaded, groups: &groups, checked: &checked };
    report.print();
    let of_the_campaign = report.campaign_errors();
    if !of_the_campaign.is_empty() {
        return Err(LoadError::Wrong(of_the_campaign).shown(loaded));
    }
    if let Some(decision) = decision.filter(|decision| !matches!(decision, StartDecision::Resume(_))) {
        return refused(args, loaded, &decision, &checked, global);
    }
    let sendable = checked.sendable();
    if args.json {
        let nobody_new = args.only_new && has_nobody_new(&checked);
        print_answer(if nobody_new { "nobody_new" } else { "new" }, &checked)?;
    }
    if sendable == 0 {
        return match args.only_new && has_nobody_new(&checked) {
            true => nobody_new(&checked, global),
            false => Err(CliError::new(Exit::Wrong, "no row can be sent")),
        };
    }
    if !args.json {
        let limits = load::limits_in_words(&campaign.timing);
        let when = match engine::sent_by(sendable, Millis::now(), &checked.due, campaign) {
            _ if limits.is_empty() => {
                format!("in about {} s", engine::time_to_send(sendable, &campaign.dispatch).as_secs_f64().ceil())
            }
            Some(last) => format!("the last at about {}{limits}", local(last, campaign.timing.timezone.as_deref())),
            None => format!("with no estimated end{limits}"),
        };
        console::line(&format!(
            "{} of {} would be sent on {} via {}, {when}{}; nothing was stored or sent",
            text::count(sendable, "row"),
            text::grouped(checked.rows),
            campaign.channel,
            campaign.provider,
            reached::counts(&checked.left_out),
        ))
        .map_err(cannot_print)?;
    }
    Ok(Exit::Done)
}

/// Prints what `run` would do if it continues a run.
async fn would_resume(args: &Args, store: &Store, run: &Run) -> Result<Exit, CliError> {
    let tally = store.tally(run).await?;
    let left = tally.sendable() - tally.settled();
    if args.json {
        let answer = json!({"decision": "resume", "run": run.id.to_string(), "sendable": left});
        console::data(&answer).map_err(cannot_print)?;
    } else {
        console::line(&format!(
            "{} is unfinished and would continue with {} to send; nothing was stored or sent",
            run.id,
            text::count(left, "row")
        ))
        .map_err(cannot_print)?;
    }
    Ok(Exit::Done)
}
