//! Progress as bars on a terminal: the state of a run, and the lines that show it.

use std::time::{Duration, Instant};

use indicatif::TermLike;

use super::rate_meter::RateMeter;
use super::terminal::{BAR, Line, NOTE, PROBLEM, TITLE, Terminal, WARNING};
use super::text;
use super::view::RunView;
use crate::model::{Event, State, Tally};
use crate::text::{count, grouped};

/// The shortest time between two frames. Events arrive faster than anyone can read.
const FRAME: Duration = Duration::from_millis(100);

/// How long a request to slow down stays on the screen after its pause.
const SLOWED_FOR: Duration = Duration::from_secs(5);

/// How long a run makes no progress before the screen shows that.
const STILL_AFTER: Duration = Duration::from_secs(5);

/// Kinds of problems shown, the latest ones.
const MAX_PROBLEMS: usize = 3;

/// Draws the state of a run.
pub(super) struct Bars<T> {
    terminal: Terminal<T>,
    drawn_at: Option<Instant>,
    run: RunState,
}

/// The state of a run.
#[derive(Default)]
struct RunState {
    /// The line above the bars, if the user cannot know which run they show.
    title: Option<String>,
    /// Rows and bytes read, and the total bytes if known.
    reading: Option<(u64, u64, Option<u64>)>,
    /// Media files checked, and their total.
    asking: Option<(u64, u64)>,
    tally: Option<Tally>,
    /// The rate of the bar that is growing now.
    rate: RateMeter,
    /// The provider's request to slow down, and until when it applies.
    slowed: Option<(Instant, String)>,
    /// Whether a person has paused it.
    is_paused: bool,
    /// What the run is waiting for.
    waiting: Option<String>,
    /// The latest kinds of problems, newest first: code, count, message.
    problems: Vec<(String, u64, String)>,
}

impl<T: TermLike + Clone + 'static> Bars<T> {
    pub(super) fn new(terminal: Terminal<T>) -> Self {
        Self { terminal, drawn_at: None, run: RunState::default() }
    }

    /// Handles an event, and draws it unless the last frame is too recent.
    pub(super) fn on(&mut self, event: Event, now: Instant) {
        match self.run.note(event, now) {
            Some(words) => self.terminal.print(&words, &self.run.lines(now)),
            None if self.drawn_at.is_none_or(|drawn_at| now.duration_since(drawn_at) >= FRAME) => self.draw(now),
            None => {}
        }
    }

    /// Shows a run that another process is working on.
    pub(super) fn show(&mut self, view: RunView, now: Instant) {
        self.run.title = Some(view.title);
        self.run.moved(view.tally, now);
        self.run.waiting = view.waiting;
        self.run.problems = view.problems;
        self.run.problems.truncate(MAX_PROBLEMS);
        self.draw(now);
    }

    /// Draws a frame.
    pub(super) fn draw(&mut self, now: Instant) {
        self.drawn_at = Some(now);
        self.terminal.draw(&self.run.lines(now));
    }

    /// Draws the last frame and leaves it on the screen.
    pub(super) fn finish(self, now: Instant) {
        self.terminal.leave(&self.run.lines(now));
    }
}

impl RunState {
    /// Handles an event. Returns what to print above the bars.
    fn note(&mut self, event: Event, now: Instant) -> Option<String> {
        match event {
            Event::Imported { rows, bytes, total_bytes } => {
                self.reading = Some((rows, bytes, total_bytes));
                self.rate.set(rows, now);
            }
            Event::Asked { done, total } => {
                if self.asking.replace((done, total)).is_none() {
                    self.rate = RateMeter::default();
                }
                self.rate.set(done, now);
            }
            Event::Planned(tally) => {
                (self.reading, self.asking, self.rate) = (None, None, RateMeter::default());
                self.moved(tally, now);
                return Some(text::planned(&tally));
            }
            Event::Moved(tally) => self.moved(tally, now),
            Event::Dispatched => {}
            Event::Slowed { rate, pause } => self.slowed = Some((now + pause, text::slowed(rate, pause))),
            Event::Problem { code, message, count } => self.problem(code, message, count),
            Event::Notice(notice) => {
                self.is_paused = notice.pauses().unwrap_or(self.is_paused);
                return Some(notice.to_string());
            }
        }
        None
    }

