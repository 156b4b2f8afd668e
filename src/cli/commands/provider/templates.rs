//! `campaigner templates`: lists, checks, creates, updates and deletes templates at their providers.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::commands::provider::pull;
use crate::cli::config::template_accounts::{self, failure};
use crate::cli::confirm::Confirm;
use crate::cli::error::{CliError, Exit, cannot_print};
use crate::cli::global::Global;
use crate::cli::output::{console, template_table, terminal};
use crate::model::{Finding, TemplateProvider};
use crate::provider::{MetaTemplates, cams, nxlink};
use crate::store::{Store, StoreError};
use crate::template;
use crate::template::{ChangeAnswer, Definition, Loaded, TemplateSummary};

/// The arguments of `templates`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Args)]
struct At {
    /// The provider
    #[arg(long, value_enum)]
    provider: TemplateProvider,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Named {
    /// The template's name
    name: String,
    /// The language, if the template has several
    #[arg(long)]
    language: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the templates of the account
    List {
        #[command(flatten)]
        at: At,
        /// List only templates that the provider finds when searching for this name
        #[arg(long)]
        name: Option<String>,
    },
    /// Show a template as a definition
    Show {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        at: At,
    },
    /// Save templates in the store, so campaigns with `definition: {from: …}` are checked against them
    Pull {
        /// Save only the templates with these names; default: all templates of the account
        names: Vec<String>,
        #[command(flatten)]
        at: At,
    },
    /// Check a definition against the documented rules and a provider's capabilities; nothing is sent
    Check {
        /// The definition
        file: PathBuf,
        /// Check against this provider; without it, the check passes if at least one provider supports the definition
        #[arg(long, value_enum)]
        provider: Option<TemplateProvider>,
        /// Print one finding per line as JSON
        #[arg(long)]
        json: bool,
    },
    /// Create a template from a definition
    Create {
        /// The definition
        file: PathBuf,
        #[command(flatten)]
        at: At,
    },
    /// Update the template that has the definition's name and language
    Update {
        /// The definition
        file: PathBuf,
        #[command(flatten)]
        at: At,
    },
    /// Delete a template, after asking for confirmation
    Delete {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        at: At,
        #[command(flatten)]
        confirm: Confirm,
    },
    /// Show what an update would change; exit with code 3 if it would change anything
    Diff {
        /// The definition
        file: PathBuf,
        #[command(flatten)]
        at: At,
    },
}

impl Action {
    /// Returns the provider at which this changes a template, or prepares a change.
    fn changes_at(&self) -> Option<TemplateProvider> {
        match self {
            Self::List { .. } | Self::Show { .. } | Self::Pull { .. } => None,
            Self::Check { provider, .. } => *provider,
            Self::Create { at, .. } | Self::Update { at, .. } | Self::Delete { at, .. } | Self::Diff { at, .. } => {
                Some(at.provider)
            }
        }
    }
}

fn data(json: &Value) -> Result<(), CliError> {
    console::data(json).map_err(cannot_print)
}

fn line(sentence: &str) -> Result<(), CliError> {
    console::line(sentence).map_err(cannot_print)
}

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    if args.action.changes_at().is_some_and(|provider| !provider.can_change()) {
        return Err(failure(MetaTemplates::cannot_change()));
    }
    match &args.action {
        Action::List { at, name } => {
            let list =
                template_accounts::api(at.provider, global).await?.list(name.as_deref()).await.map_err(failure)?;
            if at.json {
                data(&json!(list))?;
            } else {
                template_table::print(&list)?;
            }
        }
        Action::Show { named, at } => {
            let api = template_accounts::api(at.provider, global).await?;
            let shown = api.show(&named.name, named.language.as_deref()).await.map_err(failure)?;
            if at.json {
                let value = json!({
                    "template": shown.listed, "definition": shown.definition, "complete": shown.complete,
                });
                data(&value)?;
            } else {
                let TemplateSummary { id, status, reason, .. } = &shown.listed;
                line(&format!("# {id}, {status}{}", reason.iter().map(|r| format!(": {r}")).collect::<String>()))?;
                // JSON is also YAML, so the output can be saved as a definition file.
                let text = serde_json::to_string_pretty(&shown.definition).unwrap_or_default();
                console::stream(&text).map_err(cannot_print)?;
                if !shown.complete {
                    console::info(
                        "NXLink does not report headers and footers; add them before you create a template from this \
                         definition",
                    );
                }
                for finding in translate(&shown.definition, at.provider).iter().filter(|finding| finding.is_error()) {
                    console::info(&format!("{}'s answer is incomplete: {finding}", at.provider));
                }
            }
        }
        Action::Pull { names, at } => return pull::pull(at.provider, names, at.json, global).await,
        Action::Check { file, provider, json } => return check(file, *provider, *json),
        Action::Create { file, at } => {
            let loaded = checked(file, at.provider, global)?;
            let api = template_accounts::api(at.provider, global).await?;
            print_answer("created", at, &loaded, &api.create(&loaded.definition).await.map_err(failure)?)?;
        }
        Action::Update { file, at } => {
            let loaded = checked(file, at.provider, global)?;
            let api = template_accounts::api(at.provider, global).await?;
            print_answer("updated", at, &loaded, &api.update(&loaded.definition).await.map_err(failure)?)?;
            tell_of_saved(at.provider, &loaded.definition.name, global).await;
        }
        Action::Delete { named, at, confirm } => {
            let api = template_accounts::api(at.provider, global).await?;
            let listed = api.find(&named.name, named.language.as_deref()).await.map_err(failure)?;
            let question = format!("Delete {} in {} ({}, {})?", listed.name, listed.language, listed.id, listed.status);
            confirm.require(&question)?;
            let answer = api.delete(&listed).await.map_err(failure)?;
            if at.json {
                data(&json!(answer))?;
            } else {
                line(&format!("deleted: {} in {}{}", listed.name, listed.language, details(&answer)))?;
            }
            tell_of_saved(at.provider, &listed.name, global).await;
        }
        Action::Diff { file, at } => {
            let loaded = checked(file, at.provider, global)?;
            let api = template_accounts::api(at.provider, global).await?;
            let definition = &loaded.definition;
            let shown = api.show(&definition.name, Some(&definition.language)).await.map_err(failure)?;
            let changes = api.diff(&shown, definition);
            if at.json {
                let change = |change: &template::Difference| json!({"what": change.what, "before": change.before, "after": change.after});
                data(&Value::Array(changes.iter().map(change).collect()))?;
            } else {
                for change in &changes {
                    line(&change.to_string())?;
                }
                if changes.is_empty() {
                    line("an update would change nothing")?;
                }
            }
            if !shown.complete {
                console::info("NXLink does not report headers and footers, so they were not compared");
            }
            return Ok(if changes.is_empty() { Exit::Done } else { Exit::SomeFailed });
        }
    }
    Ok(Exit::Done)
}

