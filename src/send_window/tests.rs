//! Windows compared with a clock minute by minute, and the times of rows.

use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;

use super::*;
use crate::model::{Days, Millis, NotAfter, Phone, Span, TimeColumns, Timing, WhoseClock, Window};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// Returns the moment at which the clock of a zone shows this.
fn at(zone: &str, time: DateTime) -> Millis {
    Millis(TimeZone::get(zone).unwrap().to_timestamp(time).unwrap().as_millisecond())
}

fn days(numbers: &[usize]) -> Days {
    numbers.iter().fold(Days::default(), |days, day| days.with(*day))
}

fn span(days: Days, from: u16, to: u16) -> Span {
    Span { days, from: from / 100 * 60 + from % 100, to: to / 100 * 60 + to % 100 }
}

fn window(open: Vec<Span>, clock: WhoseClock) -> Window {
    Window { open, off: Vec::new(), clock }
}

/// Whether a clock showing this is in the window, found by stepping through a span's minutes.
fn shown_inside(window: &Window, local: DateTime) -> bool {
    let minute = |time: DateTime| time.with().second(0).subsec_nanosecond(0).build().unwrap();
    let off = |time: DateTime| window.off.contains(&time.date());
    window.open.iter().any(|span| {
        let length = if span.to > span.from { span.to - span.from } else { span.to + 1440 - span.from };
        [0, 1].into_iter().any(|back| {
            let day = local.date().checked_sub(jiff::Span::new().days(back)).unwrap();
            let begin = day.at(0, 0, 0, 0).checked_add(jiff::Span::new().minutes(span.from)).unwrap();
            let end = begin.checked_add(jiff::Span::new().minutes(length)).unwrap();
            let named = Days::NAMES[day.weekday().to_monday_zero_offset() as usize];
            span.days.to_string().contains(named)
                && !off(begin)
                && !off(local)
                && begin <= minute(local)
                && minute(local) < end
        })
    })
}

const ZONES: [&str; 12] = [
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Asia/Hong_Kong",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Pacific/Apia",
    "Africa/Casablanca",
    "America/Santiago",
    "Europe/Berlin&America/New_York",
    "Asia/Kathmandu&Australia/Lord_Howe&Europe/London",
];

/// Checks every five minutes of the days around clock changes, in windows across midnight, on some days, and with days
/// off.
#[test]
fn it_is_open_when_the_clock_on_the_wall_says_so_and_the_next_change_is_the_next() {
    let every = Days::ALL;
    let mut nights = window(vec![span(every, 2200, 600)], WhoseClock::Recipient);
    nights.off = vec![date(2026, 3, 30), date(2026, 10, 25)];
    let windows = [
        window(vec![span(every, 900, 2000)], WhoseClock::Recipient),
        window(
            vec![span(days(&[0, 1, 2, 3, 4]), 900, 1200), span(days(&[0, 2, 4]), 1330, 2400)],
            WhoseClock::Recipient,
        ),
        window(vec![span(days(&[5, 6]), 130, 215), span(days(&[6]), 2300, 300)], WhoseClock::Recipient),
        nights,
    ];
    let (mut opened, mut closed) = (0, 0);
    for (index, window) in windows.iter().enumerate() {
        for names in ZONES {
            let zones: Vec<TimeZone> = names.split('&').map(|name| TimeZone::get(name).unwrap()).collect();
            for first in [date(2026, 3, 27), date(2026, 10, 24), date(2026, 10, 31)] {
                let mut hours = Hours::new(window.clone());
                let begin = at("UTC", first.at(0, 0, 0, 0));
                let mut stretch = hours.at(names, begin);
                for now in (begin.0..begin.0 + 4 * DAY).step_by(5 * MINUTE as usize) {
                    let inside = zones.iter().all(|zone| {
                        let at = jiff::Timestamp::from_millisecond(now).unwrap();
                        shown_inside(window, zone.to_datetime(at))
                    });
                    let known = hours.at(names, Millis(now));
                    assert_eq!(known.open, inside, "{names}, window {index}, {}", Millis(now));
                    if known != stretch {
                        assert_eq!(
                            stretch.until,
                            Some(Millis(now)),
                            "{names}, window {index}: a change that was not found"
                        );
                        assert_ne!(known.open, stretch.open);
                        stretch = known;
                    }
                    // A lookup of a single moment agrees.
                    if now % (7 * 60 * MINUTE) == 0 {
                        let alone = Hours::new(window.clone()).at(names, Millis(now));
                        assert_eq!((alone.open, alone.until), (known.open, known.until), "{names}, {}", Millis(now));
                    }
                    if inside { opened += 1 } else { closed += 1 }
                }
            }
        }
    }
    assert!(opened > 20_000 && closed > 20_000, "{opened} {closed}");
}

