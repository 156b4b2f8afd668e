//! How problems refer to a kind of file.

/// The largest file, in bytes. A campaign may contain rows, but a list this long belongs in a CSV file, which is never
/// held in memory as a whole.
pub const MAX_BYTES: u64 = 16 << 20;

/// How problems refer to a kind of file.
#[derive(Debug)]
pub(crate) struct FileKind {
    /// What the file contains, such as `campaign`.
    pub(crate) name: &'static str,
    /// What the file needs, as a hint for an empty file.
    pub(crate) needs: &'static str,
    /// What to do if the file is too large.
    pub(crate) too_large: &'static str,
    /// The path of the rows with cells; empty if there are none.
    pub(crate) cells: &'static [&'static str],
}
