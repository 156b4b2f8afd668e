//! The bottom of a terminal: the lines of a run, which indicatif draws, and the messages above them.
//!
//! indicatif knows where its lines are only while the window keeps its size. When the size changes, this module erases
//! the old lines and lets indicatif start again.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use super::view::BarStyle;
use crate::text::escaped;

/// Templates of indicatif. A bar with its name and its usual text fits into 80 columns.
pub(super) const BAR: &str = "{prefix:>9} {bar:20.cyan/dim} {wide_msg}";
pub(super) const NOTE: &str = "{prefix:>9} {wide_msg}";
pub(super) const WARNING: &str = "{prefix:>9} {wide_msg:.yellow}";
pub(super) const PROBLEM: &str = "{prefix:>9} {wide_msg:.dim}";
pub(super) const TITLE: &str = "{wide_msg}";

/// How often per second indicatif may draw a changed bar on its own. Frames are forced: one draw for all bars.
const DRAWS_PER_SECOND: u8 = 1;

/// One line: a template and what it shows. `filled` is the part of a bar that is filled, and its whole.
pub(super) struct Line {
    pub(super) template: &'static str,
    pub(super) name: &'static str,
    pub(super) filled: (u64, u64),
    pub(super) words: String,
}

/// A terminal on which each line ends with a line break. indicatif pads lines with blanks and relies on the terminal to
/// wrap to the next row, but a terminal that becomes wider would join such lines.
#[derive(Clone, Debug)]
struct Screen<T> {
    term: T,
    /// The width of each line of the frame, in columns.
    widths: Arc<Mutex<Vec<usize>>>,
}

impl<T: TermLike + Clone + 'static> Screen<T> {
    fn take_widths(&self) -> Vec<usize> {
        std::mem::take(&mut self.widths.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn target(&self) -> ProgressDrawTarget {
        ProgressDrawTarget::term_like_with_hz(Box::new(self.clone()), DRAWS_PER_SECOND)
    }
}

impl<T: TermLike + Clone + 'static> TermLike for Screen<T> {
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
        if text.trim().is_empty() {
            return Ok(());
        }
        let mut widths = self.widths.lock().unwrap_or_else(PoisonError::into_inner);
        if !widths.is_empty() {
            self.term.write_line("")?;
        }
        widths.push(console::measure_text_width(text));
        self.term.write_str(text)
    }
    fn clear_line(&self) -> io::Result<()> {
        self.take_widths();
        self.term.clear_line()
    }
    fn flush(&self) -> io::Result<()> {
        self.term.flush()
    }
}

/// Lines at the bottom of a terminal. The cursor is at the end of the last one.
pub(super) struct Terminal<T> {
    screen: Screen<T>,
    panel: MultiProgress,
    bars: Vec<ProgressBar>,
    /// The characters of a bar: filled and empty.
    cells: &'static str,
    /// The size of the window when the lines were last drawn, in columns and rows.
    size: (u16, u16),
}

impl<T: TermLike + Clone + 'static> Terminal<T> {
    pub(super) fn new(term: T, style: BarStyle) -> Self {
        // The caller knows whether to use colours; indicatif would check stdout instead of stderr.
        console::set_colors_enabled(style.colour);
        let size = (term.width(), term.height());
        let screen = Screen { term, widths: Arc::default() };
        let panel = MultiProgress::with_draw_target(screen.target());
        Self { screen, panel, bars: Vec::new(), cells: if style.unicode { "━─" } else { "#-" }, size }
    }

    /// Replaces the previous lines by these, cut to the width of the window.
    pub(super) fn draw(&mut self, lines: &[Line]) {
        self.follow_window();
        for bar in self.bars.drain(lines.len().min(self.bars.len())..) {
            self.panel.remove(&bar);
        }
        self.bars.resize_with(lines.len(), || self.panel.add(ProgressBar::no_length()));
        for (bar, line) in self.bars.iter().zip(lines) {
            bar.set_style(self.bar_style(line.template));
            // A clone is the same bar, and setting values in this way does not draw it yet.
            let bar = bar.clone().with_prefix(line.name).with_message(escaped(&line.words).into_owned());
            bar.update(|state| {
                state.set_pos(line.filled.0);
                // indicatif shows 0 of 0 as a full bar.
                state.set_len(line.filled.1.max(1));
            });
        }
        if let Some(last) = self.bars.last() {
            last.force_draw();
        }
        if self.screen.flush().is_err() {
            // The terminal is gone. The run continues, and output must not accumulate in memory.
            self.panel.set_draw_target(ProgressDrawTarget::hidden());
        }
    }

    /// Prints a message above these lines.
    pub(super) fn print(&mut self, words: &str, lines: &[Line]) {
        self.follow_window();
        // Not `suspend`, which panics if the terminal is gone.
        let _ = self.panel.clear();
        for line in words.lines() {
            let _ = self.screen.write_line(&escaped(line));
        }
        self.draw(lines);
    }

    /// Draws these lines and leaves them on the screen.
    pub(super) fn leave(mut self, lines: &[Line]) {
        self.draw(lines);
        // Otherwise dropping the bars would erase them.
        self.panel.set_draw_target(ProgressDrawTarget::hidden());
        if !lines.is_empty() {
            let _ = self.screen.write_line("");
        }
        let _ = self.screen.flush();
    }

    /// Erases the lines if the size of the window has changed.
    fn follow_window(&mut self) {
        let size = (self.screen.width(), self.screen.height());
        if self.size == size || self.panel.is_hidden() {
            return;
        }
        self.size = size;
        // Most terminals wrap a line that does not fit a narrower window.
        let rows = |width: usize| width.div_ceil(size.0.into()).max(1);
        let rows: usize = self.screen.take_widths().into_iter().map(rows).sum();
        let _ = self.screen.term.move_cursor_up(rows.saturating_sub(1));
        let _ = self.screen.term.write_str("\r\x1b[J");
        self.panel.set_draw_target(self.screen.target());
    }

    fn bar_style(&self, template: &'static str) -> ProgressStyle {
        let template = match self.size.0 {
            ..12 => TITLE,
            ..32 if template == BAR => NOTE,
            _ => template,
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner());
        style.progress_chars(self.cells)
    }
}

