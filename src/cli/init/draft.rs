//! Gathers everything that the campaign needs, from flags, guesses and answers. Nothing is written before it is complete.

use std::fs::{self, DirBuilder, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::campaign_file::{self, name_from, parse_name};
use crate::cli::config;
use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::cli::init::asker::{Asker, wrong};
use crate::cli::init::campaign_text::{self, CampaignContent};
use crate::cli::init::guess::Guess;
use crate::cli::init::options::{Options, channel, rate};
use crate::cli::init::template::Message;
use crate::cli::init::{list, numbers, template};
use crate::model::{Channel, TemplateProvider};

/// The name of a campaign whose list has no usable one.
const NAMELESS: &str = "campaign";

/// A complete campaign that is not written yet.
pub(in crate::cli) struct Draft {
    /// The campaign file.
    pub(in crate::cli) file: PathBuf,
    /// The template that has to be pulled before the campaign can be checked.
    pub(in crate::cli) pull: Option<(TemplateProvider, String)>,
    /// Whether the campaign's messages reach people.
    pub(in crate::cli) is_real: bool,
    text: String,
}

/// Gathers the campaign that will be written into `folder`.
///
/// # Errors
/// When a flag is missing or wrong, the list cannot be read, or the file exists.
pub(in crate::cli) async fn gather(folder: &Path, options: &Options, global: &Global) -> Result<Draft, CliError> {
    if folder.exists() && !folder.is_dir() {
        return Err(wrong(format!("{} is not a folder", folder.display())));
    }
    let asker = Asker::new(global.quiet);
    if let Some(provider) = &options.provider {
        config::known(provider, global).await?;
    }
    let list = list::open(options, folder, asker)?;
    let name = name(&list, folder, options, asker)?;
    let numbers = numbers::find(&list, options, asker)?;
    let provider = match &options.provider {
        Some(provider) => provider.clone(),
        None if asker.can_ask() => loop {
            let question = "the provider (`incs` sends to real people)";
            let provider = asker.ask(question, "simulator", |answer| Ok(answer.to_owned()))?;
            match config::known(&provider, global).await {
                Ok(()) => break provider,
                Err(unknown) => asker.show(&unknown.words),
            }
        },
        None => "simulator".to_owned(),
    };
    let channel = match options.channel {
        Some(channel) => channel,
        None if asker.can_ask() => asker.ask("the channel (whatsapp, viber or rcs)", "whatsapp", channel)?,
        None => Channel::Whatsapp,
    };
    let message = template::choose(channel, &list, &numbers.to.value, options, asker, global).await?;
    let rate = match &options.rate {
        Some(rate) => rate.clone(),
        None if asker.can_ask() => asker.ask("the rate, at most", "80/s", rate)?,
        None => "80/s".to_owned(),
    };
    let pull = match &message {
        Message::Template(message) => message.from.map(|from| (from, message.name.clone())),
        Message::Text(_) => None,
    };
    let file = file_in(folder, &name.value);
    let is_real = provider != "simulator";
    let content = CampaignContent { name, provider, channel, list, numbers, message, rate };
    let text = campaign_text::write(&content, &file)?;
    // The campaign's own rules, before anything is written.
    campaign_file::parse(&text, &file)?;
    Ok(Draft { file, pull, is_real, text })
}

/// Returns the campaign's name, which is that of no existing file.
fn name(list: &list::SampledList, folder: &Path, options: &Options, asker: Asker) -> Result<Guess<String>, CliError> {
    let is_free = |name: &str| {
        let file = file_in(folder, name);
        match file.symlink_metadata().is_ok() {
            true => Err(format!("{} exists and is not overwritten", file.display())),
            false => Ok(name.to_owned()),
        }
    };
    if let Some(name) = &options.name {
        return is_free(name).map(Guess::given).map_err(|words| wrong(format!("{words}; pass another --name")));
    }
    let stem = list.source.path().and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
    let stem = stem.map(|stem| stem.trim_end_matches(".csv").to_owned());
    let derived = stem.as_deref().and_then(name_from).unwrap_or_else(|| NAMELESS.to_owned());
    if asker.can_ask() {
        let read = |answer: &str| parse_name(answer).map_err(|error| error.to_string()).and_then(|name| is_free(&name));
        return asker.ask("the name of the campaign", &derived, read).map(Guess::given);
    }
    is_free(&derived)
        .map(|name| Guess { value: name, why: Some("named after the list".to_owned()) })
        .map_err(|words| wrong(format!("{words}; pass --name")))
}

/// Returns the path of a campaign file.
fn file_in(folder: &Path, name: &str) -> PathBuf {
    let file = PathBuf::from(format!("{name}.yaml"));
    if folder == Path::new(".") { file } else { folder.join(file) }
}

impl Draft {
    /// Writes the campaign file, never over an existing one.
    pub(in crate::cli) fn write(&self) -> Result<(), CliError> {
        let failed = |error: std::io::Error| {
            CliError::new(Exit::Environment, format!("cannot write {}: {error}", self.file.display()))
        };
        if let Some(folder) = self.file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            DirBuilder::new().recursive(true).create(folder).map_err(failed)?;
        }
        let mut file = File::create_new(&self.file).map_err(failed)?;
        let written = file.write_all(self.text.as_bytes()).and_then(|()| file.sync_all());
        written.map_err(|error| {
            // It is this command's own file, and incomplete.
            let _ = fs::remove_file(&self.file);
            failed(error)
        })
    }
}
