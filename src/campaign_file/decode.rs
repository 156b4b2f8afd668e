//! Decodes a campaign from the YAML tree: every section, default and limit.
//!
//! All sections are read even if one is wrong, so that every problem is reported at once.

use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use crate::model::{
    Campaign, Channel, Dispatch, Halt, ProviderApi, Reconcile, Schedule, TemplateProvider, TemplateSource,
    WhenUncertain,
};
use crate::text::{list, nearest};
use crate::yaml::{FileProblem, FoundProblems, Node, Place, Places, Value};

use super::section::{Section, is_word, value};
use super::values::{
    BadValue, duration_within, number_within, parse_concurrency, parse_name, parse_rate, percent, word,
};
use super::{ValuePlaces, message_block, recipients, schedule, timing};

/// The default rate of a provider account, in messages per second.
const DEFAULT_RATE: NonZeroU32 = NonZeroU32::new(80).unwrap();
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
const DEFAULT_ATTEMPTS: u32 = 5;
const DEFAULT_AFTER: Duration = Duration::from_secs(60);
const DEFAULT_EVERY: Duration = Duration::from_secs(60);
const DEFAULT_HORIZON: Duration = Duration::from_secs(72 * 60 * 60);

/// Decodes the campaign of a tree. The CSV's path is relative to `folder`, that of the campaign file. Returns `None`
/// only if it added a problem.
pub(super) fn campaign(
    root: &Node<'_>,
    folder: &Path,
    problems: &mut FoundProblems,
) -> Option<(Campaign, Places, ValuePlaces)> {
    let top = Section::open("", Place::TOP, root, problems)?;
    let found = top.require("name", "`name: spring-sale`, or any other name", problems);
    let name = value("name", found, problems, parse_name);
    let found = top.require("provider", "`provider: simulator` to try things out, or `provider: incs`", problems);
    let provider = value("provider", found, problems, word);
    let found = top.require("channel", "`channel: whatsapp`, `viber` or `rcs`", problems);
    let channel = value("channel", found, problems, channel);
    let recipients = top
        .require("recipients", "`recipients:` with `csv: FILE.csv` and `to: phone` under it", problems)
        .and_then(|found| recipients::read(found, folder, top.has("schedule"), problems));
    let (recipients, columns) = recipients.unzip();
    let list = child(root, "recipients").unwrap_or(root);
    let place = |of: &Node<'_>, key| child(of, key).map_or(of.place, |node| node.place);
    let values = ValuePlaces {
        provider: place(root, "provider"),
        channel: place(root, "channel"),
        to: place(list, "to"),
        region: place(list, "region"),
    };
    let message = top
        .require("message", "`message:` with the provider's request body under it", problems)
        .and_then(|found| message_block::read(found, problems));
    let found = top.get("definition", problems);
    let definition = found.and_then(|found| definition(found, folder, problems));
    if let (Some((_, place)), Some(Channel::Viber | Channel::Rcs)) = (found, channel) {
        let message = "`definition` is a WhatsApp template, but this campaign is for another channel";
        problems.push(FileProblem::new("bad_value", place, message).hint("remove `definition`"));
    }
    let schedule_found = top.get("schedule", problems);
    let schedule = schedule_found.and_then(|found| schedule::read(found, problems));
    let found = top.get("dispatch", problems);
    let (dispatch, quota) = dispatch(found, problems);
    let found = top.get("reconcile", problems);
    let reconcile = reconcile(found, problems);
    let of_schedule = schedule.as_ref().map(Schedule::zone_name);
    let timing = timing::timing(&top, of_schedule, columns.unwrap_or_default(), quota, problems);

    let (message, places) = message?;
    if schedule_found.is_some() && schedule.is_none() {
        return None;
    }
    let campaign = Campaign {
        name: name?,
        provider: provider?,
        api: ProviderApi::default(),
        channel: channel?,
        recipients: recipients?,
        message,
        definition,
        schedule,
        dispatch,
        reconcile: reconcile?,
        timing,
    };
    Some((campaign, places, values))
}

/// Returns the value of a key.
fn child<'n, 'a>(node: &'n Node<'a>, key: &str) -> Option<&'n Node<'a>> {
    let Value::Map(entries) = &node.value else { return None };
    entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
}

fn channel(text: &str) -> Result<Channel, BadValue> {
    Channel::from_name(text).ok_or_else(|| {
        let names = Channel::ALL.map(Channel::as_str);
        let hint = nearest(text, &names)
            .map_or_else(|| format!("the channels are {}", list(&names)), |near| format!("did you mean `{near}`?"));
        BadValue::new(format!("unknown channel `{text}`"), hint)
    })
}

