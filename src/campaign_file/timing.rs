//! The times in a campaign file: `timezone`, `window`, `not_after`, `quota` and the time columns.

use std::num::NonZeroU32;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::model::{Days, NotAfter, Span, TimeColumns, Timing, WhoseClock, Window, WrittenTime};
use crate::yaml::{FileProblem, FoundProblems, Node, Place, Value, kind};

use super::schedule::parse_time_zone;
use super::section::{Section, text, value};
use super::values::{BadValue, is_digits, number_within, parse_duration, word};

const SPAN_HINT: &str = "write hours such as `\"09:00-20:00\"`, or days and hours such as `\"MON-FRI 09:00-20:00\"`";
/// The most spans and dates in one window: more are a mistake, and every window calculation looks at each.
const MOST: usize = 1000;
/// The largest daily quota.
const MOST_A_DAY: u32 = 1_000_000_000;

/// Reads everything except the columns and the quota, which are in other sections. Without a time zone of its own, the
/// campaign uses that of its schedule.
pub(super) fn timing(
    top: &Section<'_, '_>,
    of_schedule: Option<&str>,
    columns: TimeColumns,
    quota: Option<NonZeroU32>,
    problems: &mut FoundProblems,
) -> Timing {
    let found_zone = top.get("timezone", problems);
    let own = value("timezone", found_zone, problems, parse_time_zone);
    let timezone = own.as_ref().and_then(TimeZone::iana_name).or(of_schedule).map(str::to_owned);
    let found = top.get("window", problems);
    let window_place = found.map(|(_, place)| place);
    let window = found.and_then(|found| window(found, problems));
    let found = top.get("not_after", problems);
    let not_after = value("not_after", found, problems, |text| not_after(text, timezone.as_deref()));
    if let (Some(Window { clock: WhoseClock::Campaign, .. }), Some(place)) = (&window, window_place)
        && timezone.is_none()
        && found_zone.is_none()
    {
        problems.push(
            FileProblem::new("missing_key", place, "`window` needs a time zone")
                .hint("add `timezone:`, such as `timezone: Asia/Hong_Kong`, or `clock: recipient` under `window`"),
        );
    }
    let timing = Timing {
        timezone: own.and_then(|zone| zone.iana_name().map(str::to_owned)),
        window,
        not_after,
        quota,
        columns,
    };
    // The schedule is not part of a run, so its time zone counts only if the run has times.
    if timing == Timing::default() { timing } else { Timing { timezone, ..timing } }
}

/// Reads the time columns of `recipients`.
pub(super) fn columns(section: &Section<'_, '_>, problems: &mut FoundProblems) -> TimeColumns {
    let mut column = |key| {
        let found = section.get(key, problems);
        value(key, found, problems, word)
    };
    TimeColumns { timezone: column("timezone"), send_at: column("send_at"), not_after: column("not_after") }
}

/// Parses a daily quota: `10000/day`.
pub(super) fn quota(text: &str) -> Result<NonZeroU32, BadValue> {
    const HINT: &str = "write the number of messages per day, such as `10000/day`";
    let number = text.split_once('/').filter(|(_, unit)| matches!(unit.trim(), "day" | "d")).map(|(number, _)| number);
    let number = number.ok_or_else(|| BadValue::new(format!("`{text}` is not a daily quota"), HINT))?.trim();
    let number =
        number_within(number, 0..=MOST_A_DAY).map_err(|bad| BadValue { hint: Some(HINT.to_owned()), ..bad })?;
    NonZeroU32::new(number).ok_or_else(|| BadValue::new("a quota of 0 would never send anything", HINT))
}

