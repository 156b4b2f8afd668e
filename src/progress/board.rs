//! Progress as bars, for a person at a terminal: what is known of a run, and the lines that show it.
//!
//! Pure: events go in with their time, lines come out. Where they are drawn is `area`'s matter.

use std::time::{Duration, Instant};

use super::area::{Colour, Line};
use super::meter::Meter;
use super::text;
use super::view::{Look, Seen};
use crate::model::{Event, State, Tally};

/// Cells of a bar. With its name and the longest of the usual words it fits into 80 columns.
const CELLS: u64 = 20;

/// How long a wish of the provider to slow down stays in sight after its pause.
const SLOWED_FOR: Duration = Duration::from_secs(5);

/// A run stands still for so long before that is said.
const STILL_AFTER: Duration = Duration::from_secs(5);

/// Kinds of problems shown, those that came last.
const PROBLEMS: usize = 3;

/// What is known of a run.
pub(super) struct Board {
    look: Look,
    /// Above the bars, where it is not clear which run it is.
    title: Option<String>,
    reading: Option<Reading>,
    asking: Option<(u64, u64)>,
    tally: Option<Tally>,
    meter: Meter,
    /// The rate that the provider asked for, for as long as it was asked for lately.
    slowed: Option<(Instant, String)>,
    /// A wait that is known of.
    waiting: Option<String>,
    /// The last kinds of problems, the latest first: code, count, words.
    problems: Vec<(String, u64, String)>,
}

struct Reading {
    rows: u64,
    bytes: u64,
    total: Option<u64>,
}

impl Board {
    pub(super) fn new(look: Look) -> Self {
        Self {
            look,
            title: None,
            reading: None,
            asking: None,
            tally: None,
            meter: Meter::default(),
            slowed: None,
            waiting: None,
            problems: Vec::new(),
        }
    }

    /// Takes note of an event. Gives back what is to be said above the bars.
    pub(super) fn on(&mut self, event: Event, now: Instant) -> Option<String> {
        match event {
            Event::Imported { rows, bytes, total_bytes } => {
                self.reading = Some(Reading { rows, bytes, total: total_bytes });
            }
            Event::Asked { done, total } => self.asking = Some((done, total)),
            Event::Planned(tally) => {
                self.reading = None;
                self.moved(tally, now);
                return Some(text::planned(&tally));
            }
            Event::Moved(tally) => self.moved(tally, now),
            Event::Dispatched => {}
            Event::Slowed { rate, pause } => self.slowed = Some((now + pause, text::slowed(rate, pause))),
            Event::Problem { code, message, count } => self.problem(code, message, count),
            Event::Notice(notice) => return Some(notice.to_string()),
        }
        None
    }

    /// How a run stands that another process works on.
    pub(super) fn found(&mut self, seen: Seen, now: Instant) {
        self.title = Some(seen.title);
        self.moved(seen.tally, now);
        self.waiting = seen.waiting;
        self.problems = seen.problems;
        self.problems.truncate(PROBLEMS);
    }

    fn moved(&mut self, tally: Tally, now: Instant) {
        self.tally = Some(tally);
        self.meter.set(tally.settled(), now);
    }

    fn problem(&mut self, code: String, message: String, count: u64) {
        let before = self.problems.iter().position(|(known, ..)| *known == code);
        let counted = before.map_or(0, |place| self.problems.remove(place).1);
        self.problems.insert(0, (code, counted + count, message));
        self.problems.truncate(PROBLEMS);
    }

    /// The lines that show it.
    pub(super) fn lines(&self, now: Instant) -> Vec<Line> {
        let mut lines = Vec::new();
        lines.extend(self.title.as_ref().map(|title| Line::default().with(None, title)));
        if let Some(Reading { rows, bytes, total }) = self.reading {
            let words = text::rows(rows);
            lines.push(match total {
                Some(total) => self.bar("reading", bytes, total, &words),
                None => self.words("reading", None, &words),
            });
        }
        if let Some((done, total)) = self.asking {
            lines.push(self.bar("asking", done, total, &text::of(done, total)));
        }
        if let Some(tally) = &self.tally {
            self.sending(tally, now, &mut lines);
        }
        lines
    }

    fn sending(&self, tally: &Tally, now: Instant, lines: &mut Vec<Line>) {
        let (settled, sendable, accepted) = (tally.settled(), tally.sendable(), tally.accepted());
        lines.push(self.bar("sent", settled, sendable, &text::of(settled, sendable)));
        for (name, rows) in [("delivered", tally.delivered()), ("read", tally.of(State::Read))] {
            lines.push(self.bar(name, rows, accepted, &text::of(rows, accepted)));
        }
        let mut notes = Vec::new();
        if settled < sendable {
            let still = self.meter.still(now);
            notes.push((
                None,
                match still >= STILL_AFTER {
                    true => text::still(still),
                    false => text::pace(tally, self.meter.rates(now)),
                },
            ));
        }
        let slowed = self.slowed.as_ref().filter(|(until, _)| now.saturating_duration_since(*until) < SLOWED_FOR);
        notes.extend(slowed.map(|(_, wish)| (Some(Colour::Yellow), wish.clone())));
        notes.extend(self.waiting.clone().map(|wait| (Some(Colour::Yellow), wait)));
        notes.push((None, text::troubles(tally)));
        let problem =
            |(code, count, words): &(String, u64, String)| format!("{} × {code}: {words}", text::grouped(*count));
        notes.extend(self.problems.iter().map(|known| (Some(Colour::Dim), problem(known))));
        let notes = notes.into_iter().filter(|(_, words)| !words.is_empty());
        lines.extend(notes.map(|(colour, words)| self.words("", colour, &words)));
    }

