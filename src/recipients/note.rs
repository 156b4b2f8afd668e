//! Notes about a list as a whole, which the person should read before it is sent to.

/// A note about how a list was read, such as its encoding or a part of it that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListNote {
    /// What kind of note it is: stable and short.
    pub code: &'static str,
    /// The note, for a person: it may show a cell.
    pub message: String,
    /// Number of rows that it concerns; 0 if it concerns the list as a whole.
    pub rows: u64,
}
