//! Estimates when a campaign will have sent its last message, from its rate, window, quota and the rows' own times. It
//! does not know the provider.

use crate::engine::plan::{Checked, DueRows};
use crate::engine::status::time_to_send;
use crate::model::{Campaign, Millis};
use crate::send_window::{Hours, Stretch, day_of};

/// Maximum number of open periods and quota days considered: decades of either.
const MAX_STEPS: usize = 20_000;

/// Maximum number of times that a zone is looked at in one estimate: a fraction of a second.
const MAX_VISITS: usize = 1_000_000;

/// Returns when `rows` messages of a list that was checked are all sent, starting at `from` or at their own times;
/// `None` if no end can be estimated. If the list has other rows too, they are taken to be spread alike over the time
/// zones. Only the first and the last own time of each zone are known: if many rows share a late one, sending takes
/// longer.
#[must_use]
pub fn sent_by(rows: u64, from: Millis, checked: &Checked, campaign: &Campaign) -> Option<Millis> {
    let groups = groups(rows, from, &checked.due);
    let taken = checked.taken_on.filter(|(day, _)| *day == day_of(from, campaign.timing.timezone.as_deref()).0);
    let taken = taken.map_or(0, |(_, taken)| taken);
    let last = |group: &Group| Group { left: 1, from: group.last, ..group.clone() };
    let latest: Vec<Group> = groups.iter().filter(|group| group.last > group.from).map(last).collect();
    let all = at_its_rate(groups, (from, taken), campaign)?;
    latest.into_iter().try_fold(all, |end, group| Some(end.max(at_its_rate(vec![group], (from, taken), campaign)?)))
}

/// Rows in the same time zones that are still to be sent.
#[derive(Clone)]
struct Group {
    zones: String,
    left: u64,
    from: Millis,
    last: Millis,
}

/// Distributes the rows over the zones.
fn groups(rows: u64, from: Millis, due: &DueRows) -> Vec<Group> {
    let zones = due.by_zone();
    let counted: u64 = zones.iter().map(|(_, zone)| zone.rows).sum();
    if counted == 0 {
        return vec![Group { zones: String::new(), left: rows, from, last: from }];
    }
    let (mut seen, mut given) = (0, 0);
    let mut groups = Vec::new();
    for (zones, zone) in zones {
        seen += zone.rows;
        // The sums are rounded, so that the parts add up.
        let so_far = (u128::from(rows) * u128::from(seen)).div_ceil(counted.into());
        let left = u64::try_from(so_far).unwrap_or(u64::MAX) - given;
        given += left;
        let (from, last) = (from.max(zone.first), from.max(zone.last));
        groups.push(Group { zones: zones.to_owned(), left, from, last });
    }
    groups
}

