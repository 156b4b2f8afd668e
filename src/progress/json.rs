//! Progress as JSON for programs, one object per line. `docs/logs.md` describes the events.

use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::rate_meter::RateMeter;
use crate::model::{Event, Millis, State, Tally};
use crate::text::escaped_json;

/// How often progress is written. Changes of stage, problems and notices are written at once.
const INTERVAL: Duration = Duration::from_secs(5);

/// Writes events as JSON.
pub(super) struct Json {
    out: Box<dyn Write + Send>,
    clock: fn() -> Millis,
    tally: Tally,
    dispatched: bool,
    meter: RateMeter,
    /// The next event, if something changed since the last one.
    pending: Option<Value>,
    last: Instant,
    last_slowed: Option<Instant>,
}

impl Json {
    pub(super) fn new(out: Box<dyn Write + Send>, clock: fn() -> Millis, now: Instant) -> Self {
        Self {
            out,
            clock,
            tally: Tally::default(),
            dispatched: false,
            meter: RateMeter::default(),
            pending: None,
            last: now,
            last_slowed: None,
        }
    }

    pub(super) fn on(&mut self, event: Event, now: Instant) {
        match event {
            Event::Imported { rows, bytes, total_bytes } => {
                self.moved(json!({"event": "reading", "rows": rows, "bytes": bytes, "total_bytes": total_bytes}), now);
            }
            Event::Asked { done, total } => self.moved(json!({"event": "asking", "done": done, "total": total}), now),
            Event::Planned(tally) => {
                self.set(tally, now);
                self.write("INFO", json!({"event": "planned", "rows": tally.rows(), "states": states(&tally)}), now);
            }
            Event::Moved(tally) => {
                self.set(tally, now);
                let stage = if self.dispatched { "statuses" } else { "sending" };
                let rates = self.meter.rates(now);
                let left = tally.unsettled();
                #[expect(clippy::cast_precision_loss, reason = "an estimate")]
                let eta = rates.now.filter(|_| left > 0).map(|rate| (left as f64 / rate).ceil());
                let event = json!({
                    "event": "progress", "stage": stage, "states": states(&tally), "accepted": tally.accepted(),
                    "delivered": tally.delivered(), "read": tally.of(State::Read), "rate": rates.now.map(rounded),
                    "average_rate": rates.average.map(rounded), "eta_seconds": eta,
                });
                self.moved(event, now);
            }
            Event::Dispatched => {
                self.dispatched = true;
                self.write("INFO", json!({"event": "dispatched", "states": states(&self.tally)}), now);
            }
            Event::Slowed { rate, pause } => {
                if self.last_slowed.is_none_or(|last| now.duration_since(last) >= INTERVAL) {
                    self.last_slowed = Some(now);
                    let pause = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                    self.write("WARN", json!({"event": "slowed", "rate": rounded(rate), "pause_ms": pause}), now);
                }
            }
            Event::Problem { code, message, count } => {
                self.write("WARN", json!({"event": "problem", "code": code, "count": count, "message": message}), now);
            }
            Event::Notice(notice) => {
                self.write("INFO", json!({"event": "said", "message": notice.to_string()}), now);
            }
        }
    }

    /// Writes the pending event if the last line is old enough.
    pub(super) fn tick(&mut self, now: Instant) {
        if now.duration_since(self.last) >= INTERVAL
            && let Some(event) = self.pending.take()
        {
            self.write("INFO", event, now);
        }
    }

    /// Writes the pending event, if there is one.
    pub(super) fn finish(mut self, now: Instant) {
        if let Some(event) = self.pending.take() {
            self.write("INFO", event, now);
        }
    }

    fn set(&mut self, tally: Tally, now: Instant) {
        self.tally = tally;
        self.meter.set(tally.settled(), now);
    }

    fn moved(&mut self, event: Value, now: Instant) {
        self.pending = Some(event);
        self.tick(now);
    }

    fn write(&mut self, level: &str, event: Value, now: Instant) {
        // An event with counts makes the pending one obsolete.
        if event.get("states").is_some() {
            self.pending = None;
        }
        if event["event"] != "problem" && event["event"] != "said" {
            self.last = now;
        }
        let mut line = json!({"timestamp": (self.clock)().to_string(), "level": level, "target": "campaigner"});
        if let (Some(line), Value::Object(event)) = (line.as_object_mut(), event) {
            line.extend(event);
        }
        // One write per line. A closed stderr does not stop a run.
        let _ = self.out.write_all(format!("{}\n", escaped_json(&line.to_string())).as_bytes());
    }
}

fn states(tally: &Tally) -> Value {
    tally.iter().map(|(state, rows)| (state.to_string(), rows.into())).collect::<serde_json::Map<_, _>>().into()
}

/// Rounds to one decimal.
fn rounded(rate: f64) -> f64 {
    (rate * 10.0).round() / 10.0
}