    fn moved(&mut self, tally: Tally, now: Instant) {
        self.tally = Some(tally);
        self.rate.set(tally.settled(), now);
    }

    fn problem(&mut self, code: String, message: String, count: u64) {
        let before = self.problems.iter().position(|(known, ..)| *known == code);
        let counted = before.map_or(0, |place| self.problems.remove(place).1);
        self.problems.insert(0, (code, counted + count, message));
        self.problems.truncate(MAX_PROBLEMS);
    }

    /// Returns the lines that show the run.
    fn lines(&self, now: Instant) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut add = |template, name, filled, words| lines.push(Line { template, name, filled, words });
        // What remains of the bar that is growing now.
        let mut left = 0;
        if let Some(title) = &self.title {
            add(TITLE, "", (0, 0), title.clone());
        }
        if let Some((rows, bytes, total)) = self.reading {
            let template = if total.is_some() { BAR } else { NOTE };
            add(template, "reading", (bytes, total.unwrap_or(0)), count(rows, "row"));
            left = total.map_or(0, |total| text::rows_left(rows, bytes, total));
        }
        if let Some((done, total)) = self.asking {
            add(BAR, "media", (done, total), text::of(done, total));
            left = total.saturating_sub(done);
        }
        if let Some(tally) = &self.tally {
            let (settled, sendable, accepted) = (tally.settled(), tally.sendable(), tally.accepted());
            add(BAR, "sent", (settled, sendable), text::of(settled, sendable));
            for (name, rows) in [("delivered", tally.delivered()), ("read", tally.of(State::Read))] {
                add(BAR, name, (rows, accepted), text::of(rows, accepted));
            }
            left = tally.unsettled();
        }
        let mut note = |template, words: String| {
            if !words.is_empty() {
                add(template, "", (0, 0), words);
            }
        };
        note(NOTE, self.pace(left, now));
        let slowed = self.slowed.as_ref().filter(|(until, _)| now.saturating_duration_since(*until) < SLOWED_FOR);
        note(WARNING, slowed.map_or_else(String::new, |(_, words)| words.clone()));
        note(WARNING, self.waiting.clone().unwrap_or_default());
        note(NOTE, self.tally.as_ref().map_or_else(String::new, text::troubles));
        for (code, count, words) in &self.problems {
            note(PROBLEM, format!("{} × {code}: {words}", grouped(*count)));
        }
        lines
    }

    /// Returns the rate and the time left, or how long there was no progress; empty if nothing is left.
    fn pace(&self, left: u64, now: Instant) -> String {
        match self.rate.still(now) {
            _ if left == 0 => String::new(),
            _ if self.is_paused => "paused".to_owned(),
            still if still >= STILL_AFTER => text::still(still),
            _ => text::pace(left, self.rate.rates(now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use indicatif::InMemoryTerm;

    use super::super::view::BarStyle;
    use super::*;

    fn bars() -> (Bars<InMemoryTerm>, InMemoryTerm) {
        let term = InMemoryTerm::new(24, 80);
        let style = BarStyle { colour: false, unicode: false };
        (Bars::new(Terminal::new(term.clone(), style)), term)
    }

    fn at(accepted: u64) -> Tally {
        let mut tally = Tally::default();
        tally.add(State::Pending, 1_000 - accepted);
        tally.add(State::Accepted, accepted);
        tally
    }

    fn shown(term: &InMemoryTerm) -> Vec<String> {
        term.contents().lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_run_in_bars() {
        let start = Instant::now();
        let after = |millis: u64| start + Duration::from_millis(millis);
        let (mut bars, term) = bars();
        for step in 1..=15 {
            let event = Event::Imported { rows: step * 100, bytes: step * 10, total_bytes: Some(375) };
            bars.on(event, after(step * 100));
        }
        assert_eq!(shown(&term), ["  reading ########------------ 1,500 rows", "          1,000/s, about 3 s left"]);
        for done in 0..=20 {
            bars.on(Event::Asked { done, total: 40 }, after(1_500 + done * 100));
        }
        assert_eq!(
            shown(&term)[1..],
            ["    media ##########---------- 20 of 40 (50%)", "          10.0/s, about 2 s left"]
        );
        let after = |millis: u64| start + Duration::from_millis(5_000 + millis);
        bars.on(Event::Planned(at(0)), after(0));
        for step in 1..=20 {
            bars.on(Event::Moved(at(step * 10)), after(step * 100));
        }
        assert_eq!(
            shown(&term),
            [
                "read 1,000 rows, 1,000 to send",
                "     sent ####---------------- 200 of 1,000 (20%)",
                "delivered -------------------- 0 of 200 (0%)",
                "     read -------------------- 0 of 200 (0%)",
                "          100/s, about 8 s left",
            ]
        );
        bars.draw(after(14_000));
        assert_eq!(shown(&term)[4], "          no progress for 12 s");

        let mut end = Tally::default();
        end.add(State::Accepted, 997);
        for state in [State::Delivered, State::Read, State::Failed] {
            end.add(state, 1);
        }
        bars.on(Event::Moved(end), after(14_002));
        bars.on(Event::Dispatched, after(14_003));
        bars.finish(after(14_003));
        assert_eq!(
            shown(&term),
            [
                "read 1,000 rows, 1,000 to send",
                "     sent #################### 1,000 of 1,000 (100%)",
                "delivered -------------------- 2 of 1,000 (0%)",
                "     read -------------------- 1 of 1,000 (0%)",
                "          1 failed",
            ]
        );
    }

    #[test]
    fn at_most_ten_frames_per_second_are_drawn() {
        let start = Instant::now();
        let (mut bars, term) = bars();
        for millis in 0..=199 {
            bars.on(
                Event::Imported { rows: millis, bytes: 0, total_bytes: None },
                start + Duration::from_millis(millis),
            );
        }
        assert_eq!(shown(&term), ["  reading 100 rows"]);
    }

    #[test]
    fn the_last_problems_are_grouped_by_code() {
        let start = Instant::now();
        let (mut bars, term) = bars();
        bars.on(Event::Planned(at(10)), start);
        for (code, count) in [("a", 1), ("b", 2), ("a", 1_000), ("c", 3), ("d", 4)] {
            bars.on(Event::Problem { code: code.into(), message: format!("it is {code}"), count }, start);
        }
        bars.draw(start);
        assert_eq!(
            shown(&term)[4..],
            ["          4 × d: it is d", "          3 × c: it is c", "          1,001 × a: it is a"]
        );
    }

    #[test]
    fn a_request_to_slow_down_stays_on_the_screen_for_a_while() {
        let start = Instant::now();
        let after = |seconds: u64| start + Duration::from_secs(seconds);
        let (mut bars, term) = bars();
        bars.on(Event::Planned(at(10)), start);
        assert_eq!(shown(&term).len(), 4);
        bars.on(Event::Slowed { rate: 40.0, pause: Duration::from_secs(2) }, after(1));
        let request = "          throttled by the provider; slowing to 40.0/s after a pause of 2 s";
        assert_eq!(shown(&term)[4..], [request]);
        bars.draw(after(9));
        assert!(!shown(&term).contains(&request.to_owned()));
    }

    #[test]
    fn a_run_of_another_process_has_a_title() {
        let (mut bars, term) = bars();
        let problems = (1..=5).map(|count| (format!("code_{count}"), count, "no".to_owned())).collect();
        let (title, waiting) = ("sale-1 · sending".to_owned(), Some("waits for its window".to_owned()));
        bars.show(RunView { title, tally: at(500), waiting, problems }, Instant::now());
        assert_eq!(
            shown(&term),
            [
                "sale-1 · sending",
                "     sent ##########---------- 500 of 1,000 (50%)",
                "delivered -------------------- 0 of 500 (0%)",
                "     read -------------------- 0 of 500 (0%)",
                "          waits for its window",
                "          1 × code_1: no",
                "          2 × code_2: no",
                "          3 × code_3: no",
            ]
        );
    }

    #[test]
    fn nothing_at_all_has_empty_bars() {
        let (mut bars, term) = bars();
        bars.on(Event::Planned(Tally::default()), Instant::now());
        assert_eq!(shown(&term)[1], "     sent -------------------- 0 of 0 (–)");
    }
}