/// The same for these rows, if so many messages of the day of `from` count against the quota already.
fn at_its_rate(mut groups: Vec<Group>, (from, taken): (Millis, u64), campaign: &Campaign) -> Option<Millis> {
    let (timing, dispatch) = (&campaign.timing, &campaign.dispatch);
    let zone = timing.timezone.as_deref();
    let mut hours = timing.window.clone().map(Hours::new);
    let a_day = timing.quota.map_or(u64::MAX, |quota| quota.get().into());
    let (mut now, mut today, mut day_ends) = (from, a_day.saturating_sub(taken), None);
    let mut visits = 0;
    for _ in 0..MAX_STEPS {
        visits += groups.len();
        if visits > MAX_VISITS {
            return None;
        }
        groups.retain(|group| group.left > 0);
        // When any group's window opens or closes.
        let mut change: Option<Millis> = None;
        let mut open = Vec::new();
        for (index, group) in groups.iter().enumerate() {
            let next = if now < group.from {
                Some(group.from)
            } else {
                let zones = if group.zones.is_empty() { zone.unwrap_or("UTC") } else { &group.zones };
                match hours.as_mut().map(|hours| hours.at(zones, now)) {
                    Some(Stretch { open: false, until, .. }) => Some(until?),
                    stretch => {
                        let until = stretch.and_then(|stretch| stretch.until);
                        open.push((until.unwrap_or(Millis(i64::MAX)), index));
                        until
                    }
                }
            };
            change = [change, next].into_iter().flatten().min();
        }
        if open.is_empty() {
            now = change?;
            continue;
        }
        if timing.quota.is_some() && day_ends.is_none_or(|end| end <= now) {
            let is_first = now < day_of(from, zone).1;
            (today, day_ends) = (if is_first { today } else { a_day }, Some(day_of(now, zone).1));
        }
        if today == 0 {
            now = day_ends?;
            continue;
        }
        let left: u64 = groups.iter().map(|group| group.left).sum();
        let waiting: u64 = open.iter().filter_map(|(_, index)| groups.get(*index)).map(|group| group.left).sum();
        let mut gone = waiting.min(today);
        let done = now.plus(time_to_send(gone, dispatch));
        match [change, day_ends].into_iter().flatten().min().filter(|until| *until < done) {
            None if gone == left => return Some(done),
            None => now = done,
            Some(until) => {
                let periods = until.since(now).as_secs_f64() / dispatch.per.as_secs_f64();
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, below `gone`")]
                let sent = ((periods * f64::from(dispatch.rate.get())) as u64).min(gone);
                (now, gone) = (until, sent);
            }
        }
        today -= gone;
        // Those whose window closes first.
        open.sort_unstable();
        for (_, index) in open {
            let Some(group) = groups.get_mut(index) else { continue };
            let sent = group.left.min(gone);
            group.left -= sent;
            gone -= sent;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn forecast(dispatch: &str, more: &str, rows: u64) -> Option<String> {
        forecast_of(dispatch, more, rows, &DueRows::default())
    }

    fn forecast_of(dispatch: &str, more: &str, rows: u64, due: &DueRows) -> Option<String> {
        forecast_with(dispatch, more, rows, &Checked { due: due.clone(), ..Checked::default() })
    }

    fn forecast_with(dispatch: &str, more: &str, rows: u64, checked: &Checked) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f.yaml");
        let text = format!(
            "name: f\nprovider: simulator\nchannel: whatsapp\nrecipients: {{csv: f.csv, to: phone}}\n\
             dispatch: {{{dispatch}}}\nmessage: {{type: template, template: {{name: f}}}}\n{more}"
        );
        std::fs::write(&file, text).unwrap();
        let campaign = crate::campaign_file::read(Path::new(&file)).unwrap().campaign;
        // A Tuesday, 18:00 in Hong Kong.
        let from = "2026-12-01T10:00:00Z".parse::<jiff::Timestamp>().unwrap();
        sent_by(rows, Millis(from.as_millisecond()), checked, &campaign).map(|at| at.to_string())
    }

    #[test]
    fn a_rate_alone_a_window_and_a_quota_each_put_the_end_off() {
        assert_eq!(forecast("rate: 10/s", "", 36_000).as_deref(), Some("2026-12-01T11:00:00Z"));
        // Two hours of it today, one tomorrow.
        let window = "timezone: Asia/Hong_Kong\nwindow: \"09:00-20:00\"\n";
        assert_eq!(forecast("rate: 10/s", window, 108_000).as_deref(), Some("2026-12-02T02:00:00Z"));
        // A thousand on each of three days, which start at midnight in Hong Kong.
        let zone = "timezone: Asia/Hong_Kong\n";
        let quota = forecast("rate: 10/s, quota: 1000/day", zone, 2_500);
        assert_eq!(quota.as_deref(), Some("2026-12-02T16:00:50Z"));
        let both = forecast("rate: 10/s, quota: 1000/day", window, 2_500);
        assert_eq!(both.as_deref(), Some("2026-12-03T01:00:50Z"));
        // 200 are left today; what was used on another day does not count.
        let used = |day: &str| {
            let day = Millis(day.parse::<jiff::Timestamp>().unwrap().as_millisecond());
            let checked = Checked { taken_on: Some((day, 800)), ..Checked::default() };
            forecast_with("rate: 10/s, quota: 1000/day", zone, 2_500, &checked)
        };
        assert_eq!(used("2026-11-30T16:00:00Z").as_deref(), Some("2026-12-03T16:00:30Z"));
        assert_eq!(used("2026-11-29T16:00:00Z"), quota);
    }

    #[test]
    fn rows_with_times_of_their_own_leave_then() {
        let at = |text: &str| Millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
        let own = |first, last| {
            let mut due = DueRows::default();
            [first, last].into_iter().for_each(|time| due.add("", Some(at(time))));
            due
        };
        let zone = "timezone: Asia/Hong_Kong\n";
        let forecast = |rows, due: DueRows| forecast_of("rate: 10/s", zone, rows, &due).unwrap();
        // All at one time, spread over a day, and long ago.
        let noon = "2026-12-02T12:00:00Z";
        assert_eq!(forecast(36_000, own(noon, noon)), "2026-12-02T13:00:00Z");
        assert_eq!(forecast(600, own("2026-12-01T12:00:00Z", noon)), "2026-12-02T12:00:00Z");
        assert_eq!(forecast(600, own("2026-11-01T12:00:00Z", "2026-11-02T12:00:00Z")), "2026-12-01T10:01:00Z");
        let window = format!("{zone}window: \"09:00-20:00\"\n");
        // At 21:00 in Hong Kong.
        let late = forecast_of("rate: 10/s", &window, 600, &own(noon, "2026-12-02T13:00:00Z"));
        assert_eq!(late.as_deref(), Some("2026-12-03T01:01:00Z"));
    }

    #[test]
    fn a_window_on_the_recipients_clocks_is_read_on_each_of_them() {
        let window = "window: {open: [\"09:00-20:00\"], clock: recipient}\n";
        let due = |zones: &[(&str, u64)]| {
            let mut due = DueRows::default();
            for (zone, rows) in zones {
                (0..*rows).for_each(|_| due.add(zone, None));
            }
            due
        };
        let forecast = |rows, zones: &[(&str, u64)]| forecast_of("rate: 10/s", window, rows, &due(zones)).unwrap();
        // 02:00 in Los Angeles, 18:00 in Hong Kong.
        assert_eq!(forecast(1, &[("America/Los_Angeles", 1)]), "2026-12-01T17:00:00Z");
        assert_eq!(forecast(600, &[("Asia/Hong_Kong", 600)]), "2026-12-01T10:01:00Z");
        let both = [("America/Los_Angeles", 100), ("Asia/Hong_Kong", 100)];
        assert_eq!(forecast(200, &both), "2026-12-01T17:00:10Z");
        // Of twice as many, half are left out.
        assert_eq!(forecast(100, &both), "2026-12-01T17:00:05Z");
        // Two hours of it today, one tomorrow.
        assert_eq!(forecast(108_000, &[("Asia/Hong_Kong", 108_000)]), "2026-12-02T02:00:00Z");
    }

    #[test]
    fn what_never_ends_is_not_estimated() {
        assert_eq!(forecast("rate: 10/s, quota: 1/day", "timezone: UTC\n", 1_000_000), None);
    }
}
