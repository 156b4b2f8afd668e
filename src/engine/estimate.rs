//! Estimates when a campaign will have sent its last message, from its rate, window, quota and the rows' own times. It
//! knows neither the provider nor the store.

use crate::engine::plan::Times;
use crate::engine::status::time_to_send;
use crate::model::{Campaign, Millis};
use crate::send_window::{Hours, Stretch, day_of};

/// Maximum number of open periods and quota days considered: decades of either.
const MAX_STEPS: usize = 20_000;

/// Returns when `rows` messages are all sent, starting at `from` or at their own times; `None` if no end can be
/// estimated. A window on the recipients' clocks is read on the campaign's clock. Only the first and the last own time
/// are known: if many rows share a late one, sending takes longer.
#[must_use]
pub fn sent_by(rows: u64, from: Millis, own: Option<Times>, campaign: &Campaign) -> Option<Millis> {
    let Some(Times { first, last }) = own else { return at_its_rate(rows, from, campaign) };
    let all = at_its_rate(rows, from.max(first), campaign)?;
    Some(all.max(at_its_rate(1, from.max(last), campaign)?))
}

fn at_its_rate(rows: u64, from: Millis, campaign: &Campaign) -> Option<Millis> {
    let (timing, dispatch) = (&campaign.timing, &campaign.dispatch);
    let zone = timing.timezone.as_deref();
    let mut hours = timing.window.clone().map(Hours::new);
    let a_day = timing.quota.map_or(u64::MAX, |quota| quota.get().into());
    let (mut now, mut left) = (from, rows);
    let (mut today, mut day_ends) = (a_day, None);
    for _ in 0..MAX_STEPS {
        let open_until = match hours.as_mut().map(|hours| hours.at(zone.unwrap_or("UTC"), now)) {
            None => None,
            Some(Stretch { open: true, until, .. }) => until,
            Some(Stretch { open: false, until, .. }) => {
                now = until?;
                continue;
            }
        };
        if timing.quota.is_some() && day_ends.is_none_or(|end| end <= now) {
            (today, day_ends) = (a_day, Some(day_of(now, zone).1));
        }
        if today == 0 {
            now = day_ends?;
            continue;
        }
        let sent = left.min(today);
        let done = now.plus(time_to_send(sent, dispatch));
        match [open_until, day_ends].into_iter().flatten().min().filter(|until| *until < done) {
            None if sent == left => return Some(done),
            None => (now, today) = (done, 0),
            Some(until) => {
                let periods = until.since(now).as_secs_f64() / dispatch.per.as_secs_f64();
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, below `sent`")]
                let gone = ((periods * f64::from(dispatch.rate.get())) as u64).min(sent);
                (now, today) = (until, today - gone);
                left -= gone;
                continue;
            }
        }
        left -= sent;
    }
    None
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn forecast(dispatch: &str, more: &str, rows: u64) -> Option<String> {
        forecast_of(dispatch, more, rows, None)
    }

    fn forecast_of(dispatch: &str, more: &str, rows: u64, own: Option<Times>) -> Option<String> {
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
        sent_by(rows, Millis(from.as_millisecond()), own, &campaign).map(|at| at.to_string())
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
    }

    #[test]
    fn rows_with_times_of_their_own_leave_then() {
        let at = |text: &str| Millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
        let own = |first, last| Some(Times { first: at(first), last: at(last) });
        let zone = "timezone: Asia/Hong_Kong\n";
        let forecast = |rows, own| forecast_of("rate: 10/s", zone, rows, own).unwrap();
        // All at one time, spread over a day, and long ago.
        let noon = "2026-12-02T12:00:00Z";
        assert_eq!(forecast(36_000, own(noon, noon)), "2026-12-02T13:00:00Z");
        assert_eq!(forecast(600, own("2026-12-01T12:00:00Z", noon)), "2026-12-02T12:00:00Z");
        assert_eq!(forecast(600, own("2026-11-01T12:00:00Z", "2026-11-02T12:00:00Z")), "2026-12-01T10:01:00Z");
        let window = format!("{zone}window: \"09:00-20:00\"\n");
        // At 21:00 in Hong Kong.
        let late = forecast_of("rate: 10/s", &window, 600, own(noon, "2026-12-02T13:00:00Z"));
        assert_eq!(late.as_deref(), Some("2026-12-03T01:01:00Z"));
    }

    #[test]
    fn what_never_ends_is_not_estimated() {
        assert_eq!(forecast("rate: 10/s, quota: 1/day", "timezone: UTC\n", 1_000_000), None);
    }
}
