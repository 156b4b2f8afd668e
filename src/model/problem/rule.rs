//! The rules for messages, with their limits, as they appear in problems. What each channel accepts is in
//! `message::schema`.

use serde::{Deserialize, Serialize};

/// What a part of a message must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Text.
    Text,
    /// This word and no other.
    Exactly(String),
    /// True or false.
    Flag,
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
    /// The URL of a page.
    Url,
    /// Named text values.
    Texts,
    /// Anything.
    Anything,
    /// A list with this many items.
    List {
        /// At least.
        least: usize,
        /// At most.
        most: Option<usize>,
    },
    /// An object, with its kind under this key if it has kinds.
    Object(Option<String>),
    /// One of these words.
    OneOf(Vec<String>),
    /// Text: not empty.
    NotEmpty,
    /// Text: only characters that are allowed in messages.
    PlainCharacters,
    /// Text: at most this many characters.
    MostChars(usize),
    /// Text: at most this many characters, or it may be refused.
    MostCharsAdvised(usize),
    /// Text: a valid template parameter.
    Parameter,
    /// Text: at most this many line breaks.
    MostLineBreaks(usize),
    /// Text: ASCII letters and digits.
    Alphanumeric,
    /// Text: digits.
    Digits,
    /// Text: a valid name of a Meta template.
    TemplateName,
    /// Text: a plus and digits.
    PlusDigits,
    /// Text: the id of a WhatsApp message.
    MessageId,
    /// Link: one of these file extensions.
    Extensions(Vec<String>),
    /// List: the values under these keys are unique.
    Unique(String),
    /// List: at most this many items across all lists under this key.
    MostInAll(String, usize),
    /// List: each kind at most once, except this one.
    OnceEach(String),
    /// List: this key numbers the items.
    Counted(String),
    /// List: all cards have the same parts.
    CardsAlike,
    /// List: every item has this key, or none does.
    AllOrNone(String),
    /// List: if there are several items, each has this key.
    EachIfSeveral(String),
    /// List: at most this many characters across all texts under this key.
    MostCharsInAll(String, usize),
    /// Object: exactly one of these groups of keys, complete.
    OneGroup(Vec<Vec<String>>),
    /// Object: not both of these keys.
    NotTogether(String, String),
}
