//! `campaigner templates`: what the providers of templates have, and what a definition would make of it.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};

use super::desks::{self, failure};
use super::exit::{Exit, Failure};
use super::{Global, cannot_print, pull, screen};
use crate::model::TemplateProvider;
use crate::template::{self, Answer, Definition, Finding, Listed, Loaded, cams, nxlink};

/// What `templates` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Args)]
struct At {
    /// Whose templates
    #[arg(long, value_enum)]
    provider: TemplateProvider,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Named {
    /// The template's name
    name: String,
    /// Its language, where there are several
    #[arg(long)]
    language: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// All templates of the account
    List {
        #[command(flatten)]
        at: At,
        /// Only those that the provider finds for this name
        #[arg(long)]
        name: Option<String>,
    },
    /// One template, as a definition
    Show {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        at: At,
    },
    /// Keep what the templates are like in the store, for campaigns with `definition: {from: …}` to be held against
    Pull {
        /// Only those with these names; all of the account if left out
        names: Vec<String>,
        #[command(flatten)]
        at: At,
    },
    /// Hold a definition against the documented rules, and against what a provider can express; nothing is sent
    Check {
        /// The definition
        file: PathBuf,
        /// For this provider; if left out, it is enough that one of them can express it
        #[arg(long, value_enum)]
        provider: Option<TemplateProvider>,
        /// As JSON, one finding a line
        #[arg(long)]
        json: bool,
    },
    /// Make a template of a definition
    Create {
        /// The definition
        file: PathBuf,
        #[command(flatten)]
        at: At,
    },
    /// Change the template of a definition's name and language
    Update {
        /// The definition
        file: PathBuf,
        #[command(flatten)]
        at: At,
    },
    /// Delete a template, after a person's yes
    Delete {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        at: At,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// What an update would change; exit code 3 if anything
    Diff {
        /// The definition
        file: PathBuf,
        #[command(flatten)]
        at: At,
    },
}

fn data(json: &Value) -> Result<(), Failure> {
    screen::data(json).map_err(cannot_print)
}

fn line(sentence: &str) -> Result<(), Failure> {
    screen::line(sentence).map_err(cannot_print)
}

pub(super) async fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    match &args.action {
        Action::List { at, name } => {
            let list = desks::desk(at.provider, global).await?.list(name.as_deref()).await.map_err(failure)?;
            if at.json {
                data(&json!(list))?;
            } else {
                table(&list)?;
            }
        }
        Action::Show { named, at } => {
            let desk = desks::desk(at.provider, global).await?;
            let shown = desk.show(&named.name, named.language.as_deref()).await.map_err(failure)?;
            if at.json {
                let value = json!({
                    "template": shown.listed, "definition": shown.definition, "complete": shown.complete,
                });
                data(&value)?;
            } else {
                let Listed { id, status, reason, .. } = &shown.listed;
                line(&format!("# {id}, {status}{}", reason.iter().map(|r| format!(": {r}")).collect::<String>()))?;
                // JSON is YAML too: what is shown can be kept as a definition file.
                let text = serde_json::to_string_pretty(&shown.definition).unwrap_or_default();
                screen::stream(&text).map_err(cannot_print)?;
                if !shown.complete {
                    screen::say(
                        "NXLink's answer does not tell whether there is a header or a footer: before a template is made of \
                         this, add what is missing",
                    );
                }
                for finding in translate(&shown.definition, at.provider).iter().filter(|finding| finding.is_error()) {
                    screen::say(&format!("{} did not tell all: {finding}", at.provider));
                }
            }
        }
        Action::Pull { names, at } => return pull::pull(at.provider, names, at.json, global).await,
        Action::Check { file, provider, json } => return check(file, *provider, *json),
        Action::Create { file, at } => {
            let loaded = checked(file, at.provider, global)?;
            let desk = desks::desk(at.provider, global).await?;
            answered("made", at, &loaded, &desk.create(&loaded.definition).await.map_err(failure)?)?;
        }
        Action::Update { file, at } => {
            let loaded = checked(file, at.provider, global)?;
            let desk = desks::desk(at.provider, global).await?;
            answered("changed", at, &loaded, &desk.update(&loaded.definition).await.map_err(failure)?)?;
        }
        Action::Delete { named, at, yes } => {
            let desk = desks::desk(at.provider, global).await?;
            let listed = desk.find(&named.name, named.language.as_deref()).await.map_err(failure)?;
            let question = format!("delete {} in {} ({}, {})?", listed.name, listed.language, listed.id, listed.status);
            if !yes {
                if !screen::can_ask() {
                    return Err(Failure::new(Exit::Wrong, format!("{question} There is nobody to ask: use --yes")));
                }
                if !screen::ask(&question) {
                    return Ok(Exit::Wrong);
                }
            }
            let answer = desk.delete(&listed).await.map_err(failure)?;
            if at.json {
                data(&json!(answer))?;
            } else {
                line(&format!("deleted: {} in {}{}", listed.name, listed.language, details(&answer)))?;
            }
        }
        Action::Diff { file, at } => {
            let loaded = checked(file, at.provider, global)?;
            let desk = desks::desk(at.provider, global).await?;
            let definition = &loaded.definition;
            let shown = desk.show(&definition.name, Some(&definition.language)).await.map_err(failure)?;
            let changes = desk.diff(&shown, definition);
            if at.json {
                let change = |change: &template::Change| json!({"what": change.what, "before": change.before, "after": change.after});
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
                screen::say("NXLink's answer does not tell header and footer: they are not compared");
            }
            return Ok(if changes.is_empty() { Exit::Done } else { Exit::SomeFailed });
        }
    }
    Ok(Exit::Done)
}

/// A table of templates, as wide as what is in it.
pub(super) fn table(list: &[Listed]) -> Result<(), Failure> {
    let head = ["ID", "NAME", "LANGUAGE", "CATEGORY", "STATUS"].map(str::to_owned);
    let row = |listed: &Listed| {
        let reason = listed.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let Listed { id, name, language, category, status, .. } = listed;
        [id.clone(), name.clone(), language.clone(), category.clone(), format!("{status}{reason}")]
    };
    let rows: Vec<[String; 5]> = std::iter::once(head).chain(list.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3].map(width);
    for row in &rows {
        let mut text = String::new();
        for (cell, width) in row.iter().zip(widths) {
            text.push_str(&format!("{cell:<width$}  "));
        }
        line(&format!("{text}{}", row[4]))?;
    }
    Ok(())
}

/// What is to say of a definition at a provider, beside the rules that bind both.
fn translate(definition: &Definition, which: TemplateProvider) -> Vec<Finding> {
    let translated = match which {
        TemplateProvider::Nxlink => nxlink::to_request(definition, 0),
        TemplateProvider::Cams => cams::to_request(definition),
    };
    translated.map_or_else(|findings| findings, |translated| translated.warnings)
}

fn is_wrong(findings: &[Finding]) -> bool {
    findings.iter().any(Finding::is_error)
}

fn check(file: &Path, provider: Option<TemplateProvider>, as_json: bool) -> Result<Exit, Failure> {
    let loaded = template::read(file)?;
    let rules = template::check(&loaded.definition);
    let chosen = TemplateProvider::ALL.into_iter().filter(|which| provider.is_none_or(|provider| provider == *which));
    let mut at_providers: Vec<_> = chosen.map(|which| (which, translate(&loaded.definition, which))).collect();
    // Where none is named, one that can express it will do.
    for (_, findings) in at_providers.iter_mut().filter(|(_, findings)| provider.is_none() && is_wrong(findings)) {
        findings.retain(Finding::is_error);
    }
    let wrong = is_wrong(&rules) || at_providers.iter().all(|(_, findings)| is_wrong(findings));
    let shown = std::iter::once((None, &rules)).chain(at_providers.iter().map(|(which, found)| (Some(which), found)));
    for (name, findings) in shown {
        if as_json {
            for finding in findings {
                let place = loaded.places.of(&finding.path);
                let severity = if finding.is_error() { "error" } else { "warning" };
                let line = json!({
                    "severity": severity, "code": finding.code, "path": finding.path, "line": place.line,
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
        line(&format!("{name} can express it"))?;
    }
    line(&format!("{}: {}", loaded.definition.name, summary(&loaded)))?;
    Ok(Exit::Done)
}

/// A definition that is right, and that this provider can express. Warnings are told, what is left out among them.
fn checked(file: &Path, which: TemplateProvider, global: &Global) -> Result<Loaded, Failure> {
    let loaded = template::read(file)?;
    let mut findings = template::check(&loaded.definition);
    findings.extend(translate(&loaded.definition, which));
    if is_wrong(&findings) {
        let shown = loaded.show(&findings, screen::has_color());
        return Err(Failure::new(Exit::Wrong, loaded.tell(&findings)).shown(shown));
    }
    if !global.quiet {
        if !findings.is_empty() {
            screen::say(&loaded.show(&findings, false));
        }
        screen::say(&format!("checked: {}", summary(&loaded)));
    }
    Ok(loaded)
}

fn summary(loaded: &Loaded) -> String {
    let definition = &loaded.definition;
    let parts: Vec<&str> = definition.components.iter().map(template::Component::kind).collect();
    format!("{} in {}, {}", definition.category.as_str(), definition.language, parts.join(", "))
}

fn answered(what: &str, at: &At, loaded: &Loaded, answer: &Answer) -> Result<(), Failure> {
    if at.json {
        return data(&json!(answer));
    }
    line(&format!("{what}: {} in {}{}", loaded.definition.name, loaded.definition.language, details(answer)))
}

fn details(answer: &Answer) -> String {
    let id = answer.id.iter().map(|id| format!(", id {id}"));
    let request = answer.request_id.iter().map(|id| format!(", request {id}"));
    let found = answer.found_afterwards.then(|| "; the answer was lost, and a look showed that it was done".to_owned());
    id.chain(request).chain(found).collect()
}
