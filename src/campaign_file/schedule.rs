//! `schedule`: when a campaign starts automatically.

use std::str::FromStr as _;
use std::time::Duration;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::section::{Section, value};
use super::values::{BadValue, duration_within};
use crate::model::{Cron, IfLate, Schedule, When};
use crate::text::nearest;
use crate::yaml::{FileProblem, FoundProblems, Node, Place};

/// How late a run may start by default.
const DEFAULT_NOT_AFTER: Duration = Duration::from_secs(60 * 60);

/// Reads the section; returns `None` only if it added a problem.
pub(super) fn read((node, key_place): (&Node<'_>, Place), problems: &mut FoundProblems) -> Option<Schedule> {
    let section = Section::open("schedule", key_place, node, problems)?;
    let at_found = section.get("at", problems);
    let at = value("at", at_found, problems, moment);
    let cron_found = section.get("cron", problems);
    let cron = value("cron", cron_found, problems, cron);
    match (at_found, cron_found) {
        (Some((_, at)), Some((_, cron))) => problems.push(
            FileProblem::new("both_times", cron, "a campaign runs either once (`at`) or repeatedly (`cron`), not both")
                .hint("remove one of the two")
                .related(at, "`at` is here"),
        ),
        (None, None) if !section.has("at") && !section.has("cron") => problems.push(
            FileProblem::new("missing_key", key_place, "`schedule` does not say when the campaign runs")
                .hint("add `at: 2026-12-01T09:00` to run once, or `cron: \"0 9 * * MON\"` for every Monday at 9:00"),
        ),
        _ => {}
    }
    let example = "`timezone: Asia/Hong_Kong`, or another IANA name, to say which clock applies";
    let found = section.require("timezone", example, problems);
    let zone = value("timezone", found, problems, parse_time_zone);
    let found = section.get("not_after", problems);
    let not_after = match found {
        Some(_) => value("not_after", found, problems, |text| duration_within(text, "1m", "31d")),
        None => Some(DEFAULT_NOT_AFTER),
    };
    let found = section.get("if_late", problems);
    let if_late = match found {
        Some(_) => value("if_late", found, problems, if_late),
        None => Some(IfLate::Skip),
    };
    let until_found = section.get("until", problems);
    let until = value("until", until_found, problems, end);
    if let (Some((_, place)), Some(_), None) = (until_found, at_found, cron_found) {
        problems.push(
            FileProblem::new("bad_value", place, "`until` ends a `cron` schedule, but this campaign runs once")
                .hint("remove `until`"),
        );
    }
    if let (Some(at), Some((node, _)), Some(zone)) = (at, at_found, &zone)
        && let Some(words) = left_out(at, zone)
    {
        problems.push(
            FileProblem::new("bad_value", node.place, format!("`at`: {words}")).hint("choose a time that exists"),
        );
        return None;
    }
    let when = match (at, cron) {
        (Some(at), None) => When::At(at),
        (None, Some(cron)) => When::Cron { cron, until },
        _ => return None,
    };
    if until_found.is_some() && until.is_none() {
        return None;
    }
    Some(Schedule { when, zone: zone?, not_after: not_after?, if_late: if_late? })
}

/// Parses when a campaign starts: a date and a time of day, or a `cron` expression.
///
/// # Errors
/// When it is neither.
pub fn parse_start(text: &str) -> Result<When, BadValue> {
    let text = text.trim();
    if text.starts_with('@') || text.split_whitespace().count() > 2 {
        return cron(text).map(|cron| When::Cron { cron, until: None });
    }
    let or_cron = |bad: BadValue| match text.starts_with("20") {
        true => bad,
        false => BadValue::new(
            bad.message,
            "write a date and a time, such as `2026-12-01T09:00`, or a cron expression, such as `0 9 * * *` for every day at 9:00",
        ),
    };
    moment(text).map(When::At).map_err(or_cron)
}

fn cron(text: &str) -> Result<Cron, BadValue> {
    Cron::parse(text).map_err(|bad| BadValue::new(bad.message, bad.hint))
}

/// Parses a date and a time of day.
fn moment(text: &str) -> Result<DateTime, BadValue> {
    const HINT: &str = "write the local date and time in `timezone`, such as `2026-12-01T09:00`";
    let bad = |what: &str| BadValue::new(format!("`{text}` {what}"), HINT);
    let Some((date, time)) = text.split_once(['T', ' ']) else {
        let is_date = Date::from_str(text).is_ok();
        return Err(bad(if is_date { "has no time of day" } else { "is not a valid date and time" }));
    };
    if time.contains(['Z', 'z', '+', '[']) || time.contains('-') {
        return Err(bad("must not have its own offset or time zone"));
    }
    match (Date::from_str(date), Time::from_str(time.trim())) {
        (Ok(date), Ok(time)) => Ok(date.to_datetime(time)),
        _ => Err(bad("is not a valid date and time")),
    }
}

/// Parses the last moment; a date alone means the end of that day.
fn end(text: &str) -> Result<DateTime, BadValue> {
    match Date::from_str(text) {
        Ok(date) if text.len() == "2026-12-31".len() => Ok(date.at(23, 59, 59, 0)),
        _ => moment(text).map_err(|_| {
            BadValue::new(
                format!("`{text}` is not a date"),
                "write the last day, such as `2026-12-31`, or the last time, such as `2026-12-31T18:00`",
            )
        }),
    }
}

/// Returns the IANA time zone of this name.
///
/// # Errors
/// When there is none.
pub fn parse_time_zone(text: &str) -> Result<TimeZone, BadValue> {
    match TimeZone::get(text) {
        Ok(zone) if zone.iana_name().is_some() => Ok(zone),
        _ => {
            let names: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let city = text.replace(' ', "_");
            let is_city = |name: &&&str| {
                name.rsplit_once('/').is_some_and(|(area, last)| area != "Etc" && last.eq_ignore_ascii_case(&city))
            };
            // An abbreviation or an offset is near to another one, which means another time.
            let near = || nearest(text, &names).filter(|_| text.contains('/'));
            let hint = match names.iter().find(is_city).copied().or_else(near) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write an IANA name, such as `Asia/Hong_Kong`, `Europe/Berlin` or `UTC`".to_owned(),
            };
            Err(BadValue::new(format!("unknown time zone `{text}`"), hint))
        }
    }
}

