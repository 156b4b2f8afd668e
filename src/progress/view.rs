//! What is shown, and in which form.

use crate::model::Tally;

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Bars if stderr is a terminal that can draw them, otherwise plain lines.
    Bars,
    /// Plain lines: at most one every five seconds, and one for each change of stage.
    Plain,
    /// JSON, one object per line, as often as plain lines.
    Json,
}

/// How bars look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarStyle {
    /// Whether to use colours.
    pub colour: bool,
    /// Whether the terminal can show Unicode.
    pub unicode: bool,
}

/// The state of a run that another process is working on.
#[derive(Clone, Debug)]
pub struct RunView {
    /// Which run, and what it is doing.
    pub title: String,
    /// How many rows are in each state.
    pub tally: Tally,
    /// What the run is waiting for, in words.
    pub waiting: Option<String>,
    /// Its problems: code, count, message.
    pub problems: Vec<(String, u64, String)>,
}