/// Parses a deadline: a time, or a duration since the run was created.
fn not_after(text: &str, timezone: Option<&str>) -> Result<NotAfter, BadValue> {
    const HINT: &str =
        "write a time such as `2026-12-01T18:00`, or a duration since the run was created, such as `12h`";
    let Some(time) = WrittenTime::read(text) else {
        let duration = parse_duration(text).map_err(|bad| match text.contains(['-', ':', '.', '/']) {
            true => BadValue::new(format!("`{text}` is neither a time nor a duration"), HINT),
            false => bad,
        })?;
        return Ok(NotAfter::Within(duration));
    };
    let zone = match (time, timezone) {
        (WrittenTime::Local(_), None) => {
            let hint = format!("add `timezone:` to the campaign, or write the offset, such as `{text}+08:00`");
            return Err(BadValue::new(format!("`{text}` needs a time zone"), hint));
        }
        (_, name) => name.and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC),
    };
    time.by_the_clock_of(&zone).map(NotAfter::At).ok_or_else(|| BadValue::new(format!("`{text}` is not a time"), HINT))
}

fn window((node, key_place): (&Node<'_>, Place), problems: &mut FoundProblems) -> Option<Window> {
    if !matches!(node.value, Value::Map(_)) {
        let open = list_of("window", (node, key_place), problems, span);
        return Some(Window { open, off: Vec::new(), clock: WhoseClock::Campaign });
    }
    let section = Section::open("window", key_place, node, problems)?;
    let open = section.require("open", "`open: \"09:00-20:00\"`", problems);
    let open = open.map(|found| list_of("open", found, problems, span));
    let found = section.get("off", problems);
    let mut off = found.map(|found| list_of("off", found, problems, date)).unwrap_or_default();
    off.sort_unstable();
    off.dedup();
    let found = section.get("clock", problems);
    let clock = value("clock", found, problems, clock);
    Some(Window { open: open?, off, clock: clock.unwrap_or(WhoseClock::Campaign) })
}

fn clock(text: &str) -> Result<WhoseClock, BadValue> {
    let clocks = [WhoseClock::Campaign, WhoseClock::Recipient];
    clocks.into_iter().find(|clock| clock.as_str() == text).ok_or_else(|| {
        BadValue::new(
            format!("unknown clock `{text}`"),
            "write `recipient` for the recipient's local time, or `campaign` for the time in `timezone`",
        )
    })
}

/// Reads one value or a list of values, each with `parse`.
fn list_of<T>(
    key: &str,
    (node, key_place): (&Node<'_>, Place),
    problems: &mut FoundProblems,
    parse: impl Fn(&str) -> Result<T, BadValue>,
) -> Vec<T> {
    let items = match &node.value {
        Value::List(items) if items.is_empty() => {
            problems.push(FileProblem::new("bad_value", node.place, format!("`{key}` is an empty list")));
            return Vec::new();
        }
        Value::List(items) if items.len() > MOST => {
            let words = format!("`{key}` has {} values; the limit is {MOST}", items.len());
            problems.push(FileProblem::new("bad_value", node.place, words));
            return Vec::new();
        }
        Value::List(items) => items.as_slice(),
        Value::Scalar(_) | Value::Broken => std::slice::from_ref(node),
        Value::Map(_) => {
            let words = format!("`{key}` must be a value or a list of values, not {}", kind(node));
            problems.push(FileProblem::new("wrong_type", key_place, words));
            return Vec::new();
        }
    };
    let mut read = Vec::with_capacity(items.len());
    for item in items {
        let Some(text) = text(key, (item, item.place), problems) else { continue };
        match parse(text.trim()) {
            Ok(value) => read.push(value),
            Err(bad) => {
                let problem = FileProblem::new("bad_value", item.place, format!("`{key}`: {}", bad.message));
                problems.push(FileProblem { hint: bad.hint, ..problem });
            }
        }
    }
    read
}

fn date(text: &str) -> Result<Date, BadValue> {
    let bad = || BadValue::new(format!("`{text}` is not a date"), "write it as `2026-12-25`");
    if text.len() == 10 { text.parse().map_err(|_| bad()) } else { Err(bad()) }
}

/// Parses hours, with or without days before them: `09:00-20:00`, `MON-FRI,SUN 22:00-06:00`.
pub(super) fn span(text: &str) -> Result<Span, BadValue> {
    let bad = |what: String| BadValue::new(what, SPAN_HINT);
    let (days, hours) = match text.rsplit_once(char::is_whitespace) {
        Some((days, hours)) => (days_of(days)?, hours),
        None => (Days::ALL, text),
    };
    let (from, to) =
        hours.split_once(['-', '\u{2013}']).ok_or_else(|| bad(format!("`{text}` has no start and end time")))?;
    let minute = |text: &str| minute(text).ok_or_else(|| bad(format!("`{text}` is not a time of day")));
    let (from, to) = (minute(from)?, minute(to)?);
    if from == 24 * 60 {
        return Err(bad("a window cannot start at the end of the day".to_owned()));
    }
    if from == to {
        let hint = "write `00:00-24:00` for the whole day";
        return Err(BadValue::new(format!("`{hours}` starts and ends at the same time"), hint));
    }
    Ok(Span { days, from, to })
}

/// Parses the minute of the day: 0 for `00:00`, 1440 for `24:00`.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| is_digits(text).then(|| text.parse::<u16>().ok()).flatten();
    let (hour, minute) = (number(hour).filter(|_| hour.len() <= 2)?, number(minute).filter(|_| minute.len() == 2)?);
    (minute < 60 && (hour < 24 || (hour == 24 && minute == 0))).then_some(hour * 60 + minute)
}

fn days_of(text: &str) -> Result<Days, BadValue> {
    let day = |name: &str| {
        let name = name.trim();
        let at = Days::NAMES.iter().position(|known| name.eq_ignore_ascii_case(known));
        at.ok_or_else(|| {
            let hint = format!("the days are {}", Days::NAMES.join(", "));
            BadValue::new(format!("unknown day `{name}`"), hint)
        })
    };
    let mut days = Days::default();
    for part in text.split(',') {
        let (first, last) = match part.split_once('-') {
            Some((first, last)) => (day(first)?, day(last)?),
            None => (day(part)?, day(part)?),
        };
        // A range such as SAT-MON wraps around the end of the week.
        let count = (last + 7 - first) % 7;
        days = (first..=first + count).fold(days, Days::with);
    }
    Ok(days)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::campaign_file::{fingerprint, freeze, parse, thaw};
    use crate::model::{Campaign, Millis};

    fn read(rest: &str) -> Result<Campaign, String> {
        let text = format!(
            "name: a\nprovider: simulator\nchannel: viber\nmessage: {{type: text, text: Hi}}\n\
             recipients: {{csv: a.csv, to: phone, timezone: tz, send_at: when, not_after: until}}\n{rest}"
        );
        parse(&text, Path::new("a.yaml")).map(|loaded| loaded.campaign).map_err(|error| error.to_string())
    }

    const WHOLE: &str = "timezone: asia/hong_kong\nnot_after: 2026-12-01T18:00\ndispatch: {quota: 10000/day}\n\
        window: {open: [\"MON-WED,sun 22:00-6:00\", \"SAT-MON 00:00-24:00\"], off: [2026-12-26, 2026-12-25], clock: recipient}\n";

    #[test]
    fn all_of_it_is_read_and_kept() {
        let campaign = read(WHOLE).unwrap();
        let timing = &campaign.timing;
        assert_eq!(timing.timezone.as_deref(), Some("Asia/Hong_Kong"));
        assert_eq!(timing.not_after, Some(NotAfter::At(Millis(1_796_119_200_000))), "10:00 UTC");
        assert_eq!(timing.quota.map(NonZeroU32::get), Some(10_000));
        assert_eq!(timing.columns.send_at.as_deref(), Some("when"));
        let window = timing.window.as_ref().unwrap();
        let spans: Vec<String> = window.open.iter().map(ToString::to_string).collect();
        assert_eq!(spans, ["MON,TUE,WED,SUN 22:00-06:00", "MON,SAT,SUN 00:00-24:00"]);
        assert_eq!(window.off.iter().map(ToString::to_string).collect::<Vec<_>>(), ["2026-12-25", "2026-12-26"]);
        assert_eq!(window.clock, WhoseClock::Recipient);
        assert_eq!(thaw(&freeze(&campaign)).unwrap().timing, *timing);
        assert_ne!(fingerprint(&campaign), fingerprint(&read(&WHOLE.replace("6:00", "7:00")).unwrap()));
        let short = read("timezone: Europe/Berlin\nwindow: 09:00-20:00\nnot_after: 12h\n").unwrap();
        assert_eq!(short.timing.not_after, Some(NotAfter::Within(Duration::from_secs(12 * 3600))));
        assert_eq!(short.timing.window.as_ref().unwrap().open, [Span { days: Days::ALL, from: 540, to: 1200 }]);
        assert_eq!(thaw(&freeze(&short)).unwrap().timing, short.timing);
        let without = Campaign { timing: Timing::default(), ..short };
        assert!(!freeze(&without).contains("timing"), "as before there was any");
    }

    #[test]
    fn what_is_wrong_is_reported_with_its_place_and_what_to_write() {
        for (rest, place, words) in [
            ("timezone: Europe/Berln", "a.yaml:6:11", "did you mean `Europe/Berlin`?"),
            ("timezone: CET+1", "a.yaml:6:11", "an IANA name"),
            ("timezone: BST", "a.yaml:6:11", "an IANA name"),
            ("timezone: GMT+1", "a.yaml:6:11", "an IANA name"),
            ("timezone: hong kong", "a.yaml:6:11", "did you mean `Asia/Hong_Kong`?"),
            ("window: 09:00-20:00", "a.yaml:6:1", "`window` needs a time zone"),
            ("timezone: UTC\nwindow: 9-20", "a.yaml:7:9", "`9` is not a time of day"),
            ("timezone: UTC\nwindow: 09:00", "a.yaml:7:9", "no start and end time"),
            ("timezone: UTC\nwindow: 09:00-25:00", "a.yaml:7:9", "`25:00` is not a time of day"),
            ("timezone: UTC\nwindow: 09:00-09:00", "a.yaml:7:9", "`00:00-24:00` for the whole day"),
            ("timezone: UTC\nwindow: 24:00-02:00", "a.yaml:7:9", "cannot start at the end of the day"),
            ("timezone: UTC\nwindow: [\"09:00-12:00\", \"MOO 09:00-12:00\"]", "a.yaml:7:25", "unknown day `MOO`"),
            ("timezone: UTC\nwindow: []", "a.yaml:7:9", "empty list"),
            ("timezone: UTC\nwindow: {opn: 09:00-12:00}", "a.yaml:7:10", "did you mean `open`?"),
            ("timezone: UTC\nwindow: {off: 2026-12-25}", "a.yaml:7:1", "the key `open` of `window` is missing"),
            ("timezone: UTC\nwindow: {open: 09:00-12:00, off: 25.12.2026}", "a.yaml:7:34", "write it as `2026-12-25`"),
            ("timezone: UTC\nwindow: {open: 09:00-12:00, clock: theirs}", "a.yaml:7:36", "write `recipient`"),
            ("not_after: 2026-12-01T18:00", "a.yaml:6:12", "add `timezone:` to the campaign"),
            ("not_after: 2026-12-01", "a.yaml:6:12", "is neither a time nor a duration"),
            ("not_after: 31.12.2026", "a.yaml:6:12", "write a time such as"),
            ("not_after: 12", "a.yaml:6:12", "has no unit"),
            ("dispatch: {quota: 10000/month}", "a.yaml:6:19", "`10000/day`"),
            ("dispatch: {quota: 0/day}", "a.yaml:6:19", "a quota of 0 would never send anything"),
            ("quota: 10/day", "a.yaml:6:1", "belongs under `dispatch:`"),
            ("dispatch: {window: 09:00-20:00}", "a.yaml:6:12", "belongs at the top level"),
        ] {
            let error = read(rest).unwrap_err();
            assert!(error.contains(place) && error.contains(words), "{rest}\n{error}");
        }
    }
}