/// Returns what one provider cannot express of a definition, apart from the rules that apply to both.
fn translate(definition: &Definition, which: TemplateProvider) -> Vec<Finding> {
    let translated = match which {
        TemplateProvider::Nxlink => nxlink::to_request(definition, 0),
        TemplateProvider::Cams => cams::to_request(definition),
        // What is created elsewhere needs no translation.
        TemplateProvider::Meta => return Vec::new(),
    };
    translated.map_or_else(|findings| findings, |translated| translated.warnings)
}

fn is_wrong(findings: &[Finding]) -> bool {
    findings.iter().any(Finding::is_error)
}

fn check(file: &Path, provider: Option<TemplateProvider>, as_json: bool) -> Result<Exit, CliError> {
    let loaded = template::read(file)?;
    let rules = template::check(&loaded.definition);
    let chosen = TemplateProvider::ALL
        .into_iter()
        .filter(|which| provider.map_or(which.can_change(), |provider| provider == *which));
    let mut at_providers: Vec<_> = chosen.map(|which| (which, translate(&loaded.definition, which))).collect();
    // Without --provider it is enough that one provider can express the definition.
    for (_, findings) in at_providers.iter_mut().filter(|(_, findings)| provider.is_none() && is_wrong(findings)) {
        findings.retain(Finding::is_error);
    }
    let wrong = is_wrong(&rules) || at_providers.iter().all(|(_, findings)| is_wrong(findings));
    let shown = std::iter::once((None, &rules)).chain(at_providers.iter().map(|(which, found)| (Some(which), found)));
    for (name, findings) in shown {
        if as_json {
            for finding in findings {
                let place = loaded.places.of(&finding.path);
                let line = json!({
                    "severity": finding.severity.name(), "code": finding.code, "path": finding.path, "line": place.line,
                    "column": place.column, "message": finding.message, "hint": finding.hint,
                    "provider": name.map(|name| name.to_string()),
                });
                data(&line)?;
            }
        } else if !findings.is_empty() {
            line(&loaded.show(findings, false))?;
        }
    }
    if as_json {
        return Ok(if wrong { Exit::Wrong } else { Exit::Done });
    }
    if wrong {
        return Ok(Exit::Wrong);
    }
    for (name, _) in at_providers.iter().filter(|(_, findings)| !is_wrong(findings)) {
        line(&format!("{name} supports this template"))?;
    }
    line(&format!("{}: {}", loaded.definition.name, summary(&loaded)))?;
    Ok(Exit::Done)
}