/// Reads `definition`: a file, or `from:` a provider.
fn definition(
    (node, key_place): (&Node<'_>, Place),
    folder: &Path,
    problems: &mut FoundProblems,
) -> Option<TemplateSource> {
    if !matches!(node.value, Value::Map(_)) {
        let file = value("definition", Some((node, key_place)), problems, word)?;
        return Some(TemplateSource::File(folder.join(file)));
    }
    let section = Section::open("definition", key_place, node, problems)?;
    let found = section.require("from", "`from: nxlink`, `from: cams` or `from: meta`", problems);
    let provider = value("from", found, problems, template_provider);
    let found = section.get("language", problems);
    let language = value("language", found, problems, word);
    (found.is_some() == language.is_some()).then_some(TemplateSource::At { provider: provider?, language })
}

fn template_provider(text: &str) -> Result<TemplateProvider, BadValue> {
    TemplateProvider::from_name(text).ok_or_else(|| {
        let names = TemplateProvider::ALL.map(TemplateProvider::as_str);
        let hint = nearest(text, &names).map_or_else(
            || format!("templates can be pulled from {}; for a file, write `definition: FILE`", list(&names)),
            |near| format!("did you mean `{near}`?"),
        );
        BadValue::new(format!("unknown template provider `{text}`"), hint)
    })
}

fn dispatch(found: Option<(&Node<'_>, Place)>, problems: &mut FoundProblems) -> (Dispatch, Option<NonZeroU32>) {
    let mut read = Optional::open("dispatch", found, problems);
    let (rate, per) = read.or("rate", (DEFAULT_RATE, Duration::from_secs(1)), parse_rate);
    let concurrency = read.or("concurrency", None, parse_concurrency);
    let timeout = read.or("timeout", DEFAULT_TIMEOUT, |text| duration_within(text, "1s", "10m"));
    let attempts = read.or("attempts", DEFAULT_ATTEMPTS, |text| number_within(text, 1..=100));
    let uncertain = read.or("uncertain", WhenUncertain::Hold, uncertain);
    let resend_after = read.or("resend_after", Dispatch::RESEND_AFTER, |text| duration_within(text, "1m", "7d"));
    let quota = read.get("quota");
    let halt = read.get("halt");
    let halt = self::halt(halt, problems);
    let quota = value("quota", quota, problems, timing::quota);
    (Dispatch { rate, per, concurrency, timeout, attempts, uncertain, resend_after, halt }, quota)
}

/// Reads `halt`: when refusals stop the run; `off` for never.
fn halt(found: Option<(&Node<'_>, Place)>, problems: &mut FoundProblems) -> Option<Halt> {
    if found.is_some_and(|(node, _)| is_word(node, "off")) {
        return None;
    }
    let usual = Halt::default();
    let mut read = Optional::open("halt", found, problems);
    let share = read.or("share", usual.share, percent);
    let over = read.or("over", usual.over, |text| number_within(text, 10..=10_000));
    let same_error = read.or("same_error", usual.same_error, |text| number_within(text, 1..=10_000));
    Some(Halt { share, over, same_error })
}

fn uncertain(text: &str) -> Result<WhenUncertain, BadValue> {
    match text {
        "hold" => Ok(WhenUncertain::Hold),
        "resend" => Ok(WhenUncertain::Resend),
        _ => Err(BadValue::new(
            format!("unknown value `{text}`"),
            "write `hold` to decide about such rows yourself, or `resend` to send them again, at the risk of a \
             duplicate",
        )),
    }
}

fn reconcile(found: Option<(&Node<'_>, Place)>, problems: &mut FoundProblems) -> Option<Reconcile> {
    let mut read = Optional::open("reconcile", found, problems);
    let after = read.or("after", DEFAULT_AFTER, |text| duration_within(text, "0s", "366d"));
    let every = read.or("every", DEFAULT_EVERY, |text| duration_within(text, "100ms", "366d"));
    let horizon = read.or("for", DEFAULT_HORIZON, |text| duration_within(text, "1s", "366d"));
    if horizon < after {
        let place = read.place_of("for").or_else(|| read.place_of("after"))?;
        problems.push(
            FileProblem::new("bad_value", place, "`for` is shorter than `after`, so no status would ever be polled")
                .hint("make `for` at least as long as `after`; without `for`, 72h applies"),
        );
        return None;
    }
    Some(Reconcile { after, every, horizon })
}

/// An optional section with optional keys.
struct Optional<'n, 'a, 'p> {
    section: Option<Section<'n, 'a>>,
    problems: &'p mut FoundProblems,
}

impl<'n, 'a, 'p> Optional<'n, 'a, 'p> {
    fn open(name: &'static str, found: Option<(&'n Node<'a>, Place)>, problems: &'p mut FoundProblems) -> Self {
        let section = found.and_then(|(node, place)| Section::open(name, place, node, problems));
        Self { section, problems }
    }

    /// Returns the value of a key, or the default if the key is missing or its value is wrong, so that the rest can
    /// still be checked.
    fn or<T>(&mut self, key: &str, default: T, parse: impl FnOnce(&str) -> Result<T, BadValue>) -> T {
        let found = self.get(key);
        value(key, found, self.problems, parse).unwrap_or(default)
    }

    fn get(&mut self, key: &str) -> Option<(&'n Node<'a>, Place)> {
        self.section.as_ref().and_then(|section| section.get(key, self.problems))
    }

    fn place_of(&mut self, key: &str) -> Option<Place> {
        self.get(key).map(|(node, _)| node.place)
    }
}
