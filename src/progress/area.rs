//! The lines at the foot of a terminal that are drawn again and again, with what is said above them.
//!
//! Knows how many rows of the screen its lines take now, also after the window became narrower and the terminal broke
//! them, so that nothing stale is left behind. Every change is one write.

use std::io::Write;

use crate::text::escaped;

/// Columns of a terminal that does not say.
const COLUMNS: usize = 80;
const ROWS: usize = 24;

/// Wipes what is right of the cursor, and what is right of it and below.
const REST_OF_LINE: &str = "\x1b[K";
const REST_OF_SCREEN: &str = "\x1b[J";

/// The size of the window: columns and rows.
pub(super) type Size = fn() -> Option<(usize, usize)>;

/// Lines at the foot of a terminal. The cursor is behind the last of them.
pub(super) struct Area {
    out: Box<dyn Write + Send>,
    size: Size,
    /// How wide each line is that is on the screen.
    drawn: Vec<usize>,
}

impl Area {
    pub(super) fn new(out: Box<dyn Write + Send>, size: Size) -> Self {
        Self { out, size, drawn: Vec::new() }
    }

    /// Draws these lines in the place of those that were there, cut to the window.
    pub(super) fn draw(&mut self, lines: &[Line]) {
        let mut text = self.back();
        self.put(lines, &mut text);
        self.write(&text);
    }

    /// Says something above the lines, which stay.
    pub(super) fn say(&mut self, words: &str, lines: &[Line]) {
        let mut text = self.back();
        for line in words.lines() {
            text.push_str(&escaped(line));
            text.push_str(REST_OF_LINE);
            text.push('\n');
        }
        self.put(lines, &mut text);
        self.write(&text);
    }

    /// Leaves the lines where they are.
    pub(super) fn leave(mut self) {
        if !self.drawn.is_empty() {
            self.write("\n");
        }
    }

    fn put(&mut self, lines: &[Line], text: &mut String) {
        let (columns, rows) = (self.size)().unwrap_or((COLUMNS, ROWS));
        for (place, line) in lines.iter().take(rows.saturating_sub(1).max(1)).enumerate() {
            if place > 0 {
                text.push('\n');
            }
            // The last column stays free: terminals differ in where the cursor is behind it.
            self.drawn.push(line.write(columns.saturating_sub(1).max(1), text));
            text.push_str(REST_OF_LINE);
        }
        text.push_str(REST_OF_SCREEN);
    }

    /// The way back to where the lines begin. They are written over, not wiped first: that would flicker, and a terminal
    /// may take it for a screen to be kept.
    fn back(&mut self) -> String {
        let drawn = std::mem::take(&mut self.drawn);
        if drawn.is_empty() {
            return String::new();
        }
        let columns = (self.size)().map_or(COLUMNS, |(columns, _)| columns).max(1);
        let rows: usize = drawn.iter().map(|width| width.div_ceil(columns).max(1)).sum();
        if rows > 1 { format!("\r\x1b[{}A", rows - 1) } else { "\r".to_owned() }
    }

    fn write(&mut self, text: &str) {
        // A closed stderr is no reason to stop a run.
        let _ = self.out.write_all(text.as_bytes());
        let _ = self.out.flush();
    }
}

/// One line: pieces of text, each with the colour it has, if any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line(Vec<(Option<Colour>, String)>);

/// What a terminal can do to a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colour {
    Cyan,
    Yellow,
    Dim,
}

impl Colour {
    fn code(self) -> &'static str {
        match self {
            Self::Cyan => "\x1b[36m",
            Self::Yellow => "\x1b[33m",
            Self::Dim => "\x1b[2m",
        }
    }
}

impl Line {
    pub(super) fn with(mut self, colour: Option<Colour>, text: impl Into<String>) -> Self {
        self.0.push((colour, text.into()));
        self
    }

    /// The text without its colours.
    #[cfg(test)]
    pub(super) fn text(&self) -> String {
        self.0.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// Writes as much as fits into so many columns, and gives back how many it took.
    fn write(&self, columns: usize, out: &mut String) -> usize {
        let mut taken = 0;
        for (colour, text) in &self.0 {
            if let Some(colour) = colour {
                out.push_str(colour.code());
            }
            for c in escaped(text).chars() {
                if taken + width(c) > columns {
                    break;
                }
                taken += width(c);
                out.push(c);
            }
            if colour.is_some() {
                out.push_str("\x1b[0m");
            }
        }
        taken
    }
}

/// The columns that a character takes: two for those of the East and for pictures.
fn width(c: char) -> usize {
    match u32::from(c) {
        0x0300..=0x036f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f => 2,
        0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::super::captured::Captured;
    use super::*;

    fn line(text: &str) -> Line {
        Line::default().with(None, text)
    }

    #[test]
    fn lines_take_the_place_of_those_before_them_and_sentences_go_above() {
        let captured = Captured::default();
        let mut area = Area::new(Box::new(captured.clone()), || Some((20, 10)));
        area.draw(&[line("one"), line("two")]);
        assert_eq!(captured.take(), "one\x1b[K\ntwo\x1b[K\x1b[J");
        area.draw(&[line("three")]);
        assert_eq!(captured.take(), "\r\x1b[1Athree\x1b[K\x1b[J");
        area.say("a\x1b[2Jb\nc", &[line("four")]);
        assert_eq!(captured.take(), "\ra\\u{1b}[2Jb\x1b[K\nc\x1b[K\nfour\x1b[K\x1b[J");
        area.leave();
        assert_eq!(captured.take(), "\n");
    }

    #[test]
    fn of_a_window_that_became_narrower_nothing_stays() {
        let captured = Captured::default();
        let mut area = Area::new(Box::new(captured.clone()), || Some((40, 10)));
        area.draw(&[line(&"x".repeat(60)), line("short")]);
        assert_eq!(captured.take(), format!("{}\x1b[K\nshort\x1b[K\x1b[J", "x".repeat(39)), "cut to the window");
        area.size = || Some((10, 10));
        area.draw(&[line("now")]);
        assert_eq!(
            captured.take(),
            "\r\x1b[4Anow\x1b[K\x1b[J",
            "39 columns are four rows of ten, and the cursor is in a fifth"
        );
    }

    #[test]
    fn what_is_wide_and_what_is_coloured_is_cut_where_the_window_ends() {
        let captured = Captured::default();
        let mut area = Area::new(Box::new(captured.clone()), || Some((8, 2)));
        area.draw(&[line("ab").with(Some(Colour::Cyan), "号码不存在"), line("not on this screen")]);
        assert_eq!(captured.take(), "ab\x1b[36m号码\x1b[0m\x1b[K\x1b[J");
        assert_eq!(area.drawn, [6]);
    }
}
