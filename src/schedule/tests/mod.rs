//! Tests of schedules over clock changes, leap days and short months, and against an independent implementation of
//! cron.

mod due;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{just_within, next, upcoming};
use crate::model::{Cron, IfLate, Schedule, When};

fn schedule(when: When, zone: &str) -> Schedule {
    let hour = std::time::Duration::from_secs(3600);
    Schedule { when, zone: TimeZone::get(zone).unwrap(), not_after: hour, if_late: IfLate::Skip }
}

fn cron(text: &str, zone: &str) -> Schedule {
    schedule(When::Cron { cron: Cron::parse(text).unwrap(), until: None }, zone)
}

fn at(text: &str) -> Timestamp {
    text.replace('Z', ":00Z").parse().unwrap()
}

/// Returns the first `n` occurrences after a moment, in local time with the offset.
fn first(n: usize, schedule: &Schedule, after: &str) -> Vec<String> {
    upcoming(schedule, at(after))
        .take(n)
        .map(|moment| moment.to_zoned(schedule.zone.clone()).strftime("%Y-%m-%d %H:%M %:z").to_string())
        .collect()
}

#[test]
fn what_comes_next_is_what_an_independent_cron_says() {
    let fixture = include_str!("cronsim.tsv");
    let (mut lines, mut wrong) = (0, Vec::new());
    for line in fixture.lines().filter(|line| !line.starts_with('#')) {
        let [expression, zone, after, expected] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let found = next(&cron(expression, zone), at(after));
        lines += 1;
        if found != Some(at(expected)) {
            wrong.push(format!("{line}, here {found:?}"));
        }
    }
    assert!(lines > 400, "{lines}");
    assert!(wrong.is_empty(), "{} of {lines}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_skipped_time_is_due_once_at_the_change() {
    // 2027-03-28, 02:00 to 03:00 in Berlin.
    let daily = ["2027-03-27 02:30 +01:00", "2027-03-28 03:00 +02:00", "2027-03-29 02:30 +02:00"];
    assert_eq!(first(3, &cron("30 2 * * *", "Europe/Berlin"), "2027-03-26T12:00Z"), daily);
    let several = ["2027-03-28 03:00 +02:00", "2027-03-29 02:00 +02:00", "2027-03-29 02:15 +02:00"];
    assert_eq!(first(3, &cron("0,15,45 2 * * *", "Europe/Berlin"), "2027-03-27T12:00Z"), several);
    // At midnight in Santiago: the day starts at one.
    let midnight = ["2026-09-05 00:00 -04:00", "2026-09-06 01:00 -03:00", "2026-09-07 00:00 -03:00"];
    assert_eq!(first(3, &cron("0 0 * * *", "America/Santiago"), "2026-09-05T00:00Z"), midnight);
    // An interval follows the clock, which does not show this time on that day.
    let interval = ["2027-03-27 02:40 +01:00", "2027-03-29 02:00 +02:00"];
    assert_eq!(first(2, &cron("*/20 2 * * *", "Europe/Berlin"), "2027-03-27T01:20Z"), interval);
}

#[test]
fn a_repeated_time_is_due_once() {
    // 2027-10-31, 03:00 back to 02:00 in Berlin.
    let daily = ["2027-10-30 02:30 +02:00", "2027-10-31 02:30 +02:00", "2027-11-01 02:30 +01:00"];
    assert_eq!(first(3, &cron("30 2 * * *", "Europe/Berlin"), "2027-10-29T12:00Z"), daily);
    let from_the_second = ["2027-10-31 03:30 +01:00", "2027-11-01 02:30 +01:00"];
    assert_eq!(first(2, &cron("30 2,3 * * *", "Europe/Berlin"), "2027-10-31T01:10Z"), from_the_second);
    // An hourly interval is due in both hours.
    let hourly = ["2027-10-31 02:00 +02:00", "2027-10-31 02:00 +01:00", "2027-10-31 03:00 +01:00"];
    assert_eq!(first(3, &cron("0 * * * *", "Europe/Berlin"), "2027-10-30T23:30Z"), hourly);
    // On Lord Howe Island only half an hour is repeated.
    let lord_howe = ["2027-04-04 01:45 +11:00", "2027-04-05 01:45 +10:30"];
    assert_eq!(first(2, &cron("45 1 * * *", "Australia/Lord_Howe"), "2027-04-03T12:00Z"), lord_howe);
}

#[test]
fn missing_leap_days_and_31sts_are_skipped_and_not_moved() {
    let leap = ["2028-02-29 09:00 +00:00", "2032-02-29 09:00 +00:00"];
    assert_eq!(first(2, &cron("0 9 29 2 *", "UTC"), "2026-12-01T00:00Z"), leap);
    let month = ["2026-12-31 09:00 +08:00", "2027-01-31 09:00 +08:00", "2027-03-31 09:00 +08:00"];
    assert_eq!(first(3, &cron("0 9 31 * *", "Asia/Hong_Kong"), "2026-12-01T00:00Z"), month);
    let last = ["2028-01-31 09:00 +00:00", "2028-02-29 09:00 +00:00", "2028-03-31 09:00 +00:00"];
    assert_eq!(first(3, &cron("0 9 L * *", "UTC"), "2028-01-01T00:00Z"), last);
}

#[test]
fn a_schedule_ends_with_until_and_a_single_time_with_itself() {
    let until = Some("2026-12-14T09:00".parse().unwrap());
    let weekly = When::Cron { cron: Cron::parse("0 9 * * MON").unwrap(), until };
    let mondays = ["2026-12-07 09:00 +08:00", "2026-12-14 09:00 +08:00"];
    assert_eq!(first(9, &schedule(weekly, "Asia/Hong_Kong"), "2026-12-01T00:00Z"), mondays);
    let once = schedule(When::At("2026-12-01T09:00".parse().unwrap()), "America/New_York");
    assert_eq!(first(9, &once, "2026-11-01T00:00Z"), ["2026-12-01 09:00 -05:00"]);
    assert_eq!(next(&once, at("2026-12-01T14:00Z")), None);
}

#[test]
fn runs_that_are_as_far_apart_as_people_are_left_out_for_are_found() {
    let found = |text: &str, hours: u64| {
        let time = std::time::Duration::from_secs(hours * 3600);
        let pair = just_within(&cron(text, "Europe/Berlin"), at("2026-12-02T00:00Z"), time);
        pair.map(|(first, second)| format!("{first} {second}"))
    };
    let monday = "0 9 * * MON";
    assert_eq!(found(monday, 168).as_deref(), Some("2026-12-07T08:00:00Z 2026-12-14T08:00:00Z"));
    for hours in [1, 24, 144, 167, 170, 200] {
        assert_eq!(found(monday, hours), None, "{hours}");
    }
    // Each person once a week, by a campaign that runs daily.
    assert_eq!(found("0 9 * * *", 168), None);
    assert_eq!(found("0 9 * * *", 24).as_deref(), Some("2026-12-02T08:00:00Z 2026-12-03T08:00:00Z"));
}
