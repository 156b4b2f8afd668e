//! Shows a run while it happens: bars on a terminal, plain lines elsewhere, or nothing.
//!
//! Made from events alone, and only ever shown: it decides nothing, and a run goes the same way when nobody watches.
//! What cannot be shown (a closed pipe) is dropped.

mod bars;
mod meter;
mod plain;
mod text;

use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use indicatif::{MultiProgress, ProgressDrawTarget};

use crate::model::{Event, Events};
use bars::Bars;
use plain::Plain;

/// Redraws a second at most.
const REDRAWS: u8 = 10;

/// How progress is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Bars where stderr is a terminal that can draw them, plain lines elsewhere.
    #[default]
    Auto,
    /// Bars. Where stderr cannot draw them, plain lines all the same, rather than nothing.
    Bar,
    /// Plain lines, one every five seconds at most, and one for each change of stage.
    Plain,
    /// Nothing.
    None,
}

impl Mode {
    /// Every mode, in the order in which they are named to a user.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Bar, Self::Plain, Self::None];

    /// The mode's name on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Bar => "bar",
            Self::Plain => "plain",
            Self::None => "none",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is not a mode of progress.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a way to show progress: it is one of auto, bar, plain and none")]
pub struct BadMode(pub String);

impl FromStr for Mode {
    type Err = BadMode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text).ok_or_else(|| BadMode(text.to_owned()))
    }
}

/// Shows events on stderr. Clones show the same.
#[derive(Clone)]
pub struct Progress {
    sink: Arc<Mutex<Sink>>,
}

enum Sink {
    Bars(Bars),
    Plain(Plain),
    Nothing,
}

/// Shows progress in this mode on stderr; `quiet` shows nothing at all, sentences included.
#[must_use]
pub fn reporter(mode: Mode, quiet: bool) -> Progress {
    if quiet || mode == Mode::None {
        return Progress::new(Sink::Nothing);
    }
    if mode != Mode::Plain {
        let target = ProgressDrawTarget::stderr_with_hz(REDRAWS);
        if !target.is_hidden() {
            let bars = Bars::new(MultiProgress::with_draw_target(target), Instant::now());
            return Progress::new(Sink::Bars(bars));
        }
    }
    Progress::new(Sink::Plain(Plain::new(Box::new(io::stderr()), Instant::now())))
}

impl Progress {
    fn new(sink: Sink) -> Self {
        Self { sink: Arc::new(Mutex::new(sink)) }
    }

    /// Where the events go that are to be shown. Returns at once but for the time that stderr takes.
    #[must_use]
    pub fn events(&self) -> Events {
        let sink = Arc::clone(&self.sink);
        Arc::new(move |event: Event| {
            let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            match &mut *sink {
                Sink::Bars(bars) => bars.on(event, now),
                Sink::Plain(plain) => plain.on(event, now),
                Sink::Nothing => {}
            }
        })
    }

    /// Shows how it stands at the end, and leaves it there. Events that come later are not shown.
    pub fn finish(&self) {
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *sink, Sink::Nothing) {
            Sink::Bars(bars) => bars.finish(Instant::now()),
            Sink::Plain(plain) => plain.finish(Instant::now()),
            Sink::Nothing => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_reads_back_as_written() {
        for mode in Mode::ALL {
            assert_eq!(mode.as_str().parse(), Ok(mode));
        }
        let error = "loud".parse::<Mode>().unwrap_err();
        assert_eq!(error.to_string(), "`loud` is not a way to show progress: it is one of auto, bar, plain and none");
    }

    #[test]
    fn quiet_shows_nothing_and_takes_every_event() {
        for progress in [reporter(Mode::None, false), reporter(Mode::Bar, true)] {
            let events = progress.events();
            events(Event::Said("not shown".into()));
            events(Event::Dispatched);
            progress.finish();
            events(Event::Dispatched);
        }
    }
}
