//! `campaigner templates pull`: saves a provider's templates in the store, so that campaigns are checked against them.

use std::sync::Arc;

use serde_json::json;
use tokio::task::JoinSet;

use crate::cli::config::template_accounts;
use crate::cli::error::{CliError, Exit, cannot_print};
use crate::cli::global::Global;
use crate::cli::output::{console, template_table};
use crate::model::{Millis, TemplateProvider};
use crate::provider::TemplateApi;
use crate::store::{PulledTemplate, Store};
use crate::template::{Error, RemoteTemplate, Snapshot, TemplateSummary};
use crate::text;

/// Templates requested at the same time.
const AT_ONCE: usize = 8;

/// Pulls the templates with these names, or all of them.
pub(in crate::cli) async fn pull(
    provider: TemplateProvider,
    names: &[String],
    as_json: bool,
    global: &Global,
) -> Result<Exit, CliError> {
    let api = Arc::new(template_accounts::api(provider, global).await?);
    let account = template_accounts::account(provider, global).await?.unwrap_or_default();
    let listed = list(&api, names).await.map_err(template_accounts::failure)?;
    let mut pulled = Vec::with_capacity(listed.len());
    for (listed, details) in listed.iter().zip(details(&api, &listed).await?) {
        let snapshot = match details {
            Ok(shown) => Snapshot::of(provider, &account, Millis::now(), shown),
            // The template's name and state are worth keeping even without its definition.
            Err(error @ (Error::Strange { .. } | Error::Refused { .. })) => {
                let TemplateSummary { name, language, .. } = listed;
                console::info(&format!("warning: saved `{name}` in {language} without its definition: {error}"));
                let (account, listed) = (account.clone(), listed.clone());
                Snapshot { provider, account, at: Millis::now(), listed, definition: None, complete: false }
            }
            Err(error) => return Err(template_accounts::failure(error)),
        };
        pulled.push(PulledTemplate {
            id: listed.id.clone(),
            language: listed.language.clone(),
            name: listed.name.clone(),
            status: listed.status.clone(),
            snapshot: snapshot.to_text(),
        });
    }
    // A provider that cannot be reached leaves no new store behind.
    let store = Store::open(&global.db).await?;
    let only = (!names.is_empty()).then_some(names);
    store.keep_templates(provider, &account, only, &pulled, Millis::now()).await?;
    store.close().await?;
    if as_json {
        console::data(&json!(listed)).map_err(cannot_print)?;
    } else if !listed.is_empty() {
        template_table::print(&listed)?;
    }
    if !global.quiet && (names.is_empty() || !listed.is_empty()) {
        let sendable = listed.iter().filter(|listed| listed.sendable).count();
        console::info(&format!(
            "saved {} from {provider} in {}; {sendable} can be sent",
            text::count(listed.len() as u64, "template"),
            global.db,
        ));
    }
    let gone: Vec<&String> = names.iter().filter(|name| !listed.iter().any(|listed| listed.name == **name)).collect();
    for name in &gone {
        let (command, id) = (global.command(), provider.as_str());
        console::error(&format!(
            "{provider} has no template `{name}`; to list its templates: {command} templates list --provider {id}"
        ));
    }
    Ok(if gone.is_empty() { Exit::Done } else { Exit::Wrong })
}

/// Returns the details of each template, in the order of the list.
async fn details(
    api: &Arc<TemplateApi>,
    listed: &[TemplateSummary],
) -> Result<Vec<Result<RemoteTemplate, Error>>, CliError> {
    let mut waiting = listed.iter().cloned().enumerate();
    let mut asked = JoinSet::new();
    let mut found = Vec::with_capacity(listed.len());
    loop {
        for (index, listed) in waiting.by_ref().take(AT_ONCE - asked.len()) {
            let api = Arc::clone(api);
            asked.spawn(async move { (index, api.details(listed).await) });
        }
        match asked.join_next().await {
            Some(Ok(details)) => found.push(details),
            Some(Err(error)) => return Err(CliError::of(Exit::Environment, &error)),
            None => break,
        }
    }
    found.sort_by_key(|(index, _)| *index);
    Ok(found.into_iter().map(|(_, details)| details).collect())
}

async fn list(api: &TemplateApi, names: &[String]) -> Result<Vec<TemplateSummary>, Error> {
    if names.is_empty() {
        return api.list(None).await;
    }
    let mut found: Vec<TemplateSummary> = Vec::new();
    for name in names {
        let named = api.list(Some(name)).await?.into_iter().filter(|listed| listed.name == *name);
        found.extend(named);
    }
    Ok(found)
}
