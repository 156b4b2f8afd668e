//! Gathers everything that the campaign needs, from flags, guesses and answers. Nothing is written before it is
//! complete.

use std::fs::{self, DirBuilder, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::campaign_file::{self, name_from, parse_name, parse_start};
use crate::cli::config;
use crate::cli::config::file::ProviderKind;
use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::cli::init::asker::{Asker, missing, not_empty, wrong};
use crate::cli::init::campaign_text::{self, CampaignContent};
use crate::cli::init::guess::Guess;
use crate::cli::init::options::{NewSchedule, Options, Start, channel, rate, start, timezone};
use crate::cli::init::skeleton::SKELETON;
use crate::cli::init::template::Message;
use crate::cli::init::{list, numbers, template};
use crate::cli::session::load;
use crate::model::{Channel, Millis, TemplateProvider, When, Zone};
use crate::store::Store;
use crate::text::shell_word;

/// The name of a campaign whose list has no usable one.
const NAMELESS: &str = "campaign";
/// The provider of a campaign that names none.
const SIMULATOR: &str = "simulator";

/// A complete campaign that is not written yet.
pub(in crate::cli) struct Draft {
    /// The campaign file.
    pub(in crate::cli) file: PathBuf,
    /// The template that has to be pulled before the campaign can be checked.
    pub(in crate::cli) pull: Option<(TemplateProvider, String)>,
    /// Whether the campaign's messages reach people.
    pub(in crate::cli) is_real: bool,
    /// Whether the campaign starts automatically.
    pub(in crate::cli) is_scheduled: bool,
    /// Whether a person has to complete its message.
    pub(in crate::cli) is_open: bool,
    text: String,
}

/// Gathers the campaign that will be written into `folder`, and validates it.
///
/// # Errors
/// When a flag is missing or wrong, the list cannot be read, the campaign would not be valid, or the file exists.
pub(in crate::cli) async fn gather(folder: &Path, options: &Options, global: &Global) -> Result<Draft, CliError> {
    if folder.exists() && !folder.is_dir() {
        let path = folder.display().to_string();
        let hint = match options.list {
            Some(_) => "name a folder, or leave it out".to_owned(),
            None => format!("to use it as the list, pass `--list {}`", shell_word(&path)),
        };
        return Err(wrong(format!("{path} is a file, not a folder; {hint}")));
    }
    let asker = Asker::new(global.quiet);
    if let Some(provider) = &options.provider {
        config::known(provider, global).await?;
    }
    if matches!(options.schedule, Some(Start::At(_) | Start::Cron(_))) && options.timezone.is_none() && !asker.can_ask()
    {
        return Err(missing("the schedule has no time zone", "--timezone ZONE, such as Asia/Hong_Kong"));
    }
    let list = list::open(options, folder, asker)?;
    let name = name(&list, folder, options, asker)?;
    let numbers = numbers::find(&list, options, asker)?;
    let (provider, kind) = provider(options, asker, global).await?;
    let channel = match options.channel {
        Some(channel) => Guess::given(channel),
        None if asker.can_ask() => {
            Guess::given(asker.ask("the channel (whatsapp, viber or rcs)", "whatsapp", channel)?)
        }
        None => Guess::made(Channel::Whatsapp, "the channel, because --channel was not given".to_owned()),
    };
    let message = template::choose(channel.value, &list, numbers.to.value, options, asker, global).await?;
    let rate = match &options.rate {
        Some(rate) => Guess::given(rate.clone()),
        None if asker.can_ask() => Guess::given(asker.ask("the maximum rate", "80/s", rate)?),
        None => Guess::made("80/s".to_owned(), "the rate, because --rate was not given".to_owned()),
    };
    let schedule = schedule(options, asker)?;
    let pull = match &message {
        Message::Template(message) => message.from.map(|from| (from, message.name.clone())),
        Message::Text(_) => None,
    };
    let file = file_in(folder, &name.value);
    let (is_real, is_open) = (kind != ProviderKind::Simulator, message.is_open());
    let api = config::api(&provider.value, global).await?;
    let is_scheduled = schedule.is_some();
    let content = CampaignContent { api, name, provider, is_real, channel, list, numbers, message, rate, schedule };
    let text = campaign_text::write(&content, &file)?;
    validate(&text, &file, is_open, global).await?;
    Ok(Draft { file, pull, is_real, is_scheduled, is_open, text })
}

/// Returns the provider's name and what it is.
async fn provider(options: &Options, asker: Asker, global: &Global) -> Result<(Guess<String>, ProviderKind), CliError> {
    if let Some(provider) = &options.provider {
        return Ok((Guess::given(provider.clone()), config::known(provider, global).await?));
    }
    if !asker.can_ask() {
        let guess = Guess::made(SIMULATOR.to_owned(), "the provider, because --provider was not given".to_owned());
        return Ok((guess, config::known(SIMULATOR, global).await?));
    }
    let question = format!("the provider ({})", config::names(global).await?.join(", "));
    loop {
        let provider = asker.ask(&question, SIMULATOR, |answer| Ok(answer.to_owned()))?;
        match config::known(&provider, global).await {
            Ok(kind) => return Ok((Guess::given(provider), kind)),
            Err(unknown) => asker.show(&unknown.words),
        }
    }
}

/// Returns when the campaign starts automatically, if it does.
fn schedule(options: &Options, asker: Asker) -> Result<Option<NewSchedule>, CliError> {
    let start = match &options.schedule {
        Some(start) => start.clone(),
        None if asker.can_ask() => {
            asker.show(
                "`campaigner serve` can start the campaign at a given time, such as 2027-01-31T09:00, or on a cron schedule, such \
                 as 0 9 * * MON",
            );
            asker.ask("when the campaign starts (empty: no schedule)", "", start)?
        }
        None => Start::Never,
    };
    if matches!(start, Start::Never) {
        return Ok(None);
    }
    let timezone = match &options.timezone {
        Some(timezone) => timezone.clone(),
        None => asker.ask("the time zone of the schedule (such as Asia/Hong_Kong)", "", |answer| {
            not_empty(answer).and_then(|answer| timezone(&answer))
        })?,
    };
    match start {
        Start::At(at) if is_past(&at, &timezone) => {
            let words = format!("{at} in {timezone} has passed");
            if options.schedule.is_some() {
                return Err(wrong(format!("--schedule: {words}; nothing was written")));
            }
            asker.show(&words);
            schedule(options, asker)
        }
        start => Ok(Some(NewSchedule { start, timezone })),
    }
}

/// Whether a date and time has passed in a time zone.
fn is_past(at: &str, timezone: &str) -> bool {
    let now = Zone::named(Some(timezone)).clock(Millis::now());
    matches!(parse_start(at), Ok(When::At(at)) if at <= now)
}

/// Checks the campaign as `check` does, apart from its rows and from a template that is not in the store yet.
async fn validate(text: &str, file: &Path, is_open: bool, global: &Global) -> Result<(), CliError> {
    let loaded = campaign_file::parse(text, file)?;
    let store = Store::open_if_there(&global.db).await?;
    if is_open {
        // `check` names what is to do.
        return Ok(());
    }
    let mut loaded = load::through(loaded, None, global).await?;
    loaded.campaign.definition = None;
    match load::plan(&loaded, store.as_ref(), global).await {
        Ok(_) => Ok(()),
        Err(failure) => {
            let note = "nothing was written, because `check` would refuse the campaign";
            let with_note = |words: &String| format!("{note}\n{words}");
            let (words, shown) = (with_note(&failure.words), failure.shown.as_ref().map(with_note));
            Err(CliError { words, shown, ..failure })
        }
    }
}

/// Returns the campaign's name, for which no file exists yet.
fn name(list: &list::SampledList, folder: &Path, options: &Options, asker: Asker) -> Result<Guess<String>, CliError> {
    let is_free = |name: &str| {
        let file = file_in(folder, name);
        match file.symlink_metadata().is_ok() {
            true => Err(format!("{} already exists and will not be overwritten", file.display())),
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
        .map(|name| Guess { value: name, why: Some("the campaign is named after the list".to_owned()) })
        .map_err(|words| wrong(format!("{words}; pass --name")))
}

/// Returns the path of a campaign file.
fn file_in(folder: &Path, name: &str) -> PathBuf {
    let file = PathBuf::from(format!("{name}.yaml"));
    if folder == Path::new(".") { file } else { folder.join(file) }
}

impl Draft {
    /// Writes the campaign file, and a `campaigner.toml` where it is read if there is none. Never overwrites a file.
    /// Returns the files that were written.
    ///
    /// # Errors
    /// When one cannot be written; then none is left.
    pub(in crate::cli) fn write(&self, global: &Global) -> Result<Vec<PathBuf>, CliError> {
        if let Some(folder) = self.file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            DirBuilder::new().recursive(true).create(folder).map_err(|error| unwritable(folder, &error))?;
        }
        write_new(&self.file, &self.text, 0o666)?;
        let mut written = vec![self.file.clone()];
        let configuration = Path::new("campaigner.toml");
        if global.config.is_none() && configuration.symlink_metadata().is_err() {
            if let Err(failed) = write_new(configuration, SKELETON, 0o600) {
                remove(&written);
                return Err(failed);
            }
            written.push(configuration.to_owned());
        }
        Ok(written)
    }
}

/// Removes files that this command wrote.
pub(in crate::cli) fn remove(written: &[PathBuf]) {
    for file in written {
        let _ = fs::remove_file(file);
    }
}

fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), CliError> {
    let file = File::options().write(true).create_new(true).mode(mode).open(path);
    let mut file = file.map_err(|error| unwritable(path, &error))?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|error| {
        // It is this command's own file, and incomplete.
        let _ = fs::remove_file(path);
        unwritable(path, &error)
    })
}

fn unwritable(path: &Path, error: &std::io::Error) -> CliError {
    CliError::new(Exit::Environment, format!("cannot write {}: {error}", path.display()))
}
