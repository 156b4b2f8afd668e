//! `campaigner templates pull`: what a provider's templates are like is kept in the store, for campaigns to be held
//! against.

use std::sync::Arc;

use serde_json::json;
use tokio::task::JoinSet;

use super::exit::{Exit, Failure};
use super::{Global, cannot_print, desks, screen, templates::table};
use crate::model::{Millis, TemplateProvider};
use crate::store::{PulledTemplate, Store};
use crate::template::{Desk, Error, Listed, Shown, Snapshot};

/// Templates asked about at a time.
const AT_ONCE: usize = 8;

/// Pulls the templates with these names, or all of them.
pub(super) async fn pull(
    provider: TemplateProvider,
    names: &[String],
    as_json: bool,
    global: &Global,
) -> Result<Exit, Failure> {
    let desk = Arc::new(desks::desk(provider, global).await?);
    let account = desks::account(provider, global).await?.unwrap_or_default();
    let store = Store::open(&global.db).await?;
    let listed = list(&desk, names).await.map_err(desks::failure)?;
    let mut pulled = Vec::with_capacity(listed.len());
    for (listed, details) in listed.iter().zip(details(&desk, &listed).await?) {
        let snapshot = match details {
            Ok(shown) => Snapshot::of(provider, &account, Millis::now(), shown),
            // That there is such a template, and its state, is worth keeping all the same.
            Err(error @ (Error::Strange { .. } | Error::Refused { .. })) => {
                let Listed { name, language, .. } = listed;
                screen::say(&format!("warning: `{name}` in {language} is kept without its definition: {error}"));
                let (account, listed) = (account.clone(), listed.clone());
                Snapshot { provider, account, at: Millis::now(), listed, definition: None, complete: false }
            }
            Err(error) => return Err(desks::failure(error)),
        };
        pulled.push(PulledTemplate {
            id: listed.id.clone(),
            language: listed.language.clone(),
            name: listed.name.clone(),
            status: listed.status.clone(),
            snapshot: snapshot.to_text(),
        });
    }
    let only = (!names.is_empty()).then_some(names);
    store.keep_templates(provider, &account, only, &pulled, Millis::now()).await?;
    store.close().await?;
    if as_json {
        screen::data(&json!(listed)).map_err(cannot_print)?;
    } else if !listed.is_empty() {
        table(&listed)?;
    }
    if !global.quiet && (names.is_empty() || !listed.is_empty()) {
        let sendable = listed.iter().filter(|listed| listed.sendable).count();
        screen::say(&format!(
            "{} of {provider} kept in {}; {sendable} can be sent",
            screen::count(listed.len() as u64, "template"),
            global.db.display(),
        ));
    }
    let gone: Vec<&String> = names.iter().filter(|name| !listed.iter().any(|listed| listed.name == **name)).collect();
    for name in &gone {
        screen::complain(&format!("{provider} has no template `{name}`; see `campaigner templates list`"));
    }
    Ok(if gone.is_empty() { Exit::Done } else { Exit::Wrong })
}

/// The details of each template, in the order of the list.
async fn details(desk: &Arc<Desk>, listed: &[Listed]) -> Result<Vec<Result<Shown, Error>>, Failure> {
    let mut waiting = listed.iter().cloned().enumerate();
    let mut asked = JoinSet::new();
    let mut found = Vec::with_capacity(listed.len());
    loop {
        for (index, listed) in waiting.by_ref().take(AT_ONCE - asked.len()) {
            let desk = Arc::clone(desk);
            asked.spawn(async move { (index, desk.details(listed).await) });
        }
        match asked.join_next().await {
            Some(Ok(details)) => found.push(details),
            Some(Err(error)) => return Err(Failure::of(Exit::Environment, &error)),
            None => break,
        }
    }
    found.sort_by_key(|(index, _)| *index);
    Ok(found.into_iter().map(|(_, details)| details).collect())
}

async fn list(desk: &Desk, names: &[String]) -> Result<Vec<Listed>, Error> {
    if names.is_empty() {
        return desk.list(None).await;
    }
    let mut found: Vec<Listed> = Vec::new();
    for name in names {
        let named = desk.list(Some(name)).await?.into_iter().filter(|listed| listed.name == *name);
        found.extend(named);
    }
    Ok(found)
}
