//! Shows a run while it happens: bars on a terminal, plain lines elsewhere, JSON for programs, or nothing.
//!
//! Made from events alone, and only ever shown: it decides nothing, and a run goes the same way when nobody watches.
//! What cannot be shown (a closed pipe) is dropped.

mod area;
mod board;
#[cfg(test)]
mod captured;
mod json;
mod meter;
mod plain;
mod text;
mod view;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::model::{Event, Events, Millis, Tally};
use area::Area;
use board::Board;
use json::Json;
use meter::Rates;
use plain::Plain;
pub use view::{Look, Mode, Seen};

/// The bars are drawn anew at most so often: events come far faster than anyone can read.
const EVERY: Duration = Duration::from_millis(100);

/// Shows events on stderr. Clones show the same.
#[derive(Clone)]
pub struct Progress {
    sink: Arc<Mutex<Sink>>,
}

enum Sink {
    Bars(Box<Bars>),
    Plain(Box<Plain>),
    Json(Box<Json>),
    Nothing,
}

/// Bars, and where they are drawn.
struct Bars {
    board: Board,
    area: Area,
    drawn: Option<Instant>,
}

impl Bars {
    fn on(&mut self, event: Event, now: Instant) {
        match self.board.on(event, now) {
            Some(words) => self.area.say(&words, &self.board.lines(now)),
            None if self.drawn.is_none_or(|drawn| now.duration_since(drawn) >= EVERY) => self.draw(now),
            None => {}
        }
    }

    fn draw(&mut self, now: Instant) {
        self.drawn = Some(now);
        self.area.draw(&self.board.lines(now));
    }

    fn finish(mut self, now: Instant) {
        self.draw(now);
        self.area.leave();
    }
}

/// Shows progress in this mode on stderr; `quiet` shows nothing at all, sentences included. With a `look` stderr is a
/// terminal that can draw.
#[must_use]
pub fn reporter(mode: Mode, quiet: bool, look: Option<Look>) -> Progress {
    let now = Instant::now();
    Progress::new(match (mode, look) {
        _ if quiet => Sink::Nothing,
        (Mode::None, _) => Sink::Nothing,
        (Mode::Json, _) => Sink::Json(Box::new(Json::new(Box::new(io::stderr()), Millis::now, now))),
        (Mode::Bars, Some(look)) => {
            let area = Area::new(Box::new(io::stderr()), window);
            Sink::Bars(Box::new(Bars { board: Board::new(look), area, drawn: None }))
        }
        (Mode::Bars | Mode::Plain, _) => Sink::Plain(Box::new(Plain::new(Box::new(io::stderr()), now))),
    })
}

/// The size of the window that stderr is in.
fn window() -> Option<(usize, usize)> {
    let size = rustix::termios::tcgetwinsize(io::stderr()).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then(|| (size.ws_col.into(), size.ws_row.into()))
}

/// How fast a run goes, in rows a second now and on average, and how long the rest takes, in the words of the bars.
#[must_use]
pub fn pace(tally: &Tally, now: f64, average: f64) -> String {
    text::pace(tally, Rates { now: Some(now), average: Some(average) })
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

    /// Shows how a run stands that another process works on. Gives back `false` where there are no bars to show it in.
    #[must_use]
    pub fn found(&self, seen: Seen) -> bool {
        let mut shown = false;
        self.with(|sink, now| {
            if let Sink::Bars(bars) = sink {
                bars.board.found(seen, now);
                bars.draw(now);
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
