//! Wraps lines at the width of a terminal.

use console::{measure_text_width, strip_ansi_codes};

/// Narrower terminals are treated as this wide.
const MIN_WIDTH: usize = 40;
/// The indentation of continuation lines, in addition to that of the line itself.
const INDENT: usize = 4;

/// Breaks each line between words so that it fits into `width` cells. A word that is too long stays whole, and so does
/// a command, which has to work when it is copied. In a line with two columns, the second is continued.
pub(super) fn wrapped(text: &str, width: usize) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| wrapped_line(line, width.max(MIN_WIDTH))).collect();
    lines.join("\n")
}

fn wrapped_line(line: &str, width: usize) -> String {
    if measure_text_width(line) <= width || is_source(line) {
        return line.to_owned();
    }
    let indent = line.len() - line.trim_start_matches(' ').len();
    let (start, rest) = line.split_at(indent);
    let continued = indent + second_column(rest).filter(|column| *column < width / 2).unwrap_or(INDENT);
    let gap = format!("\n{}", " ".repeat(continued));
    let mut lines = start.to_owned();
    let mut used = indent;
    for (number, piece) in pieces(rest).into_iter().enumerate() {
        let cells = measure_text_width(piece);
        if number > 0 && used + 1 + cells > width {
            lines.truncate(lines.trim_end_matches(' ').len());
            lines.push_str(&gap);
            used = continued;
        } else if number > 0 {
            lines.push(' ');
            used += 1;
        }
        lines.push_str(piece);
        used += cells;
    }
    lines
}

/// Whether this is a line of a quoted file, whose marks are aligned with the line above.
fn is_source(line: &str) -> bool {
    strip_ansi_codes(line).trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit()).starts_with('|')
}

/// Returns where the second column starts, in cells.
fn second_column(line: &str) -> Option<usize> {
    let end = line.find("  ")?;
    let start = line.len() - line[end..].trim_start_matches(' ').len();
    Some(measure_text_width(&line[..start]))
}

/// Returns the words of a line. What is in backticks is one word, and so is a command from `campaigner` to the end of
/// the line, after a colon or at the start.
fn pieces(line: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = line;
    loop {
        let is_command = rest.starts_with("campaigner ")
            && line[..line.len() - rest.len()].trim_end_matches(' ').chars().next_back().is_none_or(|c| c == ':');
        let quoted = rest.strip_prefix('`').and_then(|quoted| quoted.find('`'));
        let from = if is_command { rest.len() } else { quoted.map_or(0, |end| end + 1) };
        let Some(end) = rest[from..].find(' ').map(|end| from + end) else {
            pieces.push(rest);
            return pieces;
        };
        pieces.push(&rest[..end]);
        rest = &rest[end + 1..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_broken_between_words_and_its_continuation_is_indented() {
        let line = "  row 2, line 3: `abc` is not a number; write the country code";
        assert_eq!(wrapped(line, 80), line);
        let expected = "  row 2, line 3: `abc` is not a number;\n      write the country code";
        assert_eq!(wrapped(line, 41), expected);
        let path = format!("used in {}", "x".repeat(50));
        assert_eq!(wrapped(&path, 40), format!("used in\n    {}", "x".repeat(50)));
    }

    #[test]
    fn wide_characters_take_two_cells_and_columns_stay_aligned() {
        let line = format!("   120  {} {}", "姓".repeat(12), "名".repeat(8));
        assert_eq!(wrapped(&line, 40), format!("   120  {}\n        {}", "姓".repeat(12), "名".repeat(8)));
        let source = format!(" 12 |   text: {}", "word ".repeat(20));
        assert_eq!(wrapped(&source, 40), source);
        let line = "  rate      eighty messages per second, all day";
        assert_eq!(wrapped(line, 40), "  rate      eighty messages per second,\n            all day");
    }

    #[test]
    fn a_command_stays_whole_and_each_line_is_wrapped_by_itself() {
        let command = "campaigner --db a.db resume spring-sale-1";
        let text = format!("stopped; nothing in flight was lost. To continue: {command}");
        assert_eq!(wrapped(&text, 60), format!("stopped; nothing in flight was lost. To continue:\n    {command}"));
        let text = format!("short\nto stop sending for a while, use `{command}`, or wait until it ends");
        let expected = format!("short\nto stop sending for a while, use\n    `{command}`,\n    or wait until it ends");
        assert_eq!(wrapped(&text, 48), expected);
        let text = "the columns are `Customer No` and `First Name`";
        assert_eq!(wrapped(text, 42), "the columns are `Customer No` and\n    `First Name`");
        let text = format!("  send to the 8 people not reached yet:  {command}");
        assert_eq!(wrapped(&text, 60), format!("  send to the 8 people not reached yet:\n      {command}"));
    }
}
