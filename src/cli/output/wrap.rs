//! Wraps lines at the width of a terminal.

use console::measure_text_width;

/// Narrower terminals are treated as this wide.
const MIN_WIDTH: usize = 40;
/// The indentation of continuation lines, in addition to that of the line itself.
const INDENT: usize = 4;

/// Breaks a line between words so that it fits into `width` cells. A word that is too long stays whole. In a line with
/// two columns, the second is continued.
pub(super) fn wrapped(line: &str, width: usize) -> String {
    let width = width.max(MIN_WIDTH);
    if measure_text_width(line) <= width {
        return line.to_owned();
    }
    let indent = line.len() - line.trim_start_matches(' ').len();
    let (start, rest) = line.split_at(indent);
    let column = rest.find("  ").map_or(INDENT, |end| measure_text_width(&rest[..end]) + 2);
    let continued = indent + column;
    let gap = format!("\n{}", " ".repeat(continued));
    let mut lines = start.to_owned();
    let mut used = indent;
    for (number, word) in rest.split(' ').enumerate() {
        let cells = measure_text_width(word);
        if number > 0 && used + 1 + cells > width {
            lines.push_str(&gap);
            used = continued;
        } else if number > 0 {
            lines.push(' ');
            used += 1;
        }
        lines.push_str(word);
        used += cells;
    }
    lines
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
    }
}