#[cfg(test)]
mod tests {
    use indicatif::InMemoryTerm;

    use super::*;

    fn terminal(rows: u16, columns: u16) -> (Terminal<InMemoryTerm>, InMemoryTerm) {
        let term = InMemoryTerm::new(rows, columns);
        (Terminal::new(term.clone(), BarStyle { colour: false, unicode: false }), term)
    }

    fn line(template: &'static str, filled: (u64, u64), words: &str) -> Line {
        Line { template, name: if template == BAR { "sent" } else { "" }, filled, words: words.to_owned() }
    }

    fn titles<const N: usize>(words: [&str; N]) -> [Line; N] {
        words.map(|words| line(TITLE, (0, 0), words))
    }

    #[test]
    fn lines_replace_the_last_ones_and_messages_stay_above() {
        let (mut terminal, term) = terminal(10, 40);
        terminal.draw(&titles(["one", "two"]));
        assert_eq!(term.contents(), "one\ntwo");
        terminal.draw(&[line(BAR, (1, 2), "three")]);
        assert_eq!(term.contents(), "     sent ##########---------- three");
        terminal.print("a\x1b[2Jb\nc", &titles(["x\ny\x1b[2J"]));
        assert_eq!(term.contents(), "a\\u{1b}[2Jb\nc\nx\\ny\\u{1b}[2J");
        terminal.leave(&titles(["four"]));
        term.write_str("after").unwrap();
        assert_eq!(term.contents(), "a\\u{1b}[2Jb\nc\nfour\nafter");
    }

    #[test]
    fn only_all_of_something_fills_a_bar() {
        let (mut terminal, term) = terminal(10, 80);
        terminal.draw(&[(0, 0), (9_999_999, 10_000_000), (10, 10), (11, 10)].map(|filled| line(BAR, filled, "")));
        let bar = |full: usize| format!("     sent {}{}", "#".repeat(full), "-".repeat(20 - full));
        assert_eq!(term.contents(), [0, 19, 20, 20].map(bar).join("\n"));
    }

    #[test]
    fn lines_are_cut_where_the_window_ends() {
        let (mut terminal, term) = terminal(3, 16);
        let words = ["号码不存在", "a号码不存在", "words, words", "not on this screen"];
        let lines = words.map(|words| line(NOTE, (0, 0), words));
        terminal.draw(&lines);
        terminal.draw(&lines);
        assert_eq!(term.contents(), "          号码不\n          a号码\n          words,");
        terminal.draw(&[line(BAR, (1, 2), "1 of 2")]);
        assert_eq!(term.contents(), "     sent 1 of 2", "no room for a bar");
    }

    #[test]
    fn a_window_of_another_size_starts_the_lines_again() {
        let (mut terminal, term) = terminal(10, 40);
        let lines = titles(["one", "two"]);
        terminal.print("above", &lines);
        for (widths, up) in [([3, 3], "Up(1)"), ([3, 41], "Up(2)"), ([80, 81], "Up(4)")] {
            terminal.size = (100, 10);
            *terminal.screen.widths.lock().unwrap() = widths.into();
            term.moves_since_last_check();
            terminal.draw(&lines);
            let moves = term.moves_since_last_check();
            assert!(
                moves.starts_with(&format!("{up}\nStr(\"\\r\\u{{1b}}[J\")\nStr(\"one\")\nStr(\"\")\nNewLine")),
                "{moves}"
            );
        }
    }
}
