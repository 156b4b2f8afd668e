//! Shows the progress of a run: bars on a terminal, plain lines elsewhere, JSON for programs, or nothing.
//!
//! Progress only displays events and never affects the run. Output that cannot be written, for example to a closed
//! pipe, is dropped.

mod bars;
mod json;
mod plain;
mod rate_meter;
mod terminal;
mod text;
mod view;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::model::{Event, Events, Millis, Tally};
use bars::Bars;
use json::Json;
use plain::Plain;
use rate_meter::Rates;
use terminal::Terminal;
pub use view::{BarStyle, Mode, RunView};

/// Shows events on stderr. Clones share the same output.
#[derive(Clone)]
pub struct Progress {
    sink: Arc<Mutex<Sink>>,
    /// Whether only notices are shown.
    only_notices: bool,
}

enum Sink {
    Bars(Box<Bars<console::Term>>),
    Plain(Box<Plain>),
    Json(Box<Json>),
    Nothing,
}

/// Shows progress in this mode on stderr; with `only_notices`, nothing else than notices. `quiet` shows nothing at all.
/// A `style` means that stderr is a terminal that can draw bars.
#[must_use]
pub fn reporter(mode: Mode, only_notices: bool, quiet: bool, style: Option<BarStyle>) -> Progress {
    let now = Instant::now();
    let sink = match (mode, style) {
        _ if quiet => Sink::Nothing,
        (Mode::Json, _) => Sink::Json(Box::new(Json::new(Box::new(io::stderr()), Millis::now, now))),
        (Mode::Bars, Some(style)) => {
            Sink::Bars(Box::new(Bars::new(Terminal::new(console::Term::buffered_stderr(), style))))
        }
        (Mode::Bars | Mode::Plain, _) => Sink::Plain(Box::new(Plain::new(Box::new(io::stderr()), now))),
    };
    Progress { sink: Arc::new(Mutex::new(sink)), only_notices }
}

/// Returns the rate of a run and the time left, as the bars show them. `now` and `average` are in rows per second.
#[must_use]
pub fn pace(tally: &Tally, now: f64, average: f64) -> String {
    text::pace(tally.unsettled(), Rates { now: Some(now), average: Some(average) })
}

impl Progress {
    /// Returns the receiver of the events. It blocks only while stderr does.
    #[must_use]
    pub fn events(&self) -> Events {
        let progress = self.clone();
        Arc::new(move |event: Event| {
            if progress.only_notices && !matches!(event, Event::Notice(_)) {
                return;
            }
            progress.with(|sink, now| match sink {
                Sink::Bars(bars) => bars.on(event, now),
                Sink::Plain(plain) => plain.on(event, now),
                Sink::Json(json) => json.on(event, now),
                Sink::Nothing => {}
            });
        })
    }

    /// Updates the display while no events arrive. Called about once per second.
    pub fn tick(&self) {
        self.with(|sink, now| match sink {
            Sink::Bars(bars) => bars.draw(now),
            Sink::Plain(plain) => plain.tick(now),
            Sink::Json(json) => json.tick(now),
            Sink::Nothing => {}
        });
    }

    /// Shows a run that another process is working on. Returns `false` if bars are not in use.
    #[must_use]
    pub fn show(&self, view: RunView) -> bool {
        let mut shown = false;
        self.with(|sink, now| {
            if let Sink::Bars(bars) = sink {
                bars.show(view, now);
                shown = true;
            }
        });
        shown
    }

    fn with(&self, act: impl FnOnce(&mut Sink, Instant)) {
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut sink, Instant::now());
    }

    /// Shows the final state and leaves it on the screen. Later events are ignored.
    pub fn finish(&self) {
        self.with(|sink, now| match std::mem::replace(sink, Sink::Nothing) {
            Sink::Bars(bars) => bars.finish(now),
            Sink::Plain(plain) => plain.finish(now),
            Sink::Json(json) => json.finish(now),
            Sink::Nothing => {}
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Notice;

    #[test]
    fn quiet_shows_nothing_and_accepts_every_event() {
        for progress in [reporter(Mode::Bars, false, true, None), reporter(Mode::Plain, true, true, None)] {
            assert!(matches!(*progress.sink.lock().unwrap(), Sink::Nothing));
            let events = progress.events();
            events(Event::Notice(Notice::ReachableAgain));
            events(Event::Dispatched);
            progress.finish();
            events(Event::Dispatched);
        }
    }
}
