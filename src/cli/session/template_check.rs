//! Checks right before a run's first message whether its template is still the one that the rows were checked against.
//! If it is not, or if the check fails, nothing is sent.

use crate::cli::config::template_accounts;
use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::cli::session::signals;
use crate::engine::{self, StopHandle};
use crate::model::Events;
use crate::provider::TemplateApi;
use crate::render::Renderer;
use crate::store::{Run, Store, StoreError};
use crate::template::{Difference, Error, RemoteTemplate, Snapshot, TemplateSummary};
use crate::text;
use crate::text::escaped_lines;

/// Checks the template that the rows of a run were checked against, if it was pulled from a provider.
///
/// A template that changed stops the run. If it was pulled again since, the remaining rows are checked against the new
/// one instead, and the run continues if they fit.
pub(in crate::cli) async fn before_sending(
    store: &Store,
    run: &Run,
    renderer: &Renderer,
    stop: &StopHandle,
    events: &Events,
    global: &Global,
) -> Result<(), CliError> {
    let checked = signals::unless_stopped(stop, events, check(store, run, renderer, global)).await;
    checked.unwrap_or_else(|| Err(signals::stopped(run, global)))
}

async fn check(store: &Store, run: &Run, renderer: &Renderer, global: &Global) -> Result<(), CliError> {
    let Some(text) = &run.template else { return Ok(()) };
    let command = global.command();
    let held = Snapshot::from_text(text).ok_or_else(|| {
        let words = format!(
            "the template stored with {0} cannot be read; check the store with `{command} verify {0}`, then restore a backup",
            run.id
        );
        CliError::new(Exit::Environment, words)
    })?;
    let provider = held.provider;
    let api =
        template_accounts::api(provider, global).await.map_err(|failure| not_checked(run, &held, failure, &command))?;
    if template_accounts::account(provider, global).await?.is_some_and(|account| account != held.account) {
        return Err(CliError::new(
            Exit::Environment,
            format!(
                "the template {held} was pulled from a different {provider} account than the configured one; \
                 nothing was sent\n  \
                 to continue, configure the account that it was pulled from\n  \
                 or stop the run for good:  {command} cancel {}",
                run.id
            ),
        ));
    }
    let now = match api.show(&held.listed.name, Some(&held.listed.language)).await {
        Ok(now) => now,
        Err(Error::Which(words)) => {
            let advice = "create it again, or delete all but one with this name and language,";
            return Err(not_sendable(run, &held, &format!("cannot be used: {words}"), advice, &command));
        }
        Err(error) => return Err(not_checked(run, &held, template_accounts::failure(error), &command)),
    };
    if !now.listed.sendable {
        let reason = now.listed.reason.iter().map(|reason| format!(" ({reason})")).collect::<String>();
        return Err(not_sendable(run, &held, &format!("is now `{}`{reason}", now.listed.status), "fix it", &command));
    }
    let changes = api.changes(&held, &now);
    if changes.is_empty() {
        return Ok(());
    }
    match pulled_again(store, &held, &api, &now).await? {
        Some(newer) if run.started_at.is_some() => check_remaining(store, run, renderer, &newer, &command).await,
        _ => Err(changed(store, run, &held, &changes, &command).await),
    }
}

/// Returns the error for a template that could not be checked.
fn not_checked(run: &Run, held: &Snapshot, CliError { exit, words, .. }: CliError, command: &str) -> CliError {
    let what = format!("could not check the template {held}, and nothing is sent without this check");
    CliError::new(exit, format!("{what}\n  because: {words}\n  to try again:  {command} resume {}", run.id))
}

/// Returns the error for a template that cannot be sent at the moment.
fn not_sendable(run: &Run, held: &Snapshot, what: &str, advice: &str, command: &str) -> CliError {
    let (provider, id) = (held.provider, &run.id);
    CliError::new(
        Exit::Stopped,
        format!(
            "stopped before sending: the template {held} at {provider} {what}\n  \
             what to do: {advice} at {provider}\n  \
             then continue:               {command} resume {id}\n  \
             or stop the run for good:    {command} cancel {id}"
        ),
    )
}

/// Returns the error for a template that changed. If the run has sent nothing, its plan is discarded, so that the
/// campaign is checked again.
async fn changed(store: &Store, run: &Run, held: &Snapshot, changes: &[Difference], command: &str) -> CliError {
    let discarded = async {
        let discarded = store.discard_plan(run.key).await?;
        store.close().await?;
        Ok::<bool, StoreError>(discarded)
    };
    let next = match discarded.await {
        Ok(true) => format!("then check and send every row:    {command} run FILE"),
        Ok(false) => format!("then check and send the rest:     {command} resume {}", run.id),
        Err(error) => return error.into(),
    };
    let changes: Vec<String> = changes.iter().map(Difference::to_string).collect();
    let changes = changes.join("\n").replace('\n', "\n  ");
    let Snapshot { provider, listed: TemplateSummary { name, .. }, at, .. } = held;
    CliError::new(
        Exit::Stopped,
        format!(
            "stopped before sending: the template {held} at {provider} has changed since it was pulled at {at}\n  \
             {changes}\n  \
             what to do: change the template back at {provider}, or accept the change\n  \
             to accept it:                     {command} templates pull --provider {} {name}\n  {next}",
            provider.as_str(),
        ),
    )
}

/// Returns a later snapshot of the same template that equals what the provider shows now.
async fn pulled_again(
    store: &Store,
    held: &Snapshot,
    api: &TemplateApi,
    now: &RemoteTemplate,
) -> Result<Option<Snapshot>, CliError> {
    let pulled = store.templates(held.provider, &held.listed.name).await?;
    let later = pulled.iter().filter_map(|text| Snapshot::from_text(text)).find(|pulled| {
        let same = pulled.account == held.account && pulled.listed.id == now.listed.id;
        same && pulled.listed.language == now.listed.language && pulled.at > held.at
    });
    Ok(later.filter(|later| later.definition.is_some() && api.changes(later, now).is_empty()))
}

/// Checks the remaining rows against a newer snapshot, which the run then uses if all of them fit.
async fn check_remaining(
    store: &Store,
    run: &Run,
    renderer: &Renderer,
    newer: &Snapshot,
    command: &str,
) -> Result<(), CliError> {
    let Some(template) = newer.loaded() else { return Ok(()) };
    let (rows, first) = engine::check_remaining_rows(store, run, renderer, &template).await?;
    if rows == 0 {
        return Ok(store.hold_run(run.key, &newer.to_text()).await?);
    }
    let shown: String =
        first.iter().map(|(row, problem)| format!("\n  row {row}: {problem} [{}]", problem.code())).collect();
    let logged: String = first.iter().map(|(row, problem)| format!("\n  row {row}: {}", problem.code())).collect();
    let words = |problems: &str| {
        format!(
            "stopped before sending: {} would not fit the template {newer} as it is now:{problems}\n  \
             what to do: fix the template at {}\n  \
             or cancel this run (`{command} cancel {id}`), fix the campaign, and send it to the recipients that \
             `{command} report {id} --state cancelled --input` lists",
            text::count(rows, "row"),
            newer.provider,
            id = run.id
        )
    };
    Err(CliError::new(Exit::Stopped, words(&logged)).shown(escaped_lines(&words(&shown)).into_owned()))
}