#[test]
fn an_hour_that_comes_twice_is_open_twice_and_one_that_is_skipped_never() {
    // In Berlin, 02:00–03:00 comes twice on 25 October and not at all on 29 March.
    let mut hours = Hours::new(window(vec![span(Days::ALL, 200, 230)], WhoseClock::Recipient));
    let begin = at("Europe/Berlin", date(2026, 10, 25).at(0, 0, 0, 0));
    let first = hours.at("Europe/Berlin", begin).until.unwrap();
    let close = hours.at("Europe/Berlin", first).until.unwrap();
    let second = hours.at("Europe/Berlin", close).until.unwrap();
    let minutes = |from: Millis, to: Millis| (to.0 - from.0) / MINUTE;
    assert_eq!((minutes(begin, first), minutes(first, close), minutes(close, second)), (120, 30, 30));
    let begin = at("Europe/Berlin", date(2026, 3, 28).at(12, 0, 0, 0));
    let next = hours.at("Europe/Berlin", begin).until.unwrap();
    assert_eq!(next, at("Europe/Berlin", date(2026, 3, 30).at(2, 0, 0, 0)));
}

#[test]
fn a_window_that_never_opens_is_known_and_one_that_never_closes_too() {
    let now = at("UTC", date(2026, 11, 24).at(12, 0, 0, 0));
    let mut far_apart = Hours::new(window(vec![span(Days::ALL, 900, 1000)], WhoseClock::Recipient));
    let never = Stretch { open: false, from: now, until: None };
    assert_eq!(far_apart.at("Europe/Kaliningrad&Asia/Kamchatka", now), never);
    assert_eq!(far_apart.at("Atlantis/Capital", now), never);
    let mut always = Hours::new(window(vec![span(Days::ALL, 0, 2400)], WhoseClock::Recipient));
    assert!(always.at("Europe/Berlin&Asia/Tokyo", now).open);
    assert!(always.at("Europe/Berlin", Millis(now.0 + 400 * DAY)).open);
}

#[test]
fn every_zone_of_the_map_is_known_and_numbers_are_found_in_it() {
    for line in include_str!("zones.txt").lines().filter(|line| !line.starts_with('#')) {
        let (_, names) = line.split_once('|').unwrap();
        assert!(super::time_zones::named(names).is_some(), "{line}");
    }
    let zones = |digits: &str| zones_of(Phone::from_digits(digits).unwrap());
    assert_eq!(zones("85268411234"), Some("Asia/Hong_Kong"));
    assert_eq!(zones("12125550123"), Some("America/New_York"));
    assert_eq!(zones("5511912345678"), Some("America/Sao_Paulo"));
    assert_eq!(zones("77012345678"), Some("Asia/Almaty&Asia/Aqtobe"));
    // A mobile number of Russia or Australia may be anywhere in the country.
    assert!(zones("79123456789").is_some_and(|zones| zones.contains("Moscow") && zones.contains("Vladivostok")));
    assert!(zones("61412345678").is_some_and(|zones| zones.contains("Sydney") && zones.contains("Perth")));
    assert_eq!(zones("80012345678"), None);
    assert_eq!(zones("8"), None);
}

fn columns() -> Vec<String> {
    ["phone", "zone", "when", "until"].map(str::to_owned).to_vec()
}

fn timing(clock: WhoseClock, timezone: Option<&str>) -> Timing {
    let name = |name: &str| Some(name.to_owned());
    Timing {
        timezone: timezone.map(str::to_owned),
        window: Some(window(vec![span(Days::ALL, 900, 2000)], clock)),
        columns: TimeColumns { timezone: name("zone"), send_at: name("when"), not_after: name("until") },
        ..Timing::default()
    }
}

fn of_row(timing: &Timing, phone: &str, cells: [&str; 4]) -> Result<RowTimes, (&'static str, String)> {
    let timed = RowTiming::new(timing, &columns(), at("UTC", date(2026, 11, 24).at(12, 0, 0, 0))).unwrap().unwrap();
    let phone = Phone::from_digits(phone).unwrap();
    timed.validate(timed.hours().as_mut(), phone, &cells).map_err(|problem| (problem.code(), problem.to_string()))?;
    Ok(timed.of_row(phone, &cells).unwrap())
}

#[test]
fn a_time_zone_comes_from_the_row_else_from_the_number_else_from_the_campaign() {
    let timing = timing(WhoseClock::Recipient, Some("Asia/Tokyo"));
    let zones = |phone, cell| of_row(&timing, phone, ["", cell, "", ""]).map(|row| row.zones);
    assert_eq!(zones("85268411234", "Europe/Berlin").unwrap(), "Europe/Berlin");
    assert_eq!(zones("85268411234", " ").unwrap(), "Asia/Hong_Kong");
    assert_eq!(zones("80012345678", "").unwrap(), "Asia/Tokyo");
    assert_eq!(zones("85268411234", "Europe/Berlim").unwrap_err().0, "bad_timezone");
    let without = Timing { timezone: None, ..timing.clone() };
    assert_eq!(of_row(&without, "80012345678", ["", "", "", ""]).unwrap_err().0, "no_timezone");
    // Sixteen zones across ten hours are never all between nine and ten.
    let narrow = Timing { window: Some(window(vec![span(Days::ALL, 900, 1000)], WhoseClock::Recipient)), ..timing };
    let (code, words) = of_row(&narrow, "79123456789", ["", "", "", ""]).unwrap_err();
    assert!(code == "no_timezone" && words.contains("several time zones (16)"), "{words}");
}

