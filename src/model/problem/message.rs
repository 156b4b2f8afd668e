//! What is wrong with a message that a row makes, by what its channel takes.

use serde::{Deserialize, Serialize};

use super::cell::OddCharacter;
use super::rule::Rule;

/// Why the provider would refuse a message, or may. Texts of the message are shortened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageProblem {
    /// The message is no object.
    NoObject(Is),
    /// On this channel a message of this kind reaches only those who wrote lately.
    SessionOnly {
        /// The channel, as its owner writes it.
        channel: String,
        /// The kind.
        kind: String,
        /// The kinds that reach everyone.
        others: Vec<String>,
    },
    /// Something is missing.
    Missing {
        /// What it has to be.
        rule: Rule,
        /// The key that was probably meant to be it.
        meant: Option<String>,
        /// The note of the schema on it, a phrase: notes are written by hand, and have no form but their words.
        note: Option<String>,
    },
    /// It is not of the type that it has to be.
    WrongType {
        /// What it has to be.
        rule: Rule,
        /// What it is.
        is: Is,
        /// What to do.
        fix: Option<TypeFix>,
    },
    /// There is no such kind.
    UnknownKind {
        /// The kind.
        written: String,
        /// The kinds there are.
        kinds: Vec<String>,
        /// The one that was probably meant.
        meant: Option<String>,
    },
    /// It has to be a certain word.
    WrongWord {
        /// What it is.
        text: String,
        /// The word.
        word: String,
    },
    /// The number is too small or too large.
    OutOfRange {
        /// The number.
        value: String,
        /// Its bounds.
        rule: Rule,
    },
    /// There are too few items, or too many.
    WrongCount {
        /// How many there are.
        count: usize,
        /// How many there are to be at least.
        least: usize,
        /// How many there are to be at most.
        most: Option<usize>,
    },
    /// There are too many items in several lists together.
    TooManyInAll {
        /// How many there are.
        count: usize,
        /// The key of the lists.
        key: String,
        /// How many there may be.
        most: usize,
    },
    /// The document does not know the key.
    UnknownKey {
        /// The key that was probably meant.
        meant: Option<String>,
    },
    /// The document does not have it, and Meta's API does.
    UndocumentedKey {
        /// The note of the schema on it.
        note: Option<String>,
    },
    /// It cannot be here.
    NotAllowed {
        /// The note of the schema on it.
        note: Option<String>,
    },
    /// A value stands here twice, and has to differ.
    NotUnique {
        /// The value.
        value: String,
        /// The keys that lead to it.
        keys: String,
    },
    /// There is a second item of a kind.
    SecondOfKind {
        /// The kind.
        kind: String,
        /// The kind that may be there more than once.
        but: String,
    },
    /// The items do not count themselves from 0.
    NotInOrder {
        /// What stands there.
        found: i64,
        /// What should.
        wanted: usize,
        /// Under this key.
        key: String,
    },
    /// The card has other parts than the first.
    CardsDiffer,
    /// Items with and without this key are mixed.
    Mixed(String),
    /// None of several groups of keys is there, or more than one, or a part of one.
    OneOf {
        /// How many have begun.
        begun: usize,
        /// The groups.
        groups: Vec<Vec<String>>,
    },
    /// The document never shows these two keys together.
    NotTogether(String, String),
    /// The text is empty, or only blanks.
    EmptyText {
        /// Whether it is only blanks.
        blank: bool,
    },
    /// The text is too long.
    TooLong {
        /// The text.
        text: String,
        /// Its characters.
        chars: usize,
        /// How many it may have.
        most: usize,
        /// Whether more may pass all the same.
        advised: bool,
    },
    /// Several texts are too long together.
    TooLongInAll {
        /// Their characters.
        chars: usize,
        /// Their key.
        key: String,
        /// How many they may have.
        most: usize,
    },
    /// The text cannot be a parameter of a template.
    BadParameter {
        /// The text.
        text: String,
        /// What it holds.
        holds: NoParameter,
    },
    /// The text has too many line breaks.
    TooManyLines {
        /// The text.
        text: String,
        /// Its line breaks.
        breaks: usize,
        /// How many it may have.
        most: usize,
    },
    /// The text may only hold letters and digits.
    NotAlphanumeric {
        /// The text.
        text: String,
    },
    /// The number may only hold digits.
    NotDigits,
    /// The text cannot be the name of a template.
    TemplateName {
        /// The text.
        text: String,
    },
    /// The text holds a character that no message may hold.
    Character {
        /// The character.
        bad: OddCharacter,
        /// The text.
        text: String,
    },
    /// The link is no address.
    BadLink {
        /// The link.
        link: String,
        /// Why not.
        why: LinkFlaw,
    },
    /// The link leads to a place that the provider cannot reach.
    PrivateLink {
        /// The link.
        link: String,
        /// Why not.
        why: LinkFlaw,
    },
    /// The link is to a file of another kind.
    WrongExtension {
        /// The file's extension.
        extension: String,
        /// The kind that is taken.
        media: String,
        /// The extensions that are taken.
        taken: Vec<String>,
    },
    /// The document uses this extension in a sample and does not list it.
    UndocumentedExtension {
        /// The file's extension.
        extension: String,
        /// The kind that is taken.
        media: String,
        /// The extensions that are taken.
        taken: Vec<String>,
    },
    /// Nobody can tell the kind of file from its name.
    UnclearExtension {
        /// The file's name.
        file: String,
        /// The kind that is taken.
        media: String,
        /// The extensions that are taken.
        taken: Vec<String>,
    },
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Is {
    /// Nothing.
    Null,
    /// True or false.
    Bool,
    /// A number.
    Number,
    /// A text.
    Text,
    /// A list.
    List,
    /// An object.
    Object,
    /// This text.
    TheText(String),
    /// This number.
    TheNumber(String),
}

