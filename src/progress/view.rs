//! What is shown, and in which form.

use crate::model::Tally;

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Bars, where stderr is a terminal that can draw them; plain lines elsewhere, rather than nothing.
    Bars,
    /// Plain lines, one every five seconds at most, and one for each change of stage.
    Plain,
    /// JSON, one object a line, as often.
    Json,
    /// Nothing.
    None,
}

/// How bars look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarStyle {
    /// Whether colours are welcome.
    pub colour: bool,
    /// Whether more than ASCII can be shown.
    pub unicode: bool,
}

/// The state of a run that another process works on.
#[derive(Clone, Debug)]
pub struct RunView {
    /// Which run, and what it is doing.
    pub title: String,
    /// Where its rows are.
    pub tally: Tally,
    /// What it waits for, in words.
    pub waiting: Option<String>,
    /// Its problems: code, count, words.
    pub problems: Vec<(String, u64, String)>,
}
