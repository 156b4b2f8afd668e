//! Chooses the message: a template, with its definition if a provider has it, or a text.

use crate::cli::config::template_accounts;
use crate::cli::error::CliError;
use crate::cli::global::Global;
use crate::cli::init::asker::{Asker, missing, not_empty, wrong};
use crate::cli::init::guess::Guess;
use crate::cli::init::list::SampledList;
use crate::cli::init::options::Options;
use crate::cli::init::slots::{self, Slot, SlotPlace};
use crate::model::{Channel, TemplateProvider};
use crate::provider::TemplateApi;
use crate::template::placeholders::names;
use crate::template::{ButtonKind, Category, Component, Definition, TemplateSummary};
use crate::text::{self, escaped_name, nearest};

/// The most templates that are listed on the screen.
const LISTED: usize = 30;

/// The message of the campaign.
pub(super) enum Message {
    Template(TemplateMessage),
    /// A text, in which `{{ column }}` inserts a value.
    Text(String),
}

/// A message with a template.
pub(super) struct TemplateMessage {
    pub(super) name: String,
    pub(super) language: Option<String>,
    /// The provider that has its definition.
    pub(super) from: Option<TemplateProvider>,
    /// Its variables, each with its column. A variable without a column is left for a person to fill in.
    pub(super) filled: Vec<(Slot, Option<Guess<String>>)>,
    /// What else it needs.
    pub(super) open: Vec<String>,
    /// Why it has no variables, if that is a guess.
    pub(super) why_none: Option<String>,
}

impl Message {
    /// Whether a person has to complete it in the file.
    pub(super) fn is_open(&self) -> bool {
        match self {
            Self::Template(message) => {
                !message.open.is_empty() || message.filled.iter().any(|(_, column)| column.is_none())
            }
            Self::Text(_) => false,
        }
    }
}

/// Chooses the message. `to` is the index of the column with the numbers.
pub(super) async fn choose(
    channel: Channel,
    list: &SampledList,
    to: usize,
    options: &Options,
    asker: Asker,
    global: &Global,
) -> Result<Message, CliError> {
    if let Some(text) = &options.text {
        return Ok(Message::Text(text.clone()));
    }
    if channel != Channel::Whatsapp {
        if options.template.is_some() {
            return Err(wrong(
                "--template works only with the channel whatsapp; pass --text TEXT instead (you can change the text in the file later)",
            ));
        }
        if !asker.can_ask() {
            return Err(missing("the message is missing", "--text TEXT"));
        }
        return asker.ask("the text (`{{ column }}` inserts a value)", "", not_empty).map(Message::Text);
    }
    let message = match at_providers(options, asker, global).await? {
        Some((api, provider, listed)) => with_definition(&api, provider, listed, list, to, options, asker).await?,
        None => without_definition(list, options, asker)?,
    };
    Ok(Message::Template(message))
}

/// Finds the template at the providers that are configured: the named one, or the one that a person chooses.
async fn at_providers(
    options: &Options,
    asker: Asker,
    global: &Global,
) -> Result<Option<(TemplateApi, TemplateProvider, TemplateSummary)>, CliError> {
    if options.template.is_none() && !asker.can_ask() {
        return Err(missing("the message is missing", "--template NAME or --text TEXT"));
    }
    let (mut lacking, mut names) = (Vec::new(), Vec::new());
    for provider in TemplateProvider::ALL {
        if !template_accounts::is_configured(provider, global).await? {
            continue;
        }
        let listing = async {
            let api = template_accounts::api(provider, global).await?;
            let listed = api.list(None).await.map_err(template_accounts::failure)?;
            Ok::<_, CliError>((api, listed))
        };
        let (api, mut listed) = match listing.await {
            Ok(found) => found,
            Err(failure) => {
                asker.show(&format!("warning: cannot list the templates in {provider}: {failure}"));
                continue;
            }
        };
        listed.retain(|listed| listed.sendable);
        let chosen = match &options.template {
            Some(name) => named(&listed, name, options.language.as_deref(), provider)?,
            None if listed.is_empty() => {
                asker.show(&format!("{provider} has no template that can be sent"));
                None
            }
            None => Some(chosen(&listed, provider, asker, global)?),
        };
        if let Some(chosen) = chosen {
            return Ok(Some((api, provider, chosen)));
        }
        lacking.push(provider.to_string());
        names.extend(listed.into_iter().map(|listed| listed.name));
    }
    let Some(name) = options.template.as_ref().filter(|_| !lacking.is_empty()) else { return Ok(None) };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let near = nearest(name, &names).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    let have = if lacking.len() == 1 { "has" } else { "have" };
    let providers = text::list(&lacking.iter().map(String::as_str).collect::<Vec<_>>());
    Err(wrong(format!("{providers} {have} no template `{}` that can be sent{near}", escaped_name(name))))
}

