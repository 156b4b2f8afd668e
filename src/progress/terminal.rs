//! The foot of a terminal: the lines of a run, which indicatif draws, and the sentences above them.
//!
//! indicatif knows where its lines are as long as the window keeps its size. This module notices a new size, erases what
//! the old lines became, and lets indicatif start again.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use console::measure_text_width;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use super::view::BarStyle;
use crate::text::escaped;

/// Templates of indicatif. A bar with its name and the longest of the usual words fits into 80 columns.
const TITLE: &str = "{wide_msg}";
const BAR: &str = "{prefix:>9} {bar:20.cyan/dim} {wide_msg}";
const NOTE: &str = "{prefix:>9} {wide_msg}";
const WARNING: &str = "{prefix:>9} {wide_msg:.yellow}";
const PROBLEM: &str = "{prefix:>9} {wide_msg:.dim}";

/// Columns that the template `BAR` takes without its words, and `NOTE`.
const BAR_COLUMNS: u16 = 31;
const NOTE_COLUMNS: u16 = 10;

/// Draws a second that indicatif may make on its own, one for each changed bar. Frames are forced: one draw for all bars.
const DRAWS_PER_SECOND: u8 = 1;

/// Erases the line of the cursor, and everything below it.
const ERASE_BELOW: &str = "\r\x1b[J";

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    template: &'static str,
    name: &'static str,
    part: u64,
    whole: u64,
    words: String,
}

impl Line {
    /// Words from the left edge.
    pub(super) fn title(words: &str) -> Self {
        Self::words(TITLE, words)
    }

    /// A bar between its name and its words, filled as far as `part` is of `whole`.
    pub(super) fn bar(name: &'static str, (part, whole): (u64, u64), words: &str) -> Self {
        Self { name, part, whole, ..Self::words(BAR, words) }
    }

    /// Words below the bars, or beside a name where no bar can be drawn.
    pub(super) fn note(name: &'static str, words: &str) -> Self {
        Self { name, ..Self::words(NOTE, words) }
    }

    /// A note about what holds the run up.
    pub(super) fn warning(words: &str) -> Self {
        Self::words(WARNING, words)
    }

    /// A note about what went wrong.
    pub(super) fn problem(words: &str) -> Self {
        Self::words(PROBLEM, words)
    }

    /// The columns that it takes in a window that is wide enough.
    fn columns(&self) -> usize {
        let before_words = match self.template {
            TITLE => 0,
            BAR => BAR_COLUMNS,
            _ => NOTE_COLUMNS,
        };
        usize::from(before_words) + measure_text_width(&self.words)
    }

    fn words(template: &'static str, words: &str) -> Self {
        Self { template, name: "", part: 0, whole: 0, words: escaped(words).into_owned() }
    }
}

/// A terminal on which lines end with a line break. indicatif fills each line with blanks and relies on the terminal to
/// continue on the next row. A terminal that becomes wider would join such lines.
#[derive(Clone, Debug)]
struct Screen<T> {
    term: T,
    /// Whether the next text belongs on a new line.
    is_line_full: Arc<AtomicBool>,
}

impl<T: TermLike> TermLike for Screen<T> {
    fn width(&self) -> u16 {
        self.term.width()
    }
    fn height(&self) -> u16 {
        self.term.height()
    }
    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_up(n)
    }
    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_down(n)
    }
    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_right(n)
    }
    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_left(n)
    }
    fn write_line(&self, text: &str) -> io::Result<()> {
        self.term.write_line(text)
    }
    fn write_str(&self, text: &str) -> io::Result<()> {
        if text.bytes().all(|byte| byte == b' ') {
            self.is_line_full.store(true, Ordering::Relaxed);
            return Ok(());
        }
        if self.is_line_full.swap(false, Ordering::Relaxed) {
            self.term.write_line("")?;
        }
        self.term.write_str(text)
    }
    fn clear_line(&self) -> io::Result<()> {
        self.is_line_full.store(false, Ordering::Relaxed);
        self.term.clear_line()
    }
    fn flush(&self) -> io::Result<()> {
        self.term.flush()
    }
}

impl<T: TermLike + Clone + 'static> Screen<T> {
    fn target(&self) -> ProgressDrawTarget {
        self.is_line_full.store(false, Ordering::Relaxed);
        ProgressDrawTarget::term_like_with_hz(Box::new(self.clone()), DRAWS_PER_SECOND)
    }
}

