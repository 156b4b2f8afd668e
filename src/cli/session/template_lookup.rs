//! Finds the template that a campaign names, as it was pulled from its provider: in the store, without network.
//!
//! Its problems are problems of the campaign, shown where the message names the template.

use serde_json::Value;

use crate::campaign_file::{FileProblem, Loaded};
use crate::cli::config::template_accounts;
use crate::cli::global::Global;
use crate::cli::output::console;
use crate::cli::session::load_error::LoadError;
use crate::engine::Warning;
use crate::model::{Millis, TemplateProvider, TemplateSource};
use crate::store::{Store, StoreError};
use crate::template::Snapshot;
use crate::text;
use crate::text::{list, nearest};

/// Returns the template of a campaign whose definition is at a provider.
pub(in crate::cli) async fn find(
    loaded: &Loaded,
    store: Option<&Store>,
    global: &Global,
) -> Result<Option<Snapshot>, LoadError> {
    let Some(TemplateSource::At { provider, language }) = &loaded.campaign.definition else { return Ok(None) };
    let provider = *provider;
    let template = &loaded.campaign.message["template"];
    let name = fixed(loaded, "template.name", template.get("name"))?;
    let Some(name) = name else {
        return Err(wrong(loaded, "type", "not_a_template", "the message has no template", "remove `definition`"));
    };
    let language = fixed(loaded, "template.language", language_of(template))?.or(language.as_deref());

    let account = template_accounts::account(provider, global).await.map_err(LoadError::Failed)?;
    let is_ours = |other: &str| account.as_ref().is_none_or(|account| account == other);
    let kept = kept(provider, name, store).await.map_err(|error| LoadError::Failed(error.into()))?;
    let names: Vec<&str> =
        kept.names.iter().filter(|(account, _)| is_ours(account)).map(|(_, name)| name.as_str()).collect();
    let mut pulled: Vec<Snapshot> = kept
        .snapshots
        .iter()
        .filter_map(|text| Snapshot::from_text(text))
        .filter(|kept| is_ours(&kept.account))
        .collect();

    let pull = pull(provider, name, global);
    let at_name = |code, words: String, hint: String| wrong(loaded, "template.name", code, &words, &hint);
    if names.is_empty() {
        return Err(at_name(
            "not_pulled",
            format!("the store {} has no {provider} templates yet", global.db),
            format!("create the template at {provider} if it does not exist there, then run {pull}"),
        ));
    }
    let near = nearest(name, &names).map(|near| format!("did you mean `{near}`? If not, "));
    if pulled.is_empty() {
        let words = format!("the template `{name}` was not pulled from {provider}");
        return Err(at_name("unknown_template", words, near.unwrap_or_default() + &format!("run {pull}")));
    }
    let languages: Vec<String> = pulled.iter().map(|snapshot| snapshot.listed.language.clone()).collect();
    let mut languages: Vec<&str> = languages.iter().map(String::as_str).collect();
    languages.dedup();
    pulled.retain(|snapshot| language.is_none_or(|language| snapshot.listed.language == language));
    // A deleted template may still be listed together with its successor.
    pulled.sort_by_key(|snapshot| !snapshot.listed.sendable);
    let Some(snapshot) = pulled.first().cloned() else {
        let language = language.unwrap_or_default();
        let words =
            format!("{provider} does not have the template `{name}` in {language}, only in {}", list(&languages));
        return Err(wrong(loaded, "template.language", "unknown_language", &words, "choose a language that it has"));
    };
    if pulled.iter().any(|other| other.listed.language != snapshot.listed.language) {
        let words =
            format!("the template `{name}` exists in {}, but the campaign does not name a language", list(&languages));
        let hint = format!(
            "write `definition: {{from: {}, language: {}}}`",
            provider.as_str(),
            languages.first().copied().unwrap_or_default()
        );
        return Err(at_name("which_language", words, hint));
    }
    if pulled.iter().any(|other| other.account != snapshot.account) {
        let words = format!("`{name}` was pulled from several {provider} accounts");
        return Err(at_name(
            "which_account",
            words,
            "configure one of these accounts, so that it is clear which template is meant".to_owned(),
        ));
    }
    usable(loaded, &snapshot, global)?;
    Ok(Some(snapshot))
}