/// Returns the template with this name, if there is one.
fn named(
    listed: &[TemplateSummary],
    name: &str,
    language: Option<&str>,
    provider: TemplateProvider,
) -> Result<Option<TemplateSummary>, CliError> {
    let of_name: Vec<&TemplateSummary> = listed.iter().filter(|listed| listed.name == name).collect();
    let found: Vec<&&TemplateSummary> =
        of_name.iter().filter(|listed| language.is_none_or(|language| listed.language == language)).collect();
    match found.as_slice() {
        [one] => Ok(Some((**one).clone())),
        [] if of_name.is_empty() => Ok(None),
        [first, others @ ..] if !others.is_empty() && others.iter().all(|other| other.language == first.language) => {
            let (name, language, count) = (escaped_name(name), &first.language, found.len());
            Err(wrong(format!(
                "{provider} lists {count} templates named `{name}` in {language}; delete all but one there"
            )))
        }
        _ => {
            let languages: Vec<&str> = of_name.iter().map(|listed| listed.language.as_str()).collect();
            let (name, languages) = (escaped_name(name), text::list(&languages));
            Err(match language {
                Some(language) => {
                    wrong(format!("{provider} does not have the template `{name}` in {language}, only in {languages}"))
                }
                None => {
                    let words = format!("{provider} has the template `{name}` in {languages}");
                    missing(&words, "--language with one of these languages")
                }
            })
        }
    }
}

/// Lets a person choose a template, by its number or its name.
fn chosen(
    listed: &[TemplateSummary],
    provider: TemplateProvider,
    asker: Asker,
    global: &Global,
) -> Result<TemplateSummary, CliError> {
    let mut lines = vec![format!("templates in {provider} that can be sent:")];
    let shown = listed.iter().zip(1..).take(LISTED);
    lines.extend(shown.map(|(TemplateSummary { name, language, category, .. }, number)| {
        format!("{number:>4}  {name} ({language}, {category})")
    }));
    if listed.len() > LISTED {
        lines.push(format!(
            "      and {} more: {} templates list --provider {}",
            listed.len() - LISTED,
            global.command(),
            provider.as_str()
        ));
    }
    asker.show(&lines.join("\n"));
    let names: Vec<&str> = listed.iter().map(|listed| listed.name.as_str()).collect();
    asker.ask("the template (its number or name)", "", |answer| {
        let by_number = answer.parse::<usize>().ok().and_then(|number| listed.get(number.checked_sub(1)?));
        let of_name: Vec<&TemplateSummary> = listed.iter().filter(|listed| listed.name == answer).collect();
        match (of_name.as_slice(), by_number) {
            ([one], _) => Ok((*one).clone()),
            ([], Some(one)) => Ok(one.clone()),
            ([], None) => {
                let near = nearest(answer, &names).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                Err(format!("there is no such template{near}"))
            }
            _ => Err("it exists in several languages; choose it by its number".to_owned()),
        }
    })
}