/// Lines at the foot of a terminal. The cursor is at the end of the last one.
pub(super) struct Terminal<T> {
    screen: Screen<T>,
    panel: MultiProgress,
    bars: Vec<ProgressBar>,
    /// What a bar is made of: done and left.
    cells: &'static str,
    /// Columns and rows of the window when the lines were last drawn.
    size: (u16, u16),
    /// Columns of each line, before it is cut to the window.
    widths: Vec<usize>,
}

impl<T: TermLike + Clone + 'static> Terminal<T> {
    pub(super) fn new(term: T, style: BarStyle) -> Self {
        // The caller knows whether colours are welcome; indicatif would look at stdout.
        console::set_colors_enabled(style.colour);
        let size = (term.width(), term.height());
        let screen = Screen { term, is_line_full: Arc::default() };
        let panel = MultiProgress::with_draw_target(screen.target());
        let cells = if style.unicode { "━─" } else { "#-" };
        Self { screen, panel, bars: Vec::new(), cells, size, widths: Vec::new() }
    }

    /// Draws these lines in the place of the last ones, cut to the window.
    pub(super) fn draw(&mut self, lines: &[Line]) {
        if self.panel.is_hidden() {
            return;
        }
        self.follow_window();
        for bar in self.bars.drain(lines.len().min(self.bars.len())..) {
            self.panel.remove(&bar);
        }
        self.bars.resize_with(lines.len(), || self.panel.add(ProgressBar::no_length()));
        for (bar, line) in self.bars.iter().zip(lines) {
            bar.set_style(self.bar_style(line.template));
            // A clone is the same bar, and what is set in this way is not drawn yet.
            let bar = bar.clone().with_prefix(line.name).with_message(line.words.clone());
            bar.update(|state| {
                state.set_pos(line.part);
                // To indicatif nothing of nothing is all.
                state.set_len(line.whole.max(1));
            });
        }
        self.widths = Vec::from_iter(lines.iter().map(Line::columns));
        if let Some(last) = self.bars.last() {
            last.force_draw();
        }
        if self.screen.flush().is_err() {
            // The terminal is gone, which is no reason to stop a run. What cannot be written would pile up.
            self.panel.set_draw_target(ProgressDrawTarget::hidden());
        }
    }

    /// Prints a sentence above these lines.
    pub(super) fn say(&mut self, words: &str, lines: &[Line]) {
        if self.panel.is_hidden() {
            return;
        }
        self.follow_window();
        // Not `suspend`, which panics where the terminal is gone.
        let _ = self.panel.clear();
        for line in words.lines() {
            let _ = self.screen.write_line(&escaped(line));
        }
        self.draw(lines);
    }

    /// Leaves these lines where they are.
    pub(super) fn leave(mut self, lines: &[Line]) {
        self.draw(lines);
        // Otherwise the bars would erase themselves now.
        self.panel.set_draw_target(ProgressDrawTarget::hidden());
        if !lines.is_empty() {
            let _ = self.screen.write_line("");
        }
        let _ = self.screen.flush();
    }

    /// Erases the lines if the size of the window has changed.
    fn follow_window(&mut self) {
        let (before, now) = (self.size, (self.screen.width(), self.screen.height()));
        if before == now {
            return;
        }
        self.size = now;
        // Most terminals break a line that a narrower window cannot hold.
        let rows = |columns: &usize| columns.min(&before.0.into()).div_ceil(usize::from(now.0).max(1)).max(1);
        let rows: usize = self.widths.iter().take(before.1.into()).map(rows).sum();
        let _ = self.screen.term.move_cursor_up(rows.saturating_sub(1));
        let _ = self.screen.term.write_str(ERASE_BELOW);
        self.panel.set_draw_target(self.screen.target());
    }

    fn bar_style(&self, template: &'static str) -> ProgressStyle {
        let template = match self.size.0 {
            ..=NOTE_COLUMNS => TITLE,
            ..=BAR_COLUMNS if template == BAR => NOTE,
            _ => template,
        };
        ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_spinner())
            .progress_chars(self.cells)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU16;

    use indicatif::InMemoryTerm;

    use super::*;

    const ASCII: BarStyle = BarStyle { colour: false, unicode: false };

    /// A terminal in memory that can claim another width.
    #[derive(Clone, Debug)]
    struct Window {
        term: InMemoryTerm,
        columns: Arc<AtomicU16>,
    }

    impl TermLike for Window {
        fn width(&self) -> u16 {
            self.columns.load(Ordering::Relaxed)
        }
        fn height(&self) -> u16 {
            self.term.height()
        }
        fn move_cursor_up(&self, n: usize) -> io::Result<()> {
            self.term.move_cursor_up(n)
        }
        fn move_cursor_down(&self, n: usize) -> io::Result<()> {
            self.term.move_cursor_down(n)
        }
        fn move_cursor_right(&self, n: usize) -> io::Result<()> {
            self.term.move_cursor_right(n)
        }
        fn move_cursor_left(&self, n: usize) -> io::Result<()> {
            self.term.move_cursor_left(n)
        }
        fn write_line(&self, s: &str) -> io::Result<()> {
            self.term.write_line(s)
        }
        fn write_str(&self, s: &str) -> io::Result<()> {
            self.term.write_str(s)
        }
        fn clear_line(&self) -> io::Result<()> {
            self.term.clear_line()
        }
        fn flush(&self) -> io::Result<()> {
            self.term.flush()
        }
    }

    #[test]
    fn lines_replace_the_last_ones_and_sentences_stay_above() {
        let term = InMemoryTerm::new(10, 40);
        let mut terminal = Terminal::new(term.clone(), ASCII);
        terminal.draw(&[Line::title("one"), Line::title("two")]);
        assert_eq!(term.contents(), "one\ntwo");
        terminal.draw(&[Line::bar("sent", (1, 2), "three")]);
        assert_eq!(term.contents(), "     sent ##########---------- three");
        terminal.say("a\x1b[2Jb\nc", &[Line::title("x\ny\x1b[2J")]);
        assert_eq!(term.contents(), "a\\u{1b}[2Jb\nc\nx\\ny\\u{1b}[2J");
        terminal.leave(&[Line::title("four")]);
        term.write_str("behind").unwrap();
        assert_eq!(term.contents(), "a\\u{1b}[2Jb\nc\nfour\nbehind");
    }

    #[test]
    fn only_all_of_something_fills_a_bar() {
        let term = InMemoryTerm::new(10, 80);
        let mut terminal = Terminal::new(term.clone(), BarStyle { colour: false, unicode: true });
        terminal.draw(&[(0, 0), (9_999_999, 10_000_000), (10, 10), (11, 10)].map(|of| Line::bar("sent", of, "")));
        let bar = |full: usize| format!("     sent {}{}", "━".repeat(full), "─".repeat(20 - full));
        assert_eq!(term.contents(), [0, 19, 20, 20].map(bar).join("\n"));
    }

    #[test]
    fn lines_are_cut_where_the_window_ends() {
        let term = InMemoryTerm::new(3, 16);
        let mut terminal = Terminal::new(term.clone(), ASCII);
        let lines =
            ["号码不存在", "a号码不存在", "words, words", "not on this screen"].map(|words| Line::note("", words));
        terminal.draw(&lines);
        terminal.draw(&lines);
        assert_eq!(term.contents(), "          号码不\n          a号码\n          words,");
        terminal.draw(&[Line::bar("sent", (1, 2), "1 of 2")]);
        assert_eq!(term.contents(), "     sent 1 of 2", "no room for a bar");
    }

    #[test]
    fn a_window_of_another_size_starts_the_lines_again() {
        let window = Window { term: InMemoryTerm::new(10, 40), columns: Arc::new(40.into()) };
        let mut terminal = Terminal::new(window.clone(), ASCII);
        let lines = [Line::title("one"), Line::title("sixteen columns!")];
        terminal.say("above", &lines);
        let mut start_after = |columns: u16| {
            window.term.moves_since_last_check();
            window.columns.store(columns, Ordering::Relaxed);
            terminal.draw(&lines);
            let moves = window.term.moves_since_last_check();
            moves.split_once("[J").unwrap().0.to_owned()
        };
        assert_eq!(start_after(30), "Up(1)\nStr(\"\\r\\u{1b}", "no line is broken");
        assert_eq!(start_after(80), "Up(1)\nStr(\"\\r\\u{1b}");
        assert_eq!(window.term.contents(), "above\none\nsixteen columns!");
        assert_eq!(start_after(10), "Up(2)\nStr(\"\\r\\u{1b}", "the second line takes two rows");
        assert_eq!(start_after(80), "Up(1)\nStr(\"\\r\\u{1b}", "it was cut to ten columns");
    }
}
