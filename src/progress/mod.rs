//! Shows a run while it happens: bars on a terminal, plain lines elsewhere, JSON for programs, or nothing.
//!
//! Made from events alone, and only ever shown: it decides nothing, and a run goes the same way when nobody watches.
//! What cannot be shown (a closed pipe) is dropped.

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

/// Shows events on stderr. Clones show the same.
#[derive(Clone)]
pub struct Progress {
    sink: Arc<Mutex<Sink>>,
}

enum Sink {
    Bars(Box<Bars<console::Term>>),
    Plain(Box<Plain>),
    Json(Box<Json>),
    Nothing,
}

/// Shows progress in this mode on stderr; `quiet` shows nothing at all, sentences included. With a `style` stderr is a
/// terminal that can draw.
#[must_use]
pub fn reporter(mode: Mode, quiet: bool, style: Option<BarStyle>) -> Progress {
    let now = Instant::now();
    Progress::new(match (mode, style) {
        _ if quiet => Sink::Nothing,
        (Mode::None, _) => Sink::Nothing,
        (Mode::Json, _) => Sink::Json(Box::new(Json::new(Box::new(io::stderr()), Millis::now, now))),
        (Mode::Bars, Some(style)) => {
            Sink::Bars(Box::new(Bars::new(Terminal::new(console::Term::buffered_stderr(), style))))
        }
        (Mode::Bars | Mode::Plain, _) => Sink::Plain(Box::new(Plain::new(Box::new(io::stderr()), now))),
    })
}

/// How fast a run goes, in rows a second now and on average, and how long the rest takes, in the words of the bars.
#[must_use]
pub fn pace(tally: &Tally, now: f64, average: f64) -> String {
    text::pace(tally.sendable().saturating_sub(tally.settled()), Rates { now: Some(now), average: Some(average) })
}

impl Progress {
    fn new(sink: Sink) -> Self {
        Self { sink: Arc::new(Mutex::new(sink)) }
    }

    /// Where the events go that are to be shown. Returns at once but for the time that stderr takes.
    #[must_use]
    pub fn events(&self) -> Events {
        let progress = self.clone();
        Arc::new(move |event: Event| {
            progress.with(|sink, now| match sink {
                Sink::Bars(bars) => bars.on(event, now),
                Sink::Plain(plain) => plain.on(event, now),
                Sink::Json(json) => json.on(event, now),
                Sink::Nothing => {}
            });
        })
    }

    /// Time went by. Called about once a second, so that a rate fades and a wait is seen while nothing happens.
    pub fn tick(&self) {
        self.with(|sink, now| match sink {
            Sink::Bars(bars) => bars.draw(now),
            Sink::Plain(plain) => plain.tick(now),
            Sink::Json(json) => json.tick(now),
            Sink::Nothing => {}
        });
    }

    /// Shows a run that another process works on. Returns `false` where there are no bars to show it in.
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

    /// Shows how it stands at the end, and leaves it there. Events that come later are not shown.
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
    fn quiet_shows_nothing_and_takes_every_event() {
        for progress in [reporter(Mode::None, false, None), reporter(Mode::Bars, true, None)] {
            assert!(matches!(*progress.sink.lock().unwrap(), Sink::Nothing));
            let events = progress.events();
            events(Event::Notice(Notice::ReachableAgain));
            events(Event::Dispatched);
            progress.finish();
            events(Event::Dispatched);
        }
    }
}
