//! What the terminal supports.

use std::io::{self, IsTerminal as _};

use crate::progress::BarStyle;

/// Returns whether standard output is a terminal.
pub(in crate::cli) fn shows_data() -> bool {
    io::stdout().is_terminal()
}

/// Returns how many cells wide standard output is; `None` if it is not a terminal.
pub(in crate::cli) fn data_width() -> Option<usize> {
    width(&console::Term::stdout())
}

/// Returns how many cells wide standard error is; `None` if it is not a terminal.
pub(in crate::cli) fn info_width() -> Option<usize> {
    width(&console::Term::stderr())
}

fn width(term: &console::Term) -> Option<usize> {
    let (_, columns) = term.is_term().then(|| term.size_checked()).flatten()?;
    Some(columns.into())
}

/// Returns whether errors may be coloured: on a terminal, unless NO_COLOR is set (<https://no-color.org>).
pub(in crate::cli) fn has_color() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Returns how bars look on standard error; `None` if it is not a terminal, or one that cannot move the cursor up.
pub(in crate::cli) fn bar_style() -> Option<BarStyle> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let able = set("TERM").is_some_and(|term| term != "dumb");
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default().to_lowercase();
    let unicode = locale.contains("utf-8") || locale.contains("utf8");
    (able && io::stderr().is_terminal()).then(|| BarStyle { colour: has_color(), unicode })
}