/// Returns a definition that is valid and that this provider can express. Prints its warnings.
fn checked(file: &Path, which: TemplateProvider, global: &Global) -> Result<Loaded, CliError> {
    let loaded = template::read(file)?;
    let mut findings = template::check(&loaded.definition);
    findings.extend(translate(&loaded.definition, which));
    if is_wrong(&findings) {
        let shown = loaded.show(&findings, terminal::has_color());
        return Err(CliError::new(Exit::Wrong, loaded.tell(&findings)).shown(shown));
    }
    if !global.quiet {
        if !findings.is_empty() {
            console::info(&loaded.show(&findings, false));
        }
        console::info(&format!("checked: {}", summary(&loaded)));
    }
    Ok(loaded)
}

fn summary(loaded: &Loaded) -> String {
    let definition = &loaded.definition;
    let parts: Vec<&str> = definition.components.iter().map(template::Component::kind).collect();
    format!("{} in {}, {}", definition.category.as_str(), definition.language, parts.join(", "))
}

/// Says that the store still has a template as it was before a change, if it was pulled.
async fn tell_of_saved(provider: TemplateProvider, name: &str, global: &Global) {
    let is_saved = async {
        let Some(store) = Store::open_if_there(&global.db).await? else { return Ok(false) };
        let saved = store.templates(provider, name).await?;
        store.close().await?;
        Ok::<_, StoreError>(!saved.is_empty())
    };
    // The change is made, whatever the state of the store.
    if !global.quiet && is_saved.await.unwrap_or_default() {
        console::info(&format!(
            "campaigns are still checked against `{name}` as it was pulled before this change; to pull it again: \
             {} templates pull --provider {} {name}",
            global.command(),
            provider.as_str(),
        ));
    }
}

fn print_answer(what: &str, at: &At, loaded: &Loaded, answer: &ChangeAnswer) -> Result<(), CliError> {
    if at.json {
        return data(&json!(answer));
    }
    line(&format!("{what}: {} in {}{}", loaded.definition.name, loaded.definition.language, details(answer)))
}

fn details(answer: &ChangeAnswer) -> String {
    let id = answer.id.iter().map(|id| format!(", id {id}"));
    let request = answer.request_id.iter().map(|id| format!(", request {id}"));
    let found = answer
        .found_afterwards
        .then(|| "; the answer was lost, but a check showed that the change was made".to_owned());
    id.chain(request).chain(found).collect()
}