/// How to make a value one of the right type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypeFix {
    /// Write this number in quotes.
    Quote(String),
    /// Write the number itself, since what is put in is always a text.
    NumberItself,
    /// Write it without quotes.
    Unquote,
    /// Give it these keys.
    Keys(Vec<String>),
    /// Make it a list.
    MakeList,
    /// Write the text itself.
    TextItself,
}

/// What no parameter of a template holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoParameter {
    /// A line break.
    LineBreak,
    /// A tab.
    Tab,
    /// More than four spaces in a row.
    Spaces,
}

/// Why a link does not lead to a public server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkFlaw {
    /// It has a blank in it.
    Blank,
    /// It does not begin with `https://` or `http://`.
    NoScheme,
    /// Its port is none.
    BadPort,
    /// It names no server.
    NoServer,
    /// Its server is in a network of one's own.
    Private,
    /// It names no server that there can be.
    Impossible,
    /// The name of its server has no dot.
    NoDot,
}

impl MessageProblem {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoObject(_) | Self::WrongType { .. } => "wrong_type",
            Self::SessionOnly { .. } => "session_only",
            Self::Missing { .. } => "missing_field",
            Self::UnknownKind { .. } => "unknown_type",
            Self::WrongWord { .. } => "wrong_word",
            Self::OutOfRange { .. } => "out_of_range",
            Self::WrongCount { count, least, .. } if count < least => "too_few",
            Self::WrongCount { .. } | Self::TooManyInAll { .. } => "too_many",
            Self::UnknownKey { .. } => "unknown_field",
            Self::UndocumentedKey { .. } => "undocumented_field",
            Self::NotAllowed { .. } => "not_allowed",
            Self::NotUnique { .. } | Self::SecondOfKind { .. } => "not_unique",
            Self::NotInOrder { .. } => "not_in_order",
            Self::CardsDiffer => "cards_differ",
            Self::Mixed(_) => "mixed_parameters",
            Self::OneOf { .. } => "one_of",
            Self::NotTogether(..) => "undocumented",
            Self::EmptyText { .. } => "empty_text",
            Self::TooLong { .. } | Self::TooLongInAll { .. } => "too_long",
            Self::BadParameter { .. } => "bad_parameter",
            Self::TooManyLines { .. } => "too_many_lines",
            Self::NotAlphanumeric { .. } => "bad_characters",
            Self::NotDigits => "bad_number",
            Self::TemplateName { .. } => "template_name",
            Self::Character { bad, .. } => bad.code(),
            Self::BadLink { .. } => "bad_link",
            Self::PrivateLink { .. } => "private_link",
            Self::WrongExtension { .. } => "wrong_extension",
            Self::UndocumentedExtension { .. } => "undocumented_extension",
            Self::UnclearExtension { .. } => "unclear_extension",
        }
    }

    /// The rule that is broken; none where that is for the place to say, or where no rule is.
    #[must_use]
    pub fn rule(&self) -> Option<Rule> {
        Some(match self {
            Self::Missing { rule, .. } | Self::WrongType { rule, .. } | Self::OutOfRange { rule, .. } => rule.clone(),
            Self::UnknownKind { kinds, .. } => Rule::OneOf(kinds.clone()),
            Self::WrongWord { word, .. } => Rule::Exactly(word.clone()),
            Self::WrongCount { least, most, .. } => Rule::List { least: *least, most: *most },
            Self::TooManyInAll { key, most, .. } => Rule::MostInAll(key.clone(), *most),
            Self::NotUnique { keys, .. } => Rule::Unique(keys.clone()),
            Self::SecondOfKind { but, .. } => Rule::OnceEach(but.clone()),
            Self::NotInOrder { key, .. } => Rule::Counted(key.clone()),
            Self::CardsDiffer => Rule::CardsAlike,
            Self::Mixed(key) => Rule::AllOrNone(key.clone()),
            Self::OneOf { groups, .. } => Rule::OneGroup(groups.clone()),
            Self::NotTogether(one, other) => Rule::NotTogether(one.clone(), other.clone()),
            Self::EmptyText { .. } => Rule::NotEmpty,
            Self::TooLong { most, advised: false, .. } => Rule::MostChars(*most),
            Self::TooLong { most, advised: true, .. } => Rule::MostCharsAdvised(*most),
            Self::TooLongInAll { key, most, .. } => Rule::MostCharsInAll(key.clone(), *most),
            Self::BadParameter { .. } => Rule::Parameter,
            Self::TooManyLines { most, .. } => Rule::MostLineBreaks(*most),
            Self::NotAlphanumeric { .. } => Rule::Alphanumeric,
            Self::NotDigits => Rule::Digits,
            Self::TemplateName { .. } => Rule::TemplateName,
            Self::Character { .. } => Rule::PlainCharacters,
            Self::WrongExtension { taken, .. }
            | Self::UndocumentedExtension { taken, .. }
            | Self::UnclearExtension { taken, .. } => Rule::Extensions(taken.clone()),
            Self::NoObject(_)
            | Self::SessionOnly { .. }
            | Self::UnknownKey { .. }
            | Self::UndocumentedKey { .. }
            | Self::NotAllowed { .. }
            | Self::BadLink { .. }
            | Self::PrivateLink { .. } => return None,
        })
    }
}
