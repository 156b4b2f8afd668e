//! `schedule`: when a campaign runs by itself.

use std::str::FromStr as _;
use std::time::Duration;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::section::{Section, value};
use super::values::{BadValue, duration_within};
use crate::model::{Cron, IfLate, Schedule, When};
use crate::text::nearest;
use crate::yaml::{FileProblem, Found, Node, Place};

/// How late a run may start where the campaign says nothing.
const DEFAULT_NOT_AFTER: Duration = Duration::from_secs(60 * 60);

/// Reads the section; `None` only if something was added to `problems`.
pub(super) fn read((node, key_place): (&Node<'_>, Place), problems: &mut Found) -> Option<Schedule> {
    let section = Section::open("schedule", key_place, node, problems)?;
    let at_found = section.get("at", problems);
    let at = value("at", at_found, problems, moment);
    let cron_found = section.get("cron", problems);
    let cron = value("cron", cron_found, problems, |text| {
        Cron::parse(text).map_err(|bad| BadValue::new(bad.message, bad.hint))
    });
    match (at_found, cron_found) {
        (Some((_, at)), Some((_, cron))) => problems.push(
            FileProblem::new("both_times", cron, "a campaign runs once, `at` a time, or by `cron`, not both")
                .hint("take one of the two out")
                .related(at, "`at` is here"),
        ),
        (None, None) if !section.has("at") && !section.has("cron") => problems.push(
            FileProblem::new("missing_key", key_place, "`schedule` says nothing of when the campaign runs")
                .hint("add `at: 2026-12-01T09:00` for once, or `cron: \"0 9 * * MON\"` for every Monday at nine"),
        ),
        _ => {}
    }
    let example =
        "`timezone: Asia/Hong_Kong`, or another of IANA's names: nine o'clock is not the same moment everywhere";
    let found = section.require("timezone", example, problems);
    let zone = value("timezone", found, problems, time_zone);
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
            FileProblem::new("bad_value", place, "`until` ends a `cron`, and this campaign runs once")
                .hint("take `until` out"),
        );
    }
    if let (Some(at), Some((node, _)), Some(zone)) = (at, at_found, &zone)
        && let Some(words) = left_out(at, zone)
    {
        problems
            .push(FileProblem::new("bad_value", node.place, format!("`at`: {words}")).hint("write a time that comes"));
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

/// A date and a time of the day.
fn moment(text: &str) -> Result<DateTime, BadValue> {
    const HINT: &str = "write the date and the time on the clocks of `timezone`, such as `2026-12-01T09:00`";
    let bad = |what: &str| BadValue::new(format!("`{text}` {what}"), HINT);
    let Some((date, time)) = text.split_once(['T', ' ']) else {
        return Err(bad(if Date::from_str(text).is_ok() {
            "has no time of the day"
        } else {
            "is not a date with a time"
        }));
    };
    if time.contains(['Z', 'z', '+', '[']) || time.contains('-') {
        return Err(bad("has an offset or a zone of its own"));
    }
    match (Date::from_str(date), Time::from_str(time.trim())) {
        (Ok(date), Ok(time)) => Ok(date.to_datetime(time)),
        _ => Err(bad("is not a date with a time")),
    }
}

/// The last moment that counts; a date alone counts to its end.
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

/// One of IANA's time zones, by its own spelling.
pub(super) fn time_zone(text: &str) -> Result<TimeZone, BadValue> {
    match TimeZone::get(text) {
        Ok(zone) if zone.iana_name().is_some() => Ok(zone),
        _ => {
            let names: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let hint = match nearest(text, &names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write a name of IANA's, such as `Asia/Hong_Kong`, `Europe/Berlin` or `UTC`".to_owned(),
            };
            Err(BadValue::new(format!("there is no time zone `{text}`"), hint))
        }
    }
}

fn if_late(text: &str) -> Result<IfLate, BadValue> {
    match text {
        "skip" => Ok(IfLate::Skip),
        "send" => Ok(IfLate::Send),
        _ => Err(BadValue::new(
            format!("there is no choice `{text}`"),
            "write `skip`: a time that was missed by more than `not_after` is left out; or `send`: it runs late",
        )),
    }
}

/// Why a time never comes in a zone: its clocks are put forward over it.
fn left_out(at: DateTime, zone: &TimeZone) -> Option<String> {
    match zone.to_ambiguous_timestamp(at).offset() {
        AmbiguousOffset::Gap { .. } => {
            let name = zone.iana_name().unwrap_or("that time zone");
            Some(format!("{at} does not come in {name}, whose clocks are put forward over it"))
        }
        _ => None,
    }
}

/// Where the date stands in a CSV's path: `{{ date }}`, its one spelling here, or what else was meant.
pub(super) fn path_with_date(text: &str) -> Result<String, BadValue> {
    let mut path = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        if name.trim() != "date" {
            return Err(BadValue::new(
                format!("`{{{{{name}}}}}` is not known in a path"),
                "`{{ date }}` is what a path may hold, and stands for the day of the run, such as 2026-12-01",
            ));
        }
        path.push_str(before);
        path.push_str(crate::model::DATE);
        rest = after;
    }
    path.push_str(rest);
    Ok(path)
}
