//! Writes the campaign file as text, with a comment at every guess.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cli::error::CliError;
use crate::cli::init::asker::wrong;
use crate::cli::init::guess::{GUESSED, Guess, TO_DO};
use crate::cli::init::list::SampledList;
use crate::cli::init::numbers::NumberColumn;
use crate::cli::init::options::{NewSchedule, Start};
use crate::cli::init::slots::{Slot, SlotPlace, value_of};
use crate::cli::init::template::{Message, TemplateMessage};
use crate::model::{Channel, ProviderApi, Source};
use crate::text::{escaped, escaped_json, shell_word};

/// Everything that the campaign file says.
pub(super) struct CampaignContent {
    /// The API of the provider.
    pub(super) api: ProviderApi,
    pub(super) name: Guess<String>,
    pub(super) provider: Guess<String>,
    /// Whether people get its messages.
    pub(super) is_real: bool,
    pub(super) channel: Guess<Channel>,
    pub(super) list: SampledList,
    pub(super) numbers: NumberColumn,
    pub(super) message: Message,
    pub(super) rate: Guess<String>,
    pub(super) schedule: Option<NewSchedule>,
}

/// Returns the text of the campaign, which will be written to `file`.
pub(super) fn write(content: &CampaignContent, file: &Path) -> Result<String, CliError> {
    let mut text = String::new();
    let mut line = |words: &str| {
        text.push_str(words);
        text.push('\n');
    };
    let shown = escaped(&shell_word(&file.display().to_string())).into_owned();
    line("# Written by `campaigner init`. Check each comment that says \"guessed\", then remove it.");
    line("#");
    line(&format!("#   campaigner check   {shown}"));
    line(&format!("#   campaigner preview {shown} --row 1 --pretty"));
    line(&format!("#   campaigner test    {shown} --to NUMBER    sends one message to your own number"));
    line(&format!("#   campaigner run     {shown}"));
    guessed(&mut line, "", &content.name.why);
    line(&format!("name: {}", scalar(&content.name.value)));
    let note =
        if content.is_real { " # sends to real people" } else { " # through a simulator, nobody gets a message" };
    guessed(&mut line, "", &content.provider.why);
    line(&format!("provider: {}{note}", scalar(&content.provider.value)));
    guessed(&mut line, "", &content.channel.why);
    line(&format!("channel: {}", content.channel.value));
    if let Message::Template(TemplateMessage { from: Some(from), language, .. }) = &content.message {
        let language = language.as_ref().map(|language| format!(", language: {}", quoted(language)));
        line("# every message is checked against the template as `campaigner templates pull` stored it");
        line(&format!("definition: {{from: {}{}}}", from.as_str(), language.unwrap_or_default()));
    }
    recipients(&mut line, content, file)?;
    line("message: # the request body from the provider's documentation, without `to`");
    match &content.message {
        Message::Text(words) => {
            line("  type: text");
            line(&format!("  text: {}", quoted(words)));
        }
        Message::Template(template) => write_template(&mut line, template, content.api),
    }
    line("dispatch:");
    guessed(&mut line, "  ", &content.rate.why);
    line(&format!("  rate: {} # maximum, per provider account", scalar(&content.rate.value)));
    if !content.is_real {
        line(
            "# The simulator reports statuses within seconds. Remove the next line before you send through a real provider.",
        );
        line("reconcile: {after: 1s, every: 1s, for: 20s}");
    }
    line("# When messages may be sent; docs/campaign-file.md lists all keys.");
    line("# timezone: Asia/Hong_Kong");
    line("# window: \"09:00-20:00\"");
    line("# not_after: 2027-01-31T18:00");
    let note = "# for `campaigner serve`; docs/schedules.md";
    let schedule = content.schedule.as_ref().and_then(|NewSchedule { start, timezone }| match start {
        Start::Never => None,
        Start::At(at) => Some(format!("at: {}, timezone: {}", quoted(at), scalar(timezone))),
        Start::Cron(cron) => Some(format!("cron: {}, timezone: {}", quoted(cron), scalar(timezone))),
    });
    match schedule {
        Some(schedule) => line(&format!("schedule: {{{schedule}}} {note}")),
        None => line(&format!("# schedule: {{at: 2027-01-31T09:00, timezone: Asia/Hong_Kong}} {note}")),
    }
    Ok(text)
}

