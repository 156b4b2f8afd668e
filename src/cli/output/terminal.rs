//! What the terminal can do, and asking a person.

use std::io::{self, IsTerminal as _, Write as _};

use crate::progress::BarStyle;

/// Whether a person sees the data as it is printed.
pub(in crate::cli) fn shows_data() -> bool {
    io::stdout().is_terminal()
}

/// Whether errors may be coloured: on a terminal, unless the person says no (<https://no-color.org>).
pub(in crate::cli) fn has_color() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// How bars look on standard error; `None` where it is no terminal, or one that cannot go back a line.
pub(in crate::cli) fn bar_style() -> Option<BarStyle> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let able = set("TERM").is_some_and(|term| term != "dumb");
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default().to_lowercase();
    let unicode = locale.contains("utf-8") || locale.contains("utf8");
    (able && io::stderr().is_terminal()).then(|| BarStyle { colour: has_color(), unicode })
}

/// Whether a person can be asked.
pub(in crate::cli) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a person; yes is `y` or `yes`.
pub(in crate::cli) fn ask(question: &str) -> bool {
    let mut err = io::stderr().lock();
    let _ = write!(err, "{question} [y/N] ");
    let _ = err.flush();
    drop(err);
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes" | "Yes")
}
