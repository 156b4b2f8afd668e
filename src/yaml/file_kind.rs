//! How to speak of a kind of files.

/// The largest file. Rows may be written into a campaign, but a list of this length belongs into a CSV file, which is
/// never held in memory as a whole.
pub const MAX_BYTES: u64 = 16 << 20;

/// How to speak of a kind of files.
#[derive(Debug)]
pub(crate) struct FileKind {
    /// What one holds, such as `campaign`.
    pub(crate) name: &'static str,
    /// What has to be in one, for a file that is empty.
    pub(crate) needs: &'static str,
    /// What to do about one that is too large.
    pub(crate) too_large: &'static str,
    /// The path of what is made of rows with cells; empty where there is no such thing.
    pub(crate) cells: &'static [&'static str],
}
