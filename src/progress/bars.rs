//! Progress as bars, for a person at a terminal.

use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::meter::Meter;
use super::text;
use crate::model::{Event, State, Tally};

/// The bars take new numbers at most so often: events come far faster than anyone can read.
const EVERY: Duration = Duration::from_millis(100);

/// Fits into 80 columns with the longest of the usual messages.
const BAR: &str = "{prefix:>9} {bar:20.cyan/dim} {msg}";
const SPINNER: &str = "{prefix:>9} {spinner:.cyan} {msg}";
const NOTE: &str = "{prefix:>9} {msg}";

/// How long a wish of the provider to slow down stays in sight after its pause.
const SLOWED_FOR: Duration = Duration::from_secs(5);

/// Draws a run.
pub(super) struct Bars {
    multi: MultiProgress,
    reading: Option<ProgressBar>,
    asking: Option<ProgressBar>,
    sending: Option<Sending>,
    tally: Tally,
    meter: Meter,
    /// The rate that the provider asked for, for as long as it was asked for lately.
    slowed: Option<(Instant, String)>,
    last_update: Instant,
}

struct Sending {
    sent: ProgressBar,
    delivered: ProgressBar,
    read: ProgressBar,
    /// What is not as it should be; there only once something is not.
    note: Option<ProgressBar>,
}

impl Bars {
    pub(super) fn new(multi: MultiProgress, now: Instant) -> Self {
        Self {
            multi,
            reading: None,
            asking: None,
            sending: None,
            tally: Tally::default(),
            meter: Meter::default(),
            slowed: None,
            last_update: now,
        }
    }

    pub(super) fn on(&mut self, event: Event, now: Instant) {
        match event {
            Event::Imported { rows, bytes, total_bytes } => {
                let fresh = self.reading.is_none();
                if fresh || self.is_due(now) {
                    self.reading(rows, bytes, total_bytes);
                }
            }
            Event::Asked { done, total } => {
                if done == total || self.asking.is_none() || self.is_due(now) {
                    let multi = &self.multi;
                    let bar = self.asking.get_or_insert_with(|| added(multi, BAR, "asking"));
                    show(bar, done, total, text::of(done, total));
                }
            }
            Event::Planned(tally) => {
                if let Some(reading) = self.reading.take() {
                    reading.finish_and_clear();
                }
                self.say(&text::planned(&tally));
                self.moved(tally, now);
                self.update(now);
            }
            Event::Moved(tally) => {
                self.moved(tally, now);
                if self.is_due(now) {
                    self.update(now);
                }
            }
            Event::Dispatched => self.update(now),
            Event::Slowed { rate, pause } => {
                self.slowed = Some((now + pause, text::slowed(rate, pause)));
                if self.is_due(now) {
                    self.update(now);
                }
            }
            Event::Said(sentence) => self.say(&sentence),
        }
    }

    /// Leaves the bars as they stand at the end.
    pub(super) fn finish(mut self, now: Instant) {
        for bar in [self.reading.take(), self.asking.take()].into_iter().flatten() {
            bar.abandon();
        }
        self.update(now);
        if let Some(Sending { sent, delivered, read, note }) = self.sending {
            for bar in [sent, delivered, read].into_iter().chain(note) {
                bar.abandon();
            }
        }
    }

    /// Prints a line above the bars.
    fn say(&self, line: &str) {
        // A closed stderr is no reason to stop a run.
        let _ = self.multi.println(line);
    }

    fn is_due(&mut self, now: Instant) -> bool {
        let due = now.duration_since(self.last_update) >= EVERY;
        if due {
            self.last_update = now;
        }
        due
    }

    fn reading(&mut self, rows: u64, bytes: u64, total: Option<u64>) {
        let multi = &self.multi;
        let bar = self.reading.get_or_insert_with(|| match total {
            Some(_) => added(multi, BAR, "reading"),
            None => added(multi, SPINNER, "reading"),
        });
        if let Some(total) = total {
            bar.set_length(total);
            bar.set_position(bytes.min(total));
        }
        bar.set_message(text::rows(rows));
        bar.tick();
    }

    fn moved(&mut self, tally: Tally, now: Instant) {
        self.tally = tally;
        self.meter.set(tally.settled(), now);
        let multi = &self.multi;
        self.sending.get_or_insert_with(|| Sending {
            sent: added(multi, BAR, "sent"),
            delivered: added(multi, BAR, "delivered"),
            read: added(multi, BAR, "read"),
            note: None,
        });
    }

