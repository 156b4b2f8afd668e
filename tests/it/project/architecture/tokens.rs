//! Rust source as tokens, without comments and without what only tests see.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// Keywords of items that end with a semicolon, whatever braces they hold.
const TO_SEMICOLON: [&str; 4] = ["use", "const", "static", "type"];

/// Keywords of items that end with their braces, or with a semicolon before any.
const TO_BRACES: [&str; 7] = ["mod", "fn", "struct", "enum", "trait", "impl", "macro_rules"];

/// Words that may stand before the keyword of an item.
const MODIFIERS: [&str; 4] = ["pub", "unsafe", "async", "extern"];

/// One token. Lifetimes are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A keyword or a name.
    Word(String),
    /// `::`
    Separator,
    /// Any other sign.
    Sign(char),
    /// A number or a text.
    Literal,
    /// What stands between parentheses, brackets or braces.
    Group(Delimiter, Vec<Token>),
}

impl Token {
    pub(super) fn word(&self) -> Option<&str> {
        if let Self::Word(word) = self { Some(word) } else { None }
    }

    pub(super) fn is(&self, word: &str) -> bool {
        self.word() == Some(word)
    }

    pub(super) fn group(&self, delimiter: Delimiter) -> Option<&[Self]> {
        match self {
            Self::Group(its, tokens) if *its == delimiter => Some(tokens),
            _ => None,
        }
    }
}

/// The tokens of a source file, without items under `#[cfg(test)]` and `#[test]`.
///
/// # Errors
///
/// If the text is not Rust, or has an attribute that is not understood here.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    convert(text.parse().map_err(|error| format!("{error}"))?)
}

fn convert(stream: TokenStream) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut trees = stream.into_iter().peekable();
    while let Some(tree) = trees.next() {
        match tree {
            TokenTree::Ident(word) => tokens.push(Token::Word(word.to_string())),
            TokenTree::Group(group) => tokens.push(Token::Group(group.delimiter(), convert(group.stream())?)),
            TokenTree::Literal(literal) => tokens.extend(path_in_text(&literal.to_string())?),
            TokenTree::Punct(sign) => {
                let next = trees.peek().and_then(|next| if let TokenTree::Punct(p) = next { Some(p) } else { None });
                match sign.as_char() {
                    ':' if sign.spacing() == Spacing::Joint && next.is_some_and(|next| next.as_char() == ':') => {
                        trees.next();
                        tokens.push(Token::Separator);
                    }
                    '\'' => drop(trees.next()),
                    sign => tokens.push(Token::Sign(sign)),
                }
            }
        }
    }
    without_tests(&tokens)
}

/// Serde takes paths as texts.
fn path_in_text(literal: &str) -> Result<Vec<Token>, String> {
    let text = literal.trim_matches('"');
    if ["crate::", "self::", "super::"].iter().any(|start| text.starts_with(start)) {
        return tokens(text);
    }
    Ok(vec![Token::Literal])
}

fn without_tests(tokens: &[Token]) -> Result<Vec<Token>, String> {
    let mut kept = Vec::new();
    let mut rest = tokens;
    loop {
        match rest {
            [] => return Ok(kept),
            [Token::Sign('#'), Token::Sign('!'), attribute, ..] if is_test(attribute) => return Ok(Vec::new()),
            [Token::Sign('#'), attribute, after @ ..] if is_test(attribute) => rest = behind_item(after)?,
            [Token::Sign('#'), attribute, ..] if starts_with(attribute, "path") => {
                return Err("`#[path]` outside tests is not understood".to_owned());
            }
            [token, after @ ..] => {
                kept.push(token.clone());
                rest = after;
            }
        }
    }
}

/// Whether this is `[cfg(test)]`, `[cfg(all(test, …))]` or `[test]`.
fn is_test(attribute: &Token) -> bool {
    match attribute.group(Delimiter::Bracket) {
        Some([word]) => word.is("test"),
        Some([cfg, Token::Group(_, condition)]) if cfg.is("cfg") => match condition.as_slice() {
            [word] => word.is("test"),
            [all, Token::Group(_, conditions)] if all.is("all") => {
                conditions.split(|token| *token == Token::Sign(',')).any(|one| matches!(one, [word] if word.is("test")))
            }
            _ => false,
        },
        _ => false,
    }
}

fn starts_with(attribute: &Token, word: &str) -> bool {
    attribute.group(Delimiter::Bracket).is_some_and(|tokens| tokens.first().is_some_and(|first| first.is(word)))
}

/// What follows the item that `tokens` start with.
fn behind_item(mut tokens: &[Token]) -> Result<&[Token], String> {
    let mut keyword = "";
    while let [token, after @ ..] = tokens {
        match token {
            Token::Sign(';') => return Ok(after),
            Token::Group(Delimiter::Brace, _) if TO_BRACES.contains(&keyword) => return Ok(after),
            Token::Word(word) if TO_BRACES.contains(&word.as_str()) && ["", "const"].contains(&keyword) => {
                keyword = word;
            }
            Token::Word(word) if TO_SEMICOLON.contains(&word.as_str()) && keyword.is_empty() => keyword = word,
            Token::Word(word) if keyword.is_empty() && !MODIFIERS.contains(&word.as_str()) => break,
            _ => {}
        }
        tokens = after;
    }
    Err(format!("`#[cfg(test)]` stands before something that is not understood: {:?}", tokens.first()))
}
