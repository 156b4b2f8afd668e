//! The rules that a message is held against, with their limits. What each channel takes is in `message::schema`; this is
//! what of it stands in a problem.

use serde::{Deserialize, Serialize};

/// What a part of a message has to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// A text.
    Text,
    /// This word and no other.
    Exactly(String),
    /// A number.
    Number {
        /// The least it may be.
        least: i64,
        /// The most it may be.
        most: i64,
        /// Whether it has no fraction.
        whole: bool,
        /// Whether it may be written as text too.
        or_text: bool,
    },
    /// A link to such a file on a public server.
    LinkTo(String),
    /// The address of a page.
    Url,
    /// Texts by names.
    Texts,
    /// Whatever it is.
    Anything,
    /// A list of so many.
    List {
        /// At least.
        least: usize,
        /// At most.
        most: Option<usize>,
    },
    /// An object, which says its kind under this key if it has kinds.
    Object(Option<String>),
    /// One of these words.
    OneOf(Vec<String>),
    /// Of a text: not empty.
    NotEmpty,
    /// Of a text: only characters that a message may hold.
    PlainCharacters,
    /// Of a text: at most so many characters.
    MostChars(usize),
    /// Of a text: at most so many characters, or it may be refused.
    MostCharsAdvised(usize),
    /// Of a text: what a template takes as a parameter.
    Parameter,
    /// Of a text: at most so many line breaks.
    MostLineBreaks(usize),
    /// Of a text: letters and digits of ASCII.
    Alphanumeric,
    /// Of a text: digits.
    Digits,
    /// Of a text: what Meta takes as a template's name.
    TemplateName,
    /// Of a link: these extensions of the file.
    Extensions(Vec<String>),
    /// Of the items of a list: what stands under these keys differs.
    Unique(String),
    /// Of the items of a list: at most so many items in all lists under this key.
    MostInAll(String, usize),
    /// Of the items of a list: each kind at most once, but for this one.
    OnceEach(String),
    /// Of the items of a list: they count themselves under this key.
    Counted(String),
    /// Of the items of a list: all cards have the same parts.
    CardsAlike,
    /// Of the items of a list: every one has this key or none.
    AllOrNone(String),
    /// Of the items of a list: at most so many characters in all texts under this key.
    MostCharsInAll(String, usize),
    /// Of the parts of an object: one of these groups of keys, whole, and none of the others.
    OneGroup(Vec<Vec<String>>),
    /// Of the parts of an object: not both of these keys.
    NotTogether(String, String),
}