    fn update(&mut self, now: Instant) {
        let Some(Sending { sent, delivered, read, note }) = &mut self.sending else { return };
        let tally = &self.tally;
        self.last_update = now;
        if self.slowed.as_ref().is_some_and(|(until, _)| now.saturating_duration_since(*until) >= SLOWED_FOR) {
            self.slowed = None;
        }
        let (settled, accepted) = (tally.settled(), tally.accepted());
        let rate = if settled < tally.sendable() { self.meter.rate(now) } else { None };
        let message = joined([text::of(settled, tally.sendable()), text::pace(tally, rate)]);
        show(sent, settled, tally.sendable(), message);
        for (bar, rows) in [(delivered, tally.delivered()), (read, tally.of(State::Read))] {
            show(bar, rows, accepted, text::of(rows, accepted));
        }
        let slowed = self.slowed.as_ref().map(|(_, wish)| wish.clone()).unwrap_or_default();
        let words = joined([text::troubles(tally), slowed]);
        if note.is_some() || !words.is_empty() {
            note.get_or_insert_with(|| added(&self.multi, NOTE, "")).set_message(words);
        }
    }
}

fn added(multi: &MultiProgress, template: &'static str, name: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    // An empty bar rather than a full one, as long as nothing is known.
    multi.add(ProgressBar::new(1)).with_style(style).with_prefix(name)
}

fn joined(parts: [String; 2]) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn show(bar: &ProgressBar, part: u64, whole: u64, message: String) {
    bar.set_length(whole.max(1));
    bar.set_position(part);
    bar.set_message(message);
}

#[cfg(test)]
mod tests {
    use indicatif::ProgressDrawTarget;

    use super::*;

    fn bars(now: Instant) -> Bars {
        Bars::new(MultiProgress::with_draw_target(ProgressDrawTarget::hidden()), now)
    }

    fn at(accepted: u64) -> Tally {
        let mut tally = Tally::default();
        tally.add(State::Pending, 1_000 - accepted);
        tally.add(State::Accepted, accepted);
        tally
    }

    #[test]
    fn a_run_in_bars() {
        let start = Instant::now();
        let after = |millis: u64| start + Duration::from_millis(millis);
        let mut bars = bars(start);
        bars.on(Event::Imported { rows: 1_500, bytes: 40, total_bytes: Some(100) }, start);
        let reading = bars.reading.clone().unwrap();
        assert_eq!((reading.position(), reading.length(), reading.message().as_str()), (40, Some(100), "1,500 rows"));

        bars.on(Event::Planned(at(0)), start);
        assert!(bars.reading.is_none() && reading.is_finished());

        for step in 1..=20 {
            bars.on(Event::Moved(at(step * 10)), after(step * 100));
        }
        let sent = bars.sending.as_ref().unwrap().sent.clone();
        assert_eq!(sent.message(), "200 of 1,000 (20 %), 100/s, about 8 s left");
        assert_eq!((sent.position(), sent.length()), (200, Some(1_000)));

        bars.on(Event::Moved(at(201)), after(2_001));
        assert_eq!(sent.position(), 200, "too early to redraw");

        let mut end = at(1_000);
        for state in [State::Delivered, State::Read, State::Failed] {
            end.shift(State::Accepted, state);
        }
        bars.on(Event::Moved(end), after(2_002));
        bars.on(Event::Dispatched, after(2_003));
        assert_eq!(sent.message(), "1,000 of 1,000 (100 %)");
        let Sending { delivered, read, note, .. } = bars.sending.as_ref().unwrap();
        assert_eq!(note.as_ref().unwrap().message(), "1 failed");
        assert_eq!(delivered.message(), "2 of 1,000 (0 %)");
        assert_eq!(read.message(), "1 of 1,000 (0 %)");
        bars.finish(after(2_100));
        assert!(sent.is_finished());
        assert_eq!(sent.position(), 1_000);
    }

    #[test]
    fn a_check_of_media_in_bars() {
        let start = Instant::now();
        let mut bars = bars(start);
        bars.on(Event::Asked { done: 0, total: 40 }, start);
        let asking = bars.asking.clone().unwrap();
        bars.on(Event::Asked { done: 10, total: 40 }, start + EVERY);
        bars.on(Event::Asked { done: 11, total: 40 }, start + EVERY);
        assert_eq!((asking.position(), asking.length()), (10, Some(40)), "too early to redraw");
        bars.on(Event::Asked { done: 40, total: 40 }, start + EVERY);
        assert_eq!(asking.message(), "40 of 40 (100 %)");
        bars.finish(start + EVERY);
        assert!(asking.is_finished());
    }

    #[test]
    fn a_wish_to_slow_down_stays_in_sight_for_a_while() {
        let start = Instant::now();
        let after = |seconds: u64| start + Duration::from_secs(seconds);
        let mut bars = bars(start);
        bars.on(Event::Planned(at(10)), start);
        assert!(bars.sending.as_ref().unwrap().note.is_none());
        bars.on(Event::Slowed { rate: 40.0, pause: Duration::from_secs(2) }, after(1));
        let note = bars.sending.as_ref().unwrap().note.clone().unwrap();
        assert_eq!(note.message(), "the provider asked to slow down: 40.0/s after a pause of 2 s");
        bars.on(Event::Moved(at(20)), after(9));
        assert_eq!(note.message(), "");
    }
}
