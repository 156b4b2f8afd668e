//! Progress as lines, for log files and pipes.

use std::io::Write;
use std::time::{Duration, Instant};

use super::rate_meter::RateMeter;
use super::text;
use crate::model::{Event, Tally};
use crate::text::escaped_lines;

/// The shortest time between two lines. Changes of stage and notices are written at once.
const INTERVAL: Duration = Duration::from_secs(5);

/// What the next line is about.
#[derive(Clone, Copy)]
enum Stage {
    Reading { rows: u64, bytes: u64, total: Option<u64> },
    Asking { done: u64, total: u64 },
    Sending(Tally),
    Statuses(Tally),
}

/// Writes lines about a run.
pub(super) struct Plain {
    out: Box<dyn Write + Send>,
    stage: Stage,
    meter: RateMeter,
    /// Whether something changed since the last line.
    has_changed: bool,
    last_line: Instant,
    last_slowed: Option<Instant>,
    is_paused: bool,
}

impl Plain {
    /// Writes lines to `out`. The first one that is not a change of stage comes at least five seconds after `now`.
    pub(super) fn new(out: Box<dyn Write + Send>, now: Instant) -> Self {
        let stage = Stage::Reading { rows: 0, bytes: 0, total: None };
        Self {
            out,
            stage,
            meter: RateMeter::default(),
            has_changed: false,
            last_line: now,
            last_slowed: None,
            is_paused: false,
        }
    }

    pub(super) fn on(&mut self, event: Event, now: Instant) {
        match event {
            Event::Imported { rows, bytes, total_bytes } => {
                self.moved(Stage::Reading { rows, bytes, total: total_bytes }, now);
            }
            Event::Asked { done, total } => self.moved(Stage::Asking { done, total }, now),
            Event::Planned(tally) => {
                self.meter.set(tally.settled(), now);
                self.enter(Stage::Sending(tally), &text::planned(&tally), now);
            }
            Event::Moved(tally) => {
                self.meter.set(tally.settled(), now);
                let dispatched = matches!(self.stage, Stage::Statuses(_));
                self.moved(if dispatched { Stage::Statuses(tally) } else { Stage::Sending(tally) }, now);
            }
            Event::Dispatched => {
                let tally = self.tally();
                self.enter(Stage::Statuses(tally), &text::dispatched(&tally), now);
            }
            Event::Slowed { rate, pause } => {
                if self.last_slowed.is_none_or(|last| now.duration_since(last) >= INTERVAL) {
                    self.last_slowed = Some(now);
                    self.line(&text::slowed(rate, pause));
                }
            }
            // The next line counts them.
            Event::Problem { .. } => {}
            Event::Notice(notice) => {
                self.is_paused = notice.pauses().unwrap_or(self.is_paused);
                self.line(&notice.to_string());
            }
        }
    }

    /// Writes a line if something changed and the last line is old enough.
    pub(super) fn tick(&mut self, now: Instant) {
        if self.has_changed && now.duration_since(self.last_line) >= INTERVAL {
            self.status(now);
        }
    }

    /// Writes a last line if something changed.
    pub(super) fn finish(mut self, now: Instant) {
        if self.has_changed {
            self.status(now);
        }
    }

    fn tally(&self) -> Tally {
        match self.stage {
            Stage::Sending(tally) | Stage::Statuses(tally) => tally,
            Stage::Reading { .. } | Stage::Asking { .. } => Tally::default(),
        }
    }

    fn enter(&mut self, stage: Stage, line: &str, now: Instant) {
        self.stage = stage;
        self.has_changed = false;
        self.last_line = now;
        self.line(line);
    }

    fn moved(&mut self, stage: Stage, now: Instant) {
        self.stage = stage;
        self.has_changed = true;
        if now.duration_since(self.last_line) >= INTERVAL {
            self.status(now);
        }
    }

