//! `schedule`, `skip_sent_within` and the date in the path of the recipients.

use super::*;
use crate::model::{IfLate, Millis, When};

fn scheduled(lines: &str) -> String {
    with(CSV, TEXT, &format!("schedule:\n{lines}\n"))
}

#[test]
fn a_schedule_is_read_with_its_defaults() {
    let text = scheduled("  cron: \"0  9 * * MON\"\n  timezone: asia/hong_kong");
    let schedule = read_text(&text).campaign.schedule.unwrap();
    assert_eq!(schedule.zone_name(), "Asia/Hong_Kong");
    assert_eq!(schedule.rule(), "cron 0 9 * * MON Asia/Hong_Kong");
    assert_eq!((schedule.not_after, schedule.if_late), (Duration::from_secs(3600), IfLate::Skip));

    let text = scheduled("  at: 2026-12-01 09:00\n  timezone: UTC\n  not_after: 2h\n  if_late: send");
    let schedule = read_text(&text).campaign.schedule.unwrap();
    assert_eq!(schedule.when, When::At("2026-12-01T09:00".parse().unwrap()));
    assert_eq!((schedule.not_after, schedule.if_late), (Duration::from_secs(7200), IfLate::Send));

    let ends = |until: &str| {
        let text = scheduled(&format!("  cron: \"@daily\"\n  timezone: UTC\n  until: {until}"));
        match read_text(&text).campaign.schedule.unwrap().when {
            When::Cron { until, .. } => until.unwrap().to_string(),
            When::At(_) => unreachable!(),
        }
    };
    assert_eq!(ends("2026-12-31"), "2026-12-31T23:59:59");
    assert_eq!(ends("2026-12-31T18:00"), "2026-12-31T18:00:00");
}

#[test]
fn a_schedule_is_no_part_of_a_run() {
    let (plain, scheduled) =
        (read_text(&with(CSV, TEXT, "")), read_text(&scheduled("  cron: \"@daily\"\n  timezone: UTC")));
    assert_eq!(fingerprint(&plain.campaign), fingerprint(&scheduled.campaign));
    assert_eq!(freeze(&plain.campaign), freeze(&scheduled.campaign));
    let skipping = read_text(&with(&format!("{CSV}\n  skip_sent_within: 7d"), TEXT, "")).campaign;
    assert_ne!(fingerprint(&plain.campaign), fingerprint(&skipping));
    let thawed = thaw(&freeze(&skipping)).unwrap();
    assert_eq!(thawed.recipients.skip_sent_within, Some(Duration::from_secs(7 * 24 * 3600)));
}

#[test]
fn the_date_in_the_path_is_that_of_the_run_in_its_time_zone() {
    let text =
        with("  csv: \"lists/{{date}}.csv\"\n  to: phone", TEXT, "schedule: {cron: \"@daily\", timezone: Asia/Tokyo}");
    let campaign = read_text(&text).campaign;
    let half_past_three_in_the_afternoon = Millis(1_764_603_000_000); // 2025-12-01 15:30 UTC
    let dated = campaign.dated(half_past_three_in_the_afternoon);
    assert_eq!(dated.recipients.source, Source::Csv("lists/2025-12-02.csv".into()));
    let sheet = text.replace("csv: ", "xlsx: ").replace(".csv", ".xlsx");
    let dated = read_text(&sheet).campaign.dated(half_past_three_in_the_afternoon);
    assert_eq!(dated.recipients.source.path(), Some("lists/2025-12-02.xlsx".as_ref()));
}

#[test]
fn what_is_wrong_with_a_schedule_is_shown() {
    let date = "  csv: \"{{ date }}.csv\"\n  to: phone";
    let cases = [
        ("neither", scheduled("  timezone: UTC")),
        ("both", scheduled("  at: 2026-12-01T09:00\n  cron: \"0 9 * * *\"\n  timezone: UTC")),
        ("no time zone", scheduled("  cron: \"0 9 * * *\"")),
        ("misspelt time zone", scheduled("  cron: \"0 9 * * *\"\n  timezone: Asia/Hongkong")),
        ("no such zone", scheduled("  cron: \"0 9 * * *\"\n  timezone: HKT+8")),
        ("a cron field", scheduled("  cron: \"0 24 * * *\"\n  timezone: UTC")),
        ("seconds", scheduled("  cron: \"0 0 9 * * *\"\n  timezone: UTC")),
        ("never", scheduled("  cron: \"0 9 30 2 *\"\n  timezone: UTC")),
        ("cron without quotes", scheduled("  cron: */5 * * * *\n  timezone: UTC")),
        ("a date alone", scheduled("  at: 2026-12-01\n  timezone: UTC")),
        ("an offset", scheduled("  at: 2026-12-01T09:00+08:00\n  timezone: UTC")),
        ("no such day", scheduled("  at: 2026-02-30T09:00\n  timezone: UTC")),
        ("left out by the clocks", scheduled("  at: 2027-03-28T02:30\n  timezone: Europe/Berlin")),
        ("until of once", scheduled("  at: 2026-12-01T09:00\n  timezone: UTC\n  until: 2026-12-31")),
        ("until", scheduled("  cron: \"@daily\"\n  timezone: UTC\n  until: soon")),
        ("if late", scheduled("  cron: \"@daily\"\n  timezone: UTC\n  if_late: run")),
        ("not after", scheduled("  cron: \"@daily\"\n  timezone: UTC\n  not_after: 2")),
        ("unknown key", scheduled("  cron: \"@daily\"\n  time_zone: UTC")),
        ("not keys", with(CSV, TEXT, "schedule: daily\n")),
        ("a date without a schedule", with(date, TEXT, "")),
        ("another variable in the path", with(&date.replace("date", "day"), TEXT, "")),
        ("skip in the wrong place", scheduled("  cron: \"@daily\"\n  timezone: UTC\n  skip_sent_within: 7d")),
    ];
    snapshot!("schedule_mistakes", shown(&cases));
}
