//! NUL in texts, which PostgreSQL cannot store: people and providers send it rarely, but what they send is kept.
//!
//! It is written as [`MARK`] and a digit. The mark is a character that no text contains, because Unicode reserves it
//! for use inside programs; where one does, it is written as the mark and another digit.

const MARK: char = '\u{fdd0}';
const NUL: &str = "\u{fdd0}0";
const ITSELF: &str = "\u{fdd0}1";

/// Returns a text as it is stored.
pub(super) fn stored(text: String) -> String {
    match text.contains(['\0', MARK]) {
        true => text.replace(MARK, ITSELF).replace('\0', NUL),
        false => text,
    }
}

/// Returns a JSON text whose values are stored.
pub(super) fn stored_in_json(text: String) -> String {
    const ESCAPED: &str = "\\u0000";
    let text = stored(text);
    if !text.contains(ESCAPED) {
        return text;
    }
    let (mut out, mut rest) = (String::with_capacity(text.len()), text.as_str());
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        // An escape has two characters or more, the first two in ASCII.
        let (kept, length) = if escape.starts_with(ESCAPED) { (NUL, ESCAPED.len()) } else { (&escape[..2], 2) };
        out.push_str(kept);
        rest = &escape[length..];
    }
    out + rest
}

/// Returns a text as it was before it was stored.
pub(super) fn original(text: String) -> String {
    match text.contains(MARK) {
        true => text.replace(NUL, "\0").replace(ITSELF, "\u{fdd0}"),
        false => text,
    }
}

/// Does the same for a JSON text.
pub(super) fn original_json(text: String) -> String {
    match text.contains(MARK) {
        true => text.replace(NUL, "\\u0000").replace(ITSELF, "\u{fdd0}"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_out_as_it_went_in() {
        for text in ["", "a", "\0", "a\0\u{fdd0}0\u{fdd0}", "\\u0000", "\\\\u0000"] {
            assert_eq!(original(stored(text.to_owned())), text);
            assert!(!stored(text.to_owned()).contains('\0'));
            let json = stored_in_json(serde_json::to_string(&[text]).unwrap());
            let [read]: [String; 1] = serde_json::from_str(&json).unwrap();
            assert_eq!(original(read), text);
            assert!(!serde_json::from_str::<[String; 1]>(&json).unwrap()[0].contains('\0'));
        }
    }
}