    fn status(&mut self, now: Instant) {
        let line = match &self.stage {
            Stage::Reading { rows, bytes, total } => text::reading(*rows, *bytes, *total),
            Stage::Asking { done, total } => text::asking(*done, *total),
            Stage::Sending(tally) => text::sending(tally, self.meter.rates(now), self.is_paused),
            Stage::Statuses(tally) => text::statuses(tally),
        };
        self.has_changed = false;
        self.last_line = now;
        self.line(&line);
    }

    fn line(&mut self, line: &str) {
        // One write per line, so that output of other processes does not split it. A closed stderr does not stop a run.
        let _ = self.out.write_all(format!("{}\n", escaped_lines(line)).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::model::{Notice, State};

    /// A writer that records its input. Clones share it.
    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Captured {
        /// Returns the lines written since the last call.
        fn lines(&self) -> Vec<String> {
            let text = String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap();
            text.lines().map(str::to_owned).collect()
        }
    }

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn at(accepted: u64) -> Tally {
        let mut tally = Tally::default();
        tally.add(State::Pending, 1_000 - accepted);
        tally.add(State::Accepted, accepted);
        tally
    }

    #[test]
    fn a_run_in_lines() {
        let captured = Captured::default();
        let start = Instant::now();
        let after = |millis: u64| start + Duration::from_millis(millis);
        let mut plain = Plain::new(Box::new(captured.clone()), start);

        for step in 0..60 {
            let event = Event::Imported { rows: step * 10, bytes: step * 100, total_bytes: Some(10_000) };
            plain.on(event, after(step * 100));
        }
        assert_eq!(captured.lines(), ["reading: 500 rows (50% of the file)"]);

        plain.on(Event::Planned(at(0)), after(6_000));
        assert_eq!(captured.lines(), ["read 1,000 rows, 1,000 to send"]);

        for step in 1..=100 {
            plain.on(Event::Moved(at(step * 10)), after(6_000 + step * 100));
        }
        plain.on(Event::Dispatched, after(16_100));
        assert_eq!(
            captured.lines(),
            [
                "sending: 500 of 1,000 accepted (50%), 100/s, about 5 s left",
                "sending: 1,000 of 1,000 accepted (100%), 100/s",
                "sent: 1,000 of 1,000 accepted",
            ]
        );

        let mut delivered = at(999);
        delivered.add(State::Delivered, 1);
        plain.on(Event::Moved(delivered), after(17_000));
        assert!(captured.lines().is_empty(), "too early for another line");
        plain.finish(after(17_100));
        assert_eq!(captured.lines(), ["statuses: 1 of 1,000 delivered (0%)"]);
    }

    #[test]
    fn a_check_of_media_in_lines() {
        let captured = Captured::default();
        let start = Instant::now();
        let mut plain = Plain::new(Box::new(captured.clone()), start);
        for done in 0..=100 {
            plain.on(Event::Asked { done, total: 100 }, start + Duration::from_millis(done * 90));
        }
        assert_eq!(captured.lines(), ["checking media files: 56 of 100 (56%)"]);
        plain.finish(start + Duration::from_secs(9));
        assert_eq!(captured.lines(), ["checking media files: 100 of 100 (100%)"]);
    }

    #[test]
    fn notices_are_written_at_once_and_slowing_down_only_now_and_then() {
        let captured = Captured::default();
        let start = Instant::now();
        let mut plain = Plain::new(Box::new(captured.clone()), start);
        for step in 0..100 {
            let slowed = Event::Slowed { rate: 40.0, pause: Duration::ZERO };
            plain.on(slowed, start + Duration::from_millis(step * 90));
        }
        assert_eq!(captured.lines(), ["throttled by the provider; slowing to 40.0/s"; 2]);
        plain.on(Event::Notice(Notice::Warning("one".into())), start);
        plain.on(Event::Notice(Notice::Warning("two".into())), start);
        assert_eq!(captured.lines(), ["one", "two"]);
        plain.finish(start);
        assert!(captured.lines().is_empty(), "nothing moved");
    }
}
