//! Shortens text that a problem quotes.

use crate::text::escaped;

/// Characters of a value that are shown.
pub(super) const SHOWN_CHARS: usize = 40;

/// Returns a text for quoting: on one line, cut after `most` characters, and [`escaped`].
#[must_use]
pub fn shortened(text: &str, most: usize) -> String {
    let end = text.char_indices().nth(most).map_or(text.len(), |(end, _)| end);
    let mut short = escaped(&text[..end]).into_owned();
    if end < text.len() {
        short.push('…');
    }
    short
}