fn recipients(line: &mut impl FnMut(&str), content: &CampaignContent, file: &Path) -> Result<(), CliError> {
    let CampaignContent { list, numbers, .. } = content;
    line("recipients:");
    match &list.source {
        Source::Sheet { path, name } => {
            line(&format!("  xlsx: {}", scalar(&reference(path, file)?)));
            if let Some(name) = name {
                line(&format!("  sheet: {}", quoted(name)));
            }
        }
        Source::Csv(path) => line(&format!("  csv: {}", scalar(&reference(path, file)?))),
        Source::Inline(_) => {}
    }
    if let Some(encoding) = list.reading.encoding {
        line(&format!("  encoding: {}", encoding.name().to_lowercase()));
    }
    guessed(line, "  ", &numbers.to.why);
    line(&format!("  to: {} # the column that holds the number", scalar(list.name(numbers.to.value))));
    guessed(line, "  ", &numbers.region.why);
    match &numbers.region.value {
        Some(region) => {
            line(&format!("  region: {} # read national numbers as numbers of this region", quoted(region)))
        }
        None => line("  # region: HK # without a region, every number needs its country code"),
    }
    Ok(())
}

fn write_template(line: &mut impl FnMut(&str), template: &TemplateMessage, api: ProviderApi) {
    line("  type: template");
    for open in &template.open {
        line(&format!("  {TO_DO}fill in {}; docs/messages.md says how", escaped(open)));
    }
    guessed(line, "  ", &template.why_none);
    line("  template:");
    line(&format!("    name: {}", scalar(&template.name)));
    // A definition has the language already, and INCS needs none in the message.
    if let Some(language) = &template.language
        && (template.from.is_none() || api == ProviderApi::Meta)
    {
        line(&format!("    language: {{code: {}}}", quoted(language)));
    }
    if template.filled.is_empty() {
        return;
    }
    line("    components:");
    let mut places: Vec<SlotPlace> = Vec::new();
    for (slot, _) in &template.filled {
        if !places.contains(&slot.place) {
            places.push(slot.place);
        }
    }
    places.sort_by_key(|place| match place {
        SlotPlace::Header => 0,
        SlotPlace::Body => 1,
        SlotPlace::Button(at) => at + 2,
    });
    for place in places {
        match place {
            SlotPlace::Header => line("      - type: header"),
            SlotPlace::Body => line("      - type: body"),
            SlotPlace::Button(at) => {
                line("      - type: button");
                line("        sub_type: url");
                line(&format!("        index: \"{at}\""));
            }
        }
        line("        parameters:");
        for (slot, column) in template.filled.iter().filter(|(slot, _)| slot.place == place) {
            let (text, to_do) = match column {
                Some(column) => {
                    guessed(line, "          ", &column.why);
                    (value_of(&column.value), String::new())
                }
                // `check` refuses an empty text.
                None => {
                    let words = format!("the list has no column for {}; write the value here", slot.words());
                    (String::new(), format!(" {TO_DO}{}", escaped(&words)))
                }
            };
            line(&format!("          - {{type: text{}, text: {}}}{to_do}", name_of(slot), quoted(&text)));
        }
    }
}

/// Returns the name of a parameter, if its variable has one. Buttons have none.
fn name_of(slot: &Slot) -> String {
    let name = slot.name().filter(|_| matches!(slot.place, SlotPlace::Header | SlotPlace::Body));
    name.map(|name| format!(", parameter_name: {}", scalar(name))).unwrap_or_default()
}

fn guessed(line: &mut impl FnMut(&str), indent: &str, why: &Option<String>) {
    if let Some(why) = why {
        line(&format!("{indent}{GUESSED}{}", escaped(why)));
    }
}

/// Returns the path of the list as written in the campaign: relative if the list is in the campaign's folder or below
/// it, else absolute.
fn reference(list: &Path, file: &Path) -> Result<String, CliError> {
    let unusable = || wrong(format!("the path {} is not UTF-8; rename the list", list.display()));
    let (parent, name) = (folder_of(list), list.file_name().ok_or_else(unusable)?);
    let parent = real(parent);
    let path = match parent.strip_prefix(real(folder_of(file))) {
        Ok(below) => below.join(name),
        Err(_) => parent.join(name),
    };
    path.into_os_string().into_string().map_err(|_| unusable())
}

/// Returns the folder that a file is in.
fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn real(folder: &Path) -> PathBuf {
    folder.canonicalize().or_else(|_| std::path::absolute(folder)).unwrap_or_else(|_| folder.to_owned())
}

/// Returns a text as YAML: without quotes if it can only be that text.
fn scalar(text: &str) -> String {
    const OTHER_MEANINGS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let mut characters = text.chars();
    let is_plain = characters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && characters.all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
    // A rate starts with a digit and has a slash.
    let is_rate = text.contains('/') && text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains([' ', ':']);
    match is_plain && !OTHER_MEANINGS.contains(&text.to_lowercase().as_str()) || is_rate {
        true => text.to_owned(),
        false => quoted(text),
    }
}

/// Returns a text as YAML in double quotes, which is JSON.
fn quoted(text: &str) -> String {
    escaped_json(&Value::from(text).to_string()).into_owned()
}