fn language_of(template: &Value) -> Option<&Value> {
    template.get("language").map(|language| language.get("code").unwrap_or(language))
}

/// Returns a warning if the language in `definition` has no effect, because the message names another one.
pub(in crate::cli) fn unused_language(loaded: &Loaded) -> Option<Warning> {
    let Some(TemplateSource::At { language: Some(unused), .. }) = &loaded.campaign.definition else { return None };
    let used = language_of(&loaded.campaign.message["template"])?.as_str().filter(|used| used != unused)?;
    let words = format!(
        "`definition` names the language {unused}, but the message is sent in {used}; the rows are checked against the \
         template in {used}. Remove one of the two"
    );
    Some(Warning::of_campaign("unused_language", words))
}

/// Checks that messages can be sent with this template and checked against it; if so, prints its age.
fn usable(loaded: &Loaded, snapshot: &Snapshot, global: &Global) -> Result<(), LoadError> {
    let provider = snapshot.provider;
    let at_name = |code, words: &str, hint: &str| Err(wrong(loaded, "template.name", code, words, hint));
    let age = text::duration(Millis::now().since(snapshot.at));
    if !snapshot.listed.sendable {
        let reason = snapshot.listed.reason.iter().map(|reason| format!(" ({reason})")).collect::<String>();
        let words = format!(
            "the template {snapshot} cannot be sent: at {provider}, it was `{}`{reason} when it was pulled {age} ago",
            snapshot.listed.status
        );
        let hint = format!("once it can be sent, run {}", pull(provider, &snapshot.listed.name, global));
        return at_name("template_state", &words, &hint);
    }
    if snapshot.definition.is_none() {
        let words = format!("cannot read {provider}'s response about the template {snapshot}");
        return at_name("no_definition", &words, "write the definition in a file, and use `definition: FILE`");
    }
    if !global.quiet {
        let incomplete = if snapshot.complete { "" } else { "; header and footer are unknown" };
        let status = &snapshot.listed.status;
        console::info(&format!("template {snapshot}: `{status}` at {provider}, pulled {age} ago{incomplete}"));
    }
    Ok(())
}

fn pull(provider: TemplateProvider, name: &str, global: &Global) -> String {
    format!("`{} templates pull --provider {} {name}`", global.command(), provider.as_str())
}

/// The templates that were pulled from a provider.
#[derive(Default)]
struct Kept {
    /// The accounts and names of all its templates.
    names: Vec<(String, String)>,
    /// The snapshots of the templates with the wanted name.
    snapshots: Vec<String>,
}

/// Returns what was pulled from a provider; empty without a store.
async fn kept(provider: TemplateProvider, name: &str, store: Option<&Store>) -> Result<Kept, StoreError> {
    let Some(store) = store else { return Ok(Kept::default()) };
    let names = store.template_names(provider).await?;
    Ok(Kept { names, snapshots: store.templates(provider, name).await? })
}

/// Returns a text of the message that must be the same for every row.
fn fixed<'m>(loaded: &Loaded, path: &str, value: Option<&'m Value>) -> Result<Option<&'m str>, LoadError> {
    match value.and_then(Value::as_str) {
        Some(text) if text.contains("{{") || text.contains("{%") => {
            let words = format!("`{path}` must be the same for every row, because `definition` names one template");
            Err(wrong(loaded, path, "not_fixed", &words, "write a fixed value, or remove `definition`"))
        }
        text => Ok(text),
    }
}

fn wrong(loaded: &Loaded, path: &str, code: &'static str, words: &str, hint: &str) -> LoadError {
    LoadError::Wrong(vec![FileProblem::new(code, loaded.places.of(path), words).hint(hint)])
}