    fn words(&self, name: &str, colour: Option<Colour>, words: &str) -> Line {
        Line::default().with(None, format!("{name:>9} ")).with(self.coloured(colour), words)
    }

    fn bar(&self, name: &str, part: u64, whole: u64, words: &str) -> Line {
        // Rounded down, so that only all of them fill the bar.
        let full = u128::from(part.min(whole)) * u128::from(CELLS);
        let full = full.checked_div(u128::from(whole)).and_then(|full| usize::try_from(full).ok()).unwrap_or(0);
        let rest = usize::try_from(CELLS).unwrap_or(0) - full;
        let (done, left) = if self.look.unicode { ("━", "─") } else { ("#", "-") };
        Line::default()
            .with(None, format!("{name:>9} "))
            .with(self.coloured(Some(Colour::Cyan)), done.repeat(full))
            .with(self.coloured(Some(Colour::Dim)), left.repeat(rest))
            .with(None, format!(" {words}"))
    }

    fn coloured(&self, colour: Option<Colour>) -> Option<Colour> {
        colour.filter(|_| self.look.colour)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board() -> Board {
        Board::new(Look { colour: false, unicode: false })
    }

    fn at(accepted: u64) -> Tally {
        let mut tally = Tally::default();
        tally.add(State::Pending, 1_000 - accepted);
        tally.add(State::Accepted, accepted);
        tally
    }

    fn shown(board: &Board, now: Instant) -> Vec<String> {
        board.lines(now).iter().map(Line::text).collect()
    }

    #[test]
    fn a_run_in_bars() {
        let start = Instant::now();
        let after = |millis: u64| start + Duration::from_millis(millis);
        let mut board = board();
        board.on(Event::Imported { rows: 1_500, bytes: 40, total_bytes: Some(100) }, start);
        assert_eq!(shown(&board, start), ["  reading ########------------ 1,500 rows"]);
        assert_eq!(board.on(Event::Planned(at(0)), start).as_deref(), Some("read: 1,000 rows, 1,000 to send"));
        for step in 1..=20 {
            board.on(Event::Moved(at(step * 10)), after(step * 100));
        }
        assert_eq!(
            shown(&board, after(2_000)),
            [
                "     sent ####---------------- 200 of 1,000 (20 %)",
                "delivered -------------------- 0 of 200 (0 %)",
                "     read -------------------- 0 of 200 (0 %)",
                "          100/s, about 8 s left",
            ]
        );
        assert_eq!(shown(&board, after(14_000))[3], "          nothing moved for 12 s");

        let mut end = at(1_000);
        for state in [State::Delivered, State::Read, State::Failed] {
            end.shift(State::Accepted, state);
        }
        board.on(Event::Moved(end), after(14_002));
        board.on(Event::Dispatched, after(14_003));
        assert_eq!(
            shown(&board, after(14_003)),
            [
                "     sent #################### 1,000 of 1,000 (100 %)",
                "delivered -------------------- 2 of 1,000 (0 %)",
                "     read -------------------- 1 of 1,000 (0 %)",
                "          1 failed",
            ]
        );
    }

    #[test]
    fn the_last_problems_are_folded_by_code() {
        let start = Instant::now();
        let mut board = board();
        board.on(Event::Planned(at(10)), start);
        for (code, count) in [("a", 1), ("b", 2), ("a", 1_000), ("c", 3), ("d", 4)] {
            board.on(Event::Problem { code: code.into(), message: format!("it is {code}"), count }, start);
        }
        assert_eq!(
            shown(&board, start)[3..],
            ["          4 × d: it is d", "          3 × c: it is c", "          1,001 × a: it is a"]
        );
    }

    #[test]
    fn a_wish_to_slow_down_stays_in_sight_for_a_while() {
        let start = Instant::now();
        let after = |seconds: u64| start + Duration::from_secs(seconds);
        let mut board = board();
        board.on(Event::Planned(at(10)), start);
        assert_eq!(shown(&board, start).len(), 3);
        board.on(Event::Slowed { rate: 40.0, pause: Duration::from_secs(2) }, after(1));
        let wish = "          the provider asked to slow down: 40.0/s after a pause of 2 s";
        assert!(shown(&board, after(1)).contains(&wish.to_owned()));
        assert!(!shown(&board, after(9)).contains(&wish.to_owned()));
    }

    #[test]
    fn nothing_at_all_has_empty_bars() {
        let mut board = Board::new(Look { colour: true, unicode: true });
        board.on(Event::Planned(Tally::default()), Instant::now());
        assert_eq!(shown(&board, Instant::now())[0], "     sent ──────────────────── 0 of 0 (–)");
        board.on(Event::Asked { done: 40, total: 40 }, Instant::now());
        assert_eq!(shown(&board, Instant::now())[0], "   asking ━━━━━━━━━━━━━━━━━━━━ 40 of 40 (100 %)");
    }
}
