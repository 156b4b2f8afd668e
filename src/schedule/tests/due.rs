//! Tests of what is due and what was missed.

use super::{at, cron, schedule};
use crate::model::{IfLate, Millis, Schedule, When};
use crate::schedule::{Due, due};

fn millis(text: &str) -> Millis {
    Millis(at(text).as_millisecond())
}

fn nine() -> Schedule {
    cron("0 9 * * *", "UTC")
}

fn reasons(due: &Due) -> Vec<(String, &str)> {
    due.skipped.iter().map(|skipped| (skipped.due.to_string(), skipped.reason.as_str())).collect()
}

#[test]
fn an_occurrence_may_start_from_its_time_until_not_after() {
    let decided = millis("2026-12-01T09:00Z");
    let early = due(&nine(), decided, Millis(millis("2026-12-02T09:00Z").0 - 1));
    assert_eq!(early, Due { next: Some(millis("2026-12-02T09:00Z")), ..Due::default() });
    for now in ["2026-12-02T09:00Z", "2026-12-02T09:31Z", "2026-12-02T10:00Z"] {
        let due = due(&nine(), decided, millis(now));
        assert_eq!((due.start, due.skipped.len()), (Some(millis("2026-12-02T09:00Z")), 0), "{now}");
        assert_eq!(due.next, Some(millis("2026-12-03T09:00Z")));
    }
    let late = due(&nine(), decided, Millis(millis("2026-12-02T10:00Z").0 + 1));
    assert_eq!(late.start, None);
    assert_eq!(reasons(&late), [("2026-12-02T09:00:00Z".to_owned(), "1 h late; `not_after` allows 1 h")]);
}

#[test]
fn a_service_that_was_down_over_three_occurrences_runs_none_of_them_late() {
    let due = due(&nine(), millis("2026-12-01T09:00Z"), millis("2026-12-04T12:30Z"));
    assert_eq!(due.start, None);
    let expected = [
        ("2026-12-02T09:00:00Z".to_owned(), "2 d 3 h late; `not_after` allows 1 h"),
        ("2026-12-03T09:00:00Z".to_owned(), "1 d 3 h late; `not_after` allows 1 h"),
        ("2026-12-04T09:00:00Z".to_owned(), "3 h 30 min late; `not_after` allows 1 h"),
    ];
    assert_eq!(reasons(&due), expected);
}

#[test]
fn a_campaign_that_is_sent_late_is_sent_once_for_all_that_was_missed() {
    let late = Schedule { if_late: IfLate::Send, ..nine() };
    let due = due(&late, millis("2026-12-01T09:00Z"), millis("2026-12-04T12:30Z"));
    assert_eq!(due.start, Some(millis("2026-12-04T09:00Z")));
    assert_eq!(due.skipped.len(), 2);
}

#[test]
fn of_several_in_time_only_the_last_starts() {
    let due = due(&cron("*/10 * * * *", "UTC"), millis("2026-12-01T09:00Z"), millis("2026-12-01T09:25Z"));
    assert_eq!(due.start, Some(millis("2026-12-01T09:20Z")));
    let overtaken = [("2026-12-01T09:10:00Z".to_owned(), "a later time (2026-12-01T09:20:00Z) is also due")];
    assert_eq!(reasons(&due), overtaken);
}

#[test]
fn of_very_many_that_were_missed_the_newest_are_listed_and_the_others_counted() {
    let due = due(&cron("* * * * *", "UTC"), millis("2026-12-01T00:00Z"), millis("2026-12-08T00:00Z"));
    assert_eq!(due.start, Some(millis("2026-12-08T00:00Z")));
    assert_eq!(due.skipped.len(), 99);
    let reason = &due.skipped[0].reason;
    assert!(reason.ends_with("; 9,980 earlier times were also skipped"), "{reason}");
}

#[test]
fn a_single_time_that_is_not_listed_is_counted_as_one() {
    let due = due(&cron("* * * * *", "UTC"), millis("2026-12-01T00:00Z"), millis("2026-12-01T01:41Z"));
    let reason = &due.skipped[0].reason;
    assert!(reason.ends_with("; 1 earlier time was also skipped"), "{reason}");
}

#[test]
fn a_single_time_is_due_however_long_ago_its_file_was_seen_first() {
    let once =
        |if_late| Schedule { if_late, ..schedule(When::At("2026-12-01T09:00".parse().unwrap()), "Asia/Hong_Kong") };
    let seen = millis("2026-12-01T01:20Z");
    assert_eq!(due(&once(IfLate::Skip), seen, millis("2026-12-01T01:30Z")).start, Some(millis("2026-12-01T01:00Z")));
    let skipped = due(&once(IfLate::Skip), seen, millis("2026-12-01T03:00Z"));
    assert_eq!((skipped.start, skipped.skipped.len(), skipped.next), (None, 1, None));
    assert_eq!(due(&once(IfLate::Send), seen, millis("2027-12-01T03:00Z")).start, Some(millis("2026-12-01T01:00Z")));
}

#[test]
fn a_day_of_twenty_three_hours_has_its_occurrence_and_lateness_is_real_time() {
    let berlin = cron("30 2 * * *", "Europe/Berlin");
    // The clocks go from 02:00 to 03:00 at 01:00 UTC.
    let decided = millis("2027-03-27T01:30Z");
    assert_eq!(due(&berlin, decided, millis("2027-03-28T00:59Z")).start, None);
    assert_eq!(due(&berlin, decided, millis("2027-03-28T01:00Z")).start, Some(millis("2027-03-28T01:00Z")));
    assert_eq!(due(&berlin, decided, millis("2027-03-28T02:01Z")).start, None, "an hour and a minute late");
}
