//! The look at the provider of templates right before a run's first message: whether the template is still what the
//! rows were held against. Nothing is sent where it is not, or where nobody can tell.

use crate::cli::config::template_accounts;
use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::cli::session::signals;
use crate::engine::{self, StopHandle};
use crate::model::Events;
use crate::provider::TemplateApi;
use crate::render::Renderer;
use crate::store::{Run, Store, StoreError};
use crate::template::{Change, Error, RemoteTemplate, Snapshot, TemplateSummary};
use crate::text;
use crate::text::escaped_lines;

/// Looks at the template that the rows of a run were held against, if it was pulled from a provider.
///
/// A template that changed stops the run. If it was pulled again since, the rows that are left are held against that
/// instead, and the run goes on if they fit.
pub(in crate::cli) async fn before_sending(
    store: &Store,
    run: &Run,
    renderer: &Renderer,
    stop: &StopHandle,
    events: &Events,
    global: &Global,
) -> Result<(), CliError> {
    let looked = signals::unless_stopped(stop, events, look(store, run, renderer, global)).await;
    looked.unwrap_or_else(|| Err(signals::stopped(run)))
}

async fn look(store: &Store, run: &Run, renderer: &Renderer, global: &Global) -> Result<(), CliError> {
    let Some(text) = &run.template else { return Ok(()) };
    let held = Snapshot::from_text(text)
        .ok_or_else(|| CliError::new(Exit::Environment, "the template kept with the run is damaged"))?;
    let provider = held.provider;
    let api = template_accounts::api(provider, global).await.map_err(|failure| not_looked(&held, failure))?;
    if template_accounts::account(provider, global).await?.is_some_and(|account| account != held.account) {
        return Err(CliError::new(
            Exit::Environment,
            format!(
                "the template {held} was pulled from another account of {provider} than the one that is configured; \
                 nothing was sent\n  \
                 configure that one to go on\n  \
                 or give the run up:  campaigner cancel {}",
                run.id
            ),
        ));
    }
    let now = match api.show(&held.listed.name, Some(&held.listed.language)).await {
        Ok(now) => now,
        Err(Error::Which(words)) => return Err(not_sendable(run, &held, &format!("is gone: {words}"))),
        Err(error) => return Err(not_looked(&held, template_accounts::failure(error))),
    };
    if !now.listed.sendable {
        let reason = now.listed.reason.iter().map(|reason| format!(" ({reason})")).collect::<String>();
        return Err(not_sendable(run, &held, &format!("is `{}` now{reason}", now.listed.status)));
    }
    let changes = api.changes(&held, &now);
    if changes.is_empty() {
        return Ok(());
    }
    match pulled_again(store, &held, &api, &now).await? {
        Some(newer) if run.started_at.is_some() => hold_again(store, run, renderer, &newer).await,
        _ => Err(changed(store, run, &held, &changes).await),
    }
}

/// Nobody can tell what the template is like now.
fn not_looked(held: &Snapshot, CliError { exit, words, .. }: CliError) -> CliError {
    let what = format!("the template {held} is looked at before the first message, and that failed; nothing was sent");
    CliError::new(exit, format!("{what}\n  because: {words}\n  the same command tries again"))
}

/// A template that cannot be sent: there is nothing to do here but to wait.
fn not_sendable(run: &Run, held: &Snapshot, what: &str) -> CliError {
    let (provider, id) = (held.provider, &run.id);
    CliError::new(
        Exit::Stopped,
        format!(
            "stopped before the first message: the template {held} at {provider} {what}\n  \
             what to do: put it right at {provider}\n  \
             then go on with:      campaigner resume {id}\n  \
             or give the run up:   campaigner cancel {id}"
        ),
    )
}

/// A template that is not what the rows were held against. Of a run that never sent anything the plan is taken back, so
/// that the campaign is checked anew.
async fn changed(store: &Store, run: &Run, held: &Snapshot, changes: &[Change]) -> CliError {
    let taken_back = async {
        let taken = store.discard_plan(run.key).await?;
        store.close().await?;
        Ok::<bool, StoreError>(taken)
    };
    let next = match taken_back.await {
        Ok(true) => "then have every row checked anew:  campaigner run FILE".to_owned(),
        Ok(false) => format!("then have what is left checked:    campaigner resume {}", run.id),
        Err(error) => return error.into(),
    };
    let told: Vec<String> = changes.iter().map(Change::to_string).collect();
    let told = told.join("\n").replace('\n', "\n  ");
    let Snapshot { provider, listed: TemplateSummary { name, .. }, at, .. } = held;
    CliError::new(
        Exit::Stopped,
        format!(
            "stopped before the first message: the template {held} at {provider} changed since it was pulled {at}\n  {told}\n  \
             what to do: put it back at {provider}, or\n  \
             take it as it is:                  campaigner templates pull --provider {} {name}\n  {next}",
            provider.as_str(),
        ),
    )
}

/// A snapshot of the same template that was taken later and is what the provider shows now.
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

/// Holds the rows that are left against a newer snapshot, which the run keeps if all of them fit.
async fn hold_again(store: &Store, run: &Run, renderer: &Renderer, newer: &Snapshot) -> Result<(), CliError> {
    let Some(template) = newer.loaded() else { return Ok(()) };
    let (rows, first) = engine::hold_left(store, run, renderer, &template).await?;
    if rows == 0 {
        return Ok(store.hold_run(run.key, &newer.to_text()).await?);
    }
    let said: String =
        first.iter().map(|(row, problem)| format!("\n  row {row}: {problem} [{}]", problem.code())).collect();
    let logged: String = first.iter().map(|(row, problem)| format!("\n  row {row}: {}", problem.code())).collect();
    let words = |told: &str| {
        format!(
            "stopped before the next message: {} left that the template {newer} does not take as it is now:{told}\n  \
             what to do: put it right at {}; or `campaigner cancel {id}`, mend the campaign, and send it to those that \
             are in `campaigner report {id} --state cancelled --input`",
            text::count(rows, "row"),
            newer.provider,
            id = run.id
        )
    };
    Err(CliError::new(Exit::Stopped, words(&logged)).shown(escaped_lines(&words(&said)).into_owned()))
}
