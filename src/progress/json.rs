//! Progress as JSON, one object a line, for programs. `docs/logs.md` says what is in them.

use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::rate_meter::RateMeter;
use crate::model::{Event, Millis, State, Tally};
use crate::text::escaped_json;

/// How often progress is told, changes of stage, problems and sentences aside.
const EVERY: Duration = Duration::from_secs(5);

/// Writes events as JSON.
pub(super) struct Json {
    out: Box<dyn Write + Send>,
    clock: fn() -> Millis,
    tally: Tally,
    dispatched: bool,
    meter: RateMeter,
    /// What is told next, where something moved since it was told last.
    news: Option<Value>,
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
            news: None,
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
                self.tell("INFO", json!({"event": "planned", "rows": tally.rows(), "states": states(&tally)}), now);
            }
            Event::Moved(tally) => {
                self.set(tally, now);
                let stage = if self.dispatched { "statuses" } else { "sending" };
                let rates = self.meter.rates(now);
                let left = tally.sendable().saturating_sub(tally.settled());
                #[expect(clippy::cast_precision_loss, reason = "an estimate")]
                let eta = rates.now.filter(|_| left > 0).map(|rate| (left as f64 / rate).ceil());
                let told = json!({
                    "event": "progress", "stage": stage, "states": states(&tally), "accepted": tally.accepted(),
                    "delivered": tally.delivered(), "read": tally.of(State::Read), "rate": rates.now.map(rounded),
                    "average_rate": rates.average.map(rounded), "eta_seconds": eta,
                });
                self.moved(told, now);
            }
            Event::Dispatched => {
                self.dispatched = true;
                self.tell("INFO", json!({"event": "dispatched", "states": states(&self.tally)}), now);
            }
            Event::Slowed { rate, pause } => {
                if self.last_slowed.is_none_or(|last| now.duration_since(last) >= EVERY) {
                    self.last_slowed = Some(now);
                    let pause = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                    self.tell("WARN", json!({"event": "slowed", "rate": rounded(rate), "pause_ms": pause}), now);
                }
            }
            Event::Problem { code, message, count } => {
                self.tell("WARN", json!({"event": "problem", "code": code, "count": count, "message": message}), now);
            }
            Event::Notice(notice) => {
                self.tell("INFO", json!({"event": "said", "message": notice.to_string()}), now);
            }
        }
    }

    /// Time went by: what moved since the last line is told, if that is long enough ago.
    pub(super) fn tick(&mut self, now: Instant) {
        if now.duration_since(self.last) >= EVERY
            && let Some(news) = self.news.take()
        {
            self.tell("INFO", news, now);
        }
    }

    /// The last word, where something moved since the last line.
    pub(super) fn finish(mut self, now: Instant) {
        if let Some(news) = self.news.take() {
            self.tell("INFO", news, now);
        }
    }

    fn set(&mut self, tally: Tally, now: Instant) {
        self.tally = tally;
        self.meter.set(tally.settled(), now);
    }

    fn moved(&mut self, told: Value, now: Instant) {
        self.news = Some(told);
        self.tick(now);
    }

    fn tell(&mut self, level: &str, event: Value, now: Instant) {
        // What is told with a count of states makes what was to be told before it old.
        if event.get("states").is_some() {
            self.news = None;
        }
        if event["event"] != "problem" && event["event"] != "said" {
            self.last = now;
        }
        let mut line = json!({"timestamp": (self.clock)().to_string(), "level": level, "target": "campaigner"});
        if let (Some(line), Value::Object(event)) = (line.as_object_mut(), event) {
            line.extend(event);
        }
        // One write a line. A closed stderr is no reason to stop a run.
        let _ = self.out.write_all(format!("{}\n", escaped_json(&line.to_string())).as_bytes());
    }
}

fn states(tally: &Tally) -> Value {
    tally.iter().map(|(state, rows)| (state.to_string(), rows.into())).collect::<serde_json::Map<_, _>>().into()
}

/// To a tenth.
fn rounded(rate: f64) -> f64 {
    (rate * 10.0).round() / 10.0
}
