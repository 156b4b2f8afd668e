//! Parses variables in a template's texts: `{{1}}` by position, `{{first_name}}` by name.
//!
//! All functions work on one text. The rules check that names and positions are not mixed.

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Plain text.
    Text(&'a str),
    /// The variable with this name.
    Variable(&'a str),
    /// Something in `{{ }}` that is not a valid variable name.
    Bad(&'a str),
}

/// Splits a text with variables between `open` and `close`: `{{` and `}}`, or `$(` and `)`.
pub(crate) fn pieces_between<'a>(text: &'a str, open: &str, close: &str) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(open) {
        let Some(length) = rest[start + open.len()..].find(close) else { break };
        if start > 0 {
            pieces.push(Piece::Text(&rest[..start]));
        }
        let inner = &rest[start + open.len()..start + open.len() + length];
        let name = inner.trim();
        pieces.push(if is_name(name) { Piece::Variable(name) } else { Piece::Bad(inner) });
        rest = &rest[start + open.len() + length + close.len()..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// Splits a text in WhatsApp's notation.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    pieces_between(text, "{{", "}}")
}

/// Returns the names of a text's variables, each once, in order of first use.
pub(crate) fn names(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for piece in pieces(text) {
        if let Piece::Variable(name) = piece
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names
}

/// Whether a variable is named by its position.
pub(crate) fn is_position(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Fills in a value for each variable; a variable without a value stays as it is.
pub(crate) fn fill<'v>(text: &str, value: impl Fn(&str) -> Option<&'v str>) -> String {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Variable(name) => match value(name) {
                Some(value) => filled.push_str(value),
                None => {
                    filled.push_str("{{");
                    filled.push_str(name);
                    filled.push_str("}}");
                }
            },
            Piece::Bad(inner) => {
                filled.push_str("{{");
                filled.push_str(inner);
                filled.push_str("}}");
            }
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_by_position_and_by_name() {
        assert_eq!(names("Hi {{1}}, {{ first_name }} and {{1}}"), ["1", "first_name"]);
        assert_eq!(names("no {1} and {{ }} or {{open"), [""; 0]);
        assert_eq!(pieces("a{{b c}}d"), [Piece::Text("a"), Piece::Bad("b c"), Piece::Text("d")]);
        assert_eq!(pieces_between("x$(name)", "$(", ")"), [Piece::Text("x"), Piece::Variable("name")]);
    }

    #[test]
    fn values_are_put_in_and_never_read_again() {
        let value = |name: &str| (name == "1").then_some("{{2}}");
        assert_eq!(fill("{{1}} {{2}} {{x y}}", value), "{{2}} {{2}} {{x y}}");
    }
}