async fn with_definition(
    api: &TemplateApi,
    provider: TemplateProvider,
    listed: TemplateSummary,
    list: &SampledList,
    to: usize,
    options: &Options,
    asker: Asker,
) -> Result<TemplateMessage, CliError> {
    let (name, language) = (listed.name.clone(), Some(listed.language.clone()));
    let shown = api.details(listed).await.map_err(template_accounts::failure)?;
    let (slots, open) = variables(&shown.definition);
    let columns = slots::fill(&slots, list, to, options, asker)?;
    let filled = slots.into_iter().zip(columns).collect();
    Ok(TemplateMessage { name, language, from: Some(provider), filled, open, why_none: None })
}

fn without_definition(list: &SampledList, options: &Options, asker: Asker) -> Result<TemplateMessage, CliError> {
    let name = match &options.template {
        Some(name) => name.clone(),
        None => asker.ask("the name of the template", "", not_empty)?,
    };
    let mut why_none = None;
    let columns = match &options.params {
        Some(named) => slots::columns(named, list).map_err(|words| slots::unknown_params(&words))?,
        None if asker.can_ask() => {
            asker.show(&format!(
                "name the columns for the variables of the template's body, in order and separated by commas; the list has {}",
                list.names()
            ));
            asker.ask("the columns (empty: no variables)", "", |answer| slots::columns(answer, list))?
        }
        None => {
            why_none = Some("no variables are filled, because --params was not given".to_owned());
            Vec::new()
        }
    };
    let slot = |column| (Slot { place: SlotPlace::Body, variable: None, example: None }, Some(Guess::given(column)));
    let filled = columns.into_iter().map(slot).collect();
    Ok(TemplateMessage { name, language: options.language.clone(), from: None, filled, open: Vec::new(), why_none })
}

/// Returns the variables of a template that a text fills, those of the body first, and the other parts that a message
/// has to give.
fn variables(definition: &Definition) -> (Vec<Slot>, Vec<String>) {
    let (mut slots, mut open) = (Vec::new(), Vec::new());
    if definition.category == Category::Authentication {
        open.push("the code".to_owned());
        return (slots, open);
    }
    for component in &definition.components {
        match component {
            Component::Body(body) => {
                let text = body.text.as_deref().unwrap_or_default();
                let slot = |name: &str| Slot {
                    place: SlotPlace::Body,
                    variable: Some(name.to_owned()),
                    example: body.example.of(name).map(str::to_owned),
                };
                slots.extend(names(text).into_iter().map(slot));
            }
            Component::Header(header) => match &header.text {
                Some(text) => slots.extend(names(text).into_iter().map(|name| Slot {
                    place: SlotPlace::Header,
                    variable: Some(name.to_owned()),
                    example: header.example.of(name).map(str::to_owned),
                })),
                None => open.push(format!("the header ({})", header.format.as_str())),
            },
            Component::Buttons { buttons } => {
                for (at, button) in buttons.iter().enumerate() {
                    match (button.kind, button.url.as_deref().map(names)) {
                        (ButtonKind::Url, Some(variables)) => slots.extend(variables.into_iter().map(|name| Slot {
                            place: SlotPlace::Button(at),
                            variable: Some(name.to_owned()),
                            example: button.example.first().cloned(),
                        })),
                        (ButtonKind::CopyCode | ButtonKind::Flow | ButtonKind::Catalog | ButtonKind::Mpm, _) => {
                            open.push(format!("button {} ({})", at + 1, button.kind.as_str()));
                        }
                        _ => {}
                    }
                }
            }
            Component::Footer(_) => {}
            Component::Carousel { .. } | Component::LimitedTimeOffer { .. } => {
                open.push(format!("the {}", component.kind().to_lowercase().replace('_', " ")));
            }
        }
    }
    slots.sort_by_key(|slot| slot.place != SlotPlace::Body);
    (slots, open)
}