#[test]
fn times_of_a_row_are_by_its_own_clock_or_by_their_offset() {
    let timing = timing(WhoseClock::Recipient, None);
    let when = |phone, zone, when| of_row(&timing, phone, ["", zone, when, ""]).map(|row| row.send_at.unwrap());
    let nine = date(2026, 12, 1).at(9, 0, 0, 0);
    assert_eq!(when("85268411234", "", "2026-12-01T09:00").unwrap(), at("Asia/Hong_Kong", nine));
    assert_eq!(when("85268411234", "Europe/Berlin", "2026-12-01 09:00:00").unwrap(), at("Europe/Berlin", nine));
    assert_eq!(when("85268411234", "", "2026-12-01T09:00:00Z").unwrap(), at("UTC", nine));
    assert_eq!(when("79123456789", "", "2026-12-01T09:00+03:00").unwrap(), at("Europe/Moscow", nine));
    // If the zones agree, it does not matter which of them the number is in.
    assert_eq!(when("447400123456", "", "2026-12-01T09:00").unwrap(), at("Europe/London", nine));
    for (phone, text, code) in [
        ("79123456789", "2026-12-01T09:00", "no_timezone"),
        ("85268411234", "tomorrow", "bad_send_at"),
        ("85268411234", "2026-12-01", "bad_send_at"),
        ("85268411234", "2026-13-01T09:00", "bad_send_at"),
        ("85268411234", "01.12.2026 09:00", "bad_send_at"),
    ] {
        let (found, words) = when(phone, "", text).unwrap_err();
        assert_eq!(found, code, "{text}");
        assert!(words.starts_with("column `when`: "), "{words}");
    }
    let row = of_row(&timing, "85268411234", ["", "", "2026-12-01T09:00Z", "2026-12-01T08:00Z"]);
    assert_eq!(row.unwrap_err().0, "bad_send_at");
    assert_eq!(of_row(&timing, "85268411234", ["", "", "", "later"]).unwrap_err().0, "bad_not_after");
}

#[test]
fn a_row_leaves_waits_or_is_too_late() {
    let timed =
        Timing { not_after: Some(NotAfter::At(Millis(100 * DAY))), ..timing(WhoseClock::Campaign, Some("UTC")) };
    let mut hours = RowTiming::new(&timed, &columns(), Millis(0)).unwrap().unwrap().hours();
    let hour = |day: i64, hour: i64| Millis(day * DAY + hour * 60 * MINUTE);
    let row = |send_at, not_after| RowTimes { zones: "UTC".into(), send_at, not_after };
    let mut may = |row: &RowTimes, now| RowTiming::may(row, hours.as_mut(), now);
    assert_eq!(may(&row(None, None), hour(1, 10)), MaySend::Leave { before: hour(1, 20) });
    assert_eq!(may(&row(None, Some(hour(1, 11))), hour(1, 10)), MaySend::Leave { before: hour(1, 11) });
    assert_eq!(may(&row(None, None), hour(1, 20)), MaySend::Wait(hour(2, 9)));
    assert_eq!(may(&row(None, Some(hour(2, 9))), hour(1, 20)), MaySend::Expire(hour(2, 9)));
    assert_eq!(may(&row(None, Some(hour(1, 11))), hour(1, 11)), MaySend::Expire(hour(1, 11)));
    assert_eq!(may(&row(Some(hour(1, 12)), None), hour(1, 10)), MaySend::Wait(hour(1, 12)));
    assert_eq!(may(&row(Some(hour(1, 10)), None), hour(1, 10)), MaySend::Leave { before: hour(1, 20) });
}

#[test]
fn a_column_that_is_not_there_is_reported_with_the_nearest() {
    let timing =
        Timing { columns: TimeColumns { send_at: Some("wen".into()), ..TimeColumns::default() }, ..Timing::default() };
    let error = RowTiming::new(&timing, &columns(), Millis(0)).unwrap_err();
    let words = "`recipients.send_at`: the recipients have no column `wen`";
    assert_eq!((error.to_string(), error.to_person()), (words.to_owned(), format!("{words}; did you mean `when`?")));
    let person = ["85268411234", "Ana Maria"].map(str::to_owned);
    let error = RowTiming::new(&timing, &person, Millis(0)).unwrap_err();
    let words = format!("{words}; the first line looks like a recipient; add a header line that names the columns");
    assert_eq!((error.to_string(), error.to_person()), (words.clone(), words));
}

#[test]
fn a_day_is_that_of_the_zone_whatever_its_length() {
    let noon = at("Europe/Berlin", date(2026, 10, 25).at(12, 0, 0, 0));
    let (from, until) = day_of(noon, Some("Europe/Berlin"));
    assert_eq!((until.0 - from.0) / MINUTE, 25 * 60);
    assert_eq!(day_of(noon, None).0, at("UTC", date(2026, 10, 25).at(0, 0, 0, 0)));
    assert_eq!(local(noon, Some("Europe/Berlin")), "2026-10-25 12:00 (Europe/Berlin)");
    assert_eq!(local(noon, None), "2026-10-25T11:00:00Z");
}
