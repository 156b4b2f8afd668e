//! Splits a number format, such as `0.00;"-"0.00`, into its sections and their tokens.

/// A token of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FormatToken {
    /// A character that is displayed as it is.
    Literal(char),
    /// A character that means something.
    Code(char),
    /// What is between square brackets: a colour, a condition, a currency, a locale.
    Bracket(String),
}

/// Returns the tokens of each section; `None` if a quote or bracket is not closed.
pub(super) fn sections(format: &str) -> Option<Vec<Vec<FormatToken>>> {
    let mut sections = Vec::new();
    let mut tokens = Vec::new();
    let mut rest = format.chars();
    while let Some(c) = rest.next() {
        match c {
            ';' => sections.push(std::mem::take(&mut tokens)),
            '"' => loop {
                match rest.next()? {
                    '"' => break,
                    c => tokens.push(FormatToken::Literal(c)),
                }
            },
            '\\' => tokens.push(FormatToken::Literal(rest.next()?)),
            // A gap as wide as a character, and a character that fills the cell.
            '_' | '*' => {
                rest.next()?;
            }
            '[' => {
                let mut inside = String::new();
                loop {
                    match rest.next()? {
                        ']' => break,
                        c => inside.push(c),
                    }
                }
                tokens.push(FormatToken::Bracket(inside));
            }
            c => tokens.push(FormatToken::Code(c)),
        }
    }
    sections.push(tokens);
    Some(sections)
}