fn if_late(text: &str) -> Result<IfLate, BadValue> {
    match text {
        "skip" => Ok(IfLate::Skip),
        "send" => Ok(IfLate::Send),
        _ => Err(BadValue::new(
            format!("unknown value `{text}`"),
            "write `skip` to skip a run that is more than `not_after` late, or `send` to start it anyway",
        )),
    }
}

/// Explains why a time does not exist in a zone: a clock change skips it.
fn left_out(at: DateTime, zone: &TimeZone) -> Option<String> {
    match zone.to_ambiguous_timestamp(at).offset() {
        AmbiguousOffset::Gap { .. } => {
            let name = zone.iana_name().unwrap_or("that time zone");
            Some(format!("{at} does not exist in {name}, because the clocks skip it when they go forward"))
        }
        _ => None,
    }
}

/// Normalises `{{ date }}` in a CSV's path, and refuses other placeholders.
pub(super) fn path_with_date(text: &str) -> Result<String, BadValue> {
    let mut path = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        if name.trim() != "date" {
            return Err(BadValue::new(
                format!("`{{{{{name}}}}}` is not available in a path"),
                "the only placeholder in a path is `{{ date }}`, the day of the run, such as 2026-12-01",
            ));
        }
        path.push_str(before);
        path.push_str(crate::model::DATE);
        rest = after;
    }
    path.push_str(rest);
    Ok(path)
}
